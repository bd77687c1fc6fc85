#include "config.h"

#include "relay/lmdb_rows.h"

#include <string.h>

/* Version of the store's format; `meta` holds it. Newer ones are refused. */
#define FORMAT      1
#define META_SERIAL "serial" /* the newest mailbox's */

static const char *const table_names[ROWS_TABLES] = {
    [ROWS_META] = "meta",         [ROWS_NAMEPLATES] = "nameplates", [ROWS_MAILBOXES] = "mailboxes",
    [ROWS_MESSAGES] = "messages", [ROWS_EXPIRY] = "expiry",         [ROWS_NUMBERS] = "numbers",
    [ROWS_DEAD] = "dead",         [ROWS_ALLOCATED] = "allocated",   [ROWS_WEIGHTS] = "weights",
};

const struct kv_kind lmdb_rows_kind = {
    .program = "wormhole-relayd",
    .format = FORMAT,
    .tables = ROWS_TABLES,
    .added = ROWS_TABLES - ROWS_ALLOCATED,
    .names = table_names,
};

static const unsigned record_tables[LMDB_RECORDS] = {
    [LMDB_NAMEPLATE] = ROWS_NAMEPLATES,
    [LMDB_MAILBOX] = ROWS_MAILBOXES,
    [LMDB_MESSAGE] = ROWS_MESSAGES,
};

/* ---- keys ---- */

_Static_assert(RELAY_APPID_MAX + 1 + RELAY_MAILBOX_MAX <= KV_KEY_MAX &&
                   RELAY_APPID_MAX + 1 + RELAY_NAMEPLATE_MAX <= KV_KEY_MAX,
               "keys have room for the longest names");

struct kv_key lmdb_rows_named(const char *appid, const char *name)
{
    struct kv_key key = {0};
    kv_key_append(&key, appid, strnlen(appid, RELAY_APPID_MAX));
    key.bytes[key.length++] = 0;
    kv_key_append(&key, name, strnlen(name, RELAY_MAILBOX_MAX));
    return key;
}

struct kv_key lmdb_rows_behind(const char *appid)
{
    struct kv_key key = lmdb_rows_named(appid, "");
    key.bytes[key.length - 1] = 1;
    return key;
}

bool lmdb_rows_split(const struct kv_key *key, char ret_appid[RELAY_APPID_MAX + 1],
                     char ret_name[RELAY_MAILBOX_MAX + 1])
{
    size_t appid = strnlen((const char *)key->bytes, key->length);
    if (appid == key->length || appid > RELAY_APPID_MAX)
        return false;
    const uint8_t *name = key->bytes + appid + 1;
    size_t length = key->length - appid - 1;
    if (length > RELAY_MAILBOX_MAX)
        return false;
    memcpy(ret_appid, key->bytes, appid + 1);
    memcpy(ret_name, name, length);
    ret_name[length] = 0;
    return true;
}

struct kv_key lmdb_rows_message(uint64_t serial, uint64_t number)
{
    struct kv_key key = kv_key_number(serial), second = kv_key_number(number);
    kv_key_append(&key, second.bytes, second.length);
    return key;
}

struct kv_key lmdb_rows_expiry(int64_t updated, uint64_t serial)
{
    struct kv_key key = kv_key_signed(updated), second = kv_key_number(serial);
    kv_key_append(&key, second.bytes, second.length);
    return key;
}

_Static_assert(2 * KV_NUMBER_BYTES == ROWS_EXPIRY_BYTES, "a time and a serial");

/* ---- rows ---- */

bool lmdb_rows_read(struct lmdb_change *change, enum lmdb_record kind, const MDB_val *value,
                    void *ret_record)
{
    enum kv_status status = lmdb_record_decode(kind, value->mv_data, value->mv_size, ret_record);
    if (status != KV_OK) {
        kv_fail(change->txn, status);
        return false;
    }
    void *unknown = lmdb_record_unknown(kind, ret_record);
    return unknown == NULL || kv_keep(change->txn, unknown);
}

bool lmdb_rows_get(struct lmdb_change *change, enum lmdb_record kind, const struct kv_key *key,
                   void *ret_record)
{
    MDB_val value;
    return kv_get(change->txn, record_tables[kind], key, &value) &&
           lmdb_rows_read(change, kind, &value, ret_record);
}

void lmdb_rows_put_bytes(struct lmdb_change *change, unsigned table, const struct kv_key *key,
                         const void *data, size_t length)
{
    kv_put(change->txn, table, key, data, length);
    change->written = true;
}

void lmdb_rows_put(struct lmdb_change *change, enum lmdb_record kind, const struct kv_key *key,
                   const void *record)
{
    struct kv_record bytes = {0};
    if (kv_fail(change->txn, lmdb_record_encode(kind, record, &bytes)) == KV_OK)
        lmdb_rows_put_bytes(change, record_tables[kind], key, bytes.data, bytes.length);
    kv_record_clear(&bytes);
}

void lmdb_rows_delete(struct lmdb_change *change, unsigned table, const struct kv_key *key)
{
    kv_delete(change->txn, table, key);
    change->written = true;
}

uint64_t lmdb_rows_new_serial(struct lmdb_change *change)
{
    uint64_t serial = 0;
    kv_get_number(change->txn, META_SERIAL, &serial);
    kv_put_number(change->txn, META_SERIAL, ++serial);
    change->written = true;
    return kv_txn_status(change->txn) == KV_OK ? serial : 0;
}
