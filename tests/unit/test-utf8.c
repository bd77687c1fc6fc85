/* UTF-8 is told from other bytes, and nothing that a stranger writes can drive a terminal. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/utf8.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

#define BYTES(literal) (literal), sizeof(literal) - 1

/* Texts, and how many of their bytes are well-formed. */
static void test_span(void **state)
{
    static const struct {
        const char *text;
        size_t length, span;
    } cases[] = {
        {BYTES(""), 0},
        {BYTES("plain\n\x7f"), 7},
        {BYTES("a\0b"), 3},
        {BYTES("gr\xc3\xbc\xc3\x9f"), 6},
        {BYTES("\xc2\x80\xdf\xbf"), 4},
        {BYTES("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), 12},
        {BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), 8},
        {BYTES("\x80"), 0},
        {BYTES("ab\xff"), 2},
        {BYTES("\xc0\x80"), 0},         /* NUL in two bytes */
        {BYTES("\xc1\xbf"), 0},         /* longer than needed */
        {BYTES("\xe0\x9f\xbf"), 0},     /* longer than needed */
        {BYTES("\xed\xa0\x80"), 0},     /* a surrogate */
        {BYTES("\xf0\x8f\xbf\xbf"), 0}, /* longer than needed */
        {BYTES("\xf4\x90\x80\x80"), 0}, /* beyond U+10FFFF */
        {BYTES("\xf5\x80\x80\x80"), 0},
        {BYTES("a\xc3"), 1}, /* cut off */
        {BYTES("\xe2\x82"), 0},
        {BYTES("a\xe2\x82g"), 1},
        {BYTES("\xf0\x9f\x98\xc0"), 0},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_int_equal(utf8_span(cases[i].text, cases[i].length), cases[i].span);
        assert_int_equal(utf8_valid(cases[i].text, cases[i].length),
                         cases[i].span == cases[i].length);
    }
}

/* Every character there is, encoded here by other means, is decoded; every shorter part is none. */
static void test_characters(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char text[4];
        size_t size = 0;
        uint32_t found = UINT32_MAX;

        if (c < 0x80) {
            text[size++] = (char)c;
        } else if (c < 0x800) {
            text[size++] = (char)(0xc0 | c >> 6);
        } else if (c < 0x10000) {
            text[size++] = (char)(0xe0 | c >> 12);
            text[size++] = (char)(0x80 | (c >> 6 & 0x3f));
        } else {
            text[size++] = (char)(0xf0 | c >> 18);
            text[size++] = (char)(0x80 | (c >> 12 & 0x3f));
            text[size++] = (char)(0x80 | (c >> 6 & 0x3f));
        }
        if (c >= 0x80)
            text[size++] = (char)(0x80 | (c & 0x3f));
        if (c >= 0xd800 && c < 0xe000) {
            assert_int_equal(utf8_character(text, size, &found), 0);
            continue;
        }
        assert_int_equal(utf8_character(text, size - 1, &found), 0);
        assert_int_equal(found, UINT32_MAX);
        assert_int_equal(utf8_character(text, size, &found), size);
        assert_int_equal(found, c);
    }
}

static void test_clean(void **state)
{
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"", ""},
        {"two lines\n\tand a tab", "two lines\n\tand a tab"},
        {"gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x90\xa2", "gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x90\xa2"},
        {"\x1b[2Jboo\x07\r\x7f", "?[2Jboo???"},
        {"\xc2\x9b\x32J\xc2\x80\xc2\x9f", "?2J??"}, /* the one-character CSI, and its kin */
        {"\xc2\xa0", "\xc2\xa0"},                   /* the first after them */
        {"a\x9b\x32J\xc2", "a?2J?"},                /* bytes that are no characters */
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char clean[64];

        utf8_clean(cases[i].text, "\n\t", clean, sizeof(clean));
        assert_string_equal(clean, cases[i].clean);
    }
}

/* Every single control character but two. */
static void test_all_controls(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 0x80; c++) {
        char text[2] = {(char)c, '\0'}, clean[2];
        bool control = c < 0x20 || c == 0x7f;

        utf8_clean(text, "\n\t", clean, sizeof(clean));
        assert_int_equal(clean[0], control && c != '\n' && c != '\t' ? '?' : (char)c);
        assert_int_equal(utf8_has_control(text), control);
    }
    for (unsigned c = 0x80; c < 0xc0; c++) {
        char text[3] = {(char)0xc2, (char)c, '\0'};

        assert_int_equal(utf8_has_control(text), c < 0xa0);
    }
}

/* Bytes of longer characters that look like controls are none. */
static void test_no_controls(void **state)
{
    (void)state;
    assert_false(utf8_has_control("\xc3\x82\xc3\x9b"));             /* U+00C2 U+00DB */
    assert_false(utf8_has_control("\xe2\x82\x9b\xf0\x90\x82\x9b")); /* … 82 9B */
}

/* Cut at each length: what is left is the longest beginning of whole characters that fits. */
static void test_cut(void **state)
{
    static const char text[] = "a\xc3\xbc\xe5\xaf\x86\xf0\x9f\x90\xa2z";
    static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

    (void)state;
    for (size_t room = 0; room < LENGTH(whole); room++) {
        char clean[16];

        memset(clean, 0x55, sizeof(clean));
        utf8_clean(text, "\n\t", clean, room + 1);
        assert_int_equal(strlen(clean), whole[room]);
        assert_memory_equal(clean, text, whole[room]);
        assert_int_equal(clean[room + 1], 0x55);
        assert_true(utf8_valid(clean, strlen(clean)));
    }
}

/* The same without changing anything; and what is not UTF-8 is cut near the limit. */
static void test_cut_length(void **state)
{
    static const char text[] = "a\xc3\xbc\xe5\xaf\x86\xf0\x9f\x90\xa2z";
    static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

    (void)state;
    for (size_t limit = 0; limit < LENGTH(whole); limit++)
        assert_int_equal(utf8_cut(text, limit), whole[limit]);
    assert_in_range(utf8_cut("\x80\x80\x80\x80\x80\x80\x80\x80", 6), 3, 6);
}

/* A text may be cleaned where it stands. */
static void test_in_place(void **state)
{
    char text[] = "x\nforged\r\xc2\x9b\xff gr\xc3\xbc\xc3\x9f";

    (void)state;
    utf8_clean(text, "", text, sizeof(text));
    assert_string_equal(text, "x?forged??? gr\xc3\xbc\xc3\x9f");
}

/* What is blank, unseen or a dash, and what only looks like it. */
static void test_kinds(void **state)
{
    static const uint32_t blanks[] = {'\t', '\n', ' ', 0x85, 0xa0, 0x2007, 0x2028, 0x202f, 0x3000};
    static const uint32_t unseen[] = {0xad,   0x61c,  0x200b, 0x200e, 0x200f, 0x202e,
                                      0x2060, 0x2066, 0xfeff, 0xfffb, 0xe0001};
    static const uint32_t dashes[] = {'-', 0x2010, 0x2011, 0x2013, 0x2014, 0x2212, 0xfe63, 0xff0d};
    static const uint32_t others[] = {0,    0x1b,   '_',    '~',    'a',
                                      0xb7, 0x30fc, 0xfe0f, 0xfffd, 0x1f422};

    (void)state;
    for (size_t i = 0; i < LENGTH(blanks); i++)
        assert_true(utf8_is_blank(blanks[i]) && !utf8_is_dash(blanks[i]));
    for (size_t i = 0; i < LENGTH(unseen); i++)
        assert_true(utf8_is_invisible(unseen[i]) && !utf8_is_blank(unseen[i]));
    for (size_t i = 0; i < LENGTH(dashes); i++)
        assert_true(utf8_is_dash(dashes[i]) && !utf8_is_invisible(dashes[i]));
    for (size_t i = 0; i < LENGTH(others); i++)
        assert_false(utf8_is_blank(others[i]) || utf8_is_invisible(others[i]) ||
                     utf8_is_dash(others[i]));
}

static void test_trim(void **state)
{
    static const struct {
        const char *text, *left;
    } cases[] = {
        {"", ""},
        {"x", "x"},
        {" \t\n", ""},
        {"\xc2\xa0 a b\xe2\x80\x8b\xe2\x80\x8e", "a b"},
        {"\xef\xbb\xbf\x1b\xc3\xa4\xe3\x80\x80", "\xc3\xa4"},
        {" \xff \xe2\x80 ", "\xff \xe2\x80"}, /* malformed: left */
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        size_t length = strlen(cases[i].text);
        const char *left = utf8_trim(cases[i].text, &length);

        assert_int_equal(length, strlen(cases[i].left));
        assert_memory_equal(left, cases[i].left, length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_span),        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_clean),       cmocka_unit_test(test_all_controls),
        cmocka_unit_test(test_no_controls), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_length),  cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_kinds),       cmocka_unit_test(test_trim),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
