/* What is in the store, and the ways that lead to it, agree at every commit. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "scarce.h"
#include "state/record.h"
#include "storebox.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static void rename_session(struct session *session, const char *name)
{
    free(session->name);
    session->name = name == NULL ? NULL : strdup(name);
}

static void set_id(struct session *session, uint64_t id)
{
    for (int i = 0; i < SESSION_ID_BYTES; i++)
        session->id[i] = (uint8_t)(id >> (56 - 8 * i));
}

static enum kv_status get(struct storebox *box, const uint8_t *id, struct session **ret_session)
{
    struct kv_txn *txn = kv_read(box->store);
    enum kv_status status = store_get_session(txn, id, ret_session);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    kv_end(txn);
    return status;
}

/* ---- sessions ---- */

static void test_put_and_get(void **state)
{
    struct storebox *box = *state;
    struct session *full = sample_full(1), *back = NULL;

    assert_int_equal(get(box, full->id, &back), KV_MISSING);
    assert_null(back);
    storebox_put(box, full);
    assert_int_equal(full->change, 1);
    assert_int_equal(get(box, full->id, &back), KV_OK);
    sample_assert_same(full, back);
    session_free(back);

    storebox_close(box);
    storebox_open(box, 0);
    assert_int_equal(get(box, full->id, &back), KV_OK);
    sample_assert_same(full, back);
    session_free(back);
    session_free(full);
}

/* Writing what is there already is no change: nobody is told, and no sequence moves. */
static void test_same_is_no_change(void **state)
{
    struct storebox *box = *state;
    struct session *full = sample_full(1);
    bool changed = false;

    struct kv_txn *txn = kv_write(box->store, 4096);
    assert_int_equal(store_put_session(txn, full, &changed), KV_OK);
    assert_true(changed);
    assert_int_equal(store_put_session(txn, full, &changed), KV_OK);
    assert_false(changed);
    assert_int_equal(kv_commit(txn), KV_OK);

    /* Neither does it matter which change the caller believes it to be at. */
    full->change = 99;
    txn = kv_write(box->store, 4096);
    assert_int_equal(store_put_session(txn, full, &changed), KV_OK);
    assert_false(changed);
    assert_int_equal(full->change, 1);
    assert_int_equal(store_last_change(txn), 1);

    full->heals++;
    assert_int_equal(store_put_session(txn, full, &changed), KV_OK);
    assert_true(changed);
    assert_int_equal(full->change, 2);
    assert_int_equal(kv_commit(txn), KV_OK);
    assert_int_equal(storebox_rows(box, STORE_TABLE_CHANGES), 1);
    session_free(full);
}

/* Makes a stored field of the full sample another one that is valid too. */
static void alter(const struct kv_field *field, struct session *session)
{
    void *place = (char *)session + field->offset;
    switch (sample_kind(field)) {
    case SAMPLE_STRING:
        (*(char **)place)[0]++;
        break;
    case SAMPLE_TEXT:
    case SAMPLE_BYTES:
        ((uint8_t *)place)[0]++;
        break;
    case SAMPLE_SIGNED:
    case SAMPLE_UNSIGNED:
        --*(uint64_t *)place;
        break;
    case SAMPLE_BOOL:
        *(bool *)place = false;
        break;
    case SAMPLE_RULES:
        ((struct schedule *)place)->rules[0].interval++;
        break;
    case SAMPLE_JOURNAL:
        ((struct journal *)place)->length--;
        break;
    default:
        --*(uint32_t *)place;
        break;
    }
}

static void test_every_field_is_compared(void **state)
{
    struct storebox *box = *state;
    for (size_t tag = 0; tag < session_record_kind.tags; tag++) {
        const struct kv_field *field = &session_record_kind.fields[tag];
        if (field->type == NULL)
            continue;
        if (strcmp(field->name, "change") == 0)
            continue;
        struct session *full = sample_full(1), *back = NULL;
        bool changed = false;
        storebox_put(box, full);
        alter(field, full);
        struct kv_txn *txn = kv_write(box->store, 4096);
        assert_int_equal(store_put_session(txn, full, &changed), KV_OK);
        assert_int_equal(kv_commit(txn), KV_OK);
        if (!changed)
            fail_msg("a new %s is not stored", field->name);
        assert_int_equal(get(box, full->id, &back), KV_OK);
        sample_assert_same(full, back);
        session_free(back);
        session_free(full);
    }
}

static void test_ended_transaction_leaves_nothing(void **state)
{
    struct storebox *box = *state;
    struct session *full = sample_full(1), *back = NULL;
    struct kv_txn *txn = kv_write(box->store, 4096);
    assert_int_equal(store_put_session(txn, full, NULL), KV_OK);
    store_put_message(txn, STORE_INBOX, full->id, 0, (const uint8_t *)"x", 1);
    kv_end(txn);
    assert_int_equal(get(box, full->id, &back), KV_MISSING);
    for (unsigned table = STORE_TABLE_SESSIONS; table < STORE_TABLES; table++)
        assert_int_equal(storebox_rows(box, table), 0);
    session_free(full);
}

static void test_delete_leaves_no_row(void **state)
{
    struct storebox *box = *state;
    struct session *one = sample_full(1), *two = sample_full(2);
    storebox_put(box, one);
    storebox_put(box, two);
    struct kv_txn *txn = kv_write(box->store, 4096);
    for (uint32_t number = 0; number < 300; number++) {
        store_put_message(txn, STORE_OUTBOX, one->id, number, (const uint8_t *)"abc", 3);
        store_put_message(txn, STORE_INBOX, one->id, number, (const uint8_t *)"abc", 3);
    }
    store_put_message(txn, STORE_INBOX, two->id, 0, (const uint8_t *)"abc", 3);
    assert_int_equal(kv_commit(txn), KV_OK);

    storebox_delete(box, one);
    for (unsigned table = STORE_TABLE_SESSIONS; table < STORE_TABLE_IMPORTS; table++)
        assert_int_equal(storebox_rows(box, table), table == STORE_TABLE_OUTBOX ? 0 : 1);
    storebox_delete(box, one);
    txn = kv_write(box->store, 0);
    store_delete_session(txn, two->id);
    assert_int_equal(store_count(txn), 0);
    assert_int_equal(kv_commit(txn), KV_OK);
    for (unsigned table = STORE_TABLE_SESSIONS; table < STORE_TABLE_IMPORTS; table++)
        assert_int_equal(storebox_rows(box, table), 0);
    assert_int_equal(storebox_rows(box, STORE_TABLE_CODES), 0);
    session_free(one);
    session_free(two);
}

static void test_walk(void **state)
{
    static const uint64_t ids[] = {0, 1, 255, 256, 0x0100000000000000, UINT64_MAX};
    struct storebox *box = *state;
    struct session *session = NULL;
    struct kv_txn *txn = kv_write(box->store, 4096);
    for (size_t i = LENGTH(ids); i-- > 0;) {
        session = sample_bare(1);
        set_id(session, ids[i]);
        assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
        session_free(session);
    }
    assert_int_equal(store_count(txn), LENGTH(ids));
    assert_int_equal(kv_commit(txn), KV_OK);

    txn = kv_read(box->store);
    uint8_t place[SESSION_ID_BYTES], next[SESSION_ID_BYTES];
    for (size_t i = 0; i < LENGTH(ids); i++) {
        const uint8_t *after = i == 0 ? NULL : place;
        assert_int_equal(store_next_id(txn, after, next), KV_OK);
        assert_int_equal(storebox_next(txn, after, &session), KV_OK);
        memcpy(place, session->id, sizeof(place));
        assert_memory_equal(next, place, sizeof(place));
        session_free(session);
        session = sample_bare(1);
        set_id(session, ids[i]);
        assert_memory_equal(place, session->id, sizeof(place));
        session_free(session);
    }
    assert_int_equal(storebox_next(txn, place, &session), KV_MISSING);
    assert_int_equal(store_next_id(txn, place, next), KV_MISSING);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    kv_end(txn);
}

/* ---- imports ---- */

static void put_import(struct storebox *box, uint64_t id, uint32_t exports, int64_t deadline,
                       int64_t now)
{
    struct kv_key key = kv_key_number(id);
    struct kv_txn *txn = kv_write(box->store, 4096);
    store_put_import(txn, key.bytes, exports, deadline, now);
    assert_int_equal(kv_commit(txn), KV_OK);
}

static void assert_import(struct storebox *box, uint64_t id, uint32_t exports)
{
    struct kv_key key = kv_key_number(id);
    struct kv_txn *txn = kv_read(box->store);
    uint32_t found = 0;
    assert_int_equal(store_get_import(txn, key.bytes, &found), exports > 0 ? KV_OK : KV_MISSING);
    assert_int_equal(found, exports);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    kv_end(txn);
}

static void test_imports(void **state)
{
    struct storebox *box = *state;
    assert_import(box, 7, 0);
    put_import(box, 7, 1, 1000, 0);
    put_import(box, 8, UINT32_MAX, INT64_MAX, 0);
    put_import(box, 7, 2, 2000, 0);
    storebox_close(box);
    storebox_open(box, 0);
    assert_import(box, 7, 2);
    assert_import(box, 8, UINT32_MAX);
    assert_import(box, 6, 0);
    assert_int_equal(storebox_rows(box, STORE_TABLE_IMPORTS), 2);
}

/* It outlives the session: a text must not come in again after the session was forgotten. */
static void test_import_outlives_its_session(void **state)
{
    struct storebox *box = *state;
    struct session *one = sample_bare(7);
    storebox_put(box, one);
    put_import(box, 7, 1, 1000, 0);
    storebox_delete(box, one);
    assert_import(box, 7, 1);
    session_free(one);
}

/* Those whose deadline has passed are swept, a few at a time, wherever they are; never another. */
static void test_imports_are_swept(void **state)
{
    struct storebox *box = *state;
    for (uint64_t i = 0; i < 100; i++)
        put_import(box, i << 56, 1, i % 2 == 0 ? 100 : 5000, 0);
    assert_int_equal(storebox_rows(box, STORE_TABLE_IMPORTS), 100);
    put_import(box, (uint64_t)50 << 56, 2, 5000, 100);
    assert_int_equal(storebox_rows(box, STORE_TABLE_IMPORTS), 100); /* not yet passed */
    for (uint64_t i = 0; i < 50; i++) {
        uint64_t before = storebox_rows(box, STORE_TABLE_IMPORTS);
        put_import(box, ((i * 37 % 100) << 56) + 1, 1, 5000, 101);
        assert_in_range(before - storebox_rows(box, STORE_TABLE_IMPORTS) + 1, 0, 8);
    }
    for (uint64_t i = 0; i < 100; i++)
        assert_import(box, i << 56, i == 50 ? 2 : i % 2);
}

static void test_bad_import_row(void **state)
{
    struct storebox *box = *state;
    struct kv_key key = kv_key_number(7);
    uint32_t exports;
    struct kv_txn *txn = kv_write(box->store, 4096);
    kv_put(txn, STORE_TABLE_IMPORTS, &key, "short", 5);
    assert_int_equal(store_get_import(txn, key.bytes, &exports), KV_DAMAGED);
    assert_int_equal(kv_commit(txn), KV_DAMAGED);
}

/* ---- the time of day ---- */

static int64_t noted(struct storebox *box)
{
    struct kv_txn *txn = kv_read(box->store);
    int64_t time = store_noted_time(txn);
    kv_end(txn);
    return time;
}

static void note(struct storebox *box, int64_t now)
{
    struct kv_txn *txn = kv_write(box->store, 0);
    store_note_time(txn, now);
    assert_int_equal(kv_commit(txn), KV_OK);
}

static void correct(struct storebox *box, int64_t now)
{
    struct kv_txn *txn = kv_write(box->store, 0);
    store_correct_time(txn, now);
    assert_int_equal(kv_commit(txn), KV_OK);
}

/* Now and then, not at every turn; and never back, unless that is what is wanted. */
static void test_time(void **state)
{
    const int64_t minute = 60000, begin = INT64_C(1767225600000);
    struct storebox *box = *state;
    assert_true(noted(box) == INT64_MIN);
    note(box, begin);
    assert_true(noted(box) == begin);
    note(box, begin + 9 * minute);
    assert_true(noted(box) == begin);
    note(box, begin + 10 * minute);
    assert_true(noted(box) == begin + 10 * minute);
    note(box, begin - 1);
    assert_true(noted(box) == begin + 10 * minute);
    note(box, -1);
    assert_true(noted(box) == begin + 10 * minute);
    correct(box, begin - 1);
    assert_true(noted(box) == begin - 1);
    note(box, begin);
    assert_true(noted(box) == begin - 1);
}

/* ---- names ---- */

static enum kv_status find(struct storebox *box, const char *text, uint8_t ret_id[SESSION_ID_BYTES])
{
    struct kv_txn *txn = kv_read(box->store);
    enum kv_status status = store_find(txn, text, ret_id);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    kv_end(txn);
    return status;
}

static void assert_found(struct storebox *box, const char *text, const struct session *session)
{
    uint8_t id[SESSION_ID_BYTES];
    assert_int_equal(find(box, text, id), KV_OK);
    assert_memory_equal(id, session->id, sizeof(id));
}

static void assert_not_found(struct storebox *box, const char *text, enum kv_status status)
{
    uint8_t id[SESSION_ID_BYTES] = {0xee};
    assert_int_equal(find(box, text, id), status);
    assert_int_equal(id[0], 0xee);
}

static void test_names(void **state)
{
    struct storebox *box = *state;
    struct session *one = sample_full(1), *two = sample_full(2);
    storebox_put(box, one);
    rename_session(two, one->name);

    bool changed = false;
    uint64_t before = two->change;
    struct kv_txn *txn = kv_write(box->store, 4096);
    assert_int_equal(store_put_session(txn, two, &changed), KV_TAKEN);
    assert_false(changed);
    assert_int_equal(two->change, before);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    rename_session(two, "desk");
    assert_int_equal(store_put_session(txn, two, NULL), KV_OK);
    assert_int_equal(kv_commit(txn), KV_OK);
    assert_found(box, "laptop 1", one);
    assert_found(box, "desk", two);

    /* Renamed: the old name is free, and somebody else may take it. */
    rename_session(one, "tower");
    storebox_put(box, one);
    assert_not_found(box, "laptop 1", KV_MISSING);
    assert_found(box, "tower", one);
    rename_session(two, "laptop 1");
    storebox_put(box, two);
    assert_found(box, "laptop 1", two);
    assert_not_found(box, "desk", KV_MISSING);

    rename_session(one, NULL);
    storebox_put(box, one);
    assert_not_found(box, "tower", KV_MISSING);
    assert_int_equal(storebox_rows(box, STORE_TABLE_NAMES), 1);
    session_free(one);
    session_free(two);
}

/* The start of a name will do, if no other name and no id begins so. */
static void test_start_of_name(void **state)
{
    struct storebox *box = *state;
    struct session *one = sample_bare(1), *two = sample_bare(2);
    char start[3], name[4];
    two->id[0] = (uint8_t)~one->id[0];
    rename_session(one, "laptop");
    rename_session(two, "lap dog \xc3\xa9t\xc3\xa9");
    storebox_put(box, one);
    storebox_put(box, two);
    assert_found(box, "lapt", one);
    assert_found(box, "lap ", two);
    assert_found(box, "lap dog \xc3\xa9t", two);
    assert_not_found(box, "lap", KV_AMBIGUOUS);
    assert_not_found(box, "l", KV_AMBIGUOUS);
    assert_not_found(box, "laptops", KV_MISSING);
    assert_not_found(box, "ap", KV_MISSING);
    assert_not_found(box, "", KV_MISSING);

    /* A whole name is that one, whatever else begins so. */
    rename_session(two, "lap");
    storebox_put(box, two);
    assert_found(box, "lap", two);

    /* What begins like an id may be a name as well, of the same session or of another. */
    snprintf(start, sizeof(start), "%02x", one->id[0]);
    snprintf(name, sizeof(name), "%sx", start);
    rename_session(two, name);
    storebox_put(box, two);
    assert_not_found(box, start, KV_AMBIGUOUS);
    rename_session(two, NULL);
    storebox_put(box, two);
    rename_session(one, name);
    storebox_put(box, one);
    assert_found(box, start, one);
    session_free(one);
    session_free(two);
}

static void test_longest_name(void **state)
{
    struct storebox *box = *state;
    struct session *one = sample_bare(1);
    char name[NAME_MAX_BYTES + 2];
    memset(name, 'n', sizeof(name));
    name[NAME_MAX_BYTES] = 0;
    rename_session(one, name);
    storebox_put(box, one);
    assert_found(box, name, one);
    name[NAME_MAX_BYTES] = 'n';
    name[NAME_MAX_BYTES + 1] = 0;
    assert_not_found(box, name, KV_MISSING);
    session_free(one);
}

static void put_with_id(struct storebox *box, uint64_t id, const char *name,
                        struct session **ret_session)
{
    *ret_session = sample_bare(1);
    set_id(*ret_session, id);
    rename_session(*ret_session, name);
    storebox_put(box, *ret_session);
}

static void test_find_by_id(void **state)
{
    struct storebox *box = *state;
    struct session *a, *b, *c, *zero;
    put_with_id(box, 0xab12000000000001, NULL, &a);
    put_with_id(box, 0xab1f000000000000, NULL, &b);
    put_with_id(box, 0xffffffffffffffff, NULL, &c);
    put_with_id(box, 0x0000000000000000, NULL, &zero);

    assert_found(box, "ab12000000000001", a);
    assert_found(box, "ab12", a);
    assert_found(box, "AB12", a);
    assert_found(box, "ab1f", b);
    assert_found(box, "ab1f0", b);
    assert_found(box, "f", c);
    assert_found(box, "ffffffffffffffff", c);
    assert_found(box, "0", zero);
    assert_not_found(box, "a", KV_AMBIGUOUS);
    assert_not_found(box, "ab", KV_AMBIGUOUS);
    assert_not_found(box, "ab1", KV_AMBIGUOUS);
    assert_not_found(box, "ab13", KV_MISSING);
    assert_not_found(box, "1", KV_MISSING);
    assert_not_found(box, "ab12000000000002", KV_MISSING);
    assert_not_found(box, "ab120000000000010", KV_MISSING);
    assert_not_found(box, "", KV_MISSING);
    assert_not_found(box, "xyz", KV_MISSING);
    assert_not_found(box, "ab1g", KV_MISSING);
    session_free(a);
    session_free(b);
    session_free(c);
    session_free(zero);
}

/* A petname that looks like the start of an id is a petname first. */
static void test_name_before_id(void **state)
{
    struct storebox *box = *state;
    struct session *named, *other;
    put_with_id(box, 0x1100000000000000, "ab", &named);
    put_with_id(box, 0xab00000000000000, NULL, &other);
    assert_found(box, "ab", named);
    assert_found(box, "ab0", other);
    assert_found(box, "AB", other);
    session_free(named);
    session_free(other);
}

/* ---- errors ---- */

static void overwrite_record(struct storebox *box, const uint8_t *id)
{
    struct kv_key key = store_key_id(id);
    struct kv_txn *txn = kv_write(box->store, 4096);
    kv_put(txn, STORE_TABLE_SESSIONS, &key, "garbage", 7);
    assert_int_equal(kv_commit(txn), KV_OK);
}

/* One record that cannot be read is told, stays as it is, and stands in nobody's way. */
static void test_damaged_record(void **state)
{
    struct storebox *box = *state;
    struct session *one = sample_bare(1), *two = sample_bare(2), *back = NULL;
    uint8_t next[SESSION_ID_BYTES];
    storebox_put(box, one);
    storebox_put(box, two);
    overwrite_record(box, one->id);

    struct kv_txn *txn = kv_read(box->store);
    assert_int_equal(store_get_session(txn, one->id, &back), KV_DAMAGED);
    assert_int_equal(storebox_next(txn, NULL, &back), KV_DAMAGED);
    assert_int_equal(store_next_id(txn, NULL, next), KV_OK);
    assert_int_equal(storebox_next(txn, next, &back), KV_OK);
    sample_assert_same(two, back);
    session_free(back);
    kv_end(txn);

    txn = kv_write(box->store, 4096);
    assert_int_equal(store_put_session(txn, one, NULL), KV_DAMAGED);
    assert_int_equal(kv_commit(txn), KV_DAMAGED);
    txn = kv_write(box->store, 0);
    store_delete_session(txn, one->id);
    assert_int_equal(kv_commit(txn), KV_DAMAGED);
    txn = kv_read(box->store);
    struct kv_key key = store_key_id(one->id);
    MDB_val value;
    assert_true(kv_get(txn, STORE_TABLE_SESSIONS, &key, &value));
    assert_int_equal(value.mv_size, 7);
    assert_memory_equal(value.mv_data, "garbage", 7);
    kv_end(txn);
    session_free(one);
    session_free(two);
}

/* After the first error nothing happens any more, and the commit tells it. */
static void test_first_error_stays(void **state)
{
    struct storebox *box = *state;
    struct session *one = sample_bare(1), *two = sample_bare(2), *back = NULL;
    uint8_t id[SESSION_ID_BYTES];
    struct store_due place = {INT64_MIN, {0}};
    uint64_t change;
    uint32_t exports;
    const uint8_t *data;
    size_t length;
    storebox_put(box, one);

    struct kv_txn *txn = kv_write(box->store, 4096);
    assert_int_equal(store_put_session(txn, two, NULL), KV_OK);
    assert_int_equal(kv_fail(txn, KV_FULL), KV_FULL);
    assert_int_equal(kv_fail(txn, KV_MEMORY), KV_FULL);
    assert_int_equal(store_get_session(txn, one->id, &back), KV_FULL);
    assert_int_equal(storebox_next(txn, NULL, &back), KV_FULL);
    assert_int_equal(store_next_id(txn, NULL, id), KV_FULL);
    assert_int_equal(store_put_session(txn, two, NULL), KV_FULL);
    assert_int_equal(store_find(txn, "x", id), KV_FULL);
    assert_int_equal(store_get_import(txn, id, &exports), KV_FULL);
    store_put_import(txn, id, 1, 1, 1);
    assert_int_equal(store_next_due(txn, &place), KV_FULL);
    assert_int_equal(store_next_change(txn, 0, &change, id), KV_FULL);
    assert_int_equal(store_get_message(txn, STORE_INBOX, id, 0, &data, &length), KV_FULL);
    assert_int_equal(store_last_change(txn), 0);
    assert_int_equal(store_count(txn), 0);
    store_put_message(txn, STORE_INBOX, one->id, 0, (const uint8_t *)"x", 1);
    store_delete_messages(txn, STORE_INBOX, one->id, UINT32_MAX);
    store_delete_session(txn, one->id);
    assert_int_equal(kv_txn_status(txn), KV_FULL);
    assert_int_equal(kv_commit(txn), KV_FULL);
    assert_null(back);
    assert_int_equal(storebox_rows(box, STORE_TABLE_SESSIONS), 1);
    session_free(one);
    session_free(two);
}

static void test_bad_session_is_not_written(void **state)
{
    struct storebox *box = *state;
    struct session *one = sample_bare(1);
    one->side[3] = 0;
    struct kv_txn *txn = kv_write(box->store, 4096);
    assert_int_equal(store_put_session(txn, one, NULL), KV_FAILED);
    assert_int_equal(kv_commit(txn), KV_FAILED);
    for (unsigned table = STORE_TABLE_SESSIONS; table < STORE_TABLES; table++)
        assert_int_equal(storebox_rows(box, table), 0);
    session_free(one);
}

/* More readers than LMDB has places for: the next is refused, the others go on. */
static void test_many_readers(void **state)
{
    struct storebox *box = *state;
    struct kv_txn *readers[200];
    size_t open = 0, refused;
    while (open < LENGTH(readers)) {
        readers[open] = kv_read(box->store);
        if (kv_txn_status(readers[open++]) != KV_OK)
            break;
    }
    refused = open - 1;
    assert_in_range(refused, 100, LENGTH(readers) - 2);
    assert_int_equal(kv_txn_status(readers[refused]), KV_FAILED);
    assert_int_equal(store_count(readers[refused]), 0);
    store_put_message(readers[refused], STORE_INBOX, (const uint8_t *)"12345678", 0, NULL, 0);
    store_delete_messages(readers[refused], STORE_INBOX, (const uint8_t *)"12345678", 1);
    assert_int_equal(kv_commit(readers[refused]), KV_FAILED);
    kv_end(readers[0]);
    readers[0] = kv_read(box->store);
    assert_int_equal(kv_txn_status(readers[0]), KV_OK);
    for (size_t i = 0; i < refused; i++)
        kv_end(readers[i]);
}

/* A reader sees what was durable when it began. Writers wait for it to end, by contract. */
static void test_commit_of_reader(void **state)
{
    struct storebox *box = *state;
    struct kv_txn *txn = kv_read(box->store);
    assert_int_equal(kv_commit(txn), KV_OK);
    kv_end(NULL);
    kv_close(NULL);
    txn = kv_write(box->store, 0);
    assert_int_equal(kv_commit(txn), KV_OK);
}

/* ---- memory ---- */

static enum kv_status put_again(struct storebox *box, struct session *session)
{
    struct kv_txn *txn = kv_write(box->store, 4096);
    uint64_t before = session->change;
    enum kv_status status = store_put_session(txn, session, NULL);
    assert_int_equal(kv_commit(txn), status);
    if (status != KV_OK)
        assert_int_equal(session->change, before);
    return status;
}

static enum kv_status read_first(struct storebox *box, struct session **ret_session)
{
    struct kv_txn *txn = kv_read(box->store);
    enum kv_status status = storebox_next(txn, NULL, ret_session);
    assert_int_equal(kv_txn_status(txn), status);
    kv_end(txn);
    return status;
}

/* Whichever allocation fails, the store says so, and all is as it was. */
static void test_memory_runs_out(void **state)
{
    struct storebox *box = *state;
    struct session *full = sample_full(1), *back = NULL;
    enum kv_status status;
    unsigned nth = 0;
    storebox_put(box, full);
    full->heals++;
    do {
        scarce_fail_nth(++nth);
        status = put_again(box, full);
        if (scarce_end())
            assert_int_equal(status, KV_MEMORY);
    } while (status != KV_OK);
    assert_in_range(nth, 10, 100);
    assert_int_equal(full->change, 2);
    nth = 0;
    do {
        scarce_fail_nth(++nth);
        status = read_first(box, &back);
        if (scarce_end())
            assert_int_equal(status, KV_MEMORY);
    } while (status != KV_OK);
    assert_in_range(nth, 10, 100);
    sample_assert_same(full, back);
    session_free(back);
    session_free(full);
}

static void test_memory_runs_out_at_opening(void **state)
{
    struct storebox *box = *state;
    char why[512] = "";
    enum kv_status status;
    unsigned nth = 0;
    storebox_close(box);
    do {
        scarce_fail_nth(++nth);
        status = store_open(box->path, 0, &box->store, why, sizeof(why));
        if (scarce_end())
            assert_int_equal(status, KV_MEMORY);
    } while (status != KV_OK);
    assert_in_range(nth, 2, 10);
}

static void test_texts(void **state)
{
    (void)state;
    for (int status = KV_OK; status <= KV_FAILED; status++) {
        assert_non_null(kv_status_text(status));
        assert_true(strlen(kv_status_text(status)) > 5);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, storebox_set_up, storebox_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_put_and_get),
        TEST(test_same_is_no_change),
        TEST(test_every_field_is_compared),
        TEST(test_ended_transaction_leaves_nothing),
        TEST(test_delete_leaves_no_row),
        TEST(test_walk),
        TEST(test_imports),
        TEST(test_import_outlives_its_session),
        TEST(test_imports_are_swept),
        TEST(test_bad_import_row),
        TEST(test_time),
        TEST(test_names),
        TEST(test_start_of_name),
        TEST(test_longest_name),
        TEST(test_find_by_id),
        TEST(test_name_before_id),
        TEST(test_damaged_record),
        TEST(test_first_error_stays),
        TEST(test_bad_session_is_not_written),
        TEST(test_many_readers),
        TEST(test_commit_of_reader),
        TEST(test_memory_runs_out),
        TEST(test_memory_runs_out_at_opening),
        TEST(test_texts),
    };
    scarce_init();
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
