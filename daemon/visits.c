#include "config.h"

#include "daemon/visits.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
/* Out of memory is an answer, not the end. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/clock.h"
#include "daemon/hashcash_worker.h"
#include "daemon/relays.h"
#include "daemon/relay_dialer.h"
#include "daemon/turn.h"
#include "base/fault.h"
#include "net/url.h"
#include "net/ws.h"
#include "service/log.h"
#include "state/store.h"
#include "wormhole/wire.h"

/* Above so many unsent bytes nothing more is read out of the outbox: memory holds a message or two,
 * however many wait. */
#define BACKLOG_MAX ((size_t)1024 * 1024)

/* An effect that waits for the backlog to drain. */
struct pending {
    struct pending *next;
    char *text; /* NULL: add outbox row `number` */
    uint32_t number;
};

struct link {
    uint8_t id[SESSION_ID_BYTES];
    char name[SESSION_ID_TEXT]; /* for the log */
    struct visits *visits;
    struct ws *ws;
    struct relay *relay;
    bool opened;
    bool detached;                 /* the session has done with it */
    struct hashcash_job *hashcash; /* being made; meanwhile the session does not hear of the … */
    struct wire_message welcome;
    struct pending *pending, **pending_end;
    UT_hash_handle hh;
    struct link *next_detached, **this_detached; /* closing politely, without a session */
};

struct visits {
    struct visits_parts parts;
    struct turns *turns;
    struct link *links;
    struct link *detached;
};

/* ---- links ---- */

static struct link *find(struct visits *visits, const uint8_t *id)
{
    struct link *link;
    HASH_FIND(hh, visits->links, id, SESSION_ID_BYTES, link);
    return link;
}

static void drop_pending(struct link *link)
{
    struct pending *pending;
    while ((pending = link->pending) != NULL) {
        link->pending = pending->next;
        free(pending->text);
        free(pending);
    }
    link->pending_end = &link->pending;
}

static void forget_welcome(struct link *link)
{
    hashcash_worker_cancel(link->hashcash);
    link->hashcash = NULL;
    wire_free(&link->welcome);
    memset(&link->welcome, 0, sizeof(link->welcome));
}

static void unlist(struct link *link)
{
    if (!link->detached) {
        HASH_DEL(link->visits->links, link);
        return;
    }
    *link->this_detached = link->next_detached;
    if (link->next_detached != NULL)
        link->next_detached->this_detached = link->this_detached;
}

/* The session has done with this connection, which may go on for a moment to close politely. */
static void detach(struct link *link)
{
    struct visits *visits = link->visits;
    unlist(link);
    drop_pending(link);
    forget_welcome(link);
    link->detached = true;
    link->next_detached = visits->detached;
    link->this_detached = &visits->detached;
    if (visits->detached != NULL)
        visits->detached->this_detached = &link->next_detached;
    visits->detached = link;
}

static void free_link(struct link *link)
{
    unlist(link);
    drop_pending(link);
    forget_welcome(link);
    relay_left(link->relay, link->opened);
    free(link);
}

static void lose(struct link *link, const char *why)
{
    turn_event(link->visits->turns, link->id,
               &(struct session_event){.type = EVENT_LOST, .text = why}, NULL, NULL);
}

/* ---- sending ---- */

static void defer(struct link *link, const struct session_effect *effect)
{
    struct pending *pending = calloc(1, sizeof(*pending));
    if (pending != NULL && effect->text != NULL)
        pending->text = strdup(effect->text);
    if (pending == NULL || (effect->text != NULL && pending->text == NULL)) {
        free(pending);
        ws_close(link->ws); /* the session is told by `closed`, and comes again */
        return;
    }
    pending->number = effect->number;
    *link->pending_end = pending;
    link->pending_end = &pending->next;
}

static void send_text(struct link *link, const char *text)
{
    if (!ws_send(link->ws, text, strlen(text)))
        ws_close(link->ws); /* nobody is to wait for an answer */
    FAULT_POINT("visit.sent");
}

static void send_outbox(struct link *link, const struct session *session, uint32_t number)
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

static void send_effect(struct link *link, const struct session *session, const char *text,
                        uint32_t number)
{
    if (text != NULL)
        send_text(link, text);
    else
        send_outbox(link, session, number);
}

static void on_drained(struct ws *ws, void *arg)
{
    struct link *link = arg;
    const struct session *session = turn_active(link->visits->turns, link->id);
    while (link->pending != NULL && session != NULL && ws_backlog(ws) < BACKLOG_MAX) {
        struct pending *pending = link->pending;
        if ((link->pending = pending->next) == NULL)
            link->pending_end = &link->pending;
        send_effect(link, session, pending->text, pending->number);
        free(pending->text);
        free(pending);
    }
}

/* ---- what the connection tells ---- */

static void on_opened(struct ws *ws, void *arg)
{
    struct link *link = arg;
    (void)ws;
    link->opened = true;
    relay_reached(link->relay);
    log_debug("visit", "session %s: connected to %s", link->name, link->relay->url);
}

/* ---- a relay that asks for hashcash ---- */

static void pass_on(struct link *link, struct wire_message *message)
{
    if (!turn_relay_message(link->visits->turns, link->id, message))
        ws_close(link->ws);
}

/* Only now may the session bind, so only now it is told that the relay is there. */
static void on_stamp(void *arg, const char *stamp)
{
    struct link *link = arg;
    char *text = stamp == NULL ? NULL : wire_encode_submit_permission(stamp);
    link->hashcash = NULL;
    if (text != NULL) {
        send_text(link, text);
        link->welcome.permission_needed = false;
    }
    free(text);
    pass_on(link, &link->welcome);
}

/* True if the welcome waits for a stamp. */
static bool ask_permission(struct link *link, struct wire_message *message)
{
    if (!message->permission_needed || message->hashcash_bits == 0 || link->hashcash != NULL)
        return false;
    link->hashcash = hashcash_worker_ask(link->visits->parts.hashcash_worker, message->hashcash_bits,
                                           message->hashcash_resource, on_stamp, link);
    if (link->hashcash == NULL)
        return false;
    link->welcome = *message;
    return true;
}

static bool take_welcome(struct link *link, struct wire_message *message)
{
    relay_welcomed(link->relay, message->motd, message->error, message->retention * 1000);
    return ask_permission(link, message);
}

/* ---- what the connection tells ---- */

/* There is no point in listening further. */
static void hang_up(struct link *link, const char *why)
{
    lose(link, why);
    detach(link);
    ws_close(link->ws);
}

static void on_message(struct ws *ws, const uint8_t *data, size_t length, void *arg)
{
    struct link *link = arg;
    struct wire_message message;
    (void)ws;
    if (link->detached)
        return;
    enum wire_fault fault = wire_parse((const char *)data, length, &message);
    if (fault != WIRE_OK)
        log_warning("visit", "session %s: a message from %s is ignored: %s", link->name,
                    link->relay->url, wire_fault_text(fault));
    if (fault == WIRE_NOT_JSON || fault == WIRE_NO_MEMORY)
        hang_up(link, wire_fault_text(fault));
    if (fault != WIRE_OK)
        return; /* incomplete: a peer may have chosen a strange phase, which must not stop the visit
                 */
    if (message.type == WIRE_WELCOME && take_welcome(link, &message))
        return;
    pass_on(link, &message);
}

static void on_closed(struct ws *ws, const char *why, void *arg)
{
    struct link *link = arg;
    (void)ws;
    if (!link->opened)
        relay_unreachable(link->relay, why, clock_now());
    log_debug("visit", "session %s: %s", link->name, why);
    if (!link->detached)
        lose(link, why);
    free_link(link);
}

static const struct ws_handlers handlers = {
    .opened = on_opened,
    .message = on_message,
    .drained = on_drained,
    .closed = on_closed,
};

/* ---- effects ---- */

static struct link *add_link(struct visits *visits, const struct session *session,
                             struct relay *relay)
{
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return NULL;
    memcpy(link->id, session->id, sizeof(link->id));
    session_id_text(session->id, link->name);
    link->visits = visits;
    link->relay = relay;
    link->pending_end = &link->pending;
    HASH_ADD(hh, visits->links, id, SESSION_ID_BYTES, link);
    if (link->hh.tbl == NULL) {
        free(link);
        return NULL;
    }
    relay_entered(relay);
    return link;
}

static void connect_effect(struct visits *visits, const struct session *session,
                           const struct session_effect *effect)
{
    struct url url;
    enum url_fault fault = url_parse(session->relay, &url);
    struct relay *relay = relays_get(visits->parts.relays, session->relay);
    struct link *link = relay == NULL ? NULL : add_link(visits, session, relay);
    (void)effect;
    if (link != NULL && fault == URL_OK)
        link->ws = relay_dialer_dial(visits->parts.routes, relay, &url, NULL, &handlers, link);
    if (link != NULL && link->ws != NULL)
        return;
    const char *why = fault == URL_OK ? "out of memory" : url_fault_text(fault);
    turn_event(visits->turns, session->id, &(struct session_event){.type = EVENT_LOST, .text = why},
               NULL, NULL);
    if (link != NULL)
        free_link(link);
}

static void send_or_defer(struct visits *visits, const struct session *session,
                          const struct session_effect *effect)
{
    struct link *link = find(visits, session->id);
    if (link == NULL)
        return; /* lost meanwhile; the session will hear of it */
    if (link->pending != NULL || ws_backlog(link->ws) >= BACKLOG_MAX)
        defer(link, effect);
    else
        send_effect(link, session, effect->text, effect->number);
}

static void disconnect(struct visits *visits, const struct session *session,
                       const struct session_effect *effect)
{
    struct link *link = find(visits, session->id);
    (void)effect;
    if (link == NULL)
        return;
    detach(link);
    ws_close(link->ws);
}

static void (*const carriers[])(struct visits *, const struct session *,
                                const struct session_effect *) = {
    [EFFECT_CONNECT] = connect_effect,
    [EFFECT_SEND] = send_or_defer,
    [EFFECT_ADD] = send_or_defer,
    [EFFECT_DISCONNECT] = disconnect,
};

void visits_effect(struct visits *visits, const struct session *session,
                   const struct session_effect *effect)
{
    carriers[effect->type](visits, session, effect);
}

void visits_abandon(struct visits *visits, const uint8_t id[SESSION_ID_BYTES])
{
    struct link *link = find(visits, id);
    if (link == NULL)
        return;
    ws_free(link->ws);
    free_link(link);
}

/* ---- life ---- */

struct visits *visits_new(const struct visits_parts *parts)
{
    struct visits *visits = calloc(1, sizeof(*visits));
    if (visits != NULL)
        visits->parts = *parts;
    return visits;
}

void visits_set_turns(struct visits *visits, struct turns *turns)
{
    visits->turns = turns;
}

void visits_free(struct visits *visits)
{
    struct link *link, *next;
    if (visits == NULL)
        return;
    HASH_ITER(hh, visits->links, link, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL takes it out of the list */
        visits_abandon(visits, link->id);
    }
    while ((link = visits->detached) != NULL) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): DL_DELETE takes it out of the list */
        ws_free(link->ws);
        free_link(link);
    }
    free(visits);
}
