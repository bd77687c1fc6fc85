#include "config.h"

#include "state/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kv/header.h"
#include "kv/meta.h"
#include "kv/open_error.h"
#include "state/row.h"
#include "state/table.h"
#include "state/keyfile.h"

enum { SLOT_OLD = 0, SLOT_FRESH };

/* store->extra */
struct slots {
    struct keyfile *vault;
    bool dropped;     /* slots were let go in the transaction that is under way */
    bool replaced;    /* what is SLOT_OLD has new keys */
    bool unforgotten; /* … some of it could not get them */
};

struct keyfile *slots_vault(const struct kv *store)
{
    const struct slots *slots = store->extra;
    return slots->vault;
}

bool slots_forget(const struct kv *store)
{
    const struct slots *slots = store->extra;
    return !slots->unforgotten;
}

static bool is_row(const MDB_val *key)
{
    return key->mv_size == ROW_FREE_BYTES;
}

static uint32_t slot_of(const MDB_val *key)
{
    const uint8_t *bytes = key->mv_data;
    return row_read_slot(bytes + ROW_FREE_BYTES - ROW_SLOT_BYTES);
}

/* ---- taking and letting go ---- */

/* True if there was one that may be used again. */
static bool take_fresh(struct kv_txn *txn, uint32_t *ret_slot)
{
    struct row_key first = row_free(SLOT_FRESH, 0);
    MDB_val found, value;
    if (!kv_seek(txn, TABLE_SLOTS, &first, &found, &value))
        return false;
    if (!is_row(&found)) {
        kv_fail(txn, KV_DAMAGED);
        return false;
    }
    *ret_slot = slot_of(&found);
    first = row_free(SLOT_FRESH, *ret_slot);
    kv_delete(txn, TABLE_SLOTS, &first);
    return txn->status == KV_OK;
}

/* One that was never used. */
static enum kv_status take_new(struct kv_txn *txn, uint32_t *ret_slot)
{
    uint64_t used = 0;
    int error = meta_get(txn->txn, txn->store->tables[TABLE_META], META_SLOTS, &used);
    if (error == MDB_SUCCESS && used > UINT32_MAX)
        error = MDB_CORRUPTED;
    if (error == MDB_SUCCESS)
        kv_fail(txn, keyfile_grow(slots_vault(txn->store), used));
    if (error == MDB_SUCCESS && txn->status == KV_OK)
        error = meta_put(txn->txn, txn->store->tables[TABLE_META], META_SLOTS, used + 1);
    *ret_slot = (uint32_t)used;
    return kv_fail(txn, error == MDB_NOTFOUND ? KV_DAMAGED : kv_status_of(error));
}

enum kv_status slots_take(struct kv_txn *txn, uint32_t *ret_slot)
{
    if (txn->status != KV_OK || take_fresh(txn, ret_slot))
        return txn->status;
    return txn->status == KV_OK ? take_new(txn, ret_slot) : txn->status;
}

void slots_drop(struct kv_txn *txn, uint32_t slot)
{
    struct row_key key = row_free(SLOT_OLD, slot);
    kv_put(txn, TABLE_SLOTS, &key, NULL, 0);
    if (txn->status == KV_OK)
        ((struct slots *)txn->store->extra)->dropped = true;
}

/* ---- replacing ---- */

struct replacing {
    struct keyfile *keys;
    unsigned count;
    bool failed;
};

static bool replace(void *arg, const MDB_val *key, const MDB_val *value)
{
    struct replacing *replacing = arg;
    (void)value;
    replacing->count++;
    replacing->failed |= !is_row(key) || !keyfile_replace(replacing->keys, slot_of(key));
    return !replacing->failed;
}

/* All that are SLOT_OLD. An error is one of reading which they are. */
static enum kv_status replace_old(struct kv *store)
{
    struct slots *slots = store->extra;
    struct replacing replacing = {.keys = slots->vault};
    struct row_key first = row_free(SLOT_OLD, 0), last = row_free(SLOT_OLD, UINT32_MAX);
    struct kv_txn *txn = kv_txn_begin(store, false);
    kv_walk(txn, TABLE_SLOTS, &first, &last, replace, &replacing);
    enum kv_status status = txn->status;
    replacing.failed |= status != KV_OK;
    kv_txn_end(txn);
    if (!replacing.failed && replacing.count > 0)
        replacing.failed = !keyfile_sync(slots->vault);
    slots->unforgotten = replacing.failed;
    slots->replaced = !replacing.failed && replacing.count > 0;
    return status;
}

/* Those that were replaced may be used again. */
static void renew(struct kv_txn *txn)
{
    struct row_key first = row_free(SLOT_OLD, 0);
    MDB_val found, value;
    while (kv_seek(txn, TABLE_SLOTS, &first, &found, &value)) {
        const uint8_t *bytes = found.mv_data;
        if (!is_row(&found) || bytes[0] != SLOT_OLD)
            return;
        uint32_t slot = slot_of(&found);
        struct row_key old = row_free(SLOT_OLD, slot), fresh = row_free(SLOT_FRESH, slot);
        kv_delete(txn, TABLE_SLOTS, &old);
        kv_put(txn, TABLE_SLOTS, &fresh, NULL, 0);
    }
}

static void begin(struct kv_txn *txn)
{
    struct slots *slots = txn->status == KV_OK ? txn->store->extra : NULL;
    if (slots == NULL)
        return;
    slots->dropped = false;
    if (slots->replaced)
        renew(txn);
}

static void settle(struct kv *store)
{
    struct slots *slots = store->extra;
    slots->replaced = false; /* begin() has made them SLOT_FRESH, durably now */
    if (slots->dropped || slots->unforgotten)
        replace_old(store);
    slots->dropped = false;
}

static bool removed(const struct kv *store)
{
    return keyfile_deleted(slots_vault(store));
}

/* ---- making ---- */

/* Where a new file of keys is made. */
#define NEW_KEYS VAULT_FILE ".new"

static enum kv_status may_make(const struct kv *store, const struct open_error *why)
{
    if (!keyfile_in_use(store->directory))
        return KV_OK;
    return open_error_set(
        why, KV_DAMAGED,
        "%s/%s is missing, but there is %s, without which no copy of it can be read. "
        "Put the copy back that belongs to it, or move %s away to begin anew",
        store->path, HEADER_FILE, VAULT_FILE, VAULT_FILE);
}

static int make(const struct kv *store, MDB_txn *txn, MDB_dbi meta)
{
    uint64_t number;
    randombytes_buf(&number, sizeof(number));
    int error = meta_put(txn, meta, META_KEYS, number);
    if (error == MDB_SUCCESS)
        error = meta_put(txn, meta, META_SLOTS, 0);
    if (error == MDB_SUCCESS)
        error = keyfile_make(store->directory, NEW_KEYS, number);
    if (error == MDB_SUCCESS &&
        (renameat(store->directory, NEW_KEYS, store->directory, VAULT_FILE) != 0 ||
         fsync(store->directory) != 0))
        error = errno;
    return error;
}

/* ---- opening ---- */

static int look_up(const struct kv_txn *txn, uint64_t *ret_number, uint64_t *ret_used)
{
    MDB_dbi meta = txn->store->tables[TABLE_META];
    int error = meta_get(txn->txn, meta, META_KEYS, ret_number);
    if (error == MDB_SUCCESS)
        error = meta_get(txn->txn, meta, META_SLOTS, ret_used);
    return error == MDB_NOTFOUND ? MDB_CORRUPTED : error;
}

static enum kv_status refuse(const struct kv *store, enum kv_status status,
                             const struct open_error *why)
{
    return open_error_set(why, status, "cannot read the store in %s: %s", store->path,
                          kv_status_text(status));
}

static enum kv_status open_vault(struct kv *store, struct slots *slots,
                                 const struct open_error *why)
{
    uint64_t number = 0, used = 0;
    struct kv_txn *txn = kv_txn_begin(store, false);
    enum kv_status status = txn->status;
    if (status == KV_OK)
        status = kv_status_of(look_up(txn, &number, &used));
    kv_txn_end(txn);
    if (status != KV_OK)
        return refuse(store, status, why);
    return keyfile_open(store->directory, store->path, number, used, why, &slots->vault);
}

static enum kv_status open_slots(struct kv *store, const struct open_error *why)
{
    struct slots *slots = calloc(1, sizeof(*slots));
    if (slots == NULL)
        return refuse(store, KV_MEMORY, why);
    store->extra = slots;
    enum kv_status status = open_vault(store, slots, why);
    if (status != KV_OK)
        return status;
    status = replace_old(store);
    return status == KV_OK ? KV_OK : refuse(store, status, why);
}

static void close_slots(struct kv *store)
{
    struct slots *slots = store->extra;
    if (slots != NULL)
        keyfile_close(slots->vault);
    free(slots);
    store->extra = NULL;
}

const struct kv_extra slots_extra = {
    .may_make = may_make,
    .make = make,
    .open = open_slots,
    .close = close_slots,
    .removed = removed,
    .begin = begin,
    .settle = settle,
};
