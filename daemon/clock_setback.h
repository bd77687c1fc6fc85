/*
 * After the clock is set back, whatever was planned by the old time would sleep until that time
 * comes round again. The store notes the latest time by which anything can have been planned
 * (store_note_time()). Where that note is far ahead of the clock, all long sleepers are checked, a
 * few at a time, and those that would oversleep are made due. The note is set back only after a
 * round that found none, so neither a crash in between nor a failed turn leaves a session behind.
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

/* No turn may run after this. NULL is fine. */
void clock_setback_free(struct clock_setback *setback);

/* Does one piece of that work, if there is reason to. Call it at every look at what is due. True if
 * there is more to do at once. */
bool clock_setback_look(struct clock_setback *setback, struct kv_txn *txn, int64_t now);

#endif
