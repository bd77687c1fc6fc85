/* What is said to a proxy is exactly what the RFCs say, and whatever it answers, in whatever
 * pieces, is a tunnel or one sentence that says what it refused. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/tunnel.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* Bytes with NULs among them, from a string literal. */
struct bytes {
    const char *data;
    size_t length;
};
#define BYTES(literal)                                                                             \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

struct scene {
    struct proxy proxy;
    struct url url;
    struct tunnel tunnel;
};

static void scene_begin(struct scene *scene, const char *proxy, const char *url)
{
    char why[256] = "";

    if (!proxy_parse(proxy, &scene->proxy, why, sizeof(why)))
        fail_msg("%s: %s", proxy, why);
    assert_int_equal(url_parse(url, &scene->url), URL_OK);
    tunnel_begin(&scene->tunnel, &scene->proxy, &scene->url);
}

static void expect_said(struct tunnel *tunnel, struct bytes said)
{
    assert_int_equal(tunnel->say_length, said.length);
    assert_memory_equal(tunnel->say, said.data, said.length);
    tunnel->say_length = 0;
}

/* Feeds, in pieces of `chunk` bytes, everything that it takes. Returns how many bytes that was. */
static size_t feed(struct tunnel *tunnel, struct bytes bytes, size_t chunk)
{
    size_t taken = 0, used;

    while (taken < bytes.length && tunnel->progress == TUNNEL_MORE && tunnel->say_length == 0) {
        size_t length = bytes.length - taken < chunk ? bytes.length - taken : chunk;
        char *copy = malloc(length); /* so that a sanitizer sees a read behind its end */

        assert_non_null(copy);
        memcpy(copy, bytes.data + taken, length);
        enum tunnel_progress progress = tunnel_feed(tunnel, copy, length, &used);
        assert_int_equal(progress, tunnel->progress);
        free(copy);
        taken += used;
    }
    return taken;
}

/* ---- dialogues that succeed ---- */

struct dialogue {
    const char *proxy;
    const char *url;
    struct bytes turns[8]; /* ours, theirs, ours, …, nothing */
};

#define SOCKS_OK "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"

static const struct dialogue dialogues[] = {
    {"socks5h://proxy",
     "ws://relay.onion:4000/v1",
     {BYTES("\x05\x01\x00"), BYTES("\x05\x00"), BYTES("\x05\x01\x00\x03\x0brelay.onion\x0f\xa0"),
      BYTES(SOCKS_OK)}},
    {"socks5h://proxy",
     "ws://192.0.2.1:4000/v1",
     {BYTES("\x05\x01\x00"), BYTES("\x05\x00"), BYTES("\x05\x01\x00\x01\xc0\x00\x02\x01\x0f\xa0"),
      BYTES("\x05\x00\x00\x04"
            "0123456789abcdefpp")}},
    {"socks5h://proxy",
     "wss://[2001:db8::1]/v1",
     {BYTES("\x05\x01\x00"), BYTES("\x05\x00"),
      BYTES("\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb"),
      BYTES("\x05\x00\x00\x03\x04hereqq")}},
    {"socks5h://me:secret@proxy",
     "ws://r/",
     {BYTES("\x05\x02\x00\x02"), BYTES("\x05\x02"), BYTES("\x01\x02me\x06secret"),
      BYTES("\x01\x00"), BYTES("\x05\x01\x00\x03\x01r\x00\x50"), BYTES(SOCKS_OK)}},
    {"socks5h://me@proxy", /* a verdict with SOCKS's own version, as some have it */
     "ws://r/",
     {BYTES("\x05\x02\x00\x02"), BYTES("\x05\x02"), BYTES("\x01\x02me\x00"), BYTES("\x05\x00"),
      BYTES("\x05\x01\x00\x03\x01r\x00\x50"), BYTES("\x05\x00\x00\x03\x00pp")}},
    {"socks5h://me:secret@proxy", /* who wants no password is not given it */
     "ws://r/",
     {BYTES("\x05\x02\x00\x02"), BYTES("\x05\x00"), BYTES("\x05\x01\x00\x03\x01r\x00\x50"),
      BYTES(SOCKS_OK)}},
    {"http://proxy",
     "ws://relay.onion:4000/v1",
     {BYTES("CONNECT relay.onion:4000 HTTP/1.1\r\nHost: relay.onion:4000\r\n\r\n"),
      BYTES("HTTP/1.0 200 Connection established\r\n\r\n")}},
    {"http://proxy",
     "wss://[::1]/v1",
     {BYTES("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"),
      BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102\r\nA: b\r\n\r\n"
            "HTTP/1.1 204 \r\nContent-Length: 1000\r\nTransfer-Encoding: chunked\r\n\r\n")}},
    {"http://me:s%3ccret@proxy",
     "ws://relay/",
     {BYTES("CONNECT relay:80 HTTP/1.1\r\nHost: relay:80\r\n"
            "Proxy-Authorization: Basic bWU6czxjcmV0\r\n\r\n"),
      BYTES("HTTP/1.1 200\n\n")}},
};

static void hold(const struct dialogue *dialogue, size_t chunk)
{
    struct scene scene;

    scene_begin(&scene, dialogue->proxy, dialogue->url);
    for (const struct bytes *turn = dialogue->turns; turn->data != NULL; turn += 2) {
        assert_int_equal(scene.tunnel.progress, TUNNEL_MORE);
        expect_said(&scene.tunnel, turn[0]);
        assert_int_equal(feed(&scene.tunnel, turn[1], chunk), turn[1].length);
    }
    assert_int_equal(scene.tunnel.progress, TUNNEL_DONE);
    assert_int_equal(scene.tunnel.say_length, 0);
}

static void test_dialogues(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(dialogues); i++)
        for (size_t chunk = 1; chunk < 200; chunk++)
            hold(&dialogues[i], chunk);
}

/* Where the user name keeps sessions apart, nothing is asked of a proxy that does without. */
static void test_user_only(void **state)
{
    static const char *const whys[] = {"", "chose an authentication method that was not offered",
                                       "refuses: it does not accept a user name and password"};
    static const struct bytes answers[] = {BYTES("\x05\x02"), BYTES("\x05\x00"), BYTES("\x05\xff")};
    static const struct bytes offer = BYTES("\x05\x01\x02");

    (void)state;
    for (size_t i = 0; i < LENGTH(answers); i++) {
        struct scene scene;

        scene_begin(&scene, "socks5h://me:secret@proxy", "ws://r/");
        scene.proxy.user_only = true;
        tunnel_begin(&scene.tunnel, &scene.proxy, &scene.url);
        expect_said(&scene.tunnel, offer);
        feed(&scene.tunnel, answers[i], SIZE_MAX);
        assert_string_equal(scene.tunnel.why, whys[i]);
        assert_int_equal(scene.tunnel.say_length, i == 0 ? 11 : 0);
    }
}

/* What follows the answer is not the tunnel's, and what comes before we have spoken must wait. */
static void test_not_one_byte_too_many(void **state)
{
    static const struct bytes http = BYTES("HTTP/1.1 200 OK\r\n\r\n\r\nHTTP");
    static const struct bytes early = BYTES("\x05\x00" SOCKS_OK "HTTP");
    struct scene scene;

    (void)state;
    scene_begin(&scene, "http://proxy", "ws://relay/");
    scene.tunnel.say_length = 0;
    assert_int_equal(feed(&scene.tunnel, http, SIZE_MAX), http.length - 6);
    scene_begin(&scene, "socks5h://proxy", "ws://relay/");
    assert_int_equal(feed(&scene.tunnel, early, SIZE_MAX), 0);
    scene.tunnel.say_length = 0;
    assert_int_equal(feed(&scene.tunnel, early, SIZE_MAX), 2);
    scene.tunnel.say_length = 0;
    assert_int_equal(
        feed(&scene.tunnel, (struct bytes){early.data + 2, early.length - 2}, SIZE_MAX),
        sizeof(SOCKS_OK) - 1);
    assert_int_equal(scene.tunnel.progress, TUNNEL_DONE);
}

/* ---- refusals ---- */

struct refusal {
    struct bytes answers; /* all that the proxy says */
    const char *why;
};

static void expect_refusal(const char *proxy, const struct refusal *refusal, size_t chunk)
{
    struct scene scene;
    size_t taken = 0;

    scene_begin(&scene, proxy, "ws://relay.onion:4000/v1");
    while (taken < refusal->answers.length && scene.tunnel.progress == TUNNEL_MORE) {
        struct bytes rest = {refusal->answers.data + taken, refusal->answers.length - taken};

        scene.tunnel.say_length = 0;
        taken += feed(&scene.tunnel, rest, chunk);
    }
    assert_string_equal(scene.tunnel.why, refusal->why);
    assert_int_equal(scene.tunnel.progress, TUNNEL_REFUSED);
    assert_int_equal(taken, refusal->answers.length); /* and not before its last byte */
}

static void expect_refusals(const char *proxy, const struct refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t chunk = 1; chunk <= refusals[i].answers.length; chunk++)
            expect_refusal(proxy, &refusals[i], chunk);
}

static void test_socks_refuses(void **state)
{
    static const struct refusal anonymous[] = {
        {BYTES("H"), "does not speak SOCKS5"},
        {BYTES("\x04"), "does not speak SOCKS5"},
        {BYTES("\x05\xff"), "refuses: it requires a user name and a password"},
        {BYTES("\x05\x02"), "chose an authentication method that was not offered"},
        {BYTES("\x05\x01"), "chose an authentication method that was not offered"},
        {BYTES("\x05\x00\x00"), "does not speak SOCKS5"},
        {BYTES("\x05\x00\x05\x01"), "cannot reach relay.onion:4000: general failure"},
        {BYTES("\x05\x00\x05\x02"), "refuses: its rules do not allow the connection"},
        {BYTES("\x05\x00\x05\x03"), "cannot reach relay.onion:4000: network unreachable"},
        {BYTES("\x05\x00\x05\x04"), "cannot reach relay.onion:4000: host unreachable"},
        {BYTES("\x05\x00\x05\x05"), "cannot reach relay.onion:4000: connection refused"},
        {BYTES("\x05\x00\x05\x06"), "cannot reach relay.onion:4000: TTL expired"},
        {BYTES("\x05\x00\x05\x07"), "refuses: it does not support CONNECT"},
        {BYTES("\x05\x00\x05\x08"), "refuses: it does not support this type of address"},
        {BYTES("\x05\x00\x05\x09"), "refuses: unknown code 9"},
        {BYTES("\x05\x00\x05\xf0"),
         "cannot reach relay.onion:4000: the onion service's descriptor cannot be found"},
        {BYTES("\x05\x00\x05\xf6"), "cannot reach relay.onion:4000: the onion address is invalid"},
        {BYTES("\x05\x00\x05\xff"), "refuses: unknown code 255"},
        {BYTES("\x05\x00\x05\x00\x00\x00"),
         "does not speak SOCKS5: it answered with an address of an unknown type"},
        {BYTES("\x05\x00\x05\x00\x00\x02"),
         "does not speak SOCKS5: it answered with an address of an unknown type"},
        {BYTES("\x05\x00\x05\x00\x00\x05"),
         "does not speak SOCKS5: it answered with an address of an unknown type"},
        {BYTES("\x05\x00\x05\x00\x00\xff"),
         "does not speak SOCKS5: it answered with an address of an unknown type"},
    };
    static const struct refusal known[] = {
        {BYTES("\x05\xff"), "refuses: it does not accept a user name and password"},
        {BYTES("\x05\x02\x01\x01"), "refuses: wrong user name or password"},
        {BYTES("\x05\x02\x01\xff"), "refuses: wrong user name or password"},
    };

    (void)state;
    expect_refusals("socks5h://proxy", anonymous, LENGTH(anonymous));
    expect_refusals("socks5h://me:secret@proxy", known, LENGTH(known));
}

static void test_http_refuses(void **state)
{
    static const struct refusal anonymous[] = {
        {BYTES("\x05"), "does not speak HTTP"},
        {BYTES("HTTP/2"), "does not speak HTTP"},
        {BYTES("\n"), "does not speak HTTP"},
        {BYTES("HTTP/1.1 \r\n"), "does not speak HTTP"},
        {BYTES("HTTP/1.1 20\r\n"), "does not speak HTTP"},
        {BYTES("HTTP/1.1 2000\r\n"), "does not speak HTTP"},
        {BYTES("HTTP/1.1 2x0 \r\n"), "does not speak HTTP"},
        {BYTES("HTTP/1.1\t200 \r\n"), "does not speak HTTP"},
        {BYTES("HTTP/1.1 200 \r "), "does not speak HTTP"},
        {BYTES("HTTP/1.1 200 \x00"), "does not speak HTTP"},
        {BYTES("HTTP/1.1 200 OK\r\nA: \x01"), "does not speak HTTP"},
        {BYTES("HTTP/1.1 100 Go on\r\n\r\n\x16"), "does not speak HTTP"},
        {BYTES("HTTP/1.1 101 Switching Protocols\r\n"), "refuses: 101 Switching Protocols"},
        {BYTES("HTTP/1.1 301 Moved\r\n"), "refuses: 301 Moved"},
        {BYTES("HTTP/1.1 403 Filtered\r\n"), "refuses: 403 Filtered"},
        {BYTES("HTTP/1.1 403\n"), "refuses: 403"},
        {BYTES("HTTP/1.1 403 \xff\t.\r\n"), "refuses: 403 ??."},
        {BYTES("HTTP/1.1 000 \r\n"), "refuses: 000 "},
        {BYTES("HTTP/1.0 407 Proxy Authentication Required\r\n"),
         "refuses: 407 Proxy Authentication Required (it requires a user name and a password)"},
        {BYTES("HTTP/1.1 500 Unable to connect\r\n"),
         "cannot reach relay.onion:4000: 500 Unable to connect"},
        {BYTES("HTTP/1.1 504 Gateway Timeout\r\n"),
         "cannot reach relay.onion:4000: 504 Gateway Timeout"},
    };
    static const struct refusal known[] = {
        {BYTES("HTTP/1.1 407 Go away\r\n"), "refuses: 407 Go away (wrong user name or password)"},
        {BYTES("HTTP/1.1 401 Unauthorized\r\n"),
         "refuses: 401 Unauthorized (wrong user name or password)"},
    };

    (void)state;
    expect_refusals("http://proxy", anonymous, LENGTH(anonymous));
    expect_refusals("http://me:secret@proxy", known, LENGTH(known));
}

/* A head without end is refused, whichever part of it does not end. */
static void test_too_long(void **state)
{
    static const char *const beginnings[] = {"HTTP/1.1 403 ", "HTTP/1.1 200 OK\r\nA: b",
                                             "HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 OK\r\n"};
    static char text[HTTP_LINE_MAX + 64];

    (void)state;
    for (size_t i = 0; i < LENGTH(beginnings); i++) {
        const char *line = strrchr(beginnings[i], '\n'); /* the one before the long one */
        size_t before = line != NULL ? (size_t)(line + 1 - beginnings[i]) : 0;
        struct refusal refusal = {{text, before + HTTP_LINE_MAX + 1},
                                  "answered with an HTTP header that is too long"};

        memset(text, 'a', sizeof(text));
        memcpy(text, beginnings[i], strlen(beginnings[i]));
        expect_refusal("http://proxy", &refusal, SIZE_MAX);
    }
}

/* Of a long reason a part is kept. */
static void test_long_reason(void **state)
{
    char answer[1000], why[TUNNEL_WHY_SIZE];
    struct refusal refusal = {{answer, sizeof(answer)}, why};

    (void)state;
    memset(answer, 'a', sizeof(answer));
    memcpy(answer, "HTTP/1.1 403 ", 13);
    answer[sizeof(answer) - 1] = '\n';
    snprintf(why, sizeof(why), "refuses: %.*s", TUNNEL_REASON_MAX, answer + 9);
    expect_refusal("http://proxy", &refusal, SIZE_MAX);
}

/* The longest of everything fits into what is said at once. */
static void test_longest(void **state)
{
    static const char *const protocols[] = {"socks5h", "http"};
    char word[PROXY_WORD_MAX + 1], proxy[PROXY_URL_MAX + 1], host[URL_HOST_MAX + 1], url[URL_MAX];

    (void)state;
    memset(word, 'w', sizeof(word));
    word[PROXY_WORD_MAX] = '\0';
    for (size_t i = 0; i < URL_HOST_MAX; i++)
        host[i] = i % 2 == 0 ? 'h' : '.';
    host[URL_HOST_MAX] = '\0';
    snprintf(url, sizeof(url), "ws://%s:65535/", host);
    for (size_t i = 0; i < LENGTH(protocols); i++) {
        struct scene scene;

        snprintf(proxy, sizeof(proxy), "%s://%s:%s@proxy", protocols[i], word, word);
        scene_begin(&scene, proxy, url);
        scene.tunnel.say_length = 0;
        feed(&scene.tunnel, (struct bytes)BYTES("\x05\x02"), SIZE_MAX);
        scene.tunnel.say_length = 0;
        feed(&scene.tunnel, (struct bytes)BYTES("\x01\x00"), SIZE_MAX);
    }
}

static void test_wipe(void **state)
{
    static const struct tunnel nothing;
    struct scene scene;

    (void)state;
    scene_begin(&scene, "http://me:secret@proxy", "ws://relay/");
    tunnel_wipe(&scene.tunnel);
    assert_memory_equal(&scene.tunnel, &nothing, sizeof(nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialogues),
        cmocka_unit_test(test_user_only),
        cmocka_unit_test(test_not_one_byte_too_many),
        cmocka_unit_test(test_socks_refuses),
        cmocka_unit_test(test_http_refuses),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_long_reason),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_wipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
