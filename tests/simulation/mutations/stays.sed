# file: wormhole/plan.c
# a visit does not leave, although the schedule says so
s/ \|\| \(!scheduled && !step->context->attended\)\)/)/
s/scheduled \? (schedule_rule_left\(&session->schedule, elapsed\(step\)\)) : ATTENDED_LOOK/\1/
