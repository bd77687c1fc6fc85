#include "config.h"

#include "state/row.h"
#include "state/seal.h"
#include "state/store.h"
#include "state/table.h"

static const enum table box_tables[] = {
    [STORE_OUTBOX] = TABLE_OUTBOX,
    [STORE_INBOX] = TABLE_INBOX,
};

void store_put_message(struct kv_txn *txn, enum store_box box, const uint8_t id[SESSION_ID_BYTES],
                       uint32_t number, const uint8_t *data, size_t length)
{
    struct row_key owner = row_id(id), key = row_message(id, number);
    uint32_t slot;
    MDB_val session;
    if (!kv_get(txn, TABLE_SESSIONS, &owner, &session))
        kv_fail(txn, KV_MISSING);
    else if (kv_fail(txn, seal_slot(&session, &slot)) == KV_OK)
        seal_put(txn, box_tables[box], &key, slot, data, length);
}

enum kv_status store_get_message(struct kv_txn *txn, enum store_box box,
                                 const uint8_t id[SESSION_ID_BYTES], uint32_t number,
                                 const uint8_t **ret_data, size_t *ret_length)
{
    struct row_key key = row_message(id, number);
    MDB_val value;
    uint8_t *data;
    size_t length;
    if (!kv_get(txn, box_tables[box], &key, &value))
        return txn->status == KV_OK ? KV_MISSING : txn->status;
    enum kv_status status = seal_open(txn, box_tables[box], &key, &value, &data, &length);
    if (status != KV_OK)
        return status;
    kv_lend(txn, data, length);
    *ret_data = data;
    *ret_length = length;
    return KV_OK;
}

void store_delete_messages(struct kv_txn *txn, enum store_box box,
                           const uint8_t id[SESSION_ID_BYTES], uint32_t below)
{
    if (below == 0)
        return;
    /* No message has the number UINT32_MAX: that many never fit. */
    struct row_key first = row_message(id, 0);
    struct row_key last = row_message(id, below == UINT32_MAX ? below : below - 1);
    kv_delete_range(txn, box_tables[box], &first, &last);
}
