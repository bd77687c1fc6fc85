#include "config.h"

#include "daemon/relay_links.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
/* Out of memory is an error to report, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/timer.h"
#include "daemon/hashcash_worker.h"
#include "daemon/relay_dialer.h"
#include "daemon/relays.h"
#include "net/url.h"
#include "net/ws.h"
#include "service/log.h"

/* While more than this many bytes are unsent, nothing more should be sent: memory then holds a
 * message or two, however many are waiting. */
#define BACKLOG_MAX ((size_t)1024 * 1024)
/* The same for a shared connection, on which whatever waits delays all sessions. */
#define SHARED_BACKLOG_MAX ((size_t)64 * 1024)
/* Connections to a relay that may be shared; sessions beyond what these carry have their own. */
#define SHARED_MAX 8
/* How long a shared connection is kept that nobody uses, ms: the next session may be due soon. */
#define IDLE_MAX 30000
/* A shared connection from which nothing was heard for this long is asked for a sign of life before
 * a session uses it: the network may have changed. */
#define FRESH_MAX 10000
/* How long that sign, or any answer, may take before other sessions use another connection … */
#define ANSWER_MAX 3000
/* … and before it is given up: a relay that limits rates may read nothing for ten seconds. */
#define SILENCE_MAX 20000

enum link_stage {
    LINK_WAITING = 0, /* for its connection to be ready */
    LINK_JOINED,      /* it is one of the connection's channels */
};

/* A connection to a relay. */
struct link_connection {
    struct relay_links *links;
    struct ws *ws;
    struct relay_use use;
    struct url url;
    bool may_share;
    bool ready;   /* the relay said what it offers */
    bool shared;  /* it offers channels */
    bool closing; /* nobody uses it any more */
    bool doubted; /* asked for a sign of life; those who want to join wait */
    struct relay_link *waiting;
    struct relay_link *channels; /* a hash table; of one that is not shared, its only link, as 0 */
    struct relay_link *queue;    /* those of them that wait for room, in turn */
    int64_t last_channel;
    struct wire_message welcome;
    struct hashcash_job *hashcash; /* being made; meanwhile the link does not hear of the welcome */
    int64_t idle;                  /* nobody uses it since then; by clock_monotonic(), like … */
    int64_t moved;                 /* … when something was last seen to move on it; … */
    int64_t asked; /* … something that must be answered was sent then; 0: nothing */
    struct event *timer;
    struct link_connection *prev, *next;
};

struct relay_link {
    struct link_connection *connection;
    enum link_stage stage;
    int64_t channel;
    const struct relay_link_handlers *handlers;
    void *arg;
    const char *name;
    const char *failure; /* why it is among links->failed, or NULL; … */
    bool alone;          /* … the session needs its own connection */
    bool queued;
    bool spoken;                    /* something was sent on its channel, which therefore exists */
    struct relay_link *prev, *next; /* in connection->waiting */
    struct relay_link *queue_prev, *queue_next;   /* in connection->queue, if queued */
    struct relay_link *failed_prev, *failed_next; /* in links->failed, if there is a failure */
    UT_hash_handle hh;                            /* in connection->channels, if joined */
};

struct relay_links {
    struct event_base *base;
    struct relay_dialer *dialer;
    struct worker *hashcash_worker;
    struct link_connection *connections;
    struct relay_link *failed; /* to be told so from the event loop */
    struct event *teller;
};

/* ---- links and their connections ---- */

static bool is_used(const struct link_connection *connection)
{
    return connection->waiting != NULL || connection->channels != NULL;
}

/* Takes the link from its connection, and frees it. */
static void free_link(struct relay_link *link)
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

static void tell_lost(struct relay_link *link, const char *why)
{
    const struct relay_link_handlers *handlers = link->handlers;
    void *arg = link->arg;
    bool alone = link->alone;
    free_link(link);
    if (alone)
        handlers->alone(arg);
    else
        handlers->lost(arg, why);
}

static void forget_welcome(struct link_connection *connection)
{
    hashcash_worker_cancel(connection->hashcash);
    connection->hashcash = NULL;
    wire_free(&connection->welcome);
}

/* Its WebSocket is gone, or will go without another callback. */
static void free_connection(struct link_connection *connection)
{
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): free_link() takes it out of the list */
    while (connection->waiting != NULL)
        free_link(connection->waiting);
    while (connection->channels != NULL)
        free_link(connection->channels);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    forget_welcome(connection);
    DL_DELETE(connection->links->connections, connection);
    relay_use_end(&connection->use);
    event_free(connection->timer);
    free(connection);
}

static void lose_all(struct link_connection *connection, const char *why)
{
    while (connection->waiting != NULL)
        tell_lost(connection->waiting, why);
    while (connection->channels != NULL)
        tell_lost(connection->channels, why);
}

/* The name of the session, for the log, if it is that of one. */
static const char *user_of(const struct link_connection *connection)
{
    const struct relay_link *link =
        connection->channels != NULL ? connection->channels : connection->waiting;
    return connection->shared || link == NULL ? "(shared)" : link->name;
}

/* ---- when something must happen ---- */

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
static void after_leaving(struct link_connection *connection)
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

static void send_asking(struct link_connection *connection, const char *text)
{
    if (!ws_send(connection->ws, text, strlen(text)))
        ws_close(connection->ws); /* nothing must wait for an answer; `closed` tells all */
    FAULT_POINT("visit.sent");
    if (connection->asked != 0)
        return;
    connection->asked = clock_monotonic();
    arm(connection);
}

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
        struct link_connection *connection = link->connection;
        say_leave(link);
        tell_lost(link, link->failure);
        after_leaving(connection);
    }
}

void relay_link_fail(struct relay_link *link)
{
    fail(link, "out of memory", false);
}

void relay_link_send(struct relay_link *link, const char *text)
{
    struct link_connection *connection = link->connection;
    if (!connection->shared) {
        send_asking(connection, text);
        return;
    }
    char *channelled = wire_on_channel(text, link->channel);
    if (channelled == NULL)
        fail(link, "out of memory", false);
    else if (strlen(channelled) > connection->welcome.channel_message_max)
        fail(link, "a message is too large for a shared connection", true);
    else if (link->failure == NULL)
        send_asking(connection, channelled);
    link->spoken = true;
    free(channelled);
}

static bool has_room(const struct link_connection *connection)
{
    return ws_backlog(connection->ws) < (connection->shared ? SHARED_BACKLOG_MAX : BACKLOG_MAX);
}

bool relay_link_has_room(const struct relay_link *link)
{
    return has_room(link->connection);
}

void relay_link_await_room(struct relay_link *link)
{
    if (link->queued)
        return;
    link->queued = true;
    DL_APPEND2(link->connection->queue, link, queue_prev, queue_next);
}

static void on_drained(struct ws *ws, void *arg)
{
    struct link_connection *connection = arg;
    (void)ws;
    while (connection->queue != NULL && has_room(connection)) {
        struct relay_link *link = connection->queue;
        DL_DELETE2(connection->queue, link, queue_prev, queue_next);
        link->queued = false;
        link->handlers->room(link->arg);
    }
}

/* ---- joining ---- */

static void tell_welcome(struct relay_link *link)
{
    struct wire_message welcome = wire_again(&link->connection->welcome);
    if (!link->handlers->message(link->arg, &welcome))
        relay_link_fail(link);
}

static void join(struct relay_link *link)
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
    tell_welcome(link);
}

static struct link_connection *dial(struct relay_links *links, struct relay *relay,
                                    const struct url *url, bool may_share);

static void wait_for(struct relay_link *link, struct link_connection *connection)
{
    link->connection = connection;
    link->stage = LINK_WAITING;
    DL_APPEND(connection->waiting, link);
}

static unsigned count_users(const struct link_connection *connection)
{
    const struct relay_link *link;
    unsigned count;
    DL_COUNT(connection->waiting, link, count);
    return count + HASH_COUNT(connection->channels);
}

/* For how many it has place, which is a guess before its relay has said so. */
static unsigned places(const struct link_connection *connection)
{
    return connection->ready ? connection->welcome.channels : UINT16_MAX;
}

static bool is_joinable(const struct link_connection *connection, const struct relay *relay)
{
    if (connection->use.relay != relay || !connection->may_share || connection->closing ||
        (connection->ready && !connection->shared))
        return false;
    if (connection->ready && connection->asked != 0 &&
        clock_monotonic() - connection->asked >= ANSWER_MAX)
        return false;
    return count_users(connection) < places(connection);
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
    while (connection != NULL && !is_joinable(connection, relay))
        connection = connection->next;
    return connection;
}

/* A connection for the link, which waits for it. False when out of memory. */
static bool connect_link(struct relay_links *links, struct relay_link *link, struct relay *relay,
                         const struct url *url, bool alone)
{
    bool may_share = !alone && relay->sharing != RELAY_DOES_NOT_SHARE;
    struct link_connection *connection = may_share ? find_joinable(links, relay) : NULL;
    if (connection == NULL)
        connection = dial(links, relay, url,
                          (may_share || (!alone && relay_dialer_may_share(links->dialer, url))) &&
                              count_shared(links, relay) < SHARED_MAX);
    if (connection != NULL)
        wait_for(link, connection);
    return connection != NULL;
}

/* Those that wait for a connection that will not be shared, or does not answer, go elsewhere. */
static void send_elsewhere(struct link_connection *connection)
{
    struct relay_link *link, *waiting = connection->waiting;
    connection->waiting = NULL;
    while ((link = waiting) != NULL) {
        DL_DELETE(waiting, link);
        if (connect_link(connection->links, link, connection->use.relay, &connection->url, false))
            continue;
        DL_APPEND(connection->waiting, link);
        relay_link_fail(link);
    }
}

static void ask_for_sign(struct link_connection *connection)
{
    char *ping = wire_encode_ping(0);
    connection->doubted = true;
    if (ping != NULL)
        send_asking(connection, ping);
    else
        ws_close(connection->ws);
    free(ping);
}

static void admit_waiting(struct link_connection *connection)
{
    struct relay_link *link, *next;
    connection->doubted = false;
    DL_FOREACH_SAFE(connection->waiting, link, next)
    {
        if (link->failure == NULL &&
            HASH_COUNT(connection->channels) < connection->welcome.channels)
            join(link);
    }
    send_elsewhere(connection);
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
        tell_lost(link, message->reason != NULL ? message->reason
                                                : "the relay has ended the session's channel");
        wire_free(message);
        after_leaving(connection);
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
    if (text != NULL) {
        send_asking(connection, text);
        connection->welcome.permission_needed = false;
    }
    free(text);
    if (connection->waiting != NULL)
        join(connection->waiting);
}

/* True if the welcome has to wait for a stamp. */
static bool ask_permission(struct link_connection *connection)
{
    const struct wire_message *welcome = &connection->welcome;
    if (!welcome->permission_needed || welcome->hashcash_bits == 0)
        return false;
    connection->hashcash =
        hashcash_worker_ask(connection->links->hashcash_worker, welcome->hashcash_bits,
                            welcome->hashcash_resource, on_stamp, connection);
    return connection->hashcash != NULL;
}

/* Not shared after all: it belongs to the first that waits. */
static void give_to_first(struct link_connection *connection)
{
    struct relay_link *first = connection->waiting;
    DL_DELETE(connection->waiting, first);
    send_elsewhere(connection);
    DL_PREPEND(connection->waiting, first);
    if (!ask_permission(connection))
        join(first);
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
    after_leaving(connection);
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
    enum wire_fault fault = wire_parse((const char *)data, length, &message);
    if (fault != WIRE_OK)
        log_warning("visit", "session %s: a message from %s is ignored: %s", user_of(connection),
                    connection->use.relay->url, wire_fault_text(fault));
    if (fault == WIRE_NOT_JSON || fault == WIRE_NO_MEMORY)
        hang_up(connection, wire_fault_text(fault));
    if (fault != WIRE_OK)
        return; /* incomplete: a peer may have chosen an odd phase, which must not stop the visit */
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
    (void)ws;
    if (!connection->use.opened)
        relay_unreachable(connection->use.relay, why, clock_now());
    log_debug("visit", "session %s: %s", user_of(connection), why);
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
        send_elsewhere(connection);
        after_leaving(connection);
    } else if (connection->asked != 0 && now - connection->asked >= SILENCE_MAX) {
        lose_all(connection, silent);
        ws_free(connection->ws);
        free_connection(connection);
        return;
    }
    arm(connection);
}

/* ---- opening and leaving ---- */

static struct link_connection *dial(struct relay_links *links, struct relay *relay,
                                    const struct url *url, bool may_share)
{
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
    connection->ws =
        relay_dialer_dial(links->dialer, relay, url, NULL, &websocket_handlers, connection);
    if (connection->ws != NULL)
        return connection;
    free_connection(connection);
    return NULL;
}

struct relay_link *relay_link_open(struct relay_links *links, struct relay *relay,
                                   const struct url *url, bool alone, const char *name,
                                   const struct relay_link_handlers *link_handlers, void *arg)
{
    struct relay_link *link = links->dialer != NULL ? calloc(1, sizeof(*link)) : NULL;
    if (link == NULL)
        return NULL;
    link->handlers = link_handlers;
    link->arg = arg;
    link->name = name;
    if (!connect_link(links, link, relay, url,
                      alone || !relay_dialer_may_share(links->dialer, url))) {
        free(link);
        return NULL;
    }
    struct link_connection *connection = link->connection;
    if (!connection->ready || connection->doubted)
        return link;
    if (clock_monotonic() - ws_heard(connection->ws) < FRESH_MAX)
        join(link);
    else
        ask_for_sign(connection);
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
    free_link(link);
    after_leaving(connection);
}

void relay_link_drop(struct relay_link *link)
{
    struct link_connection *connection = link->connection;
    bool own = !connection->shared && count_users(connection) == 1;
    if (!own) {
        relay_link_close(link);
        return;
    }
    ws_free(connection->ws);
    free_connection(connection);
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
    while (links->connections != NULL) {
        struct link_connection *connection = links->connections;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): DL_DELETE takes it out of the list */
        ws_free(connection->ws);
        free_connection(connection);
    }
    event_free(links->teller);
    free(links);
}
