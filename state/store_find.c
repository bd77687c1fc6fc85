/* From session to session, and to the one that is meant. */
#include "config.h"

#include <string.h>

#include "state/index.h"
#include "state/row.h"
#include "state/store.h"
#include "state/table.h"

/* ---- from id to id ---- */

/* The first session at or behind `key`. */
static enum store_status seek_session(struct store_txn *txn, const struct row_key *key,
                                      MDB_val *ret_id, MDB_val *ret_value)
{
    if (!lmdb_seek(txn, TABLE_SESSIONS, key, ret_id, ret_value))
        return txn->status == STORE_OK ? STORE_MISSING : txn->status;
    if (ret_id->mv_size != SESSION_ID_BYTES)
        return lmdb_fail(txn, STORE_DAMAGED);
    return STORE_OK;
}

/* The smallest id that is greater. False if there is none. */
static bool increment(uint8_t id[SESSION_ID_BYTES])
{
    for (int i = SESSION_ID_BYTES - 1; i >= 0; i--)
        if (++id[i] != 0)
            return true;
    return false;
}

enum store_status store_next_id(struct store_txn *txn, const uint8_t *after,
                                uint8_t ret_id[SESSION_ID_BYTES])
{
    uint8_t least[SESSION_ID_BYTES] = {0};
    MDB_val id, value;
    if (after != NULL) {
        memcpy(least, after, SESSION_ID_BYTES);
        if (!increment(least))
            return STORE_MISSING;
    }
    struct row_key key = row_id(least);
    enum store_status status = seek_session(txn, &key, &id, &value);
    if (status == STORE_OK)
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

static enum store_status find_prefix(struct store_txn *txn, const char *text,
                                     uint8_t ret_id[SESSION_ID_BYTES])
{
    uint8_t first[SESSION_ID_BYTES], last[SESSION_ID_BYTES], next[SESSION_ID_BYTES];
    if (!read_prefix(text, first, last))
        return STORE_MISSING;

    struct row_key key = row_id(first);
    MDB_val id, value;
    enum store_status status = seek_session(txn, &key, &id, &value);
    if (status != STORE_OK)
        return status;
    if (memcmp(id.mv_data, last, SESSION_ID_BYTES) > 0)
        return STORE_MISSING;
    memcpy(first, id.mv_data, SESSION_ID_BYTES);
    status = store_next_id(txn, first, next);
    if (status == STORE_OK && memcmp(next, last, SESSION_ID_BYTES) <= 0)
        return STORE_AMBIGUOUS;
    if (status != STORE_OK && status != STORE_MISSING)
        return status;
    memcpy(ret_id, first, SESSION_ID_BYTES);
    return STORE_OK;
}

enum store_status store_find(struct store_txn *txn, const char *text,
                             uint8_t ret_id[SESSION_ID_BYTES])
{
    uint8_t by_id[SESSION_ID_BYTES], by_name[SESSION_ID_BYTES];
    if (index_find_name(txn, text, ret_id))
        return STORE_OK;
    enum store_status id = find_prefix(txn, text, by_id);
    enum store_status name = index_find_start(txn, text, by_name);
    if (txn->status != STORE_OK)
        return txn->status;
    if (id == STORE_OK && name == STORE_OK && memcmp(by_id, by_name, SESSION_ID_BYTES) == 0)
        name = STORE_MISSING;
    if (id != STORE_MISSING && name != STORE_MISSING)
        return STORE_AMBIGUOUS;
    enum store_status status = id == STORE_MISSING ? name : id;
    if (status == STORE_OK)
        memcpy(ret_id, id == STORE_OK ? by_id : by_name, SESSION_ID_BYTES);
    return status;
}
