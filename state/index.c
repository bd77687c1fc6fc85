#include "config.h"

#include "state/index.h"

#include <string.h>

#include "kv/meta.h"
#include "state/row.h"
#include "state/store.h"
#include "state/table.h"

/* ---- one row each ---- */

typedef void row_writer(struct kv_txn *txn, unsigned table, const struct row_key *key,
                        const void *data, size_t length);

static void drop_row(struct kv_txn *txn, unsigned table, const struct row_key *key,
                     const void *data, size_t length)
{
    (void)data;
    (void)length;
    kv_delete(txn, table, key);
}

static void each_row(struct kv_txn *txn, const struct session *session, row_writer *write)
{
    struct row_key change = row_number(session->change);
    write(txn, TABLE_CHANGES, &change, session->id, SESSION_ID_BYTES);
    if (session->wake != INT64_MAX) {
        struct row_key due = row_due(session->wake, session->id);
        write(txn, TABLE_DUE, &due, NULL, 0);
    }
    if (session->name != NULL) {
        struct row_key name = row_text(session->name);
        write(txn, TABLE_NAMES, &name, session->id, SESSION_ID_BYTES);
    }
}

void index_add(struct kv_txn *txn, const struct session *session)
{
    each_row(txn, session, kv_put);
}

void index_remove(struct kv_txn *txn, const struct session *session)
{
    each_row(txn, session, drop_row);
}

/* Reads an id that an index row holds. */
static bool read_id(struct kv_txn *txn, const MDB_val *value, uint8_t ret_id[SESSION_ID_BYTES])
{
    if (value->mv_size != SESSION_ID_BYTES) {
        kv_fail(txn, KV_DAMAGED);
        return false;
    }
    memcpy(ret_id, value->mv_data, SESSION_ID_BYTES);
    return true;
}

/* ---- names ---- */

bool index_find_name(struct kv_txn *txn, const char *name, uint8_t ret_id[SESSION_ID_BYTES])
{
    size_t length = strnlen(name, NAME_MAX_BYTES + 1);
    if (length < 1 || length > NAME_MAX_BYTES)
        return false;
    struct row_key key = row_text(name);
    MDB_val value;
    return kv_get(txn, TABLE_NAMES, &key, &value) && read_id(txn, &value, ret_id);
}

struct start {
    struct kv_txn *txn;
    uint8_t *id;
    unsigned found;
};

static bool take_start(void *arg, const MDB_val *key, const MDB_val *value)
{
    struct start *start = arg;
    (void)key;
    return ++start->found == 1 && read_id(start->txn, value, start->id);
}

enum kv_status index_find_start(struct kv_txn *txn, const char *text,
                                uint8_t ret_id[SESSION_ID_BYTES])
{
    uint8_t id[SESSION_ID_BYTES];
    struct start start = {.txn = txn, .id = id};
    size_t length = strnlen(text, NAME_MAX_BYTES + 1);
    if (length < 1 || length > NAME_MAX_BYTES)
        return KV_MISSING;
    struct row_key first = row_text(text), last = first;
    /* Names are UTF-8, which has no such byte. */
    memset(last.bytes + last.length, 0xff, NAME_MAX_BYTES + 1 - length);
    last.length += NAME_MAX_BYTES + 1 - length;
    kv_walk(txn, TABLE_NAMES, &first, &last, take_start, &start);
    if (txn->status != KV_OK)
        return txn->status;
    if (start.found == 1)
        memcpy(ret_id, id, sizeof(id));
    return start.found == 0 ? KV_MISSING : start.found == 1 ? KV_OK : KV_AMBIGUOUS;
}

/* ---- due ---- */

enum kv_status store_next_due(struct kv_txn *txn, struct store_due *place)
{
    struct row_key key = row_due(place->wake, place->id);
    MDB_val found, value;

    /* The place itself with a zero byte behind it is the least key that is greater. */
    key.bytes[key.length++] = 0;
    if (!kv_seek(txn, TABLE_DUE, &key, &found, &value))
        return txn->status == KV_OK ? KV_MISSING : txn->status;
    if (found.mv_size != ROW_DUE_BYTES)
        return kv_fail(txn, KV_DAMAGED);
    const uint8_t *bytes = found.mv_data;
    place->wake = row_read_signed(bytes);
    memcpy(place->id, bytes + ROW_DUE_BYTES - SESSION_ID_BYTES, SESSION_ID_BYTES);
    return KV_OK;
}

/* ---- the time of day ---- */

/* How far the note may be off, ms. */
#define NOTE_AGE_MAX ((int64_t)10 * 60 * 1000)

int64_t store_noted_time(struct kv_txn *txn)
{
    uint64_t time = 0;
    if (txn->status != KV_OK)
        return INT64_MIN;
    int error = meta_get(txn->txn, txn->store->tables[TABLE_META], META_TIME, &time);
    if (error != MDB_SUCCESS && error != MDB_NOTFOUND)
        kv_fail(txn, kv_status_of(error));
    return error == MDB_SUCCESS && time <= INT64_MAX ? (int64_t)time : INT64_MIN;
}

void store_note_time(struct kv_txn *txn, int64_t now)
{
    int64_t noted = store_noted_time(txn);
    bool fresh = noted != INT64_MIN && (noted > now || now - noted < NOTE_AGE_MAX);
    if (!fresh && now >= 0)
        store_correct_time(txn, now);
}

void store_correct_time(struct kv_txn *txn, int64_t now)
{
    if (txn->status != KV_OK)
        return;
    int error = meta_put(txn->txn, txn->store->tables[TABLE_META], META_TIME, (uint64_t)now);
    kv_fail(txn, kv_status_of(error));
}

/* ---- changes ---- */

uint64_t store_last_change(struct kv_txn *txn)
{
    uint64_t change = 0;
    if (txn->status != KV_OK)
        return 0;
    int error = meta_get(txn->txn, txn->store->tables[TABLE_META], META_CHANGE, &change);
    if (error != MDB_SUCCESS && error != MDB_NOTFOUND)
        kv_fail(txn, kv_status_of(error));
    return change;
}

uint64_t index_new_change(struct kv_txn *txn)
{
    uint64_t change = store_last_change(txn) + 1;
    if (txn->status != KV_OK)
        return 0;
    int error = meta_put(txn->txn, txn->store->tables[TABLE_META], META_CHANGE, change);
    return kv_fail(txn, kv_status_of(error)) == KV_OK ? change : 0;
}

enum kv_status store_next_change(struct kv_txn *txn, uint64_t since, uint64_t *ret_change,
                                 uint8_t ret_id[SESSION_ID_BYTES])
{
    if (since == UINT64_MAX)
        return KV_MISSING;
    struct row_key key = row_number(since + 1);
    MDB_val found, value;
    uint8_t id[SESSION_ID_BYTES];

    if (!kv_seek(txn, TABLE_CHANGES, &key, &found, &value))
        return txn->status == KV_OK ? KV_MISSING : txn->status;
    if (found.mv_size != ROW_NUMBER_BYTES || !read_id(txn, &value, id))
        return kv_fail(txn, KV_DAMAGED);
    memcpy(ret_id, id, SESSION_ID_BYTES);
    *ret_change = row_read_number(found.mv_data);
    return KV_OK;
}
