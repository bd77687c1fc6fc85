# file: daemon/clock_setback.c
# after a clock was set back, a planned visit waits for the old time
s/if \(planned_by > now \+ SET_BACK_MAX\)/if (planned_by > now + SET_BACK_MAX \&\& now < 0)/
