# file: wormhole/closing.c
# who closes does not send what is queued first
s/RESULT_HAPPY, true/RESULT_HAPPY, false/
