/* The messages of text transfer: byte for byte what stock clients send and take. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/offer.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static void test_make(void **state)
{
    char *text;
    (void)state;
    text = offer_make_text("h\xc3\xa4llo \"you\"\n", 13);
    assert_string_equal(text, "{\"offer\": {\"message\": \"h\xc3\xa4llo \\\"you\\\"\\n\"}}");
    free(text);
    text = offer_make_ack();
    assert_string_equal(text, "{\"answer\": {\"message_ack\": \"ok\"}}");
    free(text);
    text = offer_make_error("no");
    assert_string_equal(text, "{\"error\": \"no\"}");
    free(text);
    assert_null(offer_make_text("\xff", 1));
}

static void test_read(void **state)
{
    static const struct {
        const char *json;
        enum offer_kind kind;
        const char *text;
    } cases[] = {
        {"{\"offer\": {\"message\": \"hi\"}}", OFFER_TEXT, "hi"},
        {"{\"offer\":{\"message\":\"\"},\"new\":1}", OFFER_TEXT, ""},
        {"{\"offer\": {\"file\": {\"filename\": \"x y\", \"filesize\": 3}}}", OFFER_FILE,
         "a file (x y, 3 bytes)"},
        {"{\"offer\": {\"file\": {\"filename\": \"x\", \"filesize\": \"3\"}}}", OFFER_FILE,
         "a file (x)"},
        {"{\"offer\": {\"file\": 7}}", OFFER_FILE, "a file"},
        {"{\"offer\": {\"directory\": {\"dirname\": \"x\", \"zipsize\": 9, \"numbytes\": 12}}}",
         OFFER_FILE, "a directory (x, 12 bytes)"},
        {"{\"offer\": {}}", OFFER_FILE, "something other than a text"},
        {"{\"transit\": {\"abilities-v1\": []}}", OFFER_TRANSIT, NULL},
        {"{\"answer\": {\"message_ack\": \"ok\"}}", OFFER_OTHER, NULL},
        {"{\"error\": \"why\"}", OFFER_ERROR, "why"},
        {"{\"error\": \"why\", \"answer\": {\"message_ack\": \"ok\"}}", OFFER_ERROR, "why"},
        {"{}", OFFER_OTHER, NULL},
        {"{\"future\": []}", OFFER_OTHER, NULL},
        {"{\"answer\": {\"message_ack\": \"no\"}}", OFFER_OTHER, NULL},
        {"{\"answer\": null}", OFFER_OTHER, NULL},
        {"{\"answer\": null, \"offer\": {\"message\": \"hi\"}}", OFFER_TEXT, "hi"},
        {"{\"offer\": {\"message\": 7}}", OFFER_BAD, NULL},
        {"{\"offer\": \"hi\"}", OFFER_BAD, NULL},
        {"{\"error\": {}}", OFFER_BAD, NULL},
        {"[]", OFFER_BAD, NULL},
        {"\"offer\"", OFFER_BAD, NULL},
        {"", OFFER_BAD, NULL},
        {"{\"offer\": {\"message\": \"hi\"}", OFFER_BAD, NULL},
        {"{\"offer\": {\"message\": \"\xff\"}}", OFFER_BAD, NULL},
        {"{\"offer\": {\"message\": \"hi\"}} more", OFFER_BAD, NULL},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct offer offer;
        assert_true(offer_read(cases[i].json, strlen(cases[i].json), &offer));
        if (offer.kind != cases[i].kind)
            fail_msg("%s is taken for kind %d", cases[i].json, offer.kind);
        if (cases[i].text == NULL) {
            assert_null(offer.text);
        } else {
            assert_string_equal(offer.text, cases[i].text);
            assert_int_equal(offer.length, strlen(cases[i].text));
        }
        offer_clear(&offer);
        assert_null(offer.text);
    }
}

/* A NUL is a character like another: nothing behind it is lost. */
static void test_nul(void **state)
{
    struct offer offer;
    char *text = offer_make_text("a\0b", 3);
    json_t *report;
    (void)state;
    assert_string_equal(text, "{\"offer\": {\"message\": \"a\\u0000b\"}}");
    assert_true(offer_read(text, strlen(text), &offer));
    free(text);
    assert_int_equal(offer.length, 3);
    assert_memory_equal(offer.text, "a\0b", 4);
    report = offer_report(&offer, "0123");
    text = json_dumps(report, 0);
    assert_string_equal(text, "{\"session\": \"0123\", \"text\": \"a\\u0000b\"}");
    free(text);
    json_decref(report);
    offer_clear(&offer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
