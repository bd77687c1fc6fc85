/* Nothing that a stranger writes can drive the terminal, or break a character. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "wormhole/text.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

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
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char clean[64];

        text_clean(cases[i].text, clean, sizeof(clean));
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

        text_clean(text, clean, sizeof(clean));
        assert_int_equal(clean[0], control && c != '\n' && c != '\t' ? '?' : (char)c);
        assert_int_equal(text_has_control(text), control);
    }
    for (unsigned c = 0x80; c < 0xc0; c++) {
        char text[3] = {(char)0xc2, (char)c, '\0'};

        assert_int_equal(text_has_control(text), c < 0xa0);
    }
}

/* Bytes of longer characters that look like controls are none. */
static void test_no_controls(void **state)
{
    (void)state;
    assert_false(text_has_control("\xc3\x82\xc3\x9b"));             /* U+00C2 U+00DB */
    assert_false(text_has_control("\xe2\x82\x9b\xf0\x90\x82\x9b")); /* … 82 9B */
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
        text_clean(text, clean, room + 1);
        assert_int_equal(strlen(clean), whole[room]);
        assert_memory_equal(clean, text, whole[room]);
        assert_int_equal(clean[room + 1], 0x55);
        assert_true(text_utf8_valid(clean));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_all_controls),
        cmocka_unit_test(test_no_controls),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
