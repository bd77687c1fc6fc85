/* What others wrote cannot paint the terminal, and stays what it is otherwise. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli/escape.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static void check(const char *text, size_t length, bool lines, const char *wanted)
{
    char *safe = escape_text(text, length, lines);
    assert_non_null(safe);
    assert_string_equal(safe, wanted);
    free(safe);
}

static void test_escape(void **state)
{
    static const struct {
        const char *text, *safe;
    } cases[] = {
        {"", ""},
        {"plain text, \\ and all", "plain text, \\ and all"},
        {"h\xc3\xa4ll\xc3\xb6 \xe5\xaf\x86 \xf0\x9f\x90\xa2",
         "h\xc3\xa4ll\xc3\xb6 \xe5\xaf\x86 \xf0\x9f\x90\xa2"},
        {"\x1b[31mred\x07", "\\x1b[31mred\\x07"},
        {"a\r\n\tb", "a\\x0d\\n\\tb"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b"
         "31m",
         "\\x9b31m"}, /* CSI as one character of C1 */
        {"\x9b"
         "31m",
         "\\x9b31m"},                                     /* and as one byte */
        {"\xe2\x80\xaegnp.exe", "\\u202egnp.exe"},        /* RIGHT-TO-LEFT OVERRIDE */
        {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069"}, /* isolates */
        {"a\xe2\x80\x8b"
         "b",
         "a\\u200bb"},                                /* ZERO WIDTH SPACE */
        {"\xc0\x8a", "\\xc0\\x8a"},                   /* long form of newline */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* a surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond Unicode */
        {"\xc3", "\\xc3"},                            /* cut off */
        {"\xe5\xaf(", "\\xe5\\xaf("},
        {"\xc2\xad", "\\xad"},               /* SOFT HYPHEN */
        {"\xf3\xa0\x80\x81", "\\U000e0001"}, /* LANGUAGE TAG */
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        check(cases[i].text, strlen(cases[i].text), false, cases[i].safe);
}

/* JSON stays what it is, and means what it meant. */
static void test_json(void **state)
{
    static const struct {
        const char *json, *safe;
    } cases[] = {
        {"{\"a\":[1,\"\xc3\xa4\"]}", "{\"a\":[1,\"\xc3\xa4\"]}"},
        {"\"\x7f\"", "\"\\u007f\""},
        {"\"\xc2\x9b"
         "31m\"",
         "\"\\u009b31m\""},
        {"\"\xe2\x80\xae\"", "\"\\u202e\""},
        {"\"\xf3\xa0\x80\x81\"", "\"\\udb40\\udc01\""},
        {"\"\\u001b\"", "\"\\u001b\""},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *safe = escape_json(cases[i].json);
        assert_non_null(safe);
        assert_string_equal(safe, cases[i].safe);
        free(safe);
    }
}

static void test_lines(void **state)
{
    (void)state;
    check("a\n\tb\r\x1b[0m\n", 10, true, "a\n\tb\\x0d\\x1b[0m\n");
}

static void test_length_counts(void **state)
{
    (void)state;
    check("a\0b", 3, false, "a\\x00b");
    /* What stands behind the end is not read, be it ever so fitting. */
    check("\xe5\xaf\x86", 2, false, "\\xe5\\xaf");
}

/* Every byte and the longest escape of every size fit the memory that is asked for. */
static void test_growth(void **state)
{
    char text[3 * 256];
    (void)state;
    for (size_t i = 0; i < sizeof(text); i += 3)
        memcpy(text + i, "\xe2\x80\xae", 3);
    char *safe = escape_text(text, sizeof(text), false);
    assert_non_null(safe);
    assert_int_equal(strlen(safe), 6 * 256);
    free(safe);
    memset(text, 0x1b, sizeof(text));
    safe = escape_text(text, sizeof(text), false);
    assert_non_null(safe);
    assert_int_equal(strlen(safe), 4 * sizeof(text));
    free(safe);
}

static void test_width(void **state)
{
    (void)state;
    assert_int_equal(escape_width(""), 0);
    assert_int_equal(escape_width("abc"), 3);
    assert_int_equal(escape_width("\xff\xfe"), 2);
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8")); /* the C library has it built in */
    assert_int_equal(escape_width("h\xc3\xa4ll\xc3\xb6"), 5);
    assert_int_equal(escape_width("\xe5\xaf\x86\xe7\xa0\x81"), 4); /* two of double width */
}

static void test_cut(void **state)
{
    static const struct {
        const char *text;
        size_t columns;
        const char *cut;
    } cases[] = {
        {"", 1, ""},
        {"four", 4, "four"},
        {"longer", 4, "lon\xe2\x80\xa6"},
        {"h\xc3\xa4llo", 3, "h\xc3\xa4\xe2\x80\xa6"},
        {"\xe5\xaf\x86\xe5\xaf\x86", 3, "\xe5\xaf\x86\xe2\x80\xa6"}, /* wide ones */
        {"\xe5\xaf\x86\xe5\xaf\x86", 2, "\xe2\x80\xa6"},
    };
    (void)state;
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char text[32];
        strcpy(text, cases[i].text);
        escape_cut(text, cases[i].columns);
        assert_string_equal(text, cases[i].cut);
        assert_true(escape_width(text) <= cases[i].columns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_lines),         cmocka_unit_test(test_json),
        cmocka_unit_test(test_length_counts), cmocka_unit_test(test_growth),
        cmocka_unit_test(test_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
