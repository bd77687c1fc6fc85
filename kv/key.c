#include "config.h"

#include "kv/table.h"

#include <string.h>

#define SIGN_BIT ((uint64_t)1 << 63)

void kv_key_append(struct kv_key *key, const void *bytes, size_t length)
{
    memcpy(key->bytes + key->length, bytes, length);
    key->length += length;
}

void kv_key_append_number(struct kv_key *key, uint64_t number, unsigned width)
{
    while (width-- > 0)
        key->bytes[key->length++] = (uint8_t)(number >> 8 * width);
}

struct kv_key kv_key_number(uint64_t number)
{
    struct kv_key key = {0};
    kv_key_append_number(&key, number, KV_NUMBER_BYTES);
    return key;
}

struct kv_key kv_key_signed(int64_t number)
{
    return kv_key_number((uint64_t)number ^ SIGN_BIT);
}

uint64_t kv_read_number(const uint8_t bytes[KV_NUMBER_BYTES])
{
    uint64_t number = 0;
    for (unsigned i = 0; i < KV_NUMBER_BYTES; i++)
        number = number << 8 | bytes[i];
    return number;
}

int64_t kv_read_signed(const uint8_t bytes[KV_NUMBER_BYTES])
{
    return (int64_t)(kv_read_number(bytes) ^ SIGN_BIT);
}

/* ---- numbers in `meta` ---- */

static MDB_val name_key(const char *name)
{
    return (MDB_val){.mv_size = strlen(name), .mv_data = (void *)name};
}

int kv_meta_get(MDB_txn *txn, MDB_dbi table, const char *name, uint64_t *ret_number)
{
    MDB_val key = name_key(name), value;
    int error = mdb_get(txn, table, &key, &value);
    if (error == MDB_SUCCESS && value.mv_size != KV_NUMBER_BYTES)
        error = MDB_CORRUPTED;
    if (error == MDB_SUCCESS)
        *ret_number = kv_read_number(value.mv_data);
    return error;
}

int kv_meta_put(MDB_txn *txn, MDB_dbi table, const char *name, uint64_t number)
{
    struct kv_key bytes = kv_key_number(number);
    MDB_val key = name_key(name);
    MDB_val value = {.mv_size = bytes.length, .mv_data = bytes.bytes};
    return mdb_put(txn, table, &key, &value, 0);
}
