/* A wall clock that leaps: when to believe it. */
#ifndef BASE_CLOCK_WATCH_H
#define BASE_CLOCK_WATCH_H

#include <stdint.h>

/* No time before this (2020-01-01) is right: a clock that says so has not been set yet. */
#define CLOCK_PLAUSIBLE INT64_C(1577836800000)
/* How long a wall clock that has leapt is doubted, ms: one that comes back soon has meant nothing,
 * and one that stays was set. */
#define CLOCK_DOUBT_MAX ((int64_t)30 * 1000)
/* How often one that is doubted must be looked at, ms; whoever does so later doubts it for longer.
 */
#define CLOCK_DOUBT_LOOK 1000

/*
 * Compares the wall clock with the time that has passed since the last look, a suspend included.
 * Where they disagree, the clock has leapt, and may come back: what cannot be undone must not be
 * decided by it until then. All zero: has not looked yet, and believes the clock.
 */
struct clock_watch {
    int64_t doubt;         /* to doubt it for less than CLOCK_DOUBT_MAX, ms; 0: not */
    int64_t wall, boot;    /* at the last look */
    int64_t doubted_until; /* by the time since the machine started */
};

/* Looks. Until when the clock is doubted, by itself; not after the time that it shows now: it is
 * believed. */
int64_t clock_doubted_until(struct clock_watch *watch);

#endif
