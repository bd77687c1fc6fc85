#include "config.h"

#include "lmdb/lmdb.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fault/fault.h"
#include "lmdb/env.h"

/* ---- errors ---- */

static const struct {
    int error;
    enum store_status status;
} statuses[] = {
    {MDB_SUCCESS, STORE_OK},
    {MDB_NOTFOUND, STORE_MISSING},
    {MDB_MAP_FULL, STORE_FULL},
    {ENOSPC, STORE_FULL},
    {EDQUOT, STORE_FULL},
    {EFBIG, STORE_FULL},
    {MDB_INVALID, STORE_DAMAGED},
    {MDB_VERSION_MISMATCH, STORE_DAMAGED},
    {MDB_CORRUPTED, STORE_DAMAGED},
    {MDB_PAGE_NOTFOUND, STORE_DAMAGED},
    {MDB_INCOMPATIBLE, STORE_DAMAGED},
    {EACCES, STORE_DENIED},
    {EPERM, STORE_DENIED},
    {EROFS, STORE_DENIED},
    {ENOMEM, STORE_MEMORY},
};

enum store_status lmdb_status(int error)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].error == error)
            return statuses[i].status;
    return STORE_FAILED;
}

enum store_status lmdb_fail(struct store_txn *txn, enum store_status status)
{
    if (txn->status == STORE_OK)
        txn->status = status;
    return txn->status;
}

/* True if there was no error; a missing row is none. */
static bool done(struct store_txn *txn, int error)
{
    if (error != MDB_SUCCESS && error != MDB_NOTFOUND)
        lmdb_fail(txn, lmdb_status(error));
    return error == MDB_SUCCESS;
}

void lmdb_lend(struct store_txn *txn, uint8_t *data, size_t length)
{
    if (txn->lent != NULL)
        sodium_memzero(txn->lent, txn->lent_length);
    free(txn->lent);
    txn->lent = data;
    txn->lent_length = length;
}

/* ---- life ---- */

/* Stands for a transaction when there is no memory for one. */
static struct store_txn no_memory = {.status = STORE_MEMORY};

static int begin(struct store *store, bool writes, MDB_txn **ret_txn)
{
    int error = mdb_txn_begin(store->env, NULL, writes ? 0 : MDB_RDONLY, ret_txn);

    if (error == MDB_READERS_FULL) {
        /* Slots of readers that died without saying so. */
        mdb_reader_check(store->env, NULL);
        error = mdb_txn_begin(store->env, NULL, MDB_RDONLY, ret_txn);
    }
    if (error == MDB_PANIC && store->readers == 0 && env_restart(store)) {
        /* The last commit could not write its meta page. LMDB has put the old one back, and wants
         * to be opened anew. */
        error = mdb_txn_begin(store->env, NULL, writes ? 0 : MDB_RDONLY, ret_txn);
    }
    return error;
}

struct store_txn *lmdb_begin(struct store *store, bool writes)
{
    struct store_txn *txn = calloc(1, sizeof(*txn));
    if (txn == NULL)
        return &no_memory;
    txn->store = store;
    txn->writes = writes;

    int error = begin(store, writes, &txn->txn);
    if (error != MDB_SUCCESS) {
        txn->txn = NULL;
        lmdb_fail(txn, lmdb_status(error));
    } else if (!writes) {
        store->readers++;
    }
    return txn;
}

void lmdb_end(struct store_txn *txn)
{
    if (txn == NULL || txn == &no_memory)
        return;
    if (txn->txn != NULL) {
        mdb_txn_abort(txn->txn);
        if (!txn->writes)
            txn->store->readers--;
    }
    lmdb_lend(txn, NULL, 0);
    free(txn);
}

enum store_status lmdb_commit(struct store_txn *txn)
{
    if (txn->status == STORE_OK && txn->writes) {
        /* The commit frees it even when it fails. */
        FAULT_POINT("store.commit.before");
        lmdb_fail(txn, lmdb_status(mdb_txn_commit(txn->txn)));
        FAULT_POINT("store.commit.after");
        txn->txn = NULL;
    }
    enum store_status status = txn->status;
    lmdb_end(txn);
    return status;
}

/* ---- rows ---- */

static MDB_val key_value(const struct row_key *key)
{
    /* LMDB does not write through it. */
    return (MDB_val){.mv_size = key->length, .mv_data = (void *)key->bytes};
}

bool lmdb_get(struct store_txn *txn, unsigned table, const struct row_key *key, MDB_val *ret_value)
{
    MDB_val wanted = key_value(key);
    return txn->status == STORE_OK &&
           done(txn, mdb_get(txn->txn, txn->store->tables[table], &wanted, ret_value));
}

/* NULL if there was an error. mdb_cursor_close(). */
static MDB_cursor *open_cursor(struct store_txn *txn, unsigned table)
{
    MDB_cursor *cursor;
    if (txn->status != STORE_OK ||
        !done(txn, mdb_cursor_open(txn->txn, txn->store->tables[table], &cursor)))
        return NULL;
    return cursor;
}

bool lmdb_seek(struct store_txn *txn, unsigned table, const struct row_key *key, MDB_val *ret_key,
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

void lmdb_put(struct store_txn *txn, unsigned table, const struct row_key *key, const void *data,
              size_t length)
{
    MDB_val place = key_value(key);
    MDB_val value = {.mv_size = length, .mv_data = (void *)data};
    if (txn->status == STORE_OK)
        done(txn, mdb_put(txn->txn, txn->store->tables[table], &place, &value, 0));
}

uint8_t *lmdb_reserve(struct store_txn *txn, unsigned table, const struct row_key *key,
                      size_t length)
{
    MDB_val place = key_value(key), value = {.mv_size = length};
    if (txn->status != STORE_OK ||
        !done(txn, mdb_put(txn->txn, txn->store->tables[table], &place, &value, MDB_RESERVE)))
        return NULL;
    return value.mv_data;
}

void lmdb_delete(struct store_txn *txn, unsigned table, const struct row_key *key)
{
    MDB_val place = key_value(key);
    if (txn->status == STORE_OK)
        done(txn, mdb_del(txn->txn, txn->store->tables[table], &place, NULL));
}

/* A walk from one key to another. */
struct range {
    struct store_txn *txn;
    MDB_dbi table;
    MDB_cursor *cursor; /* NULL: it is over */
    MDB_val key, value;
    MDB_val last;
};

/* True while there is a row in the range; the next one for MDB_NEXT. */
static bool range_get(struct range *range, MDB_cursor_op where)
{
    return done(range->txn, mdb_cursor_get(range->cursor, &range->key, &range->value, where)) &&
           mdb_cmp(range->txn->txn, range->table, &range->key, &range->last) <= 0;
}

/* True if there is a first row. mdb_cursor_close() if there is a cursor. */
static bool range_begin(struct range *range, struct store_txn *txn, unsigned table,
                        const struct row_key *first, const struct row_key *last)
{
    *range = (struct range){
        .txn = txn,
        .table = txn->status == STORE_OK ? txn->store->tables[table] : 0,
        .cursor = open_cursor(txn, table),
        .key = key_value(first),
        .last = key_value(last),
    };
    return range->cursor != NULL && range_get(range, MDB_SET_RANGE);
}

static void range_end(struct range *range)
{
    if (range->cursor != NULL)
        mdb_cursor_close(range->cursor);
}

uint64_t lmdb_delete_some(struct store_txn *txn, unsigned table, const struct row_key *first,
                          const struct row_key *last, uint64_t most)
{
    struct range range;
    uint64_t deleted = 0;
    bool there = range_begin(&range, txn, table, first, last);

    while (there && deleted < most && done(txn, mdb_cursor_del(range.cursor, 0))) {
        deleted++;
        /* After a deletion the cursor stands before what is next. */
        there = range_get(&range, MDB_NEXT);
    }
    range_end(&range);
    return deleted;
}

void lmdb_delete_range(struct store_txn *txn, unsigned table, const struct row_key *first,
                       const struct row_key *last)
{
    lmdb_delete_some(txn, table, first, last, UINT64_MAX);
}

void lmdb_walk(struct store_txn *txn, unsigned table, const struct row_key *first,
               const struct row_key *last, lmdb_look *look, void *arg)
{
    struct range range;
    bool there = range_begin(&range, txn, table, first, last);

    while (there && look(arg, &range.key, &range.value))
        there = range_get(&range, MDB_NEXT);
    range_end(&range);
}

uint64_t lmdb_count(struct store_txn *txn, unsigned table)
{
    MDB_stat stat;
    if (txn->status != STORE_OK || !done(txn, mdb_stat(txn->txn, txn->store->tables[table], &stat)))
        return 0;
    return stat.ms_entries;
}
