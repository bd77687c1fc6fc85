# file: wormhole/closing.c
# a session that nobody joined before its deadline ends happily
/^static void give_up/,/^}/s/closing_peacefully\(step, &reasons\)/closing_begin(step, RESULT_HAPPY, false, reasons.alone)/
