/* Hex is what libsodium makes of it, and nothing else is read. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "base/hex.h"

#define BYTES 256

static void test_every_byte(void **state)
{
    uint8_t bytes[BYTES], back[BYTES];
    char text[2 * BYTES + 1] = {0}, theirs[2 * BYTES + 1];
    (void)state;
    for (unsigned i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)i;
    hex_write(text, bytes, BYTES);
    sodium_bin2hex(theirs, sizeof(theirs), bytes, BYTES);
    assert_string_equal(text, theirs);
    assert_true(hex_read(back, text, BYTES));
    assert_memory_equal(back, bytes, BYTES);
    for (size_t i = 0; i < 2 * BYTES; i++)
        text[i] = (char)toupper(text[i]);
    memset(back, 0, sizeof(back));
    assert_true(hex_read(back, text, BYTES));
    assert_memory_equal(back, bytes, BYTES);
}

/* In each place of a text. */
static void test_what_is_no_digit(void **state)
{
    char text[] = "00ff";
    uint8_t bytes[2];
    (void)state;
    for (size_t place = 0; place < strlen("00ff"); place++) {
        char digit = text[place];
        for (int c = 0; c < 256; c++) {
            text[place] = (char)c;
            assert_int_equal(hex_read(bytes, text, 2), isxdigit(c) != 0);
        }
        text[place] = digit;
    }
}

static void test_nothing(void **state)
{
    char text[] = "x";
    uint8_t byte = 1;
    (void)state;
    hex_write(text, &byte, 0);
    assert_string_equal(text, "x");
    assert_true(hex_read(&byte, text, 0));
    assert_int_equal(byte, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_what_is_no_digit),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
