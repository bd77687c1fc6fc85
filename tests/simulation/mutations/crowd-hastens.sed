# file: wormhole/plan.c
# a crowded mailbox is tried again before a stock relay can have forgotten it
# unit: test-session
s/return CROWDED_WAIT \+ step_random_below\(step, CROWDED_SPREAD\)/(void)step;\n    return CROWDED_WAIT \/ 2/
