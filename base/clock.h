/* The clocks. Sessions outlive suspends and restarts, so their times are those of the wall clock;
 * timeouts are measured with a clock that never jumps. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* The wall clock: milliseconds since the epoch. */
int64_t clock_now(void);

/* Milliseconds, or microseconds, since some moment in the past. Never goes back, and stands still
 * while the machine is suspended. */
int64_t clock_monotonic(void);
int64_t clock_monotonic_us(void);

#endif
