/* Tables line up whatever is in them, moments read as people say them, and text is broken at words.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/wipe.h"
#include "cli/table.h"
#include "cli/when.h"
#include "cli/wrap.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const struct table_column columns[] = {{.title = "NAME", .cut = true},
                                              {.title = "N", .right = true, .rank = 2},
                                              {.title = "NOTE", .rank = 1}};

/* Adds rows, and checks what is printed for them. */
static void check_fit(struct table *table, const char *const rows[][3], size_t count, size_t width,
                      const char *wanted)
{
    char *printed = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&printed, &size);
    assert_non_null(file);
    for (size_t i = 0; i < count; i++)
        assert_true(table_add(table, rows[i], (int64_t)(count - i), TERMINAL_PLAIN));
    assert_true(table_print(table, file, width));
    assert_int_equal(fclose(file), 0);
    assert_string_equal(printed, wanted);
    free(printed);
}

static void check(struct table *table, const char *const rows[][3], size_t count,
                  const char *wanted)
{
    check_fit(table, rows, count, 0, wanted);
}

static void test_table(void **state)
{
    static const char *const rows[][3] = {
        {"laptop", "12345", "first"}, {"x", "7", NULL}, {"", "", "alone"}};
    struct table *table = table_new(columns, LENGTH(columns));
    (void)state;
    assert_non_null(table);
    check(table, rows, LENGTH(rows),
          "NAME        N  NOTE\n"
          "laptop  12345  first\n"
          "x           7\n"
          "               alone\n");
    table_free(table);
}

/* Where there is no room, long names are cut first, then the columns that matter least are left
 * out. */
static void test_fit(void **state)
{
    static const char *const rows[][3] = {{"a very long name", "1", "x"}, {"b", "2", "y"}};
    static const struct {
        size_t width;
        const char *wanted;
    } cases[] = {
        {25, "NAME              N  NOTE\na very long name  1  x\nb                 2  y\n"},
        {20, "NAME         N  NOTE\na very lon.  1  x\nb            2  y\n"},
        {18, "NAME          NOTE\na very long.  x\nb             y\n"},
        {12, "NAME\na very long.\nb\n"},
        {5, "NAME\na very lon.\nb\n"},
    };
    (void)state;
    assert_non_null(setlocale(LC_CTYPE, "C"));
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct table *table = table_new(columns, LENGTH(columns));
        assert_non_null(table);
        check_fit(table, rows, LENGTH(rows), cases[i].width, cases[i].wanted);
        table_free(table);
    }
}

/* A column in which nothing stands is left out on a terminal; a dash stands for nothing elsewhere.
 */
static void test_nothing(void **state)
{
    static const struct table_column dashed[] = {{.title = "NAME"},
                                                 {.title = "N", .right = true, .dash = true},
                                                 {.title = "NOTE", .dash = true}};
    static const char *const rows[][3] = {{"a", "10", NULL}, {"b", NULL, NULL}};
    static const struct {
        const char *locale;
        size_t width;
        const char *wanted;
    } cases[] = {
        {"C", 80, "NAME   N\na     10\nb      -\n"},
        {"C", 0, "NAME   N  NOTE\na     10  -\nb      -  -\n"},
        {"C.UTF-8", 80, "NAME   N\na     10\nb      \u2013\n"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct table *table = table_new(dashed, LENGTH(dashed));
        assert_non_null(table);
        assert_non_null(setlocale(LC_CTYPE, cases[i].locale));
        check_fit(table, rows, LENGTH(rows), cases[i].width, cases[i].wanted);
        table_free(table);
    }
}

/* The highest order stands at the top. */
static void test_order(void **state)
{
    static const char *const first[] = {"a", "1", "x"}, *const second[] = {"b", "2", "y"};
    struct table *table = table_new(columns, LENGTH(columns));
    (void)state;
    assert_non_null(table);
    assert_true(table_add(table, first, 1, TERMINAL_PLAIN));
    check(table, NULL, 0, "NAME  N  NOTE\na     1  x\n");
    assert_true(table_add(table, second, 2, TERMINAL_PLAIN));
    check(table, NULL, 0, "NAME  N  NOTE\nb     2  y\na     1  x\n");
    table_free(table);
}

static void test_hostile_cells(void **state)
{
    static const char *const rows[][3] = {{"\x1b[2J", "1", "two\nlines"}};
    struct table *table = table_new(columns, LENGTH(columns));
    (void)state;
    assert_non_null(table);
    check(table, rows, 1, "NAME     N  NOTE\n\\x1b[2J  1  two\\nlines\n");
    table_free(table);
    table_free(NULL);
}

static void test_wide_cells(void **state)
{
    static const char *const rows[][3] = {{"\xe5\xaf\x86\xe7\xa0\x81", "1", "x"},
                                          {"h\xc3\xa4", "2", "y"}};
    struct table *table;
    (void)state;
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8")); /* the C library has it built in */
    table = table_new(columns, LENGTH(columns));
    assert_non_null(table);
    check(table, rows, LENGTH(rows),
          "NAME  N  NOTE\n"
          "\xe5\xaf\x86\xe7\xa0\x81  1  x\n"
          "h\xc3\xa4    2  y\n");
    table_free(table);
}

static void test_too_many_columns(void **state)
{
    static const struct table_column many[TABLE_COLUMNS_MAX + 1];
    (void)state;
    assert_null(table_new(many, LENGTH(many)));
}

static void test_relative(void **state)
{
    static const struct {
        int64_t distance;
        const char *text;
    } cases[] = {
        {0, "just now"},
        {-999, "just now"},
        {999, "now"},
        {-SECOND, "1 s ago"},
        {SECOND, "in 1 s"},
        {-(90 * SECOND - 1), "90 s ago"},
        {-90 * SECOND, "2 min ago"},
        {-3 * MINUTE, "3 min ago"},
        {-(3 * MINUTE + 29 * SECOND), "3 min ago"},
        {-(3 * MINUTE + 30 * SECOND), "4 min ago"},
        {2 * HOUR, "in 2 h"},
        {36 * HOUR, "in 2 days"},
        {-4 * DAY, "4 days ago"},
        {14 * DAY, "in 14 days"},
    };
    int64_t now = 1700000000000;
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char text[WHEN_MAX];
        when_relative(now + cases[i].distance, now, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* Whatever a daemon says, nothing overflows. */
static void test_extremes(void **state)
{
    static const int64_t moments[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    char text[WHEN_MAX];
    (void)state;
    for (size_t i = 0; i < LENGTH(moments); i++)
        for (size_t j = 0; j < LENGTH(moments); j++)
            when_absolute(moments[i], moments[j], text);
    when_relative(INT64_MIN, INT64_MAX, text);
    assert_string_equal(text, "never");
}

static void test_absolute(void **state)
{
    int64_t when = 1700000000000; /* 2023-11-14 22:13:20 UTC */
    char text[WHEN_MAX];
    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    tzset();
    when_absolute(when, when + 3 * MINUTE, text);
    assert_string_equal(text, "2023-11-14 22:13 (3 min ago)");
}

static void test_planned(void **state)
{
    static const struct {
        int64_t distance;
        const char *text;
    } cases[] = {
        {-MINUTE, "now"},
        {0, "now"},
        {3 * MINUTE, "in 3 min"},
        {89 * MINUTE, "in 89 min"},
        {90 * MINUTE, "today 23:43"},
        {107 * MINUTE, "tomorrow 00:00"},
        {25 * HOUR, "tomorrow 23:13"},
        {26 * HOUR, "in 26 h"},
        {14 * DAY, "in 14 days"},
    };
    int64_t now = 1700000000000 - 13 * SECOND - 7 * MINUTE; /* 2023-11-14 22:06:07 UTC */
    (void)state;
    assert_int_equal(setenv("TZ", "UTC-0:07", 1), 0);
    tzset();
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char text[WHEN_MAX];
        when_planned(now + cases[i].distance, now, text);
        assert_string_equal(text, cases[i].text);
    }
    /* A year and a month end. */
    char text[WHEN_MAX];
    when_planned(1704153600000, 1704067140000, text); /* 2024-01-02 00:00, 2023-12-31 23:59 UTC */
    assert_string_equal(text, "tomorrow 00:07");
}

/* ---- text that is broken into lines ---- */

static void check_paragraph(const char *text, size_t width, const char *wanted)
{
    char *printed = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&printed, &size);
    assert_non_null(file);
    wrap_paragraph(file, text, width);
    printed = wipe_stream_close(file, &printed);
    assert_non_null(printed);
    assert_string_equal(printed, wanted);
    wipe_free(printed);
}

static void test_paragraph(void **state)
{
    (void)state;
    check_paragraph("", 20, "");
    check_paragraph("one two three\nfour five", 0, "one two three\nfour five\n");
    check_paragraph("one two three\nfour five", 20, "one two three four\nfive\n");
    check_paragraph("one\n\ntwo three", 5, "one\n\ntwo\nthree\n");
    check_paragraph("one two\n  item  what it is for\n  other  no\nthree four\n", 16,
                    "one two\n  item  what it\n        is for\n  other  no\nthree four\n");
}

/* However long an item of a list is, all of it is shown. */
static void test_long_item(void **state)
{
    char item[1200] = "  item  ";
    (void)state;
    for (int i = 0; i < 100; i++)
        snprintf(item + strlen(item), sizeof(item) - strlen(item), "word%d ", i);
    for (size_t width = 0; width < 100; width += 40) {
        char *printed = NULL;
        size_t size = 0;
        FILE *file = open_memstream(&printed, &size);
        assert_non_null(file);
        wrap_paragraph(file, item, width);
        printed = wipe_stream_close(file, &printed);
        assert_non_null(printed);
        assert_non_null(strstr(printed, "word99"));
        wipe_free(printed);
    }
}

/* The next stream is closed, but not without failure. */
static bool close_fails;

int __real_fclose(FILE *file);
int __wrap_fclose(FILE *file);

int __wrap_fclose(FILE *file)
{
    int result = __real_fclose(file);
    return close_fails ? EOF : result;
}

/* A stream that has failed leaves no text that somebody might take for all of it. */
static void test_failed_stream(void **state)
{
    char *printed = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&printed, &size);
    (void)state;
    assert_non_null(file);
    fputs("a secret", file);
    close_fails = true;
    assert_null(wipe_stream_close(file, &printed));
    close_fails = false;
    assert_null(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),      cmocka_unit_test(test_fit),
        cmocka_unit_test(test_nothing),    cmocka_unit_test(test_planned),
        cmocka_unit_test(test_order),      cmocka_unit_test(test_hostile_cells),
        cmocka_unit_test(test_wide_cells), cmocka_unit_test(test_too_many_columns),
        cmocka_unit_test(test_relative),   cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_absolute),   cmocka_unit_test(test_paragraph),
        cmocka_unit_test(test_long_item),  cmocka_unit_test(test_failed_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
