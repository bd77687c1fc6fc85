# file: wormhole/visit.c
# a crowded mailbox is tried again before a stock relay can have forgotten it
# unit: test-session
s/CROWDED_WAIT \+ step_random_below\(step, CROWDED_SPREAD\)/CROWDED_WAIT \/ 2/
