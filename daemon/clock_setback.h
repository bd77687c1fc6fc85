/*
 * When the clock is set back, what was planned by the old time would sleep until that time comes
 * again. The store notes the latest time by which anything can have been planned
 * (store_note_time()). Where that note is far ahead of the clock, all sessions that sleep for long
 * are checked, a few at a time, and those that would oversleep are made due. The note goes back
 * only after a round in which there were none: so neither a crash in between nor a turn that failed
 * leaves a session behind.
 */
#ifndef DAEMON_CLOCK_SETBACK_H
#define DAEMON_CLOCK_SETBACK_H

#include <stdbool.h>
#include <stdint.h>

struct clock_setback;
struct kv_txn;
struct turns;

/* New; clock_setback_free(). NULL when out of memory. */
struct clock_setback *clock_setback_new(struct turns *turns);

/* No turn may run any more. NULL is fine. */
void clock_setback_free(struct clock_setback *setback);

/* Does a piece of that, if there is reason to; to be called at every look at what is due. True if
 * there is more to do at once. */
bool clock_setback_look(struct clock_setback *setback, struct kv_txn *txn, int64_t now);

#endif
