/* The sessions' rows: their keys, and how they are sealed. */
#include "config.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/large.h"
#include "state/keyfile.h"
#include "state/store_parts.h"

/* ---- keys ---- */

struct kv_key store_key_id(const uint8_t id[SESSION_ID_BYTES])
{
    struct kv_key key = {0};
    kv_key_append(&key, id, SESSION_ID_BYTES);
    return key;
}

struct kv_key store_key_message(const uint8_t id[SESSION_ID_BYTES], uint32_t number)
{
    struct kv_key key = store_key_id(id);
    kv_key_append_number(&key, number, 4);
    return key;
}

struct kv_key store_key_due(int64_t wake, const uint8_t id[SESSION_ID_BYTES])
{
    struct kv_key key = kv_key_signed(wake);
    kv_key_append(&key, id, SESSION_ID_BYTES);
    return key;
}

struct kv_key store_key_slot(uint8_t state, uint32_t slot)
{
    struct kv_key key = {0};
    kv_key_append_number(&key, state, 1);
    kv_key_append_number(&key, slot, STORE_SLOT_BYTES);
    return key;
}

struct kv_key store_key_name(const char *text)
{
    struct kv_key key = {0};
    kv_key_append(&key, text, strnlen(text, NAME_MAX_BYTES));
    return key;
}

struct kv_key store_key_code(const char *nameplate, const uint8_t id[SESSION_ID_BYTES])
{
    struct kv_key key = {0};
    kv_key_append(&key, nameplate, strnlen(nameplate, NAMEPLATE_MAX));
    kv_key_append_number(&key, 0, 1); /* no nameplate contains it */
    kv_key_append(&key, id, SESSION_ID_BYTES);
    return key;
}

uint32_t store_read_slot(const uint8_t bytes[STORE_SLOT_BYTES])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void store_write_slot(uint32_t slot, uint8_t ret_bytes[STORE_SLOT_BYTES])
{
    for (unsigned i = 0; i < STORE_SLOT_BYTES; i++)
        ret_bytes[i] = (uint8_t)(slot >> 8 * (STORE_SLOT_BYTES - 1 - i));
}

/* ---- sealing ---- */

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD_BYTES  (STORE_SLOT_BYTES + NONCE_BYTES)

_Static_assert(KEYFILE_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
               "a slot holds a key of this cipher");

/* Longer than the name of any table. */
#define TABLE_NAME_MAX 16

/* Where the row stands: the table's name, a zero byte, the row's key. */
struct sealed_place {
    size_t length;
    uint8_t bytes[TABLE_NAME_MAX + KV_KEY_MAX];
};

static struct sealed_place sealed_place_of(const struct kv_txn *txn, enum store_table table,
                                           const struct kv_key *key)
{
    const char *name = kv_table_name(kv_txn_store(txn), table);
    struct sealed_place place = {.length = strnlen(name, TABLE_NAME_MAX - 1)};
    memcpy(place.bytes, name, place.length++);
    memcpy(place.bytes + place.length, key->bytes, key->length);
    place.length += key->length;
    return place;
}

void store_seal_put(struct kv_txn *txn, enum store_table table, const struct kv_key *key,
                    uint32_t slot, const void *data, size_t length)
{
    const uint8_t *secret;
    if (kv_txn_status(txn) != KV_OK || kv_fail(txn, store_slots_key(txn, slot, &secret)) != KV_OK)
        return;
    struct sealed_place place = sealed_place_of(txn, table, key);
    uint8_t *row = kv_reserve(txn, table, key, HEAD_BYTES + length + TAG_BYTES);
    if (row != NULL) {
        uint8_t *nonce = row + STORE_SLOT_BYTES;
        store_write_slot(slot, row);
        randombytes_buf(nonce, NONCE_BYTES);
        crypto_aead_xchacha20poly1305_ietf_encrypt(row + HEAD_BYTES, NULL, data, length,
                                                   place.bytes, place.length, NULL, nonce, secret);
    }
}

enum kv_status store_seal_slot(const MDB_val *row, uint32_t *ret_slot)
{
    if (row->mv_size < HEAD_BYTES + TAG_BYTES)
        return KV_DAMAGED;
    *ret_slot = store_read_slot(row->mv_data);
    return KV_OK;
}

enum kv_status store_seal_open(struct kv_txn *txn, enum store_table table, const struct kv_key *key,
                               const MDB_val *row, uint8_t **ret_data, size_t *ret_length)
{
    struct sealed_place place = sealed_place_of(txn, table, key);
    const uint8_t *secret;
    uint32_t slot;
    enum kv_status status = store_seal_slot(row, &slot);
    if (status == KV_OK)
        status = store_slots_key(txn, slot, &secret);
    if (status != KV_OK) /* if the slot does not exist, the row is at fault; otherwise the store */
        return status == KV_DAMAGED ? status : kv_fail(txn, status);
    const uint8_t *bytes = row->mv_data;
    size_t length = row->mv_size - HEAD_BYTES - TAG_BYTES;
    uint8_t *data =
        large_pages(malloc(length + 1), length); /* non-NULL even for an empty message */
    if (data == NULL)
        status = kv_fail(txn, KV_MEMORY);
    else if (crypto_aead_xchacha20poly1305_ietf_decrypt(
                 data, NULL, NULL, bytes + HEAD_BYTES, row->mv_size - HEAD_BYTES, place.bytes,
                 place.length, bytes + STORE_SLOT_BYTES, secret) != 0)
        status = KV_DAMAGED;
    if (status != KV_OK) {
        free(data);
        return status;
    }
    *ret_data = data;
    *ret_length = length;
    return KV_OK;
}

void store_seal_free(uint8_t *data, size_t length)
{
    if (data != NULL)
        sodium_memzero(data, length);
    free(data);
}
