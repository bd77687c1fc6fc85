/* What a session keeps stands nowhere in clear, and a row opens only where it was put. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "sample.h"
#include "storebox.h"
#include "tempdir.h"

/* ---- nothing in clear ---- */

static const char sent[] = "the eagle lands at midnight";
static const char received[] = "bring the umbrella";

static void put_message(struct storebox *box, enum store_box which, const uint8_t *id,
                        uint32_t number, const char *text)
{
    struct kv_txn *txn = kv_write(box->store, 4096);
    store_put_message(txn, which, id, number, (const uint8_t *)text, strlen(text));
    assert_int_equal(kv_commit(txn), KV_OK);
}

/* A session with all that it can have, and a message of each kind. */
static struct session *fill(struct storebox *box, uint32_t number)
{
    struct session *session = sample_full(number);
    storebox_put(box, session);
    put_message(box, STORE_OUTBOX, session->id, 0, sent);
    put_message(box, STORE_INBOX, session->id, 0, received);
    return session;
}

static void assert_absent(const struct content *content, const void *secret, size_t length,
                          const char *what, const char *where)
{
    char hex[256];
    sodium_bin2hex(hex, sizeof(hex), secret, length);
    if (content_has(content, secret, length) || content_has(content, hex, strlen(hex)))
        fail_msg("the %s is in %s", what, where);
}

static void assert_no_secret(const char *directory, const char *name, const struct session *session)
{
    char *path = tempdir_path(directory, name);
    struct content content = content_read(path);
    assert_absent(&content, session->code, strlen(session->code), "code", name);
    assert_absent(&content, session->scalar, sizeof(session->scalar), "pake secret", name);
    assert_absent(&content, session->key, sizeof(session->key), "key", name);
    assert_absent(&content, session->verifier, sizeof(session->verifier), "verifier", name);
    assert_absent(&content, session->mailbox, strlen(session->mailbox), "mailbox", name);
    assert_absent(&content, session->journal.bytes, session->journal.length, "journal", name);
    assert_absent(&content, sent, strlen(sent), "message that was sent", name);
    assert_absent(&content, received, strlen(received), "message that came", name);
    free(content.data);
    free(path);
}

/* In any file of the directory. How many there are. */
static unsigned assert_no_secret_at_all(const char *directory, const struct session *session)
{
    unsigned files = 0;
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (entry->d_type != DT_REG)
            continue;
        files++;
        assert_no_secret(directory, entry->d_name, session);
    }
    closedir(entries);
    return files;
}

static void test_nothing_in_clear(void **state)
{
    struct storebox *box = *state;
    struct session *session = fill(box, 1);
    assert_int_equal(assert_no_secret_at_all(box->path, session), 4);
    session->heals++;
    storebox_put(box, session);
    storebox_close(box);
    assert_no_secret_at_all(box->path, session);
    session_free(session);
}

/* ---- in its place ---- */

/* New; what stands in a row. */
static struct content row_of(struct storebox *box, enum store_table table, const struct kv_key *key)
{
    struct kv_txn *txn = kv_read(box->store);
    MDB_val value;
    assert_true(kv_get(txn, table, key, &value));
    struct content row = {malloc(value.mv_size), value.mv_size};
    assert_non_null(row.data);
    memcpy(row.data, value.mv_data, value.mv_size);
    kv_end(txn);
    return row;
}

static void set_row(struct storebox *box, enum store_table table, const struct kv_key *key,
                    const struct content *row)
{
    struct kv_txn *txn = kv_write(box->store, 4096);
    kv_put(txn, table, key, row->data, row->length);
    assert_int_equal(kv_commit(txn), KV_OK);
}

static enum kv_status read_session(struct storebox *box, const uint8_t *id)
{
    struct session *session;
    struct kv_txn *txn = kv_read(box->store);
    enum kv_status status = store_get_session(txn, id, &session);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    if (status == KV_OK)
        session_free(session);
    kv_end(txn);
    return status;
}

static enum kv_status read_message(struct storebox *box, enum store_box which, const uint8_t *id,
                                   uint32_t number)
{
    const uint8_t *data;
    size_t length;
    struct kv_txn *txn = kv_read(box->store);
    enum kv_status status = store_get_message(txn, which, id, number, &data, &length);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    kv_end(txn);
    return status;
}

/* Of another session, another number, another table: a row is believed in its own place only. */
static void test_row_of_another_place(void **state)
{
    struct storebox *box = *state;
    struct session *one = fill(box, 1), *two = fill(box, 2);
    struct kv_key first = store_key_id(one->id), second = store_key_id(two->id);
    struct content row = row_of(box, STORE_TABLE_SESSIONS, &second);
    set_row(box, STORE_TABLE_SESSIONS, &first, &row);
    assert_int_equal(read_session(box, one->id), KV_DAMAGED);
    assert_int_equal(read_session(box, two->id), KV_OK);
    free(row.data);

    struct kv_key here = store_key_message(two->id, 0), next = store_key_message(two->id, 1);
    row = row_of(box, STORE_TABLE_OUTBOX, &here);
    set_row(box, STORE_TABLE_OUTBOX, &next, &row);
    set_row(box, STORE_TABLE_INBOX, &here, &row);
    assert_int_equal(read_message(box, STORE_OUTBOX, two->id, 0), KV_OK);
    assert_int_equal(read_message(box, STORE_OUTBOX, two->id, 1), KV_DAMAGED);
    assert_int_equal(read_message(box, STORE_INBOX, two->id, 0), KV_DAMAGED);
    free(row.data);
    session_free(one);
    session_free(two);
}

/* Whichever bit is altered, or how much is missing. */
static void test_altered_row(void **state)
{
    struct storebox *box = *state;
    struct session *session = fill(box, 1);
    struct kv_key key = store_key_message(session->id, 0);
    struct content row = row_of(box, STORE_TABLE_INBOX, &key);
    size_t whole = row.length;
    for (size_t bit = 0; bit < row.length * 8; bit++) {
        row.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        set_row(box, STORE_TABLE_INBOX, &key, &row);
        assert_int_equal(read_message(box, STORE_INBOX, session->id, 0), KV_DAMAGED);
        row.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (row.length = 0; row.length < whole; row.length++) {
        set_row(box, STORE_TABLE_INBOX, &key, &row);
        assert_int_equal(read_message(box, STORE_INBOX, session->id, 0), KV_DAMAGED);
    }
    set_row(box, STORE_TABLE_INBOX, &key, &row);
    assert_int_equal(read_message(box, STORE_INBOX, session->id, 0), KV_OK);
    free(row.data);
    session_free(session);
}

/* The same bytes, sealed twice, are not to be told for the same. */
static void test_nonces_differ(void **state)
{
    struct storebox *box = *state;
    struct session *session = fill(box, 1);
    struct kv_key key = store_key_message(session->id, 0);
    struct content before = row_of(box, STORE_TABLE_OUTBOX, &key);
    put_message(box, STORE_OUTBOX, session->id, 0, sent);
    struct content after = row_of(box, STORE_TABLE_OUTBOX, &key);
    assert_int_equal(before.length, after.length);
    for (size_t i = 4; i + 16 <= before.length; i += 16)
        assert_memory_not_equal(before.data + i, after.data + i, 16);
    free(before.data);
    free(after.data);
    session_free(session);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, storebox_set_up, storebox_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_in_clear),
        TEST(test_row_of_another_place),
        TEST(test_altered_row),
        TEST(test_nonces_differ),
    };
    return cmocka_run_group_tests_name("store-seal", tests, NULL, NULL);
}
