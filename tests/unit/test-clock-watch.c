/* A wall clock that leaps is doubted until it was seen to stay. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "base/clock_watch.h"

#define SECOND ((int64_t)1000)
#define DAY    (24 * 3600 * SECOND)

static int64_t wall, boot;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int64_t ms = clock == CLOCK_BOOTTIME ? boot : wall;
    *ret_time = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return 0;
}

static void pass(int64_t ms)
{
    wall += ms;
    boot += ms;
}

/* For how long the clock is doubted from now on, ms. */
static int64_t look(struct clock_watch *watch)
{
    return clock_doubted_until(watch) - wall;
}

/* Looks as often as one must. */
static int64_t look_for(struct clock_watch *watch, int64_t ms)
{
    int64_t doubt = look(watch);
    for (int64_t passed = 0; passed < ms; passed += CLOCK_DOUBT_LOOK) {
        pass(CLOCK_DOUBT_LOOK);
        doubt = look(watch);
    }
    return doubt;
}

static int set_up(void **state)
{
    static struct clock_watch watch;
    watch = (struct clock_watch){0};
    wall = CLOCK_PLAUSIBLE + 1000 * DAY;
    boot = 5 * DAY;
    assert_int_equal(look(&watch), 0);
    *state = &watch;
    return 0;
}

static void test_goes_on(void **state)
{
    pass(SECOND);
    assert_int_equal(look(*state), 0);
    pass(100 * DAY); /* asleep */
    assert_int_equal(look(*state), 0);
    wall += SECOND; /* adjusted */
    assert_int_equal(look(*state), 0);
}

static void test_stays(void **state)
{
    static const int64_t leaps[] = {DAY, -DAY, 3 * SECOND, -3 * SECOND};
    for (size_t i = 0; i < sizeof(leaps) / sizeof(*leaps); i++) {
        wall += leaps[i];
        assert_int_equal(look(*state), CLOCK_DOUBT_MAX);
        assert_int_equal(look_for(*state, CLOCK_DOUBT_MAX - SECOND), SECOND);
        assert_int_equal(look_for(*state, SECOND), 0);
    }
}

static void test_comes_back(void **state)
{
    wall += DAY;
    assert_int_equal(look_for(*state, 10 * SECOND), CLOCK_DOUBT_MAX - 10 * SECOND);
    wall -= DAY;
    assert_int_equal(look_for(*state, 10 * SECOND), CLOCK_DOUBT_MAX - 10 * SECOND);
}

/* Nobody saw that it was right in between. */
static void test_leaps_twice(void **state)
{
    wall += DAY;
    assert_int_equal(look(*state), CLOCK_DOUBT_MAX);
    wall -= DAY;
    pass(DAY); /* asleep */
    wall += DAY;
    assert_int_equal(look(*state), CLOCK_DOUBT_MAX);
    assert_int_equal(look_for(*state, CLOCK_DOUBT_MAX), 0);
    pass(DAY); /* believed by now */
    assert_int_equal(look(*state), 0);
}

static void test_not_set(void **state)
{
    wall = SECOND;
    assert_int_equal(look(*state), CLOCK_DOUBT_MAX);
    assert_int_equal(look_for(*state, 2 * CLOCK_DOUBT_MAX), CLOCK_DOUBT_MAX);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_goes_on),     TEST(test_stays),   TEST(test_comes_back),
        TEST(test_leaps_twice), TEST(test_not_set),
    };
    return cmocka_run_group_tests_name("clock-watch", tests, NULL, NULL);
}
