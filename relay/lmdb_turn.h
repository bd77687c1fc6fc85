/*
 * Turns of the relay's LMDB store: all operations that were asked for since the last turn are done
 * in one transaction and share its commit. Only when that is durable, the feed and the callbacks
 * are called, in the order in which was asked.
 *
 * If it fails, nothing of it is there, and each operation is tried once more by itself, so that one
 * large message does not spoil what is beside it. On a full store that is still done what brings no
 * new data: reading, closing, releasing.
 */
#ifndef RELAY_LMDB_TURN_H
#define RELAY_LMDB_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/lmdb_op.h"
#include "relay/lmdb_store.h"

struct event;
struct event_base;

struct lmdb_turns {
    struct kv *store;
    struct relay_limits limits;
    relay_feed feed; /* or NULL */
    void *feed_arg;
    lmdb_store_trouble trouble; /* or NULL */
    void *trouble_arg;
    uint64_t commits, commit_microseconds;

    struct event *runner;
    bool running;  /* a turn is under way */
    bool sweeping; /* a sweep is in the queue */
    bool ending;
    struct lmdb_queue queue;    /* asked */
    struct lmdb_queue finished; /* done, but not yet told */
};

/* `store` is borrowed. False when out of memory. lmdb_turn_end(). */
bool lmdb_turn_begin(struct lmdb_turns *turns, struct event_base *base, struct kv *store);

/* Does what is queued, without telling anybody, and lets go of everything but the store. */
void lmdb_turn_end(struct lmdb_turns *turns);

/* Takes the operation over. Its callback comes after this has returned. */
void lmdb_turn_submit(struct lmdb_turns *turns, struct lmdb_op *op);

/* Nobody is called with this arg any more. */
void lmdb_turn_forget(struct lmdb_turns *turns, const void *arg);

#endif
