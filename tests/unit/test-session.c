/*
 * The session's state machine against a model of the stock relay: introductions, messages, crashes,
 * a relay that forgets, crowds, lost answers, wrong codes. What is asserted is what users were
 * promised, and what stock peers need.
 */
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

#include "tests/simulation/pair.h"
#include "wormhole/wire.h"

#define HOLD "0:0"
#define POLL "0:60"

static void assert_state(const struct end *end, enum session_state state)
{
    assert_string_equal(session_state_name(end->session->state), session_state_name(state));
}

static void assert_result(const struct end *end, enum session_result result)
{
    assert_state(end, SESSION_CLOSED);
    assert_string_equal(session_result_name(end->session->result), session_result_name(result));
}

static void assert_relay_empty(const struct stock *stock)
{
    unsigned mailboxes, messages;
    assert_int_equal(stock_count(stock, &mailboxes, &messages), 0);
    assert_int_equal(mailboxes, 0);
    assert_int_equal(messages, 0);
}

static void assert_established(const struct pair *pair)
{
    assert_state(&pair->a, SESSION_ESTABLISHED);
    assert_state(&pair->b, SESSION_ESTABLISHED);
    assert_memory_equal(pair->a.session->verifier, pair->b.session->verifier, KEY_BYTES);
    assert_false(sodium_is_zero(pair->a.session->verifier, KEY_BYTES));
}

/* ---- introductions ---- */

static void both_online(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, HOLD);
    end_run_both(&pair.a, &pair.b);
    assert_established(&pair);
    assert_int_equal(session_connection(pair.a.session), CONNECTION_HELD);
    assert_string_equal(pair.a.added, "pake version");
    assert_true(sodium_is_zero(pair.a.session->scalar, PAKE_SCALAR_BYTES));
    end_send(&pair.a, "hello");
    end_send(&pair.b, "hi");
    end_run_both(&pair.a, &pair.b);
    assert_string_equal(end_inbox(&pair.b, 0), "hello");
    assert_string_equal(end_inbox(&pair.a, 0), "hi");
    assert_int_equal(pair.a.session->stored, 1);
    assert_int_equal(pair.a.connects, 1);
    end_close(&pair.a);
    end_close(&pair.b);
    end_run_both(&pair.a, &pair.b);
    assert_result(&pair.a, RESULT_HAPPY);
    assert_result(&pair.b, RESULT_HAPPY);
    assert_relay_empty(pair.stock);
    pair_free(&pair);
}

static void allocated_code(void **state)
{
    struct stock *stock = stock_new();
    struct end a, b;
    (void)state;
    end_open(&a, stock, NULL, HOLD, 3);
    assert_state(&a, SESSION_ALLOCATING);
    end_run(&a);
    assert_state(&a, SESSION_WAITING);
    assert_int_equal(code_check(a.session->code), CODE_OK);
    end_open(&b, stock, a.session->code, HOLD, 4);
    end_run_both(&a, &b);
    assert_state(&a, SESSION_ESTABLISHED);
    assert_state(&b, SESSION_ESTABLISHED);
    end_free(&a);
    end_free(&b);
    stock_free(stock);
}

static void never_together(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_send(&pair.a, "zero");
    end_send(&pair.a, "one");
    end_send(&pair.a, "two");
    end_visit(&pair.a);
    assert_null(pair.a.session->visit);
    assert_string_equal(pair.a.added, "pake"); /* nobody is proven yet */
    end_visit(&pair.b);
    assert_state(&pair.b, SESSION_KEYED);
    end_send(&pair.b, "null");
    pair_visit(&pair, 3);
    assert_established(&pair);
    assert_string_equal(pair.a.added, "pake version 0 1 2 wormholed-receipt-0");
    assert_string_equal(pair.b.added, "pake version 0 wormholed-receipt-0");
    assert_string_equal(end_inbox(&pair.b, 0), "zero");
    assert_string_equal(end_inbox(&pair.b, 2), "two");
    assert_string_equal(end_inbox(&pair.a, 0), "null");
    assert_int_equal(pair.a.session->nameplate, NAMEPLATE_RELEASED);
    pair_free(&pair);
}

static void sides_differ(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    assert_string_not_equal(pair.a.session->side, pair.b.session->side);
    assert_int_equal(strlen(pair.a.session->side), 10);
    pair_free(&pair);
}

/* ---- a kill -9 after every single step ---- */

static void crashes_everywhere(void **state)
{
    (void)state;
    for (unsigned at = 1; at < 60; at++) {
        struct pair pair;
        pair_open(&pair, HOLD);
        end_send(&pair.a, "from a");
        end_send(&pair.b, "from b");
        for (unsigned step = 1; step < at; step++)
            if (!end_work(&pair.a))
                end_work(&pair.b);
        end_crash(&pair.a);
        end_crash(&pair.b);
        end_run_both(&pair.a, &pair.b);
        assert_established(&pair);
        assert_string_equal(end_inbox(&pair.b, 0), "from a");
        assert_string_equal(end_inbox(&pair.a, 0), "from b");
        /* Whatever was lost, the mailbox never holds one phase twice: pake, version, 0, and a
         * receipt. */
        unsigned mailboxes, messages;
        stock_count(pair.stock, &mailboxes, &messages);
        assert_int_equal(messages, 8);
        end_close(&pair.a);
        end_close(&pair.b);
        end_crash(&pair.a);
        end_run_both(&pair.a, &pair.b);
        assert_result(&pair.a, RESULT_HAPPY);
        assert_result(&pair.b, RESULT_HAPPY);
        assert_relay_empty(pair.stock);
        pair_free(&pair);
    }
}

/* The relay got what was said last, but its answer is lost: after each text in turn. */
static void answers_lost_everywhere(void **state)
{
    (void)state;
    for (unsigned after = 1; after < 30; after++) {
        struct pair pair;
        pair_open(&pair, HOLD);
        pair.a.lose_after = after;
        end_send(&pair.a, "from a");
        end_run(&pair.b);
        for (int i = 0; i < 4; i++) {
            end_skip(&pair.a);
            end_run_both(&pair.a, &pair.b);
        }
        assert_established(&pair);
        assert_string_equal(end_inbox(&pair.b, 0), "from a");
        end_close(&pair.a);
        end_close(&pair.b);
        for (int i = 0; i < 4; i++) {
            end_run_both(&pair.a, &pair.b);
            end_skip(&pair.a);
        }
        assert_result(&pair.a, RESULT_HAPPY);
        assert_relay_empty(pair.stock);
        pair_free(&pair);
    }
}

/* ---- a relay that forgets ---- */

static void forgotten_before_anybody_came(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    char *first = strdup(pair.a.session->mailbox);
    stock_prune(pair.stock);
    assert_relay_empty(pair.stock);
    end_visit(&pair.a);
    assert_string_not_equal(pair.a.session->mailbox, first);
    assert_string_equal(pair.a.added, "pake pake");
    assert_int_equal(pair.a.session->heals, 1);
    pair_visit(&pair, 3);
    assert_established(&pair);
    free(first);
    pair_free(&pair);
}

/* Pruned after each number of visits in turn: before, between and after the introductions and the
 * messages. */
static void forgotten_at_any_time(void **state)
{
    (void)state;
    for (int when = 0; when < 10; when++) {
        struct pair pair;
        pair_open(&pair, POLL);
        end_send(&pair.a, "from a");
        end_send(&pair.b, "from b");
        for (int i = 0; i < 16; i++) {
            if (i == when)
                stock_prune(pair.stock);
            end_visit(i % 2 == 0 ? &pair.a : &pair.b);
        }
        assert_established(&pair);
        assert_string_equal(end_inbox(&pair.b, 0), "from a");
        assert_string_equal(end_inbox(&pair.a, 0), "from b");
        assert_string_equal(pair.a.session->mailbox, pair.b.session->mailbox);
        pair_free(&pair);
    }
}

/* We never saw the echo of our pake, and then the relay forgot: the other mailbox id tells. */
static void forgotten_before_the_echo(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    pair.a.lose_after = 5; /* bind, claim, open, ping, add */
    end_visit(&pair.a);
    assert_string_equal(pair.a.added, "pake");
    assert_false(pair.a.session->pake_stored);
    stock_prune(pair.stock);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->heals, 1);
    pair_free(&pair);
}

/* One has seen the other's pake, and then the relay forgot: they meet behind the nameplate, within
 * one visit if the other waits there. */
static void forgotten_between_the_pakes(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, HOLD);
    end_run(&pair.a);
    end_crash(&pair.a);
    pair.a.session->wake = INT64_MAX; /* a is away */
    end_run(&pair.b);
    assert_state(&pair.b, SESSION_KEYED);
    end_crash(&pair.b);
    stock_prune(pair.stock);
    pair.a.session->wake = pair.a.now;
    end_run(&pair.a);
    assert_int_equal(pair.a.session->heals, 1);
    for (int i = 0; i < 2; i++) {
        end_skip(&pair.b);
        end_run_both(&pair.a, &pair.b);
    }
    assert_established(&pair);
    assert_string_equal(pair.a.session->mailbox, pair.b.session->mailbox);
    pair_free(&pair);
}

static void message_forgotten_before_it_was_read(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    pair_visit(&pair, 3);
    end_send(&pair.a, "again");
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->stored, 1);
    stock_prune(pair.stock);
    pair_visit(&pair, 2);
    assert_string_equal(end_inbox(&pair.b, 0), "again");
    assert_true(pair.a.session->heals > 0);
    pair_free(&pair);
}

/* ---- endings ---- */

static void wrong_code(void **state)
{
    struct stock *stock = stock_new();
    struct end a, b;
    (void)state;
    end_open(&a, stock, "7-right-code", HOLD, 5);
    end_open(&b, stock, "7-wrong-code", HOLD, 6);
    end_send(&a, "secret");
    end_send(&b, "secret");
    end_run_both(&a, &b);
    assert_result(&a, RESULT_SCARY);
    assert_result(&b, RESULT_SCARY);
    assert_int_equal(a.session->received + b.session->received, 0);
    assert_null(end_inbox(&a, 0));
    assert_null(strchr(a.added, '0')); /* no message was even sent */
    assert_null(strchr(b.added, '0'));
    assert_relay_empty(stock);
    end_free(&a);
    end_free(&b);
    stock_free(stock);
}

/* They are never there at the same time: both are told, none waits until its deadline. */
static void wrong_code_in_turns(void **state)
{
    struct stock *stock = stock_new();
    struct end a, b;
    (void)state;
    end_open(&a, stock, "7-right-code", POLL, 5);
    end_open(&b, stock, "7-wrong-code", POLL, 6);
    for (int i = 0; i < 2; i++) {
        end_visit(&a);
        end_visit(&b);
    }
    end_visit(&a);
    assert_result(&a, RESULT_SCARY);
    assert_result(&b, RESULT_SCARY);
    assert_relay_empty(stock);
    end_free(&a);
    end_free(&b);
    stock_free(stock);
}

static void secrets_are_wiped(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, HOLD);
    end_run_both(&pair.a, &pair.b);
    end_close(&pair.a);
    end_run_both(&pair.a, &pair.b);
    assert_result(&pair.a, RESULT_HAPPY);
    assert_null(session_code(pair.a.session));
    assert_true(sodium_is_zero(pair.a.session->key, KEY_BYTES));
    assert_true(sodium_is_zero(pair.a.session->scalar, PAKE_SCALAR_BYTES));
    assert_null(
        session_seal(pair.a.session, 0, (const uint8_t[KEYS_NONCE_BYTES]){0}, KEYS_NONCE_BYTES));
    pair_free(&pair);
}

static void closed_before_anybody_came(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_close(&pair.b); /* it never was online: nothing to tell */
    assert_result(&pair.b, RESULT_LONELY);
    assert_int_equal(pair.b.connects, 0);
    end_visit(&pair.a);
    end_close(&pair.a);
    end_visit(&pair.a);
    assert_result(&pair.a, RESULT_LONELY);
    assert_relay_empty(pair.stock);
    assert_int_equal(end_send(&pair.a, "late"), SESSION_REFUSED_CLOSED);
    pair_free(&pair);
}

static void close_sends_what_is_queued(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    pair_visit(&pair, 3);
    end_send(&pair.a, "last words");
    end_close(&pair.a);
    end_visit(&pair.a);
    assert_result(&pair.a, RESULT_HAPPY);
    end_visit(&pair.b);
    assert_string_equal(end_inbox(&pair.b, 0), "last words");
    pair_free(&pair);
}

static void nobody_comes(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, "0:86400");
    end_visit(&pair.a);
    pair.a.now += pair.a.session->timeout;
    end_run(&pair.a);
    assert_result(&pair.a, RESULT_LONELY);
    assert_relay_empty(pair.stock);
    end_skip(&pair.a);
    end_run(&pair.a);
    assert_true(pair.a.forgotten);
    pair_free(&pair);
}

/* ---- a third side ---- */

#define CROWDED_WAIT_LEAST ((int64_t)17 * 60 * 1000)
#define CLOSING_MOST       ((int64_t)24 * 3600 * 1000)

static void ignore(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

/* Somebody who tries the code, and leaves. */
static void intrude(struct stock *stock, const char *mailbox)
{
    struct stock_connection *connection = stock_connect(stock, ignore, NULL, NULL);
    char open[128];
    snprintf(open, sizeof(open), "{\"type\":\"open\",\"mailbox\":\"%s\"}", mailbox);
    stock_receive(connection,
                  "{\"type\":\"bind\",\"appid\":\"example.com/test\",\"side\":\"eeeeeeeeee\"}");
    stock_receive(connection, open);
    stock_disconnect(connection);
}

/* Of one pair that has met, and whose mailbox the relay now calls crowded. */
static void open_crowded(struct pair *pair)
{
    pair_open(pair, POLL);
    pair_visit(pair, 3);
    assert_established(pair);
    intrude(pair->stock, pair->a.session->mailbox);
}

static void third_side_ends_at_once(void **state)
{
    struct pair pair;
    struct end third;
    (void)state;
    pair_open(&pair, POLL);
    end_open(&third, pair.stock, "4-purple-sausages", POLL, 9);
    end_visit(&pair.a);
    end_visit(&pair.b);
    end_send(&third, "let me in");
    end_visit(&third);
    assert_result(&third, RESULT_CROWDED);
    assert_int_equal(third.connects, 1);
    assert_non_null(strstr(third.session->reason, "agree on a new one"));
    assert_non_null(strstr(third.session->reason, "1 of 1 messages were not sent"));
    end_free(&third);
    pair_free(&pair);
}

/* Tries are too far apart to keep the relay from forgetting, whatever the user does meanwhile. */
static void crowd_heals(void **state)
{
    struct pair pair;
    (void)state;
    open_crowded(&pair);
    for (int i = 0; i < 10; i++) {
        end_visit(&pair.a);
        assert_state(&pair.a, SESSION_ESTABLISHED);
        end_command(&pair.a, EVENT_POLL);
        end_send(&pair.a, "still here");
        assert_true(pair.a.session->wake - pair.a.now >= CROWDED_WAIT_LEAST);
        assert_true(pair.a.session->wake - pair.a.now <= (int64_t)3600 * 1000);
    }
    stock_prune(pair.stock);
    pair_visit(&pair, 2);
    assert_established(&pair);
    assert_int_equal(pair.b.session->received, 10);
    pair_free(&pair);
}

/* A stock relay without its clock: it prunes what nobody has touched for 16 minutes. */
static void crowd_heals_for_two(void **state)
{
    struct pair pair;
    int64_t touched;
    int tries = 0;
    (void)state;
    open_crowded(&pair);
    pair.b.now = touched = pair.a.now;
    while (tries++ < 100 &&
           (pair.a.session->crowded > 0 || pair.b.session->crowded > 0 || tries < 3)) {
        struct end *next = pair.a.session->wake < pair.b.session->wake ? &pair.a : &pair.b;
        if (next->session->wake - touched > (int64_t)16 * 60 * 1000)
            stock_prune(pair.stock);
        end_visit(next);
        touched = next->now;
    }
    assert_in_range(tries, 3, 30);
    assert_established(&pair);
    pair_free(&pair);
}

static void close_waits_for_the_crowd_to_go(void **state)
{
    struct pair pair;
    (void)state;
    open_crowded(&pair);
    end_visit(&pair.a);
    end_send(&pair.a, "last words");
    end_close(&pair.a);
    end_run(&pair.a);
    assert_state(&pair.a, SESSION_CLOSING);
    end_visit(&pair.a);
    assert_state(&pair.a, SESSION_CLOSING);
    stock_prune(pair.stock);
    /* The mailbox is now only its own: to close that would delete what was just added. */
    end_visit(&pair.a);
    assert_state(&pair.a, SESSION_CLOSING);
    end_visit(&pair.b);
    assert_string_equal(end_inbox(&pair.b, 0), "last words");
    end_visit(&pair.a);
    assert_result(&pair.a, RESULT_HAPPY);
    assert_int_equal(pair.a.session->stored, 1);
    pair_free(&pair);
}

static void visit_until_closed(struct end *end)
{
    int64_t begun = end->now;
    while (end->session->state == SESSION_CLOSING && end->now <= begun + 2 * CLOSING_MOST)
        end_visit(end);
}

/* Whatever keeps the relay from taking it: what was not sent is not said to have been. */
static void unsent_is_not_happy(void **state)
{
    struct pair pair;
    (void)state;
    open_crowded(&pair);
    end_send(&pair.a, "never to leave");
    end_close(&pair.a);
    visit_until_closed(&pair.a);
    assert_result(&pair.a, RESULT_CROWDED);
    assert_string_equal(pair.a.session->reason,
                        "closed by the user; 1 of 1 messages were not sent");
    pair_free(&pair);
    pair_open(&pair, POLL);
    pair_visit(&pair, 3);
    end_send(&pair.a, "sent");
    pair_visit(&pair, 1);
    pair.a.refuse = "closed for good";
    end_send(&pair.a, "never to leave");
    end_close(&pair.a);
    visit_until_closed(&pair.a);
    assert_result(&pair.a, RESULT_ERRORY);
    assert_string_equal(pair.a.session->reason,
                        "closed by the user; 1 of 2 messages were not sent");
    pair_free(&pair);
}

/* A clock that was ahead when the session was closed puts off neither the end of its patience nor
 * that it is forgotten. */
static void patience_after_a_clock_that_was_ahead(void **state)
{
    struct pair pair;
    int64_t closed;
    (void)state;
    open_crowded(&pair);
    pair.a.now += 30 * CLOSING_MOST;
    end_send(&pair.a, "never to leave");
    end_close(&pair.a);
    pair.a.now -= 30 * CLOSING_MOST;
    pair.a.session->wake = pair.a.now;
    visit_until_closed(&pair.a);
    assert_result(&pair.a, RESULT_CROWDED);
    closed = pair.a.now;
    end_skip(&pair.a);
    end_run(&pair.a);
    assert_true(pair.a.forgotten);
    assert_true(pair.a.now <= closed + (int64_t)3600 * 1000);
    pair_free(&pair);
}

/* The relay forgets what it has taken, and the peer is away. */
static void close_waits_for_the_peer_to_come_back(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    pair_visit(&pair, 3);
    end_send(&pair.a, "taken");
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->stored, 1);
    stock_prune(pair.stock);
    end_visit(&pair.a);
    end_close(&pair.a);
    end_visit(&pair.a);
    assert_state(&pair.a, SESSION_CLOSING);
    end_visit(&pair.b);
    assert_string_equal(end_inbox(&pair.b, 0), "taken");
    end_visit(&pair.a);
    assert_result(&pair.a, RESULT_HAPPY);
    end_close(&pair.b);
    end_visit(&pair.b);
    assert_relay_empty(pair.stock);
    pair_free(&pair);
    pair_open(&pair, POLL);
    pair_visit(&pair, 3);
    stock_prune(pair.stock);
    end_send(&pair.a, "for nobody");
    end_close(&pair.a);
    visit_until_closed(&pair.a);
    assert_result(&pair.a, RESULT_ERRORY);
    assert_in_range(pair.a.connects, 100, 500);
    assert_non_null(strstr(pair.a.session->reason, "the peer did not come back"));
    pair_free(&pair);
}

/* ---- peers that do not play by the rules ---- */

static struct stock_connection *stranger(struct stock *stock, stock_deliver deliver)
{
    struct stock_connection *connection = stock_connect(stock, deliver, NULL, NULL);
    stock_receive(connection,
                  "{\"type\":\"bind\",\"appid\":\"example.com/test\",\"side\":\"ffffffffff\"}");
    stock_receive(connection, "{\"type\":\"claim\",\"nameplate\":\"4\"}");
    stock_receive(connection, "{\"type\":\"open\",\"mailbox\":\"mailbox1\"}");
    return connection;
}

static void add(struct stock_connection *connection, const char *phase, const char *body)
{
    char *text = wire_encode_add(phase, (const uint8_t *)body, strlen(body));
    stock_receive(connection, text);
    free(text);
}

static void assert_bad_pake(const char *body, enum session_result result)
{
    struct pair pair;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    struct stock_connection *connection = stranger(pair.stock, ignore);
    add(connection, "pake", body);
    end_visit(&pair.a);
    assert_result(&pair.a, result);
    stock_disconnect(connection);
    pair_free(&pair);
}

static void bad_pakes(void **state)
{
    (void)state;
    assert_bad_pake("", RESULT_ERRORY);
    assert_bad_pake("no json", RESULT_ERRORY);
    assert_bad_pake("{\"pake_v1\":\"53\"}", RESULT_ERRORY);
    assert_bad_pake(
        "{\"pake_v1\":\"530000000000000000000000000000000000000000000000000000000000000000\"}",
        RESULT_ERRORY);
    assert_bad_pake(
        "{\"pake_v1\":\"530100000000000000000000000000000000000000000000000000000000000000\"}",
        RESULT_ERRORY);
    assert_bad_pake(
        "{\"pake_v1\":\"53ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"}",
        RESULT_ERRORY);
}

/* Somebody who has only the nameplate fills the mailbox: the visits become rarer, and the session
 * says why, until a relay forgets it all. */
static void unexpected_messages(void **state)
{
    const int64_t minute = 60 * 1000;
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->unexpected, 0);
    struct stock_connection *connection = stranger(pair.stock, ignore);
    for (unsigned i = 0; i < 40; i++)
        add(connection, i % 2 == 0 ? "0" : "version", "?");
    int64_t least = minute / 5 * 4;
    for (unsigned visit = 1; visit <= 12; visit++) {
        end_visit(&pair.a);
        assert_state(&pair.a, SESSION_WAITING);
        assert_int_equal(pair.a.session->unexpected, 40);
        assert_int_equal(pair.a.session->burdened, visit);
        assert_true(pair.a.session->wake - pair.a.now >= least);
        assert_true(pair.a.session->wake - pair.a.now <= 60 * minute);
        least = 2 * least <= 48 * minute ? 2 * least : 48 * minute;
    }
    stock_disconnect(connection);
    stock_prune(pair.stock);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->unexpected, 0);
    assert_int_equal(pair.a.session->burdened, 0);
    assert_true(pair.a.session->wake - pair.a.now < 2 * minute);
    pair_visit(&pair, 3);
    assert_established(&pair);
    pair_free(&pair);
}

/* More than is looked at: not even the fence is reached. */
static void overfull_mailbox(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    for (unsigned visit = 1; visit <= 8; visit++) {
        pair.a.now = pair.a.session->wake;
        assert_true(session_is_guarded(pair.a.session));
        end_step(&pair.a, &(struct session_event){.type = EVENT_WAKE});
        end_step(&pair.a, &(struct session_event){.type = EVENT_BURDENED});
        assert_null(pair.a.session->visit);
        assert_int_equal(pair.a.session->burdened, visit);
        assert_non_null(strstr(pair.a.session->last_error, "has filled the mailbox"));
        assert_true(pair.a.session->wake - pair.a.now >= (int64_t)48 * 1000);
    }
    assert_true(pair.a.session->wake - pair.a.now >= (int64_t)48 * 60 * 1000);
    pair_visit(&pair, 4);
    assert_established(&pair);
    assert_false(session_is_guarded(pair.a.session));
    assert_int_equal(pair.a.session->unexpected, 0);
    pair_free(&pair);
}

static void reflected_pake(void **state)
{
    struct pair pair;
    char hex[2 * PAKE_MESSAGE_BYTES + 1], body[128];
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    sodium_bin2hex(hex, sizeof(hex), pair.a.session->pake, PAKE_MESSAGE_BYTES);
    snprintf(body, sizeof(body), "{\"pake_v1\":\"%s\"}", hex);
    struct stock_connection *connection = stranger(pair.stock, ignore);
    add(connection, "pake", body);
    end_visit(&pair.a);
    assert_result(&pair.a, RESULT_SCARY);
    stock_disconnect(connection);
    pair_free(&pair);
}

/* A dead client's pake makes a key, but nobody is proven by it. */
static void keyed_is_not_established(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    end_visit(&pair.b);
    end_free(&pair.b);
    end_open(&pair.b, pair.stock, "9-other-thing", POLL, 10);
    end_visit(&pair.a);
    end_visit(&pair.a);
    /* b's version arrived too: established; but before that visit it was not. */
    assert_state(&pair.a, SESSION_ESTABLISHED);
    pair_free(&pair);

    pair_open(&pair, POLL);
    end_visit(&pair.a);
    struct stock_connection *connection = stranger(pair.stock, ignore);
    add(connection, "pake",
        "{\"pake_v1\":\"5361b2a31661d14190b2fb937e7234ea2f35e53f4837e98c46b9656c3d64a6a563\"}");
    add(connection, "some-extension", "of another client");
    end_visit(&pair.a);
    assert_state(&pair.a, SESSION_KEYED);
    assert_int_equal(end_send(&pair.a, "hello"), SESSION_ACCEPTED);
    end_visit(&pair.a);
    assert_string_equal(pair.a.added, "pake version");
    stock_disconnect(connection);
    pair_free(&pair);
}

static void replayed_and_reordered(void **state)
{
    struct pair pair;
    char *texts[8];
    unsigned count = 0;
    (void)state;
    pair_open(&pair, POLL);
    pair_visit(&pair, 2);
    for (int i = 0; i < 4; i++)
        end_send(&pair.a, (const char *[]){"zero", "one", "two", "three"}[i]);
    /* b hears a's messages backwards, and twice. */
    for (uint32_t i = 0; i < 4; i++)
        texts[count++] =
            session_seal(pair.a.session, i, pair.a.outbox[i].data, pair.a.outbox[i].length);
    struct stock_connection *connection = stock_connect(pair.stock, ignore, NULL, NULL);
    char bind[128], open[128];
    snprintf(bind, sizeof(bind),
             "{\"type\":\"bind\",\"appid\":\"example.com/test\",\"side\":\"%s\"}",
             pair.a.session->side);
    snprintf(open, sizeof(open), "{\"type\":\"open\",\"mailbox\":\"%s\"}", pair.a.session->mailbox);
    stock_receive(connection, bind);
    stock_receive(connection, open);
    for (int i = 7; i >= 0; i--)
        stock_receive(connection, texts[i % 4]);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->received, 4);
    assert_int_equal(pair.b.session->unread, 4);
    assert_string_equal(end_inbox(&pair.b, 0), "zero");
    assert_string_equal(end_inbox(&pair.b, 3), "three");
    stock_disconnect(connection);
    for (unsigned i = 0; i < count; i++)
        free(texts[i]);
    pair_free(&pair);
}

static void third_side_is_not_heard(void **state)
{
    struct pair pair;
    struct wire_message message;
    static const char text[] =
        "{\"type\":\"message\",\"side\":\"ffffffffff\",\"phase\":\"0\",\"body\":\"00\"}";
    (void)state;
    pair_open(&pair, HOLD);
    end_run_both(&pair.a, &pair.b);
    assert_int_equal(wire_parse(text, strlen(text), &message), WIRE_OK);
    end_step(&pair.a, &(struct session_event){.type = EVENT_RELAY, .relay = &message});
    wire_free(&message);
    assert_established(&pair);
    pair_free(&pair);
}

/* ---- the user's events ---- */

static void acknowledging(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, HOLD);
    end_run_both(&pair.a, &pair.b);
    end_send(&pair.a, "zero");
    end_send(&pair.a, "one");
    end_run_both(&pair.a, &pair.b);
    assert_int_equal(end_ack(&pair.b, 2), SESSION_REFUSED_NUMBER);
    assert_int_equal(end_ack(&pair.b, 0), SESSION_ACCEPTED);
    assert_int_equal(end_ack(&pair.b, 0), SESSION_ACCEPTED);
    assert_null(end_inbox(&pair.b, 0));
    assert_string_equal(end_inbox(&pair.b, 1), "one");
    assert_int_equal(pair.b.session->unread, 1);
    assert_int_equal(pair.b.session->unread_bytes, 3);
    pair_free(&pair);
}

static void full_inbox_pauses_the_peer(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    pair_visit(&pair, 3);
    end_send(&pair.a, "zero");
    end_visit(&pair.a);
    end_visit(&pair.b);
    pair.b.session->unread = SESSION_INBOX_MAX; /* as if so many lay there */
    end_send(&pair.a, "one more");
    end_visit(&pair.a);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->received, 1);
    assert_true(pair.b.session->inbox_full);
    pair.b.session->unread = 1;
    assert_int_equal(end_ack(&pair.b, 0), SESSION_ACCEPTED);
    end_visit(&pair.b);
    assert_string_equal(end_inbox(&pair.b, 1), "one more");
    pair_free(&pair);
}

/* ---- visits ---- */

static void back_off(void **state)
{
    struct pair pair;
    int64_t waits[16];
    (void)state;
    pair_open(&pair, HOLD);
    for (unsigned i = 0; i < 16; i++) {
        int64_t before = pair.a.now;
        end_step(&pair.a, &(struct session_event){.type = EVENT_WAKE});
        end_lose(&pair.a);
        waits[i] = pair.a.session->wake - before;
        pair.a.now = pair.a.session->wake;
    }
    assert_true(waits[0] >= 800 && waits[0] <= 1000);
    assert_true(waits[15] >= 90 * 1000 && waits[15] <= 120 * 1000);
    assert_int_equal(pair.a.session->failures, 16);
    assert_string_equal(pair.a.session->last_error, "the connection was lost");
    pair_free(&pair);
}

static void relay_refuses_everybody(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, HOLD);
    pair.a.refuse = "closed for repairs";
    end_visit(&pair.a);
    assert_state(&pair.a, SESSION_WAITING);
    assert_string_equal(pair.a.session->last_error,
                        "the relay turns clients away: closed for repairs");
    pair.a.refuse = NULL;
    end_visit(&pair.a);
    assert_null(pair.a.session->last_error);
    pair_free(&pair);
}

static void silent_relay(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, HOLD);
    end_step(&pair.a, &(struct session_event){.type = EVENT_WAKE});
    pair.a.now = session_alarm(pair.a.session);
    end_step(&pair.a, &(struct session_event){.type = EVENT_WAKE});
    assert_null(pair.a.session->visit);
    assert_string_equal(pair.a.session->last_error, "the relay did not answer");
    pair_free(&pair);
}

/* As the user wants it, so often; for a while, and then less. */
static void sub_second_interval(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, "0:0.1,10:60");
    unsigned visits = 0;
    int64_t start = pair.a.now;
    end_visit(&pair.a);
    for (; pair.a.session->wake <= start + 10 * 1000; visits++) {
        int64_t before = pair.a.now;
        end_visit(&pair.a);
        assert_in_range(pair.a.now - before, 100, 105); /* jitter makes it a little less often */
    }
    assert_in_range(visits, 94, 100);
    assert_in_range(pair.a.session->wake - pair.a.now, 60 * 1000, 63 * 1000);
    pair_free(&pair);
}

/* Presets come back before a stock relay forgets; a list of the user's is obeyed. */
static void kept_alive(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, "email");
    pair.a.may_hold = false;
    pair.a.now += (int64_t)3 * 86400 * 1000;
    end_visit(&pair.a);
    assert_true(pair.a.session->wake - pair.a.now < 11 * 60 * 1000);
    pair_free(&pair);
    pair_open(&pair, "0:3600");
    end_visit(&pair.a);
    assert_true(pair.a.session->wake - pair.a.now > 40 * 60 * 1000);
    pair_free(&pair);
}

static void held_connection_is_renewed(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, HOLD);
    pair.a.session->timeout = (int64_t)14 * 86400 * 1000;
    end_run(&pair.a);
    end_skip(&pair.a);
    end_run(&pair.a);
    assert_int_equal(pair.a.connects, 2);
    assert_int_equal(session_connection(pair.a.session), CONNECTION_HELD);
    assert_string_equal(pair.a.added, "pake");
    pair_free(&pair);
}

/* Whatever the schedule says, and not a moment longer than somebody waits. */
static void held_while_somebody_waits(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, "0:3600");
    pair.a.attended = true;
    end_command(&pair.a, EVENT_POLL);
    end_run_both(&pair.a, &pair.b);
    assert_int_equal(session_connection(pair.a.session), CONNECTION_HELD);
    assert_int_equal(session_connection(pair.b.session), CONNECTION_NONE);
    for (int i = 0; i < 3; i++) { /* looked at again and again, over the same connection */
        end_skip(&pair.a);
        end_run(&pair.a);
        assert_int_equal(session_connection(pair.a.session), CONNECTION_HELD);
    }
    assert_int_equal(pair.a.connects, 1);
    pair.a.attended = false;
    end_skip(&pair.a);
    end_run(&pair.a);
    assert_int_equal(session_connection(pair.a.session), CONNECTION_NONE);
    pair_free(&pair);
}

/* However long somebody waits: it may be cut off from what others add who were bound later. */
static void held_is_renewed_while_somebody_waits(void **state)
{
    static const char *const schedules[] = {"0:3600", HOLD};
    (void)state;
    for (size_t i = 0; i < sizeof(schedules) / sizeof(schedules[0]); i++) {
        struct pair pair;
        pair_open(&pair, schedules[i]);
        pair.a.session->timeout = (int64_t)14 * 86400 * 1000;
        pair.a.attended = true;
        end_run(&pair.a);
        int64_t begun = pair.a.now;
        while (pair.a.now < begun + (int64_t)130 * 60 * 1000) {
            end_skip(&pair.a);
            end_run(&pair.a);
            assert_int_equal(session_connection(pair.a.session), CONNECTION_HELD);
        }
        assert_in_range(pair.a.connects, 3, 4); /* once an hour */
        assert_string_equal(pair.a.added, "pake");
        pair_free(&pair);
    }
}

/* The network may have changed without a word. */
static void held_is_proven_when_used(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, HOLD);
    end_run_both(&pair.a, &pair.b);
    assert_int_equal(session_connection(pair.a.session), CONNECTION_HELD);
    assert_int_equal(pair.a.proofs, 0);
    end_command(&pair.a, EVENT_POLL);
    assert_int_equal(pair.a.proofs, 1);
    end_send(&pair.a, "hello");
    assert_int_equal(pair.a.proofs, 2);
    end_run_both(&pair.a, &pair.b);
    end_ack(&pair.b, 0);
    assert_int_equal(pair.b.proofs, 1);
    end_lose(&pair.a);
    end_visit(&pair.a);
    assert_int_equal(pair.a.connects, 2);
    end_run_both(&pair.a, &pair.b);
    end_close(&pair.a);
    assert_int_equal(pair.a.proofs, 3);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(both_online),
        PAIR_TEST(allocated_code),
        PAIR_TEST(never_together),
        PAIR_TEST(sides_differ),
        PAIR_TEST(crashes_everywhere),
        PAIR_TEST(answers_lost_everywhere),
        PAIR_TEST(forgotten_before_anybody_came),
        PAIR_TEST(forgotten_at_any_time),
        PAIR_TEST(forgotten_before_the_echo),
        PAIR_TEST(forgotten_between_the_pakes),
        PAIR_TEST(message_forgotten_before_it_was_read),
        PAIR_TEST(wrong_code),
        PAIR_TEST(wrong_code_in_turns),
        PAIR_TEST(secrets_are_wiped),
        PAIR_TEST(closed_before_anybody_came),
        PAIR_TEST(close_sends_what_is_queued),
        PAIR_TEST(nobody_comes),
        PAIR_TEST(third_side_ends_at_once),
        PAIR_TEST(crowd_heals),
        PAIR_TEST(crowd_heals_for_two),
        PAIR_TEST(close_waits_for_the_crowd_to_go),
        PAIR_TEST(unsent_is_not_happy),
        PAIR_TEST(patience_after_a_clock_that_was_ahead),
        PAIR_TEST(close_waits_for_the_peer_to_come_back),
        PAIR_TEST(bad_pakes),
        PAIR_TEST(unexpected_messages),
        PAIR_TEST(overfull_mailbox),
        PAIR_TEST(reflected_pake),
        PAIR_TEST(keyed_is_not_established),
        PAIR_TEST(replayed_and_reordered),
        PAIR_TEST(third_side_is_not_heard),
        PAIR_TEST(acknowledging),
        PAIR_TEST(full_inbox_pauses_the_peer),
        PAIR_TEST(back_off),
        PAIR_TEST(relay_refuses_everybody),
        PAIR_TEST(silent_relay),
        PAIR_TEST(sub_second_interval),
        PAIR_TEST(kept_alive),
        PAIR_TEST(held_is_proven_when_used),
        PAIR_TEST(held_while_somebody_waits),
        PAIR_TEST(held_is_renewed_while_somebody_waits),
        PAIR_TEST(held_connection_is_renewed),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
