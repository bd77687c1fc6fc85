#include "config.h"

#include "state/seal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "state/row.h"
#include "state/slots.h"
#include "state/keyfile.h"

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD_BYTES  (ROW_SLOT_BYTES + NONCE_BYTES)

_Static_assert(VAULT_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
               "a slot holds a key of this cipher");

/* Longer than the name of any table. */
#define TABLE_NAME_MAX 16

/* Where the row stands: the table's name, a zero byte, the row's key. */
struct place {
    size_t length;
    uint8_t bytes[TABLE_NAME_MAX + ROW_KEY_MAX];
};

static struct place place_of(const struct kv_txn *txn, enum table table, const struct row_key *key)
{
    const char *name = txn->store->kind->names[table];
    struct place place = {.length = strnlen(name, TABLE_NAME_MAX - 1)};
    memcpy(place.bytes, name, place.length++);
    memcpy(place.bytes + place.length, key->bytes, key->length);
    place.length += key->length;
    return place;
}

static void seal(const struct place *place, const uint8_t *secret, uint32_t slot, const void *data,
                 size_t length, uint8_t *ret_row)
{
    uint8_t *nonce = ret_row + ROW_SLOT_BYTES;
    row_write_slot(slot, ret_row);
    randombytes_buf(nonce, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(ret_row + HEAD_BYTES, NULL, data, length,
                                               place->bytes, place->length, NULL, nonce, secret);
}

void seal_put(struct kv_txn *txn, enum table table, const struct row_key *key, uint32_t slot,
              const void *data, size_t length)
{
    uint8_t secret[VAULT_KEY_BYTES];
    if (txn->status != KV_OK ||
        kv_fail(txn, keyfile_read(slots_vault(txn->store), slot, secret)) != KV_OK)
        return;
    struct place place = place_of(txn, table, key);
    uint8_t *row = kv_reserve(txn, table, key, HEAD_BYTES + length + TAG_BYTES);
    if (row != NULL)
        seal(&place, secret, slot, data, length, row);
    sodium_memzero(secret, sizeof(secret));
}

enum kv_status seal_slot(const MDB_val *row, uint32_t *ret_slot)
{
    if (row->mv_size < HEAD_BYTES + TAG_BYTES)
        return KV_DAMAGED;
    *ret_slot = row_read_slot(row->mv_data);
    return KV_OK;
}

/* The key of a row. A slot that is not there is the row's fault; else it is the store's. */
static enum kv_status read_key(struct kv_txn *txn, const MDB_val *row,
                               uint8_t ret_key[VAULT_KEY_BYTES])
{
    uint32_t slot;
    enum kv_status status = seal_slot(row, &slot);
    if (status == KV_OK)
        status = keyfile_read(slots_vault(txn->store), slot, ret_key);
    return status == KV_DAMAGED ? status : kv_fail(txn, status);
}

/* False if it is not what was sealed there. */
static bool unseal(const struct place *place, const uint8_t *secret, const MDB_val *row,
                   uint8_t *ret_data)
{
    const uint8_t *bytes = row->mv_data;
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
               ret_data, NULL, NULL, bytes + HEAD_BYTES, row->mv_size - HEAD_BYTES, place->bytes,
               place->length, bytes + ROW_SLOT_BYTES, secret) == 0;
}

enum kv_status seal_open(struct kv_txn *txn, enum table table, const struct row_key *key,
                         const MDB_val *row, uint8_t **ret_data, size_t *ret_length)
{
    struct place place = place_of(txn, table, key);
    uint8_t secret[VAULT_KEY_BYTES];
    enum kv_status status = read_key(txn, row, secret);
    if (status != KV_OK)
        return status;
    size_t length = row->mv_size - HEAD_BYTES - TAG_BYTES;
    uint8_t *data = malloc(length + 1); /* an empty message is not NULL */
    if (data == NULL)
        status = kv_fail(txn, KV_MEMORY);
    else if (!unseal(&place, secret, row, data))
        status = KV_DAMAGED;
    sodium_memzero(secret, sizeof(secret));
    if (status != KV_OK) {
        free(data);
        return status;
    }
    *ret_data = data;
    *ret_length = length;
    return KV_OK;
}

void seal_free(uint8_t *data, size_t length)
{
    if (data != NULL)
        sodium_memzero(data, length);
    free(data);
}
