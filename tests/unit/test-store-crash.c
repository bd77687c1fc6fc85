/*
 * A process that writes numbered transactions, and tells each number when its commit has returned,
 * is killed at any moment, again and again. What was told is there, whole; at most one transaction
 * more is; and the indexes agree with the sessions.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.h"
#include "storebox.h"
#include "tempdir.h"

#define ROUNDS   60
#define SESSIONS 5
/* A session's oldest messages are deleted, so that pages are freed and used again. */
#define KEPT 4

/* Transaction n (from 1) touches session n % SESSIONS, as its step n / SESSIONS. */
static uint32_t step_of(uint64_t n)
{
    return (uint32_t)(n / SESSIONS);
}

/* Sizes from nothing to several pages. */
static size_t message_length(uint64_t n)
{
    return (size_t)(n * 997 % 9000);
}

static struct session *session_after(uint64_t n)
{
    struct session *session = sample_full((uint32_t)(n % SESSIONS));
    session->wake = (int64_t)n * 1000;
    session->sent = step_of(n);
    session->sent_bytes = n;
    session->name[0] = (char)('a' + n % 26);
    return session;
}

/* ---- the process that is killed ---- */

static bool write_one(struct kv *store, uint64_t n)
{
    uint8_t data[9000];
    struct session *session = session_after(n);
    struct kv_txn *txn = kv_write(store, 16384);
    memset(data, (int)(n & 0xff), sizeof(data));
    store_put_session(txn, session, NULL);
    store_put_message(txn, STORE_OUTBOX, session->id, step_of(n), data, message_length(n));
    if (step_of(n) >= KEPT)
        store_delete_messages(txn, STORE_OUTBOX, session->id, step_of(n) - KEPT + 1);
    session_free(session);
    return kv_commit(txn) == KV_OK;
}

static void write_on(const char *path, uint64_t n, int tell)
{
    char why[512];
    struct kv *store;
    if (store_open(path, 0, &store, why, sizeof(why)) != KV_OK)
        _exit(1);
    for (;; n++)
        if (!write_one(store, n) || write(tell, &n, sizeof(n)) != sizeof(n))
            _exit(1);
}

/* ---- the one that kills ---- */

/* Kills the writer `told` commits and `more` microseconds after its start; the last number that it
 * told, or 0. */
static uint64_t run_and_kill(const char *path, uint64_t next, unsigned told, useconds_t more)
{
    int pipes[2], status;
    uint64_t n, last = 0;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also if the test fails before it kills */
        close(pipes[0]);
        write_on(path, next, pipes[1]);
    }
    close(pipes[1]);
    for (; told > 0; told--)
        assert_int_equal(read(pipes[0], &last, sizeof(last)), sizeof(last));
    /* No waiting for anything: the moment is to be any. */
    usleep(more);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(pipes[0], &n, sizeof(n)) == sizeof(n))
        last = n;
    close(pipes[0]);
    return last;
}

/* ---- what must be there ---- */

static void check_session(struct kv_txn *txn, uint64_t n)
{
    struct session *expected = session_after(n), *found;
    uint8_t id[SESSION_ID_BYTES];
    assert_int_equal(store_get_session(txn, expected->id, &found), KV_OK);
    expected->change = n;
    sample_assert_same(expected, found);
    assert_int_equal(store_find(txn, expected->name, id), KV_OK);
    assert_memory_equal(id, expected->id, sizeof(id));
    session_free(found);
    session_free(expected);
}

static uint32_t check_messages(struct kv_txn *txn, uint64_t n)
{
    struct session *session = session_after(n);
    uint32_t there = 0;
    for (uint64_t m = n; m > 0 && there<KEPT; m = m> SESSIONS ? m - SESSIONS : 0, there++) {
        const uint8_t *data;
        size_t length;
        assert_int_equal(
            store_get_message(txn, STORE_OUTBOX, session->id, step_of(m), &data, &length), KV_OK);
        assert_int_equal(length, message_length(m));
        for (size_t i = 0; i < length; i++)
            if (data[i] != (uint8_t)m)
                fail_msg("a message is not what was written");
    }
    session_free(session);
    return there;
}

/* The due and the changes rows are those of transactions n, n - 1, ..., oldest first. */
static void check_indexes(struct kv_txn *txn, uint64_t n, uint64_t sessions)
{
    struct store_due place = {INT64_MIN, {0}};
    uint64_t change = 0;
    uint8_t id[SESSION_ID_BYTES];
    for (uint64_t m = n - sessions + 1; m <= n; m++) {
        assert_int_equal(store_next_due(txn, &place), KV_OK);
        assert_int_equal(place.wake, m * 1000);
        assert_int_equal(store_next_change(txn, change, &change, id), KV_OK);
        assert_int_equal(change, m);
        assert_memory_equal(place.id, id, sizeof(id));
    }
    assert_int_equal(store_next_due(txn, &place), KV_MISSING);
    assert_int_equal(store_next_change(txn, change, &change, id), KV_MISSING);
}

/* Opens the store as it was left; the number of the last transaction in it. */
static uint64_t check_all(const char *path)
{
    struct storebox box = {.path = (char *)path};
    storebox_open(&box, 0);
    struct kv_txn *txn = kv_read(box.store);
    uint64_t n = store_last_change(txn), sessions = n < SESSIONS ? n : SESSIONS, messages = 0;
    assert_int_equal(store_count(txn), sessions);
    for (uint64_t m = n - sessions + 1; m <= n; m++) {
        check_session(txn, m);
        messages += check_messages(txn, m);
    }
    check_indexes(txn, n, sessions);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    kv_end(txn);
    assert_int_equal(storebox_rows(&box, STORE_TABLE_OUTBOX), messages);
    assert_int_equal(storebox_rows(&box, STORE_TABLE_NAMES), sessions);
    storebox_close(&box);
    return n;
}

static void test_killed_at_any_moment(void **state)
{
    char *path = tempdir_make();
    uint64_t there = 0;
    unsigned random = 1;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        random = random * 1103515245 + 12345;
        uint64_t told = run_and_kill(path, there + 1, random >> 16 & 7, (random >> 20) % 3000);
        uint64_t before = there;
        there = check_all(path);
        if (told == 0)
            told = before;
        assert_in_range(there, told, told + 1);
    }
    assert_true(there >= ROUNDS);
    tempdir_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_any_moment),
    };
    return cmocka_run_group_tests_name("store-crash", tests, NULL, NULL);
}
