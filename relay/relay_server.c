#include "config.h"

#include "relay/relay_server.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/timer.h"
#include "net/ws.h"
#include "relay/relay_connection.h"
#include "service/log.h"

/* How often those are looked after whose turn it is, and how many at a time. */
#define TEND_MS  1000
#define TEND_MAX 1024
/* Who listens to no mailbox and says nothing for so long wants nothing: longer than anybody needs
 * to type a code. */
#define IDLE_MS (30 * 60000)
/* Patience for a close frame, and for TLS and the upgrade. */
#define CLOSE_MS     1000
#define HANDSHAKE_MS 15000
/* A message that is a little too large is still read, so that its sender can be told. */
#define MESSAGE_MARGIN 65536
/* At the end: patience for what is under way, for the goodbyes, and how often to look. */
#define END_WORK_MS    1000
#define END_GOODBYE_MS 500
#define END_LOOK_MS    10

static const char *const paths[] = {"/v1", "/", NULL};

/* ---- looking after everybody ---- */

int64_t server_patience(const struct relay_server_settings *settings)
{
    return settings->client_timeout * 2 / 3;
}

/* How often each has its turn: in what patience leaves of a client's time. */
static int64_t look_every(const struct relay_server *server)
{
    int64_t look = server_patience(&server->settings) / 2;
    return server->settings.touch_every < look ? server->settings.touch_every : look;
}

/* By the wall clock, for mailboxes live by it. If that was set back, everything is due. */
static bool is_due(int64_t last, int64_t every, int64_t now)
{
    return now - last >= every || now < last;
}

static void look_after(struct relay_connection *peer, int64_t now)
{
    if (!relay_connection_check_reading(peer) || !peer->client)
        return;
    if (!rules_listening(peer->client)) {
        if (clock_monotonic() - peer->heard > IDLE_MS)
            relay_connection_drop(peer, RELAY_DROP_IDLE);
    } else if (is_due(peer->touched, peer->server->settings.touch_every, now)) {
        peer->touched = now;
        rules_touch(peer->client, now);
    }
}

static void on_tend(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct relay_server *server = arg;
    int64_t now = clock_now(), every = look_every(server);
    struct relay_connection *peer;
    for (int i = 0; i < TEND_MAX && (peer = server->peers) && is_due(peer->looked, every, now);
         i++) {
        DL_DELETE(server->peers, peer);
        DL_APPEND(server->peers, peer);
        peer->looked = now;
        look_after(peer, now);
    }
}

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct relay_server *server = arg;
    while (server->doomed)
        relay_connection_free(server->doomed);
}

static bool start_tending(struct relay_server *server)
{
    int64_t every = look_every(server);
    struct timeval wait = timer_interval(every < TEND_MS ? every : TEND_MS);
    return event_add(server->tender, &wait) == 0;
}

/* ---- making it ---- */

static void set_options(struct relay_server *server)
{
    ws_options_default(&server->options);
    server->options.message_max = server->settings.message_max + MESSAGE_MARGIN;
    server->options.connect_timeout = HANDSHAKE_MS;
    server->options.handshake_timeout = HANDSHAKE_MS;
    server->options.close_timeout = CLOSE_MS;
    server->options.ping_interval = (int)server_patience(&server->settings);
    server->options.ping_timeout =
        (int)(server->settings.client_timeout - server_patience(&server->settings));
    server->options.paths = paths;
}

struct relay_server *relay_server_new(struct event_base *base,
                                      const struct relay_server_settings *settings)
{
    char why[256];
    struct relay_server *server = calloc(1, sizeof(*server));
    if (!server)
        return NULL;
    server->base = base;
    server->settings = *settings;
    set_options(server);
    server->net = ws_net_new(base, NULL, why, sizeof(why));
    server->rations = rate_limit_new(&settings->rations);
    server->reaper = evtimer_new(base, on_reap, server);
    server->tender = event_new(base, -1, EV_PERSIST, on_tend, server);
    if (server->net && server->rations && server->reaper && server->tender && start_tending(server))
        return server;
    relay_server_free(server);
    return NULL;
}

void relay_server_set_rules(struct relay_server *server, struct rules *rules)
{
    server->rules = rules;
}

void relay_server_set(struct relay_server *server, const struct relay_server_settings *settings)
{
    server->settings = *settings;
    set_options(server);
    rate_limit_set(server->rations, &settings->rations);
    start_tending(server);
}

void relay_server_set_tls(struct relay_server *server, SSL_CTX *tls)
{
    SSL_CTX_free(server->tls);
    server->tls = tls;
}

void relay_server_accept(void *arg, int fd)
{
    struct relay_server *server = arg;
    union endpoint endpoint;
    server->counts.accepted++;
    if (!endpoint_of_peer(fd, &endpoint))
        close(fd); /* it has gone already */
    else
        relay_connection_new(server, fd, &endpoint);
}

static void drop_event(struct event *event)
{
    if (event)
        event_free(event);
}

void relay_server_free(struct relay_server *server)
{
    if (!server)
        return;
    while (server->peers)
        relay_connection_free(server->peers);
    while (server->doomed)
        relay_connection_free(server->doomed);
    drop_event(server->reaper);
    drop_event(server->tender);
    drop_event(server->ending);
    rate_limit_free(server->rations);
    ws_net_free(server->net);
    SSL_CTX_free(server->tls);
    free(server);
}

void relay_server_count(const struct relay_server *server, struct relay_server_counts *ret_counts)
{
    *ret_counts = server->counts;
}

/* ---- the end ---- */

static bool all_rest(const struct relay_server *server)
{
    const struct relay_connection *peer;
    DL_FOREACH(server->peers, peer)
    {
        if (peer->client && !rules_resting(peer->client))
            return false;
    }
    return true;
}

static void say_goodbye(struct relay_server *server)
{
    struct relay_connection *peer, *next;
    server->goodbye = true;
    server->deadline = clock_monotonic() + END_GOODBYE_MS;
    DL_FOREACH_SAFE(server->peers, peer, next)
    {
        if (peer->client)
            ws_close(peer->ws);
        else
            relay_connection_drop(peer, RELAY_DROP_ENDING);
    }
}

static void on_ending(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct relay_server *server = arg;
    bool late = clock_monotonic() >= server->deadline;
    if (server->goodbye && (late || !server->peers)) {
        event_del(server->ending);
        server->ended(server->ended_arg);
    } else if (!server->goodbye && (late || all_rest(server))) {
        say_goodbye(server);
    }
}

void relay_server_end(struct relay_server *server, void (*done)(void *arg), void *arg)
{
    struct timeval often = timer_interval(END_LOOK_MS);
    struct relay_connection *peer;
    server->ended = done;
    server->ended_arg = arg;
    server->deadline = clock_monotonic() + END_WORK_MS;
    server->ending = event_new(server->base, -1, EV_PERSIST, on_ending, server);
    if (!server->ending || event_add(server->ending, &often) != 0) {
        log_error("relay", "out of memory: everybody is dropped");
        done(arg);
        return;
    }
    DL_FOREACH(server->peers, peer)
    {
        relay_connection_set_pause(peer);
    }
}
