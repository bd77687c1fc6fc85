/* The HTTP upgrade is understood however it is cut into pieces, and everything that is not one is
 * refused with a reason. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "net/handshake.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* The example of RFC 6455 §1.3. */
#define NONCE         "the sample nonce"
#define KEY           "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define HEADERS       "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define ACCEPT_HEADER "Sec-WebSocket-Accept: " ACCEPT "\r\n"
#define STATUS        "HTTP/1.1 101 Switching Protocols\r\n"
#define GOOD_RESPONSE STATUS HEADERS ACCEPT_HEADER "\r\n"

#define REQUEST_LINE "GET /v1 HTTP/1.1\r\n"
#define KEY_HEADERS  "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n"
#define HOST         "Host: relay.example\r\n"
#define GOOD_REQUEST REQUEST_LINE HOST HEADERS KEY_HEADERS "\r\n"

static void begin(struct handshake *handshake, bool server)
{
    if (server)
        handshake_server(handshake);
    else
        handshake_client(handshake, (const uint8_t *)NONCE);
}

/* Feeds `length` bytes in chunks of `chunk`; returns how many were used. */
static size_t feed(struct handshake *handshake, const char *data, size_t length, size_t chunk)
{
    size_t fed = 0;

    while (fed < length && handshake->progress == HANDSHAKE_MORE) {
        size_t size = length - fed < chunk ? length - fed : chunk, used;

        enum handshake_progress progress = handshake_feed(handshake, data + fed, size, &used);

        assert_int_equal(progress, handshake->progress);
        assert_true(used == size || handshake->progress != HANDSHAKE_MORE);
        fed += used;
    }
    return fed;
}

static void expect_done(bool server, const char *head)
{
    static const char frames[] = "\x81\x02hi";
    char text[2048];
    size_t length = (size_t)snprintf(text, sizeof(text), "%s%s", head, frames);

    for (size_t chunk = 1; chunk <= 10; chunk++) {
        struct handshake handshake;

        begin(&handshake, server);
        assert_int_equal(feed(&handshake, text, length, chunk < 10 ? chunk : length), strlen(head));
        if (handshake.progress != HANDSHAKE_DONE)
            fail_msg("%s", handshake.why);
    }
}

/* Whatever the chunks, and at once: no further byte is waited for than the text has. */
static void expect_refused(bool server, const char *text, size_t length, const char *why)
{
    for (size_t chunk = 1; chunk <= 10; chunk++) {
        struct handshake handshake;

        begin(&handshake, server);
        feed(&handshake, text, length, chunk < 10 ? chunk : length);
        if (handshake.progress != HANDSHAKE_REFUSED)
            fail_msg("not refused: %s", text);
        assert_string_equal(handshake.why, why);
    }
}

static void test_good_responses(void **state)
{
    static const char *const good[] = {
        GOOD_RESPONSE,
        "HTTP/1.1 101\r\n" HEADERS ACCEPT_HEADER "\r\n",
        STATUS "upgrade: WebSocket\r\nCONNECTION: keep-alive, Upgrade\r\n"
               "sec-websocket-accept:" ACCEPT " \t\r\n\r\n",
        STATUS "Server: x\r\nX-Empty:\r\nConnection: keep-alive\r\nConnection: upgrade\r\n"
               "Upgrade: h2c, websocket\r\n" ACCEPT_HEADER "\r\n",
        "HTTP/1.1 101 Fine\nUpgrade: websocket\nConnection: Upgrade\n"
        "Sec-WebSocket-Accept: " ACCEPT "\n\n",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++)
        expect_done(false, good[i]);
}

static void test_bad_responses(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } bad[] = {
        {"SSH-2.0-OpenSSH_9.2p1\r\n", "does not speak HTTP"},
        {"S", "does not speak HTTP"},
        {"\x15\x03\x01", "does not speak HTTP"},
        {"HTTP/2", "does not speak HTTP"},
        {"\r\nHTTP/1.1 101 x\r\n", "does not speak HTTP"},
        {"HTTP/1.1 abc\r\n", "does not speak HTTP"},
        {"HTTP/1.1 1011 x\r\n", "does not speak HTTP"},
        {"HTTP/1.1\r\n", "does not speak HTTP"},
        {"HTTP/1.1 1\r\n", "does not speak HTTP"},
        {"HTTP/1.1-101 x\r\n", "does not speak HTTP"},
        {"HTTP/1.0 101 Switching Protocols\r\n", "speaks only HTTP/1.0"},
        {"HTTP/1.1 404 Not Found\r\n", "answered 404 Not Found"},
        {"HTTP/1.1 301 Moved Permanently\r\n", "answered 301 Moved Permanently"},
        {"HTTP/1.1 200 OK\r\n",
         "answered 200 OK, as for a web page: does the URL lack its path, such as /v1?"},
        {"HTTP/1.1 500 \xff\tRed\r\n", "answered 500 ??Red"},
        {STATUS "Upgrade : websocket\r\n", "sent a malformed HTTP header"},
        {STATUS ": x\r\n", "sent a malformed HTTP header"},
        {STATUS "no colon\r\n", "sent a malformed HTTP header"},
        {STATUS "X: y\r\n z\r\n", "sent a malformed HTTP header"},
        {STATUS "X: a\rb\r\n", "sent a malformed HTTP header"},
        {STATUS "X: \x01", "does not speak HTTP"},
        {STATUS "Connection: Upgrade\r\n" ACCEPT_HEADER "\r\n",
         "answered without upgrading to WebSocket"},
        {STATUS "Connection: Upgrade\r\nUpgrade: websockets\r\n" ACCEPT_HEADER "\r\n",
         "answered without upgrading to WebSocket"},
        {STATUS "Upgrade: websocket\r\n" ACCEPT_HEADER "\r\n",
         "answered without upgrading the connection"},
        {STATUS "Upgrade: websocket\r\nConnection: close\r\n" ACCEPT_HEADER "\r\n",
         "answered without upgrading the connection"},
        {STATUS HEADERS "\r\n", "answered without Sec-WebSocket-Accept"},
        {STATUS HEADERS "Sec-WebSocket-Accept: " KEY "\r\n",
         "answered with a wrong Sec-WebSocket-Accept"},
        {STATUS HEADERS "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
         "answered with a wrong Sec-WebSocket-Accept"},
        {STATUS HEADERS "Sec-WebSocket-Accept:\r\n", "answered with a wrong Sec-WebSocket-Accept"},
        {STATUS ACCEPT_HEADER ACCEPT_HEADER, "sent Sec-WebSocket-Accept twice"},
        {STATUS "Sec-WebSocket-Extensions: permessage-deflate\r\n",
         "chose a WebSocket extension or protocol that was not offered"},
        {STATUS "Sec-WebSocket-Protocol: chat\r\n",
         "chose a WebSocket extension or protocol that was not offered"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++)
        expect_refused(false, bad[i].text, strlen(bad[i].text), bad[i].why);
    expect_refused(false, STATUS "X: \0", strlen(STATUS) + 4, "does not speak HTTP");
}

static void test_good_requests(void **state)
{
    static const char *const good[] = {
        GOOD_REQUEST,
        "GET / HTTP/1.1\r\nhost:relay\r\nCONNECTION: keep-alive, upgrade\r\nupgrade: WebSocket\r\n"
        "sec-websocket-version: 13\r\nsec-websocket-key:  " KEY "\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: chat\r\n"
        "Origin: null\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++)
        expect_done(true, good[i]);
}

/* Paths are served with what is below them, as the stock relay does; "/" alone. */
static void test_paths(void **state)
{
    static const char *const paths[] = {"/v1", "/", NULL};
    static const struct {
        const char *target;
        bool served;
    } cases[] = {
        {"/v1", true}, {"/v1/", true},   {"/v1//x", true}, {"/v1/x?y", true}, {"/v1?x=/", true},
        {"/", true},   {"/?x", true},    {"/v2", false},   {"/v1x", false},   {"/v", false},
        {"//", false}, {"/x/v1", false}, {"/V1", false},   {"v1", false},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char request[512];
        struct handshake handshake;

        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST HEADERS KEY_HEADERS "\r\n",
                 cases[i].target);
        begin(&handshake, true);
        handshake.paths = paths;
        feed(&handshake, request, strlen(request), strlen(request));
        if ((handshake.progress == HANDSHAKE_DONE) != cases[i].served)
            fail_msg("%s", cases[i].target);
        assert_int_equal(handshake.status, cases[i].served ? 101 : 404);
    }
}

static void test_bad_requests(void **state)
{
    static const struct {
        const char *text;
        const char *why;
        unsigned status;
    } bad[] = {
        {"\x16\x03\x01", "does not speak HTTP", 400},
        {"hello\r\n", "does not speak HTTP", 400},
        {"\r\n", "does not speak HTTP", 400},
        {"GET\r\n", "does not speak HTTP", 400},
        {"GET /v1\r\n", "does not speak HTTP", 400},
        {"GET  HTTP/1.1\r\n", "does not speak HTTP", 400},
        {"GET /v 1 HTTP/1.1\r\n", "does not speak HTTP", 400},
        {"GET /v1 HTTP/1.0\r\n", "does not speak HTTP/1.1", 505},
        {"GET /v1 HTTP/2\r\n", "does not speak HTTP/1.1", 505},
        {"POST /v1 HTTP/1.1\r\n", "sent a request other than GET", 405},
        {REQUEST_LINE HEADERS KEY_HEADERS "\r\n", "sent no Host", 400},
        {REQUEST_LINE HOST HOST, "sent Host twice", 400},
        {REQUEST_LINE HOST "\r\n", "did not ask for WebSocket", 426},
        {REQUEST_LINE HOST "Upgrade: websocket\r\n" KEY_HEADERS "\r\n",
         "did not ask for an upgrade of the connection", 426},
        {REQUEST_LINE HOST HEADERS "Sec-WebSocket-Key: " KEY "\r\n\r\n",
         "sent no Sec-WebSocket-Version", 426},
        {REQUEST_LINE "Sec-WebSocket-Version: 8\r\n",
         "asked for a version of WebSocket other than 13", 426},
        {REQUEST_LINE HOST HEADERS "Sec-WebSocket-Version: 13\r\n\r\n", "sent no Sec-WebSocket-Key",
         400},
        {REQUEST_LINE "Sec-WebSocket-Key: dGhl\r\n", "sent a malformed Sec-WebSocket-Key", 400},
        {REQUEST_LINE "Sec-WebSocket-Key:\r\n", "sent a malformed Sec-WebSocket-Key", 400},
        {REQUEST_LINE "Sec-WebSocket-Key: " KEY KEY "\r\n", "sent a malformed Sec-WebSocket-Key",
         400},
        {REQUEST_LINE KEY_HEADERS KEY_HEADERS, "sent Sec-WebSocket-Key twice", 400},
    };
    struct handshake handshake;
    char reply[HANDSHAKE_TEXT_SIZE], expected[64];
    size_t used;

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        expect_refused(true, bad[i].text, strlen(bad[i].text), bad[i].why);
        handshake_server(&handshake);
        handshake_feed(&handshake, bad[i].text, strlen(bad[i].text), &used);
        size_t length = handshake_reply(&handshake, reply);
        assert_int_equal(length, strlen(reply));
        snprintf(expected, sizeof(expected), "HTTP/1.1 %u ", bad[i].status);
        assert_memory_equal(reply, expected, strlen(expected));
        assert_non_null(strstr(reply, bad[i].why));
    }
}

/* Content-Length is right, so that proxies pass the sentence on. */
static void test_refusal_body(void **state)
{
    struct handshake handshake;
    char reply[HANDSHAKE_TEXT_SIZE];
    size_t used;
    unsigned length;

    (void)state;
    handshake_server(&handshake);
    handshake_feed(&handshake, REQUEST_LINE HOST "\r\n", strlen(REQUEST_LINE HOST "\r\n"), &used);
    handshake_reply(&handshake, reply);
    const char *header = strstr(reply, "Content-Length: ");
    assert_non_null(header);
    assert_int_equal(sscanf(header, "Content-Length: %u", &length), 1);
    assert_int_equal(strlen(strstr(reply, "\r\n\r\n") + 4), length);
}

static void test_texts(void **state)
{
    struct handshake client, server;
    struct url url;
    char text[HANDSHAKE_TEXT_SIZE];
    size_t used;

    (void)state;
    assert_int_equal(url_parse("ws://relay.example:4000/v1?x=y", &url), URL_OK);
    begin(&client, false);
    size_t length = handshake_request(&client, &url, text);
    assert_string_equal(
        text, "GET /v1?x=y HTTP/1.1\r\nHost: relay.example:4000\r\n" HEADERS KEY_HEADERS "\r\n");
    handshake_server(&server);
    assert_int_equal(handshake_feed(&server, text, length, &used), HANDSHAKE_DONE);
    assert_int_equal(used, length);
    length = handshake_reply(&server, text);
    assert_string_equal(text, GOOD_RESPONSE);
    assert_int_equal(handshake_feed(&client, text, length, &used), HANDSHAKE_DONE);
    assert_int_equal(used, length);
}

/* The longest URL fits into the longest request. */
static void test_longest_request(void **state)
{
    struct handshake client;
    struct url url = {.port = 65535};
    char text[HANDSHAKE_TEXT_SIZE];

    (void)state;
    memset(url.host, 'a', sizeof(url.host) - 1);
    memset(url.path, '/', sizeof(url.path) - 1);
    begin(&client, false);
    size_t length = handshake_request(&client, &url, text);
    assert_true(length < sizeof(text));
    assert_string_equal(text + length - 4, "\r\n\r\n");
}

/* A text of `unit` again and again, `times` bytes in all, after a beginning. */
static size_t long_text(char *text, const char *beginning, const char *unit, size_t times)
{
    size_t length = strlen(beginning), step = strlen(unit);

    memcpy(text, beginning, length);
    for (size_t i = 0; i < times; i++)
        text[length + i] = unit[i % step];
    return length + times;
}

static void test_lengths(void **state)
{
    static char text[2 * HTTP_HEAD_MAX];
    static const struct {
        bool server;
        const char *beginning, *unit;
    } endless[] = {
        {false, STATUS "X: ", "y"},
        {false, STATUS, "X: y\r\n"},
        {true, "GET /", "y"},
        {true, REQUEST_LINE, "X: y\r\n"},
    };
    static const char rest[] = "\r\n" HEADERS ACCEPT_HEADER "\r\n";

    (void)state;
    for (size_t i = 0; i < LENGTH(endless); i++) {
        size_t length = long_text(text, endless[i].beginning, endless[i].unit, HTTP_HEAD_MAX);

        expect_refused(endless[i].server, text, length, "sent an HTTP header that is too long");
    }

    /* The longest line, at both ends, with all that belongs to a head beside it. */
    static const char *const beginnings[] = {STATUS "X: ", REQUEST_LINE "X: "};
    for (int server = 0; server <= 1; server++) {
        size_t length = long_text(text, beginnings[server], "y", HTTP_LINE_MAX - strlen("X: "));
        snprintf(text + length, sizeof(text) - length, "%s",
                 server ? "\r\n" HOST HEADERS KEY_HEADERS "\r\n" : rest);
        struct handshake handshake;
        begin(&handshake, server);
        feed(&handshake, text, strlen(text), strlen(text));
        assert_int_equal(handshake.progress, HANDSHAKE_DONE);
    }
}

/* At every byte before the last, a good text only asks for more. */
static void test_every_prefix(void **state)
{
    static const char *const good[] = {GOOD_RESPONSE, GOOD_REQUEST};

    (void)state;
    for (int server = 0; server <= 1; server++)
        for (size_t length = 0; length < strlen(good[server]); length++) {
            struct handshake handshake;

            begin(&handshake, server);
            feed(&handshake, good[server], length, length);
            assert_int_equal(handshake.progress, HANDSHAKE_MORE);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_responses), cmocka_unit_test(test_bad_responses),
        cmocka_unit_test(test_good_requests),  cmocka_unit_test(test_paths),
        cmocka_unit_test(test_bad_requests),   cmocka_unit_test(test_refusal_body),
        cmocka_unit_test(test_texts),          cmocka_unit_test(test_longest_request),
        cmocka_unit_test(test_lengths),        cmocka_unit_test(test_every_prefix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
