/* The index rows that lead to a session, and what else is looked up by its id: imports, changes,
 * due times. */
#include "config.h"

#include <string.h>

#include "state/store_parts.h"
#include "wormhole/code.h"

/* ---- one row each ---- */

typedef void row_writer(struct kv_txn *txn, unsigned table, const struct kv_key *key,
                        const void *data, size_t length);

static void drop_row(struct kv_txn *txn, unsigned table, const struct kv_key *key, const void *data,
                     size_t length)
{
    (void)data;
    (void)length;
    kv_delete(txn, table, key);
}

static void change_row(struct kv_txn *txn, const struct session *session, row_writer *write)
{
    struct kv_key change = kv_key_number(session->change);
    write(txn, STORE_TABLE_CHANGES, &change, session->id, SESSION_ID_BYTES);
}

static void due_row(struct kv_txn *txn, const struct session *session, row_writer *write)
{
    struct kv_key due = store_key_due(session->wake, session->id);
    if (session->wake != INT64_MAX)
        write(txn, STORE_TABLE_DUE, &due, NULL, 0);
}

static void name_row(struct kv_txn *txn, const struct session *session, row_writer *write)
{
    if (session->name == NULL)
        return;
    struct kv_key name = store_key_name(session->name);
    write(txn, STORE_TABLE_NAMES, &name, session->id, SESSION_ID_BYTES);
}

static void code_row(struct kv_txn *txn, const struct session *session, row_writer *write)
{
    char nameplate[NAMEPLATE_MAX + 1];
    if (!session_meets_by_code(session))
        return;
    code_nameplate(session->code, nameplate);
    struct kv_key code = store_key_code(nameplate, session->id);
    write(txn, STORE_TABLE_CODES, &code, NULL, 0);
}

void store_index_add(struct kv_txn *txn, const struct session *session)
{
    change_row(txn, session, kv_put);
    due_row(txn, session, kv_put);
    name_row(txn, session, kv_put);
    code_row(txn, session, kv_put);
}

void store_index_remove(struct kv_txn *txn, const struct session *session)
{
    change_row(txn, session, drop_row);
    due_row(txn, session, drop_row);
    name_row(txn, session, drop_row);
    code_row(txn, session, drop_row);
}

static bool same_name(const char *one, const char *other)
{
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

void store_index_move(struct kv_txn *txn, const struct session *old, const struct session *session)
{
    change_row(txn, old, drop_row);
    change_row(txn, session, kv_put);
    if (old->wake != session->wake) {
        due_row(txn, old, drop_row);
        due_row(txn, session, kv_put);
    }
    if (!same_name(old->name, session->name)) {
        name_row(txn, old, drop_row);
        name_row(txn, session, kv_put);
    }
    if (session_meets_by_code(old) != session_meets_by_code(session)) {
        code_row(txn, old, drop_row);
        code_row(txn, session, kv_put);
    }
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

bool store_index_find_name(struct kv_txn *txn, const char *name, uint8_t ret_id[SESSION_ID_BYTES])
{
    size_t length = strnlen(name, NAME_MAX_BYTES + 1);
    if (length < 1 || length > NAME_MAX_BYTES)
        return false;
    struct kv_key key = store_key_name(name);
    MDB_val value;
    return kv_get(txn, STORE_TABLE_NAMES, &key, &value) && read_id(txn, &value, ret_id);
}

struct name_search {
    struct kv_txn *txn;
    uint8_t *id;
    unsigned found;
};

static bool take_start(void *arg, const MDB_val *key, const MDB_val *value)
{
    struct name_search *search = arg;
    (void)key;
    return ++search->found == 1 && read_id(search->txn, value, search->id);
}

static enum kv_status find_start(struct kv_txn *txn, const char *text,
                                 uint8_t ret_id[SESSION_ID_BYTES])
{
    uint8_t id[SESSION_ID_BYTES];
    struct name_search search = {.txn = txn, .id = id};
    size_t length = strnlen(text, NAME_MAX_BYTES + 1);
    if (length < 1 || length > NAME_MAX_BYTES)
        return KV_MISSING;
    struct kv_key first = store_key_name(text), last = first;
    /* Names are UTF-8, which never contains this byte. */
    memset(last.bytes + last.length, 0xff, NAME_MAX_BYTES + 1 - length);
    last.length += NAME_MAX_BYTES + 1 - length;
    kv_walk(txn, STORE_TABLE_NAMES, &first, &last, take_start, &search);
    if (kv_txn_status(txn) != KV_OK)
        return kv_txn_status(txn);
    if (search.found == 1)
        memcpy(ret_id, id, sizeof(id));
    return search.found == 0 ? KV_MISSING : search.found == 1 ? KV_OK : KV_AMBIGUOUS;
}

/* ---- due ---- */

enum kv_status store_next_due(struct kv_txn *txn, struct store_due *place)
{
    struct kv_key key = store_key_due(place->wake, place->id);
    MDB_val found, value;

    /* The place itself followed by a zero byte is the least key that is greater. */
    key.bytes[key.length++] = 0;
    if (!kv_seek(txn, STORE_TABLE_DUE, &key, &found, &value))
        return kv_txn_status(txn) == KV_OK ? KV_MISSING : kv_txn_status(txn);
    if (found.mv_size != STORE_DUE_BYTES)
        return kv_fail(txn, KV_DAMAGED);
    const uint8_t *bytes = found.mv_data;
    place->wake = kv_read_signed(bytes);
    memcpy(place->id, bytes + STORE_DUE_BYTES - SESSION_ID_BYTES, SESSION_ID_BYTES);
    return KV_OK;
}

/* ---- the time of day ---- */

/* How far the note may lag behind, ms. */
#define NOTE_AGE_MAX ((int64_t)10 * 60 * 1000)

int64_t store_noted_time(struct kv_txn *txn)
{
    uint64_t time;
    bool noted = kv_get_number(txn, STORE_META_TIME, &time);
    return noted && time <= INT64_MAX ? (int64_t)time : INT64_MIN;
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
    kv_put_number(txn, STORE_META_TIME, (uint64_t)now);
}

/* ---- changes ---- */

uint64_t store_last_change(struct kv_txn *txn)
{
    uint64_t change = 0;
    kv_get_number(txn, STORE_META_CHANGE, &change);
    return change;
}

uint64_t store_index_new_change(struct kv_txn *txn)
{
    uint64_t change = store_last_change(txn) + 1;
    kv_put_number(txn, STORE_META_CHANGE, change);
    return kv_txn_status(txn) == KV_OK ? change : 0;
}

enum kv_status store_next_change(struct kv_txn *txn, uint64_t since, uint64_t *ret_change,
                                 uint8_t ret_id[SESSION_ID_BYTES])
{
    if (since == UINT64_MAX)
        return KV_MISSING;
    struct kv_key key = kv_key_number(since + 1);
    MDB_val found, value;
    uint8_t id[SESSION_ID_BYTES];

    if (!kv_seek(txn, STORE_TABLE_CHANGES, &key, &found, &value))
        return kv_txn_status(txn) == KV_OK ? KV_MISSING : kv_txn_status(txn);
    if (found.mv_size != KV_NUMBER_BYTES || !read_id(txn, &value, id))
        return kv_fail(txn, KV_DAMAGED);
    memcpy(ret_id, id, SESSION_ID_BYTES);
    *ret_change = kv_read_number(found.mv_data);
    return KV_OK;
}

/* ---- from id to id ---- */

/* The first session at or after `key`. */
static enum kv_status seek_session(struct kv_txn *txn, const struct kv_key *key, MDB_val *ret_id,
                                   MDB_val *ret_value)
{
    if (!kv_seek(txn, STORE_TABLE_SESSIONS, key, ret_id, ret_value))
        return kv_txn_status(txn) == KV_OK ? KV_MISSING : kv_txn_status(txn);
    if (ret_id->mv_size != SESSION_ID_BYTES)
        return kv_fail(txn, KV_DAMAGED);
    return KV_OK;
}

/* Advances to the next greater id. False if there is none. */
static bool increment(uint8_t id[SESSION_ID_BYTES])
{
    for (int i = SESSION_ID_BYTES - 1; i >= 0; i--)
        if (++id[i] != 0)
            return true;
    return false;
}

/* The least id greater than `after` (NULL: the least of all). False if there is none. */
static bool least_after(const uint8_t *after, uint8_t ret_least[SESSION_ID_BYTES])
{
    memset(ret_least, 0, SESSION_ID_BYTES);
    if (after == NULL)
        return true;
    memcpy(ret_least, after, SESSION_ID_BYTES);
    return increment(ret_least);
}

enum kv_status store_next_id(struct kv_txn *txn, const uint8_t *after,
                             uint8_t ret_id[SESSION_ID_BYTES])
{
    uint8_t least[SESSION_ID_BYTES];
    MDB_val id, value;
    if (!least_after(after, least))
        return KV_MISSING;
    struct kv_key key = store_key_id(least);
    enum kv_status status = seek_session(txn, &key, &id, &value);
    if (status == KV_OK)
        memcpy(ret_id, id.mv_data, SESSION_ID_BYTES);
    return status;
}

/* ---- codes ---- */

/* What a row of the table and the pages that it changes take at most, bytes. */
#define CODE_ROOM 512

static void index_all(struct kv_txn *txn)
{
    uint8_t id[SESSION_ID_BYTES];
    for (enum kv_status status = store_next_id(txn, NULL, id); status == KV_OK;
         status = store_next_id(txn, id, id)) {
        struct session *session;
        if (store_get_session(txn, id, &session) != KV_OK)
            continue;
        code_row(txn, session, kv_put);
        session_free(session);
    }
    kv_put_number(txn, STORE_META_CODES, 1);
}

enum kv_status store_index_codes(struct kv *store)
{
    struct kv_txn *txn = kv_read(store);
    uint64_t complete, count = store_count(txn);
    bool done = kv_get_number(txn, STORE_META_CODES, &complete);
    enum kv_status status = kv_txn_status(txn);
    kv_end(txn);
    if (status == KV_OK && !done) {
        txn = kv_write(store, (size_t)(count + 1) * CODE_ROOM);
        index_all(txn);
        status = kv_commit(txn);
    }
    return status;
}

enum kv_status store_next_code(struct kv_txn *txn, const char *nameplate, const uint8_t *after,
                               uint8_t ret_id[SESSION_ID_BYTES])
{
    uint8_t least[SESSION_ID_BYTES];
    MDB_val found, value;
    if (!least_after(after, least))
        return KV_MISSING;
    struct kv_key key = store_key_code(nameplate, least);
    if (!kv_seek(txn, STORE_TABLE_CODES, &key, &found, &value))
        return kv_txn_status(txn) == KV_OK ? KV_MISSING : kv_txn_status(txn);
    size_t prefix = key.length - SESSION_ID_BYTES;
    if (found.mv_size != key.length || memcmp(found.mv_data, key.bytes, prefix) != 0)
        return KV_MISSING;
    memcpy(ret_id, (const uint8_t *)found.mv_data + prefix, SESSION_ID_BYTES);
    return KV_OK;
}

/* ---- finding ---- */

/* Reads 1 to 16 hex digits: the ids with that prefix are those from `first` to `last`. */
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

    struct kv_key key = store_key_id(first);
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
    if (store_index_find_name(txn, text, ret_id))
        return KV_OK;
    enum kv_status id = find_prefix(txn, text, by_id);
    enum kv_status name = find_start(txn, text, by_name);
    if (kv_txn_status(txn) != KV_OK)
        return kv_txn_status(txn);
    if (id == KV_OK && name == KV_OK && memcmp(by_id, by_name, SESSION_ID_BYTES) == 0)
        name = KV_MISSING;
    if (id != KV_MISSING && name != KV_MISSING)
        return KV_AMBIGUOUS;
    enum kv_status status = id == KV_MISSING ? name : id;
    if (status == KV_OK)
        memcpy(ret_id, id == KV_OK ? by_id : by_name, SESSION_ID_BYTES);
    return status;
}

/* ---- imports ---- */

/* A row: the exports number, and the deadline after which no text of this session is accepted. */
#define IMPORT_BYTES (2 * KV_NUMBER_BYTES)

/* Rows examined each time that one is put. Ids are random, so the table stays about as large as the
 * number of imports whose deadline is still to come. */
#define SWEPT 8

static bool read_import(struct kv_txn *txn, const MDB_val *value, uint64_t *ret_exports,
                        int64_t *ret_deadline)
{
    const uint8_t *bytes = value->mv_data;
    if (value->mv_size != IMPORT_BYTES) {
        kv_fail(txn, KV_DAMAGED);
        return false;
    }
    *ret_exports = kv_read_number(bytes);
    *ret_deadline = (int64_t)kv_read_number(bytes + KV_NUMBER_BYTES);
    return true;
}

enum kv_status store_get_import(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES],
                                uint32_t *ret_exports)
{
    struct kv_key key = store_key_id(id);
    MDB_val value;
    uint64_t exports;
    int64_t deadline;
    if (!kv_get(txn, STORE_TABLE_IMPORTS, &key, &value) ||
        !read_import(txn, &value, &exports, &deadline))
        return kv_txn_status(txn) == KV_OK ? KV_MISSING : kv_txn_status(txn);
    *ret_exports = (uint32_t)exports;
    return KV_OK;
}

struct import_sweep {
    struct kv_txn *txn;
    int64_t now;
    unsigned looked, count;
    struct kv_key passed[SWEPT];
};

static bool visit_import(void *arg, const MDB_val *key, const MDB_val *value)
{
    struct import_sweep *found = arg;
    uint64_t exports;
    int64_t deadline;
    if (key->mv_size != SESSION_ID_BYTES || !read_import(found->txn, value, &exports, &deadline))
        return false;
    if (deadline < found->now)
        found->passed[found->count++] = store_key_id(key->mv_data);
    return ++found->looked < SWEPT;
}

/* From this id on, and then from the first one if those are too few. */
static void sweep(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES], int64_t now)
{
    static const uint8_t least[SESSION_ID_BYTES];
    uint8_t greatest[SESSION_ID_BYTES];
    struct import_sweep found = {.txn = txn, .now = now};
    memset(greatest, 0xff, sizeof(greatest));
    struct kv_key here = store_key_id(id), first = store_key_id(least),
                  last = store_key_id(greatest);

    kv_walk(txn, STORE_TABLE_IMPORTS, &here, &last, visit_import, &found);
    if (found.looked < SWEPT)
        kv_walk(txn, STORE_TABLE_IMPORTS, &first, &here, visit_import, &found);
    for (unsigned i = 0; i < found.count; i++)
        kv_delete(txn, STORE_TABLE_IMPORTS, &found.passed[i]);
}

void store_put_import(struct kv_txn *txn, const uint8_t id[SESSION_ID_BYTES], uint32_t exports,
                      int64_t deadline, int64_t now)
{
    struct kv_key key = store_key_id(id), number = kv_key_number(exports);
    struct kv_key until = kv_key_number((uint64_t)deadline);
    uint8_t bytes[IMPORT_BYTES];
    memcpy(bytes, number.bytes, KV_NUMBER_BYTES);
    memcpy(bytes + KV_NUMBER_BYTES, until.bytes, KV_NUMBER_BYTES);
    sweep(txn, id, now);
    kv_put(txn, STORE_TABLE_IMPORTS, &key, bytes, sizeof(bytes));
}
