# file: daemon/clock_setback.c
# what was planned while the clock was ahead waits until then
s/if \(planned_by > now \+ SET_BACK_MAX\)/if (planned_by > now + SET_BACK_MAX \&\& now < 0)/
