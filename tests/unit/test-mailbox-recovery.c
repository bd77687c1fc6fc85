/* Two who have lost their mailbox, on a stock relay that forgets at the worst moments, in whatever
 * order they visit: they decide for the same one. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/simulation/pair.h"
#include "wormhole/visit.h"

#define POLL "0:60"
/* Orders that are tried, visits of each until the relay forgets no more, and after that. */
#define ORDERS      300
#define VISITS      14
#define VISITS_CALM 16
/* Nobody is led astray by a relay that forgets no more often (SESSION_FALLBACK_MAILBOXES). */
#define PRUNES_MAX 3
/* Fewer visits of one who cannot find the other yet, while the relay ages: some rounds. */
#define ALONE_MAX 13

/* A linear congruential generator (Knuth's MMIX): the same orders, always. */
static unsigned draw(uint64_t *state, unsigned below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*state >> 33) % below;
}

static void assert_state(const struct end *end, enum session_state state)
{
    assert_string_equal(session_state_name(end->session->state), session_state_name(state));
}

static void visit_in_any_order(struct pair *pair, uint64_t order)
{
    uint64_t state = order;
    unsigned prunes = 0;
    for (int i = 0; i < VISITS; i++) {
        end_visit(draw(&state, 2) == 0 ? &pair->a : &pair->b);
        if (prunes < PRUNES_MAX && draw(&state, 3) == 0) {
            stock_prune(pair->stock);
            prunes++;
        }
    }
}

static void both_decide_for_the_same(void **state)
{
    (void)state;
    for (uint64_t order = 1; order <= pair_worlds(ORDERS); order++) {
        struct pair pair;
        pair_open(&pair, POLL);
        visit_in_any_order(&pair, order);
        pair_visit(&pair, VISITS_CALM);
        if (pair.a.session->state != SESSION_ESTABLISHED ||
            pair.b.session->state != SESSION_ESTABLISHED)
            fail_msg("order %u: they have not met", (unsigned)order);
        assert_string_equal(pair.a.session->mailbox, pair.b.session->mailbox);
        pair_free(&pair);
    }
}

/* A relay that ages has forgotten everything whenever the lower side, which comes seldom, comes
 * again. Wherever the other one has settled meanwhile, and however many places the lower one has
 * found before and after, it comes back to that one. */
static void comes_back_to_each_place(void **state)
{
    (void)state;
    for (uint64_t order = 1; order <= pair_worlds(ORDERS); order++) {
        struct pair pair;
        uint64_t chance = order;
        pair_open(&pair, POLL);
        visit_in_any_order(&pair, order);
        bool a_is_lower = strcmp(pair.a.session->side, pair.b.session->side) < 0;
        struct end *lower = a_is_lower ? &pair.a : &pair.b;
        struct end *other = a_is_lower ? &pair.b : &pair.a;
        for (unsigned i = 0; i < order % ALONE_MAX; i++) {
            stock_prune(pair.stock);
            if (other->session->state == SESSION_ESTABLISHED)
                end_visit(other); /* who has settled puts back what was forgotten there */
            end_visit(lower);
        }
        for (unsigned i = 0; i < VISITS_CALM; i++) {
            for (unsigned visits = 2 + draw(&chance, 2); visits > 0; visits--)
                end_visit(other);
            stock_prune(pair.stock);
            end_visit(other);
            end_visit(lower);
        }
        if (lower->session->state != SESSION_ESTABLISHED ||
            other->session->state != SESSION_ESTABLISHED)
            fail_msg("order %u: they have not met", (unsigned)order);
        pair_free(&pair);
    }
}

/* The relay forgets the mailbox when it has just said that the nameplate leads there: nothing is
 * left where nobody is led to. */
static void forgotten_between_claim_and_open(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    end_visit(&pair.a);
    assert_state(&pair.a, SESSION_WAITING);
    char *forgotten = strdup(pair.a.session->mailbox);
    assert_true(stock_holds(pair.stock, forgotten, pair.a.session->side, "pake"));
    stock_prune_at_open(pair.stock);
    end_visit(&pair.a);
    assert_false(stock_holds(pair.stock, forgotten, pair.a.session->side, "pake"));
    end_visit(&pair.a);
    assert_string_not_equal(pair.a.session->mailbox, forgotten);
    assert_true(stock_holds(pair.stock, pair.a.session->mailbox, pair.a.session->side, "pake"));
    pair_visit(&pair, 6);
    assert_state(&pair.a, SESSION_ESTABLISHED);
    assert_state(&pair.b, SESSION_ESTABLISHED);
    free(forgotten);
    pair_free(&pair);
}

/* Who may hold a connection is in one place or another all the time: at a relay that forgets at
 * once a peer that only looks in would not be met otherwise. */
static void holds_each_place(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    end_visit(&pair.b);
    assert_state(&pair.b, SESSION_KEYED);
    stock_prune(pair.stock);
    assert_int_equal(schedule_parse("0:0", &pair.b.session->schedule), SCHEDULE_OK);
    pair.b.may_hold = true;
    for (unsigned i = 0; i < 8; i++) {
        int64_t before = pair.b.now;
        bool reclaims = pair.b.session->reclaim_nameplate;
        end_visit(&pair.b);
        assert_true(pair.b.session->mailbox_lost);
        assert_int_equal(pair.b.session->visit->stage, VISIT_HELD);
        assert_in_range(pair.b.session->visit->alarm - pair.b.now, 12000, 15000);
        if (i > 0) {
            assert_in_range(pair.b.now - before, 12000, 15000);
            assert_int_equal(pair.b.session->reclaim_nameplate, !reclaims);
        }
    }
    pair_free(&pair);
}

/* ---- a nameplate that was forgotten, and given to strangers ---- */

#define SILENCE ((int64_t)3 * 24 * 3600 * 1000)

/* `a` of the pair was away for too long; a stranger has its number now, and `a` has come to that
 * mailbox. */
static void open_displaced(struct pair *pair, struct end *stranger, uint64_t seed)
{
    pair_open(pair, POLL);
    end_send(&pair->a, "for b");
    end_visit(&pair->a);
    stock_prune(pair->stock);
    end_open(stranger, pair->stock, "4-other-words", POLL, seed);
    end_visit(stranger);
    end_visit(&pair->a);
    assert_state(&pair->a, SESSION_KEYED);
}

static void assert_begun_anew(const struct end *end, unsigned strangers)
{
    assert_state(end, SESSION_WAITING);
    assert_int_equal(end->session->strangers, strangers);
    assert_string_equal(session_code(end->session), "4-purple-sausages");
    assert_non_null(strstr(end->session->last_error, "stranger"));
    assert_null(end->session->peer_side);
    assert_true(end->session->wake - end->now >= (int64_t)17 * 60 * 1000);
}

static void assert_met(struct pair *pair)
{
    pair_visit(pair, 4);
    assert_state(&pair->a, SESSION_ESTABLISHED);
    assert_state(&pair->b, SESSION_ESTABLISHED);
    assert_string_equal(end_inbox(&pair->b, 0), "for b");
}

/* The stranger learns that this is not its peer, and goes; the code is as good as before. */
static void stranger_does_not_spend_the_code(void **state)
{
    struct pair pair;
    struct end stranger;
    char side[SIDE_TEXT];
    uint8_t pake[PAKE_MESSAGE_BYTES];
    (void)state;
    open_displaced(&pair, &stranger, 7);
    memcpy(side, pair.a.session->side, sizeof(side));
    memcpy(pake, pair.a.session->pake, sizeof(pake));
    end_visit(&stranger);
    assert_int_equal(stranger.session->result, RESULT_SCARY);
    end_visit(&pair.a);
    assert_begun_anew(&pair.a, 1);
    assert_string_not_equal(pair.a.session->side, side);
    assert_memory_not_equal(pair.a.session->pake, pake, sizeof(pake));
    end_crash(&pair.a);
    end_command(&pair.a, EVENT_POLL);
    assert_true(pair.a.session->wake > pair.a.now); /* that would keep the stranger's mailbox */
    assert_met(&pair);
    end_free(&stranger);
    pair_free(&pair);
}

/* Who left a pake and was never seen again does not keep the nameplate for ever. */
static void silent_stranger_is_left(void **state)
{
    struct pair pair;
    struct end stranger;
    (void)state;
    open_displaced(&pair, &stranger, 7);
    pair.a.now += 2 * SILENCE; /* a clock that leaps ahead proves nothing */
    end_visit(&pair.a);
    assert_state(&pair.a, SESSION_KEYED);
    end_crash(&pair.a);
    pair.a.now -= 2 * SILENCE;
    pair.a.session->wake = pair.a.now;
    int64_t begun = pair.a.now;
    while (pair.a.session->state == SESSION_KEYED && pair.a.now < begun + 2 * SILENCE)
        end_visit(&pair.a);
    assert_in_range(pair.a.now - begun, SILENCE - (int64_t)120 * 1000,
                    SILENCE + (int64_t)120 * 1000);
    assert_begun_anew(&pair.a, 1);
    stock_prune(pair.stock);
    assert_met(&pair);
    end_free(&stranger);
    pair_free(&pair);
}

/* Two strangers have the number: it is not ours for a while. */
static void crowded_by_strangers(void **state)
{
    struct pair pair;
    struct end one, other;
    (void)state;
    open_displaced(&pair, &one, 7);
    end_visit(&one);
    end_visit(&pair.a);
    assert_begun_anew(&pair.a, 1);
    end_free(&one);
    end_open(&one, pair.stock, "4-other-words", POLL, 8);
    end_open(&other, pair.stock, "4-other-words", POLL, 9);
    end_visit(&one);
    end_visit(&other);
    for (int i = 0; i < 5; i++) {
        end_visit(&pair.a);
        assert_state(&pair.a, SESSION_WAITING);
        assert_true(pair.a.session->wake - pair.a.now >= (int64_t)17 * 60 * 1000);
    }
    stock_prune(pair.stock);
    assert_met(&pair);
    end_free(&one);
    end_free(&other);
    pair_free(&pair);
}

/* Each stranger has one guess: a relay that lies cannot make many of that. */
static void guesses_are_limited(void **state)
{
    struct pair pair;
    struct end stranger;
    (void)state;
    open_displaced(&pair, &stranger, 7);
    for (unsigned met = 1; met <= 4; met++) {
        end_visit(&stranger);
        end_visit(&pair.a);
        if (met == 4)
            break;
        assert_begun_anew(&pair.a, met);
        end_free(&stranger);
        stock_prune(pair.stock);
        end_open(&stranger, pair.stock, "4-other-words", POLL, 7 + met);
        end_visit(&stranger);
        end_visit(&pair.a);
        assert_state(&pair.a, SESSION_KEYED);
    }
    end_visit(&pair.a);
    assert_state(&pair.a, SESSION_CLOSED);
    assert_int_equal(pair.a.session->result, RESULT_SCARY);
    end_free(&stranger);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_decide_for_the_same),
        cmocka_unit_test(comes_back_to_each_place),
        cmocka_unit_test(forgotten_between_claim_and_open),
        cmocka_unit_test(holds_each_place),
        cmocka_unit_test(stranger_does_not_spend_the_code),
        cmocka_unit_test(silent_stranger_is_left),
        cmocka_unit_test(crowded_by_strangers),
        cmocka_unit_test(guesses_are_limited),
    };
    return cmocka_run_group_tests_name("lost", tests, NULL, NULL);
}
