#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net-world.h"
#include "net/address.h"
#include "net/handshake.h"

/* Long enough for valgrind on a busy machine; nothing waits for it to pass. */
#define DEADLINE_SECONDS 600

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    fail_msg("the deadline has passed");
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

void world_begin(struct world *world, const char *cafile)
{
    const struct timeval deadline = {.tv_sec = DEADLINE_SECONDS}, often = {.tv_usec = 10000};
    char why[256] = "";

    signal(SIGPIPE, SIG_IGN);
    world->base = event_base_new();
    assert_non_null(world->base);
    world->deadline = evtimer_new(world->base, on_deadline, NULL);
    event_add(world->deadline, &deadline);
    world->tick = event_new(world->base, -1, EV_PERSIST, on_tick, NULL);
    event_add(world->tick, &often);
    world->net = ws_net_new(world->base, cafile, why, sizeof(why));
    if (world->net == NULL)
        fail_msg("%s", why);
    ws_options_default(&world->options);
}

void world_end(struct world *world)
{
    ws_net_free(world->net);
    event_free(world->deadline);
    event_free(world->tick);
    world_settle(world);
    event_base_free(world->base);
}

void world_round(struct world *world)
{
    event_base_loop(world->base, EVLOOP_ONCE);
}

void world_settle(struct world *world)
{
    for (int i = 0; i < 10; i++)
        event_base_loop(world->base, EVLOOP_NONBLOCK);
}

static uint16_t local_port(int fd)
{
    union address address;
    socklen_t length = sizeof(address);

    assert_int_equal(getsockname(fd, &address.any, &length), 0);
    return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

static int bound_socket(const char *text)
{
    struct address_list list = {0};

    assert_true(address_add_text(&list, text, 0));
    int fd = socket(list.items[0].any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, &list.items[0].any, address_length(&list.items[0])), 0);
    return fd;
}

int world_listen(const char *address, uint16_t *ret_port)
{
    int fd = bound_socket(address);

    assert_int_equal(listen(fd, 10), 0);
    *ret_port = local_port(fd);
    return fd;
}

uint16_t world_refused_port(void)
{
    int fd = bound_socket("127.0.0.1");
    uint16_t port = local_port(fd);

    close(fd);
    return port;
}

bool world_has_ipv6(void)
{
    struct address_list list = {0};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address_add_text(&list, "::1", 0);
    bool has = fd >= 0 && bind(fd, &list.items[0].any, address_length(&list.items[0])) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

char *world_big_text(void)
{
    char *text = malloc(WORLD_BIG + 1);

    assert_non_null(text);
    for (size_t i = 0; i < WORLD_BIG; i++)
        text[i] = (char)('a' + i % 23);
    text[WORLD_BIG] = '\0';
    return text;
}

struct url world_url(const char *format, ...)
{
    char text[URL_MAX + 1];
    struct url url;
    va_list values;

    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    assert_int_equal(url_parse(text, &url), URL_OK);
    return url;
}

static void enter(struct party *party)
{
    assert_false(party->calling);
    assert_int_equal(party->depth, 0);
    assert_int_equal(party->closed, 0); /* it is the last */
    party->depth++;
}

static void leave(struct party *party, void (*hook)(struct party *party))
{
    if (hook != NULL)
        hook(party);
    party->depth--;
}

static void on_opened(struct ws *ws, void *arg)
{
    struct party *party = arg;

    enter(party);
    assert_ptr_equal(ws, party->ws);
    party->opened++;
    leave(party, party->on_opened);
}

static void on_message(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    struct party *party = arg;

    enter(party);
    assert_ptr_equal(ws, party->ws);
    assert_int_equal(data[length], '\0');
    party->messages++;
    evbuffer_add(party->text, data, length + 1);
    leave(party, party->on_message);
}

static void on_drained(struct ws *ws, void *arg)
{
    struct party *party = arg;

    enter(party);
    assert_int_equal(ws_backlog(ws), 0);
    party->drained++;
    leave(party, party->on_drained);
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    struct party *party = arg;

    enter(party);
    assert_ptr_equal(ws, party->ws);
    party->closed++;
    snprintf(party->why, sizeof(party->why), "%s", why);
    leave(party, party->on_closed);
    party->ws = NULL;
}

static const struct ws_handlers handlers = {
    .opened = on_opened,
    .message = on_message,
    .drained = on_drained,
    .closed = on_closed,
};

const struct ws_handlers *party_handlers(void)
{
    return &handlers;
}

void party_begin(struct party *party, struct world *world)
{
    *party = (struct party){.world = world, .text = evbuffer_new()};
    assert_non_null(party->text);
}

void party_end(struct party *party)
{
    ws_free(party->ws);
    evbuffer_free(party->text);
}

void party_dial_through(struct party *party, const struct url *url, const struct proxy *proxy)
{
    CALL(party, party->ws = ws_dial(party->world->net, url, proxy, &party->world->options,
                                    &handlers, party));
    assert_non_null(party->ws);
}

void party_dial(struct party *party, const struct url *url)
{
    party_dial_through(party, url, NULL);
}

void party_accept(struct party *party, int fd)
{
    CALL(party,
         party->ws = ws_accept(party->world->net, fd, &party->world->options, &handlers, party));
    assert_non_null(party->ws);
}

bool party_send(struct party *party, const char *text)
{
    bool sent;

    CALL(party, sent = ws_send(party->ws, text, strlen(text)));
    return sent;
}

bool party_got(struct party *party, const char *text)
{
    size_t length = strlen(text) + 1;

    if (evbuffer_get_length(party->text) < length ||
        memcmp(evbuffer_pullup(party->text, (ev_ssize_t)length), text, length) != 0)
        return false;
    evbuffer_drain(party->text, length);
    return true;
}

int world_accept(struct world *world, int listener)
{
    int fd;

    WAIT_FOR(world, (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0 ||
                        errno != EAGAIN);
    assert_true(fd >= 0);
    return fd;
}

static void on_raw_event(struct bufferevent *bev, short what, void *arg)
{
    struct raw *raw = arg;

    (void)bev;
    raw->ended = raw->ended || what & (BEV_EVENT_EOF | BEV_EVENT_ERROR);
}

static void raw_begin(struct raw *raw, struct world *world, int fd)
{
    raw->ended = false;
    raw->bev = bufferevent_socket_new(world->base, fd, BEV_OPT_CLOSE_ON_FREE);
    assert_non_null(raw->bev);
    bufferevent_setcb(raw->bev, NULL, NULL, on_raw_event, raw);
    bufferevent_enable(raw->bev, EV_READ | EV_WRITE);
}

void raw_accept(struct raw *raw, struct world *world, int listener)
{
    raw_begin(raw, world, world_accept(world, listener));
}

void raw_connect(struct raw *raw, struct world *world, uint16_t port)
{
    struct address_list list = {0};

    address_add_text(&list, "127.0.0.1", port);
    raw_begin(raw, world, -1);
    assert_int_equal(bufferevent_socket_connect(raw->bev, &list.items[0].any,
                                                (int)address_length(&list.items[0])),
                     0);
}

void raw_put(struct raw *raw, const void *data, size_t length)
{
    assert_int_equal(bufferevent_write(raw->bev, data, length), 0);
}

size_t raw_length(struct raw *raw)
{
    return evbuffer_get_length(bufferevent_get_input(raw->bev));
}

void raw_expect(struct raw *raw, struct world *world, const void *data, size_t length)
{
    struct evbuffer *input = bufferevent_get_input(raw->bev);

    WAIT_FOR(world, evbuffer_get_length(input) >= length || raw->ended);
    assert_true(evbuffer_get_length(input) >= length);
    assert_memory_equal(evbuffer_pullup(input, (ev_ssize_t)length), data, length);
    evbuffer_drain(input, length);
}

void raw_upgrade(struct raw *raw, struct world *world)
{
    struct handshake handshake;
    char reply[HANDSHAKE_TEXT_SIZE];
    struct evbuffer *input = bufferevent_get_input(raw->bev);

    handshake_server(&handshake);
    while (handshake.progress == HANDSHAKE_MORE) {
        size_t length = evbuffer_get_length(input), used;

        if (length == 0) {
            world_round(world);
            continue;
        }
        handshake_feed(&handshake, evbuffer_pullup(input, -1), length, &used);
        evbuffer_drain(input, used);
    }
    raw_put(raw, reply, handshake_reply(&handshake, reply));
}

void raw_frame(struct raw *raw, bool masked, unsigned head, const char *data, size_t length)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    const uint8_t bytes[2] = {(uint8_t)head, (uint8_t)(length | (masked ? 0x80 : 0))};

    raw_put(raw, bytes, sizeof(bytes));
    if (masked)
        raw_put(raw, mask, sizeof(mask));
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)(data[i] ^ (masked ? mask[i % 4] : 0));

        raw_put(raw, &byte, 1);
    }
}

void raw_expect_frame(struct raw *raw, struct world *world, unsigned head, const char *data,
                      size_t length)
{
    struct evbuffer *input = bufferevent_get_input(raw->bev);
    uint8_t bytes[2], mask[4] = {0};
    char payload[126];

    WAIT_FOR(world, raw_length(raw) >= 2 || raw->ended);
    assert_int_equal(evbuffer_remove(input, bytes, 2), 2);
    assert_int_equal(bytes[0], head);
    assert_int_equal(bytes[1] & 0x7f, length);
    size_t rest = length + (bytes[1] & 0x80 ? sizeof(mask) : 0);
    WAIT_FOR(world, raw_length(raw) >= rest || raw->ended);
    if (bytes[1] & 0x80)
        evbuffer_remove(input, mask, sizeof(mask));
    assert_int_equal(evbuffer_remove(input, payload, length), length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal((uint8_t)payload[i] ^ mask[i % 4], (uint8_t)data[i]);
}

void raw_end(struct raw *raw)
{
    if (raw->bev != NULL)
        bufferevent_free(raw->bev);
    raw->bev = NULL;
}

void pair_begin_with(struct pair *pair, const struct ws_options *options)
{
    uint16_t port;
    int listener = world_listen("127.0.0.1", &port);
    struct url url = world_url("ws://127.0.0.1:%u/v1", port);

    world_begin(&pair->world, NULL);
    if (options != NULL)
        pair->world.options = *options;
    party_begin(&pair->client, &pair->world);
    party_begin(&pair->server, &pair->world);
    party_dial(&pair->client, &url);
    party_accept(&pair->server, world_accept(&pair->world, listener));
    WAIT_FOR(&pair->world, pair->client.opened && pair->server.opened);
    close(listener);
}

void pair_begin(struct pair *pair)
{
    pair_begin_with(pair, NULL);
}

void pair_end(struct pair *pair)
{
    party_end(&pair->client);
    party_end(&pair->server);
    world_end(&pair->world);
}
