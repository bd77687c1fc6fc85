#include "config.h"

#include "relay/relay_server.h"

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/timer.h"
#include "net/handshake.h"
#include "net/ws.h"
#include "service/log.h"

/* How often the connections that are due are looked after, and how many at a time. */
#define TEND_MS  1000
#define TEND_MAX 1024
/* Time for the other end's close frame. */
#define CLOSE_MS 1000
/* When shutting down: time for what is under way, then for the close frames; and how often to check
 * whether that is done. */
#define SHUTDOWN_WORK_MS  1000
#define SHUTDOWN_CLOSE_MS 500
#define SHUTDOWN_LOOK_MS  10

struct relay_server {
    struct relay_connections connections;
    struct event *tender;
    struct event *shutdown; /* NULL before relay_server_shut_down() */
    int64_t deadline;       /* of the current step of the shutdown, by clock_monotonic() */
    bool closing;           /* in its second step */
    void (*done)(void *arg);
    void *done_arg;
};

/* ---- looking after the connections ---- */

/* Each connection is due twice within the time that it may be silent, and as often as its mailbox
 * must be touched. */
static int64_t tend_every(const struct relay_connection_settings *settings)
{
    int64_t every = relay_connection_silence_max(settings) / 2;
    return settings->touch_every < every ? settings->touch_every : every;
}

static void on_tend(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct relay_connections *all = &((struct relay_server *)arg)->connections;
    int64_t now = clock_now(), every = tend_every(&all->settings);
    for (int i = 0; i < TEND_MAX && all->open != NULL; i++) {
        struct relay_connection *first = all->open;
        if (!relay_connection_is_due(first->tended, every, now))
            break;
        DL_DELETE(all->open, first);
        DL_APPEND(all->open, first);
        relay_connection_tend(first, now);
    }
}

static bool start_tending(struct relay_server *server)
{
    int64_t every = tend_every(&server->connections.settings);
    struct timeval wait = timer_interval(every < TEND_MS ? every : TEND_MS);
    return event_add(server->tender, &wait) == 0;
}

static void free_list(struct relay_connection **list)
{
    while (*list != NULL)
        relay_connection_free(*list);
}

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct relay_connections *all = arg;
    free_list(&all->dropped);
}

/* ---- making it ---- */

/* For whoever opens the relay's address in a browser. */
static const char page[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<title>Magic Wormhole relay</title>\n<h1>Magic Wormhole relay</h1>\n"
    "<p>This is a rendezvous relay (wormhole-relayd " PACKAGE_VERSION ").\n"
    "It introduces Magic Wormhole clients to each other; it is not for browsers.\n"
    "<p>Clients use its address with the path <code>/v1</code> and the scheme <code>ws:</code> or\n"
    "<code>wss:</code>. What they say to each other is encrypted, and the relay cannot read it.\n"
    "</html>\n";
_Static_assert(sizeof(page) <= HANDSHAKE_PAGE_MAX, "the page fits into an answer");

static void set_options(struct relay_connections *all)
{
    static const char *const paths[] = {"/v1", "/", NULL};
    const struct relay_connection_settings *settings = &all->settings;
    int64_t silence = relay_connection_silence_max(settings);
    ws_options_default(&all->options);
    all->options.message_max = INTAKE_UNBOUND_MAX;
    all->options.connect_timeout = RELAY_HANDSHAKE_MS;
    all->options.handshake_timeout = RELAY_HANDSHAKE_MS;
    all->options.close_timeout = CLOSE_MS;
    all->options.ping_interval = (int)silence;
    all->options.ping_timeout = (int)(settings->client_timeout - silence);
    all->options.paths = paths;
    all->options.name = "wormhole-relayd/" PACKAGE_VERSION;
    all->options.page = page;
}

struct relay_server *relay_server_new(struct event_base *base,
                                      const struct relay_connection_settings *settings)
{
    char why[256];
    struct relay_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return NULL;
    struct relay_connections *all = &server->connections;
    all->base = base;
    all->settings = *settings;
    set_options(all);
    crypto_shorthash_keygen(all->owner_key);
    all->net = ws_net_new(base, NULL, why, sizeof(why));
    all->limiter = rate_limit_new(&settings->rate_limits);
    all->reaper = evtimer_new(base, on_reap, all);
    server->tender = event_new(base, -1, EV_PERSIST, on_tend, server);
    if (relay_intake_begin(all) && all->net != NULL && all->limiter != NULL &&
        all->reaper != NULL && server->tender != NULL && start_tending(server))
        return server;
    relay_server_free(server);
    return NULL;
}

void relay_server_set_rules(struct relay_server *server, struct rules *rules)
{
    server->connections.rules = rules;
}

void relay_server_set(struct relay_server *server, const struct relay_connection_settings *settings)
{
    server->connections.settings = *settings;
    set_options(&server->connections);
    rate_limit_set(server->connections.limiter, &settings->rate_limits);
    start_tending(server);
}

void relay_server_set_tls(struct relay_server *server, SSL_CTX *tls)
{
    SSL_CTX_free(server->connections.tls);
    server->connections.tls = tls;
}

void relay_server_accept(void *arg, int fd)
{
    struct relay_connections *all = &((struct relay_server *)arg)->connections;
    union address endpoint;
    all->counts.accepted++;
    if (endpoint_of_peer(fd, &endpoint))
        relay_connection_accept(all, fd, &endpoint);
    else
        close(fd); /* it is already gone */
}

static void free_event(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

void relay_server_free(struct relay_server *server)
{
    if (server == NULL)
        return;
    struct relay_connections *all = &server->connections;
    free_list(&all->open);
    free_list(&all->dropped);
    relay_intake_end(all);
    free_event(all->reaper);
    free_event(server->tender);
    free_event(server->shutdown);
    rate_limit_free(all->limiter);
    ws_net_free(all->net);
    SSL_CTX_free(all->tls);
    free(server);
}

void relay_server_count(const struct relay_server *server,
                        struct relay_connection_counts *ret_counts)
{
    *ret_counts = server->connections.counts;
}

uint64_t relay_server_backlog(const struct relay_server *server)
{
    return ws_net_backlog(server->connections.net);
}

/* ---- shutting down ---- */

static bool all_idle(const struct relay_connections *all)
{
    const struct relay_connection *connection;
    DL_FOREACH(all->open, connection)
    {
        if (connection->client != NULL && !rules_idle(connection->client))
            return false;
    }
    return true;
}

static void close_all(struct relay_connections *all)
{
    struct relay_connection *connection, *next;
    DL_FOREACH_SAFE(all->open, connection, next)
    {
        if (connection->client != NULL)
            ws_close(connection->ws);
        else
            relay_connection_drop(connection, RELAY_DROP_SHUTDOWN);
    }
}

static void on_shutdown(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct relay_server *server = arg;
    bool late = clock_monotonic() >= server->deadline;
    if (server->closing && (late || server->connections.open == NULL)) {
        event_del(server->shutdown);
        server->done(server->done_arg);
    } else if (!server->closing && (late || all_idle(&server->connections))) {
        server->closing = true;
        server->deadline = clock_monotonic() + SHUTDOWN_CLOSE_MS;
        close_all(&server->connections);
    }
}

void relay_server_shut_down(struct relay_server *server, void (*done)(void *arg), void *arg)
{
    struct relay_connections *all = &server->connections;
    struct timeval often = timer_interval(SHUTDOWN_LOOK_MS);
    struct relay_connection *connection;
    server->done = done;
    server->done_arg = arg;
    server->deadline = clock_monotonic() + SHUTDOWN_WORK_MS;
    server->shutdown = event_new(all->base, -1, EV_PERSIST, on_shutdown, server);
    if (server->shutdown == NULL || event_add(server->shutdown, &often) != 0) {
        log_error("relay", "out of memory: all connections are dropped");
        done(arg);
        return;
    }
    all->shutting_down = true;
    DL_FOREACH(all->open, connection)
    {
        relay_connection_update_reading(connection);
    }
}
