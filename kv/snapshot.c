#include "config.h"

#include "kv/snapshot.h"

#include <stdlib.h>

#include "kv/kv_parts.h"

struct kv_snapshot {
    struct kv *store;
    MDB_txn *txn; /* NULL: the store has taken it away */
    MDB_cursor *cursor;
    unsigned table; /* of the cursor */
    uint64_t begun; /* how much of the file was in use */
    bool outgrown;
};

/* Newer tables are not among those that are read, and what is left out would be missed. */
static enum kv_status check_tables(const struct kv *store)
{
    MDB_stat stat;
    int error = mdb_env_stat(store->env, &stat);
    if (error != MDB_SUCCESS)
        return kv_status_of(error);
    return stat.ms_entries > store->kind->tables ? KV_NEWER : KV_OK;
}

enum kv_status kv_snapshot_begin(struct kv *store, struct kv_snapshot **ret_snapshot)
{
    if (store->env == NULL)
        return KV_FAILED;
    if (store->snapshot != NULL)
        return KV_LOCKED;
    enum kv_status status = check_tables(store);
    if (status != KV_OK)
        return status;
    struct kv_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot == NULL)
        return KV_MEMORY;
    snapshot->store = store;
    snapshot->begun = kv_space_used(store);
    kv_space_spread(store);
    int error = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &snapshot->txn);
    if (error == MDB_READERS_FULL) {
        mdb_reader_check(store->env, NULL);
        error = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &snapshot->txn);
    }
    if (error != MDB_SUCCESS) {
        free(snapshot);
        return kv_status_of(error);
    }
    store->snapshot = snapshot;
    *ret_snapshot = snapshot;
    return KV_OK;
}

bool kv_snapshot_gone(const struct kv_snapshot *snapshot)
{
    return snapshot->txn == NULL;
}

bool kv_snapshot_outgrown(const struct kv_snapshot *snapshot)
{
    return snapshot->outgrown;
}

enum kv_status kv_snapshot_next(struct kv_snapshot *snapshot, unsigned *ret_table, MDB_val *ret_key,
                                MDB_val *ret_value)
{
    const struct kv *store = snapshot->store;
    if (snapshot->txn == NULL)
        return KV_FAILED;
    while (snapshot->table < store->kind->tables) {
        bool begins = snapshot->cursor == NULL;
        int error = begins ? mdb_cursor_open(snapshot->txn, store->tables[snapshot->table],
                                             &snapshot->cursor)
                           : MDB_SUCCESS;
        if (error == MDB_SUCCESS)
            error =
                mdb_cursor_get(snapshot->cursor, ret_key, ret_value, begins ? MDB_FIRST : MDB_NEXT);
        if (error == MDB_SUCCESS)
            *ret_table = snapshot->table;
        if (error != MDB_NOTFOUND)
            return kv_status_of(error);
        mdb_cursor_close(snapshot->cursor);
        snapshot->cursor = NULL;
        snapshot->table++;
    }
    return KV_MISSING;
}

void kv_snapshot_take_away(struct kv *store)
{
    struct kv_snapshot *snapshot = store->snapshot;
    if (snapshot == NULL)
        return;
    if (snapshot->cursor != NULL)
        mdb_cursor_close(snapshot->cursor);
    mdb_txn_abort(snapshot->txn);
    snapshot->cursor = NULL;
    snapshot->txn = NULL;
    store->snapshot = NULL;
}

void kv_snapshot_limit(struct kv *store, uint64_t growth)
{
    struct kv_snapshot *snapshot = store->snapshot;
    if (snapshot == NULL || kv_space_used(store) <= snapshot->begun + growth)
        return;
    snapshot->outgrown = true;
    kv_snapshot_take_away(store);
}

void kv_snapshot_end(struct kv_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    if (snapshot->txn != NULL)
        kv_snapshot_take_away(snapshot->store);
    free(snapshot);
}
