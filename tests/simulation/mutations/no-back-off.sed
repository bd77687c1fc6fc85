# file: wormhole/plan.c
# visits that fail are repeated at once
/^void plan_retry/,/^}/s/jittered\(step, wait\)/(wait > 0 ? 100 : 0)/
