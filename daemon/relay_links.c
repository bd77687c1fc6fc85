/* Links: how sessions reach their relays. A session's link waits for a connection, which may be its
 * own or shared, joins it when it is ready, and leaves it. */
#include "config.h"

#include "daemon/relay_links.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/relay_dialer.h"
#include "daemon/relay_links_parts.h"
#include "daemon/relays.h"
#include "net/ws.h"
#include "wormhole/session.h"

/* Connections to a relay that may be shared; sessions beyond what these carry have their own. */
#define SHARED_MAX 8

/* ---- leaving a connection ---- */

/* Takes the link from its connection, and frees it. */
void relay_link_free(struct relay_link *link)
{
    struct link_connection *connection = link->connection;
    if (link->stage == LINK_WAITING)
        DL_DELETE(connection->waiting, link);
    else
        HASH_DEL(connection->channels, link);
    if (link->queued)
        DL_DELETE2(connection->queue, link, queue_prev, queue_next);
    if (link->failure != NULL)
        DL_DELETE2(connection->links->failed, link, failed_prev, failed_next);
    free(link);
}

void relay_link_lose(struct relay_link *link, const char *why)
{
    const struct relay_link_handlers *handlers = link->handlers;
    void *arg = link->arg;
    bool alone = link->alone, anew = alone || link->stale, burdened = link->burdened;
    relay_link_free(link);
    if (burdened)
        handlers->burdened(arg);
    else if (anew)
        handlers->anew(arg, alone);
    else
        handlers->lost(arg, why);
}

/* ---- sending ---- */

static void fail(struct relay_link *link, const char *why, bool alone)
{
    struct relay_links *links = link->connection->links;
    if (link->failure != NULL)
        return;
    link->failure = why;
    link->alone = alone;
    DL_APPEND2(links->failed, link, failed_prev, failed_next);
    event_active(links->teller, EV_TIMEOUT, 1);
}

static void say_leave(struct relay_link *link)
{
    if (!link->connection->shared || !link->spoken)
        return;
    char *leave = wire_encode_leave();
    char *text = leave == NULL ? NULL : wire_on_channel(leave, link->channel);
    if (text != NULL)
        ws_send(link->connection->ws, text, strlen(text));
    else
        ws_close(link->connection->ws); /* or the relay would count it for ever */
    free(text);
    free(leave);
}

static void on_tell(evutil_socket_t fd, short what, void *arg)
{
    struct relay_links *links = arg;
    (void)fd;
    (void)what;
    while (links->failed != NULL) {
        struct relay_link *link = links->failed;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is lost leaves the list */
        struct link_connection *connection = link->connection;
        say_leave(link);
        relay_link_lose(link, link->failure);
        link_connection_left(connection);
    }
}

void relay_link_fail(struct relay_link *link)
{
    fail(link, "out of memory", false);
}

void relay_link_renew(struct relay_link *link)
{
    link->stale |= link->failure == NULL;
    fail(link, "what was to be sent is delivered", false);
}

void relay_link_send(struct relay_link *link, const char *text)
{
    struct link_connection *connection = link->connection;
    if (!connection->shared) {
        link_connection_send(connection, text);
        return;
    }
    char *channelled = wire_on_channel(text, link->channel);
    if (channelled == NULL)
        fail(link, "out of memory", false);
    else if (strlen(channelled) > connection->welcome.channel_message_max)
        fail(link, "a message is too large for a shared connection", true);
    else if (link->failure == NULL)
        link_connection_send(connection, channelled);
    link->spoken = true;
    free(channelled);
}

bool relay_link_has_room(const struct relay_link *link)
{
    return link_connection_has_room(link->connection);
}

void relay_link_await_room(struct relay_link *link)
{
    if (link->queued)
        return;
    link->queued = true;
    DL_APPEND2(link->connection->queue, link, queue_prev, queue_next);
}

/* ---- joining ---- */

static void set_limit(const struct relay_link *link)
{
    if (!link->connection->shared)
        ws_limit(link->connection->ws, link->guarded ? SESSION_GUARD_MESSAGE : WS_MESSAGE_MAX);
}

void relay_link_guard(struct relay_link *link, bool guarded)
{
    link->guarded = guarded;
    if (link->stage == LINK_JOINED)
        set_limit(link);
}

static void tell_welcome(struct relay_link *link)
{
    struct wire_message welcome = wire_again(&link->connection->welcome);
    if (!link->handlers->message(link->arg, &welcome))
        relay_link_fail(link);
}

void relay_link_join(struct relay_link *link)
{
    struct link_connection *connection = link->connection;
    DL_DELETE(connection->waiting, link);
    link->channel = connection->shared ? ++connection->last_channel : 0;
    HASH_ADD(hh, connection->channels, channel, sizeof(link->channel), link);
    if (link->hh.tbl == NULL) {
        DL_PREPEND(connection->waiting, link); /* where it can be told */
        relay_link_fail(link);
        return;
    }
    link->stage = LINK_JOINED;
    set_limit(link);
    tell_welcome(link);
}

static void wait_for(struct relay_link *link, struct link_connection *connection)
{
    link->connection = connection;
    link->stage = LINK_WAITING;
    DL_APPEND(connection->waiting, link);
}

static unsigned count_shared(const struct relay_links *links, const struct relay *relay)
{
    const struct link_connection *connection;
    unsigned count = 0;
    DL_FOREACH(links->connections, connection)
    {
        count += connection->use.relay == relay && connection->may_share && !connection->closing;
    }
    return count;
}

/* One that others use, or will; NULL: none has place. */
static struct link_connection *find_joinable(const struct relay_links *links,
                                             const struct relay *relay)
{
    struct link_connection *connection = links->connections;
    while (connection != NULL && !link_connection_is_joinable(connection, relay))
        connection = connection->next;
    return connection;
}

/* A connection for the link, which waits for it; its own, if it is to be `alone`, or must be. False
 * when out of memory. */
static bool connect_link(struct relay_links *links, struct relay_link *link, struct relay *relay,
                         const struct url *url, enum relay_link_way way)
{
    bool may_share = way == RELAY_LINK_ANY && relay_dialer_may_share(links->dialer, url);
    struct link_connection *connection = NULL;
    if (may_share && relay->sharing != RELAY_DOES_NOT_SHARE)
        connection = find_joinable(links, relay);
    if (connection == NULL)
        connection = link_connection_dial(links, relay, url, link->name, way == RELAY_LINK_PEERS,
                                          may_share && count_shared(links, relay) < SHARED_MAX);
    if (connection != NULL)
        wait_for(link, connection);
    return connection != NULL;
}

/* Those that wait for a connection that will not be shared, or does not answer, go elsewhere. */
void relay_links_send_elsewhere(struct link_connection *connection)
{
    struct relay_link *link, *waiting = connection->waiting;
    connection->waiting = NULL;
    while ((link = waiting) != NULL) {
        DL_DELETE(waiting, link);
        if (connect_link(connection->links, link, connection->use.relay, &connection->url,
                         RELAY_LINK_ANY))
            continue;
        DL_APPEND(connection->waiting, link);
        relay_link_fail(link);
    }
}

/* ---- what a session asks for ---- */

struct relay_link *relay_link_open(struct relay_links *links, struct relay *relay,
                                   const struct url *url, enum relay_link_way way, const char *name,
                                   const struct relay_link_handlers *link_handlers, void *arg)
{
    struct relay_link *link = links->dialer != NULL ? calloc(1, sizeof(*link)) : NULL;
    if (link == NULL)
        return NULL;
    link->handlers = link_handlers;
    link->arg = arg;
    link->name = name;
    if (!connect_link(links, link, relay, url, way)) {
        free(link);
        return NULL;
    }
    link_connection_arrive(link->connection, link);
    return link;
}

bool relay_link_moves(struct relay_link *link, int64_t ms)
{
    struct link_connection *connection = link->connection;
    int64_t now = clock_monotonic();
    if (!connection->use.opened || connection->hashcash != NULL || ws_moving(connection->ws))
        connection->moved = now;
    return now - connection->moved < ms;
}

void relay_link_prove(struct relay_link *link, int ms)
{
    ws_prove(link->connection->ws, ms);
}

void relay_link_close(struct relay_link *link)
{
    struct link_connection *connection = link->connection;
    say_leave(link);
    relay_link_free(link);
    link_connection_left(connection);
}

void relay_link_drop(struct relay_link *link)
{
    struct link_connection *connection = link->connection;
    bool own = !connection->shared && link_connection_count(connection) == 1;
    if (!own) {
        relay_link_close(link);
        return;
    }
    link_connection_drop(connection);
}

/* ---- life ---- */

struct relay_links *relay_links_new(struct event_base *base, struct relay_dialer *dialer,
                                    struct worker *hashcash_worker)
{
    struct relay_links *links = calloc(1, sizeof(*links));
    if (links == NULL)
        return NULL;
    *links =
        (struct relay_links){.base = base, .dialer = dialer, .hashcash_worker = hashcash_worker};
    links->teller = evtimer_new(base, on_tell, links);
    if (links->teller != NULL)
        return links;
    free(links);
    return NULL;
}

void relay_links_free(struct relay_links *links)
{
    if (links == NULL)
        return;
    while (links->connections != NULL)
        link_connection_drop(links->connections);
    event_free(links->teller);
    free(links);
}
