# file: wormhole/closing.c
# who has waited in vain says that all went well
/^static void give_up/,/^}/s/closing_peacefully\(step, &reasons\)/closing_begin(step, RESULT_HAPPY, false, reasons.alone)/
