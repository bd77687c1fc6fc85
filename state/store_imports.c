#include "config.h"

#include <string.h>

#include "state/row.h"
#include "state/store.h"
#include "state/table.h"

/* A row: the exports number, and the deadline behind which no text of this session is taken. */
#define IMPORT_BYTES (2 * ROW_NUMBER_BYTES)

/* How many rows are looked at whenever one is put. Ids are random, so the table stays about as
 * large as there are imports whose deadline is still to come. */
#define SWEPT 8

static bool read_row(struct kv_txn *txn, const MDB_val *value, uint64_t *ret_exports,
                     int64_t *ret_deadline)
{
    const uint8_t *bytes = value->mv_data;
    if (value->mv_size != IMPORT_BYTES) {
        kv_fail(txn, KV_DAMAGED);
        return false;
    }
    *ret_exports = row_read_number(bytes);
    *ret_deadline = (int64_t)row_read_number(bytes + ROW_NUMBER_BYTES);
    return true;
}

enum kv_status store_get_import(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES],
                                uint32_t *ret_exports)
{
    struct row_key key = row_id(id);
    MDB_val value;
    uint64_t exports;
    int64_t deadline;
    if (!kv_get(txn, TABLE_IMPORTS, &key, &value) || !read_row(txn, &value, &exports, &deadline))
        return txn->status == KV_OK ? KV_MISSING : txn->status;
    *ret_exports = (uint32_t)exports;
    return KV_OK;
}

struct sweep {
    struct kv_txn *txn;
    int64_t now;
    unsigned looked, count;
    struct row_key passed[SWEPT];
};

static bool look(void *arg, const MDB_val *key, const MDB_val *value)
{
    struct sweep *found = arg;
    uint64_t exports;
    int64_t deadline;
    if (key->mv_size != SESSION_ID_BYTES || !read_row(found->txn, value, &exports, &deadline))
        return false;
    if (deadline < found->now)
        found->passed[found->count++] = row_id(key->mv_data);
    return ++found->looked < SWEPT;
}

/* From this id on, and from the first one when those are not enough. */
static void sweep(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES], int64_t now)
{
    static const uint8_t least[SESSION_ID_BYTES];
    uint8_t greatest[SESSION_ID_BYTES];
    struct sweep found = {.txn = txn, .now = now};
    memset(greatest, 0xff, sizeof(greatest));
    struct row_key here = row_id(id), first = row_id(least), last = row_id(greatest);

    kv_walk(txn, TABLE_IMPORTS, &here, &last, look, &found);
    if (found.looked < SWEPT)
        kv_walk(txn, TABLE_IMPORTS, &first, &here, look, &found);
    for (unsigned i = 0; i < found.count; i++)
        kv_delete(txn, TABLE_IMPORTS, &found.passed[i]);
}

void store_put_import(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES], uint32_t exports,
                      int64_t deadline, int64_t now)
{
    struct row_key key = row_id(id), number = row_number(exports);
    struct row_key until = row_number((uint64_t)deadline);
    uint8_t bytes[IMPORT_BYTES];
    memcpy(bytes, number.bytes, ROW_NUMBER_BYTES);
    memcpy(bytes + ROW_NUMBER_BYTES, until.bytes, ROW_NUMBER_BYTES);
    sweep(txn, id, now);
    kv_put(txn, TABLE_IMPORTS, &key, bytes, sizeof(bytes));
}
