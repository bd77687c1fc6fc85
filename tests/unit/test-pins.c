/* Pins are read as openssl and curl write them, and what is no pin is refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "net/pins.h"

/* SHA-256 of nothing, and of "a". */
#define NOTHING "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define A       "sha256:ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3hcYPWC4="

static void test_read(void **state)
{
    static const char *const texts[] = {NOTHING, A};
    struct pins pins;
    char why[256], text[PIN_TEXT_SIZE];

    (void)state;
    assert_true(pins_parse(" " NOTHING "\t  " A " ", &pins, why, sizeof(why)));
    assert_int_equal(pins.count, 2);
    for (unsigned i = 0; i < 2; i++) {
        pin_text(&pins.items[i], text);
        assert_string_equal(text, texts[i]);
        assert_true(pins_have(&pins, &pins.items[i]));
    }
    assert_int_equal(pins.items[0].sha256[0], 0xe3);
    pins.count = 1;
    assert_false(pins_have(&pins, &pins.items[1]));
}

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "  ",
        "sha256:",
        "sha",
        /* 30, 31 and 33 bytes */
        "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hS",
        "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==",
        "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA",
        "sha1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
        "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSu===",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        NOTHING A,
        NOTHING "," A,
        NOTHING " " A "x",
    };
    struct pins pins = {.count = 77};
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        *why = '\0';
        if (pins_parse(bad[i], &pins, why, sizeof(why)))
            fail_msg("taken: %s", bad[i]);
        assert_string_not_equal(why, "");
    }
    assert_int_equal(pins.count, 77);
}

static void test_most(void **state)
{
    char text[(PINS_MAX + 1) * PIN_TEXT_SIZE + 1] = "", why[256];
    struct pins pins;

    (void)state;
    for (unsigned i = 0; i < PINS_MAX; i++)
        strcat(text, A " ");
    assert_true(pins_parse(text, &pins, why, sizeof(why)));
    assert_int_equal(pins.count, PINS_MAX);
    strcat(text, A);
    assert_false(pins_parse(text, &pins, why, sizeof(why)));
    assert_string_equal(why, "at most 8 pins");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
