/*
 * A pretend clock, and what is to happen when. All of the program sees this clock: it stands still
 * while anything is computed, and jumps to the next thing that is due.
 */
#ifndef SIMULATION_TIMELINE_H
#define SIMULATION_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#define TIMELINE_SECOND ((int64_t)1000)
#define TIMELINE_MINUTE (60 * TIMELINE_SECOND)
#define TIMELINE_HOUR   (60 * TIMELINE_MINUTE)
#define TIMELINE_DAY    (24 * TIMELINE_HOUR)

/* Forgets all that was to come; it is the beginning. */
void timeline_begin(void);

/* ms since the beginning. */
int64_t timeline_now(void);

/* What whoever asks for the time of day sees from now on, more or less than it is; ms. */
void timeline_set_error(int64_t error);

/* Calls `happen` with `arg` in `ms` from now; what is due at the same time comes in the order in
 * which it was asked for. Nothing can be taken back: `happen` must know whether `arg` still holds.
 */
void timeline_after(int64_t ms, void (*happen)(void *arg), void *arg);

/* When the next of these is due; INT64_MAX: there is none. */
int64_t timeline_next(void);

/* Goes on to `when`, which is not past timeline_next(), and lets what is due then happen. */
void timeline_go(int64_t when);

#endif
