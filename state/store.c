#include "config.h"

#include "state/store.h"

#include <stdio.h>
#include <string.h>

#include "state/record.h"
#include "state/store_parts.h"

static const char *const table_names[STORE_TABLES] = {
    [KV_TABLE_META] = "meta",          [STORE_TABLE_SESSIONS] = "sessions",
    [STORE_TABLE_NAMES] = "names",     [STORE_TABLE_DUE] = "due",
    [STORE_TABLE_OUTBOX] = "outbox",   [STORE_TABLE_INBOX] = "inbox",
    [STORE_TABLE_CHANGES] = "changes", [STORE_TABLE_IMPORTS] = "imports",
    [STORE_TABLE_SLOTS] = "slots",     [STORE_TABLE_CODES] = "codes",
};

/* All but what there is beside LMDB's file. */
#define KIND                                                                                       \
    .program = "wormholed", .format = STORE_FORMAT, .tables = STORE_TABLES,                        \
    .added = STORE_TABLES - STORE_TABLE_CODES, .names = table_names

static const struct kv_kind sessions_kind = {KIND, .extra = &store_slots_extra};
const struct kv_kind store_kind_bare = {KIND};

enum kv_status store_open(const char *directory, uint64_t max_bytes, struct kv **ret_store,
                          char *ret_why, size_t size)
{
    enum kv_status status = kv_open(&sessions_kind, directory, max_bytes, ret_store, ret_why, size);
    if (status != KV_OK)
        return status;
    status = store_index_codes(*ret_store);
    if (status == KV_OK)
        return KV_OK;
    snprintf(ret_why, size, "cannot add an index to the store in %s: %s", directory,
             kv_status_text(status));
    kv_close(*ret_store);
    *ret_store = NULL;
    return status;
}

bool store_erasure_done(const struct kv *store)
{
    return store_slots_erased(store);
}

/* ---- messages ---- */

static const enum store_table box_tables[] = {
    [STORE_OUTBOX] = STORE_TABLE_OUTBOX,
    [STORE_INBOX] = STORE_TABLE_INBOX,
};

void store_put_message(struct kv_txn *txn, enum store_box box, const uint8_t id[SESSION_ID_BYTES],
                       uint32_t number, const uint8_t *data, size_t length)
{
    struct kv_key owner = store_key_id(id), key = store_key_message(id, number);
    uint32_t slot;
    MDB_val session;
    if (!kv_get(txn, STORE_TABLE_SESSIONS, &owner, &session))
        kv_fail(txn, KV_MISSING);
    else if (kv_fail(txn, store_seal_slot(&session, &slot)) == KV_OK)
        store_seal_put(txn, box_tables[box], &key, slot, data, length);
}

enum kv_status store_get_message(struct kv_txn *txn, enum store_box box,
                                 const uint8_t id[SESSION_ID_BYTES], uint32_t number,
                                 const uint8_t **ret_data, size_t *ret_length)
{
    struct kv_key key = store_key_message(id, number);
    MDB_val value;
    uint8_t *data;
    size_t length;
    if (!kv_get(txn, box_tables[box], &key, &value))
        return kv_txn_status(txn) == KV_OK ? KV_MISSING : kv_txn_status(txn);
    enum kv_status status = store_seal_open(txn, box_tables[box], &key, &value, &data, &length);
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
    /* No message has the number UINT32_MAX: the store never holds that many. */
    struct kv_key first = store_key_message(id, 0);
    struct kv_key last = store_key_message(id, below == UINT32_MAX ? below : below - 1);
    kv_delete_range(txn, box_tables[box], &first, &last);
}

/* ---- reading sessions ---- */

/* The contents of a session's row. */
struct stored_record {
    uint8_t *data; /* the record; new and secret: store_seal_free() */
    size_t length;
    uint32_t slot; /* of its key */
};

/* A row that does not open is not an error of the transaction: the others can still be read. */
static enum kv_status open_row(struct kv_txn *txn, const uint8_t *id, const MDB_val *row,
                               struct stored_record *ret_stored)
{
    struct kv_key key = store_key_id(id);
    enum kv_status status = store_seal_slot(row, &ret_stored->slot);
    if (status != KV_OK)
        return status;
    return store_seal_open(txn, STORE_TABLE_SESSIONS, &key, row, &ret_stored->data,
                           &ret_stored->length);
}

static enum kv_status read_session(struct kv_txn *txn, const uint8_t *id,
                                   struct session **ret_session, uint32_t *ret_slot)
{
    struct kv_key key = store_key_id(id);
    struct stored_record stored;
    MDB_val row;
    if (!kv_get(txn, STORE_TABLE_SESSIONS, &key, &row))
        return kv_txn_status(txn) == KV_OK ? KV_MISSING : kv_txn_status(txn);
    enum kv_status status = open_row(txn, id, &row, &stored);
    if (status != KV_OK)
        return status;
    status = session_record_decode(id, stored.data, stored.length, ret_session);
    if (status != KV_DAMAGED) /* which is not an error of the transaction either */
        status = kv_fail(txn, status);
    store_seal_free(stored.data, stored.length);
    *ret_slot = stored.slot;
    return status;
}

enum kv_status store_get_session(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES],
                                 struct session **ret_session)
{
    uint32_t slot;
    return read_session(txn, id, ret_session, &slot);
}

/* ---- choosing a key ---- */

static bool has_messages(struct kv_txn *txn, enum store_table box, const uint8_t *id)
{
    struct kv_key first = store_key_message(id, 0);
    MDB_val key, value;
    return kv_seek(txn, box, &first, &key, &value) && key.mv_size >= SESSION_ID_BYTES &&
           memcmp(key.mv_data, id, SESSION_ID_BYTES) == 0;
}

/* True if the record is the only thing left that needs its key. */
static bool is_over(struct kv_txn *txn, const struct session *session)
{
    return session->state == SESSION_CLOSED &&
           !has_messages(txn, STORE_TABLE_OUTBOX, session->id) &&
           !has_messages(txn, STORE_TABLE_INBOX, session->id);
}

/* ---- writing ---- */

/* Writes the session under a new change number, and moves its index rows. `old` is what was stored,
 * in `old_slot`; or both are NULL. A session that is over gets another slot: with the old one its
 * past is forgotten, though its result can still be seen. */
static enum kv_status write_changed(struct kv_txn *txn, struct session *session,
                                    const struct session *old, const uint32_t *old_slot)
{
    struct kv_key key = store_key_id(session->id);
    struct kv_record record;
    uint32_t slot;
    session->change = store_index_new_change(txn);
    if (old != NULL)
        store_index_move(txn, old, session);
    else
        store_index_add(txn, session);

    if (old_slot != NULL && !is_over(txn, session)) {
        slot = *old_slot;
    } else {
        if (old_slot != NULL)
            store_slots_drop(txn, *old_slot);
        store_slots_take(txn, &slot);
    }
    if (kv_txn_status(txn) != KV_OK)
        return kv_txn_status(txn);

    enum kv_status status = session_record_encode(session, &record);
    if (status != KV_OK)
        return kv_fail(txn, status);
    store_seal_put(txn, STORE_TABLE_SESSIONS, &key, slot, record.data, record.length);
    kv_record_clear(&record);
    return kv_txn_status(txn);
}

/* For a session that is already stored. */
static enum kv_status put_again(struct kv_txn *txn, struct session *session, const MDB_val *row,
                                bool *ret_changed)
{
    struct stored_record stored;
    struct session *old = NULL;
    bool same = false;
    enum kv_status status = kv_fail(txn, open_row(txn, session->id, row, &stored));
    if (status != KV_OK)
        return status;
    status = session_record_decode(session->id, stored.data, stored.length, &old);
    if (kv_fail(txn, status) == KV_OK) {
        session->change = old->change;
        same = kv_record_same(&session_record_kind, old, session);
    }
    if (status == KV_OK && !same)
        write_changed(txn, session, old, &stored.slot);
    session_free(old);
    store_seal_free(stored.data, stored.length);
    *ret_changed = !same;
    return kv_txn_status(txn);
}

enum kv_status store_put_session(struct kv_txn *txn, struct session *session, bool *ret_changed)
{
    struct kv_key key = store_key_id(session->id);
    uint64_t before = session->change;
    enum kv_status status;
    uint8_t owner[SESSION_ID_BYTES];
    bool changed = true;
    MDB_val row;

    if (session->name != NULL && store_index_find_name(txn, session->name, owner) &&
        memcmp(owner, session->id, SESSION_ID_BYTES) != 0)
        return KV_TAKEN;
    if (kv_get(txn, STORE_TABLE_SESSIONS, &key, &row))
        status = put_again(txn, session, &row, &changed);
    else
        status = write_changed(txn, session, NULL, NULL);
    if (status != KV_OK)
        session->change = before;
    else if (ret_changed != NULL)
        *ret_changed = changed;
    return status;
}

void store_delete_session(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES])
{
    struct kv_key key = store_key_id(id);
    struct session *session = NULL;
    uint32_t slot = 0;
    enum kv_status status = read_session(txn, id, &session, &slot);

    if (status == KV_MISSING)
        return;
    if (status != KV_OK) {
        kv_fail(txn, status);
        return;
    }
    store_index_remove(txn, session);
    session_free(session);
    store_delete_messages(txn, STORE_OUTBOX, id, UINT32_MAX);
    store_delete_messages(txn, STORE_INBOX, id, UINT32_MAX);
    kv_delete(txn, STORE_TABLE_SESSIONS, &key);
    store_slots_drop(txn, slot);
}

uint64_t store_count(struct kv_txn *txn)
{
    return kv_count(txn, STORE_TABLE_SESSIONS);
}
