# file: wormhole/closing.c
# a closing session does not send what is queued
s/RESULT_HAPPY, true/RESULT_HAPPY, false/
