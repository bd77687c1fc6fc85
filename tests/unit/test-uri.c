/* URIs: those of other clients are understood, ours come back as they were, and
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

#define PUBLIC   "ws://relay.magic-wormhole.io:4000/v1"
#define TRANSFER "lothar.com/wormhole/text-or-file-xfer"

static void test_good(void **state)
{
    static const struct {
        const char *text, *code, *relay;
    } cases[] = {
        {"wormhole-transfer:4-hurricane-equipment", "4-hurricane-equipment", PUBLIC},
        {"WORMHOLE-Transfer:4-x", "4-x", PUBLIC},
        {"wormhole-transfer:4-hurricane-equipment?version=0&rendezvous="
         "ws%3A%2F%2Frelay.magic-wormhole.io%3A4000&role=follower",
         "4-hurricane-equipment", PUBLIC},
        {"wormhole-transfer:4-x?", "4-x", PUBLIC},
        {"wormhole-transfer:4-x?&version=0&", "4-x", PUBLIC},
        {"wormhole-transfer:8-%F0%9F%99%88-%f0%9f%99%89", "8-\xf0\x9f\x99\x88-\xf0\x9f\x99\x89",
         PUBLIC},
        {"wormhole-transfer:4-a%3fb%25c", "4-a?b%c", PUBLIC},
        {"wormhole-transfer:4-x/", "4-x", PUBLIC},
        {"wormhole-transfer:4-x//?version=0", "4-x", PUBLIC},
        {"wormhole-transfer:4-x%2F", "4-x/", PUBLIC},
    };
    struct uri uri;
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_true(uri_is(cases[i].text));
        assert_null(uri_parse(cases[i].text, &uri));
        assert_string_equal(uri.code, cases[i].code);
        assert_string_equal(uri.relay, cases[i].relay);
        assert_string_equal(uri.appid, TRANSFER);
        assert_false(uri.send);
    }
    assert_null(uri_parse("wormhole-transfer:4-x?role=leader", &uri));
    assert_true(uri.send);
}

/* The endpoint is the reader's to add, but not everybody knows. */
static void test_relays(void **state)
{
    static const struct {
        const char *rendezvous, *relay;
    } cases[] = {
        {"ws%3A%2F%2F127.0.0.1%3A4000", "ws://127.0.0.1:4000/v1"},
        {"ws%3A%2F%2F127.0.0.1%3A4000%2F", "ws://127.0.0.1:4000/v1"}, /* magic-wormhole.rs */
        {"ws://127.0.0.1:4000//", "ws://127.0.0.1:4000/v1"},
        {"ws://127.0.0.1:4000/v1", "ws://127.0.0.1:4000/v1"},
        {"ws%3a%2f%2f127.0.0.1%3a4000%2fv1%2f", "ws://127.0.0.1:4000/v1"},
        {"wss://relay.example/other/v1", "wss://relay.example/other/v1"},
        {"wss://relay.example/other", "wss://relay.example/other/v1"},
        {"wss://relay.example/other/", "wss://relay.example/other/v1"},
        {"wss://v1", "wss://v1/v1"},
        {"WS://[::1]:4000/", "WS://[::1]:4000/v1"},
    };
    struct uri uri;
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char text[256] = "wormhole-transfer:4-x?rendezvous=";

        assert_null(uri_parse(strcat(text, cases[i].rendezvous), &uri));
        assert_string_equal(uri.relay, cases[i].relay);
    }
}

/* Other applications have a scheme of their own. */
static void test_ours(void **state)
{
    struct uri uri;
    (void)state;
    assert_null(uri_parse("Wormholed:4-x?appid=chat%2Fx&relay=wss%3A%2F%2Fr%2Fthere", &uri));
    assert_string_equal(uri.code, "4-x");
    assert_string_equal(uri.appid, "chat/x");
    assert_string_equal(uri.relay, "wss://r/there");
    assert_null(uri_parse("wormholed:4-x", &uri));
    assert_string_equal(uri.appid, "");
    assert_string_equal(uri.relay, PUBLIC);
    assert_false(uri.send);
    assert_non_null(uri_parse("wormholed:4-x?role=leader", &uri));
    assert_non_null(uri_parse("wormholed:4-x?rendezvous=ws://r", &uri));
    assert_non_null(uri_parse("wormhole-transfer:4-x?appid=chat", &uri));
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
        "wormhole-transfer:/?version=0",
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
        const char *code, *relay, *appid, *uri;
    } cases[] = {
        {"4-hurricane-equipment", PUBLIC, TRANSFER, "wormhole-transfer:4-hurricane-equipment"},
        {"4-x", "ws://127.0.0.1:4000/v1", TRANSFER,
         "wormhole-transfer:4-x?rendezvous=ws%3A%2F%2F127.0.0.1%3A4000"},
        {"4-x", "wss://relay.example/there", TRANSFER,
         "wormholed:4-x?appid=lothar.com%2Fwormhole%2Ftext-or-file-xfer&relay=wss%3A%2F%2Frelay."
         "example%2Fthere"},
        {"4-x", PUBLIC, "chat", "wormholed:4-x?appid=chat"},
        {"4-x", "ws://127.0.0.1:4000/v1", "chat",
         "wormholed:4-x?appid=chat&relay=ws%3A%2F%2F127.0.0.1%3A4000%2Fv1"},
        {"4-a?b%c&d", PUBLIC, TRANSFER, "wormhole-transfer:4-a%3Fb%25c%26d"},
    };
    struct uri uri;
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *made = uri_make(cases[i].code, cases[i].relay, cases[i].appid);
        assert_non_null(made);
        assert_string_equal(made, cases[i].uri);
        assert_null(uri_parse(made, &uri));
        assert_string_equal(uri.code, cases[i].code);
        assert_string_equal(uri.relay, cases[i].relay);
        assert_string_equal(uri.appid, cases[i].appid);
        free(made);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good), cmocka_unit_test(test_relays), cmocka_unit_test(test_ours),
        cmocka_unit_test(test_bad),  cmocka_unit_test(test_limits), cmocka_unit_test(test_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
