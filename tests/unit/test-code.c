/* Codes are refused before anything is sent if they could not work, and made as stock clients do.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "wormhole/code.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define DIGITS_64     "1234567890123456789012345678901234567890123456789012345678901234"

static void test_check(void **state)
{
    static const struct {
        const char *code;
        enum code_fault fault;
    } cases[] = {
        {"4-purple-sausages", CODE_OK},
        {"913-166532", CODE_OK},
        {"123-HTTHHHTTHTTHHTHH", CODE_OK},
        {"1-n\xc3\xa4\xc3\xafve-\xe5\xaf\x86\xe7\xa0\x81-\xf0\x9f\x90\xa2", CODE_OK},
        {"0-0", CODE_OK},
        {"007-x", CODE_OK},
        {"4--", CODE_OK},
        {"4-a-", CODE_OK},
        {DIGITS_64 "-a", CODE_OK},
        {"", CODE_EMPTY},
        {" ", CODE_HAS_SPACE},
        {"4-purple sausages", CODE_HAS_SPACE},
        {" 4-purple-sausages", CODE_HAS_SPACE},
        {"4-purple-sausages ", CODE_HAS_SPACE},
        {"4-purple-sausages\n", CODE_HAS_SPACE},
        {"4-purple\tsausages", CODE_HAS_SPACE},
        {"4-purple\x1b[2Jsausages", CODE_HAS_SPACE},
        {"4-purple\x7fsausages", CODE_HAS_SPACE},
        {"4-purple\xc2\x9bsausages", CODE_HAS_SPACE},
        {"4 purple", CODE_HAS_SPACE},
        {"purple-sausages", CODE_NO_NAMEPLATE},
        {"-purple", CODE_NO_NAMEPLATE},
        {"-", CODE_NO_NAMEPLATE},
        {"4", CODE_NO_NAMEPLATE},
        {"4purple", CODE_NO_NAMEPLATE},
        {"4a-purple", CODE_NO_NAMEPLATE},
        {"+4-purple", CODE_NO_NAMEPLATE},
        {"\xd9\xa4-purple", CODE_NO_NAMEPLATE}, /* ARABIC-INDIC DIGIT FOUR */
        {"4-", CODE_NO_PASSWORD},
        {"00-", CODE_NO_PASSWORD},
        {"0", CODE_NO_NAMEPLATE},
        {"0-", CODE_OK}, /* the mode "-0" of stock clients */
        {DIGITS_64 "3-a", CODE_TOO_LONG},
        {"4-\x80", CODE_NOT_UTF8},
        {"4-\xff", CODE_NOT_UTF8},
        {"4-\xc0\xaf", CODE_NOT_UTF8},         /* long form of '/' */
        {"4-\xc1\xbf", CODE_NOT_UTF8},         /* long form of DEL */
        {"4-\xe0\x9f\xbf", CODE_NOT_UTF8},     /* long form of U+07FF */
        {"4-\xed\xa0\x80", CODE_NOT_UTF8},     /* U+D800, a surrogate */
        {"4-\xf0\x8f\xbf\xbf", CODE_NOT_UTF8}, /* long form of U+FFFF */
        {"4-\xf4\x90\x80\x80", CODE_NOT_UTF8}, /* U+110000 */
        {"4-\xf5\x80\x80\x80", CODE_NOT_UTF8},
        {"4-\xc3", CODE_NOT_UTF8}, /* the end is missing */
        {"4-\xe5\xaf", CODE_NOT_UTF8},
        {"4-\xf0\x9f\x90", CODE_NOT_UTF8},
        {"4-\xe5-\x86", CODE_NOT_UTF8},
        {"4-\xe5\xaf-", CODE_NOT_UTF8},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        /* On the heap, where a look beyond the end is seen. */
        char *code = strdup(cases[i].code);

        assert_non_null(code);
        if (code_check(code) != cases[i].fault)
            fail_msg("%s: %s", code, code_fault_text(code_check(code)));
        free(code);
    }
}

/* What people type or paste, and the code that is meant. */
static void test_read(void **state)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"7-crossover-clockwork", "7-crossover-clockwork"},
        {"7-Crossover-clockwork", "7-crossover-clockwork"},
        {"7-CROSSOVER-CLOCKWORK-BRADBURY", "7-crossover-clockwork-bradbury"},
        {"7-apollo", "7-apollo"},
        {"7-Apollo", "7-apollo"},
        {" \t7-crossover-clockwork\r\n", "7-crossover-clockwork"},
        {"\xc2\xa0"
         "7-crossover-clockwork\xe3\x80\x80",
         "7-crossover-clockwork"},
        {"\xef\xbb\xbf"
         "7-crossover-clockwork\xe2\x80\x8b",
         "7-crossover-clockwork"},
        {"\xe2\x80\x8e"
         "7-crossover-clockwork\xe2\x80\x8f",
         "7-crossover-clockwork"},
        {"7-cross\xc2\xadover-\xe2\x80\x8b"
         "clock\xe2\x80\x8dwork",
         "7-crossover-clockwork"},
        {"7 crossover clockwork", "7-crossover-clockwork"},
        {"7 -  crossover - Clockwork", "7-crossover-clockwork"},
        {"7\xc2\xa0"
         "crossover\xe2\x80\xaf"
         "clockwork",
         "7-crossover-clockwork"},
        {"7\xe2\x80\x93"
         "crossover\xe2\x80\x94"
         "clockwork",
         "7-crossover-clockwork"},
        {"7\xe2\x80\x91"
         "crossover\xe2\x88\x92"
         "clockwork",
         "7-crossover-clockwork"},
        {"7--crossover-\n  clockwork", "7-crossover-clockwork"},
        {"\xef\xbc\x97\xef\xbc\x8d\xef\xbd\x81\xef\xbc\xb0\xef\xbd\x8f"
         "LLO",
         "7-apollo"},
        {"7-CRUC\xc4\xb0"
         "F\xc4\xb0X",
         "7-crucifix"},
        /* people's own */
        {"913-166532", "913-166532"},
        {"913-MyOwnCode", "913-MyOwnCode"},
        {"5-Purple-Sausages", "5-Purple-Sausages"},
        {"5-Crossover-Crossover", "5-Crossover-Crossover"},
        {"5-Crossover-Clockwork-Secret", "5-Crossover-Clockwork-Secret"},
        {"5-clockwork", "5-clockwork"},
        {"\xe2\x80\x8b"
         " 5-Meins\xc2\xa0",
         "5-Meins"},
        {"5-\xc3\x84rger", "5-\xc3\x84rger"},
        {"5-\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae", "5-\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae"},
        {"5-\xe2\x9d\xa4\xef\xb8\x8f", "5-\xe2\x9d\xa4\xef\xb8\x8f"}, /* with its variant */
        {"5--a_b.", "5--a_b."},
        {"0-", "0-"},
        {" 0-\n", "0-"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *text = strdup(cases[i].text), code[CODE_MAX + 1];
        enum code_fault fault = code_read(text, code);

        if (fault != CODE_OK)
            fail_msg("%s: %s", text, code_fault_text(fault));
        assert_string_equal(code, cases[i].code);
        assert_int_equal(code_check(code), CODE_OK);
        free(text);
    }
}

/* What hardly anybody means, and what clients do not agree about. */
static void test_read_refused(void **state)
{
    static const struct {
        const char *text;
        enum code_fault fault;
    } cases[] = {
        {"", CODE_EMPTY},
        {" \xc2\xa0\xe2\x80\x8b\n", CODE_EMPTY},
        {"7", CODE_NO_NAMEPLATE},
        {"crossover-clockwork", CODE_NO_NAMEPLATE},
        {"7-my own", CODE_HAS_SPACE},
        {"7-my\xc2\xa0own", CODE_HAS_SPACE},
        {"7-my\x1bown", CODE_HAS_SPACE},
        {"7-my\xe2\x80\x8bown", CODE_INVISIBLE},
        {"7-my\xc2\xadown", CODE_INVISIBLE},
        {"7-my\xe2\x80\xaeown", CODE_INVISIBLE},
        {"7-my\xe2\x80\x93own", CODE_DASH},
        {"7\xe2\x80\x93my-own", CODE_DASH},
        {"7-cafe\xcc\x81", CODE_AMBIGUOUS}, /* COMBINING ACUTE ACCENT */
        {"7-\xe2\x84\xab", CODE_AMBIGUOUS}, /* ANGSTROM SIGN */
        {"\"7-crossover-clockwork\"", CODE_MARKS},
        {"\xe2\x80\x9c"
         "7-crossover-clockwork\xe2\x80\x9d",
         CODE_MARKS},
        {"7-crossover-clockwork.", CODE_MARKS},
        {"7-crossover-clockwork-", CODE_MARKS},
        {"7-crossover-", CODE_MARKS},
        {"7_crossover_clockwork", CODE_MARKS},
        {"7-crossover, clockwork", CODE_MARKS},
        {"7-crossover\x1b-clockwork", CODE_MARKS},
        {"7-crossover-clock\xff", CODE_NOT_UTF8},
        {DIGITS_64 "5-crossover", CODE_TOO_LONG},
    };
    char code[CODE_MAX + 1], longer[CODE_MAX + 3];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        if (code_read(cases[i].text, code) != cases[i].fault)
            fail_msg("%s: %s", cases[i].text, code_fault_text(code_read(cases[i].text, code)));
    memset(longer, 'x', sizeof(longer));
    memcpy(longer, "4-", 2);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(code_read(longer, code), CODE_TOO_LONG);
    longer[CODE_MAX] = ' '; /* at the end, so it does not count */
    longer[CODE_MAX + 1] = '\0';
    assert_int_equal(code_read(longer, code), CODE_OK);
    assert_int_equal(strlen(code), CODE_MAX);
}

/* Whatever is generated is read as itself, however it is written. */
static void test_read_generated(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
        uint8_t entropy[CODE_WORDS_MAX];
        char code[CODE_MAX + 1], typed[CODE_MAX + 1], read[CODE_MAX + 1];

        memset(entropy, (int)byte, sizeof(entropy));
        assert_true(code_generate(DIGITS_64, CODE_WORDS_MAX, entropy, code));
        for (size_t i = 0; i <= strlen(code); i++)
            typed[i] = (char)(code[i] == '-' && byte % 2 == 0 ? ' ' : toupper(code[i]));
        assert_int_equal(code_read(typed, read), CODE_OK);
        assert_string_equal(read, code);
    }
}

static void test_edges_of_utf8(void **state)
{
    static const char *const edges[] = {
        "\xc3\x80",         "\xdf\xbf",         "\xe0\xa0\x80",     "\xec\xbf\xbf",
        "\xed\x80\x80",     "\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf1\x80\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x8f\xbf\xbf",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(edges); i++) {
        char code[16] = "4-";

        strcat(code, edges[i]);
        assert_int_equal(code_check(code), CODE_OK);
    }
}

static void test_length(void **state)
{
    char code[CODE_MAX + 2];

    (void)state;
    memset(code, 'x', sizeof(code));
    memcpy(code, "4-", 2);
    code[CODE_MAX] = '\0';
    assert_int_equal(code_check(code), CODE_OK);
    code[CODE_MAX] = 'x';
    code[CODE_MAX + 1] = '\0';
    assert_int_equal(code_check(code), CODE_TOO_LONG);
}

static void test_texts(void **state)
{
    (void)state;
    for (int fault = CODE_OK; fault <= CODE_NOT_UTF8; fault++)
        assert_true(strlen(code_fault_text((enum code_fault)fault)) > 10);
}

static void test_nameplates(void **state)
{
    static const char *const good[] = {"0", "4", "007", "123456", DIGITS_64};
    static const char *const bad[] = {"", "a", "4a", " 4", "4 ", "-4", "4-", "4.0", DIGITS_64 "3"};

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++)
        assert_true(code_nameplate_valid(good[i]));
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_false(code_nameplate_valid(bad[i]));
}

static void test_nameplate_of_a_code(void **state)
{
    char nameplate[NAMEPLATE_MAX + 1];

    (void)state;
    code_nameplate("4-purple-sausages", nameplate);
    assert_string_equal(nameplate, "4");
    code_nameplate("007-1-2", nameplate);
    assert_string_equal(nameplate, "007");
    code_nameplate(DIGITS_64 "-a", nameplate);
    assert_string_equal(nameplate, DIGITS_64);
}

static void test_generate(void **state)
{
    static const uint8_t entropy[] = {0x3c, 0x3b, 0x00, 0xff};
    char code[CODE_MAX + 1];

    (void)state;
    assert_true(code_generate("7", 2, entropy, code));
    assert_string_equal(code, "7-crossover-clockwork");
    assert_true(code_generate("12", 1, entropy, code));
    assert_string_equal(code, "12-crossover");
    assert_true(code_generate("123456", 4, entropy, code));
    assert_string_equal(code, "123456-crossover-clockwork-adroitness-zulu");
}

static void test_generate_refuses(void **state)
{
    static const uint8_t entropy[CODE_WORDS_MAX + 1];
    char code[CODE_MAX + 1] = "untouched";

    (void)state;
    assert_false(code_generate("7", 0, entropy, code));
    assert_false(code_generate("7", CODE_WORDS_MAX + 1, entropy, code));
    assert_false(code_generate("", 2, entropy, code));
    assert_false(code_generate("7a", 2, entropy, code));
    assert_false(code_generate(DIGITS_64 "3", 2, entropy, code));
    assert_string_equal(code, "untouched");
}

/* Whatever the entropy: what is made can be typed in at the other end. */
static void test_generated_codes_are_good(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t entropy[CODE_WORDS_MAX];
        char code[CODE_MAX + 1], nameplate[NAMEPLATE_MAX + 1];

        memset(entropy, (int)byte, sizeof(entropy));
        for (unsigned words = 1; words <= CODE_WORDS_MAX; words++) {
            assert_true(code_generate(DIGITS_64, words, entropy, code));
            assert_int_equal(code_check(code), CODE_OK);
            code_nameplate(code, nameplate);
            assert_string_equal(nameplate, DIGITS_64);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_refused),
        cmocka_unit_test(test_read_generated),
        cmocka_unit_test(test_edges_of_utf8),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_nameplates),
        cmocka_unit_test(test_nameplate_of_a_code),
        cmocka_unit_test(test_generate),
        cmocka_unit_test(test_generate_refuses),
        cmocka_unit_test(test_generated_codes_are_good),
    };

    return cmocka_run_group_tests_name("code", tests, NULL, NULL);
}
