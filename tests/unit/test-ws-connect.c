/* How a connection comes about or fails to: every failure says in one sentence why, and who. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net-world.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static void expect_why(struct party *party, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void expect_why(struct party *party, const char *format, ...)
{
    char why[512];
    va_list values;

    va_start(values, format);
    vsnprintf(why, sizeof(why), format, values);
    va_end(values);
    WAIT_FOR(party->world, party->closed);
    assert_string_equal(party->why, why);
    assert_int_equal(party->opened, 0);
}

static void meet(const char *listens, const char *host)
{
    struct world world;
    struct party client, server;
    uint16_t port;
    int listener = world_listen(listens, &port);
    struct url url = world_url("ws://%s:%u/v1", host, port);

    world_begin(&world, NULL);
    party_begin(&client, &world);
    party_begin(&server, &world);
    party_dial(&client, &url);
    party_accept(&server, world_accept(&world, listener));
    WAIT_FOR(&world, client.opened && server.opened);
    party_send(&client, "hello");
    WAIT_FOR(&world, server.messages);
    assert_true(party_got(&server, "hello"));
    party_end(&client);
    party_end(&server);
    world_end(&world);
    close(listener);
}

static void test_hosts(void **state)
{
    (void)state;
    meet("127.0.0.1", "127.0.0.1");
    meet("127.0.0.1", "localhost");
    if (world_has_ipv6()) {
        meet("::1", "[::1]");
        meet("::1", "localhost");
    }
}

static void test_refused(void **state)
{
    struct world world;
    struct party party;
    uint16_t port = world_refused_port();
    struct url url = world_url("ws://localhost:%u/v1", port);

    (void)state;
    world_begin(&world, NULL);
    party_begin(&party, &world);
    party_dial(&party, &url);
    expect_why(&party, "cannot connect to localhost:%u: Connection refused", (unsigned)port);
    party_end(&party);
    world_end(&world);
}

/* A client, and an other end that has its request and can answer what it likes. */
struct scene {
    struct world world;
    struct party party;
    struct raw raw;
    unsigned port;
};

static void scene_begin(struct scene *scene, int handshake_timeout)
{
    uint16_t port;
    int listener = world_listen("127.0.0.1", &port);
    struct url url = world_url("ws://127.0.0.1:%u/v1", port);

    world_begin(&scene->world, NULL);
    scene->world.options.handshake_timeout = handshake_timeout;
    scene->port = port;
    party_begin(&scene->party, &scene->world);
    party_dial(&scene->party, &url);
    raw_accept(&scene->raw, &scene->world, listener);
    raw_expect(&scene->raw, &scene->world, "GET /v1 HTTP/1.1\r\n", 18);
    close(listener);
}

static void scene_end(struct scene *scene)
{
    raw_end(&scene->raw);
    party_end(&scene->party);
    world_end(&scene->world);
}

#define SECONDS_10 10000

static void test_refusing_answers(void **state)
{
    static const struct {
        const char *answer;
        const char *why;
    } cases[] = {
        {"HTTP/1.1 404 Not Found\r\n", "answered 404 Not Found"},
        {"HTTP/1.0 101 Switching Protocols\r\n", "speaks only HTTP/1.0"},
        {"220 mail.example ESMTP\r\n", "does not speak HTTP"},
        {"\x16\x03\x01", "does not speak HTTP"},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
         "answered without Sec-WebSocket-Accept"},
        {"HTTP/1.1 101 Switching Protocols\r\n"
         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
         "answered with a wrong Sec-WebSocket-Accept"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct scene scene;

        scene_begin(&scene, SECONDS_10);
        raw_put(&scene.raw, cases[i].answer, strlen(cases[i].answer));
        expect_why(&scene.party, "127.0.0.1:%u %s", scene.port, cases[i].why);
        scene_end(&scene);
    }
}

static void test_silent_server(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, 150);
    raw_put(&scene.raw, "HTTP/1.1 101", 12);
    expect_why(&scene.party, "127.0.0.1:%u did not finish the handshake in time", scene.port);
    scene_end(&scene);
}

/* The connection ends after any number of bytes of a good answer. */
static void test_early_close(void **state)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\n";

    (void)state;
    for (size_t length = 0; length < sizeof(answer); length++) {
        struct scene scene;

        scene_begin(&scene, SECONDS_10);
        raw_put(&scene.raw, answer, length);
        WAIT_FOR(&scene.world, evbuffer_get_length(bufferevent_get_output(scene.raw.bev)) == 0);
        raw_end(&scene.raw);
        expect_why(&scene.party, "127.0.0.1:%u closed the connection during the handshake",
                   scene.port);
        scene_end(&scene);
    }
}

/* A good answer, byte by byte. */
static void test_slow_answer(void **state)
{
    struct scene scene;
    struct raw *raw = &scene.raw;
    char answer[1024];

    (void)state;
    scene_begin(&scene, SECONDS_10);
    /* raw_upgrade() wants the request whole: give back what scene_begin() took. */
    evbuffer_prepend(bufferevent_get_input(raw->bev), "GET /v1 HTTP/1.1\r\n", 18);
    bufferevent_disable(raw->bev, EV_WRITE);
    raw_upgrade(raw, &scene.world);
    int length = evbuffer_remove(bufferevent_get_output(raw->bev), answer, sizeof(answer));
    bufferevent_enable(raw->bev, EV_WRITE);
    for (int i = 0; i < length; i++) {
        assert_int_equal(scene.party.opened, 0);
        raw_put(raw, answer + i, 1);
        WAIT_FOR(&scene.world, evbuffer_get_length(bufferevent_get_output(raw->bev)) == 0);
        world_settle(&scene.world);
    }
    WAIT_FOR(&scene.world, scene.party.opened);
    scene_end(&scene);
}

/* A server and a hand-written client. */
struct server_scene {
    struct world world;
    struct party party;
    struct raw raw;
};

static void server_scene_begin(struct server_scene *scene, int handshake_timeout)
{
    uint16_t port;
    int listener = world_listen("127.0.0.1", &port);

    world_begin(&scene->world, NULL);
    scene->world.options.handshake_timeout = handshake_timeout;
    party_begin(&scene->party, &scene->world);
    raw_connect(&scene->raw, &scene->world, port);
    party_accept(&scene->party, world_accept(&scene->world, listener));
    close(listener);
}

static void server_scene_end(struct server_scene *scene)
{
    raw_end(&scene->raw);
    party_end(&scene->party);
    world_end(&scene->world);
}

/* A client that is refused sees the answer, though it sent more than was read. */
static void test_server_refuses(void **state)
{
    static const char request[] = "GET /favicon.ico HTTP/1.1\r\nHost: relay\r\n\r\nand more";
    static const char answer[] = "HTTP/1.1 426 Upgrade Required\r\n";
    struct server_scene scene;

    (void)state;
    server_scene_begin(&scene, SECONDS_10);
    raw_put(&scene.raw, request, strlen(request));
    raw_expect(&scene.raw, &scene.world, answer, strlen(answer));
    shutdown(bufferevent_getfd(scene.raw.bev), SHUT_WR);
    expect_why(&scene.party, "the client did not ask for WebSocket");
    WAIT_FOR(&scene.world, scene.raw.ended);
    server_scene_end(&scene);
}

static void test_silent_client(void **state)
{
    struct server_scene scene;

    (void)state;
    server_scene_begin(&scene, 150);
    raw_put(&scene.raw, "GET /", 5);
    expect_why(&scene.party, "the client did not finish the handshake in time");
    server_scene_end(&scene);
}

static void test_client_leaves(void **state)
{
    struct server_scene scene;

    (void)state;
    server_scene_begin(&scene, SECONDS_10);
    raw_put(&scene.raw, "GET /", 5);
    WAIT_FOR(&scene.world, evbuffer_get_length(bufferevent_get_output(scene.raw.bev)) == 0);
    raw_end(&scene.raw);
    expect_why(&scene.party, "the client closed the connection during the handshake");
    server_scene_end(&scene);
}

/* ws_free() at every round of the loop, from the first call until the connection is open. */
static void test_free_at_every_moment(void **state)
{
    bool opened = false;

    (void)state;
    for (int rounds = 0; !opened; rounds++) {
        struct world world;
        struct party client, server;
        uint16_t port;
        int listener = world_listen("127.0.0.1", &port);
        struct url url = world_url("ws://localhost:%u/v1", port);

        world_begin(&world, NULL);
        party_begin(&client, &world);
        party_begin(&server, &world);
        party_dial(&client, &url);
        for (int round = 0; round < rounds; round++) {
            int fd = server.ws == NULL ? accept4(listener, NULL, NULL, SOCK_NONBLOCK) : -1;

            if (fd >= 0)
                party_accept(&server, fd);
            event_base_loop(world.base, EVLOOP_NONBLOCK);
        }
        opened = client.opened;
        party_end(&client);
        party_end(&server);
        world_end(&world);
        close(listener);
        assert_true(rounds < 1000);
    }
}

static void test_bad_cafile(void **state)
{
    struct event_base *base = event_base_new();
    char why[256];

    (void)state;
    assert_null(ws_net_new(base, "/nonexistent/ca.pem", why, sizeof(why)));
    assert_string_equal(why, "cannot read the certificates in /nonexistent/ca.pem: "
                             "No such file or directory");
    assert_null(ws_net_new(base, "/dev/null", why, sizeof(why)));
    assert_non_null(strstr(why, "cannot read the certificates in /dev/null: "));
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refusing_answers),
        cmocka_unit_test(test_silent_server),
        cmocka_unit_test(test_early_close),
        cmocka_unit_test(test_slow_answer),
        cmocka_unit_test(test_server_refuses),
        cmocka_unit_test(test_silent_client),
        cmocka_unit_test(test_client_leaves),
        cmocka_unit_test(test_free_at_every_moment),
        cmocka_unit_test(test_bad_cafile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
