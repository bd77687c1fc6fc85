/* Connections to relays: from dialling to the end, what the relay says of them and on them, and
 * when silence means that one is dead. */
#include "config.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/timer.h"
#include "daemon/hashcash_worker.h"
#include "daemon/relay_dialer.h"
#include "daemon/relay_links_parts.h"
#include "daemon/relays.h"
#include "net/ws.h"
#include "service/log.h"

/* While more than this many bytes are unsent, nothing more should be sent: memory then holds a
 * message or two, however many are waiting. */
#define BACKLOG_MAX ((size_t)1024 * 1024)
/* The same for a shared connection, on which whatever waits delays all sessions. */
#define SHARED_BACKLOG_MAX ((size_t)64 * 1024)
/* How long a shared connection is kept that nobody uses, ms: the next session may be due soon. */
#define IDLE_MAX 30000
/* A shared connection from which nothing was heard for this long is asked for a sign of life before
 * a session uses it: the network may have changed. */
#define FRESH_MAX 10000
/* How long that sign, or any answer, may take before other sessions use another connection … */
#define ANSWER_MAX 3000
/* … and before it is given up: a relay that limits rates may read nothing for ten seconds. */
#define SILENCE_MAX 20000

/* ---- who uses it ---- */

static bool is_used(const struct link_connection *connection)
{
    return connection->waiting != NULL || connection->channels != NULL;
}

unsigned link_connection_count(const struct link_connection *connection)
{
    const struct relay_link *link;
    unsigned count;
    DL_COUNT(connection->waiting, link, count);
    return count + HASH_COUNT(connection->channels);
}

/* The name of the session, for the log, if it is that of one. */
static const char *user_of(const struct link_connection *connection)
{
    const struct relay_link *link =
        connection->channels != NULL ? connection->channels : connection->waiting;
    return connection->shared || link == NULL ? "(shared)" : link->name;
}

/* ---- its end ---- */

static void forget_welcome(struct link_connection *connection)
{
    hashcash_worker_cancel(connection->hashcash);
    connection->hashcash = NULL;
    wire_free(&connection->welcome);
}

/* Its WebSocket is gone, or will go without another callback. */
static void free_connection(struct link_connection *connection)
{
    while (connection->waiting != NULL)
        relay_link_free(connection->waiting);
    while (connection->channels != NULL)
        relay_link_free(connection->channels);
    forget_welcome(connection);
    if (connection->ignored > 1)
        log_warning("visit", "%u more messages from %s were ignored", connection->ignored - 1,
                    connection->use.relay->url);
    DL_DELETE(connection->links->connections, connection);
    relay_use_end(&connection->use);
    event_free(connection->timer);
    free(connection);
}

void link_connection_drop(struct link_connection *connection)
{
    ws_free(connection->ws);
    free_connection(connection);
}

static void lose_all(struct link_connection *connection, const char *why)
{
    while (connection->waiting != NULL)
        relay_link_lose(connection->waiting, why);
    while (connection->channels != NULL)
        relay_link_lose(connection->channels, why);
}

static void arm(struct link_connection *connection)
{
    int64_t when = INT64_MAX;
    if (connection->closing || !connection->shared) {
        event_del(connection->timer);
        return;
    }
    if (!is_used(connection))
        when = connection->idle + IDLE_MAX;
    else if (connection->asked != 0)
        when = connection->asked + (connection->doubted ? ANSWER_MAX : SILENCE_MAX);
    if (when == INT64_MAX) {
        event_del(connection->timer);
        return;
    }
    struct timeval wait = timer_interval(when - clock_monotonic());
    event_add(connection->timer, &wait);
}

/* No more is expected of it. */
static void close_connection(struct link_connection *connection)
{
    connection->closing = true;
    forget_welcome(connection);
    arm(connection);
    ws_close(connection->ws);
}

/* Nobody uses it, perhaps: one that is not ready, or not shared, then has no purpose. */
void link_connection_left(struct link_connection *connection)
{
    if (is_used(connection) || connection->closing)
        return;
    connection->idle = clock_monotonic();
    if (connection->shared)
        arm(connection);
    else
        close_connection(connection);
}

/* ---- sending ---- */

void link_connection_send(struct link_connection *connection, const char *text)
{
    if (!ws_send(connection->ws, text, strlen(text)))
        ws_close(connection->ws); /* nothing must wait for an answer; `closed` tells all */
    FAULT_POINT("visit.sent");
    if (connection->asked != 0)
        return;
    connection->asked = clock_monotonic();
    arm(connection);
}

bool link_connection_has_room(const struct link_connection *connection)
{
    return ws_backlog(connection->ws) < (connection->shared ? SHARED_BACKLOG_MAX : BACKLOG_MAX);
}

static void on_drained(struct ws *ws, void *arg)
{
    struct link_connection *connection = arg;
    (void)ws;
    while (connection->queue != NULL && link_connection_has_room(connection)) {
        struct relay_link *link = connection->queue;
        DL_DELETE2(connection->queue, link, queue_prev, queue_next);
        link->queued = false;
        link->handlers->room(link->arg);
    }
}

/* ---- who may join ---- */

/* For how many it has place, which is a guess before its relay has said so. */
static unsigned places(const struct link_connection *connection)
{
    return connection->ready ? connection->welcome.channels : UINT16_MAX;
}

bool link_connection_is_joinable(const struct link_connection *connection,
                                 const struct relay *relay)
{
    if (connection->use.relay != relay || !connection->may_share || connection->closing ||
        (connection->ready && !connection->shared))
        return false;
    if (connection->ready && connection->asked != 0 &&
        clock_monotonic() - connection->asked >= ANSWER_MAX)
        return false;
    return link_connection_count(connection) < places(connection);
}

static void ask_for_sign(struct link_connection *connection)
{
    char *ping = wire_encode_ping(0);
    connection->doubted = true;
    if (ping != NULL)
        link_connection_send(connection, ping);
    else
        ws_close(connection->ws);
    free(ping);
}

void link_connection_arrive(struct link_connection *connection, struct relay_link *link)
{
    if (!connection->ready || connection->doubted)
        return;
    if (clock_monotonic() - ws_heard(connection->ws) < FRESH_MAX)
        relay_link_join(link);
    else
        ask_for_sign(connection);
}

static void admit_waiting(struct link_connection *connection)
{
    struct relay_link *link, *next;
    connection->doubted = false;
    DL_FOREACH_SAFE(connection->waiting, link, next)
    {
        if (link->failure == NULL &&
            HASH_COUNT(connection->channels) < connection->welcome.channels)
            relay_link_join(link);
    }
    relay_links_send_elsewhere(connection);
}

/* ---- what the relay says ---- */

/* The relay speaks to one session, which is told all of it. */
static void pass_on(struct link_connection *connection, struct wire_message *message)
{
    struct relay_link *link;
    int64_t channel = connection->shared ? message->channel : 0;
    HASH_FIND(hh, connection->channels, &channel, sizeof(channel), link);
    if (link == NULL || link->failure != NULL) { /* it has left */
        wire_free(message);
    } else if (connection->shared && message->type == WIRE_LEFT) {
        log_debug("visit", "session %s: %s", link->name,
                  message->reason != NULL ? message->reason : "its channel has ended");
        link->alone = message->alone;
        relay_link_lose(link, message->reason != NULL
                                  ? message->reason
                                  : "the relay has ended the session's channel");
        wire_free(message);
        link_connection_left(connection);
    } else if (!link->handlers->message(link->arg, message)) {
        relay_link_fail(link);
    }
}

/* Only now may the session bind, so only now is it told that the relay is there. */
static void on_stamp(void *arg, const char *stamp)
{
    struct link_connection *connection = arg;
    char *text = stamp == NULL ? NULL : wire_encode_submit_permission(stamp);
    connection->hashcash = NULL;
    if (text != NULL)
        link_connection_send(connection, text);
    if (text != NULL || connection->welcome.permission_none)
        connection->welcome.permission_needed = false;
    free(text);
    if (connection->waiting != NULL)
        relay_link_join(connection->waiting);
}

/* The first that waits joins, now or when there is a stamp, if the relay asks for one. Where that
 * would cost more than it may, and the relay does not do without, the link is lost. */
static void admit_first(struct link_connection *connection)
{
    struct wire_message *welcome = &connection->welcome;
    unsigned bits = welcome->permission_needed ? welcome->hashcash_bits : 0;
    bool possible = bits > 0 && bits <= HASHCASH_WORKER_BITS_MAX;
    if (possible && relay_pays(connection->use.relay, bits, clock_now()))
        connection->hashcash =
            hashcash_worker_ask(connection->links->hashcash_worker, bits,
                                welcome->hashcash_resource, on_stamp, connection);
    else if (possible && welcome->permission_none)
        welcome->permission_needed = false;
    else if (possible) {
        relay_link_lose(connection->waiting, relay_too_dear);
        return;
    }
    if (connection->hashcash == NULL)
        relay_link_join(connection->waiting);
}

/* Not shared after all: it belongs to the first that waits. */
static void give_to_first(struct link_connection *connection)
{
    struct relay_link *first = connection->waiting;
    DL_DELETE(connection->waiting, first);
    relay_links_send_elsewhere(connection);
    DL_PREPEND(connection->waiting, first);
    admit_first(connection);
}

static void take_welcome(struct link_connection *connection, struct wire_message *message)
{
    struct relay *relay = connection->use.relay;
    bool offered = message->channels > 0 && !message->permission_needed;
    relay_welcomed(relay, message->motd, message->error, message->retention * 1000);
    relay->sharing = offered ? RELAY_SHARES : RELAY_DOES_NOT_SHARE;
    connection->welcome = *message;
    connection->ready = true;
    connection->shared = offered && connection->may_share;
    if (connection->shared)
        admit_waiting(connection);
    else if (connection->waiting != NULL)
        give_to_first(connection);
    link_connection_left(connection);
}

/* Listening any longer is pointless. */
static void hang_up(struct link_connection *connection, const char *why)
{
    lose_all(connection, why);
    if (!connection->closing)
        close_connection(connection);
}

static void on_opened(struct ws *ws, void *arg)
{
    struct link_connection *connection = arg;
    (void)ws;
    connection->moved = clock_monotonic();
    relay_use_opened(&connection->use);
    log_debug("visit", "session %s: connected to %s", user_of(connection),
              connection->use.relay->url);
}

static void on_message(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    struct link_connection *connection = arg;
    struct wire_message message;
    (void)ws;
    connection->asked = 0;
    if (connection->closing)
        return;
    enum wire_fault fault = wire_parse_odd((const char *)data, length, &message);
    if (fault != WIRE_OK && connection->ignored++ == 0)
        log_warning("visit", "session %s: a message from %s is ignored: %s", user_of(connection),
                    connection->use.relay->url, wire_fault_text(fault));
    if (fault == WIRE_NOT_JSON || fault == WIRE_NO_MEMORY)
        hang_up(connection, wire_fault_text(fault));
    if (fault != WIRE_OK)
        return;
    if (connection->doubted)
        admit_waiting(connection);
    if (message.type == WIRE_WELCOME && !connection->ready)
        take_welcome(connection, &message);
    else
        pass_on(connection, &message);
    arm(connection);
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    struct link_connection *connection = arg;
    if (!connection->use.opened)
        relay_unreachable(connection->use.relay, why, clock_now());
    log_debug("visit", "session %s: %s", user_of(connection), why);
    if (!connection->shared && connection->channels != NULL)
        connection->channels->burdened = connection->channels->guarded && ws_was_too_long(ws);
    lose_all(connection, why);
    free_connection(connection);
}

static const struct ws_handlers websocket_handlers = {
    .opened = on_opened,
    .message = on_message,
    .drained = on_drained,
    .closed = on_closed,
};

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    static const char silent[] = "the relay no longer answers";
    struct link_connection *connection = arg;
    int64_t now = clock_monotonic();
    (void)fd;
    (void)what;
    if (!is_used(connection)) {
        if (now - connection->idle >= IDLE_MAX)
            close_connection(connection);
    } else if (connection->asked != 0 && ws_heard(connection->ws) > connection->asked) {
        connection->asked = ws_heard(connection->ws); /* an answer is on its way */
    } else if (connection->doubted && now - connection->asked >= ANSWER_MAX) {
        connection->doubted = false;
        relay_links_send_elsewhere(connection);
        link_connection_left(connection);
    } else if (connection->asked != 0 && now - connection->asked >= SILENCE_MAX) {
        lose_all(connection, silent);
        link_connection_drop(connection);
        return;
    }
    arm(connection);
}

/* ---- its beginning ---- */

struct link_connection *link_connection_dial(struct relay_links *links, struct relay *relay,
                                             const struct url *url, const char *session,
                                             bool public_only, bool may_share)
{
    struct ws_options options;
    struct link_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return NULL;
    connection->links = links;
    connection->url = *url;
    connection->may_share = may_share;
    connection->timer = evtimer_new(links->base, on_timer, connection);
    if (connection->timer == NULL) {
        free(connection);
        return NULL;
    }
    relay_use_begin(&connection->use, relay);
    DL_APPEND(links->connections, connection);
    ws_options_default(&options);
    options.public_only = public_only;
    connection->ws = relay_dialer_dial(links->dialer, relay, url, session, &options,
                                       &websocket_handlers, connection);
    if (connection->ws != NULL)
        return connection;
    free_connection(connection);
    return NULL;
}
