/* When memory runs out, at whatever allocation, a connection ends and says so: nothing crashes,
 * leaks or hangs. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "net-world.h"
#include "scarce.h"

/* More failures than the scenario has allocations. */
#define ALLOCATIONS_MAX 1000

static const struct ws_handlers *handlers;

static bool over(const struct party *party)
{
    return party->ws == NULL;
}

/* As a proxy would. */
static void make_tunnel(struct party *client, int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    char asked[1024];

    WAIT_FOR(client->world, over(client) || recv(fd, asked, sizeof(asked), 0) > 0);
    if (!over(client))
        assert_int_equal(send(fd, answer, sizeof(answer) - 1, 0), sizeof(answer) - 1);
}

/* Accepts if somebody comes before the client has given up. */
static void meet(struct party *client, struct party *server, int listener, bool through)
{
    int fd = -1;

    WAIT_FOR(client->world,
             over(client) || (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);
    if (fd >= 0 && through)
        make_tunnel(client, fd);
    if (fd >= 0)
        server->ws = ws_accept(client->world->net, fd, &client->world->options, handlers, server);
}

/* Messages both ways and the close handshake, as far as it gets. */
static void talk(struct party *client, struct party *server)
{
    WAIT_FOR(client->world, over(client) || over(server) || (client->opened && server->opened));
    if (!over(client) && party_send(client, "hello"))
        WAIT_FOR(client->world, over(client) || over(server) || server->messages);
    if (!over(server) && party_send(server, "hello"))
        WAIT_FOR(client->world, over(client) || over(server) || client->messages);
    if (!over(client))
        ws_close(client->ws);
    WAIT_FOR(client->world, over(client) && over(server));
}

/* True if an allocation failed. `through`: through a proxy. */
static bool run(unsigned nth, bool through)
{
    struct world world;
    struct party client, server;
    uint16_t port;
    int listener = world_listen("127.0.0.1", &port);
    struct url url = world_url("ws://localhost:%u/v1", port);
    struct proxy proxy = {.protocol = PROXY_HTTP, .url = url, .user = "me", .password = "secret"};

    world_begin(&world, NULL);
    party_begin(&client, &world);
    party_begin(&server, &world);
    handlers = party_handlers();
    scarce_fail_nth(nth);
    client.ws =
        ws_dial(world.net, &url, through ? &proxy : NULL, &world.options, handlers, &client);
    meet(&client, &server, listener, through);
    talk(&client, &server);
    bool failed = scarce_end();
    if (!failed)
        assert_int_equal(client.messages + server.messages, 2);
    party_end(&client);
    party_end(&server);
    world_end(&world);
    close(listener);
    return failed;
}

/* Returns how many allocations there are. */
static unsigned fail_each(bool through)
{
    unsigned nth = 1;

    while (nth < ALLOCATIONS_MAX && run(nth, through))
        nth++;
    assert_true(nth > 10);
    assert_true(nth < ALLOCATIONS_MAX);
    return nth;
}

static void test_nth_allocation_fails(void **state)
{
    (void)state;
    assert_true(fail_each(true) > fail_each(false));
}

/* The network's own beginnings. */
static void test_net_new(void **state)
{
    struct event_base *base = event_base_new();
    struct ws_net *net = NULL;
    char why[128];

    (void)state;
    for (unsigned nth = 1; net == NULL && nth < ALLOCATIONS_MAX; nth++) {
        scarce_fail_nth(nth);
        net = ws_net_new(base, NULL, why, sizeof(why));
        assert_int_equal(scarce_end(), net == NULL);
        if (net == NULL)
            assert_string_equal(why, "out of memory");
    }
    assert_non_null(net);
    ws_net_free(net);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nth_allocation_fails),
        cmocka_unit_test(test_net_new),
    };

    scarce_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
