/* wormhole-transfer: URIs: those of other clients are understood, ours come back as they were, and
 * nonsense is refused with a reason. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/uri.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static void test_good(void **state)
{
    static const struct {
        const char *text, *code, *relay;
    } cases[] = {
        {"wormhole-transfer:4-hurricane-equipment", "4-hurricane-equipment", ""},
        {"WORMHOLE-Transfer:4-x", "4-x", ""},
        {"wormhole-transfer:4-hurricane-equipment?version=0&rendezvous="
         "ws%3A%2F%2Frelay.magic-wormhole.io%3A4000&role=follower",
         "4-hurricane-equipment", "ws://relay.magic-wormhole.io:4000/v1"},
        {"wormhole-transfer:4-x?rendezvous=wss://relay.example/other/v1", "4-x",
         "wss://relay.example/other/v1"},
        {"wormhole-transfer:4-x?role=leader", "4-x", ""},
        {"wormhole-transfer:4-x?", "4-x", ""},
        {"wormhole-transfer:4-x?&version=0&", "4-x", ""},
        {"wormhole-transfer:8-%F0%9F%99%88-%f0%9f%99%89", "8-\xf0\x9f\x99\x88-\xf0\x9f\x99\x89",
         ""},
        {"wormhole-transfer:4-a%3fb%25c", "4-a?b%c", ""},
    };
    struct uri uri;
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_true(uri_is(cases[i].text));
        assert_null(uri_parse(cases[i].text, &uri));
        assert_string_equal(uri.code, cases[i].code);
        assert_string_equal(uri.relay, cases[i].relay);
    }
}

static void test_bad(void **state)
{
    static const char *const cases[] = {
        "",
        "wormhole-transfer",
        "wormhole:4-x",
        "4-hurricane-equipment",
        "wormhole-transfer:",
        "wormhole-transfer:?version=0",
        "wormhole-transfer://4-x",
        "wormhole-transfer:4-x?version=1",
        "wormhole-transfer:4-x?version",
        "wormhole-transfer:4-x?role=spectator",
        "wormhole-transfer:4-x?unknown=1",
        "wormhole-transfer:4-x?Version=0",
        "wormhole-transfer:4-x?version=0&a-name-that-is-too-long-for-any-field=1",
        "wormhole-transfer:4-%",
        "wormhole-transfer:4-%4",
        "wormhole-transfer:4-%4?version=0",
        "wormhole-transfer:4-%zz",
        "wormhole-transfer:4-%00x",
        "wormhole-transfer:4-x?rendezvous=%0",
    };
    struct uri uri;
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        if (uri_parse(cases[i], &uri) == NULL)
            fail_msg("'%s' was taken", cases[i]);
}

static void test_limits(void **state)
{
    char text[2048] = "wormhole-transfer:";
    struct uri uri;
    (void)state;
    memset(text + strlen(text), 'x', URI_CODE_MAX);
    assert_null(uri_parse(text, &uri));
    assert_int_equal(strlen(uri.code), URI_CODE_MAX);
    strcat(text, "x");
    assert_non_null(uri_parse(text, &uri));

    strcpy(text, "wormhole-transfer:4-x?rendezvous=ws://");
    memset(text + strlen(text), 'y', URI_RELAY_MAX - strlen("ws:///v1"));
    assert_null(uri_parse(text, &uri));
    assert_int_equal(strlen(uri.relay), URI_RELAY_MAX);
    strcat(text, "y");
    assert_non_null(uri_parse(text, &uri));
}

/* What is made means what it was made from; the public relay goes without saying. */
static void test_made(void **state)
{
    static const struct {
        const char *code, *relay, *uri;
    } cases[] = {
        {"4-hurricane-equipment", "ws://relay.magic-wormhole.io:4000/v1",
         "wormhole-transfer:4-hurricane-equipment"},
        {"4-x", "ws://127.0.0.1:4000/v1",
         "wormhole-transfer:4-x?rendezvous=ws%3A%2F%2F127.0.0.1%3A4000"},
        {"4-x", "wss://relay.example/there",
         "wormhole-transfer:4-x?rendezvous=wss%3A%2F%2Frelay."
         "example%2Fthere"},
        {"4-a?b%c&d", "ws://relay.magic-wormhole.io:4000/v1", "wormhole-transfer:4-a%3Fb%25c%26d"},
    };
    struct uri uri;
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *made = uri_make(cases[i].code, cases[i].relay);
        assert_non_null(made);
        assert_string_equal(made, cases[i].uri);
        assert_null(uri_parse(made, &uri));
        assert_string_equal(uri.code, cases[i].code);
        if (uri.relay[0] != '\0')
            assert_string_equal(uri.relay, cases[i].relay);
        free(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
