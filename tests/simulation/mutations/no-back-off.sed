# file: wormhole/plan.c
# failed visits are repeated at once
/^void plan_retry/,/^}/s/now \+ wait\)/now + 100)/
