/* WebSockets through a proxy: the names of relays are the proxy's business, and each failure says
 * whose it is, the proxy's or the relay's behind it. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net-world.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* No name server, and no file of hosts, knows this one. */
#define RELAY "relay.onion"
#define URL   "ws://" RELAY ":4000/v1"

#define HTTP_ASKS  "CONNECT relay.onion:4000 HTTP/1.1\r\nHost: relay.onion:4000\r\n\r\n"
#define HTTP_OK    "HTTP/1.0 200 Connection established\r\n\r\n"
#define SOCKS_ASKS "\x05\x01\x00\x03\x0brelay.onion\x0f\xa0"
#define SOCKS_OK   "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"

/* A client, and a proxy that can say what it likes. */
struct scene {
    struct world world;
    struct party party;
    struct raw raw;
    unsigned port;
};

static struct proxy make_proxy(const char *format, unsigned port)
{
    char text[256], why[256] = "";
    struct proxy proxy;

    snprintf(text, sizeof(text), format, port);
    if (!proxy_parse(text, &proxy, why, sizeof(why)))
        fail_msg("%s: %s", text, why);
    return proxy;
}

/* `proxy` with %u for the port. The client's own copy is all it needs. */
static void dial(struct party *party, const char *url, const char *proxy, unsigned port)
{
    struct url target = world_url("%s", url);
    struct proxy through = make_proxy(proxy, port);

    party_dial_through(party, &target, &through);
    memset(&target, 0xff, sizeof(target));
    memset(&through, 0xff, sizeof(through));
}

static void scene_begin(struct scene *scene, const char *proxy, int connect_timeout)
{
    uint16_t port;
    int listener = world_listen("127.0.0.1", &port);

    world_begin(&scene->world, NULL);
    scene->world.options.connect_timeout = connect_timeout;
    scene->port = port;
    party_begin(&scene->party, &scene->world);
    dial(&scene->party, URL, proxy, port);
    raw_accept(&scene->raw, &scene->world, listener);
    close(listener);
}

static void scene_end(struct scene *scene)
{
    raw_end(&scene->raw);
    party_end(&scene->party);
    world_end(&scene->world);
}

/* `format` with %u for the proxy's port. */
static void expect_why(struct scene *scene, const char *format)
{
    char why[512];

    WAIT_FOR(&scene->world, scene->party.closed);
    snprintf(why, sizeof(why), format, scene->port);
    assert_string_equal(scene->party.why, why);
    assert_int_equal(scene->party.opened, 0);
}

#define SECONDS_10 10000
#define EXPECT(scene, literal)                                                                     \
    raw_expect(&(scene)->raw, &(scene)->world, literal, sizeof(literal) - 1)
#define PUT(scene, literal) raw_put(&(scene)->raw, literal, sizeof(literal) - 1)

/* Everything that is sent is waited for, so that an answer comes in as many pieces as it is put. */
static void flush(struct scene *scene)
{
    WAIT_FOR(&scene->world, evbuffer_get_length(bufferevent_get_output(scene->raw.bev)) == 0);
    world_settle(&scene->world);
}

/* The relay, once there is a tunnel. */
static void talk(struct scene *scene)
{
    raw_upgrade(&scene->raw, &scene->world);
    WAIT_FOR(&scene->world, scene->party.opened || scene->party.closed);
    assert_string_equal(scene->party.why, "");
    raw_frame(&scene->raw, false, 0x81, "hello", 5);
    WAIT_FOR(&scene->world, scene->party.messages);
    assert_true(party_got(&scene->party, "hello"));
}

static void test_http(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, "http://localhost:%u", SECONDS_10);
    EXPECT(&scene, HTTP_ASKS);
    assert_int_equal(raw_length(&scene.raw), 0); /* nothing goes ahead of the tunnel */
    PUT(&scene, HTTP_OK);
    talk(&scene);
    scene_end(&scene);
}

static void test_http_with_password(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, "http://me:secret@127.0.0.1:%u", SECONDS_10);
    EXPECT(&scene, "CONNECT relay.onion:4000 HTTP/1.1\r\nHost: relay.onion:4000\r\n"
                   "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n");
    PUT(&scene, HTTP_OK);
    talk(&scene);
    scene_end(&scene);
}

static void test_socks(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, "socks5h://localhost:%u", SECONDS_10);
    EXPECT(&scene, "\x05\x01\x00");
    PUT(&scene, "\x05\x00");
    EXPECT(&scene, SOCKS_ASKS);
    PUT(&scene, SOCKS_OK);
    talk(&scene);
    scene_end(&scene);
}

static void test_socks_with_password(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, "socks5h://me:secret@127.0.0.1:%u", SECONDS_10);
    EXPECT(&scene, "\x05\x02\x00\x02");
    PUT(&scene, "\x05\x02");
    EXPECT(&scene, "\x01\x02me\x06secret");
    PUT(&scene, "\x01\x00");
    EXPECT(&scene, SOCKS_ASKS);
    PUT(&scene, SOCKS_OK);
    talk(&scene);
    scene_end(&scene);
}

/* A good answer, byte by byte. */
static void test_slow_answer(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, "http://localhost:%u", SECONDS_10);
    EXPECT(&scene, HTTP_ASKS);
    for (const char *c = HTTP_OK; *c != '\0'; c++) {
        assert_int_equal(raw_length(&scene.raw), 0);
        raw_put(&scene.raw, c, 1);
        flush(&scene);
    }
    talk(&scene);
    scene_end(&scene);
}

/* ---- failures ---- */

static void test_refusals(void **state)
{
    static const struct {
        const char *proxy, *answer, *why;
    } cases[] = {
        {"http://localhost:%u", "HTTP/1.1 403 Filtered\r\n",
         "the proxy localhost:%u refuses: 403 Filtered"},
        {"http://localhost:%u", "HTTP/1.1 407 Who?\r\n",
         "the proxy localhost:%u refuses: 407 Who? (it requires a user name and a password)"},
        {"http://localhost:%u", "HTTP/1.1 502 Bad Gateway\r\n",
         "the proxy localhost:%u cannot reach relay.onion:4000: 502 Bad Gateway"},
        {"http://localhost:%u", "220 mail.example ESMTP\r\n",
         "the proxy localhost:%u does not speak HTTP"},
        {"http://localhost:%u", HTTP_OK "and more",
         "the proxy localhost:%u sent more than its answer"},
        {"socks5h://127.0.0.1:%u", "\x05\xff",
         "the proxy 127.0.0.1:%u refuses: it requires a user name and a password"},
        {"socks5h://127.0.0.1:%u", "HTTP/1.1 400 Bad Request\r\n",
         "the proxy 127.0.0.1:%u does not speak SOCKS5"},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct scene scene;

        scene_begin(&scene, cases[i].proxy, SECONDS_10);
        WAIT_FOR(&scene.world, raw_length(&scene.raw) > 0);
        raw_put(&scene.raw, cases[i].answer, strlen(cases[i].answer));
        expect_why(&scene, cases[i].why);
        scene_end(&scene);
    }
}

static void test_socks_behind(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, "socks5h://localhost:%u", SECONDS_10);
    EXPECT(&scene, "\x05\x01\x00");
    PUT(&scene, "\x05\x00");
    EXPECT(&scene, SOCKS_ASKS);
    PUT(&scene, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00");
    expect_why(&scene, "the proxy localhost:%u cannot reach relay.onion:4000: connection refused");
    scene_end(&scene);
}

/* The relay behind a good proxy fails: that is not said of the proxy. */
static void test_relay_fails(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, "http://localhost:%u", SECONDS_10);
    EXPECT(&scene, HTTP_ASKS);
    PUT(&scene, HTTP_OK);
    EXPECT(&scene, "GET /v1 HTTP/1.1\r\nHost: relay.onion:4000\r\n");
    PUT(&scene, "HTTP/1.1 404 Not Found\r\n");
    expect_why(&scene, "relay.onion:4000 answered 404 Not Found");
    scene_end(&scene);
}

/* The connection ends after any number of bytes of a good answer. */
static void test_early_close(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof(HTTP_OK) - 1; length++) {
        struct scene scene;

        scene_begin(&scene, "http://localhost:%u", SECONDS_10);
        EXPECT(&scene, HTTP_ASKS);
        raw_put(&scene.raw, HTTP_OK, length);
        flush(&scene);
        raw_end(&scene.raw);
        expect_why(&scene, "the proxy localhost:%u closed the connection without an answer");
        scene_end(&scene);
    }
}

static void test_silent_proxy(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, "http://localhost:%u", 150);
    PUT(&scene, "HTTP/1.1 200");
    expect_why(&scene, "the proxy localhost:%u does not answer");
    scene_end(&scene);
}

static void expect_unreached(const char *proxy, unsigned port, const char *format)
{
    struct scene scene = {.port = port};

    world_begin(&scene.world, NULL);
    party_begin(&scene.party, &scene.world);
    dial(&scene.party, URL, proxy, port);
    expect_why(&scene, format);
    party_end(&scene.party);
    world_end(&scene.world);
}

static void test_unreached(void **state)
{
    (void)state;
    expect_unreached("http://localhost:%u", world_refused_port(),
                     "the proxy cannot be reached: cannot connect to localhost:%u: "
                     "Connection refused");
    expect_unreached("socks5h://127.0.0.1:%u", world_refused_port(),
                     "the proxy cannot be reached: cannot connect to 127.0.0.1:%u: "
                     "Connection refused");
}

/* ws_close() while the proxy thinks. */
static void test_close(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, "http://localhost:%u", SECONDS_10);
    EXPECT(&scene, HTTP_ASKS);
    CALL(&scene.party, ws_close(scene.party.ws));
    expect_why(&scene, "closed before it was open");
    WAIT_FOR(&scene.world, scene.raw.ended);
    scene_end(&scene);
}

/* ws_free() at every round of the loop, from the first call until the connection is open. */
static void test_free_at_every_moment(void **state)
{
    bool opened = false;

    (void)state;
    for (int rounds = 0; !opened; rounds++) {
        struct scene scene;

        scene_begin(&scene, "http://localhost:%u", SECONDS_10);
        PUT(&scene, HTTP_OK); /* ahead of time, which nobody minds */
        for (int round = 0; round < rounds; round++) {
            if (raw_length(&scene.raw) >= sizeof(HTTP_ASKS))
                break;
            event_base_loop(scene.world.base, EVLOOP_NONBLOCK);
        }
        opened = raw_length(&scene.raw) >= sizeof(HTTP_ASKS);
        if (opened) {
            EXPECT(&scene, HTTP_ASKS);
            talk(&scene);
        }
        scene_end(&scene);
        assert_true(rounds < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http),
        cmocka_unit_test(test_http_with_password),
        cmocka_unit_test(test_socks),
        cmocka_unit_test(test_socks_with_password),
        cmocka_unit_test(test_slow_answer),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_socks_behind),
        cmocka_unit_test(test_relay_fails),
        cmocka_unit_test(test_early_close),
        cmocka_unit_test(test_silent_proxy),
        cmocka_unit_test(test_unreached),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_free_at_every_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
