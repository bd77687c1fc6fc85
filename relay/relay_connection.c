#include "config.h"

#include "relay/relay_connection.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/timer.h"
#include "service/log.h"

/* Bytes that all clients together may be behind. Then the one that is most behind is dropped. */
#define BACKLOG_ALL_MAX ((uint64_t)512 * 1024 * 1024)
/* Who is so many bytes behind is not listened to, for what he asks for would only add to it, and is
 * sent no more messages until he has taken these. */
#define BACKLOG_PAUSE ((size_t)1024 * 1024)
/* Random bytes that tell a connection from all others in a hashcash stamp. */
#define RESOURCE_BYTES 8
/* Connections that are not served and told so, at a time; more are just closed. */
#define REFUSED_MAX 64

static const char *const causes[RELAY_DROP_CAUSES] = {
    [RELAY_DROP_FULL] = "out of memory",
    [RELAY_DROP_SLOW] = "it does not read what it is sent",
    [RELAY_DROP_IDLE] = "it wants nothing",
    [RELAY_DROP_ENDING] = "the relay ends",
};

static const char *name_of(const struct relay_connection *peer)
{
    return peer->name ? peer->name : "a client";
}

/* ---- being listened to ---- */

void relay_connection_set_pause(struct relay_connection *peer)
{
    bool busy = peer->client && rules_busy(peer->client);
    if (peer->ws)
        ws_pause(peer->ws,
                 busy || peer->wait || peer->server->ending || peer->backlog > BACKLOG_PAUSE);
}

static void let_in(struct relay_connection *peer)
{
    char resource[RESOURCE_BYTES * 2 + 1] = "";
    uint8_t bytes[RESOURCE_BYTES];
    if (rules_asks_permission(peer->server->rules)) {
        randombytes_buf(bytes, sizeof(bytes));
        sodium_bin2hex(resource, sizeof(resource), bytes, sizeof(bytes));
    }
    peer->client = rules_enter(peer->server->rules, peer, resource, clock_now());
    if (!peer->client && peer->ws)
        relay_connection_drop(peer, RELAY_DROP_FULL);
}

static void on_waited(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct relay_connection *peer = arg;
    event_free(peer->wait);
    peer->wait = NULL;
    if (!peer->client && !peer->server->ending)
        let_in(peer);
    relay_connection_set_pause(peer);
}

/* Without memory for the timer, nobody has to wait. */
static void make_wait(struct relay_connection *peer, int64_t ms)
{
    struct timeval wait = timer_interval(ms);
    if (peer->wait || ms <= 0 || !(peer->wait = evtimer_new(peer->server->base, on_waited, peer)))
        return;
    event_add(peer->wait, &wait);
    peer->server->counts.waits++;
    relay_connection_set_pause(peer);
}

/* ---- what the WebSocket tells ---- */

/* A stock client shows it to its user and stops. */
static void tell_refusal(struct relay_connection *peer)
{
    char text[256];
    int length =
        snprintf(text, sizeof(text), "{\"type\": \"welcome\", \"welcome\": {\"error\": \"%s\"}}",
                 peer->refusal);
    ws_send(peer->ws, text, (size_t)length);
    ws_close(peer->ws);
}

static void on_opened(struct ws *ws, void *arg)
{
    (void)ws;
    struct relay_connection *peer = arg;
    if (peer->refusal) {
        tell_refusal(peer);
        return;
    }
    if (peer->rationed)
        make_wait(peer, rate_limit_wait(peer->server->rations, &peer->address, clock_monotonic()));
    if (!peer->wait)
        let_in(peer);
}

static void on_message(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    (void)ws;
    struct relay_connection *peer = arg;
    peer->heard = clock_monotonic();
    if (peer->client)
        rules_receive(peer->client, (const char *)data, length, clock_now());
}

static void note_backlog(struct relay_connection *peer)
{
    size_t backlog = peer->ws ? ws_backlog(peer->ws) : 0;
    peer->server->counts.backlog += backlog;
    peer->server->counts.backlog -= peer->backlog;
    peer->backlog = backlog;
}

static void on_drained(struct ws *ws, void *arg)
{
    (void)ws;
    struct relay_connection *peer = arg;
    note_backlog(peer);
    if (peer->client)
        rules_drained(peer->client, clock_now());
    relay_connection_set_pause(peer);
}

bool relay_connection_check_reading(struct relay_connection *peer)
{
    int64_t now = clock_monotonic();
    note_backlog(peer);
    uint64_t delivered = peer->sent - peer->backlog;
    if (peer->backlog == 0 || delivered != peer->delivered) {
        peer->delivered = delivered;
        peer->moved = now;
    }
    if (now - peer->moved < server_patience(&peer->server->settings))
        return true;
    relay_connection_drop(peer, RELAY_DROP_SLOW);
    return false;
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    (void)ws;
    struct relay_connection *peer = arg;
    log_debug("relay", "%s has gone: %s", name_of(peer), why);
    if (!peer->client && !peer->refusal && !peer->wait)
        peer->server->counts.refusals[RELAY_DROP_WRONG]++;
    peer->ws = NULL;
    relay_connection_free(peer);
}

static const struct ws_handlers handlers = {
    .opened = on_opened,
    .message = on_message,
    .drained = on_drained,
    .closed = on_closed,
};

/* ---- what the rules want ---- */

static void doom_greatest(struct relay_server *server)
{
    struct relay_connection *peer, *greatest = server->peers;
    DL_FOREACH(server->peers, peer)
    {
        if (peer->backlog > greatest->backlog)
            greatest = peer;
    }
    if (greatest)
        relay_connection_drop(greatest, RELAY_DROP_SLOW);
}

static void on_send(void *connection, const char *text, size_t length)
{
    struct relay_connection *peer = connection;
    note_backlog(peer);
    size_t before = peer->backlog;
    if (!peer->ws || !ws_send(peer->ws, text, length))
        return;
    note_backlog(peer);
    peer->sent += peer->backlog > before ? peer->backlog - before : 0;
    relay_connection_set_pause(peer);
    if (peer->backlog > peer->server->settings.backlog_max)
        relay_connection_drop(peer, RELAY_DROP_SLOW);
    else if (peer->server->counts.backlog > BACKLOG_ALL_MAX)
        doom_greatest(peer->server);
}

static void on_drop(void *connection, const char *why)
{
    struct relay_connection *peer = connection;
    log_debug("relay", "%s is dropped: %s", name_of(peer), why);
    if (peer->ws)
        ws_close(peer->ws);
}

static bool on_behind(void *connection)
{
    const struct relay_connection *peer = connection;
    return !peer->ws || peer->backlog > BACKLOG_PAUSE;
}

static void on_eased(void *connection)
{
    relay_connection_set_pause(connection);
}

static const char *on_limit(void *connection, enum rules_rate ration)
{
    static const char *const refusals[RULES_RATES] = {
        [RULES_RATE_ALLOCATE] = "too many nameplates allocated from this address; try again later",
        [RULES_RATE_CLAIM] = "too many nameplates claimed from this address; try again later",
        [RULES_RATE_OPEN] = "too many mailboxes opened from this address; try again later",
        [RULES_RATE_ADD] = "too many messages from this address; try again later",
    };
    struct relay_connection *peer = connection;
    int64_t now = clock_monotonic();
    if (!peer->rationed)
        return NULL;
    if (!rate_limit_take(peer->server->rations, &peer->address, ration, now))
        return refusals[ration];
    make_wait(peer, rate_limit_wait(peer->server->rations, &peer->address, now));
    return NULL;
}

const struct rules_hooks relay_server_hooks = {
    .send = on_send,
    .drop = on_drop,
    .eased = on_eased,
    .ration = on_limit,
    .behind = on_behind,
};

/* ---- its life ---- */

/* Enters its address in the books. False: there are enough of it. */
static bool check_in(struct relay_connection *peer, const union endpoint *endpoint, int64_t now)
{
    struct relay_server *server = peer->server;
    peer->rationed =
        rate_limit_address(&endpoint->any, server->settings.ration_loopback, &peer->address);
    if (!peer->rationed || rate_limit_enter(server->rations, &peer->address, now))
        return true;
    peer->rationed = false;
    return false;
}

static void give_name(struct relay_connection *peer, const union endpoint *endpoint)
{
    char text[ENDPOINT_TEXT_SIZE];
    if (!peer->server->settings.log_addresses)
        return;
    endpoint_text(endpoint, text);
    peer->name = strdup(text);
    log_debug("relay", "%s has come", name_of(peer));
}

static struct ws *start(struct relay_connection *peer, int fd)
{
    struct relay_server *server = peer->server;
    if (server->tls)
        return ws_accept_tls(server->net, fd, server->tls, &server->options, &handlers, peer);
    return ws_accept(server->net, fd, &server->options, &handlers, peer);
}

/* Who is not served is told so, unless there are many of them. */
static bool admit(struct relay_connection *peer, const union endpoint *endpoint, int64_t now)
{
    struct relay_server *server = peer->server;
    if (server->counts.connections - server->refused > server->settings.connections_max) {
        server->counts.refusals[RELAY_DROP_FULL]++;
        peer->refusal = "the relay serves as many clients as it can; try again later";
    } else if (!check_in(peer, endpoint, now)) {
        server->counts.refusals[RELAY_DROP_ADDRESS]++;
        peer->refusal = "too many connections from this address; try again later";
    } else {
        return true;
    }
    return ++server->refused <= REFUSED_MAX;
}

struct relay_connection *relay_connection_new(struct relay_server *server, int fd,
                                              const union endpoint *endpoint)
{
    struct relay_connection *peer = calloc(1, sizeof(*peer));
    int64_t now = clock_monotonic(), today = clock_now();
    if (!peer) {
        close(fd);
        return NULL;
    }
    *peer = (struct relay_connection){.server = server,
                                      .heard = now,
                                      .moved = now,
                                      .looked = today,
                                      .touched = today,
                                      .list = &server->peers};
    DL_APPEND(server->peers, peer);
    server->counts.connections++;
    if (!admit(peer, endpoint, now)) {
        close(fd);
        relay_connection_free(peer);
        return NULL;
    }
    give_name(peer, endpoint);
    peer->ws = start(peer, fd);
    if (peer->ws)
        return peer;
    relay_connection_free(peer);
    return NULL;
}

void relay_connection_free(struct relay_connection *peer)
{
    struct relay_server *server = peer->server;
    ws_free(peer->ws);
    peer->ws = NULL;
    note_backlog(peer);
    rules_leave(peer->client);
    if (peer->rationed)
        rate_limit_leave(server->rations, &peer->address, clock_monotonic());
    if (peer->wait)
        event_free(peer->wait);
    if (peer->refusal)
        server->refused--;
    DL_DELETE(*peer->list, peer);
    server->counts.connections--;
    free(peer->name);
    free(peer);
}

void relay_connection_drop(struct relay_connection *peer, enum relay_drop_cause cause)
{
    struct relay_server *server = peer->server;
    server->counts.refusals[cause]++;
    log_debug("relay", "%s is dropped: %s", name_of(peer), causes[cause]);
    ws_free(peer->ws);
    peer->ws = NULL;
    note_backlog(peer);
    DL_DELETE(*peer->list, peer);
    peer->list = &server->doomed;
    DL_APPEND(server->doomed, peer);
    event_active(server->reaper, EV_TIMEOUT, 1);
}
