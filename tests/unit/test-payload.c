/* What a peer says inside of a body is read as far as it makes sense, and never further. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "scarce.h"
#include "wormhole/payload.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* ---- pake ---- */

/* Reads from memory of exactly this size. */
static bool read_pake(const char *body, size_t length, uint8_t ret_message[PAKE_MESSAGE_BYTES],
                      size_t *ret_length)
{
    uint8_t *copy = malloc(length ? length : 1);
    bool done;

    assert_non_null(copy);
    memcpy(copy, body, length);
    done = payload_read_pake(copy, length, ret_message, ret_length) == PAYLOAD_OK;
    free(copy);
    return done;
}

static void test_pake_there_and_back(void **state)
{
    uint8_t message[PAKE_MESSAGE_BYTES], again[PAKE_MESSAGE_BYTES];
    size_t length;
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (uint8_t)(0xf0 + i);
    text = payload_pake(message);
    assert_string_equal(text, "{\"pake_v1\":\"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
                              "000102030405060708090a0b0c0d0e0f10\"}");
    assert_true(read_pake(text, strlen(text), again, &length));
    assert_int_equal(length, sizeof(message));
    assert_memory_equal(again, message, sizeof(message));
    for (size_t shorter = 0; shorter < strlen(text); shorter++)
        assert_false(read_pake(text, shorter, again, &length));
    free(text);
}

static void test_pake_read(void **state)
{
    static const struct {
        const char *body;
        size_t length;
    } cases[] = {
        {"{\"pake_v1\": \"\"}", 0},
        {"{\"pake_v1\": \"53\"}", 1},
        {"{\"pake_v1\": \"53aBCdef\"}", 4},
        {" {\"later\": [1], \"pake_v1\": \"53\"} ", 1},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        uint8_t message[PAKE_MESSAGE_BYTES];
        size_t length;

        assert_true(read_pake(cases[i].body, strlen(cases[i].body), message, &length));
        assert_int_equal(length, cases[i].length);
    }
}

static void expect_no_pake(const char *body, size_t size)
{
    uint8_t message[PAKE_MESSAGE_BYTES] = {0xa5};
    size_t length = 77;

    if (read_pake(body, size, message, &length))
        fail_msg("taken for a pake: %.80s", body);
    assert_int_equal(message[0], 0xa5);
    assert_int_equal(length, 77);
}

static void test_pake_refused(void **state)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "53",
        "\"53\"",
        "[\"pake_v1\"]",
        "{\"pake_v2\":\"53\"}",
        "{\"PAKE_V1\":\"53\"}",
        "{\"pake_v1\":null}",
        "{\"pake_v1\":53}",
        "{\"pake_v1\":true}",
        "{\"pake_v1\":[\"53\"]}",
        "{\"pake_v1\":{\"pake_v1\":\"53\"}}",
        "{\"pake_v1\":\"5\"}",
        "{\"pake_v1\":\"533\"}",
        "{\"pake_v1\":\"5g\"}",
        "{\"pake_v1\":\"53 \"}",
        "{\"pake_v1\":\" 53\"}",
        "{\"pake_v1\":\"0x53\"}",
        "{\"pake_v1\":\"53:53\"}",
        "{\"pake_v1\":\"53\\u0000\"}",
        "{\"pake_v1\":\"\xff\"}",
        "{\"pake_v1\":\"\xef\xbc\x95\xef\xbc\x93\"}", /* FULLWIDTH DIGITS */
        "{\"pake_v1\":\"53\"}x",
        /* 34 bytes */
        "{\"pake_v1\":\"53535353535353535353535353535353535353535353535353535353535353535353\"}",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(bodies); i++)
        expect_no_pake(bodies[i], strlen(bodies[i]));
    expect_no_pake("{\"pake_v1\":\"53\"}\0", 17);
}

static void test_pake_too_long(void **state)
{
    char body[5000];

    (void)state;
    memset(body, ' ', sizeof(body));
    memcpy(body, "{\"pake_v1\":\"53\"}", 16);
    expect_no_pake(body, sizeof(body));
}

/* ---- version ---- */

static void expect_version(const char *app_versions, const char *expected)
{
    char *text = payload_version(app_versions);

    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void test_version_written(void **state)
{
    (void)state;
    expect_version(NULL, "{\"app_versions\":{},\"abilities\":[\"wormholed-receipts-v1\"]}");
    expect_version(" [ ]\n", "{\"app_versions\":{},\"abilities\":[\"wormholed-receipts-v1\"]}");
    expect_version("{}", "{\"app_versions\":{},\"abilities\":[\"wormholed-receipts-v1\"]}");
    expect_version(
        " {\"a\": {\"b\": [1, 2]}}\n",
        "{\"app_versions\":{\"a\":{\"b\":[1,2]}},\"abilities\":[\"wormholed-receipts-v1\"]}");
}

/* An object of exactly `length` bytes: {"a":"xxx…"}. free(). */
static char *long_object(size_t length)
{
    char *text = malloc(length + 1);

    assert_non_null(text);
    memset(text, 'x', length);
    memcpy(text, "{\"a\":\"", 6);
    strcpy(text + length - 2, "\"}");
    return text;
}

static void test_version_not_written(void **state)
{
    static const char *const wrong[] = {
        "", "1", "[1]", "[]]", "[", "\"a\"", "{", "{}x", "{\"a\":\"\xff\"}", "null"};
    char *text = long_object(PAYLOAD_VERSIONS_MAX), *payload;

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_null(payload_version(wrong[i]));
    payload = payload_version(text);
    assert_non_null(payload);
    free(payload);
    free(text);
    text = long_object(PAYLOAD_VERSIONS_MAX + 1);
    assert_null(payload_version(text));
    free(text);
}

/* Reads from memory of exactly this size. */
static char *read_version(const char *plain)
{
    size_t length = strlen(plain);
    uint8_t *copy = malloc(length ? length : 1);
    char *text;
    bool receipts;

    assert_non_null(copy);
    memcpy(copy, plain, length);
    text = payload_read_version(copy, length, &receipts);
    free(copy);
    return text;
}

static void test_version_read(void **state)
{
    static const struct {
        const char *plain, *expected;
    } cases[] = {
        {"{\"app_versions\": {}}", "{}"},
        {"{}", "{}"},
        {"{\"abilities\": [\"dilate\"], \"can-dilate\": [\"1\"]}", "{}"},
        {"{\"app_versions\": {\"a\": 1, \"b\": [ ]}, \"new\": 1}", "{\"a\":1,\"b\":[]}"},
        {"{\"app_versions\": {\"z\": 1, \"a\": 2}}", "{\"z\":1,\"a\":2}"},
        {"{\"app_versions\": {\"\xc3\xbc\": \"\xc2\x9b\"}}", "{\"\\u00FC\":\"\\u009B\"}"},
        {"{\"app_versions\": null}", "{}"},
        {"{\"app_versions\": []}", "{}"},
        {"{\"app_versions\": \"a\"}", "{}"},
        {"{\"app_versions\": 1}", "{}"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *text = read_version(cases[i].plain);

        assert_non_null(text);
        assert_string_equal(text, cases[i].expected);
        free(text);
    }
}

static void test_version_announces(void **state)
{
    static const struct {
        const char *plain;
        bool expected;
    } cases[] = {
        {"{\"abilities\": [\"wormholed-receipts-v1\"]}", true},
        {"{\"abilities\": [1, \"dilate\", \"wormholed-receipts-v1\"]}", true},
        {"{\"abilities\": []}", false},
        {"{\"abilities\": [\"wormholed-receipts-v2\", \"wormholed-receipts-v\"]}", false},
        {"{\"abilities\": \"wormholed-receipts-v1\"}", false},
        {"{\"abilities\": {\"wormholed-receipts-v1\": true}}", false},
        {"{\"app_versions\": {\"abilities\": [\"wormholed-receipts-v1\"]}}", false},
        {"{}", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        bool receipts = !cases[i].expected;
        free(payload_read_version((const uint8_t *)cases[i].plain, strlen(cases[i].plain),
                                  &receipts));
        assert_int_equal(receipts, cases[i].expected);
    }
}

/* What is no such object says nothing, and is no failure. */
static void test_version_unusable(void **state)
{
    static const char *const wrong[] = {
        "",     "1",
        "[]",   "{",
        "{}{}", "\"\"",
        "null", "{\"app_versions\": {}",
        "\xff", "{\"app_versions\": {\"a\": \"\\u0000\"}}",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        char *text = read_version(wrong[i]);
        assert_string_equal(text, "{}");
        free(text);
    }
}

/* Reads {"app_versions":OBJECT} with an object of `length` bytes. free(). */
static char *read_long(size_t length)
{
    char *object = long_object(length), *plain = NULL, *text;

    assert_true(asprintf(&plain, "{\"app_versions\":%s}", object) > 0);
    text = read_version(plain);
    free(plain);
    free(object);
    assert_non_null(text);
    return text;
}

/* Too long counts as absent: the peer is honest and knew the code, so the session goes on. */
static void test_version_too_long(void **state)
{
    static const size_t too_long[] = {PAYLOAD_VERSIONS_MAX + 1, 65000, 66000, 16000000};
    char *text = read_long(PAYLOAD_VERSIONS_MAX);

    (void)state;
    assert_int_equal(strlen(text), PAYLOAD_VERSIONS_MAX);
    free(text);
    for (size_t i = 0; i < LENGTH(too_long); i++) {
        text = read_long(too_long[i]);
        assert_string_equal(text, "{}");
        free(text);
    }
}

/* The bounds of JSON are no reason to drop a peer either. */
static void test_version_too_wide(void **state)
{
    size_t items = 100000;
    char *plain = malloc(2 * items + 32), *at = plain, *text;

    (void)state;
    assert_non_null(plain);
    at = stpcpy(at, "{\"abilities\":[1");
    for (size_t i = 0; i < items; i++)
        at = stpcpy(at, ",1");
    stpcpy(at, "]}");
    text = read_version(plain);
    assert_non_null(text);
    assert_string_equal(text, "{}");
    free(text);
    free(plain);
}

/* ---- phases ---- */

static void test_phase_numbers(void **state)
{
    static const struct {
        const char *phase;
        uint32_t number;
    } cases[] = {{"0", 0},
                 {"1", 1},
                 {"9", 9},
                 {"10", 10},
                 {"4294967294", 4294967294u},
                 {"1000000000", 1000000000u}};

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        uint32_t number;
        char phase[11];

        assert_true(payload_phase_number(cases[i].phase, &number));
        assert_int_equal(number, cases[i].number);
        payload_phase_name(number, phase);
        assert_string_equal(phase, cases[i].phase);
    }
}

static void test_no_phase_numbers(void **state)
{
    static const char *const wrong[] = {
        "",           "pake",        "version",
        "00",         "01",          "-1",
        "+1",         " 1",          "1 ",
        "1a",         "0x1",         "1.0",
        "1e1",        "4294967295",  "-0",
        "a1",         "\n1",         "4294967296",
        "9999999999", "10000000000", "18446744073709551616",
        "1\n",        "\xd9\xa4",    "99999999999999999999999999999999999999999999"};

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        uint32_t number = 77;

        if (payload_phase_number(wrong[i], &number))
            fail_msg("taken for a number: %s", wrong[i]);
        assert_int_equal(number, 77);
    }
}

/* ---- receipts ---- */

static void test_receipt_there_and_back(void **state)
{
    static const uint32_t counts[] = {0, 1, 4096, UINT32_MAX};
    char text[PAYLOAD_RECEIPT_TEXT];

    (void)state;
    payload_receipt(12, 3, text);
    assert_string_equal(text, "{\"delivered\":12,\"read\":3}");
    for (size_t i = 0; i < LENGTH(counts); i++) {
        uint32_t delivered = 7, read = 7;

        payload_receipt(counts[i], counts[LENGTH(counts) - 1 - i], text);
        assert_int_equal(
            payload_read_receipt((const uint8_t *)text, strlen(text), &delivered, &read),
            PAYLOAD_OK);
        assert_int_equal(delivered, counts[i]);
        assert_int_equal(read, counts[LENGTH(counts) - 1 - i]);
    }
}

static enum payload_fault read_receipt(const char *text, uint32_t *ret_delivered,
                                       uint32_t *ret_read)
{
    size_t length = strlen(text);
    uint8_t *copy = malloc(length ? length : 1);
    enum payload_fault fault;

    assert_non_null(copy);
    memcpy(copy, text, length);
    fault = payload_read_receipt(copy, length, ret_delivered, ret_read);
    free(copy);
    return fault;
}

static void test_receipt_read(void **state)
{
    static const char *const wrong[] = {
        "",
        "[1,2]",
        "{}",
        "{\"delivered\":1}",
        "{\"read\":1}",
        "{\"delivered\":-1,\"read\":0}",
        "{\"delivered\":1,\"read\":-1}",
        "{\"delivered\":1.5,\"read\":0}",
        "{\"delivered\":\"1\",\"read\":0}",
        "{\"delivered\":true,\"read\":0}",
        "{\"delivered\":99999999999999999999,\"read\":0}",
        "{\"delivered\":1,\"read\":0}x",
    };
    uint32_t delivered = 7, read = 8;
    char longest[5000];

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_int_equal(read_receipt(wrong[i], &delivered, &read), PAYLOAD_MALFORMED);
    memset(longest, ' ', sizeof(longest));
    strcpy(longest + sizeof(longest) - 32, "{\"delivered\":1,\"read\":0}");
    assert_int_equal(read_receipt(longest, &delivered, &read), PAYLOAD_MALFORMED);
    assert_int_equal(delivered, 7);
    assert_int_equal(read, 8);
    assert_int_equal(
        read_receipt("{\"read\":5000000000,\"new\":1,\"delivered\":4294967295}", &delivered, &read),
        PAYLOAD_OK);
    assert_int_equal(delivered, UINT32_MAX);
    assert_int_equal(read, UINT32_MAX);
}

static void test_receipt_phases(void **state)
{
    static const char *const wrong[] = {"wormholed-receipt-",   "wormholed-receipt",
                                        "wormholed-receipt-01", "wormholed-receipt--1",
                                        "wormholed-receipt-1 ", "wormholed-receipt-4294967295",
                                        "xwormholed-receipt-1", "1"};
    char phase[PAYLOAD_RECEIPT_PHASE_TEXT];
    uint32_t number = 7;

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_false(payload_receipt_number(wrong[i], &number));
    assert_int_equal(number, 7);
    payload_receipt_phase(4294967294u, phase);
    assert_string_equal(phase, "wormholed-receipt-4294967294");
    assert_true(payload_receipt_number(phase, &number));
    assert_int_equal(number, 4294967294u);
    assert_false(payload_phase_number(phase, &number));
}

/* ---- out of memory ---- */

static char *make_pake(void)
{
    static const uint8_t message[PAKE_MESSAGE_BYTES] = {'S'};

    return payload_pake(message);
}

static char *make_version(void)
{
    return payload_version("{\"a\":1}");
}

/* jansson cannot tell a string that it could not copy from one that is wrong: then nothing was
 * said. */
static char *take_version(void)
{
    static const char plain[] = "{\"app_versions\":{\"a\":1}}";
    bool receipts;
    char *text = payload_read_version((const uint8_t *)plain, strlen(plain), &receipts);

    if (text == NULL || strcmp(text, "{}") != 0)
        return text;
    free(text);
    return NULL;
}

static char *take_no_version(void)
{
    bool receipts;
    return payload_read_version((const uint8_t *)"{}", 2, &receipts);
}

static char *take_receipt(void)
{
    static const char plain[] = "{\"delivered\":1,\"read\":0}";
    uint32_t delivered, read;

    return payload_read_receipt((const uint8_t *)plain, strlen(plain), &delivered, &read) ==
                   PAYLOAD_OK
               ? strdup("taken")
               : NULL;
}

static char *take_pake(void)
{
    uint8_t message[PAKE_MESSAGE_BYTES];
    size_t length;

    return payload_read_pake((const uint8_t *)"{\"pake_v1\":\"53\"}", 16, message, &length) ==
                   PAYLOAD_OK
               ? strdup("taken")
               : NULL;
}

/* Each allocation fails once: then there is no result. When none fails, there is one. */
static void test_out_of_memory(void **state)
{
    static char *(*const calls[])(void) = {make_pake,       make_version, take_version,
                                           take_no_version, take_receipt, take_pake};

    (void)state;
    for (size_t i = 0; i < LENGTH(calls); i++) {
        bool failed = true;

        for (unsigned nth = 1; failed; nth++) {
            char *text;

            scarce_fail_nth(nth);
            text = calls[i]();
            failed = scarce_end();
            assert_int_equal(text == NULL, failed);
            free(text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pake_there_and_back), cmocka_unit_test(test_pake_read),
        cmocka_unit_test(test_pake_refused),        cmocka_unit_test(test_pake_too_long),
        cmocka_unit_test(test_version_written),     cmocka_unit_test(test_version_not_written),
        cmocka_unit_test(test_version_read),        cmocka_unit_test(test_version_unusable),
        cmocka_unit_test(test_version_too_long),    cmocka_unit_test(test_version_too_wide),
        cmocka_unit_test(test_phase_numbers),       cmocka_unit_test(test_no_phase_numbers),
        cmocka_unit_test(test_version_announces),   cmocka_unit_test(test_receipt_there_and_back),
        cmocka_unit_test(test_receipt_read),        cmocka_unit_test(test_receipt_phases),
        cmocka_unit_test(test_out_of_memory),
    };

    scarce_init();
    return cmocka_run_group_tests_name("payload", tests, NULL, NULL);
}
