/* A relay's URL is taken apart exactly, and what could smuggle something into a request is refused.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "net/url.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define LABEL_63      "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"

static void test_parts(void **state)
{
    static const struct {
        const char *text;
        struct url url;
        const char *host_header;
        const char *where;
    } cases[] = {
        {"ws://relay.example:4000/v1",
         {false, false, 4000, "relay.example", "/v1"},
         "relay.example:4000",
         "relay.example:4000"},
        {"wss://relay.example/v1?a=b",
         {true, false, 443, "relay.example", "/v1?a=b"},
         "relay.example",
         "relay.example:443"},
        {"ws://relay", {false, false, 80, "relay", "/"}, "relay", "relay:80"},
        {"ws://relay/", {false, false, 80, "relay", "/"}, "relay", "relay:80"},
        {"ws://relay?x", {false, false, 80, "relay", "/?x"}, "relay", "relay:80"},
        {"ws://relay:443/", {false, false, 443, "relay", "/"}, "relay:443", "relay:443"},
        {"wss://relay:443/", {true, false, 443, "relay", "/"}, "relay", "relay:443"},
        {"WSS://Relay.Example:65535/V1",
         {true, false, 65535, "relay.example", "/V1"},
         "relay.example:65535",
         "relay.example:65535"},
        {"ws://127.0.0.1:1/v1", {false, true, 1, "127.0.0.1", "/v1"}, "127.0.0.1:1", "127.0.0.1:1"},
        {"ws://[::1]:4000/v1", {false, true, 4000, "::1", "/v1"}, "[::1]:4000", "[::1]:4000"},
        {"wss://[2001:DB8::1]",
         {true, true, 443, "2001:db8::1", "/"},
         "[2001:db8::1]",
         "[2001:db8::1]:443"},
        {"ws://4chan.example/a@b:c",
         {false, false, 80, "4chan.example", "/a@b:c"},
         "4chan.example",
         "4chan.example:80"},
        {"ws://" LABEL_63 ".x_y-z.7a/",
         {false, false, 80, LABEL_63 ".x_y-z.7a", "/"},
         LABEL_63 ".x_y-z.7a",
         LABEL_63 ".x_y-z.7a:80"},
    };
    char text[URL_HOST_HEADER_SIZE];

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct url url;

        assert_int_equal(url_parse(cases[i].text, &url), URL_OK);
        assert_int_equal(url.tls, cases[i].url.tls);
        assert_int_equal(url.literal, cases[i].url.literal);
        assert_int_equal(url.port, cases[i].url.port);
        assert_string_equal(url.host, cases[i].url.host);
        assert_string_equal(url.path, cases[i].url.path);
        url_host_header(&url, text, sizeof(text));
        assert_string_equal(text, cases[i].host_header);
        url_where(&url, text, sizeof(text));
        assert_string_equal(text, cases[i].where);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text;
        enum url_fault fault;
    } cases[] = {
        {"", URL_SCHEME},
        {"relay.example:4000", URL_SCHEME},
        {"http://relay.example/", URL_SCHEME},
        {"ws:/relay.example/", URL_SCHEME},
        {" ws://relay.example/", URL_SCHEME},
        {"ws://", URL_HOST},
        {"ws:///v1", URL_HOST},
        {"ws://:4000/", URL_HOST},
        {"ws://me@relay/", URL_HOST},
        {"ws://me:secret@relay/", URL_HOST},
        {"ws://re lay/", URL_HOST},
        {"ws://relay..example/", URL_HOST},
        {"ws://relay.example./", URL_HOST},
        {"ws://-relay/", URL_HOST},
        {"ws://relay-/", URL_HOST},
        {"ws://rel\r\nHost:evil/", URL_HOST},
        {"ws://r\xc3\xa9lay/", URL_HOST},
        {"ws://" LABEL_63 "d/", URL_HOST},
        {"ws://127.1/", URL_HOST},
        {"ws://256.0.0.1/", URL_HOST},
        {"ws://1.2.3.4.5/", URL_HOST},
        {"ws://127.0x1/", URL_HOST},
        {"ws://::1/", URL_HOST},
        {"ws://[::1/", URL_HOST},
        {"ws://[]/", URL_HOST},
        {"ws://[::g]/", URL_HOST},
        {"ws://[fe80::1%25eth0]/", URL_HOST},
        {"ws://[127.0.0.1]/", URL_HOST},
        {"ws://[::1]x/", URL_HOST},
        {"ws://relay:/", URL_PORT},
        {"ws://relay:0/", URL_PORT},
        {"ws://relay:65536/", URL_PORT},
        {"ws://relay:000080/", URL_PORT},
        {"ws://relay:-1/", URL_PORT},
        {"ws://relay:+80/", URL_PORT},
        {"ws://relay:http/", URL_PORT},
        {"ws://relay:80x/", URL_HOST},
        {"ws://relay/#top", URL_PATH},
        {"ws://relay#top", URL_PATH},
        {"ws://relay/a b", URL_PATH},
        {"ws://relay/a\r\nX: y", URL_PATH},
        {"ws://relay/\x7f", URL_PATH},
        {"ws://relay/\xc3\xa9", URL_PATH},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct url url = {.port = 7};

        if (url_parse(cases[i].text, &url) != cases[i].fault)
            fail_msg("%s: %d", cases[i].text, url_parse(cases[i].text, &url));
        assert_int_equal(url.port, 7); /* untouched */
        assert_true(strlen(url_fault_text(cases[i].fault)) > 10);
    }
}

static void test_length(void **state)
{
    char text[URL_MAX + 2];
    struct url url;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "ws://relay?", strlen("ws://relay?"));
    text[URL_MAX] = '\0';
    assert_int_equal(url_parse(text, &url), URL_OK);
    assert_int_equal(strlen(url.path), URL_MAX - strlen("ws://relay") + 1);
    text[URL_MAX] = 'a';
    text[URL_MAX + 1] = '\0';
    assert_int_equal(url_parse(text, &url), URL_TOO_LONG);

    snprintf(text, sizeof(text), "ws://%s.%s.%s.%s", LABEL_63, LABEL_63, LABEL_63, LABEL_63);
    assert_int_equal(url_parse(text, &url), URL_OK); /* 255 bytes */
    text[strlen("ws://") + 63] = 'a';                /* a label too long */
    assert_int_equal(url_parse(text, &url), URL_HOST);
    snprintf(text, sizeof(text), "ws://a.%s.%s.%s.%s", LABEL_63, LABEL_63, LABEL_63, LABEL_63);
    assert_int_equal(url_parse(text, &url), URL_HOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
