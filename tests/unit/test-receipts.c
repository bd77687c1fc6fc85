/* Receipts become right on both sides, whatever is lost, forgotten or turned around, and a peer
 * that did not announce them never sees one. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/record.h"
#include "tests/simulation/pair.h"
#include "tests/simulation/phases.h"

#define HOLD "0:0"
#define POLL "0:60"

static void assert_told(const struct end *end, uint32_t delivered, uint32_t read)
{
    assert_int_equal(end->session->delivered, delivered);
    assert_int_equal(end->session->read, read);
}

/* The end of a pair whose phases were watched: none was said twice, or in two ways. */
static void judge_and_free(struct pair *pair, struct phases *phases)
{
    assert_int_equal(phases->twins, 0);
    assert_int_equal(phases->repeats, 0);
    pair_free(pair);
    phases_free(phases);
}

/* Introduced to each other, and with nothing more to do. */
static void open_met(struct pair *pair, const char *schedule)
{
    pair_open(pair, schedule);
    pair_visit(pair, 4);
    assert_int_equal(pair->a.session->state, SESSION_ESTABLISHED);
    assert_true(pair->a.session->peer_receipts && pair->b.session->peer_receipts);
    pair->a.added[0] = pair->b.added[0] = '\0';
}

static struct kv_record record_of(const struct end *end)
{
    struct kv_record record;
    assert_int_equal(session_record_encode(end->session, &record), KV_OK);
    return record;
}

/* ---- as they should be ---- */

static void both_online(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, HOLD);
    assert_string_equal(pair.a.added, "");
    end_send(&pair.a, "zero");
    end_send(&pair.a, "one");
    end_send(&pair.b, "null");
    pair_run(&pair);
    assert_told(&pair.a, 2, 0);
    assert_told(&pair.b, 1, 0);
    end_ack(&pair.b, 0);
    pair_run(&pair);
    assert_told(&pair.a, 2, 1);
    end_ack(&pair.b, 1);
    end_ack(&pair.a, 0);
    pair_run(&pair);
    assert_told(&pair.a, 2, 2);
    assert_told(&pair.b, 1, 1);
    pair_free(&pair);
}

static void never_together(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    for (int i = 0; i < 10; i++)
        end_send(&pair.a, "message");
    pair_visit(&pair, 1);
    end_visit(&pair.a);
    assert_told(&pair.a, 10, 0);
    assert_string_equal(pair.b.added, "wormholed-receipt-0"); /* one for all */
    end_ack(&pair.b, 4);
    end_ack(&pair.b, 8);
    end_visit(&pair.b);
    end_visit(&pair.a);
    assert_told(&pair.a, 10, 9);
    assert_string_equal(pair.b.added, "wormholed-receipt-0 wormholed-receipt-1");
    pair_free(&pair);
}

/* While one is under way what comes is kept for the next. */
static void one_at_a_time(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, HOLD);
    for (int i = 0; i < 20; i++) {
        end_send(&pair.a, "message");
        end_work(&pair.a);
        end_work(&pair.b);
    }
    pair_run(&pair);
    assert_told(&pair.a, 20, 0);
    assert_in_range(pair.b.session->receipts, 1, 19);
    pair_free(&pair);
}

static void acknowledging_brings_a_visit(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, "0:86400");
    end_send(&pair.a, "message");
    pair_visit(&pair, 1);
    assert_true(pair.b.session->wake > pair.b.now);
    end_ack(&pair.b, 0);
    assert_true(pair.b.session->wake <= pair.b.now);
    end_run(&pair.b);
    end_visit(&pair.a);
    assert_told(&pair.a, 1, 1);
    end_ack(&pair.b, 0); /* again: there is nothing to tell */
    assert_true(pair.b.session->wake > pair.b.now);
    pair_free(&pair);
}

/* Read and closed within one moment: the other one still gets to know. */
static void closing_tells_first(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_send(&pair.a, "message");
    pair_visit(&pair, 1);
    end_ack(&pair.b, 0);
    end_close(&pair.b);
    end_crash(&pair.b);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    assert_int_equal(pair.b.session->result, RESULT_HAPPY);
    end_visit(&pair.a);
    assert_told(&pair.a, 1, 1);
    pair_free(&pair);
}

static void closing_waits_for_the_echo(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_send(&pair.a, "message");
    pair_visit(&pair, 1);
    end_ack(&pair.b, 0);
    end_close(&pair.b);
    pair.b.lose_after = 4; /* bind, open, ping, add */
    end_visit(&pair.b);
    stock_prune(pair.stock);
    end_visit(&pair.a); /* so that b is not the last one in the mailbox */
    assert_told(&pair.a, 0, 0);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    end_visit(&pair.a);
    assert_told(&pair.a, 1, 1);
    pair_free(&pair);
}

/* ---- nothing is written for nothing ---- */

static void idle_visits_change_nothing(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_send(&pair.a, "message");
    pair_visit(&pair, 3);
    for (struct end *end = &pair.a; end <= &pair.b; end++) {
        struct kv_record before = record_of(end), after;
        int64_t wake = end->session->wake, last_visit = end->session->last_visit;
        end_visit(end);
        end->session->wake = wake;
        end->session->last_visit = last_visit;
        after = record_of(end);
        assert_int_equal(before.length, after.length);
        assert_memory_equal(before.data, after.data, before.length);
        kv_record_clear(&before);
        kv_record_clear(&after);
    }
    pair_free(&pair);
}

/* ---- through everything ---- */

static void prune(struct pair *pair)
{
    stock_prune(pair->stock);
}

static void reverse(struct pair *pair)
{
    stock_reverse(pair->stock);
}

static void crash(struct pair *pair)
{
    end_crash(&pair->a);
    end_crash(&pair->b);
}

static void lose(struct pair *pair)
{
    /* Somewhere in the next visit of each, at another place each time. */
    static unsigned place;
    pair->a.lose_after = 3 + place % 4;
    pair->b.lose_after = 3 + place++ / 2 % 4;
}

static void calm(struct pair *pair)
{
    (void)pair;
}

static void (*const mishaps[])(struct pair *) = {prune, reverse, crash, lose, calm};
#define MISHAPS (sizeof(mishaps) / sizeof(mishaps[0]))

static void live(struct pair *pair, int round)
{
    struct session *session = pair->b.session;
    if (round < 4) {
        end_send(&pair->a, "from a");
        end_send(&pair->b, "from b");
    }
    if (session->received > session->acked)
        end_ack(&pair->b, session->acked);
    session = pair->a.session;
    if (session->received > session->acked && round % 2 == 0)
        end_ack(&pair->a, session->received - 1);
}

/* The same mishap before each visit, or one after the other. */
static void through_mishaps(const char *schedule, unsigned first, bool others)
{
    struct pair pair;
    struct phases phases;
    pair_open(&pair, schedule);
    phases_watch(&phases, pair.stock);
    for (int round = 0; round < 36; round++) {
        live(&pair, round);
        if (round < 16)
            mishaps[others ? (first + (unsigned)round / 2) % MISHAPS : first](&pair);
        end_visit(round % 2 == 0 ? &pair.a : &pair.b);
    }
    assert_int_equal(pair.a.session->received, 4);
    assert_int_equal(pair.b.session->received, 4);
    assert_told(&pair.a, 4, 4);
    assert_told(&pair.b, 4, 4);
    judge_and_free(&pair, &phases);
}

static void mishaps_of_all_kinds(void **state)
{
    (void)state;
    for (unsigned first = 0; first < MISHAPS; first++) {
        through_mishaps(POLL, first, false);
        through_mishaps(POLL, first, true);
    }
}

/* One mishap, between each two visits in turn. */
static void one_mishap_at_any_time(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < MISHAPS; kind++)
        for (int when = 0; when < 16; when++) {
            struct pair pair;
            struct phases phases;
            pair_open(&pair, POLL);
            phases_watch(&phases, pair.stock);
            for (int round = 0; round < 26; round++) {
                live(&pair, round);
                if (round == when)
                    mishaps[kind](&pair);
                end_visit(round % 2 == 0 ? &pair.a : &pair.b);
            }
            assert_told(&pair.a, 4, 4);
            assert_told(&pair.b, 4, 4);
            judge_and_free(&pair, &phases);
        }
}

/* A kill -9 after every single step. */
static void crashes_everywhere(void **state)
{
    (void)state;
    for (unsigned at = 1; at < 80; at++) {
        struct pair pair;
        struct phases phases;
        pair_open(&pair, HOLD);
        phases_watch(&phases, pair.stock);
        end_send(&pair.a, "from a");
        for (unsigned step = 1; step < at; step++) {
            if (!end_work(&pair.a))
                end_work(&pair.b);
            if (pair.b.session->received > pair.b.session->acked)
                end_ack(&pair.b, 0);
        }
        crash(&pair);
        pair_run(&pair);
        end_ack(&pair.b, 0);
        pair_run(&pair);
        assert_told(&pair.a, 1, 1);
        judge_and_free(&pair, &phases);
    }
}

/* The newest receipt was lost with the mailbox, and there is nothing newer to say: the very same
 * bytes again. */
static void newest_is_healed(void **state)
{
    struct pair pair;
    struct phases phases;
    (void)state;
    open_met(&pair, POLL);
    phases_watch(&phases, pair.stock);
    end_send(&pair.a, "message");
    pair_visit(&pair, 1);
    assert_string_equal(pair.b.added, "wormholed-receipt-0");
    stock_prune(pair.stock);
    pair.b.added[0] = '\0';
    end_visit(&pair.b);
    assert_non_null(strstr(pair.b.added, "wormholed-receipt-0"));
    assert_null(strstr(pair.b.added, "wormholed-receipt-1"));
    end_visit(&pair.a);
    assert_told(&pair.a, 1, 0);
    judge_and_free(&pair, &phases);
}

/* A crash between the commit and the network: the mailbox holds an older one, but not the newest.
 */
static void made_but_never_left(void **state)
{
    struct pair pair;
    struct phases phases;
    (void)state;
    open_met(&pair, HOLD);
    phases_watch(&phases, pair.stock);
    end_send(&pair.a, "message");
    pair_run(&pair);
    stock_disconnect(pair.b.connection);
    pair.b.connection = NULL;
    end_ack(&pair.b, 0);
    assert_int_equal(pair.b.session->receipts, 2);
    end_crash(&pair.b);
    pair_run(&pair);
    assert_int_equal(pair.b.session->receipts, 2);
    assert_true(pair.b.session->receipt_stored);
    assert_told(&pair.a, 1, 1);
    judge_and_free(&pair, &phases);
}

/* It was lost with the mailbox, and its way back was interrupted: who closes then still owes it. */
static void lost_again_is_owed_again(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_send(&pair.a, "message");
    end_visit(&pair.a);
    end_visit(&pair.b);
    stock_prune(pair.stock);
    end_visit(&pair.a);    /* so that b is not the last one in the mailbox */
    pair.b.lose_after = 4; /* bind, open, ping, the pake */
    end_visit(&pair.b);
    assert_string_equal(pair.b.added, "wormholed-receipt-0 pake");
    end_close(&pair.b);
    assert_true(pair.b.session->flush);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->state, SESSION_CLOSED);
    end_visit(&pair.a);
    assert_told(&pair.a, 1, 0);
    pair_free(&pair);
}

/* Only the newest is: older ones have nothing more to say. */
static void older_ones_are_not_healed(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, HOLD);
    for (int i = 0; i < 3; i++) {
        end_send(&pair.a, "message");
        pair_run(&pair);
    }
    assert_int_equal(pair.b.session->receipts, 3);
    end_crash(&pair.a);
    end_crash(&pair.b);
    stock_prune(pair.stock);
    pair.b.added[0] = '\0';
    end_ack(&pair.b, 0);
    pair_run(&pair);
    assert_null(strstr(pair.b.added, "wormholed-receipt-0"));
    assert_null(strstr(pair.b.added, "wormholed-receipt-2")); /* nor the one that says less */
    assert_non_null(strstr(pair.b.added, "wormholed-receipt-3"));
    assert_told(&pair.a, 3, 1);
    pair_free(&pair);
}

/* ---- peers without the ability ---- */

/* A peer as the stock clients are: it says nothing of receipts. */
static void make_stock(struct end *end)
{
    free(end->session->version);
    end->session->version = strdup("{\"app_versions\":{}}");
}

static void never_to_a_stock_peer(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < MISHAPS; kind++) {
        struct pair pair;
        struct phases phases;
        pair_open(&pair, POLL);
        make_stock(&pair.b);
        phases_watch(&phases, pair.stock);
        for (int round = 0; round < 20; round++) {
            if (round < 3)
                end_send(&pair.b, "from a stock client");
            if (pair.a.session->received > pair.a.session->acked)
                end_ack(&pair.a, pair.a.session->received - 1);
            mishaps[kind](&pair);
            end_visit(round % 2 == 0 ? &pair.a : &pair.b);
        }
        for (int round = 0; round < 3; round++)
            pair_visit(&pair, 1);
        assert_int_equal(pair.a.session->received, 3);
        assert_int_equal(pair.a.session->receipts, 0);
        assert_null(strstr(pair.a.added, "wormholed"));
        end_close(&pair.a);
        end_visit(&pair.a);
        assert_null(strstr(pair.a.added, "wormholed"));
        /* b, who is one of ours after all, tells a, who announced. */
        assert_true(phases.receipts == 0 || pair.b.session->receipts > 0);
        judge_and_free(&pair, &phases);
    }
}

static void stock_peers_are_not_visited_for_it(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, "0:86400");
    make_stock(&pair.b);
    end_send(&pair.b, "message");
    pair_visit(&pair, 3);
    assert_int_equal(pair.a.session->unread, 1);
    int64_t wake = pair.a.session->wake;
    end_ack(&pair.a, 0);
    assert_int_equal(pair.a.session->wake, wake);
    pair_free(&pair);
}

/* ---- what a peer says ---- */

/* b's receipt with this text, as a hears it. */
static void say_receipt(struct pair *pair, const char *text)
{
    static unsigned number;
    char phase[32];
    snprintf(phase, sizeof(phase), "wormholed-receipt-%u", 1000 + number++);
    end_say(&pair->b, phase, text);
    end_visit(&pair->a);
}

static void open_with_messages(struct pair *pair)
{
    open_met(pair, POLL);
    for (int i = 0; i < 5; i++)
        end_send(&pair->a, "message");
    end_visit(&pair->a);
}

static void lies_are_bounded(void **state)
{
    struct pair pair;
    (void)state;
    open_with_messages(&pair);
    say_receipt(&pair, "{\"delivered\":2,\"read\":3}");
    assert_told(&pair.a, 2, 2);
    say_receipt(&pair, "{\"delivered\":1,\"read\":0}");
    assert_told(&pair.a, 2, 2);
    say_receipt(&pair, "{\"delivered\":3,\"read\":0}");
    assert_told(&pair.a, 3, 2);
    say_receipt(&pair, "{\"delivered\":4,\"read\":4294967295}");
    assert_told(&pair.a, 4, 4);
    /* What nobody sent: see test-copies.c. */
    say_receipt(&pair, "{\"delivered\":4294967296,\"read\":4294967295}");
    assert_told(&pair.a, 4, 4);
    assert_true(pair.a.session->copied);
    pair_free(&pair);
}

static void malformed_ones_are_nothing(void **state)
{
    static const char *const texts[] = {"",
                                        "[]",
                                        "{}",
                                        "{\"delivered\":2}",
                                        "{\"read\":2}",
                                        "{\"delivered\":-1,\"read\":-1}",
                                        "{\"delivered\":\"2\",\"read\":2}"};
    struct pair pair;
    (void)state;
    open_with_messages(&pair);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        say_receipt(&pair, texts[i]);
    end_say(&pair.b, "wormholed-receipt-01", "{\"delivered\":2,\"read\":2}");
    end_say(&pair.b, "wormholed-receipts-1", "{\"delivered\":2,\"read\":2}");
    end_visit(&pair.a);
    assert_told(&pair.a, 0, 0);
    assert_int_equal(pair.a.session->state, SESSION_ESTABLISHED);
    pair_free(&pair);
}

static void garbled_one_is_scary(void **state)
{
    struct pair pair;
    (void)state;
    open_with_messages(&pair);
    pair.b.session->key[3] ^= 1;
    say_receipt(&pair, "{\"delivered\":2,\"read\":2}");
    assert_int_equal(pair.a.session->result, RESULT_SCARY);
    pair_free(&pair);
}

static void only_of_those_who_announced(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    make_stock(&pair.b);
    pair_visit(&pair, 4);
    end_send(&pair.a, "message");
    end_visit(&pair.a);
    say_receipt(&pair, "{\"delivered\":1,\"read\":1}");
    assert_told(&pair.a, 0, 0);
    /* Nor is it looked into: it could as well be another program's. */
    pair.b.session->key[3] ^= 1;
    say_receipt(&pair, "{\"delivered\":1,\"read\":1}");
    assert_int_equal(pair.a.session->state, SESSION_ESTABLISHED);
    pair_free(&pair);
}

/* A receipt that says something new is a sign of life; one that is replayed is none. */
static void news_of_the_peer(void **state)
{
    struct pair pair;
    (void)state;
    open_with_messages(&pair);
    pair.a.now += 1000000;
    say_receipt(&pair, "{\"delivered\":2,\"read\":0}");
    int64_t then = pair.a.session->last_activity;
    assert_true(pair.a.now - then < 1000000);
    pair.a.now += 1000000;
    say_receipt(&pair, "{\"delivered\":2,\"read\":0}");
    assert_int_equal(pair.a.session->last_activity, then);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(both_online),
        PAIR_TEST(never_together),
        PAIR_TEST(one_at_a_time),
        PAIR_TEST(acknowledging_brings_a_visit),
        PAIR_TEST(closing_tells_first),
        PAIR_TEST(closing_waits_for_the_echo),
        PAIR_TEST(idle_visits_change_nothing),
        PAIR_TEST(mishaps_of_all_kinds),
        PAIR_TEST(one_mishap_at_any_time),
        PAIR_TEST(crashes_everywhere),
        PAIR_TEST(newest_is_healed),
        PAIR_TEST(made_but_never_left),
        PAIR_TEST(lost_again_is_owed_again),
        PAIR_TEST(older_ones_are_not_healed),
        PAIR_TEST(never_to_a_stock_peer),
        PAIR_TEST(stock_peers_are_not_visited_for_it),
        PAIR_TEST(lies_are_bounded),
        PAIR_TEST(malformed_ones_are_nothing),
        PAIR_TEST(garbled_one_is_scary),
        PAIR_TEST(only_of_those_who_announced),
        PAIR_TEST(news_of_the_peer),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("receipts", tests, NULL, NULL);
}
