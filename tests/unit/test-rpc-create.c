/* invite and accept over a real store: what sessions are like from the beginning, and what is
 * refused. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "service/log.h"
#include "state/store.h"
#include "tests/unit/rpc-fixture.h"
#include "tests/unit/talk.h"
#include "wormhole/payload.h"

static void invite_and_accept(void **state)
{
    struct rpc_fixture *fixture = *state;
    json_t *view = talk_result(fixture->talk, "invite", "{'name': 'n', 'timeout': 60000}");
    assert_string_equal(rpc_fixture_text(view, "state"), "allocating");
    assert_string_equal(rpc_fixture_text(view, "appid"), RPC_DEFAULT_APPID);
    assert_string_equal(rpc_fixture_text(view, "relay"), "ws://127.0.0.1:1/v1");
    assert_string_equal(rpc_fixture_text(view, "schedule"), "email");
    assert_string_equal(rpc_fixture_text(view, "connection"), "none");
    assert_int_equal(rpc_fixture_number(view, "deadline") - rpc_fixture_number(view, "created"),
                     60000);
    assert_true(json_is_null(json_object_get(view, "code")));
    assert_true(json_is_null(json_object_get(view, "verifier")));
    assert_int_equal(rpc_fixture_number(view, "timeout"), 60000);
    assert_int_equal(rpc_fixture_number(view, "expire"), 14 * 86400 * 1000);
    json_decref(view);
    view = talk_result(fixture->talk, "invite", "{'timeout': 60000, 'expire': 90000}");
    assert_int_equal(rpc_fixture_number(view, "expire"), 90000);
    json_decref(view);
    view = talk_result(fixture->talk, "invite", "{'timeout': 2592000000}");
    assert_true(rpc_fixture_number(view, "expire") == rpc_fixture_number(view, "timeout"));
    json_decref(view);
    view =
        talk_result(fixture->talk, "accept",
                    "{'code': '7-a', 'appid': 'x', 'relay': 'wss://h:5/v1', 'schedule': '0:60'}");
    assert_string_equal(rpc_fixture_text(view, "code"), "7-a");
    assert_string_equal(rpc_fixture_text(view, "appid"), "x");
    assert_string_equal(rpc_fixture_text(view, "relay"), "wss://h:5/v1");
    assert_string_equal(rpc_fixture_text(view, "schedule"), "0:60");
    assert_string_equal(rpc_fixture_text(view, "state"), "waiting");
    json_decref(view);
    rpc_fixture_expect_text(fixture->talk, "show", "{'session': 'n'}", "name", "n");
}

/* Two of one daemon would meet each other, and the friend nobody. */
static void own_code(void **state)
{
    static const char *const same[] = {
        "{'code': '5-x', 'relay': 'ws://127.0.0.1:9/v1'}",
        "{'code': '5-another', 'relay': 'ws://127.0.0.1:9/v1'}",
        "{'code': '5-x', 'relay': 'WS://LocalHost:9/elsewhere'}",
        "{'code': '5-x', 'relay': 'ws://[::1]:9/'}",
        "{'code': ' \\uff15 Crossover\\u2013Clockwork', 'relay': 'ws://127.0.0.1:9/v1'}",
    };
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite",
                   "{'name': 'n', 'code': '5-x', 'relay': 'ws://127.0.0.1:9/v1'}");
    rpc_fixture_do(fixture->talk, "accept", "{'code': '5-x', 'relay': 'ws://127.0.0.1:8/v1'}");
    rpc_fixture_do(fixture->talk, "accept",
                   "{'code': '5-x', 'appid': 'other', 'relay': 'ws://127.0.0.1:9/v1'}");
    rpc_fixture_do(fixture->talk, "accept", "{'code': '55-x', 'relay': 'ws://127.0.0.1:9/v1'}");
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        talk_refused(fixture->talk, "invite", same[i], "bad-code", "meet itself");
        talk_refused(fixture->talk, "accept", same[i], "bad-code", "meet itself");
    }
    talk_refused(fixture->talk, "invite",
                 "{'name': 'n', 'code': '5-x', 'relay': 'ws://127.0.0.1:9/v1'}", "name-taken", "");
    rpc_fixture_do(fixture->talk, "forget", "{'session': 'n', 'force': true}");
    rpc_fixture_do(fixture->talk, "accept", same[0]);
}

/* As people write and paste them; those of their own stay as they are. */
static void codes_as_they_come(void **state)
{
    static const struct {
        const char *method, *params, *code;
    } cases[] = {
        {"accept", "{'code': ' 7-CROSSOVER-Clockwork\\u00a0'}", "7-crossover-clockwork"},
        {"accept", "{'code': '8 crossover\\u2013clockwork\\u200b'}", "8-crossover-clockwork"},
        {"invite", "{'code': '9-Apollo\\n'}", "9-apollo"},
        {"invite", "{'code': '10-MyOwn'}", "10-MyOwn"},
        {"accept", "{'code': '0-'}", "0-"},
    };
    struct rpc_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        json_t *view = talk_result(fixture->talk, cases[i].method, cases[i].params);
        assert_string_equal(rpc_fixture_text(view, "code"), cases[i].code);
        json_decref(view);
    }
}

/* Options, and what the sentence about them names. */
static const struct {
    const char *params, *part;
} refused[] = {
    {"{'name': ''}", "name"},
    {"{'name': 5}", "name"},
    {"{'name': 'a/b'}", "name"},
    {"{'name': '-rf'}", "name"},
    {"{'name': ' x'}", "name"},
    {"{'name': 'x '}", "name"},
    {"{'name': 'a\\nb'}", "name"},
    {"{'name': '\\u009b2J'}", "name"},
    {"{'name': '0123456789abcDEF'}", "name"},
    {"{'name': '1234567890123456789012345678901234567890123456789012345678901234x'}", "name"},
    {"{'appid': ''}", "appid"},
    {"{'appid': 'a\\tb'}", "appid"},
    {"{'relay': 'http://x/'}", "relay"},
    {"{'relay': ''}", "relay"},
    {"{'schedule': 'often'}", "schedule"},
    {"{'schedule': 5}", "schedule"},
    {"{'timeout': 999}", "timeout"},
    {"{'timeout': 31622400001}", "timeout"},
    {"{'timeout': '14d'}", "timeout"},
    {"{'expire': 999}", "expire"},
    {"{'words': 0}", "words"},
    {"{'words': 17}", "words"},
    {"{'code': 7}", "code"},
    {"{'app_versions': 5}", "app_versions"},
    {"{'app_versions': ''}", "app_versions"},
    {"{'app_versions': '[1]'}", "app_versions"},
    {"{'app_versions': '[[]]'}", "app_versions"},
    {"{'app_versions': '{} {}'}", "app_versions"},
    {"{'verify': 1}", "verify"},
    {"{'once': 1}", "once"},
    {"{'inbox_messages': 0}", "inbox_messages"},
    {"{'inbox_messages': 4097}", "inbox_messages"},
    {"{'inbox_bytes': 0}", "inbox_bytes"},
    {"{'inbox_bytes': 67108865}", "inbox_bytes"},
};

static void refused_options(void **state)
{
    struct rpc_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        talk_refused(fixture->talk, "invite", refused[i].params, "bad-params", refused[i].part);
    talk_refused(fixture->talk, "invite", "{'code': '7 a'}", "bad-code", "");
    talk_refused(fixture->talk, "invite", "{'code': '7-my\\u200bown'}", "bad-code", "seen");
    talk_refused(fixture->talk, "accept", "{'code': '7\\u2013my-own'}", "bad-code", "hyphen");
    talk_refused(fixture->talk, "accept", "{}", "bad-params", "code");
    talk_refused(fixture->talk, "accept", "{'code': 'seven'}", "bad-code", "");
    rpc_fixture_expect_number(fixture->talk, "status", "{}", "sessions", 0);
}

static void what_peers_see(void **state)
{
    struct rpc_fixture *fixture = *state;
    json_t *view = talk_result(fixture->talk, "invite", "{'code': '7-x'}");
    assert_string_equal(rpc_fixture_text(view, "app_versions"), "{}");
    assert_string_equal(rpc_fixture_text(view, "verification"), "none");
    assert_int_equal(rpc_fixture_number(view, "inbox_messages"), SESSION_INBOX_MAX);
    assert_int_equal(rpc_fixture_number(view, "inbox_bytes"), SESSION_INBOX_BYTES_MAX);
    assert_true(json_is_false(json_object_get(view, "paused")));
    static const char *const nils[] = {"verifier", "verifier_words", "delivered", "read"};
    for (size_t i = 0; i < sizeof(nils) / sizeof(*nils); i++)
        assert_true(json_is_null(json_object_get(view, nils[i])));
    json_decref(view);
    view = talk_result(fixture->talk, "accept",
                       "{'code': '8-x', 'verify': true, 'inbox_messages': 3, 'inbox_bytes': 4, "
                       "'app_versions': ' {\\\"a\\\": [1, {}]}'}");
    assert_string_equal(rpc_fixture_text(view, "app_versions"), "{\"a\":[1,{}]}");
    assert_string_equal(rpc_fixture_text(view, "verification"), "pending");
    assert_int_equal(rpc_fixture_number(view, "inbox_messages"), 3);
    assert_int_equal(rpc_fixture_number(view, "inbox_bytes"), 4);
    json_decref(view);
}

/* {"a": "xxx…"} of so many bytes, as a parameter. */
static json_t *ask_with_versions(struct talk *talk, int length, const char *filling)
{
    char versions[2 * PAYLOAD_VERSIONS_MAX] = "{\\\"a\\\":\\\"", params[3 * PAYLOAD_VERSIONS_MAX];
    const int around = (int)strlen("{\"a\":\"\"}");
    for (int i = around; i < length; i += (int)strlen(filling))
        strcat(versions, filling);
    strcat(versions, "\\\"}");
    snprintf(params, sizeof(params), "{'app_versions': '%s'}", versions);
    return talk_ask(talk, "invite", params);
}

/* What a peer would not keep is refused here, where somebody can do something about it. */
static void longest_versions(void **state)
{
    static const struct {
        int length;
        const char *filling;
        bool fits;
    } rows[] = {
        {PAYLOAD_VERSIONS_MAX, "x", true},
        {PAYLOAD_VERSIONS_MAX + 1, "x", false},
        {PAYLOAD_VERSIONS_MAX / 4, "\xc3\xbc", true},
        {PAYLOAD_VERSIONS_MAX / 2, "\xc3\xbc", false}, /* six bytes each in ASCII */
    };
    struct rpc_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        json_t *answer = ask_with_versions(fixture->talk, rows[i].length, rows[i].filling);
        assert_int_equal(json_is_null(json_array_get(answer, 0)), rows[i].fits);
        const char *seen = rpc_fixture_text(json_array_get(answer, 1), "app_versions");
        assert_true(!rows[i].fits || strcmp(seen, "{}") != 0);
        json_decref(answer);
    }
}

static uint32_t words_of(struct rpc_fixture *fixture, const char *name)
{
    struct kv_txn *txn = kv_read(fixture->rpc.store);
    struct session *session = rpc_fixture_take_out(txn, name);
    uint32_t words = session->words;
    session_free(session);
    kv_end(txn);
    return words;
}

static void words_of_a_code(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'r', 'schedule': 'realtime'}");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'e'}");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'l', 'schedule': '0:60'}");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'w', 'schedule': 'realtime', 'words': 7}");
    assert_int_equal(words_of(fixture, "r"), 2);
    assert_int_equal(words_of(fixture, "e"), 3);
    assert_int_equal(words_of(fixture, "l"), 3);
    assert_int_equal(words_of(fixture, "w"), 7);
}

static void usual_for_an_application(void **state)
{
    struct rpc_fixture *fixture = *state;
    struct settings_appid *usual = calloc(1, sizeof(*usual));
    *usual = (struct settings_appid){.appid = strdup("x"),
                                     .relay = strdup("ws://127.0.0.1:2/v1"),
                                     .schedule = strdup("realtime"),
                                     .timeout = 60000,
                                     .words = 5};
    fixture->settings.sections.appids = usual;
    json_t *view = talk_result(fixture->talk, "invite", "{'name': 'n', 'appid': 'x'}");
    assert_string_equal(rpc_fixture_text(view, "relay"), usual->relay);
    assert_string_equal(rpc_fixture_text(view, "schedule"), "realtime");
    assert_int_equal(rpc_fixture_number(view, "deadline") - rpc_fixture_number(view, "created"),
                     60000);
    assert_int_equal(words_of(fixture, "n"), 5);
    json_decref(view);
    view = talk_result(fixture->talk, "invite",
                       "{'name': 'm', 'appid': 'x', 'relay': 'ws://127.0.0.1:3/', 'words': 2,"
                       " 'schedule': 'email', 'timeout': 1000}");
    assert_string_equal(rpc_fixture_text(view, "relay"), "ws://127.0.0.1:3/");
    assert_string_equal(rpc_fixture_text(view, "schedule"), "email");
    assert_int_equal(rpc_fixture_number(view, "deadline") - rpc_fixture_number(view, "created"),
                     1000);
    assert_int_equal(words_of(fixture, "m"), 2);
    json_decref(view);
    rpc_fixture_expect_text(fixture->talk, "invite", "{'appid': 'y'}", "relay",
                            "ws://127.0.0.1:1/v1");
    talk_refused(fixture->talk, "nameplates", "{'appid': 'x'}", "unreachable", ":2");
}

static void names_at_the_limits(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite",
                   "{'name': '1234567890123456789012345678901234567890123456789012345678901234'}");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'Grüße an 你'}");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'cafe'}");
    rpc_fixture_do(fixture->talk, "invite", "{'name': '0123456789abcdeg'}");
    talk_refused(fixture->talk, "invite", "{'name': 'cafe'}", "name-taken", "");
    rpc_fixture_expect_number(fixture->talk, "status", "{}", "sessions", 4);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, rpc_fixture_set_up, rpc_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(own_code),
        TEST(invite_and_accept),
        TEST(refused_options),
        TEST(what_peers_see),
        TEST(longest_versions),
        TEST(words_of_a_code),
        TEST(usual_for_an_application),
        TEST(names_at_the_limits),
        TEST(codes_as_they_come),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
