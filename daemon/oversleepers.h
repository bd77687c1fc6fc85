/*
 * When the clock was set back, what was planned by the time that was would sleep until that time
 * comes again. The store's note (store_note_time()) is the latest time by which anything can have
 * been planned. Where it is far ahead of the clock, all who sleep for long are gone over, a piece
 * at a time, and those who oversleep are made due. Only after a round in which nobody did does the
 * note go back: so neither a crash in between nor a turn that failed leaves anybody behind.
 */
#ifndef DAEMON_OVERSLEEPERS_H
#define DAEMON_OVERSLEEPERS_H

#include <stdbool.h>
#include <stdint.h>

struct oversleepers;
struct store_txn;
struct turns;

/* New; oversleepers_free(). NULL when out of memory. */
struct oversleepers *oversleepers_new(struct turns *turns);

/* No turn may run any more. NULL is fine. */
void oversleepers_free(struct oversleepers *oversleepers);

/* Does a piece of that, if there is reason to; to be called at every look at what is due. True if
 * there is more to do at once. */
bool oversleepers_look(struct oversleepers *oversleepers, struct store_txn *txn, int64_t now);

#endif
