/* What is due, what has changed, and messages: in order, and gone when they are deleted. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "storebox.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static void set_id(struct session *session, uint64_t id)
{
    for (int i = 0; i < SESSION_ID_BYTES; i++)
        session->id[i] = (uint8_t)(id >> (56 - 8 * i));
}

/* ---- due ---- */

static void test_due_order(void **state)
{
    static const struct {
        int64_t wake;
        uint64_t id;
    } rows[] = {{INT64_MIN, 5}, {-1, 9},  {-1, 10}, {0, 1},
                {1, 2},         {255, 4}, {256, 3}, {INT64_MAX - 1, 6}};
    struct storebox *box = *state;
    struct session *session;
    for (size_t i = LENGTH(rows); i-- > 0;) {
        session = sample_bare(1);
        set_id(session, rows[i].id);
        session->wake = rows[i].wake;
        storebox_put(box, session);
        session_free(session);
    }
    session = sample_bare(77);
    session->wake = INT64_MAX;
    storebox_put(box, session);

    struct kv_txn *txn = kv_read(box->store);
    struct store_due place = {INT64_MIN, {0}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        assert_int_equal(store_next_due(txn, &place), KV_OK);
        assert_true(place.wake == rows[i].wake);
        assert_int_equal(place.id[7], rows[i].id);
    }
    struct store_due before = place;
    assert_int_equal(store_next_due(txn, &place), KV_MISSING);
    assert_memory_equal(&place, &before, sizeof(place));
    kv_end(txn);
    session_free(session);
}

static void test_due_follows(void **state)
{
    struct storebox *box = *state;
    struct session *one = sample_bare(1);
    storebox_put(box, one);
    one->wake = 5;
    storebox_put(box, one);
    assert_int_equal(storebox_rows(box, STORE_TABLE_DUE), 1);
    one->wake = INT64_MAX;
    storebox_put(box, one);
    assert_int_equal(storebox_rows(box, STORE_TABLE_DUE), 0);
    one->wake = -7;
    storebox_put(box, one);

    struct kv_txn *txn = kv_read(box->store);
    struct store_due place = {INT64_MIN, {0}};
    assert_int_equal(store_next_due(txn, &place), KV_OK);
    assert_true(place.wake == -7);
    assert_memory_equal(place.id, one->id, sizeof(place.id));
    assert_int_equal(store_next_due(txn, &place), KV_MISSING);
    kv_end(txn);
    session_free(one);
}

/* ---- changes ---- */

static void assert_changes(struct storebox *box, uint64_t since, const uint64_t *changes,
                           const uint8_t *ids, size_t count)
{
    struct kv_txn *txn = kv_read(box->store);
    uint8_t id[SESSION_ID_BYTES];
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(store_next_change(txn, since, &since, id), KV_OK);
        assert_int_equal(since, changes[i]);
        assert_int_equal(id[7], ids[i]);
    }
    assert_int_equal(store_next_change(txn, since, &since, id), KV_MISSING);
    assert_int_equal(store_next_change(txn, UINT64_MAX, &since, id), KV_MISSING);
    kv_end(txn);
}

static void test_changes(void **state)
{
    struct storebox *box = *state;
    struct session *sessions[4];
    struct kv_txn *txn = kv_read(box->store);
    assert_int_equal(store_last_change(txn), 0);
    kv_end(txn);
    for (uint32_t i = 0; i < 4; i++) {
        sessions[i] = sample_bare(i);
        storebox_put(box, sessions[i]);
    }
    sessions[1]->heals++;
    storebox_put(box, sessions[1]);
    assert_changes(box, 0, (const uint64_t[]){1, 3, 4, 5}, (const uint8_t[]){0, 2, 3, 1}, 4);
    assert_changes(box, 3, (const uint64_t[]){4, 5}, (const uint8_t[]){3, 1}, 2);
    assert_changes(box, 5, NULL, NULL, 0);

    /* The newest is deleted; its number is not given again, not even after a restart. */
    storebox_delete(box, sessions[1]);
    assert_changes(box, 0, (const uint64_t[]){1, 3, 4}, (const uint8_t[]){0, 2, 3}, 3);
    storebox_close(box);
    storebox_open(box, 0);
    txn = kv_read(box->store);
    assert_int_equal(store_last_change(txn), 5);
    kv_end(txn);
    sessions[0]->heals++;
    storebox_put(box, sessions[0]);
    assert_int_equal(sessions[0]->change, 6);
    assert_changes(box, 0, (const uint64_t[]){3, 4, 6}, (const uint8_t[]){2, 3, 0}, 3);
    for (uint32_t i = 0; i < 4; i++)
        session_free(sessions[i]);
}

/* ---- messages ---- */

static void test_messages(void **state)
{
    struct storebox *box = *state;
    struct session *one = sample_bare(1), *two = sample_bare(2);
    const uint8_t *data;
    size_t length;
    storebox_put(box, one);
    storebox_put(box, two);
    struct kv_txn *txn = kv_write(box->store, 4096);
    store_put_message(txn, STORE_OUTBOX, one->id, 0, (const uint8_t *)"out", 3);
    store_put_message(txn, STORE_INBOX, one->id, 0, (const uint8_t *)"in", 2);
    store_put_message(txn, STORE_INBOX, two->id, 0, NULL, 0);
    assert_int_equal(kv_commit(txn), KV_OK);

    txn = kv_read(box->store);
    assert_int_equal(store_get_message(txn, STORE_OUTBOX, one->id, 0, &data, &length), KV_OK);
    assert_int_equal(length, 3);
    assert_memory_equal(data, "out", 3);
    assert_int_equal(store_get_message(txn, STORE_INBOX, one->id, 0, &data, &length), KV_OK);
    assert_int_equal(length, 2);
    assert_int_equal(store_get_message(txn, STORE_INBOX, two->id, 0, &data, &length), KV_OK);
    assert_int_equal(length, 0);
    assert_int_equal(store_get_message(txn, STORE_OUTBOX, two->id, 0, &data, &length), KV_MISSING);
    assert_int_equal(store_get_message(txn, STORE_INBOX, one->id, 1, &data, &length), KV_MISSING);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    kv_end(txn);
    session_free(one);
    session_free(two);
}

/* Whose would it be? */
static void test_message_of_nobody(void **state)
{
    struct storebox *box = *state;
    struct kv_txn *txn = kv_write(box->store, 4096);
    store_put_message(txn, STORE_OUTBOX, (const uint8_t *)"12345678", 0, (const uint8_t *)"x", 1);
    assert_int_equal(kv_commit(txn), KV_MISSING);
    assert_int_equal(storebox_rows(box, STORE_TABLE_OUTBOX), 0);
}

/* Sizes on both sides of what fits into LMDB's pages, so that deletion meets every kind. */
static size_t mixed_size(uint32_t number)
{
    static const size_t sizes[] = {0, 1, 100, 2000, 2040, 4080, 4096, 5000, 20000};
    return sizes[number % LENGTH(sizes)];
}

static void put_mixed(struct storebox *box, const uint8_t *id, uint32_t count)
{
    static uint8_t data[20000];
    struct kv_txn *txn = kv_write(box->store, (size_t)count * 5000);
    for (uint32_t number = 0; number < count; number++) {
        memset(data, (int)number, sizeof(data));
        store_put_message(txn, STORE_INBOX, id, number, data, mixed_size(number));
    }
    assert_int_equal(kv_commit(txn), KV_OK);
}

static void test_delete_below(void **state)
{
    static const uint32_t belows[] = {0, 1, 2, 77, 500, 999, 1000};
    struct storebox *box = *state;
    struct session *before = sample_bare(1), *one = sample_bare(2), *behind = sample_bare(3);
    storebox_put(box, before);
    storebox_put(box, one);
    storebox_put(box, behind);
    put_mixed(box, before->id, 10);
    put_mixed(box, behind->id, 10);
    put_mixed(box, one->id, 1000);

    for (size_t i = 0; i < LENGTH(belows); i++) {
        struct kv_txn *txn = kv_write(box->store, 0);
        store_delete_messages(txn, STORE_INBOX, one->id, belows[i]);
        assert_int_equal(kv_commit(txn), KV_OK);
        assert_int_equal(storebox_rows(box, STORE_TABLE_INBOX), 20 + 1000 - belows[i]);

        txn = kv_read(box->store);
        for (uint32_t number = 0; number < 1000; number++) {
            const uint8_t *data;
            size_t length;
            enum kv_status status =
                store_get_message(txn, STORE_INBOX, one->id, number, &data, &length);
            assert_int_equal(status, number < belows[i] ? KV_MISSING : KV_OK);
            if (status != KV_OK)
                continue;
            assert_int_equal(length, mixed_size(number));
            if (length > 0)
                assert_int_equal(data[length - 1], (uint8_t)number);
        }
        kv_end(txn);
    }
    session_free(before);
    session_free(one);
    session_free(behind);
}

static void test_largest_message(void **state)
{
    struct storebox *box = *state;
    struct session *one = sample_bare(1);
    size_t length = SESSION_MESSAGE_MAX, found;
    uint8_t *data = malloc(length);
    const uint8_t *back;
    assert_non_null(data);
    storebox_put(box, one);
    for (size_t i = 0; i < length; i++)
        data[i] = (uint8_t)(i * 7 >> 3);
    for (uint32_t number = 0; number < 3; number++) {
        struct kv_txn *txn = kv_write(box->store, length);
        store_put_message(txn, STORE_OUTBOX, one->id, number, data, length);
        assert_int_equal(kv_commit(txn), KV_OK);
    }
    struct kv_txn *txn = kv_read(box->store);
    assert_int_equal(store_get_message(txn, STORE_OUTBOX, one->id, 2, &back, &found), KV_OK);
    assert_int_equal(found, length);
    assert_memory_equal(back, data, length);
    kv_end(txn);
    free(data);
    session_free(one);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, storebox_set_up, storebox_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_due_order),       TEST(test_due_follows),       TEST(test_changes),
        TEST(test_messages),        TEST(test_message_of_nobody), TEST(test_delete_below),
        TEST(test_largest_message),
    };
    return cmocka_run_group_tests_name("store-rows", tests, NULL, NULL);
}
