/*
 * When the clock was set back, what was planned by the time that was would sleep until that time
 * comes again. The store's note (store_note_time()) is the latest time by which anything can have
 * been planned. Where it is far ahead of the clock, all who sleep for long are gone over, a piece
 * at a time, and those who oversleep are made due. Only after a round in which nobody did does the
 * note go back: so neither a crash in between nor a turn that failed leaves anybody behind.
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
void clock_setback_free(struct clock_setback *oversleepers);

/* Does a piece of that, if there is reason to; to be called at every look at what is due. True if
 * there is more to do at once. */
bool clock_setback_look(struct clock_setback *oversleepers, struct kv_txn *txn, int64_t now);

#endif
