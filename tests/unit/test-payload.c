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
    char *text = payload_version(app_versions, NULL);

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
        assert_null(payload_version(wrong[i], NULL));
    payload = payload_version(text, NULL);
    assert_non_null(payload);
    free(payload);
    free(text);
    text = long_object(PAYLOAD_VERSIONS_MAX + 1);
    assert_null(payload_version(text, NULL));
    free(text);
}

/* Reads from memory of exactly this size. */
static char *read_version(const char *plain)
{
    size_t length = strlen(plain);
    uint8_t *copy = malloc(length ? length : 1);
    char *text;
    struct payload_abilities abilities;

    assert_non_null(copy);
    memcpy(copy, plain, length);
    text = payload_read_version(copy, length, &abilities);
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
        struct payload_abilities abilities = {.receipts = !cases[i].expected};
        free(payload_read_version((const uint8_t *)cases[i].plain, strlen(cases[i].plain),
                                  &abilities));
        assert_int_equal(abilities.receipts, cases[i].expected);
        assert_false(abilities.can_last);
    }
}

/* Both abilities, and a public. */
static void test_version_lasting(void **state)
{
    static const char *const wrong[] = {
        "{\"abilities\":[\"wormholed-receipts-v1\",\"wormholed-lasting-v1\"]}",
        "{\"abilities\":[\"wormholed-receipts-v1\",\"wormholed-lasting-v1\"],"
        "\"wormholed-lasting\":{\"public\":\"00\"}}",
        "{\"abilities\":[\"wormholed-lasting-v1\"],\"wormholed-lasting\":{\"public\":"
        "\"0000000000000000000000000000000000000000000000000000000000000001\"}}",
        "{\"abilities\":[\"wormholed-receipts-v1\"],\"wormholed-lasting\":{\"public\":"
        "\"0000000000000000000000000000000000000000000000000000000000000001\"}}",
    };
    const struct payload_lasting lasting = {.public = {1, 2, 3}};
    struct payload_abilities abilities;
    char *text = payload_version("{\"a\":1}", &lasting);

    (void)state;
    assert_string_equal(text,
                        "{\"app_versions\":{\"a\":1},\"abilities\":[\"wormholed-receipts-v1\","
                        "\"wormholed-lasting-v1\"],\"wormholed-lasting\":{\"public\":"
                        "\"0102030000000000000000000000000000000000000000000000000000000000\"}}");
    free(payload_read_version((const uint8_t *)text, strlen(text), &abilities));
    assert_true(abilities.receipts && abilities.can_last);
    assert_int_equal(abilities.lasting.expire, 0);
    assert_memory_equal(abilities.lasting.public, lasting.public, EPOCH_PUBLIC_BYTES);
    free(text);
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        free(payload_read_version((const uint8_t *)wrong[i], strlen(wrong[i]), &abilities));
        assert_false(abilities.can_last);
    }
}

/* After what time without news it is to end, if that was asked for. */
static void test_version_expire(void **state)
{
    static const struct {
        const char *said;
        int64_t expire;
    } cases[] = {
        {"1000", 1000},     {"31622400000", INT64_C(31622400000)},
        {"999", 0},         {"-1000", 0},
        {"31622400001", 0}, {"9223372036854775807", 0},
        {"1000.5", 0},      {"true", 0},
        {"null", 0},        {"\"1000\"", 0},
        {"[1000]", 0},
    };
    const struct payload_lasting lasting = {.public = {1}, .expire = 86400000};
    struct payload_abilities abilities;
    char text[512], *ours = payload_version(NULL, &lasting);

    (void)state;
    assert_non_null(strstr(ours, ",\"expire\":86400000}"));
    free(payload_read_version((const uint8_t *)ours, strlen(ours), &abilities));
    assert_int_equal(abilities.lasting.expire, 86400000);
    free(ours);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        snprintf(text, sizeof(text),
                 "{\"abilities\":[\"wormholed-receipts-v1\",\"wormholed-lasting-v1\"],"
                 "\"wormholed-lasting\":{\"public\":\"%064d\",\"expire\":%s}}",
                 1, cases[i].said);
        free(payload_read_version((const uint8_t *)text, strlen(text), &abilities));
        assert_true(abilities.can_last);
        assert_int_equal(abilities.lasting.expire, cases[i].expire);
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
    payload_receipt_text(&(struct payload_receipt){.delivered = 12, .read = 3}, text);
    assert_string_equal(text, "{\"delivered\":12,\"read\":3}");
    for (size_t i = 0; i < LENGTH(counts); i++) {
        struct payload_receipt receipt = {.delivered = counts[i],
                                          .read = counts[LENGTH(counts) - 1 - i]};
        struct payload_receipt again = {.delivered = 7, .read = 7};

        payload_receipt_text(&receipt, text);
        assert_int_equal(payload_read_receipt((const uint8_t *)text, strlen(text), &again),
                         PAYLOAD_OK);
        assert_memory_equal(&again, &receipt, sizeof(again));
    }
}

/* What lasting ends add. The longest fits. */
static void test_statement_there_and_back(void **state)
{
    struct payload_receipt statement = {
        .delivered = UINT32_MAX,
        .read = UINT32_MAX,
        .has_next = true,
        .next = {0xab, 0xcd},
        .moved = true,
        .bye = true,
        .bye_sent = UINT32_MAX,
        .bye_result = "crowded",
    };
    char text[PAYLOAD_RECEIPT_TEXT], twice[PAYLOAD_RECEIPT_TEXT];

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct payload_receipt again;

        payload_receipt_text(&statement, text);
        assert_int_equal(payload_read_receipt((const uint8_t *)text, strlen(text), &again),
                         PAYLOAD_OK);
        payload_receipt_text(&again, twice); /* which has every member */
        assert_string_equal(twice, text);
        statement = (struct payload_receipt){
            .delivered = 1, .has_next = true, .next = {[EPOCH_PUBLIC_BYTES - 1] = 1}};
    }
    assert_string_equal(text,
                        "{\"delivered\":1,\"read\":0,\"next\":\"00000000000000000000000000000000"
                        "00000000000000000000000000000001\"}");
}

static enum payload_fault read_receipt(const char *text, struct payload_receipt *ret_receipt)
{
    size_t length = strlen(text);
    uint8_t *copy = malloc(length ? length : 1);
    enum payload_fault fault;

    assert_non_null(copy);
    memcpy(copy, text, length);
    fault = payload_read_receipt(copy, length, ret_receipt);
    free(copy);
    return fault;
}

/* A receipt whose `next` is none says nothing that a statement would. */
static void test_statement_unusable(void **state)
{
    static const char *const nexts[] = {
        "",
        ",\"next\":1",
        ",\"next\":\"00\"",
        ",\"next\":null",
        ",\"next\":\"zz\"",
        ",\"next\":\"0000000000000000000000000000000000000000000000000000000000000000ff\"",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(nexts); i++) {
        struct payload_receipt receipt;
        char text[256];

        snprintf(text, sizeof(text),
                 "{\"delivered\":1,\"read\":1%s,\"moved\":true,\"bye\":{\"sent\":1}}", nexts[i]);
        assert_int_equal(read_receipt(text, &receipt), PAYLOAD_OK);
        assert_int_equal(receipt.delivered, 1);
        assert_false(receipt.has_next || receipt.moved || receipt.bye);
    }
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
    struct payload_receipt receipt = {.delivered = 7, .read = 8};
    char longest[5000];

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_int_equal(read_receipt(wrong[i], &receipt), PAYLOAD_MALFORMED);
    memset(longest, ' ', sizeof(longest));
    strcpy(longest + sizeof(longest) - 32, "{\"delivered\":1,\"read\":0}");
    assert_int_equal(read_receipt(longest, &receipt), PAYLOAD_MALFORMED);
    assert_int_equal(receipt.delivered, 7);
    assert_int_equal(receipt.read, 8);
    assert_int_equal(
        read_receipt("{\"read\":5000000000,\"new\":1,\"delivered\":4294967295}", &receipt),
        PAYLOAD_OK);
    assert_int_equal(receipt.delivered, UINT32_MAX);
    assert_int_equal(receipt.read, UINT32_MAX);
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
    return payload_version("{\"a\":1}", NULL);
}

/* jansson cannot tell a string that it could not copy from one that is wrong: then nothing was
 * said. */
static char *take_version(void)
{
    static const char plain[] = "{\"app_versions\":{\"a\":1}}";
    struct payload_abilities abilities;
    char *text = payload_read_version((const uint8_t *)plain, strlen(plain), &abilities);

    if (text == NULL || strcmp(text, "{}") != 0)
        return text;
    free(text);
    return NULL;
}

static char *take_no_version(void)
{
    struct payload_abilities abilities;
    return payload_read_version((const uint8_t *)"{}", 2, &abilities);
}

static char *take_receipt(void)
{
    static const char plain[] = "{\"delivered\":1,\"read\":0}";
    struct payload_receipt receipt;

    return payload_read_receipt((const uint8_t *)plain, strlen(plain), &receipt) == PAYLOAD_OK
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

static void test_answers(void **state)
{
    static const struct {
        const char *plain;
        enum payload_answer answer;
        const char *reason;
    } cases[] = {
        {"{\"answer\": {\"message_ack\": \"ok\"}}", PAYLOAD_ANSWER_TAKEN, NULL},
        {"{\"answer\": {\"message_ack\": \"no room\"}}", PAYLOAD_ANSWER_REFUSED, "no room"},
        {"{\"answer\": {\"message_ack\": 1}}", PAYLOAD_ANSWER_BAD, NULL},
        {"{\"answer\": {\"file_ack\": \"ok\"}}", PAYLOAD_ANSWER_BAD, NULL},
        {"{\"answer\": 1}", PAYLOAD_ANSWER_BAD, NULL},
        {"{\"error\": \"not this\"}", PAYLOAD_ANSWER_REFUSED, "not this"},
        {"{\"error\": \"x\", \"answer\": {\"message_ack\": \"ok\"}}", PAYLOAD_ANSWER_REFUSED, "x"},
        {"{\"error\": {}}", PAYLOAD_ANSWER_BAD, NULL},
        {"{\"offer\": {\"message\": \"mine\"}}", PAYLOAD_ANSWER_OFFER, NULL},
        {"{\"transit\": {}}", PAYLOAD_ANSWER_NONE, NULL},
        {"{}", PAYLOAD_ANSWER_NONE, NULL},
        {"[]", PAYLOAD_ANSWER_BAD, NULL},
        {"", PAYLOAD_ANSWER_BAD, NULL},
        {"hello", PAYLOAD_ANSWER_BAD, NULL},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *reason;

        assert_int_equal(
            payload_read_answer((const uint8_t *)cases[i].plain, strlen(cases[i].plain), &reason),
            cases[i].answer);
        assert_int_equal(reason == NULL, cases[i].reason == NULL);
        if (reason != NULL)
            assert_string_equal(reason, cases[i].reason);
        free(reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pake_there_and_back),
        cmocka_unit_test(test_pake_read),
        cmocka_unit_test(test_pake_refused),
        cmocka_unit_test(test_pake_too_long),
        cmocka_unit_test(test_version_written),
        cmocka_unit_test(test_version_not_written),
        cmocka_unit_test(test_version_read),
        cmocka_unit_test(test_version_unusable),
        cmocka_unit_test(test_version_too_long),
        cmocka_unit_test(test_version_too_wide),
        cmocka_unit_test(test_phase_numbers),
        cmocka_unit_test(test_no_phase_numbers),
        cmocka_unit_test(test_version_announces),
        cmocka_unit_test(test_version_lasting),
        cmocka_unit_test(test_version_expire),
        cmocka_unit_test(test_receipt_there_and_back),
        cmocka_unit_test(test_statement_there_and_back),
        cmocka_unit_test(test_statement_unusable),
        cmocka_unit_test(test_receipt_read),
        cmocka_unit_test(test_receipt_phases),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_answers),
    };

    scarce_init();
    return cmocka_run_group_tests_name("payload", tests, NULL, NULL);
}
