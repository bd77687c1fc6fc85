/* Two who have lost their mailbox, on a stock relay that forgets at the worst moments, in whatever
 * order they visit: they decide for the same one. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/simulation/pair.h"

#define POLL "0:60"
/* Orders that are tried, visits of each until the relay forgets no more, and after that. */
#define ORDERS      300
#define VISITS      14
#define VISITS_CALM 16
/* Nobody is led astray by a relay that forgets no more often (SESSION_FALLBACK_MAILBOXES). */
#define PRUNES_MAX 3

/* A linear congruential generator (Knuth's MMIX): the same orders, always. */
static unsigned draw(uint64_t *state, unsigned below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*state >> 33) % below;
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
    for (uint64_t order = 1; order <= ORDERS; order++) {
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_decide_for_the_same),
    };
    return cmocka_run_group_tests_name("lost", tests, NULL, NULL);
}
