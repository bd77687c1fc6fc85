/*
 * A store that was restored from a backup, and one of two: what others said in its name is seen,
 * nothing is said again under a number in use, and nothing that the peer confirms is taken for a
 * receipt of what it never got.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "state/record.h"
#include "tests/simulation/pair.h"

#define HOLD "0:0"
#define POLL "0:60"

/* ---- copies ---- */

static void take_backup(const struct end *end, struct kv_record *ret_backup)
{
    assert_int_equal(session_record_encode(end->session, ret_backup), KV_OK);
}

static struct session *restored(const struct end *end, const struct kv_record *backup)
{
    struct session *session;
    assert_int_equal(
        session_record_decode(end->session->id, backup->data, backup->length, &session), KV_OK);
    return session;
}

/* The rows of the outbox remain, which does not matter: those that the backup lacks are written
 * again before they are read. */
static void put_back(struct end *end, struct kv_record *backup)
{
    struct session *session = restored(end, backup);
    end_crash(end);
    session_free(end->session);
    end->session = session;
    end->added[0] = '\0';
    kv_record_clear(backup);
}

/* A second machine with the same store. */
static void clone(const struct end *end, struct end *ret_clone)
{
    struct kv_record record;
    take_backup(end, &record);
    *ret_clone = (struct end){.stock = end->stock,
                              .session = restored(end, &record),
                              .now = end->now,
                              .seed = end->seed + 1000,
                              .may_hold = end->may_hold};
    for (size_t i = 0; i < END_MESSAGES; i++) {
        const struct end_message *row = &end->outbox[i];
        if (row->data == NULL)
            continue;
        ret_clone->outbox[i].data = malloc(row->length + 1);
        memcpy(ret_clone->outbox[i].data, row->data, row->length + 1);
        ret_clone->outbox[i].length = row->length;
    }
    kv_record_clear(&record);
}

static void open_met(struct pair *pair, const char *schedule)
{
    pair_open(pair, schedule);
    pair_visit(pair, 4);
    assert_int_equal(pair->a.session->state, SESSION_ESTABLISHED);
    assert_int_equal(pair->b.session->state, SESSION_ESTABLISHED);
}

/* Nothing more is sent, and nothing that was claimed before is claimed to be more. */
static void assert_copied(struct end *end, uint32_t stored, uint32_t delivered)
{
    assert_true(end->session->copied);
    assert_int_equal(end->session->state, SESSION_ESTABLISHED);
    assert_int_equal(end->session->stored, stored);
    assert_int_equal(end->session->delivered, delivered);
    assert_int_equal(end_send(end, "more"), SESSION_REFUSED_COPIED);
    assert_string_equal(end->added, "");
}

/* ---- a backup that is put back ---- */

static void sent_since(void **state)
{
    struct pair pair;
    struct kv_record backup;
    (void)state;
    open_met(&pair, POLL);
    end_send(&pair.a, "one");
    pair_visit(&pair, 3);
    take_backup(&pair.a, &backup);
    end_send(&pair.a, "two");
    pair_visit(&pair, 3);
    put_back(&pair.a, &backup);
    assert_int_equal(pair.a.session->sent, 1);
    end_send(&pair.b, "still heard");
    end_send(&pair.a, "THREE"); /* nobody can know yet */
    pair_visit(&pair, 3);
    assert_copied(&pair.a, 1, 1);
    assert_string_equal(end_inbox(&pair.a, 0), "still heard");
    assert_string_equal(end_inbox(&pair.b, 1), "two");
    assert_int_equal(pair.b.session->received, 2);
    end_crash(&pair.a);
    pair_visit(&pair, 2);
    assert_copied(&pair.a, 1, 1);
    pair_free(&pair);
}

/* The relay is told nothing: others may go on with the mailbox. */
static void closed_by_its_user(void **state)
{
    struct pair pair;
    struct kv_record backup;
    unsigned before, after, messages;
    (void)state;
    open_met(&pair, POLL);
    take_backup(&pair.a, &backup);
    end_send(&pair.a, "two");
    pair_visit(&pair, 2);
    put_back(&pair.a, &backup);
    end_visit(&pair.a);
    assert_true(pair.a.session->copied);
    stock_count(pair.stock, &before, &messages);
    end_close(&pair.a);
    end_run(&pair.a);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    assert_int_equal(pair.a.session->result, RESULT_ERRORY);
    stock_count(pair.stock, &after, &messages);
    assert_int_equal(before, after);
    pair_free(&pair);
}

/* What it has queued is not said to be sent, though it wanted to close happily. */
static void found_while_closing(void **state)
{
    struct pair pair;
    struct kv_record backup;
    (void)state;
    open_met(&pair, POLL);
    take_backup(&pair.a, &backup);
    end_send(&pair.a, "two");
    pair_visit(&pair, 2);
    put_back(&pair.a, &backup);
    end_send(&pair.a, "THREE");
    end_close(&pair.a);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    assert_int_equal(pair.a.session->result, RESULT_ERRORY);
    assert_int_equal(pair.a.session->stored, 0);
    assert_string_equal(pair.a.added, "");
    pair_free(&pair);
}

static void received_since(void **state)
{
    struct pair pair;
    struct kv_record backup;
    (void)state;
    open_met(&pair, POLL);
    take_backup(&pair.a, &backup);
    end_send(&pair.b, "one");
    pair_visit(&pair, 2);
    assert_int_equal(pair.a.session->receipts, 1);
    put_back(&pair.a, &backup);
    end_visit(&pair.a);
    assert_copied(&pair.a, 0, 0);
    assert_string_equal(end_inbox(&pair.a, 0), "one");
    pair_free(&pair);
}

/* The relay has forgotten what was said; the peer has not. */
static void relay_forgot(void **state)
{
    struct pair pair;
    struct kv_record backup;
    (void)state;
    open_met(&pair, POLL);
    take_backup(&pair.a, &backup);
    end_send(&pair.a, "two");
    pair_visit(&pair, 3);
    assert_int_equal(pair.b.session->received, 1);
    stock_prune(pair.stock);
    end_visit(&pair.b);
    put_back(&pair.a, &backup);
    end_send(&pair.a, "THREE");
    end_visit(&pair.a);
    assert_copied(&pair.a, 0, 0);
    pair_free(&pair);
}

/* As long as nothing was said since, it is as good as new. */
static void nothing_said_since(void **state)
{
    struct pair pair;
    struct kv_record backup;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->state, SESSION_KEYED);
    take_backup(&pair.b, &backup);
    pair_visit(&pair, 2);
    put_back(&pair.b, &backup);
    end_send(&pair.b, "one");
    pair_visit(&pair, 3);
    assert_int_equal(pair.b.session->state, SESSION_ESTABLISHED);
    assert_false(pair.b.session->copied);
    assert_string_equal(end_inbox(&pair.a, 0), "one");
    assert_int_equal(pair.b.session->delivered, 1);
    pair_free(&pair);
}

/* ---- two who are one ---- */

static void both_send(void **state)
{
    struct pair pair;
    struct end twin;
    (void)state;
    open_met(&pair, HOLD);
    pair.a.may_hold = true;
    clone(&pair.a, &twin);
    end_send(&pair.a, "mine");
    end_send(&twin, "also mine");
    end_run(&pair.a);
    end_run(&twin);
    pair_run(&pair);
    end_run(&twin);
    assert_true(twin.session->copied);
    assert_int_equal(twin.session->stored, 0);
    assert_int_equal(twin.session->delivered, 0);
    assert_string_equal(end_inbox(&pair.b, 0), "mine");
    assert_int_equal(pair.b.session->received, 1);
    assert_int_equal(pair.a.session->stored, 1);
    end_free(&twin);
    pair_free(&pair);
}

/* Who speaks second is the copy. */
static void one_after_the_other(void **state)
{
    struct pair pair;
    struct end twin;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    end_visit(&pair.b);
    clone(&pair.b, &twin);
    pair_visit(&pair, 2);
    end_visit(&twin);
    assert_int_equal(twin.session->state, SESSION_ESTABLISHED);
    assert_false(twin.session->copied || pair.b.session->copied);
    end_send(&pair.b, "one");
    end_visit(&pair.b);
    end_send(&twin, "ONE");
    twin.added[0] = '\0';
    end_visit(&twin);
    pair_visit(&pair, 2);
    assert_copied(&twin, 0, 0);
    assert_string_equal(end_inbox(&pair.a, 0), "one");
    assert_int_equal(pair.b.session->delivered, 1);
    assert_false(pair.b.session->copied);
    end_free(&twin);
    pair_free(&pair);
}

/* A code was asked for twice in one name, and the relay gave both the same nameplate. */
static void another_pake(void **state)
{
    struct pair pair;
    struct end twin;
    unsigned before, after, messages;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    clone(&pair.a, &twin);
    twin.session->pake[7] ^= 1;
    twin.session->pake_stored = false;
    stock_count(pair.stock, &before, &messages);
    end_visit(&twin);
    assert_true(twin.session->copied);
    assert_int_equal(twin.session->state, SESSION_CLOSED);
    assert_int_equal(twin.session->result, RESULT_ERRORY);
    stock_count(pair.stock, &after, &messages);
    assert_int_equal(before, after);
    end_free(&twin);
    pair_free(&pair);
}

/* ---- what is not ours ---- */

/* Whoever it is, an echo of other bytes is none. */
static void another_body(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_send(&pair.a, "mine");
    end_say(&pair.a, "0", "another's");
    end_visit(&pair.a);
    assert_true(pair.a.session->copied);
    assert_int_equal(pair.a.session->stored, 0);
    pair_free(&pair);
}

static void beyond_what_was_sent(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_say(&pair.a, "7", "another's");
    end_visit(&pair.a);
    assert_true(pair.a.session->copied);
    pair_free(&pair);
}

/* A version of the program that says more than this one. */
static void unknown_phase(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_say(&pair.a, "wormholed-of-tomorrow", "anything");
    end_visit(&pair.a);
    assert_false(pair.a.session->copied);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(sent_since),     PAIR_TEST(closed_by_its_user),   PAIR_TEST(found_while_closing),
        PAIR_TEST(received_since), PAIR_TEST(relay_forgot),         PAIR_TEST(nothing_said_since),
        PAIR_TEST(both_send),      PAIR_TEST(one_after_the_other),  PAIR_TEST(another_pake),
        PAIR_TEST(another_body),   PAIR_TEST(beyond_what_was_sent), PAIR_TEST(unknown_phase),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("copies", tests, NULL, NULL);
}
