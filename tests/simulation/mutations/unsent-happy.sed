# file: wormhole/closing.c
# messages that were not sent are not mentioned in the end
# unit: test-session
s/^    admit_unsent\(step\);//
