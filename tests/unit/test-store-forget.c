/*
 * What was deleted cannot be read any more, whoever has kept a copy of data.mdb from before: its
 * key is gone from the file `keys`. Others stay readable, even if the machine crashes or the disk
 * refuses.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "content.h"
#include "keysfault.h"
#include "sample.h"
#include "storebox.h"
#include "kv/kv_parts.h"
#include "state/keyfile.h"
#include "tempdir.h"

/* A store with sessions 1 and 2, a message in each of their boxes, and what data.mdb was then. */
struct past {
    struct storebox box;
    struct session *one, *two;
    char *file;
    struct content copy;
};

static void put_message(struct storebox *box, enum store_box which, const uint8_t *id)
{
    struct kv_txn *txn = kv_write(box->store, 4096);
    store_put_message(txn, which, id, 0, (const uint8_t *)"hello", 5);
    assert_int_equal(kv_commit(txn), KV_OK);
}

static struct session *fill(struct storebox *box, uint32_t number)
{
    struct session *session = sample_full(number);
    storebox_put(box, session);
    put_message(box, STORE_OUTBOX, session->id);
    put_message(box, STORE_INBOX, session->id);
    return session;
}

static void reopen(struct storebox *box)
{
    storebox_close(box);
    storebox_open(box, 0);
}

static int set_up(void **state)
{
    static struct past past;
    past.box = storebox_make(0);
    past.one = fill(&past.box, 1);
    past.two = fill(&past.box, 2);
    past.file = tempdir_path(past.box.path, "data.mdb");
    past.copy = content_read(past.file);
    reopen(&past.box);
    keysfault_count(KEYSFAULT_READ);
    keysfault_count(KEYSFAULT_WRITE);
    keysfault_count(KEYSFAULT_SYNC);
    *state = &past;
    return 0;
}

static int tear_down(void **state)
{
    struct past *past = *state;
    for (unsigned call = 0; call < KEYSFAULT_CALLS; call++)
        keysfault_refuse(call, 0);
    storebox_remove(&past->box);
    session_free(past->one);
    session_free(past->two);
    free(past->file);
    free(past->copy.data);
    return 0;
}

/* ---- looks ---- */

static enum kv_status read_message(struct kv_txn *txn, enum store_box which, const uint8_t *id)
{
    const uint8_t *data;
    size_t length;
    return store_get_message(txn, which, id, 0, &data, &length);
}

/* Whether the session and its messages are as `status` says, all of them. */
static void assert_reads(struct storebox *box, const struct session *session, enum kv_status status)
{
    struct session *back;
    struct kv_txn *txn = kv_read(box->store);
    enum kv_status found = store_get_session(txn, session->id, &back);
    if (found == KV_OK)
        session_free(back);
    assert_int_equal(found, status);
    assert_int_equal(read_message(txn, STORE_OUTBOX, session->id), status);
    assert_int_equal(read_message(txn, STORE_INBOX, session->id), status);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    kv_end(txn);
}

/* What the copy from before says beside today's keys. Today's store is opened again afterwards. */
static void assert_past(struct past *past, enum kv_status one, enum kv_status two)
{
    storebox_close(&past->box);
    struct content today = content_read(past->file);
    content_write(past->file, past->copy.data, past->copy.length);
    storebox_open(&past->box, 0);
    assert_reads(&past->box, past->one, one);
    assert_reads(&past->box, past->two, two);
    storebox_close(&past->box);
    content_write(past->file, today.data, today.length);
    free(today.data);
    storebox_open(&past->box, 0);
}

/* ---- deleting ---- */

static void test_deleted(void **state)
{
    struct past *past = *state;
    assert_past(past, KV_OK, KV_OK);
    storebox_delete(&past->box, past->one);
    assert_past(past, KV_DAMAGED, KV_OK);
    assert_reads(&past->box, past->one, KV_MISSING);
    assert_reads(&past->box, past->two, KV_OK);
}

/* The promise holds when the commit returns, at the cost of one sync, however many were deleted;
 * and other commits do not touch the keys. */
static void test_at_once(void **state)
{
    struct past *past = *state;
    past->two->heals++;
    storebox_put(&past->box, past->two);
    assert_int_equal(keysfault_count(KEYSFAULT_WRITE), 0);
    assert_int_equal(keysfault_count(KEYSFAULT_SYNC), 0);
    struct kv_txn *txn = kv_write(past->box.store, 0);
    store_delete_session(txn, past->one->id);
    store_delete_session(txn, past->two->id);
    assert_int_equal(keysfault_count(KEYSFAULT_WRITE), 0);
    assert_int_equal(kv_commit(txn), KV_OK);
    assert_true(store_erasure_done(past->box.store));
    assert_int_equal(keysfault_count(KEYSFAULT_WRITE), 2 * KEYFILE_COPIES);
    assert_int_equal(keysfault_count(KEYSFAULT_SYNC), 1);
    assert_past(past, KV_DAMAGED, KV_DAMAGED);
}

/* Of the file's bytes, those of the session's slot have changed, in both copies, all of them; and
 * nowhere else is its key. */
static void test_both_copies(void **state)
{
    struct past *past = *state;
    char *path = tempdir_path(past->box.path, "keys");
    struct content before = content_read(path);
    storebox_delete(&past->box, past->one);
    struct content after = content_read(path);
    unsigned changed = 0;
    assert_int_equal(before.length, after.length);
    for (size_t at = 0; at < before.length; at += KEYFILE_SLOT_BYTES) {
        if (memcmp(before.data + at, after.data + at, KEYFILE_SLOT_BYTES) == 0)
            continue;
        changed++;
        for (size_t part = 0; part < KEYFILE_KEY_BYTES; part += 8)
            assert_false(content_has(&after, before.data + at + part, 8));
        assert_false(content_has(&after, before.data + at + KEYFILE_SLOT_BYTES - 24, 24));
    }
    assert_int_equal(changed, KEYFILE_COPIES);
    free(before.data);
    free(after.data);
    free(path);
}

/* What did not happen took no key. */
static void test_ended_transaction(void **state)
{
    struct past *past = *state;
    struct kv_txn *txn = kv_write(past->box.store, 0);
    store_delete_session(txn, past->one->id);
    kv_end(txn);
    past->two->heals++;
    storebox_put(&past->box, past->two);
    reopen(&past->box);
    assert_int_equal(keysfault_count(KEYSFAULT_WRITE), 0);
    assert_reads(&past->box, past->one, KV_OK);
}

/* The same id again, in the same transaction: a session that was handed over comes back. */
static void test_deleted_and_put_again(void **state)
{
    struct past *past = *state;
    struct kv_txn *txn = kv_write(past->box.store, 4096);
    store_delete_session(txn, past->one->id);
    assert_int_equal(store_put_session(txn, past->one, NULL), KV_OK);
    assert_int_equal(kv_commit(txn), KV_OK);
    put_message(&past->box, STORE_OUTBOX, past->one->id);
    put_message(&past->box, STORE_INBOX, past->one->id);
    assert_past(past, KV_DAMAGED, KV_OK);
    assert_reads(&past->box, past->one, KV_OK);
}

/* ---- slots ---- */

static uint64_t slots_used(struct past *past)
{
    struct kv_txn *txn = kv_read(past->box.store);
    MDB_val key = {5, "slots"}, value;
    assert_int_equal(mdb_get(txn->txn, past->box.store->tables[KV_TABLE_META], &key, &value), 0);
    uint64_t used = kv_read_number(value.mv_data);
    kv_end(txn);
    return used;
}

/* Sessions come and go; the file of keys is as long as most of them need at the same time. */
static void test_slots_are_used_again(void **state)
{
    struct past *past = *state;
    for (uint32_t number = 10; number < 300; number++) {
        struct session *session = fill(&past->box, number);
        if (number % 7 == 0)
            reopen(&past->box);
        assert_reads(&past->box, session, KV_OK);
        storebox_delete(&past->box, session);
        session_free(session);
    }
    assert_in_range(slots_used(past), 3, 4);
    assert_in_range(storebox_rows(&past->box, STORE_TABLE_SLOTS), 1, 2);
    assert_past(past, KV_OK, KV_OK);
}

#define MANY 3000

static void put_many(struct past *past, uint32_t first, uint32_t end)
{
    struct kv_txn *txn = kv_write(past->box.store, (size_t)(end - first) * 4096);
    for (uint32_t number = first; number < end; number++) {
        struct session *session = sample_bare(number);
        store_put_session(txn, session, NULL);
        session_free(session);
    }
    assert_int_equal(kv_commit(txn), KV_OK);
}

static void delete_odd(struct past *past, uint32_t first, uint32_t end)
{
    struct kv_txn *txn = kv_write(past->box.store, 0);
    for (uint32_t number = first | 1; number < end; number += 2) {
        struct session *session = sample_bare(number);
        store_delete_session(txn, session->id);
        session_free(session);
    }
    assert_int_equal(kv_commit(txn), KV_OK);
}

static void assert_all_read(struct past *past, uint64_t count)
{
    uint8_t id[SESSION_ID_BYTES], *after = NULL;
    struct session *session;
    struct kv_txn *txn = kv_read(past->box.store);
    assert_int_equal(store_count(txn), count);
    for (; store_next_id(txn, after, id) == KV_OK; after = id) {
        assert_int_equal(store_get_session(txn, id, &session), KV_OK);
        session_free(session);
        count--;
    }
    assert_int_equal(count, 0);
    kv_end(txn);
}

/* Thousands, deleted in one transaction, and as many in their slots. */
static void test_thousands(void **state)
{
    struct past *past = *state;
    put_many(past, 10, 10 + MANY);
    keysfault_count(KEYSFAULT_SYNC);
    delete_odd(past, 10, 10 + MANY);
    assert_int_equal(keysfault_count(KEYSFAULT_SYNC), 1);
    assert_all_read(past, 2 + MANY / 2);
    put_many(past, 10000, 10000 + MANY / 2);
    assert_int_equal(slots_used(past), 2 + MANY);
    assert_int_equal(storebox_rows(&past->box, STORE_TABLE_SLOTS), 0);
    assert_int_equal(keysfault_count(KEYSFAULT_SYNC), 0);
    reopen(&past->box);
    assert_all_read(past, 2 + MANY);
}

/* ---- sessions that have ended ---- */

static void empty(struct past *past, enum store_box which, const struct session *session)
{
    struct kv_txn *txn = kv_write(past->box.store, 0);
    store_delete_messages(txn, which, session->id, UINT32_MAX);
    assert_int_equal(kv_commit(txn), KV_OK);
}

static void close_session(struct past *past, struct session *session)
{
    session->state = SESSION_CLOSED;
    empty(past, STORE_OUTBOX, session);
    storebox_put(&past->box, session);
}

/* Its result stays visible; what it was is gone. */
static void test_ended(void **state)
{
    struct past *past = *state;
    struct session *back;
    empty(past, STORE_INBOX, past->one);
    assert_past(past, KV_OK, KV_OK);
    close_session(past, past->one);
    assert_int_equal(keysfault_count(KEYSFAULT_SYNC), 1);
    assert_past(past, KV_DAMAGED, KV_OK);
    struct kv_txn *txn = kv_read(past->box.store);
    assert_int_equal(store_get_session(txn, past->one->id, &back), KV_OK);
    sample_assert_same(past->one, back);
    session_free(back);
    kv_end(txn);
}

/* What came and was not read yet is kept, and its key with it, until it is read. */
static void test_ended_with_unread(void **state)
{
    struct past *past = *state;
    close_session(past, past->one);
    assert_past(past, KV_OK, KV_OK);
    struct kv_txn *txn = kv_write(past->box.store, 0);
    assert_int_equal(read_message(txn, STORE_INBOX, past->one->id), KV_OK);
    store_delete_messages(txn, STORE_INBOX, past->one->id, UINT32_MAX);
    past->one->acked++;
    assert_int_equal(store_put_session(txn, past->one, NULL), KV_OK);
    assert_int_equal(kv_commit(txn), KV_OK);
    assert_past(past, KV_DAMAGED, KV_OK);
}

/* ---- crashes ---- */

/* Deletes session 1 in a process that is killed instead of its nth write or sync of the keys. True
 * if it came so far. */
static bool delete_and_die(struct past *past, unsigned nth)
{
    int status;
    storebox_close(&past->box);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        storebox_open(&past->box, 0);
        keysfault_kill(nth);
        storebox_delete(&past->box, past->one);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    storebox_open(&past->box, 0);
    return WIFSIGNALED(status);
}

/* What the commit made durable is completed by the next opening. */
static void test_crash_after_the_commit(void **state)
{
    unsigned nth = 0;
    bool died;
    do {
        struct past *past = *state;
        died = delete_and_die(past, ++nth);
        /* Between the copies: the second one is mended before both are replaced. */
        assert_int_equal(keysfault_count(KEYSFAULT_WRITE), KEYFILE_COPIES + (nth == 2));
        assert_true(store_erasure_done(past->box.store));
        assert_reads(&past->box, past->one, KV_MISSING);
        assert_past(past, KV_DAMAGED, KV_OK);
        assert_int_equal(storebox_rows(&past->box, STORE_TABLE_SLOTS), 1);
        tear_down(state);
        set_up(state);
    } while (died);
    assert_int_equal(nth, 4);
}

/* A slot whose key was replaced by an opening is used again, and that by the next transaction. */
static void test_slot_after_a_crash(void **state)
{
    struct past *past = *state;
    assert_true(delete_and_die(past, 1));
    struct session *three = fill(&past->box, 3);
    assert_int_equal(storebox_rows(&past->box, STORE_TABLE_SLOTS), 0);
    assert_int_equal(slots_used(past), 2);
    reopen(&past->box);
    assert_reads(&past->box, three, KV_OK);
    assert_past(past, KV_DAMAGED, KV_OK);
    session_free(three);
}

/* ---- a disk that refuses ---- */

/* The deletion has happened; the key is overwritten when the disk takes it. */
static void forget_late(struct past *past, enum keysfault_call call, bool by_opening)
{
    struct storebox *box = &past->box;
    keysfault_refuse(call, EIO);
    storebox_delete(box, past->one);
    assert_false(store_erasure_done(box->store));
    past->two->heals++;
    storebox_put(box, past->two);
    reopen(box);
    assert_false(store_erasure_done(box->store));
    assert_reads(box, past->one, KV_MISSING);
    struct session *three = fill(box, 3); /* not in that slot */
    assert_int_equal(slots_used(past), 3);
    keysfault_refuse(call, 0);
    if (by_opening)
        reopen(box);
    else
        put_message(box, STORE_OUTBOX, past->two->id);
    assert_true(store_erasure_done(box->store));
    assert_past(past, KV_DAMAGED, KV_OK);
    assert_reads(box, three, KV_OK);
    session_free(three);
}

static void test_write_refused(void **state)
{
    forget_late(*state, KEYSFAULT_WRITE, false);
}

static void test_sync_refused(void **state)
{
    forget_late(*state, KEYSFAULT_SYNC, false);
}

static void test_refused_until_opening(void **state)
{
    forget_late(*state, KEYSFAULT_WRITE, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_deleted),
        TEST(test_at_once),
        TEST(test_both_copies),
        TEST(test_ended_transaction),
        TEST(test_deleted_and_put_again),
        TEST(test_slots_are_used_again),
        TEST(test_thousands),
        TEST(test_ended),
        TEST(test_ended_with_unread),
        TEST(test_crash_after_the_commit),
        TEST(test_slot_after_a_crash),
        TEST(test_write_refused),
        TEST(test_sync_refused),
        TEST(test_refused_until_opening),
    };
    return cmocka_run_group_tests_name("store-forget", tests, NULL, NULL);
}
