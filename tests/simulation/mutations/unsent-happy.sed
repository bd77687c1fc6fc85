# file: wormhole/closing.c
# what was not sent is not admitted in the end
# unit: test-session
s/^    admit_unsent\(step\);//
