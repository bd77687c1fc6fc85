/* A schedule means what its text says, and nothing else is taken for one. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "wormhole/schedule.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define SECOND        ((int64_t)1000)
#define MINUTE        (60 * SECOND)
#define HOUR          (60 * MINUTE)
#define DAY           (24 * HOUR)

#define SIXTEEN "0:1,1:1,2:1,3:1,4:1,5:1,6:1,7:1,8:1,9:1,10:1,11:1,12:1,13:1,14:1,15:1"

static struct schedule parse(const char *text)
{
    struct schedule schedule;

    assert_int_equal(schedule_parse(text, &schedule), SCHEDULE_OK);
    return schedule;
}

static void expect_rule(const struct schedule *schedule, unsigned i, int64_t when, int64_t interval)
{
    assert_true(i < schedule->count);
    assert_int_equal(schedule->rules[i].when, when);
    assert_int_equal(schedule->rules[i].interval, interval);
}

static void test_lists(void **state)
{
    struct schedule schedule = parse("0:0.5,300.25:60,3600:0");

    (void)state;
    assert_false(schedule.preset);
    assert_int_equal(schedule.count, 3);
    expect_rule(&schedule, 0, 0, 500);
    expect_rule(&schedule, 1, 300250, MINUTE);
    expect_rule(&schedule, 2, HOUR, 0);
    schedule = parse("0:31622400");
    expect_rule(&schedule, 0, 0, SCHEDULE_TIME_MAX);
    schedule = parse("00.000:0.101");
    expect_rule(&schedule, 0, 0, 101);
    schedule = parse("0:0.1");
    expect_rule(&schedule, 0, 0, 100);
    assert_int_equal(parse(SIXTEEN).count, SCHEDULE_RULES_MAX);
}

static void test_faults(void **state)
{
    static const struct {
        const char *text;
        enum schedule_fault fault;
    } cases[] = {
        {"", SCHEDULE_SYNTAX},
        {"Email", SCHEDULE_SYNTAX},
        {"email ", SCHEDULE_SYNTAX},
        {"emai", SCHEDULE_SYNTAX},
        {"0", SCHEDULE_SYNTAX},
        {"0:", SCHEDULE_SYNTAX},
        {":60", SCHEDULE_SYNTAX},
        {"0:60,", SCHEDULE_SYNTAX},
        {",0:60", SCHEDULE_SYNTAX},
        {"0:60,,60:60", SCHEDULE_SYNTAX},
        {"0:60;60:60", SCHEDULE_SYNTAX},
        {"0:60 ", SCHEDULE_SYNTAX},
        {" 0:60", SCHEDULE_SYNTAX},
        {"0 :60", SCHEDULE_SYNTAX},
        {"0:60:60", SCHEDULE_SYNTAX},
        {"0:1.", SCHEDULE_SYNTAX},
        {"0:.5", SCHEDULE_SYNTAX},
        {"0:1.0005", SCHEDULE_SYNTAX},
        {"0:1.5.5", SCHEDULE_SYNTAX},
        {"0:1e3", SCHEDULE_SYNTAX},
        {"0:0x10", SCHEDULE_SYNTAX},
        {"0:+60", SCHEDULE_SYNTAX},
        {"0:--60", SCHEDULE_SYNTAX},
        {"0:-", SCHEDULE_SYNTAX},
        {"0:inf", SCHEDULE_SYNTAX},
        {"0:\xd9\xa4", SCHEDULE_SYNTAX},
        {"0:60,60:60,60:60", SCHEDULE_UNSORTED},
        {"0:60,120:60,60:60", SCHEDULE_UNSORTED},
        {"0:60,0:60", SCHEDULE_UNSORTED},
        {"1:60", SCHEDULE_NO_START},
        {"0.001:60", SCHEDULE_NO_START},
        {"0:-60", SCHEDULE_RANGE},
        {"-1:60", SCHEDULE_RANGE},
        {"0:-0.5", SCHEDULE_RANGE},
        {"0:0.099", SCHEDULE_RANGE},
        {"0:0.001", SCHEDULE_RANGE},
        {"0:31622400.001", SCHEDULE_RANGE},
        {"0:31622401", SCHEDULE_RANGE},
        {"0:60,31622401:60", SCHEDULE_RANGE},
        {"0:9223372036854775807", SCHEDULE_RANGE},
        {"0:9223372036854775808", SCHEDULE_RANGE},
        {"0:99999999999999999999999999999999999999999999999999", SCHEDULE_RANGE},
        {"99999999999999999999999999999999999999999999999.999:60", SCHEDULE_RANGE},
        {SIXTEEN ",16:1", SCHEDULE_TOO_MANY},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct schedule schedule, untouched;
        char *text = strdup(cases[i].text);

        assert_non_null(text);
        memset(&schedule, 0xa5, sizeof(schedule));
        untouched = schedule;
        if (schedule_parse(text, &schedule) != cases[i].fault)
            fail_msg("%s: not fault %d", text, cases[i].fault);
        assert_memory_equal(&schedule, &untouched, sizeof(schedule));
        free(text);
    }
}

static void test_texts(void **state)
{
    (void)state;
    for (int fault = SCHEDULE_OK; fault <= SCHEDULE_TOO_MANY; fault++)
        assert_true(strlen(schedule_fault_text((enum schedule_fault)fault)) > 10);
}

static void test_realtime(void **state)
{
    struct schedule schedule = parse("realtime");

    (void)state;
    assert_true(schedule.preset);
    assert_int_equal(schedule.count, 1);
    expect_rule(&schedule, 0, 0, 0);
    assert_int_equal(schedule_default_timeout(&schedule), 10 * MINUTE);
}

static void test_email(void **state)
{
    struct schedule schedule = parse("email");

    (void)state;
    assert_true(schedule.preset);
    assert_int_equal(schedule.count, 4);
    expect_rule(&schedule, 0, 0, 0);
    expect_rule(&schedule, 1, 2 * MINUTE, MINUTE);
    expect_rule(&schedule, 2, HOUR, 5 * MINUTE);
    expect_rule(&schedule, 3, DAY, HOUR);
    assert_int_equal(schedule_default_timeout(&schedule), 14 * DAY);
}

/* ---- when the next visit is due ---- */

/* After a visit `at` seconds after the start, the next one is due after `wait`, by `interval`. */
static const struct {
    const char *schedule;
    double at, wait, interval;
} waits[] = {
    {"0:60", 0, 60, 60},
    {"0:60", -5, 60, 60}, /* the clock was set back */
    {"0:60", 1e6, 60, 60},
    {"0:0.1", 3, 0.1, 0.1},
    /* A rule takes effect when its time comes. */
    {"0:30,5:1", 0, 5, 1},
    {"0:30,5:1", 4.5, 1, 1}, /* but its own interval is kept, too */
    {"0:30,5:1", 5, 1, 1},
    {"0:86400,3600:60", 0.5, 3599.5, 60},
    /* One that slows visits down does not, either, let one more happen by the old one. */
    {"0:1,10:3600", 9, 1, 1},
    {"0:1,10:3600", 9.5, 3600, 3600},
    {"0:60,90:3600", 60, 3600, 3600},
    /* One that is over before its first visit leaves none behind. */
    {"0:3600,10:1800,20:1", 0, 20, 1},
    {"0:3600,10:5,20:3600", 0, 10, 5},
    {"0:3600,10:5,20:3600", 10, 5, 5},
    {"0:3600,10:5,20:3600", 15, 5, 5},
    {"0:3600,10:5,20:3600", 16, 3600, 3600},
    /* Where the connection is held: at once, from the moment on; 15 s stand for it here. */
    {"0:0", 7, 15, 15},
    {"0:30,5:0", 0, 15, 15},
    {"0:0,120:600", 100, 15, 15},
    {"0:0,120:600", 119, 600, 600},
    {"0:31622400", 0, 31622400, 31622400},
};

static void test_waits(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(waits); i++) {
        struct schedule schedule = parse(waits[i].schedule);
        int64_t interval;
        int64_t wait =
            schedule_wait(&schedule, (int64_t)(waits[i].at * SECOND), 15 * SECOND, &interval);

        if (wait != (int64_t)(waits[i].wait * SECOND) ||
            interval != (int64_t)(waits[i].interval * SECOND))
            fail_msg("%s at %g: after %d, by %d", waits[i].schedule, waits[i].at, (int)wait,
                     (int)interval);
    }
    struct schedule held = parse("0:30,5:0");
    int64_t interval;
    assert_int_equal(schedule_wait(&held, 0, 0, &interval), 5 * SECOND);
    assert_int_equal(interval, 0);
    assert_int_equal(schedule_wait(&held, 9 * SECOND, 0, &interval), 0);
}

/* A list that happens to equal a preset is the user's own: nobody may shorten its intervals. */
static void test_list_like_a_preset(void **state)
{
    struct schedule schedule = parse("0:0");
    char text[SCHEDULE_TEXT_MAX];

    (void)state;
    assert_false(schedule.preset);
    assert_int_equal(schedule_default_timeout(&schedule), 14 * DAY);
    schedule_format(&schedule, text);
    assert_string_equal(text, "0:0");
}

static void test_default_timeout_of_lists(void **state)
{
    struct schedule schedule = parse("0:60");

    (void)state;
    assert_int_equal(schedule_default_timeout(&schedule), 14 * DAY);
}

static void test_format(void **state)
{
    static const char *const texts[] = {
        "realtime", "email", "0:0", "0:60", "0:0.5,300.25:60", "0:1.001,0.01:31622400", SIXTEEN};

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct schedule schedule = parse(texts[i]);
        char text[SCHEDULE_TEXT_MAX];

        schedule_format(&schedule, text);
        assert_string_equal(text, texts[i]);
    }
}

/* Numbers that look random, and are the same in every run. */
static int64_t draw(uint64_t *seed, int64_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((*seed >> 33) % (uint64_t)below);
}

static struct schedule draw_schedule(uint64_t *seed)
{
    struct schedule schedule = {.count = 1 + (unsigned)draw(seed, SCHEDULE_RULES_MAX)};
    int64_t step = SCHEDULE_TIME_MAX / SCHEDULE_RULES_MAX;

    for (unsigned i = 0; i < schedule.count; i++) {
        struct schedule_rule *rule = &schedule.rules[i];

        if (i > 0)
            rule->when = schedule.rules[i - 1].when + 1 + draw(seed, step);
        if (draw(seed, 4) > 0)
            rule->interval = SCHEDULE_INTERVAL_MIN + draw(seed, SCHEDULE_TIME_MAX - 100 + 1);
    }
    return schedule;
}

static void test_what_is_written_is_read(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < 10000; round++) {
        struct schedule schedule = draw_schedule(&seed), again;
        char text[SCHEDULE_TEXT_MAX];

        schedule_format(&schedule, text);
        again = parse(text);
        assert_int_equal(again.preset, schedule.preset);
        assert_int_equal(again.count, schedule.count);
        for (unsigned i = 0; i < again.count; i++)
            expect_rule(&again, i, schedule.rules[i].when, schedule.rules[i].interval);
    }
}

/* The longest text there is fits what the header promises. */
static void test_longest_text(void **state)
{
    struct schedule schedule = {.count = SCHEDULE_RULES_MAX}, again;
    char text[SCHEDULE_TEXT_MAX];

    (void)state;
    for (unsigned i = 0; i < schedule.count; i++) {
        schedule.rules[i].when = i == 0 ? 0 : SCHEDULE_TIME_MAX - 1001 + i;
        schedule.rules[i].interval = SCHEDULE_TIME_MAX - 1;
    }
    schedule_format(&schedule, text);
    assert_true(strlen(text) > 370);
    again = parse(text);
    assert_int_equal(again.rules[15].when, schedule.rules[15].when);
}

static void expect_at(const struct schedule *schedule, int64_t elapsed, unsigned rule, int64_t left)
{
    assert_ptr_equal(schedule_rule_at(schedule, elapsed), &schedule->rules[rule]);
    assert_int_equal(schedule_rule_left(schedule, elapsed), left);
}

static void test_rule_in_force(void **state)
{
    struct schedule schedule = parse("0:0,120:60,3600:300");

    (void)state;
    expect_at(&schedule, INT64_MIN, 0, 2 * MINUTE);
    expect_at(&schedule, -1, 0, 2 * MINUTE);
    expect_at(&schedule, 0, 0, 2 * MINUTE);
    expect_at(&schedule, 2 * MINUTE - 1, 0, 1);
    expect_at(&schedule, 2 * MINUTE, 1, HOUR - 2 * MINUTE);
    expect_at(&schedule, HOUR - 1, 1, 1);
    expect_at(&schedule, HOUR, 2, INT64_MAX);
    expect_at(&schedule, INT64_MAX, 2, INT64_MAX);
}

static void test_only_rule(void **state)
{
    struct schedule schedule = parse("0:60");

    (void)state;
    expect_at(&schedule, -1, 0, INT64_MAX);
    expect_at(&schedule, 0, 0, INT64_MAX);
    expect_at(&schedule, DAY, 0, INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_realtime),
        cmocka_unit_test(test_email),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_list_like_a_preset),
        cmocka_unit_test(test_default_timeout_of_lists),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_longest_text),
        cmocka_unit_test(test_rule_in_force),
        cmocka_unit_test(test_only_rule),
    };

    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
