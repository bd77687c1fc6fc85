/* Durations mean what people write, and whatever else they write is refused. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/duration.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

static void test_good(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"0", 0},
        {"90", 90000},
        {"90s", 90000},
        {"10m", 600000},
        {"2h", 2 * HOUR},
        {"14d", 14 * DAY},
        {"1w", 7 * DAY},
        {"1.5h", HOUR + HOUR / 2},
        {"0.25", 250},
        {"0.0019", 1},
        {"007s", 7000},
        {"0.999999999w", 7 * DAY - 1},
        {"36525d", DURATION_MAX},
        {"3155760000", DURATION_MAX},
        {"3155760000.000", DURATION_MAX},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        int64_t ms = -1;
        if (!duration_parse(cases[i].text, &ms) || ms != cases[i].ms)
            fail_msg("'%s' gives %lld ms", cases[i].text, (long long)ms);
    }
}

static void test_bad(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "s",
        "-1",
        "+1",
        "1 s",
        " 1s",
        "1s ",
        "1S",
        "1ms",
        "1hh",
        "1h30m",
        "1y",
        "1.",
        ".5",
        "1.h",
        "1..5",
        "1,5",
        "1e3",
        "0x10",
        "inf",
        "nan",
        "1.0000000001s", /* more decimals than mean anything */
        "36525.1d",
        "36526d",
        "3155760001",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999999999999999w",
        "15250284452w", /* overflows 64 bits if it is multiplied first */
        "\xd9\xa4",     /* ARABIC-INDIC DIGIT FOUR */
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        int64_t ms = -1;
        if (duration_parse(cases[i], &ms) || ms != -1)
            fail_msg("'%s' gives %lld ms", cases[i], (long long)ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
