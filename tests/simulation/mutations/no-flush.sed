# file: wormhole/closing.c
# a closing session does not send what is queued
# unit: test-session
s/RESULT_HAPPY, true/RESULT_HAPPY, false/
