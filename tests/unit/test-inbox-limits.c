/* A peer who sends more than the inbox takes is paused, not obeyed; nothing is lost, and no order
 * of arrival can block the inbox. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "tests/simulation/pair.h"

#define HOLD   "0:0"
#define POLL   "0:60"
#define MINUTE ((int64_t)60 * 1000)

/* Introduced, with b's inbox so small, and `count` messages of 4 bytes on their way to it. */
static void open_flood(struct pair *pair, const char *schedule, uint32_t messages, uint64_t bytes,
                       int count)
{
    char text[12];
    pair_open(pair, schedule);
    pair->b.session->inbox_messages = messages;
    pair->b.session->inbox_bytes = bytes;
    pair_visit(pair, 4);
    assert_int_equal(pair->b.session->state, SESSION_ESTABLISHED);
    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "%04d", i);
        assert_int_equal(end_send(&pair->a, text), SESSION_ACCEPTED);
    }
    end_visit(&pair->a);
}

static void assert_holds(const struct end *end, uint32_t first, uint32_t end_number)
{
    char text[12];
    assert_int_equal(end->session->acked, first);
    assert_int_equal(end->session->received, end_number);
    assert_int_equal(end->session->unread, end_number - first);
    for (uint32_t i = first; i < end_number; i++) {
        snprintf(text, sizeof(text), "%04u", (unsigned)i);
        assert_string_equal(end_inbox(end, i), text);
    }
    assert_null(end_inbox(end, end_number));
}

/* ---- how much is taken ---- */

static void so_many_messages(void **state)
{
    struct pair pair;
    (void)state;
    open_flood(&pair, POLL, 3, 0, 7);
    end_visit(&pair.b);
    assert_holds(&pair.b, 0, 3);
    assert_true(pair.b.session->inbox_full);
    end_visit(&pair.b);
    assert_holds(&pair.b, 0, 3);
    end_ack(&pair.b, 2);
    assert_false(pair.b.session->inbox_full);
    end_visit(&pair.b);
    assert_holds(&pair.b, 3, 6);
    end_ack(&pair.b, 5);
    end_visit(&pair.b);
    assert_holds(&pair.b, 6, 7);
    assert_false(pair.b.session->inbox_full);
    pair_free(&pair);
}

static void so_many_bytes(void **state)
{
    struct pair pair;
    (void)state;
    open_flood(&pair, POLL, 0, 11, 4);
    end_visit(&pair.b);
    assert_holds(&pair.b, 0, 2);
    assert_int_equal(pair.b.session->unread_bytes, 8);
    assert_true(pair.b.session->inbox_full);
    pair_free(&pair);
    open_flood(&pair, POLL, 0, 12, 3);
    end_visit(&pair.b);
    assert_holds(&pair.b, 0, 3);
    assert_false(pair.b.session->inbox_full);
    pair_free(&pair);
}

static void one_is_always_taken(void **state)
{
    struct pair pair;
    (void)state;
    open_flood(&pair, POLL, 1, 1, 5);
    for (uint32_t i = 0; i < 5; i++) {
        end_visit(&pair.b);
        assert_holds(&pair.b, i, i + 1);
        end_ack(&pair.b, i);
    }
    pair_free(&pair);
}

static void none_is_none(void **state)
{
    struct pair pair;
    (void)state;
    open_flood(&pair, POLL, 0, 0, 200);
    for (int i = 0; i < 10; i++)
        pair_visit(&pair, 1);
    assert_holds(&pair.b, 0, 200);
    assert_false(pair.b.session->inbox_full);
    pair_free(&pair);
}

/* What was acknowledged is not sent again, and no number is skipped, however the relay orders them:
 * those that came too early must not fill the inbox of one who waits for the first. */
static void any_order_fits(void **state)
{
    (void)state;
    for (uint32_t messages = 1; messages < 6; messages++) {
        struct pair pair;
        open_flood(&pair, POLL, messages, 0, 20);
        for (uint32_t round = 0; round < 80 && pair.b.session->received < 20; round++) {
            if (round % 3 != 2)
                stock_reverse(pair.stock);
            end_visit(&pair.b);
            const struct session *session = pair.b.session;
            assert_in_range(session->unread, 0, messages + 1);
            if (session->received > session->acked)
                end_ack(&pair.b, session->received - 1);
        }
        assert_int_equal(pair.b.session->received, 20);
        pair_free(&pair);
    }
}

/* ---- who is paused ---- */

static void survives_a_crash(void **state)
{
    struct pair pair;
    (void)state;
    open_flood(&pair, POLL, 3, 0, 7);
    end_visit(&pair.b);
    end_crash(&pair.b);
    assert_true(pair.b.session->inbox_full);
    end_visit(&pair.b);
    assert_holds(&pair.b, 0, 3);
    end_ack(&pair.b, 2);
    end_visit(&pair.b);
    assert_holds(&pair.b, 3, 6);
    pair_free(&pair);
}

/* Not even looked into: what would be the end of a session otherwise goes unnoticed. */
static void is_not_decrypted(void **state)
{
    struct pair pair;
    (void)state;
    open_flood(&pair, POLL, 3, 0, 5);
    end_visit(&pair.b);
    assert_true(pair.b.session->inbox_full);
    pair.a.session->key[0] ^= 1;
    end_say(&pair.a, "5", "garbled");
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->state, SESSION_ESTABLISHED);
    end_ack(&pair.b, 2);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->result, RESULT_SCARY);
    pair_free(&pair);
}

/* On a held connection: it is let go, and the next visits are rare. */
static void is_not_held(void **state)
{
    struct pair pair;
    (void)state;
    open_flood(&pair, HOLD, 3, 0, 10);
    pair_run(&pair);
    assert_true(pair.b.session->inbox_full);
    assert_int_equal(session_connection(pair.b.session), CONNECTION_NONE);
    unsigned before = pair.b.connects;
    int64_t until = pair.b.now + 60 * MINUTE;
    while (pair.b.now < until) {
        end_send(&pair.a, "more");
        end_visit(&pair.b);
        assert_int_equal(session_connection(pair.b.session), CONNECTION_NONE);
    }
    assert_in_range(pair.b.connects - before, 12, 16);
    pair_free(&pair);
}

static void schedule_may_be_rarer(void **state)
{
    struct pair pair;
    (void)state;
    open_flood(&pair, "0:3600", 3, 0, 10);
    end_visit(&pair.b);
    assert_true(pair.b.session->inbox_full);
    assert_true(pair.b.session->wake - pair.b.now >= 48 * MINUTE);
    pair_free(&pair);
}

static void assert_due(const struct end *end, bool due)
{
    assert_int_equal(end->session->wake <= end->now, due);
}

/* What the user does is carried out at once. */
static void user_is_not_paused(void **state)
{
    struct pair pair;
    (void)state;
    open_flood(&pair, HOLD, 4, 0, 10);
    pair_run(&pair);
    assert_true(pair.b.session->inbox_full);
    assert_due(&pair.b, false);
    end_send(&pair.b, "stop it");
    assert_due(&pair.b, true);
    pair_run(&pair);
    assert_string_equal(end_inbox(&pair.a, 0), "stop it");
    assert_due(&pair.b, false);
    end_command(&pair.b, EVENT_POLL);
    assert_due(&pair.b, true);
    pair_run(&pair);
    assert_true(pair.b.session->inbox_full);
    end_ack(&pair.b, 0); /* the peer is told of it, but is not heard yet */
    assert_due(&pair.b, true);
    pair_run(&pair);
    assert_int_equal(pair.a.session->read, 1);
    assert_holds(&pair.b, 1, 4);
    end_ack(&pair.b, 1);
    assert_due(&pair.b, true);
    pair_run(&pair);
    assert_holds(&pair.b, 2, 6);
    pair_free(&pair);
}

/* The peer's user sees how far it got. */
static void receipts_say_it(void **state)
{
    struct pair pair;
    (void)state;
    open_flood(&pair, POLL, 3, 0, 10);
    end_visit(&pair.b);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->delivered, 3);
    assert_int_equal(pair.a.session->stored, 10);
    pair_free(&pair);
}

/* Each visit replays all that the peer sent: one for every message that is acknowledged would cost
 * the square of it. */
static void few_visits_for_many_acknowledgements(void **state)
{
    struct pair pair;
    struct session *session;
    (void)state;
    open_flood(&pair, POLL, 32, 0, 200);
    for (int i = 0; i < 8; i++)
        pair_visit(&pair, 1);
    session = pair.b.session;
    /* A peer who is no wormholed: no receipts, for which there would be visits. */
    session->peer_receipts = false;
    assert_true(session->inbox_full);
    unsigned before = pair.b.connects;
    while (session->acked < 200) {
        end_ack(&pair.b, session->acked);
        end_run(&pair.b);
    }
    assert_int_equal(session->received, 200);
    assert_in_range(pair.b.connects - before, 6, 14);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(so_many_messages),      PAIR_TEST(so_many_bytes),
        PAIR_TEST(one_is_always_taken),   PAIR_TEST(none_is_none),
        PAIR_TEST(any_order_fits),        PAIR_TEST(survives_a_crash),
        PAIR_TEST(is_not_decrypted),      PAIR_TEST(is_not_held),
        PAIR_TEST(schedule_may_be_rarer), PAIR_TEST(user_is_not_paused),
        PAIR_TEST(receipts_say_it),       PAIR_TEST(few_visits_for_many_acknowledgements),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("inbox-limits", tests, NULL, NULL);
}
