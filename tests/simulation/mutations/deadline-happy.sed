# file: wormhole/session.c
# who has waited in vain says that all went well
/^static void give_up/,/^}/s/ending_part\(step, &farewell\)/ending_begin(step, RESULT_HAPPY, false, farewell.alone)/
