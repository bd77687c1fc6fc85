# file: wormhole/plan.c
# a visit does not leave, although the schedule says so
s/bool scheduled = interval == 0;/bool scheduled = true;/
