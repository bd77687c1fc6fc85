# file: wormhole/schedule.c
# a rule takes effect only after the next visit by the old one
# unit: test-schedule
s/if \(rule == last \|\| wait <= rule\[1\]\.when - elapsed\)/if (wait >= 0)/
