/* A proxy's URL is taken apart exactly; what could smuggle something into what is said to a proxy
 * is refused, and no refusal repeats the password. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "net/proxy.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static void test_parts(void **state)
{
    static const struct {
        const char *text;
        struct proxy proxy;
    } cases[] = {
        {"socks5h://localhost", {PROXY_SOCKS5, {.port = 1080, .host = "localhost"}, "", "", false}},
        {"http://localhost", {PROXY_HTTP, {.port = 1080, .host = "localhost"}, "", "", false}},
        {"http://localhost/", {PROXY_HTTP, {.port = 1080, .host = "localhost"}, "", "", false}},
        {"HTTP://Proxy.Example:3128",
         {PROXY_HTTP, {.port = 3128, .host = "proxy.example"}, "", "", false}},
        {"socks5h://127.0.0.1:9050",
         {PROXY_SOCKS5, {.literal = true, .port = 9050, .host = "127.0.0.1"}, "", "", false}},
        {"socks5h://[::1]:9050",
         {PROXY_SOCKS5, {.literal = true, .port = 9050, .host = "::1"}, "", "", false}},
        {"socks5h://me@proxy:1", {PROXY_SOCKS5, {.port = 1, .host = "proxy"}, "me", "", false}},
        {"socks5h://me:@proxy", {PROXY_SOCKS5, {.port = 1080, .host = "proxy"}, "me", "", false}},
        {"http://me:secret@proxy",
         {PROXY_HTTP, {.port = 1080, .host = "proxy"}, "me", "secret", false}},
        {"http://me:s:c@proxy", {PROXY_HTTP, {.port = 1080, .host = "proxy"}, "me", "s:c", false}},
        {"http://m%65:%40%2f%3A%25@[::1]",
         {PROXY_HTTP, {.literal = true, .port = 1080, .host = "::1"}, "me", "@/:%", false}},
        {"http://\xc3\xa4:%C3%a4@proxy",
         {PROXY_HTTP, {.port = 1080, .host = "proxy"}, "\xc3\xa4", "\xc3\xa4", false}},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct proxy proxy;
        char why[256] = "";

        if (!proxy_parse(cases[i].text, &proxy, why, sizeof(why)))
            fail_msg("%s: %s", cases[i].text, why);
        assert_int_equal(proxy.protocol, cases[i].proxy.protocol);
        assert_int_equal(proxy.url.literal, cases[i].proxy.url.literal);
        assert_int_equal(proxy.url.port, cases[i].proxy.url.port);
        assert_string_equal(proxy.url.host, cases[i].proxy.url.host);
        assert_string_equal(proxy.user, cases[i].proxy.user);
        assert_string_equal(proxy.password, cases[i].proxy.password);
    }
}

#define SCHEME "the proxy must begin with socks5h:// or http://"
#define HOST                                                                                       \
    "the proxy needs a plain host name or an IP address (IPv6 in brackets); in its password "      \
    "/ ? # and @ are written as %2F %3F %23 and %40"
#define PORT "the proxy's port must be a number from 1 to 65535"
#define WORD                                                                                       \
    "the proxy's user name and password must be of at most 255 bytes each, none of them a "        \
    "control character, and % only stands before two hexadecimal digits"
#define USER "the proxy's user name must not be empty or contain a colon"
#define PATH "a proxy has no path"

static void expect_refusal(const char *text, const char *expected)
{
    struct proxy proxy = {.url.port = 7};
    char why[256] = "";

    if (proxy_parse(text, &proxy, why, sizeof(why)))
        fail_msg("%s is taken", text);
    assert_string_equal(why, expected);
    assert_int_equal(proxy.url.port, 7); /* written on success only */
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", SCHEME},
        {"localhost:1080", SCHEME},
        {"socks5://localhost", SCHEME}, /* would have the names looked up here */
        {"socks4a://localhost", SCHEME},
        {"https://localhost", SCHEME},
        {"ws://localhost", SCHEME},
        {" http://localhost", SCHEME},
        {"http://", HOST},
        {"http://:80", HOST},
        {"http://me:secret@", HOST},
        {"http://me:sec@ret@proxy", HOST},
        {"http://me:sec/ret@proxy", PORT},
        {"http://[::1", HOST},
        {"http://[proxy]", HOST},
        {"http://[::1]x", HOST},
        {"http://pro xy", HOST},
        {"http://127.1", HOST},
        {"http://proxy\r\n", HOST},
        {"http://proxy:", PORT},
        {"http://proxy:0", PORT},
        {"http://proxy:65536", PORT},
        {"http://proxy:x", PORT},
        {"http://proxy:1x", HOST},
        {"http://@proxy", USER},
        {"http://:secret@proxy", USER},
        {"http://a%3ab:secret@proxy", USER},
        {"http://me:secret%@proxy", WORD},
        {"http://me:secret%4@proxy", WORD},
        {"http://me:secret%4g@proxy", WORD},
        {"http://me:secret%\x14\x11@proxy", WORD},
        {"http://me%00:secret@proxy", WORD},
        {"http://me:%0d%0aX-Evil:1@proxy", WORD},
        {"http://me:\x7f@proxy", WORD},
        {"http://proxy/path", PATH},
        {"http://proxy/?", PATH},
        {"http://proxy?x", PATH},
        {"http://proxy#x", PATH},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        expect_refusal(cases[i].text, cases[i].why);
}

/* "http://", so many bytes of user name and password, each written in `unit`, and a host. */
static const char *with_words(size_t user, size_t password, const char *unit)
{
    static char text[PROXY_URL_MAX * 2];
    size_t length = (size_t)snprintf(text, sizeof(text), "http://");

    for (size_t i = 0; i < user; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", unit);
    text[length++] = ':';
    for (size_t i = 0; i < password; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", unit);
    snprintf(text + length, sizeof(text) - length, "@proxy");
    return text;
}

static void test_lengths(void **state)
{
    struct proxy proxy;
    char why[256] = "";

    (void)state;
    assert_true(proxy_parse(with_words(255, 255, "%41"), &proxy, why, sizeof(why)));
    assert_int_equal(strlen(proxy.user), 255);
    assert_int_equal(strlen(proxy.password), 255);
    expect_refusal(with_words(256, 1, "a"), WORD);
    expect_refusal(with_words(1, 256, "a"), WORD);
    expect_refusal(with_words(1, PROXY_URL_MAX, "a"), "the proxy is too long");
}

/* What people are shown names neither the user nor the password. */
static void test_text(void **state)
{
    struct proxy proxy;
    char why[256], text[PROXY_TEXT_SIZE];
    (void)state;
    assert_true(proxy_parse("socks5h://me:secret@Tor.example", &proxy, why, sizeof(why)));
    proxy_text(&proxy, text);
    assert_string_equal(text, "socks5h://tor.example:1080");
    assert_true(proxy_parse("http://me@[::1]:8080", &proxy, why, sizeof(why)));
    proxy_text(&proxy, text);
    assert_string_equal(text, "http://[::1]:8080");
}

static void test_wipe(void **state)
{
    static const struct proxy nothing;
    struct proxy proxy;
    char why[256];

    (void)state;
    assert_true(proxy_parse("http://me:secret@proxy", &proxy, why, sizeof(why)));
    proxy_wipe(&proxy);
    assert_memory_equal(&proxy, &nothing, sizeof(proxy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_lengths), cmocka_unit_test(test_text),
        cmocka_unit_test(test_wipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
