/*
 * Private to state/: whose key stands in which slot of the file `keys`. A session's row names its
 * slot; the table `slots` has those that are nobody's any more:
 *
 *     (SLOT_OLD, slot)    its key must still be replaced, or has been since the last commit
 *     (SLOT_FRESH, slot)  may be used again
 *
 * and `meta` counts those that were ever used. A slot is let go in the transaction that deletes
 * what its key sealed; its key is replaced when that transaction is durable, not before, or a crash
 * would lose a session; and the next transaction makes it SLOT_FRESH. After a crash in between it
 * is still SLOT_OLD, and its key replaced again.
 */
#ifndef STATE_SLOTS_H
#define STATE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "kv/table.h"

struct keyfile;

/* The keys beside the sessions' store. Opening replaces those that a crash has left; that the disk
 * refuses this is no error: see slots_forget(). */
extern const struct kv_extra slots_extra;

/* The keys of an open store. Borrowed. */
struct keyfile *slots_vault(const struct kv *store);

/* A slot with a key that has never sealed anything that is durable. */
enum kv_status slots_take(struct kv_txn *txn, uint32_t *ret_slot);

/* Its key is replaced when the transaction is durable. */
void slots_drop(struct kv_txn *txn, uint32_t slot);

/* False if keys that are to be replaced could not be. */
bool slots_forget(const struct kv *store);

#endif
