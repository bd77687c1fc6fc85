/* Durations and sizes mean what people write, the same in every program, and anything else is
 * refused. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/quantity.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

static void test_durations(void **state)
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
        {"36500d", DURATION_MAX},
        {"3153600000", DURATION_MAX},
        {"3153600000.000", DURATION_MAX},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        int64_t ms = -1;
        if (!duration_parse(cases[i].text, &ms) || ms != cases[i].ms)
            fail_msg("'%s' gives %lld ms", cases[i].text, (long long)ms);
    }
}

static void test_bad_durations(void **state)
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
        "36500.1d",
        "36501d",
        "3153600001",
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

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"1", 1},
        {"65536", 65536},
        {"2k", 2048},
        {"2K", 2048},
        {"3M", 3145728},
        {"16m", 16777216},
        {"512m", 536870912},
        {"1g", 1073741824},
        {"1.5M", 1572864},
        {"0.1K", 102},
        {"2.9", 2},
        {"0.999999999T", INT64_C(1099511626676)},
        {"1025G", INT64_C(1025) << 30},
        {"64T", SIZE_PARSE_MAX},
        {"64.000000001T", -1},
        {"65537G", -1},
        {"", -1},
        {"M", -1},
        {"-1", -1},
        {"+1", -1},
        {" 1", -1},
        {"1 M", -1},
        {"1MB", -1},
        {"1.M", -1},
        {".5M", -1},
        {"0x10", -1},
        {"1s", -1},
        {"18446744073709551615T", -1},
        {"16777216T", -1}, /* 2 to the 64th */
        {"99999999999999999999", -1},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        int64_t bytes = -1;
        if (size_parse(cases[i].text, &bytes) != (cases[i].bytes >= 0) || bytes != cases[i].bytes)
            fail_msg("'%s' is read as %lld", cases[i].text, (long long)bytes);
    }
}

/* What is written reads well, and is read as the same value. */
static void test_formats(void **state)
{
    static const struct {
        int64_t value;
        const char *duration, *size;
    } cases[] = {
        {0, "0s", "0"},
        {1, "0.001s", "1"},
        {250, "0.25s", "250"},
        {1000, "1s", "1000"},
        {1024, "1.024s", "1K"},
        {90000, "90s", "90000"},
        {15 * INT64_C(60000), "15m", "900000"},
        {HOUR + HOUR / 2, "90m", "5400000"},
        {36 * HOUR, "36h", "129600000"},
        {30 * DAY, "30d", "2531250K"},
        {DURATION_MAX, "36500d", "3079687500K"},
        {INT64_C(512) << 20, "536870.912s", "512M"},
        {INT64_C(64) << 40, NULL, "64T"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char text[QUANTITY_TEXT_SIZE];
        int64_t value = -1;
        if (cases[i].duration != NULL) {
            duration_format(cases[i].value, text);
            assert_string_equal(text, cases[i].duration);
            assert_true(duration_parse(text, &value));
            assert_int_equal(value, cases[i].value);
        }
        size_format(cases[i].value, text);
        assert_string_equal(text, cases[i].size);
        assert_true(size_parse(text, &value));
        assert_int_equal(value, cases[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_bad_durations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
