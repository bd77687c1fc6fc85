/* What stays behind of a session that was handed over, and how long. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "tests/simulation/end.h"
#include "tests/simulation/stock.h"
#include "tests/simulation/pair.h"

/* One that has its code, was at the relay, and was handed over. */
static void hand_over(struct pair *pair)
{
    pair_open(pair, "0:60");
    end_visit(&pair->a);
    assert_int_equal(end_command(&pair->a, EVENT_EXPORT), SESSION_ACCEPTED);
    assert_int_equal(pair->a.session->state, SESSION_EXPORTED);
}

static void wake_at(struct end *end, int64_t when)
{
    end->now = when;
    assert_int_equal(end_command(end, EVENT_WAKE), SESSION_ACCEPTED);
}

/* The scheduler goes by what is stored. */
static void it_is_due_at_its_deadline(void **state)
{
    struct pair pair;
    (void)state;
    hand_over(&pair);
    int64_t deadline = session_deadline(pair.a.session);
    assert_true(deadline > pair.a.now);
    end_crash(&pair.a);
    assert_true(pair.a.session->wake == deadline);
    wake_at(&pair.a, deadline - 1);
    assert_int_equal(pair.a.session->state, SESSION_EXPORTED);
    assert_true(pair.a.session->wake == deadline);
    pair_free(&pair);
}

static void assert_no_secret(const struct session *session)
{
    assert_null(session_code(session));
    assert_true(sodium_is_zero(session->scalar, sizeof(session->scalar)));
    assert_true(sodium_is_zero(session->key, sizeof(session->key)));
    assert_true(sodium_is_zero(session->verifier, sizeof(session->verifier)));
}

static void its_secrets_go_at_the_deadline(void **state)
{
    struct pair pair;
    (void)state;
    hand_over(&pair);
    unsigned connects = pair.a.connects;
    assert_non_null(session_code(pair.a.session));
    assert_false(sodium_is_zero(pair.a.session->scalar, PAKE_SCALAR_BYTES));
    wake_at(&pair.a, session_deadline(pair.a.session));
    const struct session *session = pair.a.session;
    assert_int_equal(session->state, SESSION_CLOSED);
    assert_int_equal(session->result, RESULT_LONELY);
    assert_non_null(strstr(session->reason, "exported"));
    assert_true(session->ended == pair.a.now);
    assert_no_secret(session);
    end_crash(&pair.a);
    assert_no_secret(pair.a.session);
    assert_int_equal(end_command(&pair.a, EVENT_EXPORT), SESSION_REFUSED_EXPORT);
    end_run(&pair.a);
    assert_int_equal(pair.a.connects, connects);
    pair_free(&pair);
}

/* As any other that has ended. */
static void it_is_forgotten_in_the_end(void **state)
{
    struct pair pair;
    (void)state;
    hand_over(&pair);
    wake_at(&pair.a, session_deadline(pair.a.session));
    assert_true(pair.a.session->wake > pair.a.now);
    end_run(&pair.a);
    assert_false(pair.a.forgotten);
    end_skip(&pair.a);
    end_run(&pair.a);
    assert_true(pair.a.forgotten);
    pair_free(&pair);
}

/* A row that is due although it should not be must not be due for ever. */
static void due_too_early(void **state)
{
    struct pair pair;
    (void)state;
    hand_over(&pair);
    pair.a.session->wake = pair.a.now;
    wake_at(&pair.a, pair.a.now);
    assert_int_equal(pair.a.session->state, SESSION_EXPORTED);
    assert_true(pair.a.session->wake == session_deadline(pair.a.session));
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_due_at_its_deadline),
        cmocka_unit_test(its_secrets_go_at_the_deadline),
        cmocka_unit_test(it_is_forgotten_in_the_end),
        cmocka_unit_test(due_too_early),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
