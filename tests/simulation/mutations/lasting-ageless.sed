# file: wormhole/lasting.c
# keys are used for ever where little is said
# unit: test-lasting
s/\(has_messages\(session\) && age\(step\) >= EPOCH_AGE_MAX\)/false/
