#include "config.h"

#include "kv/kv_parts.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/fault.h"

/* ---- errors ---- */

enum kv_status kv_fail(struct kv_txn *txn, enum kv_status status)
{
    if (txn->status == KV_OK)
        txn->status = status;
    return txn->status;
}

/* True if there was no error; a missing row does not count as one. */
static bool done(struct kv_txn *txn, int error)
{
    if (error != MDB_SUCCESS && error != MDB_NOTFOUND) {
        txn->store->error = error;
        kv_fail(txn, kv_status_of(error));
    }
    return error == MDB_SUCCESS;
}

void kv_lend(struct kv_txn *txn, uint8_t *data, size_t length)
{
    if (txn->lent != NULL)
        sodium_memzero(txn->lent, txn->lent_length);
    free(txn->lent);
    txn->lent = data;
    txn->lent_length = length;
}

bool kv_keep(struct kv_txn *txn, void *memory)
{
    void **kept = realloc(txn->kept, (txn->kept_count + 1) * sizeof(*kept));
    if (kept == NULL) {
        kv_fail(txn, KV_MEMORY);
        free(memory);
        return false;
    }
    kept[txn->kept_count++] = memory;
    txn->kept = kept;
    return true;
}

/* ---- life ---- */

/* Stands for a transaction when there is no memory for one. */
static struct kv_txn no_memory = {.status = KV_MEMORY};

static int begin(struct kv *store, bool writes, MDB_txn **ret_txn)
{
    int error = store->env == NULL /* it could not be opened again */
                    ? MDB_PANIC
                    : mdb_txn_begin(store->env, NULL, writes ? 0 : MDB_RDONLY, ret_txn);

    if (error == MDB_READERS_FULL) {
        /* Frees the slots of readers that died without releasing them. */
        mdb_reader_check(store->env, NULL);
        error = mdb_txn_begin(store->env, NULL, MDB_RDONLY, ret_txn);
    }
    if (error == MDB_PANIC && store->readers == 0) {
        /* The last commit could not write its meta page. LMDB has restored the old one, and needs
         * to be opened anew. */
        error = kv_env_restart(store)
                    ? mdb_txn_begin(store->env, NULL, writes ? 0 : MDB_RDONLY, ret_txn)
                    : kv_file_obstacle(store->directory);
    }
    return error;
}

struct kv_txn *kv_txn_begin(struct kv *store, bool writes)
{
    struct kv_txn *txn = calloc(1, sizeof(*txn));
    if (txn == NULL)
        return &no_memory;
    txn->store = store;
    txn->writes = writes;

    int error = begin(store, writes, &txn->txn);
    if (error != MDB_SUCCESS) {
        txn->txn = NULL;
        store->error = error;
        kv_fail(txn, kv_status_of(error));
    } else if (!writes) {
        store->readers++;
    }
    return txn;
}

struct kv_txn *kv_read(struct kv *store)
{
    return kv_txn_begin(store, false);
}

void kv_end(struct kv_txn *txn)
{
    if (txn == NULL || txn == &no_memory)
        return;
    if (txn->txn != NULL) {
        mdb_txn_abort(txn->txn);
        if (!txn->writes)
            txn->store->readers--;
    }
    if (txn->writes && txn->status != KV_OK && txn->store->error != 0)
        txn->store->trouble = txn->store->error;
    if (txn->store->extra != NULL && txn->store->kind->extra->end != NULL)
        txn->store->kind->extra->end(txn->store->extra);
    kv_lend(txn, NULL, 0);
    for (size_t i = 0; i < txn->kept_count; i++)
        free(txn->kept[i]);
    free(txn->kept);
    free(txn);
}

enum kv_status kv_txn_status(const struct kv_txn *txn)
{
    return txn->status;
}

struct kv *kv_txn_store(const struct kv_txn *txn)
{
    return txn->store;
}

enum kv_status kv_txn_commit(struct kv_txn *txn)
{
    if (txn->status == KV_OK && txn->writes) {
        /* The commit frees it even when it fails. */
        FAULT_POINT("store.commit.before");
        int error = mdb_txn_commit(txn->txn);
        txn->store->error = error;
        kv_fail(txn, kv_status_of(error));
        FAULT_POINT("store.commit.after");
        txn->txn = NULL;
    }
    enum kv_status status = txn->status;
    kv_end(txn);
    return status;
}

/* ---- rows ---- */

static MDB_val key_value(const struct kv_key *key)
{
    /* LMDB does not write through it. */
    return (MDB_val){.mv_size = key->length, .mv_data = (void *)key->bytes};
}

bool kv_get(struct kv_txn *txn, unsigned table, const struct kv_key *key, MDB_val *ret_value)
{
    MDB_val wanted = key_value(key);
    return txn->status == KV_OK &&
           done(txn, mdb_get(txn->txn, txn->store->tables[table], &wanted, ret_value));
}

/* NULL if there was an error. mdb_cursor_close(). */
static MDB_cursor *open_cursor(struct kv_txn *txn, unsigned table)
{
    MDB_cursor *cursor;
    if (txn->status != KV_OK ||
        !done(txn, mdb_cursor_open(txn->txn, txn->store->tables[table], &cursor)))
        return NULL;
    return cursor;
}

bool kv_seek(struct kv_txn *txn, unsigned table, const struct kv_key *key, MDB_val *ret_key,
             MDB_val *ret_value)
{
    MDB_cursor *cursor = open_cursor(txn, table);
    if (cursor == NULL)
        return false;
    MDB_val found = key_value(key), value;
    bool there = done(txn, mdb_cursor_get(cursor, &found, &value, MDB_SET_RANGE));
    mdb_cursor_close(cursor);
    if (there) {
        *ret_key = found;
        *ret_value = value;
    }
    return there;
}

void kv_put(struct kv_txn *txn, unsigned table, const struct kv_key *key, const void *data,
            size_t length)
{
    MDB_val place = key_value(key);
    MDB_val value = {.mv_size = length, .mv_data = (void *)data};
    if (txn->status == KV_OK)
        done(txn, mdb_put(txn->txn, txn->store->tables[table], &place, &value, 0));
}

void kv_append(struct kv_txn *txn, unsigned table, const struct kv_key *key, const void *data,
               size_t length)
{
    MDB_val place = key_value(key);
    MDB_val value = {.mv_size = length, .mv_data = (void *)data};
    if (txn->status != KV_OK)
        return;
    int error = mdb_put(txn->txn, txn->store->tables[table], &place, &value, MDB_APPEND);
    if (error == MDB_KEYEXIST)
        kv_fail(txn, KV_DAMAGED);
    else
        done(txn, error);
}

uint8_t *kv_reserve(struct kv_txn *txn, unsigned table, const struct kv_key *key, size_t length)
{
    MDB_val place = key_value(key), value = {.mv_size = length};
    if (txn->status != KV_OK ||
        !done(txn, mdb_put(txn->txn, txn->store->tables[table], &place, &value, MDB_RESERVE)))
        return NULL;
    return value.mv_data;
}

void kv_delete(struct kv_txn *txn, unsigned table, const struct kv_key *key)
{
    MDB_val place = key_value(key);
    if (txn->status == KV_OK)
        done(txn, mdb_del(txn->txn, txn->store->tables[table], &place, NULL));
}

/* A walk from one key to another. */
struct kv_range {
    struct kv_txn *txn;
    MDB_dbi table;
    MDB_cursor *cursor; /* NULL: it is over */
    MDB_val key, value;
    MDB_val last;
};

/* True while there is a row in the range; MDB_NEXT moves to the next one. */
static bool range_get(struct kv_range *range, MDB_cursor_op where)
{
    return done(range->txn, mdb_cursor_get(range->cursor, &range->key, &range->value, where)) &&
           mdb_cmp(range->txn->txn, range->table, &range->key, &range->last) <= 0;
}

/* True if there is a first row. mdb_cursor_close() if there is a cursor. */
static bool range_begin(struct kv_range *range, struct kv_txn *txn, unsigned table,
                        const struct kv_key *first, const struct kv_key *last)
{
    *range = (struct kv_range){
        .txn = txn,
        .table = txn->status == KV_OK ? txn->store->tables[table] : 0,
        .cursor = open_cursor(txn, table),
        .key = key_value(first),
        .last = key_value(last),
    };
    return range->cursor != NULL && range_get(range, MDB_SET_RANGE);
}

static void range_end(struct kv_range *range)
{
    if (range->cursor != NULL)
        mdb_cursor_close(range->cursor);
}

uint64_t kv_delete_some(struct kv_txn *txn, unsigned table, const struct kv_key *first,
                        const struct kv_key *last, uint64_t most)
{
    struct kv_range range;
    uint64_t deleted = 0;
    bool there = range_begin(&range, txn, table, first, last);

    while (there && deleted < most && done(txn, mdb_cursor_del(range.cursor, 0))) {
        deleted++;
        /* After a deletion the cursor stands before the next row. */
        there = range_get(&range, MDB_NEXT);
    }
    range_end(&range);
    return deleted;
}

void kv_delete_range(struct kv_txn *txn, unsigned table, const struct kv_key *first,
                     const struct kv_key *last)
{
    kv_delete_some(txn, table, first, last, UINT64_MAX);
}

void kv_walk(struct kv_txn *txn, unsigned table, const struct kv_key *first,
             const struct kv_key *last, kv_visit_row *look, void *arg)
{
    struct kv_range range;
    bool there = range_begin(&range, txn, table, first, last);

    while (there && look(arg, &range.key, &range.value))
        there = range_get(&range, MDB_NEXT);
    range_end(&range);
}

uint64_t kv_count(struct kv_txn *txn, unsigned table)
{
    MDB_stat stat;
    if (txn->status != KV_OK || !done(txn, mdb_stat(txn->txn, txn->store->tables[table], &stat)))
        return 0;
    return stat.ms_entries;
}

/* ---- numbers in `meta` ---- */

bool kv_get_number(struct kv_txn *txn, const char *name, uint64_t *ret_number)
{
    return txn->status == KV_OK &&
           done(txn, kv_meta_get(txn->txn, txn->store->tables[KV_TABLE_META], name, ret_number));
}

void kv_put_number(struct kv_txn *txn, const char *name, uint64_t number)
{
    if (txn->status == KV_OK)
        done(txn, kv_meta_put(txn->txn, txn->store->tables[KV_TABLE_META], name, number));
}
