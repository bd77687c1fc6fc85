/* From session to session, and to the one that is meant. */
#include "config.h"

#include <string.h>

#include "state/index.h"
#include "state/row.h"
#include "state/store.h"
#include "state/table.h"

/* ---- from id to id ---- */

/* The first session at or behind `key`. */
static enum kv_status seek_session(struct kv_txn *txn, const struct row_key *key, MDB_val *ret_id,
                                   MDB_val *ret_value)
{
    if (!kv_seek(txn, TABLE_SESSIONS, key, ret_id, ret_value))
        return txn->status == KV_OK ? KV_MISSING : txn->status;
    if (ret_id->mv_size != SESSION_ID_BYTES)
        return kv_fail(txn, KV_DAMAGED);
    return KV_OK;
}

/* The smallest id that is greater. False if there is none. */
static bool increment(uint8_t id[SESSION_ID_BYTES])
{
    for (int i = SESSION_ID_BYTES - 1; i >= 0; i--)
        if (++id[i] != 0)
            return true;
    return false;
}

enum kv_status store_next_id(struct kv_txn *txn, const uint8_t *after,
                             uint8_t ret_id[SESSION_ID_BYTES])
{
    uint8_t least[SESSION_ID_BYTES] = {0};
    MDB_val id, value;
    if (after != NULL) {
        memcpy(least, after, SESSION_ID_BYTES);
        if (!increment(least))
            return KV_MISSING;
    }
    struct row_key key = row_id(least);
    enum kv_status status = seek_session(txn, &key, &id, &value);
    if (status == KV_OK)
        memcpy(ret_id, id.mv_data, SESSION_ID_BYTES);
    return status;
}

/* ---- finding ---- */

/* Reads 1 to 16 hex digits: the ids that begin so are those from `first` to `last`. */
static bool read_prefix(const char *text, uint8_t first[SESSION_ID_BYTES],
                        uint8_t last[SESSION_ID_BYTES])
{
    static const char digits[] = "00112233445566778899aAbBcCdDeEfF";
    size_t length = strlen(text);

    if (length < 1 || length > (size_t)SESSION_ID_BYTES * 2)
        return false;
    memset(first, 0x00, SESSION_ID_BYTES);
    memset(last, 0xff, SESSION_ID_BYTES);
    for (size_t i = 0; i < length; i++) {
        const char *digit = strchr(digits, text[i]);
        if (digit == NULL)
            return false;
        uint8_t value = (uint8_t)((digit - digits) / 2);
        unsigned shift = i % 2 == 0 ? 4 : 0;
        first[i / 2] |= (uint8_t)(value << shift);
        last[i / 2] &= (uint8_t) ~((0x0f ^ value) << shift);
    }
    return true;
}

static enum kv_status find_prefix(struct kv_txn *txn, const char *text,
                                  uint8_t ret_id[SESSION_ID_BYTES])
{
    uint8_t first[SESSION_ID_BYTES], last[SESSION_ID_BYTES], next[SESSION_ID_BYTES];
    if (!read_prefix(text, first, last))
        return KV_MISSING;

    struct row_key key = row_id(first);
    MDB_val id, value;
    enum kv_status status = seek_session(txn, &key, &id, &value);
    if (status != KV_OK)
        return status;
    if (memcmp(id.mv_data, last, SESSION_ID_BYTES) > 0)
        return KV_MISSING;
    memcpy(first, id.mv_data, SESSION_ID_BYTES);
    status = store_next_id(txn, first, next);
    if (status == KV_OK && memcmp(next, last, SESSION_ID_BYTES) <= 0)
        return KV_AMBIGUOUS;
    if (status != KV_OK && status != KV_MISSING)
        return status;
    memcpy(ret_id, first, SESSION_ID_BYTES);
    return KV_OK;
}

enum kv_status store_find(struct kv_txn *txn, const char *text, uint8_t ret_id[SESSION_ID_BYTES])
{
    uint8_t by_id[SESSION_ID_BYTES], by_name[SESSION_ID_BYTES];
    if (index_find_name(txn, text, ret_id))
        return KV_OK;
    enum kv_status id = find_prefix(txn, text, by_id);
    enum kv_status name = index_find_start(txn, text, by_name);
    if (txn->status != KV_OK)
        return txn->status;
    if (id == KV_OK && name == KV_OK && memcmp(by_id, by_name, SESSION_ID_BYTES) == 0)
        name = KV_MISSING;
    if (id != KV_MISSING && name != KV_MISSING)
        return KV_AMBIGUOUS;
    enum kv_status status = id == KV_MISSING ? name : id;
    if (status == KV_OK)
        memcpy(ret_id, id == KV_OK ? by_id : by_name, SESSION_ID_BYTES);
    return status;
}
