/* The wall clock: sessions live through suspends and restarts, so their times are of the calendar,
 * not of the process. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct event;

/* Milliseconds since the epoch. */
int64_t clock_now(void);

/*
 * Arms a timer of libevent for a moment of the wall clock, in ms. It may ring up to that moment
 * early, and then must be armed again: libevent's own clock stands still in a suspend, so no nap is
 * longer than a minute.
 */
void clock_arm(struct event *timer, int64_t when);

#endif
