#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/locked.h"
#include "state/keyfile.h"
#include "state/store_parts.h"

enum { SLOT_OLD = 0, SLOT_FRESH };

/* A key that was read. */
struct kept_key {
    uint32_t slot;
    bool known;
    uint8_t key[KEYFILE_KEY_BYTES];
};

/* A turn reads and writes the rows of some sessions, each several times. */
#define KEPT_KEYS 64

_Static_assert(KEPT_KEYS * sizeof(struct kept_key) <= LOCKED_SIZE_MAX, "it is one piece");

static struct locked_pool kept_pool = LOCKED_POOL(KEPT_KEYS * sizeof(struct kept_key));

/* What kv_extra_of() returns for this store. */
struct store_slots {
    struct keyfile *keys;
    struct kept_key *kept; /* by slot, modulo KEPT_KEYS; NULL until the transaction needs a key */
    bool dropped;          /* the transaction under way has let go of slots */
    bool replaced;         /* the SLOT_OLD slots have new keys */
    bool unforgotten;      /* … except some that could not get one */
};

struct keyfile *store_slots_keyfile(const struct kv *store)
{
    const struct store_slots *slots = kv_extra_of(store);
    return slots->keys;
}

/* A slot's key is only replaced between two transactions. */
enum kv_status store_slots_key(struct kv_txn *txn, uint32_t slot, const uint8_t **ret_key)
{
    struct store_slots *slots = kv_extra_of(kv_txn_store(txn));
    if (slots->kept == NULL && (slots->kept = locked_new(&kept_pool)) == NULL)
        return KV_MEMORY;
    struct kept_key *kept = &slots->kept[slot % KEPT_KEYS];
    if (!kept->known || kept->slot != slot) {
        kept->known = false;
        enum kv_status status = keyfile_read(slots->keys, slot, kept->key);
        if (status != KV_OK)
            return status;
        kept->slot = slot;
        kept->known = true;
    }
    *ret_key = kept->key;
    return KV_OK;
}

bool store_slots_erased(const struct kv *store)
{
    const struct store_slots *slots = kv_extra_of(store);
    return !slots->unforgotten;
}

static bool is_row(const MDB_val *key)
{
    return key->mv_size == STORE_FREE_BYTES;
}

static uint8_t state_of(const MDB_val *key)
{
    return *(const uint8_t *)key->mv_data;
}

static uint32_t slot_of(const MDB_val *key)
{
    const uint8_t *bytes = key->mv_data;
    return store_read_slot(bytes + STORE_FREE_BYTES - STORE_SLOT_BYTES);
}

/* ---- taking and dropping ---- */

/* True if there was a slot that may be used again. */
static bool take_fresh(struct kv_txn *txn, uint32_t *ret_slot)
{
    struct kv_key first = store_key_slot(SLOT_FRESH, 0);
    MDB_val found, value;
    if (!kv_seek(txn, STORE_TABLE_SLOTS, &first, &found, &value))
        return false;
    if (!is_row(&found)) {
        kv_fail(txn, KV_DAMAGED);
        return false;
    }
    *ret_slot = slot_of(&found);
    first = store_key_slot(SLOT_FRESH, *ret_slot);
    kv_delete(txn, STORE_TABLE_SLOTS, &first);
    return kv_txn_status(txn) == KV_OK;
}

enum kv_status store_slots_take(struct kv_txn *txn, uint32_t *ret_slot)
{
    uint64_t used;
    if (kv_txn_status(txn) != KV_OK || take_fresh(txn, ret_slot) || kv_txn_status(txn) != KV_OK)
        return kv_txn_status(txn);
    /* One that was never used. */
    if (!kv_get_number(txn, STORE_META_SLOTS, &used) || used > UINT32_MAX)
        return kv_fail(txn, KV_DAMAGED);
    kv_fail(txn, keyfile_grow(store_slots_keyfile(kv_txn_store(txn)), used));
    kv_put_number(txn, STORE_META_SLOTS, used + 1);
    *ret_slot = (uint32_t)used;
    return kv_txn_status(txn);
}

void store_slots_drop(struct kv_txn *txn, uint32_t slot)
{
    struct kv_key key = store_key_slot(SLOT_OLD, slot);
    kv_put(txn, STORE_TABLE_SLOTS, &key, NULL, 0);
    if (kv_txn_status(txn) == KV_OK)
        ((struct store_slots *)kv_extra_of(kv_txn_store(txn)))->dropped = true;
}

/* ---- replacing ---- */

struct replacing {
    struct keyfile *keys;
    unsigned count;
    bool failed;
};

static bool is_readable(const struct keyfile *keys, uint32_t slot)
{
    uint8_t key[KEYFILE_KEY_BYTES];
    bool readable = keyfile_read(keys, slot, key) != KV_DAMAGED;
    sodium_memzero(key, sizeof(key));
    return readable;
}

static bool replace(void *arg, const MDB_val *key, const MDB_val *value)
{
    struct replacing *replacing = arg;
    (void)value;
    if (is_row(key) && state_of(key) == SLOT_FRESH && is_readable(replacing->keys, slot_of(key)))
        return true;
    replacing->count++;
    replacing->failed |= !is_row(key) || !keyfile_replace(replacing->keys, slot_of(key));
    return !replacing->failed;
}

/* Replaces the keys of all slots that are SLOT_OLD and, if `last_state` is SLOT_FRESH, those of
 * which a crash has destroyed both copies. An error means that reading the list failed. */
static enum kv_status replace_until(struct kv *store, struct store_slots *slots, uint8_t last_state)
{
    struct replacing replacing = {.keys = slots->keys};
    struct kv_key first = store_key_slot(SLOT_OLD, 0);
    struct kv_key last = store_key_slot(last_state, UINT32_MAX);
    struct kv_txn *txn = kv_read(store);
    kv_walk(txn, STORE_TABLE_SLOTS, &first, &last, replace, &replacing);
    enum kv_status status = kv_txn_status(txn);
    replacing.failed |= status != KV_OK;
    kv_end(txn);
    if (!replacing.failed && replacing.count > 0)
        replacing.failed = !keyfile_sync(slots->keys);
    slots->unforgotten = replacing.failed;
    slots->replaced = !replacing.failed && replacing.count > 0;
    return status;
}

static void begin(struct kv_txn *txn)
{
    struct store_slots *slots = kv_txn_status(txn) == KV_OK ? kv_extra_of(kv_txn_store(txn)) : NULL;
    struct kv_key first = store_key_slot(SLOT_OLD, 0);
    MDB_val found, value;
    if (slots == NULL)
        return;
    slots->dropped = false;
    /* Slots whose keys were replaced may be used again. */
    while (slots->replaced && kv_seek(txn, STORE_TABLE_SLOTS, &first, &found, &value)) {
        if (!is_row(&found) || state_of(&found) != SLOT_OLD)
            return;
        uint32_t slot = slot_of(&found);
        struct kv_key old = store_key_slot(SLOT_OLD, slot),
                      fresh = store_key_slot(SLOT_FRESH, slot);
        kv_delete(txn, STORE_TABLE_SLOTS, &old);
        kv_put(txn, STORE_TABLE_SLOTS, &fresh, NULL, 0);
    }
}

static void end(void *extra)
{
    struct store_slots *slots = extra;
    locked_free(&kept_pool, slots->kept);
    slots->kept = NULL;
}

static void settle(struct kv *store)
{
    struct store_slots *slots = kv_extra_of(store);
    slots->replaced = false; /* begin() has made them SLOT_FRESH, which is now durable */
    if (slots->dropped || slots->unforgotten)
        replace_until(store, slots, SLOT_OLD);
    slots->dropped = false;
}

static bool removed(const struct kv *store)
{
    return keyfile_deleted(store_slots_keyfile(store));
}

/* ---- creating ---- */

static enum kv_status may_make(const struct kv *store, const struct kv_open_error *why)
{
    if (!keyfile_in_use(kv_directory(store)))
        return KV_OK;
    return kv_open_fail(
        why, KV_DAMAGED,
        "%s/%s is missing, but there is %s, without which no copy of it can be read. "
        "Put the copy back that belongs to it, or move %s away to begin anew",
        kv_path(store), KV_DATA_FILE, KEYFILE_NAME, KEYFILE_NAME);
}

static int make(const struct kv *store, MDB_txn *txn, MDB_dbi meta)
{
    uint64_t number;
    randombytes_buf(&number, sizeof(number));
    int error = kv_meta_put(txn, meta, STORE_META_KEYS, number);
    if (error == MDB_SUCCESS)
        error = kv_meta_put(txn, meta, STORE_META_SLOTS, 0);
    if (error == MDB_SUCCESS)
        error = keyfile_make(kv_directory(store), KEYFILE_NEW, number);
    if (error == MDB_SUCCESS &&
        (renameat(kv_directory(store), KEYFILE_NEW, kv_directory(store), KEYFILE_NAME) != 0 ||
         fsync(kv_directory(store)) != 0))
        error = errno;
    return error;
}

/* ---- opening ---- */

static enum kv_status refuse(const struct kv *store, enum kv_status status,
                             const struct kv_open_error *why)
{
    return kv_open_fail(why, status, "cannot read the store in %s: %s", kv_path(store),
                        kv_status_text(status));
}

static enum kv_status open_keyfile(struct kv *store, const struct kv_open_error *why,
                                   struct keyfile **ret_keys)
{
    uint64_t number = 0, used = 0;
    struct kv_txn *txn = kv_read(store);
    if (!kv_get_number(txn, STORE_META_KEYS, &number) ||
        !kv_get_number(txn, STORE_META_SLOTS, &used))
        kv_fail(txn, KV_DAMAGED);
    enum kv_status status = kv_txn_status(txn);
    kv_end(txn);
    if (status != KV_OK)
        return refuse(store, status, why);
    return keyfile_open(kv_directory(store), kv_path(store), number, used, why, ret_keys);
}

static void close_slots(void *extra)
{
    struct store_slots *slots = extra;
    keyfile_close(slots->keys);
    free(slots);
}

static enum kv_status open_slots(struct kv *store, const struct kv_open_error *why,
                                 void **ret_extra)
{
    struct store_slots *slots = calloc(1, sizeof(*slots));
    if (slots == NULL)
        return refuse(store, KV_MEMORY, why);
    enum kv_status status = open_keyfile(store, why, &slots->keys);
    if (status == KV_OK) {
        status = replace_until(store, slots, SLOT_FRESH);
        if (status != KV_OK)
            refuse(store, status, why);
    }
    if (status == KV_OK)
        *ret_extra = slots;
    else
        close_slots(slots);
    return status;
}

const struct kv_extra store_slots_extra = {
    .may_make = may_make,
    .make = make,
    .open = open_slots,
    .close = close_slots,
    .removed = removed,
    .begin = begin,
    .end = end,
    .settle = settle,
};
