/* What a relay says is JSON that says what was meant, whatever the strings in it; and without
 * memory it is nothing. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relay/reply.h"
#include "scarce.h"

#define NOW INT64_C(1700000000007)

/* Takes over the text, and `expected`, which lacks the time. */
static void assert_says(char *text, json_t *expected)
{
    assert_non_null(text);
    assert_non_null(expected);
    json_t *said = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(said);
    assert_non_null(strstr(text, "\"server_tx\":1700000000.007"));
    json_object_del(said, "server_tx");
    assert_true(json_equal(said, expected));
    json_decref(said);
    json_decref(expected);
    free(text);
}

static void test_simple_ones(void **state)
{
    (void)state;
    assert_says(reply_released(NOW), json_pack("{s:s}", "type", "released"));
    assert_says(reply_closed(NOW), json_pack("{s:s}", "type", "closed"));
    assert_says(reply_allocated("4", NOW),
                json_pack("{s:s, s:s}", "type", "allocated", "nameplate", "4"));
    assert_says(reply_ack(NULL, NOW), json_pack("{s:s, s:n}", "type", "ack", "id"));
    assert_says(reply_error("why", NULL, NOW),
                json_pack("{s:s, s:s, s:n}", "type", "error", "error", "why", "orig"));
}

/* Every character that JSON wants escaped, and some that it does not. */
static void test_escapes(void **state)
{
    char all[160] = "\"\\/\x7f\xc3\xa4";
    size_t length = strlen(all);

    (void)state;
    for (char c = 1; c < 0x7f; c++)
        all[length++] = c;
    assert_says(reply_claimed(all, NOW),
                json_pack("{s:s, s:s}", "type", "claimed", "mailbox", all));
    assert_says(reply_claimed("", NOW), json_pack("{s:s, s:s}", "type", "claimed", "mailbox", ""));
}

static void test_message(void **state)
{
    enum { LONG = 1000000 };
    char *body = malloc(LONG + 1);
    struct relay_message message = {.side = "s\"", .phase = "p\n", .body = body, .server_rx = -5};

    (void)state;
    assert_non_null(body);
    memset(body, 'a', LONG);
    body[LONG] = 0;
    for (message.body_length = 0; message.body_length <= LONG;
         message.body_length = message.body_length * 3 + 1) {
        assert_says(reply_message(&message, NOW),
                    json_pack("{s:s, s:s, s:s, s:s#, s:f, s:n}", "type", "message", "side", "s\"",
                              "phase", "p\n", "body", body, (int)message.body_length, "server_rx",
                              0.0, "id"));
    }
    free(body);
}

/* What is quoted is as it came, of any length and any kind. */
static void test_quotes(void **state)
{
    (void)state;
    for (size_t length = 0; length < 450; length++) {
        json_t *list = json_array();
        for (size_t i = 0; i < length; i++)
            json_array_append_new(list, json_integer(7));
        json_t *orig = json_pack("{s:o, s:f, s:s}", "list", list, "real", 0.1, "text", "\"\x01");
        assert_says(reply_error("why", orig, NOW),
                    json_pack("{s:s, s:s, s:O}", "type", "error", "error", "why", "orig", orig));
        json_decref(orig);
    }
    json_t *ping = json_real(1.0 / 3);
    assert_says(reply_pong(ping, NULL, NOW), json_pack("{s:s, s:O}", "type", "pong", "pong", ping));
    json_decref(ping);
}

/* What is long is not quoted, and the error says so. */
static void test_quotes_are_cut(void **state)
{
    static char body[2000000];
    (void)state;
    memset(body, 'a', sizeof(body) - 1);
    json_t *orig = json_pack("{s:s, s:s, s:i, s:s, s:[i]}", "type", "add", "id", "x", "ping", 7,
                             "body", body, "list", 1);
    assert_says(reply_error("why", orig, NOW),
                json_pack("{s:s, s:s, s:{s:s, s:s, s:i}, s:b}", "type", "error", "error", "why",
                          "orig", "type", "add", "id", "x", "ping", 7, "orig_cut", 1));
    json_decref(orig);
    json_t *list = json_array();
    for (int i = 0; i < 1000; i++)
        json_array_append_new(list, json_integer(i));
    orig = json_pack("{s:s, s:o}", "type", "bind", "appid", list);
    assert_says(reply_error("why", orig, NOW),
                json_pack("{s:s, s:s, s:{s:s}, s:b}", "type", "error", "error", "why", "orig",
                          "type", "bind", "orig_cut", 1));
    json_decref(orig);
}

static void test_channels(void **state)
{
    (void)state;
    assert_says(reply_on_channel(reply_closed(NOW), 2147483647),
                json_pack("{s:s, s:i}", "type", "closed", "channel", 2147483647));
    assert_says(reply_on_channel(reply_left("why", false, NOW), 1),
                json_pack("{s:s, s:s, s:i}", "type", "left", "reason", "why", "channel", 1));
    assert_says(reply_left("why", true, NOW),
                json_pack("{s:s, s:s, s:b}", "type", "left", "reason", "why", "alone", 1));
    assert_null(reply_on_channel(NULL, 1));
}

static char *say(const json_t *orig, unsigned which)
{
    static const char *const nameplates[] = {"1", "22"};
    struct relay_message message = {
        .side = "s", .phase = "p", .body = "abcdef", .body_length = 6, .id = "i"};
    struct reply_welcome welcome = {
        .motd = "m", .error = "e", .hashcash_bits = 6, .resource = "r", .channels = 8};

    switch (which) {
    case 0:
        return reply_message(&message, NOW);
    case 1:
        return reply_welcome(&welcome, NOW);
    case 2:
        return reply_nameplates(nameplates, 2, NOW);
    case 3:
        return reply_on_channel(reply_left("why", true, NOW), 2147483647);
    default:
        return reply_error("why", orig, NOW);
    }
}

/* Any allocation may fail: then there is nothing, not a part. */
static void test_without_memory(void **state)
{
    char long_text[2000];

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = 0;
    json_t *orig = json_string(long_text);
    for (unsigned which = 0; which < 5; which++) {
        char *whole = say(orig, which), *text = NULL;
        assert_non_null(whole);
        for (unsigned nth = 1; !text; nth++) {
            scarce_fail_nth(nth);
            text = say(orig, which);
            assert_true(scarce_end() == !text);
        }
        assert_string_equal(text, whole);
        free(text);
        free(whole);
    }
    json_decref(orig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple_ones),    cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_message),        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_quotes_are_cut), cmocka_unit_test(test_channels),
        cmocka_unit_test(test_without_memory),
    };
    scarce_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
