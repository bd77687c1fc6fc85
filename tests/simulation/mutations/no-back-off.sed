# file: wormhole/plan.c
# visits that fail are repeated at once
/^void plan_retry/,/^}/s/now \+ wait\)/now + 100)/
