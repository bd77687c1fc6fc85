/* Verifiers, derived keys and petnames, over a real store. */
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
#include "tests/unit/rpc-fixture.h"
#include "tests/unit/talk.h"

/* ---- trust ---- */

static void verifying(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x', 'verify': true}");
    talk_refused(fixture->talk, "verify", "{'session': 'n', 'ok': true}", "not-keyed", "");
    talk_refused(fixture->talk, "verify", "{'session': 'n'}", "bad-params", "ok");
    talk_refused(fixture->talk, "verify", "{'session': 'n', 'ok': 1}", "bad-params", "ok");
    rpc_fixture_prove(fixture, "n");
    rpc_fixture_deliver(fixture, "n", 0, "held back");
    rpc_fixture_expect_text(fixture->talk, "show", "{'session': 'n'}", "verification", "pending");
    talk_refused(fixture->talk, "recv", "{'session': 'n'}", "unverified", "verifiers");
    talk_refused(fixture->talk, "derive_key", "{'session': 'n', 'purpose': 'p'}", "unverified", "");
    rpc_fixture_expect_text(fixture->talk, "verify", "{'session': 'n', 'ok': true}", "verification",
                            "done");
    rpc_fixture_expect_text(fixture->talk, "verify", "{'session': 'n', 'ok': true}", "verification",
                            "done");
    rpc_fixture_expect_text(fixture->talk, "recv", "{'session': 'n'}", "data", "held back");
}

static void refusing_a_verifier(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    rpc_fixture_prove(fixture, "n");
    rpc_fixture_deliver(fixture, "n", 0, "never seen");
    rpc_fixture_expect_text(fixture->talk, "verify", "{'session': 'n', 'ok': false}", "result",
                            "errory");
    json_t *nothing = talk_result(fixture->talk, "recv", "{'session': 'n'}");
    assert_true(json_is_null(json_object_get(nothing, "data")));
    json_decref(nothing);
    talk_refused(fixture->talk, "verify", "{'session': 'n', 'ok': true}", "closed", "");
    talk_refused(fixture->talk, "derive_key", "{'session': 'n', 'purpose': 'p'}", "closed", "");
}

static void verifier_in_words(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    rpc_fixture_prove(fixture, "n");
    json_t *view = talk_result(fixture->talk, "show", "{'session': 'n'}");
    const char *words = rpc_fixture_text(view, "verifier_words"), *end = words + strlen(words);
    /* 255, 254, 253: as PGP begins, with two syllables. */
    static const char begin[] = "zulu yesteryear willow ";
    assert_memory_equal(words, begin, strlen(begin));
    int blanks = 0;
    for (const char *at = words; at < end; at++)
        blanks += *at == ' ';
    assert_int_equal(blanks, KEY_BYTES - 1);
    json_decref(view);
}

static void derived_keys(void **state)
{
    struct rpc_fixture *fixture = *state;
    uint8_t secret[KEY_BYTES], key[KEY_BYTES];
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    rpc_fixture_prove(fixture, "n");
    memset(secret, HOUSE_PROVEN_KEY, sizeof(secret));
    keys_derive(secret, "p", key, sizeof(key));
    json_t *result = talk_result(fixture->talk, "derive_key", "{'session': 'n', 'purpose': 'p'}");
    json_t *got = json_object_get(result, "key");
    assert_int_equal(json_string_length(got), KEY_BYTES);
    assert_memory_equal(json_string_value(got), key, KEY_BYTES);
    json_decref(result);
    result = talk_result(fixture->talk, "derive_key",
                         "{'session': 'n', 'purpose': 'p', 'length': 8160}");
    assert_int_equal(json_string_length(json_object_get(result, "key")), 8160);
    json_decref(result);
}

#define PURPOSE_OF_129                                                                             \
    "12345678901234567890123456789012345678901234567890123456789012345"                            \
    "6789012345678901234567890123456789012345678901234567890123456789"

static const struct {
    const char *params, *part;
} no_keys[] = {
    {"{'session': 'n'}", "purpose"},
    {"{'session': 'n', 'purpose': ''}", "purpose"},
    {"{'session': 'n', 'purpose': 'wormhole:verifier'}", "purpose"},
    {"{'session': 'n', 'purpose': '" PURPOSE_OF_129 "'}", "purpose"},
    {"{'session': 'n', 'purpose': 'p', 'length': 0}", "length"},
    {"{'session': 'n', 'purpose': 'p', 'length': 8161}", "length"},
};

static void refused_keys(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    talk_refused(fixture->talk, "derive_key", "{'session': 'n', 'purpose': 'p'}", "not-keyed", "");
    rpc_fixture_prove(fixture, "n");
    for (size_t i = 0; i < sizeof(no_keys) / sizeof(*no_keys); i++)
        talk_refused(fixture->talk, "derive_key", no_keys[i].params, "bad-params", no_keys[i].part);
}

/* ---- names ---- */

static void renaming(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'p', 'code': '7-x'}");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'q', 'code': '8-x'}");
    talk_refused(fixture->talk, "rename", "{'session': 'p', 'name': 'q'}", "name-taken", "");
    talk_refused(fixture->talk, "rename", "{'session': 'p', 'name': '-q'}", "bad-params", "name");
    rpc_fixture_expect_text(fixture->talk, "show", "{'session': 'p'}", "name", "p");
    rpc_fixture_expect_text(fixture->talk, "rename", "{'session': 'p', 'name': 'p'}", "name", "p");
    rpc_fixture_expect_text(fixture->talk, "rename", "{'session': 'p', 'name': 'r'}", "name", "r");
    talk_refused(fixture->talk, "show", "{'session': 'p'}", "not-found", "");
    rpc_fixture_expect_text(fixture->talk, "rename", "{'session': 'q', 'name': 'p'}", "name", "p");
    json_t *view = talk_result(fixture->talk, "rename", "{'session': 'r'}");
    assert_true(json_is_null(json_object_get(view, "name")));
    char params[64];
    snprintf(params, sizeof(params), "{'session': '%s', 'name': 'r'}",
             rpc_fixture_text(view, "id"));
    json_decref(view);
    rpc_fixture_expect_text(fixture->talk, "rename", params, "name", "r");
    rpc_fixture_expect_text(fixture->talk, "close", "{'session': 'r'}", "result", "lonely");
    rpc_fixture_expect_text(fixture->talk, "rename", "{'session': 'r', 'name': 'ended'}", "name",
                            "ended");
}

static const struct {
    const char *request;
    bool done;
} of_one_turn[] = {
    {"[0, 1, 'rename', [{'session': 'a', 'name': 'x'}]]", true},
    {"[0, 2, 'rename', [{'session': 'b', 'name': 'x'}]]", false},
    {"[0, 3, 'invite', [{'name': 'x'}]]", false},
    {"[0, 4, 'rename', [{'session': 'b', 'name': 'a'}]]", true},
    {"[0, 5, 'invite', [{'name': 'b'}]]", true},
};
#define OF_ONE_TURN (sizeof(of_one_turn) / sizeof(*of_one_turn))

static void say_at_once(struct talk *talk)
{
    char all[1024];
    size_t total = 0;
    for (size_t i = 0; i < OF_ONE_TURN; i++) {
        size_t length;
        void *data = talk_pack(of_one_turn[i].request, &length);
        memcpy(all + total, data, length);
        total += length;
        free(data);
    }
    assert_int_equal(talk_bytes(talk, all, total), total);
}

/* The first one gets the name, and the other ones what is left. */
static void names_of_one_turn(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'a', 'code': '7-x'}");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'b', 'code': '8-x'}");
    say_at_once(fixture->talk);
    for (size_t i = 0; i < OF_ONE_TURN; i++) {
        json_t *message = talk_hear(fixture->talk);
        assert_int_equal(json_is_null(json_array_get(message, 2)), of_one_turn[i].done);
        json_decref(message);
    }
    rpc_fixture_expect_number(fixture->talk, "status", "{}", "sessions", 3);
    rpc_fixture_expect_text(fixture->talk, "show", "{'session': 'x'}", "code", "7-x");
    rpc_fixture_expect_text(fixture->talk, "show", "{'session': 'a'}", "code", "8-x");
    rpc_fixture_do(fixture->talk, "show", "{'session': 'b'}");
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, rpc_fixture_set_up, rpc_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(verifying),         TEST(refusing_a_verifier), TEST(verifier_in_words),
        TEST(derived_keys),      TEST(refused_keys),        TEST(renaming),
        TEST(names_of_one_turn),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
