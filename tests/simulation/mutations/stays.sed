# file: wormhole/plan.c
# a visit never leaves
s/ \|\| rule_now\(step\)->interval != 0\)/)/
