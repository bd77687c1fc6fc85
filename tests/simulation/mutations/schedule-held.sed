# file: wormhole/session.c
# a clock that was set back holds the schedule at its beginning
s/^    adopt_clock\(step\);/    (void)adopt_clock;/
