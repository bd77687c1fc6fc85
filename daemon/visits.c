#include "config.h"

#include "daemon/visits.h"

#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
/* Out of memory is an error to report, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/clock.h"
#include "base/timer.h"
#include "daemon/relay_dialer.h"
#include "daemon/relay_links.h"
#include "daemon/relays.h"
#include "net/url.h"
#include "state/store.h"
#include "wormhole/wire.h"

/* How often is looked at whether anything moves while an answer is awaited, ms. */
#define LOOK_EVERY ((int64_t)15 * 1000)
/* How soon a connection that may have died must show that it lives, ms. */
#define PROOF_PATIENCE 5000

/* An effect that is waiting for the backlog to drain. */
struct deferred_effect {
    struct deferred_effect *next;
    struct session_effect effect; /* its text is owned */
};

/* A session in memory because a visit is under way. */
struct live_session {
    uint8_t id[SESSION_ID_BYTES];
    struct session *session; /* NULL until the end of the turn in which it connects */
    struct visits *visits;
    char name[SESSION_ID_TEXT]; /* for the log */
    struct event *alarm;
    struct relay_link *link; /* NULL: lost, as the session will be told */
    struct deferred_effect *deferred, **deferred_end;
    bool alone;    /* this visit needs a connection of its own */
    bool guarded;  /* session_is_guarded(), and what has come of the mailbox since, bytes: */
    size_t looked; /* beyond SESSION_GUARD_VISIT no more is passed on */
    bool held;     /* as counted in visits->held … */
    bool ended;    /* … and visits->ended */
    UT_hash_handle hh;
};

struct visits {
    struct visits_parts parts;
    struct visits_reports reports;
    struct live_session *sessions;
    unsigned held;
    unsigned ended; /* sessions whose visit is over, but that are not yet written */
    struct relay_links *links;
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

static void arm(struct live_session *live, int64_t when)
{
    int64_t look = clock_now() + LOOK_EVERY;
    timer_arm(live->alarm, live->held || when < look ? when : look);
}

/* The alarm may ring early (base/timer.h), and is then armed again; but not if it is so far away
 * that the clock must have been set back. */
static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    struct live_session *live = arg;
    int64_t when = session_alarm(live->session);
    int64_t now = clock_now();
    bool moved =
        !live->held && live->link != NULL && relay_link_moves(live->link, SESSION_ANSWER_MAX);
    (void)fd;
    (void)what;
    if (now < when && when <= now + SESSION_ALARM_MAX)
        arm(live, when);
    else if (moved)
        timer_arm(live->alarm, now + LOOK_EVERY);
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
    session_id_text(live->id, live->name);
    live->visits = visits;
    live->deferred_end = &live->deferred;
    HASH_ADD(hh, visits->sessions, id, SESSION_ID_BYTES, live);
    if (live->hh.tbl != NULL)
        return live;
    event_free(live->alarm);
    free(live);
    return NULL;
}

/* ---- sending ---- */

static void drop_deferred(struct live_session *live)
{
    struct deferred_effect *deferred;
    while ((deferred = live->deferred) != NULL) {
        live->deferred = deferred->next;
        free(deferred->effect.text);
        free(deferred);
    }
    live->deferred_end = &live->deferred;
}

static void defer(struct live_session *live, const struct session_effect *effect)
{
    struct deferred_effect *deferred = calloc(1, sizeof(*deferred));
    char *text = effect->text == NULL ? NULL : strdup(effect->text);
    if (deferred == NULL || (effect->text != NULL && text == NULL)) {
        free(deferred);
        free(text);
        relay_link_fail(live->link); /* the session is told, and comes again */
        return;
    }
    deferred->effect = *effect;
    deferred->effect.text = text;
    *live->deferred_end = deferred;
    live->deferred_end = &deferred->next;
    relay_link_await_room(live->link);
}

static void send_outbox(struct live_session *live, const struct session *session, uint32_t number)
{
    struct kv_txn *txn = kv_read(live->visits->parts.store);
    const uint8_t *row;
    size_t length;
    char *text = NULL;
    enum kv_status status =
        store_get_message(txn, STORE_OUTBOX, session->id, number, &row, &length);
    if (status == KV_OK)
        text = session_seal(session, number, row, length);
    kv_end(txn);
    if (text != NULL)
        relay_link_send(live->link, text);
    else if (status == KV_MISSING && number < session->delivered)
        relay_link_renew(live->link); /* the peer said so meanwhile, and the row is gone */
    else
        relay_link_fail(live->link);
    free(text);
}

/* Leaves out what was meant for a place that the session has left in the same turn: that visit is
 * over, and its connection about to go. */
static void send_effect(struct live_session *live, const struct session *session,
                        const struct session_effect *effect)
{
    if (effect->text != NULL)
        relay_link_send(live->link, effect->text);
    else if (session_on_visit(session, effect->visit))
        send_outbox(live, session, effect->number);
}

/* ---- what comes of a link ---- */

static bool on_message(void *arg, struct wire_message *message)
{
    struct live_session *live = arg;
    const struct visits_reports *reports = &live->visits->reports;
    if (live->guarded && message->type == WIRE_MESSAGE) {
        bool more = live->looked <= SESSION_GUARD_VISIT;
        live->looked += message->length;
        if (session_ends_guard(live->session, message) && more) {
            live->guarded = false;
            relay_link_guard(live->link, false);
        } else if (live->looked > SESSION_GUARD_VISIT) {
            wire_free(message);
            if (more)
                report(live, EVENT_BURDENED, NULL);
            return true;
        }
    }
    return reports->message(reports->arg, live->id, message);
}

static void on_room(void *arg)
{
    struct live_session *live = arg;
    struct deferred_effect *deferred = live->deferred;
    if (deferred == NULL)
        return;
    if ((live->deferred = deferred->next) == NULL)
        live->deferred_end = &live->deferred;
    send_effect(live, live->session, &deferred->effect);
    free(deferred->effect.text);
    free(deferred);
    if (live->deferred != NULL)
        relay_link_await_room(live->link);
}

static void on_link_lost(void *arg, const char *why)
{
    struct live_session *live = arg;
    const struct visits_reports *reports = &live->visits->reports;
    const struct relay *relay = live->session == NULL ? NULL
                                                      : relays_find(live->visits->parts.relays,
                                                                    session_relay(live->session));
    int64_t now = clock_now();
    int64_t ready =
        relay == NULL ? now : hashcash_budget_ready_at(&relay->hashcash, now, randombytes_random());
    live->link = NULL;
    drop_deferred(live);
    report(live, EVENT_LOST, why);
    if (ready > now) /* so that whoever looks sees at once when the next visit is */
        reports->event(reports->arg, live->id,
                       &(struct session_event){.type = EVENT_POSTPONE, .until = ready});
}

static void on_burdened(void *arg)
{
    struct live_session *live = arg;
    live->link = NULL;
    drop_deferred(live);
    report(live, EVENT_BURDENED, NULL);
}

static void on_anew(void *arg, bool alone)
{
    struct live_session *live = arg;
    live->link = NULL;
    live->alone |= alone;
    drop_deferred(live);
    report(live, EVENT_ANEW, NULL);
}

static const struct relay_link_handlers link_handlers = {
    .message = on_message,
    .room = on_room,
    .lost = on_link_lost,
    .burdened = on_burdened,
    .anew = on_anew,
};

/* ---- effects ---- */

static void leave_link(struct live_session *live, void (*leave)(struct relay_link *))
{
    if (live->link != NULL)
        leave(live->link);
    live->link = NULL;
    drop_deferred(live);
}

static bool open_link(struct live_session *live, const char *relay_url, const struct url *url,
                      bool peers)
{
    struct visits *visits = live->visits;
    struct relay *relay = relays_get(visits->parts.relays, relay_url);
    leave_link(live, relay_link_drop);
    if (relay != NULL)
        live->link = relay_link_open(visits->links, relay, url,
                                     peers         ? RELAY_LINK_PEERS
                                     : live->alone ? RELAY_LINK_ALONE
                                                   : RELAY_LINK_ANY,
                                     live->name, &link_handlers, live);
    if (live->link != NULL)
        relay_link_guard(live->link, live->guarded);
    return live->link != NULL;
}

static void connect_effect(struct visits *visits, const struct session *session,
                           const struct session_effect *effect)
{
    struct url url;
    const char *relay = session_relay(session);
    enum url_fault fault = url_parse(relay, &url);
    struct live_session *live = add_session(visits, session->id);
    const char *unfit = NULL;
    bool peers = fault == URL_OK && visits->parts.routes != NULL &&
                 session_relay_is_peers(session) &&
                 !relay_dialer_is_known(visits->parts.routes, &url);
    (void)effect;
    if (peers)
        unfit = relay_dialer_unfit(visits->parts.routes, &url);
    if (live != NULL) {
        live->guarded = session_is_guarded(session);
        live->looked = 0;
    }
    if (visits->parts.routes == NULL ||
        (live != NULL && fault == URL_OK && unfit == NULL && open_link(live, relay, &url, peers)))
        return;
    const char *why = unfit != NULL     ? unfit
                      : fault == URL_OK ? "out of memory"
                                        : url_fault_text(fault);
    visits->reports.event(visits->reports.arg, session->id,
                          &(struct session_event){.type = EVENT_LOST, .text = why});
}

static void send_or_defer(struct visits *visits, const struct session *session,
                          const struct session_effect *effect)
{
    struct live_session *live = find(visits, session->id);
    if (live == NULL || live->link == NULL)
        return; /* lost meanwhile; the session will be told */
    if (live->deferred != NULL || !relay_link_has_room(live->link))
        defer(live, effect);
    else
        send_effect(live, session, effect);
}

static void prove(struct visits *visits, const struct session *session,
                  const struct session_effect *effect)
{
    const struct live_session *live = find(visits, session->id);
    (void)effect;
    if (live != NULL && live->link != NULL)
        relay_link_prove(live->link, PROOF_PATIENCE);
}

static void disconnect(struct visits *visits, const struct session *session,
                       const struct session_effect *effect)
{
    struct live_session *live = find(visits, session->id);
    (void)effect;
    if (live == NULL)
        return;
    /* Of a mailbox that somebody filled, no more is fetched. */
    leave_link(live, live->looked > SESSION_GUARD_VISIT ? relay_link_drop : relay_link_close);
    live->alone = false;
}

static void (*const effect_handlers[])(struct visits *, const struct session *,
                                       const struct session_effect *) = {
    [EFFECT_CONNECT] = connect_effect, [EFFECT_SEND] = send_or_defer,
    [EFFECT_ADD] = send_or_defer,      [EFFECT_PROVE] = prove,
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
    arm(live, session_alarm(session));
    return true;
}

void visits_remove(struct visits *visits, const uint8_t id[SESSION_ID_BYTES])
{
    struct live_session *live = find(visits, id);
    if (live == NULL)
        return;
    leave_link(live, relay_link_drop);
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

unsigned visits_connected(const struct visits *visits)
{
    unsigned count = 0;
    for (const struct live_session *live = visits->sessions; live != NULL; live = live->hh.next) {
        enum session_connection connection =
            live->session != NULL ? session_connection(live->session) : CONNECTION_NONE;
        count += connection == CONNECTION_VISITING || connection == CONNECTION_HELD;
    }
    return count;
}

/* ---- life ---- */

struct visits *visits_new(const struct visits_parts *parts, const struct visits_reports *reports)
{
    struct visits *visits = calloc(1, sizeof(*visits));
    if (visits == NULL)
        return NULL;
    visits->parts = *parts;
    visits->reports = *reports;
    visits->links = relay_links_new(parts->base, parts->routes, parts->hashcash_worker);
    if (visits->links != NULL)
        return visits;
    free(visits);
    return NULL;
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
    relay_links_free(visits->links);
    free(visits);
}
