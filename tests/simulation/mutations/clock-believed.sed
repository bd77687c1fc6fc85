# file: daemon/scheduler.c
# what was planned while the clock was ahead waits until then
s/if \(scheduler->doubts\)/if (scheduler->doubts \&\& now < 0)/
