/*
 * The cursor, on a relay that can begin a replay behind a place: idle visits are short whatever the
 * mailbox holds; and nothing is lost, whatever the relay forgets, whatever state an older copy of
 * its store puts it back to, and whenever a visit or a machine dies.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/pair.h"
#include "wormhole/visit.h"

#define POLL "0:60"

static void open_met(struct pair *pair)
{
    pair_open(pair, POLL);
    pair_visit(pair, 4);
    assert_int_equal(pair->a.session->state, SESSION_ESTABLISHED);
    assert_int_equal(pair->b.session->state, SESSION_ESTABLISHED);
    assert_true((pair->a.session->cursor != NULL) == pair_resumes);
}

static void send_many(struct end *end, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(end_send(end, "text"), SESSION_ACCEPTED);
}

/* How many messages the relay tells while `end` visits it once. */
static unsigned told_in_visit(struct end *end)
{
    unsigned before = stock_told(end->stock);
    end_visit(end);
    return stock_told(end->stock) - before;
}

static void idle_visits_are_short(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair);
    send_many(&pair.a, 20);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->stored, 20);
    assert_int_equal(told_in_visit(&pair.a), 0);
    end_crash(&pair.a);
    assert_int_equal(told_in_visit(&pair.a), 0);
    /* And the peer, who has been away, is told everything, once. */
    assert_true(told_in_visit(&pair.b) >= 20);
    assert_int_equal(pair.b.session->received, 20);
    assert_int_equal(told_in_visit(&pair.b), 0);
    /* Its receipt, and our own, if any. */
    assert_true(told_in_visit(&pair.a) <= 2);
    assert_int_equal(pair.a.session->delivered, 20);
    pair_free(&pair);
}

/* What is sent after the cursor is added once, and what was before it, never again. */
static void ours_behind_it(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair);
    send_many(&pair.a, 2);
    pair_visit(&pair, 2);
    pair.a.added[0] = '\0';
    send_many(&pair.a, 1);
    pair.a.lose_after = 4; /* bind, open, ping, add: its echo is lost */
    end_visit(&pair.a);
    assert_string_equal(pair.a.added, "2");
    assert_int_equal(pair.a.session->stored, 2);
    end_visit(&pair.a);
    assert_string_equal(pair.a.added, "2");
    assert_int_equal(pair.a.session->stored, 3);
    pair_visit(&pair, 2);
    assert_int_equal(pair.b.session->received, 3);
    pair_free(&pair);
}

static void relay_forgets(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair);
    send_many(&pair.a, 3);
    pair_visit(&pair, 1);
    end_visit(&pair.a);
    stock_prune(pair.stock);
    pair.a.added[0] = '\0';
    end_visit(&pair.a);
    assert_string_equal(pair.a.added, "pake version 0 1 2");
    assert_int_equal(pair.a.session->heals, 1);
    pair_free(&pair);
}

/* The place is there again, under the same number, after other messages. */
static void relay_is_put_back(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair);
    stock_save(pair.stock);
    send_many(&pair.a, 3);
    end_visit(&pair.a);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->stored, 3);
    stock_put_back(pair.stock);
    send_many(&pair.b, 3);
    end_visit(&pair.b);
    pair_visit(&pair, 3);
    assert_int_equal(pair.a.session->received, 3);
    assert_int_equal(pair.b.session->received, 3);
    assert_int_equal(pair.a.session->delivered, 3);
    pair_free(&pair);
}

/* A receipt that was made after the cursor is not taken for one before it. */
static void receipt_is_put_back(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair);
    send_many(&pair.a, 1);
    pair_visit(&pair, 2); /* b's cursor is behind its first receipt */
    stock_save(pair.stock);
    char *cursor = strdup(pair.b.session->cursor);
    uint32_t receipts = pair.b.session->cursor_receipts;
    send_many(&pair.a, 1);
    end_visit(&pair.a);
    end_visit(&pair.b);
    stock_put_back(pair.stock);
    /* The visit that made the second receipt ended badly: the cursor is the older one. */
    free(pair.b.session->cursor);
    pair.b.session->cursor = cursor;
    pair.b.session->cursor_receipts = receipts;
    end_visit(&pair.b);
    pair_visit(&pair, 2);
    assert_int_equal(pair.a.session->delivered, 2);
    pair_free(&pair);
}

/* What was turned away is behind the cursor still. */
static void turned_away(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair);
    pair.b.session->inbox_messages = 2;
    send_many(&pair.a, 5);
    pair_visit(&pair, 2);
    assert_true(pair.b.session->inbox_full);
    for (uint32_t acked = 1; acked < 5; acked++) {
        end_ack(&pair.b, acked < pair.b.session->received ? acked : pair.b.session->received - 1);
        pair_visit(&pair, 2);
    }
    assert_int_equal(pair.b.session->received, 5);
    pair_free(&pair);
}

/* Another version may have ignored what this one takes. */
static void another_version(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair);
    send_many(&pair.a, 3);
    pair_visit(&pair, 3);
    pair.b.session->cursor_version[0] ^= 1;
    assert_true(told_in_visit(&pair.b) >= 7);
    assert_int_equal(told_in_visit(&pair.b), 0);
    pair_free(&pair);
}

/* Before what is under way. */
static void say_first(struct end *end, const char *text)
{
    end->count++;
    end->from_relay[--end->first % 1024] = strdup(text);
}

/* A relay that says it unasked changes nothing. */
static void resumed_unasked(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    pair_visit(&pair, 4);
    send_many(&pair.a, 3);
    end_visit(&pair.a);
    free(pair.a.session->cursor);
    pair.a.session->cursor = NULL;
    stock_prune(pair.stock);
    end_skip(&pair.a);
    while (pair.a.session->visit == NULL || pair.a.session->visit->stage < VISIT_REPLAYING)
        assert_true(end_work(&pair.a));
    pair.a.added[0] = '\0';
    say_first(&pair.a, "{\"type\":\"resumed\"}");
    end_run(&pair.a);
    assert_string_equal(pair.a.added, "pake version 0 1 2");
    pair_visit(&pair, 3);
    assert_int_equal(pair.b.session->received, 3);
    pair_free(&pair);
}

static void copies_look_at_all(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair);
    send_many(&pair.a, 3);
    pair_visit(&pair, 3);
    end_say(&pair.a, "7", "another's");
    end_visit(&pair.a);
    assert_true(pair.a.session->copied);
    assert_true(told_in_visit(&pair.a) >= 7);
    assert_int_equal(pair.a.session->stored, 3);
    pair_free(&pair);
}

/* ---- lasting sessions ---- */

static void acknowledge(struct end *end)
{
    if (end->session->received > 0)
        end_ack(end, end->session->received - 1);
}

static void open_lasting(struct pair *pair)
{
    pair_open_lasting(pair, POLL);
    pair_visit(pair, 4);
    assert_true(session_lasting(pair->a.session) && session_lasting(pair->b.session));
}

static void send_long(struct end *end)
{
    char text[20001];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(end_send(end, text), SESSION_ACCEPTED);
}

/* b, who follows a later, is away from now on. */
static void move_alone(struct pair *pair)
{
    uint32_t epoch = pair->a.session->epoch;
    send_long(&pair->b);
    end_visit(&pair->b);
    end_visit(&pair->a);
    assert_int_equal(pair->a.session->epoch, epoch + 1);
    assert_int_equal(pair->b.session->epoch, epoch);
    assert_true(lasting_has_old(pair->a.session));
}

static void assert_together(const struct pair *pair)
{
    const struct session *a = pair->a.session, *b = pair->b.session;
    assert_int_equal(b->received, a->sent);
    assert_int_equal(a->received, b->sent);
    assert_int_equal(a->delivered, a->sent);
    assert_int_equal(b->epoch, a->epoch);
    assert_false(lasting_has_old(a) || lasting_has_old(b));
}

/* Whatever waits in the place of the newest epoch, and whether the peer was met there; and in the
 * old one, which is visited beside it. */
static void lasting_visits_are_short(void **state)
{
    struct pair pair;
    (void)state;
    open_lasting(&pair);
    for (int epochs = 0; epochs < 3; epochs++) {
        send_many(&pair.a, 20);
        end_visit(&pair.a);
        assert_int_equal(told_in_visit(&pair.a), 0);
        assert_int_equal(pair.a.session->visit_bytes, 0);
        pair_visit(&pair, 2);
        move_alone(&pair);
        end_visit(&pair.a);
        assert_int_equal(told_in_visit(&pair.a), 0);
        send_many(&pair.a, 20);
        end_visit(&pair.a);
        assert_int_equal(told_in_visit(&pair.a), 0);
        end_crash(&pair.a);
        assert_int_equal(told_in_visit(&pair.a), 0);
        pair_visit(&pair, 4);
        assert_together(&pair);
        acknowledge(&pair.a);
        acknowledge(&pair.b);
        pair_visit(&pair, 2);
    }
    pair_free(&pair);
}

/* What is before the cursor counts towards the place's wear, though it is not fetched. */
static void lasting_wear_is_kept(void **state)
{
    struct pair pair;
    (void)state;
    open_lasting(&pair);
    for (unsigned i = 0; i < 200 && pair.a.session->epoch == 0; i++) {
        send_many(&pair.a, 1);
        pair_visit(&pair, 1);
    }
    assert_int_equal(pair.a.session->epoch, 1);
    pair_free(&pair);
}

/* A peer that moves sooner than it is followed is followed later. */
static void lasting_move_waits(void **state)
{
    const int64_t hour = INT64_C(3600) * 1000;
    struct pair pair;
    (void)state;
    open_lasting(&pair);
    move_alone(&pair);
    send_many(&pair.b, 1); /* as long as it is not delivered, nothing else makes b move */
    pair.b.session->epoch_messages = pair.b.session->sent + pair.b.session->received;
    pair.b.session->epoch_since = pair.b.now + hour;
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->epoch + 1, pair.a.session->epoch);
    pair.b.session->epoch_since -= 2 * hour;
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->epoch, pair.a.session->epoch);
    pair_visit(&pair, 3);
    assert_together(&pair);
    pair_free(&pair);
}

/* A mailbox that was forgotten, and that the peer has not come back to, is not closed with what
 * waits there. */
static void lasting_unread_stays(void **state)
{
    struct pair pair;
    (void)state;
    open_lasting(&pair);
    move_alone(&pair);
    pair_visit(&pair, 4);
    assert_together(&pair);
    stock_remember(pair.stock, 1000000);
    stock_prune(pair.stock);
    send_many(&pair.a, 2);
    end_visit(&pair.a);
    end_visit(&pair.a);
    assert_true(pair.a.session->retention > 0);
    end_close(&pair.a);
    end_visit(&pair.a);
    pair_visit(&pair, 3);
    assert_int_equal(pair.b.session->received, pair.a.session->sent);
    pair_free(&pair);
}

/* ---- worlds ---- */

struct dice {
    uint64_t state;
};

static unsigned roll(struct dice *dice, unsigned below)
{
    dice->state = dice->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(dice->state >> 33) % below;
}

/* A visit that dies somewhere, by a lost connection or a machine that stops. */
static void die_in_visit(struct end *end, struct dice *dice)
{
    end_skip(end);
    for (unsigned works = roll(dice, 12); works > 0 && end_work(end);)
        works--;
    if (roll(dice, 2) == 0)
        end_crash(end);
    else if (end->connection != NULL)
        end_lose(end);
    end_run(end);
}

static void do_something(struct pair *pair, struct dice *dice)
{
    struct end *end = roll(dice, 2) == 0 ? &pair->a : &pair->b;
    switch (roll(dice, 10)) {
    case 0:
    case 1:
        if (end->session->sent < 100)
            send_many(end, 1 + roll(dice, 3));
        break;
    case 2:
        acknowledge(end);
        break;
    case 3:
        die_in_visit(end, dice);
        break;
    case 4:
        stock_save(pair->stock);
        break;
    case 5:
        if (roll(dice, 2) == 0)
            stock_put_back(pair->stock);
        else if (roll(dice, 4) == 0)
            stock_prune(pair->stock);
        break;
    default:
        end_visit(end);
    }
}

static void live(uint64_t seed)
{
    struct dice dice = {seed};
    struct pair pair;
    open_met(&pair);
    stock_save(pair.stock);
    pair.a.session->inbox_messages = pair.b.session->inbox_messages = roll(&dice, 2) * 2;
    for (unsigned i = 0; i < 60; i++)
        do_something(&pair, &dice);
    for (unsigned i = 0; i < 60; i++) {
        acknowledge(&pair.a);
        acknowledge(&pair.b);
        pair_visit(&pair, 1);
    }
    const struct session *a = pair.a.session, *b = pair.b.session;
    if (a->received != b->sent || b->received != a->sent || a->delivered != a->sent ||
        b->delivered != b->sent || a->copied || b->copied || a->stored != a->sent)
        fail_msg("world %u: a sent %u, b has %u; b sent %u, a has %u; delivered %u, %u",
                 (unsigned)seed, a->sent, b->received, b->sent, a->received, a->delivered,
                 b->delivered);
    pair_free(&pair);
}

static void worlds(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= pair_worlds(100); seed++)
        live(seed);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, pair_resume)
    const struct CMUnitTest tests[] = {
        TEST(idle_visits_are_short), TEST(ours_behind_it),
        TEST(relay_forgets),         TEST(relay_is_put_back),
        TEST(receipt_is_put_back),   TEST(turned_away),
        TEST(another_version),       cmocka_unit_test_setup(resumed_unasked, pair_replay),
        TEST(copies_look_at_all),    TEST(lasting_visits_are_short),
        TEST(lasting_wear_is_kept),  TEST(lasting_move_waits),
        TEST(lasting_unread_stays),  TEST(worlds),
    };
    return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
