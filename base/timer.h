/* libevent's timers, set in the units of base/clock.h. */
#ifndef BASE_TIMER_H
#define BASE_TIMER_H

#include <stdint.h>
#include <sys/time.h>

struct event;

/*
 * Arms `timer` for a moment of the wall clock, in ms. It may fire up to a minute before that
 * moment, and then must be armed again: libevent's own clock stands still during a suspend, so no
 * wait is longer than that.
 */
void timer_arm(struct event *timer, int64_t when);

/* A duration in ms, negative ones as 0, in libevent's form. */
struct timeval timer_interval(int64_t ms);

#endif
