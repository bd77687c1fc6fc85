/*
 * All rows of a store as they are at one moment, read over many turns of the event loop while the
 * store goes on changing: for backups.
 *
 * As long as there is a snapshot, LMDB uses no page again that it still shows, so the file grows by
 * what is written meanwhile; and the map cannot be moved under it. Nobody's data may have to wait
 * for a backup: when the store needs the room, or a larger map, it takes the snapshot away. So it
 * does when the file has grown too much for it, which would not shrink again: a reader has as long
 * as it likes, as long as little is written.
 */
#ifndef KV_SNAPSHOT_H
#define KV_SNAPSHOT_H

#include "kv/table.h"

struct kv_snapshot;

/* Of what is durable now. One at a time: KV_LOCKED. KV_NEWER if a newer program has added tables
 * that this one does not know. The store must outlive it. New; kv_snapshot_end(). */
enum kv_status kv_snapshot_begin(struct kv *store, struct kv_snapshot **ret_snapshot);

/* True if the store has taken it away: what it has lent is gone. */
bool kv_snapshot_gone(const struct kv_snapshot *snapshot);

/* True if that was because the file had grown too much meanwhile. */
bool kv_snapshot_outgrown(const struct kv_snapshot *snapshot);

/* The next row, table by table in the order of the kind, by key in each. Borrowed until the store
 * takes the snapshot away. KV_MISSING: that was the last; KV_FAILED, KV_DAMAGED: it cannot be read,
 * or is gone. */
enum kv_status kv_snapshot_next(struct kv_snapshot *snapshot, unsigned *ret_table, MDB_val *ret_key,
                                MDB_val *ret_value);

void kv_snapshot_end(struct kv_snapshot *snapshot); /* NULL is fine */

#endif
