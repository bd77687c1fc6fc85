# file: wormhole/plan.c
# a visit does not leave, although the schedule says so
s/ \|\| rule_now\(step\)->interval != 0\)/)/
