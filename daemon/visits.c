#include "config.h"

#include "daemon/visits.h"

#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
/* Out of memory is an error to report, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/timer.h"
#include "daemon/hashcash_worker.h"
#include "daemon/relays.h"
#include "daemon/relay_dialer.h"
#include "base/fault.h"
#include "net/url.h"
#include "net/ws.h"
#include "service/log.h"
#include "state/store.h"
#include "wormhole/wire.h"

/* While more than this many bytes are unsent, nothing more is read from the outbox: memory then
 * holds a message or two, however many are waiting. */
#define BACKLOG_MAX ((size_t)1024 * 1024)

/* An effect that is waiting for the backlog to drain. */
struct deferred_effect {
    struct deferred_effect *next;
    char *text; /* NULL: add outbox row `number` */
    uint32_t number;
};

/* A connection to a relay. */
struct visit_link {
    struct visits *visits;
    struct live_session *live; /* NULL: the session no longer uses it, and it is closing politely */
    char name[SESSION_ID_TEXT]; /* the session's, for the log */
    struct ws *ws;
    struct relay_use use;
    struct hashcash_job *hashcash; /* being made; meanwhile the session does not hear of the … */
    struct wire_message welcome;
    struct deferred_effect *deferred, **deferred_end;
    struct visit_link *prev, *next;
};

/* A session in memory because a visit is under way. */
struct live_session {
    uint8_t id[SESSION_ID_BYTES];
    struct session *session; /* NULL until the end of the turn in which it connects */
    struct visits *visits;
    struct event *alarm;
    struct visit_link *link; /* NULL: lost, as the session will be told */
    bool held;               /* as counted in visits->held … */
    bool ended;              /* … and visits->ended */
    UT_hash_handle hh;
};

struct visits {
    struct visits_parts parts;
    struct visits_reports reports;
    struct live_session *sessions;
    unsigned held;
    unsigned ended;           /* sessions whose visit is over, but that are not yet written */
    struct visit_link *links; /* all of them, including those that are closing politely */
};

/* ---- sessions ---- */

static struct live_session *find(struct visits *visits, const uint8_t *id)
{
    struct live_session *live;
    HASH_FIND(hh, visits->sessions, id, SESSION_ID_BYTES, live);
    return live;
}

static void report(struct live_session *live, enum event_type type, const char *why)
{
    const struct visits_reports *reports = &live->visits->reports;
    reports->event(reports->arg, live->id, &(struct session_event){.type = type, .text = why});
}

/* The alarm may ring early (base/timer.h), and is then armed again; but not if it is so far away
 * that the clock must have been set back. */
static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    struct live_session *live = arg;
    int64_t when = session_alarm(live->session);
    int64_t now = clock_now();
    (void)fd;
    (void)what;
    if (now < when && when <= now + SESSION_ALARM_MAX)
        timer_arm(live->alarm, when);
    else
        report(live, EVENT_WAKE, NULL);
}

/* Finds or adds. NULL when out of memory. */
static struct live_session *add_session(struct visits *visits, const uint8_t *id)
{
    struct live_session *live = find(visits, id);
    if (live != NULL)
        return live;
    live = calloc(1, sizeof(*live));
    if (live == NULL)
        return NULL;
    live->alarm = evtimer_new(visits->parts.base, on_alarm, live);
    if (live->alarm == NULL) {
        free(live);
        return NULL;
    }
    memcpy(live->id, id, sizeof(live->id));
    live->visits = visits;
    HASH_ADD(hh, visits->sessions, id, SESSION_ID_BYTES, live);
    if (live->hh.tbl != NULL)
        return live;
    event_free(live->alarm);
    free(live);
    return NULL;
}

/* ---- links ---- */

static void drop_deferred(struct visit_link *link)
{
    struct deferred_effect *deferred;
    while ((deferred = link->deferred) != NULL) {
        link->deferred = deferred->next;
        free(deferred->text);
        free(deferred);
    }
    link->deferred_end = &link->deferred;
}

static void forget_welcome(struct visit_link *link)
{
    hashcash_worker_cancel(link->hashcash);
    link->hashcash = NULL;
    wire_free(&link->welcome);
    memset(&link->welcome, 0, sizeof(link->welcome));
}

/* The session no longer uses this connection, which may live on for a moment to close politely. */
static void detach(struct visit_link *link)
{
    if (link->live != NULL)
        link->live->link = NULL;
    link->live = NULL;
    drop_deferred(link);
    forget_welcome(link);
}

/* The WebSocket is gone, or will go without another callback. */
static void free_link(struct visit_link *link)
{
    detach(link);
    DL_DELETE(link->visits->links, link);
    relay_use_end(&link->use);
    free(link);
}

static void drop_link(struct visit_link *link)
{
    ws_free(link->ws);
    free_link(link);
}

/* ---- sending ---- */

static void defer(struct visit_link *link, const struct session_effect *effect)
{
    struct deferred_effect *deferred = calloc(1, sizeof(*deferred));
    if (deferred != NULL && effect->text != NULL)
        deferred->text = strdup(effect->text);
    if (deferred == NULL || (effect->text != NULL && deferred->text == NULL)) {
        free(deferred);
        ws_close(link->ws); /* `closed` tells the session, and it comes again */
        return;
    }
    deferred->number = effect->number;
    *link->deferred_end = deferred;
    link->deferred_end = &deferred->next;
}

static void send_text(struct visit_link *link, const char *text)
{
    if (!ws_send(link->ws, text, strlen(text)))
        ws_close(link->ws); /* nothing must wait for an answer */
    FAULT_POINT("visit.sent");
}

static void send_outbox(struct visit_link *link, const struct session *session, uint32_t number)
{
    struct kv_txn *txn = kv_read(link->visits->parts.store);
    const uint8_t *row;
    size_t length;
    char *text = NULL;
    if (store_get_message(txn, STORE_OUTBOX, session->id, number, &row, &length) == KV_OK)
        text = session_seal(session, number, row, length);
    kv_end(txn);
    if (text != NULL)
        send_text(link, text);
    else
        ws_close(link->ws);
    free(text);
}

static void send_effect(struct visit_link *link, const struct session *session, const char *text,
                        uint32_t number)
{
    if (text != NULL)
        send_text(link, text);
    else
        send_outbox(link, session, number);
}

static void on_drained(struct ws *ws, void *arg)
{
    struct visit_link *link = arg;
    while (link->deferred != NULL && ws_backlog(ws) < BACKLOG_MAX) {
        struct deferred_effect *deferred = link->deferred;
        if ((link->deferred = deferred->next) == NULL)
            link->deferred_end = &link->deferred;
        send_effect(link, link->live->session, deferred->text, deferred->number);
        free(deferred->text);
        free(deferred);
    }
}

/* ---- the connection's callbacks ---- */

static void on_opened(struct ws *ws, void *arg)
{
    struct visit_link *link = arg;
    (void)ws;
    relay_use_opened(&link->use);
    log_debug("visit", "session %s: connected to %s", link->name, link->use.relay->url);
}

/* ---- a relay that asks for hashcash ---- */

static void pass_on(struct visit_link *link, struct wire_message *message)
{
    const struct visits_reports *reports = &link->visits->reports;
    if (!reports->message(reports->arg, link->live->id, message))
        ws_close(link->ws);
}

/* Only now may the session bind, so only now is it told that the relay is there. */
static void on_stamp(void *arg, const char *stamp)
{
    struct visit_link *link = arg;
    char *text = stamp == NULL ? NULL : wire_encode_submit_permission(stamp);
    link->hashcash = NULL;
    if (text != NULL) {
        send_text(link, text);
        link->welcome.permission_needed = false;
    }
    free(text);
    pass_on(link, &link->welcome);
}

/* True if the welcome has to wait for a stamp. */
static bool ask_permission(struct visit_link *link, struct wire_message *message)
{
    if (!message->permission_needed || message->hashcash_bits == 0 || link->hashcash != NULL)
        return false;
    link->hashcash =
        hashcash_worker_ask(link->visits->parts.hashcash_worker, message->hashcash_bits,
                            message->hashcash_resource, on_stamp, link);
    if (link->hashcash == NULL)
        return false;
    link->welcome = *message;
    return true;
}

static bool take_welcome(struct visit_link *link, struct wire_message *message)
{
    relay_welcomed(link->use.relay, message->motd, message->error, message->retention * 1000);
    return ask_permission(link, message);
}

/* ---- the connection's callbacks, continued ---- */

/* Listening any longer is pointless. */
static void hang_up(struct visit_link *link, const char *why)
{
    report(link->live, EVENT_LOST, why);
    detach(link);
    ws_close(link->ws);
}

static void on_message(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    struct visit_link *link = arg;
    struct wire_message message;
    (void)ws;
    if (link->live == NULL)
        return;
    enum wire_fault fault = wire_parse((const char *)data, length, &message);
    if (fault != WIRE_OK)
        log_warning("visit", "session %s: a message from %s is ignored: %s", link->name,
                    link->use.relay->url, wire_fault_text(fault));
    if (fault == WIRE_NOT_JSON || fault == WIRE_NO_MEMORY)
        hang_up(link, wire_fault_text(fault));
    if (fault != WIRE_OK)
        return; /* incomplete: a peer may have chosen an odd phase, which must not stop the visit */
    if (message.type == WIRE_WELCOME && take_welcome(link, &message))
        return;
    pass_on(link, &message);
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    struct visit_link *link = arg;
    (void)ws;
    if (!link->use.opened)
        relay_unreachable(link->use.relay, why, clock_now());
    log_debug("visit", "session %s: %s", link->name, why);
    if (link->live != NULL)
        report(link->live, EVENT_LOST, why);
    free_link(link);
}

static const struct ws_handlers handlers = {
    .opened = on_opened,
    .message = on_message,
    .drained = on_drained,
    .closed = on_closed,
};

/* ---- effects ---- */

static struct visit_link *add_link(struct live_session *live, struct relay *relay)
{
    struct visit_link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return NULL;
    session_id_text(live->id, link->name);
    link->visits = live->visits;
    link->live = live;
    link->deferred_end = &link->deferred;
    relay_use_begin(&link->use, relay);
    DL_PREPEND(live->visits->links, link);
    live->link = link;
    return link;
}

/* True if `closed` will report how it ends. */
static bool dial(struct live_session *live, const char *relay_url, const struct url *url)
{
    struct visits *visits = live->visits;
    struct relay *relay = relays_get(visits->parts.relays, relay_url);
    struct visit_link *link = relay == NULL ? NULL : add_link(live, relay);
    if (link == NULL)
        return false;
    link->ws = relay_dialer_dial(visits->parts.routes, relay, url, NULL, &handlers, link);
    if (link->ws == NULL)
        free_link(link);
    return live->link != NULL;
}

static void connect_effect(struct visits *visits, const struct session *session,
                           const struct session_effect *effect)
{
    struct url url;
    enum url_fault fault = url_parse(session->relay, &url);
    struct live_session *live = add_session(visits, session->id);
    (void)effect;
    if (visits->parts.routes == NULL ||
        (live != NULL && fault == URL_OK && dial(live, session->relay, &url)))
        return;
    const char *why = fault == URL_OK ? "out of memory" : url_fault_text(fault);
    visits->reports.event(visits->reports.arg, session->id,
                          &(struct session_event){.type = EVENT_LOST, .text = why});
}

static struct visit_link *link_of(struct visits *visits, const struct session *session)
{
    struct live_session *live = find(visits, session->id);
    return live == NULL ? NULL : live->link;
}

static void send_or_defer(struct visits *visits, const struct session *session,
                          const struct session_effect *effect)
{
    struct visit_link *link = link_of(visits, session);
    if (link == NULL)
        return; /* lost meanwhile; the session will be told */
    if (link->deferred != NULL || ws_backlog(link->ws) >= BACKLOG_MAX)
        defer(link, effect);
    else
        send_effect(link, session, effect->text, effect->number);
}

static void disconnect(struct visits *visits, const struct session *session,
                       const struct session_effect *effect)
{
    struct visit_link *link = link_of(visits, session);
    (void)effect;
    if (link == NULL)
        return;
    detach(link);
    ws_close(link->ws);
}

static void (*const effect_handlers[])(struct visits *, const struct session *,
                                       const struct session_effect *) = {
    [EFFECT_CONNECT] = connect_effect,
    [EFFECT_SEND] = send_or_defer,
    [EFFECT_ADD] = send_or_defer,
    [EFFECT_DISCONNECT] = disconnect,
};

void visits_effect(struct visits *visits, const struct session *session,
                   const struct session_effect *effect)
{
    effect_handlers[effect->type](visits, session, effect);
}

/* ---- the sessions on a visit ---- */

struct session *visits_find(struct visits *visits, const uint8_t id[SESSION_ID_BYTES])
{
    struct live_session *live = find(visits, id);
    return live == NULL ? NULL : live->session;
}

bool visits_keep(struct visits *visits, struct session *session)
{
    struct live_session *live = add_session(visits, session->id);
    if (live == NULL)
        return false;
    bool held = session_connection(session) == CONNECTION_HELD;
    live->session = session;
    bool ended = session->visit == NULL;
    visits->held += held;
    visits->held -= live->held;
    live->held = held;
    visits->ended += ended;
    visits->ended -= live->ended;
    live->ended = ended;
    timer_arm(live->alarm, session_alarm(session));
    return true;
}

void visits_remove(struct visits *visits, const uint8_t id[SESSION_ID_BYTES])
{
    struct live_session *live = find(visits, id);
    if (live == NULL)
        return;
    if (live->link != NULL)
        drop_link(live->link);
    visits->held -= live->held;
    visits->ended -= live->ended;
    HASH_DEL(visits->sessions, live);
    event_free(live->alarm);
    free(live);
}

void visits_count(const struct visits *visits, unsigned *ret_active, unsigned *ret_held)
{
    *ret_active = HASH_COUNT(visits->sessions) - visits->ended;
    *ret_held = visits->held;
}

/* ---- life ---- */

struct visits *visits_new(const struct visits_parts *parts, const struct visits_reports *reports)
{
    struct visits *visits = calloc(1, sizeof(*visits));
    if (visits == NULL)
        return NULL;
    visits->parts = *parts;
    visits->reports = *reports;
    return visits;
}

void visits_free(struct visits *visits)
{
    struct live_session *live, *next;
    if (visits == NULL)
        return;
    HASH_ITER(hh, visits->sessions, live, next)
    {
        struct session *session = live->session;
        visits_remove(visits, live->id);
        session_free(session);
    }
    while (visits->links != NULL)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): DL_DELETE takes it out of the list */
        drop_link(visits->links);
    free(visits);
}
