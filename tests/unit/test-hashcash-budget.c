/* What a relay may cost in an hour is what it costs, however often it asks; and the clock that
 * measures it is the test's. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/hashcash_budget.h"

#define HOUR   HASHCASH_BUDGET_HOUR
#define BEGIN  INT64_C(1900000000000)
#define BUDGET (UINT64_C(128) << 20)
#define BITS   24 /* an eighth of it */

static void eight_and_no_more(void **state)
{
    struct hashcash_budget budget = {0};
    (void)state;
    for (int i = 0; i < 8; i++)
        assert_true(hashcash_budget_take(&budget, BITS, BUDGET, BEGIN));
    assert_int_equal(hashcash_budget_ready_at(&budget, BEGIN, 0), BEGIN);
    assert_false(hashcash_budget_take(&budget, BITS, BUDGET, BEGIN));
    assert_int_equal(hashcash_budget_spent(&budget, BUDGET, BEGIN), BUDGET);
    assert_int_equal(budget.until, BEGIN + HOUR / 8 + 1);
    assert_int_equal(hashcash_budget_ready_at(&budget, BEGIN, 0), budget.until);
    assert_int_equal(hashcash_budget_ready_at(&budget, BEGIN, UINT32_MAX), budget.until + HOUR / 8);
    /* What is cheaper may be had sooner, if it is asked for. */
    assert_true(hashcash_budget_take(&budget, BITS - 10, BUDGET, BEGIN + HOUR / 1000));
}

/* A day of visits as often as it lets itself be visited. */
static void a_day(void **state)
{
    struct hashcash_budget budget = {0};
    unsigned made = 0;
    (void)state;
    for (int64_t now = BEGIN; now < BEGIN + 24 * HOUR; now += 1000)
        if (hashcash_budget_ready_at(&budget, now, 0) == now)
            made += hashcash_budget_take(&budget, BITS, BUDGET, now);
    assert_in_range(made, 24 * 8 - 1, 24 * 8 + 8);
}

static void worn_off(void **state)
{
    struct hashcash_budget budget = {0};
    (void)state;
    for (int i = 0; i < 9; i++)
        hashcash_budget_take(&budget, BITS, BUDGET, BEGIN);
    assert_false(hashcash_budget_take(&budget, BITS, BUDGET, BEGIN + HOUR / 8 - 1000));
    assert_int_equal(hashcash_budget_spent(&budget, BUDGET, BEGIN + HOUR / 2), BUDGET / 2);
    assert_true(hashcash_budget_take(&budget, BITS, BUDGET, budget.until));
    assert_int_equal(budget.until, 0);
    assert_int_equal(hashcash_budget_spent(&budget, BUDGET, BEGIN + 3 * HOUR), 0);
}

static void too_dear(void **state)
{
    struct hashcash_budget budget = {0};
    (void)state;
    assert_false(hashcash_budget_take(&budget, BITS, UINT64_C(1) << 20, BEGIN));
    assert_int_equal(budget.until, BEGIN + HOUR);
    assert_int_equal(hashcash_budget_spent(&budget, UINT64_C(1) << 20, BEGIN), 0);
}

static void no_limit(void **state)
{
    struct hashcash_budget budget = {0};
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_true(hashcash_budget_take(&budget, BITS, 0, BEGIN));
}

/* Nobody waits for a time that the clock will not reach for days, and no budget comes of it. */
static void clock_set_back(void **state)
{
    struct hashcash_budget budget = {0};
    int64_t before = BEGIN - 24 * HOUR;
    (void)state;
    for (int i = 0; i < 9; i++)
        hashcash_budget_take(&budget, BITS, BUDGET, BEGIN);
    assert_int_equal(hashcash_budget_ready_at(&budget, before, 0), before);
    assert_false(hashcash_budget_take(&budget, BITS, BUDGET, before));
    assert_int_equal(hashcash_budget_ready_at(&budget, before, 0), before + HOUR / 8 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_and_no_more), cmocka_unit_test(a_day),
        cmocka_unit_test(worn_off),          cmocka_unit_test(too_dear),
        cmocka_unit_test(no_limit),          cmocka_unit_test(clock_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
