/* A WebSocket whose other end is hand-written: one that breaks rules, falls silent, is slow,
 * floods, or hangs up. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net-world.h"
#include "net/ws_private.h"

#define LENGTH(array)  (sizeof(array) / sizeof(*(array)))
#define BYTES(literal) literal, sizeof(literal) - 1

#define FIN   0x80
#define TEXT  0x81
#define CLOSE 0x88
#define PING  0x89
#define PONG  0x8a

#define BYE_FROM_OTHER "the other end closed the connection"

static void pause_it(struct party *party)
{
    ws_pause(party->ws, true);
}

struct half {
    struct world world;
    struct party party;
    struct raw raw;
};

static void half_begin(struct half *half, bool server, const struct ws_options *options)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    static const char reply[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\n"
                                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    uint16_t port;
    int listener = world_listen("127.0.0.1", &port);
    struct url url = world_url("ws://127.0.0.1:%u", port);

    world_begin(&half->world, NULL);
    if (options != NULL)
        half->world.options = *options;
    party_begin(&half->party, &half->world);
    if (server) {
        raw_connect(&half->raw, &half->world, port);
        party_accept(&half->party, world_accept(&half->world, listener));
        raw_put(&half->raw, request, strlen(request));
        raw_expect(&half->raw, &half->world, reply, strlen(reply));
    } else {
        party_dial(&half->party, &url);
        raw_accept(&half->raw, &half->world, listener);
        raw_upgrade(&half->raw, &half->world);
    }
    WAIT_FOR(&half->world, half->party.opened);
    close(listener);
}

static void half_end(struct half *half)
{
    raw_end(&half->raw);
    party_end(&half->party);
    world_end(&half->world);
}

/* The faults themselves are test-frames.c's; here is what becomes of the connection. */
static void test_faults(void **state)
{
    static const struct {
        bool server; /* who finds the fault */
        bool masked;
        unsigned head;
        const char *data;
        size_t length;
        const char *answer;
        const char *why;
    } cases[] = {
        {true, false, TEXT, BYTES("unmasked"), "\x03\xea",
         "the other end broke the WebSocket protocol"},
        {false, true, TEXT, BYTES("masked"), "\x03\xea",
         "the other end broke the WebSocket protocol"},
        {true, true, TEXT, BYTES("\xff"), "\x03\xef", "the other end sent text that is not UTF-8"},
        {false, false, TEXT, BYTES("more than ten bytes"), "\x03\xf1",
         "the other end sent a message of more than 10 bytes"},
    };
    struct ws_options options;

    (void)state;
    ws_options_default(&options);
    options.message_max = 10;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct half half;

        half_begin(&half, cases[i].server, &options);
        raw_frame(&half.raw, cases[i].masked, cases[i].head, cases[i].data, cases[i].length);
        raw_expect_frame(&half.raw, &half.world, CLOSE, cases[i].answer, 2);
        assert_false(party_send(&half.party, "late"));
        shutdown(bufferevent_getfd(half.raw.bev), SHUT_WR);
        WAIT_FOR(&half.world, half.party.closed);
        assert_int_equal(half.party.messages, 0);
        assert_string_equal(half.party.why, cases[i].why);
        half_end(&half);
    }
}

static void test_fragments_and_pings(void **state)
{
    struct half half;

    (void)state;
    half_begin(&half, true, NULL);
    raw_frame(&half.raw, true, 0x01, "o", 1);
    raw_frame(&half.raw, true, PING, "are you there?", 14);
    raw_frame(&half.raw, true, 0x00, "n", 1);
    raw_frame(&half.raw, true, FIN, "e", 1);
    raw_expect_frame(&half.raw, &half.world, PONG, "are you there?", 14);
    WAIT_FOR(&half.world, half.party.messages == 1);
    assert_true(party_got(&half.party, "one"));
    assert_int_equal(half.party.drained, 0); /* a pong is nothing of the application's */
    half_end(&half);
}

/* A frame right behind the handshake, in the same segment. */
static void test_message_behind_handshake(void **state)
{
    struct world world;
    struct party party;
    struct raw raw;
    uint16_t port;
    int listener = world_listen("127.0.0.1", &port);
    struct url url = world_url("ws://127.0.0.1:%u", port);

    (void)state;
    world_begin(&world, NULL);
    party_begin(&party, &world);
    party_dial(&party, &url);
    raw_accept(&raw, &world, listener);
    raw_upgrade(&raw, &world);
    raw_frame(&raw, false, TEXT, "welcome", 7);
    raw_frame(&raw, false, CLOSE, "", 0);
    WAIT_FOR(&world, party.closed);
    assert_int_equal(party.opened, 1);
    assert_true(party_got(&party, "welcome"));
    assert_string_equal(party.why, BYE_FROM_OTHER);
    raw_end(&raw);
    party_end(&party);
    world_end(&world);
    close(listener);
}

static void test_close_frame_of_the_other(void **state)
{
    struct half half;

    (void)state;
    half_begin(&half, false, NULL);
    raw_frame(&half.raw, false, CLOSE, "\x03\xe9restarting", 12);
    raw_expect_frame(&half.raw, &half.world, CLOSE, "\x03\xe9restarting", 12);
    WAIT_FOR(&half.world, half.party.closed && half.raw.ended);
    assert_string_equal(half.party.why, BYE_FROM_OTHER " with status 1001: restarting");
    half_end(&half);
}

/* Writing finds that the other end has hung up; its last words are still delivered, and its reason
 * is the one that is told. */
static void test_last_words(void **state)
{
    (void)state;
    for (int paused = 0; paused <= 1; paused++) {
        struct half half;

        half_begin(&half, true, NULL);
        ws_pause(half.party.ws, true);
        raw_frame(&half.raw, true, TEXT, "last", 4);
        raw_frame(&half.raw, true, TEXT, "words", 5);
        raw_frame(&half.raw, true, CLOSE, "\x03\xe9restarting", 12);
        WAIT_FOR(&half.world, evbuffer_get_length(bufferevent_get_output(half.raw.bev)) == 0);
        raw_end(&half.raw);
        WAIT_FOR(&half.world, (world_settle(&half.world), !party_send(&half.party, "hello?")));
        assert_int_equal(half.party.closed + half.party.messages, 0);
        if (paused)
            half.party.on_message = pause_it;
        CALL(&half.party, ws_pause(half.party.ws, false));
        WAIT_FOR(&half.world, half.party.messages >= 1);
        CALL(&half.party, ws_pause(half.party.ws, false));
        WAIT_FOR(&half.world, half.party.messages >= 2);
        CALL(&half.party, ws_pause(half.party.ws, false));
        WAIT_FOR(&half.world, half.party.closed);
        assert_string_equal(half.party.why, BYE_FROM_OTHER " with status 1001: restarting");
        half_end(&half);
    }
}

static void test_close_is_not_answered(void **state)
{
    struct half half;
    struct ws_options options;

    (void)state;
    ws_options_default(&options);
    options.close_timeout = 50;
    half_begin(&half, false, &options);
    CALL(&half.party, ws_close(half.party.ws));
    raw_expect_frame(&half.raw, &half.world, CLOSE, "\x03\xe8", 2);
    WAIT_FOR(&half.world, half.party.closed);
    assert_string_equal(half.party.why, "closed, though the other end did not answer");
    half_end(&half);
}

/* An end that takes nothing does not keep a connection from closing either. */
static void test_close_with_backlog_not_taken(void **state)
{
    struct half half;
    struct ws_options options;
    char *text = world_big_text();

    (void)state;
    ws_options_default(&options);
    options.close_timeout = 50;
    half_begin(&half, false, &options);
    bufferevent_disable(half.raw.bev, EV_READ);
    for (int i = 0; i < 10; i++)
        party_send(&half.party, text);
    ws_close(half.party.ws);
    WAIT_FOR(&half.world, half.party.closed);
    half_end(&half);
    free(text);
}

#define LONG_TEXTS 5

/* The line carries two megabytes of the texts, or what is left of them. */
static size_t carry(struct half *half)
{
    static char bytes[65536];
    size_t carried = 0;

    while (carried < (size_t)2 * 1024 * 1024) {
        ssize_t length = recv(bufferevent_getfd(half->raw.bev), bytes, sizeof(bytes), MSG_DONTWAIT);

        carried += length > 0 ? (size_t)length : 0;
        if (length == 0 || (half->party.closed && length < 0 && errno != EAGAIN))
            break;
        world_settle(&half->world);
    }
    return carried;
}

static void close_it(struct half *half)
{
    ws_close(half->party.ws);
}

static void let_raw_close(struct half *half)
{
    raw_frame(&half->raw, true, CLOSE, "\x03\xe8", 2);
}

static void let_raw_err(struct half *half)
{
    raw_frame(&half->raw, true, 0xff, "", 0);
}

/* Whoever ends it, and however: what was sent before arrives, though the line is slow. */
static void test_slow_ends(void **state)
{
    static void (*const ends[])(struct half *) = {close_it, let_raw_close, let_raw_err};
    char *text = world_big_text();

    (void)state;
    for (size_t i = 0; i < LENGTH(ends); i++) {
        struct half half;
        size_t left = LONG_TEXTS * WORLD_BIG;

        half_begin(&half, true, NULL);
        bufferevent_disable(half.raw.bev, EV_READ);
        for (int j = 0; j < LONG_TEXTS; j++)
            party_send(&half.party, text);
        world_settle(&half.world);
        ends[i](&half);
        world_settle(&half.world);
        while (left > (size_t)2 * 1024 * 1024) {
            size_t carried = carry(&half);

            assert_true(carried > 0);
            left -= carried < left ? carried : left;
            if (!half.party.closed)
                event_active(half.party.ws->timer, EV_TIMEOUT, 0);
            world_settle(&half.world);
        }
        half_end(&half);
    }
    free(text);
}

static void test_drop(void **state)
{
    struct half half;

    (void)state;
    half_begin(&half, true, NULL);
    raw_end(&half.raw);
    WAIT_FOR(&half.world, half.party.closed);
    assert_string_equal(half.party.why, "the other end dropped the connection");
    half_end(&half);
}

static void test_reset(void **state)
{
    static const struct linger reset = {.l_onoff = 1};
    struct half half;

    (void)state;
    half_begin(&half, true, NULL);
    setsockopt(bufferevent_getfd(half.raw.bev), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    raw_end(&half.raw);
    WAIT_FOR(&half.world, half.party.closed);
    assert_string_equal(half.party.why, "the connection was lost: Connection reset by peer");
    half_end(&half);
}

/* Pings go out into the silence; while they are answered it lives, then it is dead. */
static void test_dead_peer(void **state)
{
    struct half half;
    struct ws_options options;

    (void)state;
    ws_options_default(&options);
    options.ping_interval = 20;
    options.ping_timeout = 30000; /* does not delay the next ping */
    half_begin(&half, false, &options);
    for (int i = 0; i < 5; i++) {
        raw_expect_frame(&half.raw, &half.world, PING, "", 0);
        raw_frame(&half.raw, false, PONG, "", 0);
    }
    half_end(&half);

    options.ping_timeout = 50;
    half_begin(&half, true, &options);
    raw_expect_frame(&half.raw, &half.world, PING, "", 0);
    WAIT_FOR(&half.world, half.party.closed);
    assert_string_equal(half.party.why, "the other end no longer answers");
    assert_int_equal(raw_length(&half.raw), 0); /* one ping is enough */
    half_end(&half);
}

/* Whoever asks need not wait for the next ping; who answers lives. */
static void test_prove(void **state)
{
    struct half half;

    (void)state;
    half_begin(&half, false, NULL); /* which pings once a minute */
    CALL(&half.party, ws_prove(half.party.ws, 30000));
    CALL(&half.party, ws_prove(half.party.ws, 1)); /* one is enough */
    raw_expect_frame(&half.raw, &half.world, PING, "", 0);
    raw_frame(&half.raw, false, PONG, "", 0);
    raw_frame(&half.raw, false, TEXT, "x", 1);
    WAIT_FOR(&half.world, half.party.messages == 1);
    CALL(&half.party, ws_prove(half.party.ws, 50));
    raw_expect_frame(&half.raw, &half.world, PING, "", 0);
    WAIT_FOR(&half.world, half.party.closed);
    assert_string_equal(half.party.why, "the other end no longer answers");
    half_end(&half);
}

/* Messages that come or go are what moves, also before they are whole; pings are not. */
static void test_moving(void **state)
{
    struct half half;
    struct ws_options options;
    char *text = world_big_text();
    char bytes[65536];

    (void)state;
    ws_options_default(&options);
    options.ping_interval = 10;
    half_begin(&half, false, &options);
    (void)ws_moving(half.party.ws);
    assert_false(ws_moving(half.party.ws));
    raw_expect_frame(&half.raw, &half.world, PING, "", 0);
    raw_frame(&half.raw, false, PONG, "", 0);
    raw_expect_frame(&half.raw, &half.world, PING, "", 0);
    assert_false(ws_moving(half.party.ws));
    raw_put(&half.raw, "\x81\x05pa", 4);
    WAIT_FOR(&half.world, ws_moving(half.party.ws));
    assert_false(ws_moving(half.party.ws));
    bufferevent_disable(half.raw.bev, EV_READ);
    party_send(&half.party, text);
    WAIT_FOR(&half.world, ws_moving(half.party.ws));
    WAIT_FOR(&half.world, !ws_moving(half.party.ws));
    WAIT_FOR(&half.world, read(bufferevent_getfd(half.raw.bev), bytes, sizeof(bytes)) < 0 ||
                              ws_moving(half.party.ws));
    half_end(&half);
    free(text);
}

/* An interval of 0. */
static void test_no_pings(void **state)
{
    struct half half;
    struct ws_options options;

    (void)state;
    ws_options_default(&options);
    options.ping_interval = 0;
    options.ping_timeout = 1;
    half_begin(&half, false, &options);
    for (int i = 0; i < 20; i++) {
        raw_frame(&half.raw, false, TEXT, "x", 1);
        WAIT_FOR(&half.world, half.party.messages == (unsigned)i + 1);
    }
    assert_int_equal(raw_length(&half.raw), 0);
    half_end(&half);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ++*(unsigned *)arg;
}

/* An end that takes what we send slowly, and cannot answer a ping that waits behind it, is alive;
 * when it takes nothing any more it is dead. */
static void test_slow_peer(void **state)
{
    const struct timeval tick = {.tv_usec = 20000};
    struct half half;
    struct ws_options options;
    unsigned ticks = 0;
    char *text = world_big_text();

    (void)state;
    ws_options_default(&options);
    options.ping_interval = 10;
    options.ping_timeout = 700;
    half_begin(&half, false, &options);
    bufferevent_disable(half.raw.bev, EV_READ);
    struct event *timer = event_new(half.world.base, -1, EV_PERSIST, on_tick, &ticks);
    event_add(timer, &tick);
    for (int i = 0; i < 4; i++)
        party_send(&half.party, text);
    while (ticks < 110) { /* some 2200 ms: three times the patience */
        unsigned before = ticks;
        char bytes[65536];

        WAIT_FOR(&half.world, ticks != before);
        assert_int_equal(half.party.closed, 0);
        for (int i = 0; i < 2; i++) /* 14 of the 20 MB, in all */
            (void)!read(bufferevent_getfd(half.raw.bev), bytes, sizeof(bytes));
    }
    WAIT_FOR(&half.world, half.party.closed);
    assert_string_equal(half.party.why, "the other end no longer answers");
    event_free(timer);
    half_end(&half);
    free(text);
}

/* A ping flood by an end that takes no answers is not read; it is dead in the end. */
static void test_ping_flood(void **state)
{
    enum { PINGS = 2000 };
    struct half half;
    struct ws_options options;
    char *text = world_big_text();

    (void)state;
    ws_options_default(&options);
    options.ping_interval = 10;
    options.ping_timeout = 200;
    half_begin(&half, true, &options);
    bufferevent_disable(half.raw.bev, EV_READ);
    for (int i = 0; i < 4; i++)
        party_send(&half.party, text);
    for (int i = 0; i < PINGS; i++)
        raw_frame(&half.raw, true, PING, text, 100);
    WAIT_FOR(&half.world, half.party.closed);
    assert_string_equal(half.party.why, "the other end no longer answers");
    half_end(&half);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_fragments_and_pings),
        cmocka_unit_test(test_message_behind_handshake),
        cmocka_unit_test(test_close_frame_of_the_other),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_close_is_not_answered),
        cmocka_unit_test(test_close_with_backlog_not_taken),
        cmocka_unit_test(test_slow_ends),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_dead_peer),
        cmocka_unit_test(test_prove),
        cmocka_unit_test(test_moving),
        cmocka_unit_test(test_no_pings),
        cmocka_unit_test(test_slow_peer),
        cmocka_unit_test(test_ping_flood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
