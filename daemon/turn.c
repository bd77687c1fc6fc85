#include "config.h"

#include "daemon/turn.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/clock.h"
#include "daemon/own_codes.h"
#include "daemon/relays.h"
#include "daemon/turn_batch.h"
#include "daemon/turn_deferred.h"
#include "service/log.h"
#include "state/export.h"
#include "state/store.h"

/* What a step may rewrite besides messages: a record and its index rows, a few LMDB pages each. */
#define ROOM_FOR_RECORD ((size_t)64 * 1024)
/* Most connections to one relay while more are held. wormhole-relayd grants 512 to an address by
 * default (relay/relay_settings.c): there may be neighbours behind ours, and visits need some. */
#define HELD_PER_RELAY 192

/* ---- requests ---- */

/* NULL when out of memory. */
static struct turn_request *new_request(const uint8_t id[SESSION_ID_BYTES],
                                        enum turn_code (*run)(struct turns *,
                                                              struct turn_request *))
{
    struct turn_request *request = calloc(1, sizeof(*request));
    if (request == NULL)
        return NULL;
    memcpy(request->id, id, SESSION_ID_BYTES);
    request->run = run;
    return request;
}

/* Copies the event and what it points to. False when out of memory. */
static bool copy_event(struct turn_request *request, const struct session_event *event)
{
    const void *source = event->text != NULL ? (const void *)event->text : event->data;
    size_t length = event->text != NULL   ? strlen(event->text) + 1
                    : event->data != NULL ? event->length
                                          : 0;
    request->event = *event;
    if (source == NULL)
        return true;
    request->data = malloc(length + 1);
    if (request->data == NULL)
        return false;
    memcpy(request->data, source, length);
    request->length = length;
    request->event.text = event->text != NULL ? request->data : NULL;
    request->event.data = event->text != NULL ? NULL : request->data;
    return true;
}

/* Bytes that the request may add to the store. Zero for requests that bring no data (acknowledging,
 * closing, forgetting): a full store must be able to become less full, and keeps a reserve for
 * that. */
static size_t room_for(const struct turn_request *request)
{
    size_t data = request->length + request->relay.body_length;
    return data > 0 || request->created != NULL ? ROOM_FOR_RECORD + data : 0;
}

/* Queues a request for the next turn. False if there was no memory for it (`request` is NULL). */
static bool submit(struct turns *turns, struct turn_request *request, turn_done done, void *arg)
{
    if (request == NULL)
        return false;
    request->done = done;
    request->arg = arg;
    request->op.room = room_for(request);
    group_commit_add(turns->group, &request->op);
    return true;
}

/* ---- events: what a step writes ---- */

static void write_outbox(struct turns *turns, struct session *session,
                         const struct session_write *write)
{
    store_put_message(turns->batch->txn, STORE_OUTBOX, session->id, write->number, write->data,
                      write->length);
}

static void write_inbox(struct turns *turns, struct session *session,
                        const struct session_write *write)
{
    store_put_message(turns->batch->txn, STORE_INBOX, session->id, write->number, write->data,
                      write->length);
}

static void write_inbox_forget(struct turns *turns, struct session *session,
                               const struct session_write *write)
{
    store_delete_messages(turns->batch->txn, STORE_INBOX, session->id, write->number);
}

/* Lower rows are deleted already. */
static void write_outbox_forget(struct turns *turns, struct session *session,
                                const struct session_write *write)
{
    struct kv_txn *txn = turns->batch->txn;
    enum kv_status status = KV_OK;
    for (uint32_t i = write->number;
         i-- > 0 && status != KV_MISSING && kv_txn_status(txn) == KV_OK;) {
        const uint8_t *row;
        size_t length;
        status = store_get_message(txn, STORE_OUTBOX, session->id, i, &row, &length);
        if (status == KV_OK && length >= KEYS_NONCE_BYTES)
            session->sent_bytes -= length - KEYS_NONCE_BYTES;
    }
    store_delete_messages(txn, STORE_OUTBOX, session->id, write->number);
}

static void write_forget(struct turns *turns, struct session *session,
                         const struct session_write *write)
{
    (void)write;
    store_delete_session(turns->batch->txn, session->id);
    turn_batch_session(turns, session->id)->deleted = true;
}

static void (*const writers[])(struct turns *, struct session *, const struct session_write *) = {
    [WRITE_OUTBOX] = write_outbox,
    [WRITE_INBOX] = write_inbox,
    [WRITE_INBOX_FORGET] = write_inbox_forget,
    [WRITE_OUTBOX_FORGET] = write_outbox_forget,
    [WRITE_FORGET] = write_forget,
};

/* ---- events: the step ---- */

/* The size of the messages that an acknowledgement removes, which the session itself does not
 * know. */
static size_t bytes_up_to(struct turns *turns, const struct session *session, uint32_t number)
{
    size_t bytes = 0;
    for (uint32_t i = session->acked; i <= number && i < session->received; i++) {
        const uint8_t *data;
        size_t length;
        if (store_get_message(turns->batch->txn, STORE_INBOX, session->id, i, &data, &length) ==
            KV_OK)
            bytes += length;
    }
    return bytes;
}

/* The outbox row of which the relay's message is said to be the echo, borrowed. */
static void add_row(struct turns *turns, const struct session *session, struct session_event *event)
{
    uint32_t number;
    const uint8_t *row;
    size_t length;
    if (session_echoes(session, event->relay, &number) &&
        store_get_message(turns->batch->txn, STORE_OUTBOX, session->id, number, &row, &length) ==
            KV_OK) {
        event->data = row;
        event->length = length;
    }
}

/* Said before the peer is known: is it one of ours? */
static bool is_from_ourselves(struct turns *turns, const struct session *session,
                              const struct wire_message *message)
{
    return message->type == WIRE_MESSAGE && session->peer_side == NULL &&
           strcmp(message->phase, "pake") == 0 && own_codes_is_side(turns, session, message->side);
}

static void hurry_relays(struct turns *turns, const struct session *session)
{
    relays_hurry(turns->relays, session->relay);
    for (int i = 0; i < SESSION_ROUTE_SLOTS; i++)
        if (session->route_urls[i] != NULL)
            relays_hurry(turns->relays, session->route_urls[i]);
}

/* Adds what some events need from outside the session. */
static void complete_event(struct turns *turns, const struct session *session,
                           struct session_event *event)
{
    if (event->type == EVENT_ACK)
        event->length = bytes_up_to(turns, session, event->number);
    if (event->type == EVENT_RELAY) {
        add_row(turns, session, event);
        event->ourselves = is_from_ourselves(turns, session, event->relay);
    }
    if (event->type == EVENT_POLL)
        hurry_relays(turns, session);
}

static enum turn_code run_event(struct turns *turns, struct turn_request *request)
{
    request->may_wait = request->done == NULL;
    struct turn_session *found = turn_batch_session(turns, request->id);
    if (found == NULL)
        return TURN_NOT_FOUND;
    struct session *session = found->session;
    struct session_context context = turn_batch_context(turns);
    const struct relay *relay = relays_find(turns->relays, session_relay(session));
    if (relay != NULL && relay->connections > HELD_PER_RELAY)
        context.may_hold = false;
    context.attended = turns->observer.attended != NULL &&
                       turns->observer.attended(turns->observer.arg, request->id);
    struct session_event event = request->event; /* what is borrowed ends with the step */
    bool copied = session->copied;
    uint32_t ignored = session_ignored(session);
    enum session_result result = session->result;
    complete_event(turns, session, &event);
    request->answer.session = session;
    request->answer.refusal = session_step(session, &event, &context, &request->outcome);
    if (session->visit == NULL)
        found->ignored += ignored;
    found->copied |= session->copied && !copied;
    found->failed |= session->result != result && session->result != RESULT_NONE &&
                     session->result != RESULT_HAPPY;
    if (request->event.type == EVENT_SEND)
        request->answer.number = session->sent - 1;
    turns->batch->no_memory |= request->outcome.no_memory;
    request->may_wait &= request->outcome.write_count == 0;
    for (size_t i = 0; i < request->outcome.write_count; i++)
        writers[request->outcome.writes[i].type](turns, session, &request->outcome.writes[i]);
    return request->answer.refusal == SESSION_ACCEPTED ? TURN_DONE : TURN_REFUSED;
}

/* The new name goes into the index at once, since other sessions in this turn may want it. */
static enum turn_code run_rename(struct turns *turns, struct turn_request *request)
{
    if (turn_batch_name_taken(turns, request->event.text, request->id))
        return TURN_NAME_TAKEN;
    enum turn_code code = run_event(turns, request);
    if (code == TURN_DONE)
        turn_batch_put(turns, turn_batch_session(turns, request->id));
    return code;
}

static enum turn_code run_correct_time(struct turns *turns, struct turn_request *request)
{
    store_correct_time(turns->batch->txn, request->event.until);
    return TURN_DONE;
}

/* What is deferred joins every commit. */
static enum turn_code run_write_deferred(struct turns *turns, struct turn_request *request)
{
    (void)turns;
    (void)request;
    return TURN_DONE;
}

static void write_deferred(struct turns *turns)
{
    static const uint8_t no_session[SESSION_ID_BYTES];
    if (!submit(turns, new_request(no_session, run_write_deferred), NULL, NULL))
        turn_deferred_retry(turns);
}

static void on_deferred_due(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    write_deferred(arg);
}

/* ---- asking for events ---- */

static struct turn_request *
event_request(const uint8_t id[SESSION_ID_BYTES], const struct session_event *event,
              enum turn_code (*run)(struct turns *, struct turn_request *))
{
    struct turn_request *request = new_request(id, run);
    if (request == NULL || copy_event(request, event))
        return request;
    turn_request_free(request);
    return NULL;
}

bool turn_event(struct turns *turns, const uint8_t id[SESSION_ID_BYTES],
                const struct session_event *event, turn_done done, void *arg)
{
    return submit(turns, event_request(id, event, run_event), done, arg);
}

bool turn_rename(struct turns *turns, const uint8_t id[SESSION_ID_BYTES], const char *name,
                 turn_done done, void *arg)
{
    struct session_event event = {.type = EVENT_RENAME, .text = name};
    return submit(turns, event_request(id, &event, run_rename), done, arg);
}

bool turn_correct_time(struct turns *turns, int64_t now, turn_done done, void *arg)
{
    static const uint8_t no_session[SESSION_ID_BYTES];
    struct turn_request *request = new_request(no_session, run_correct_time);
    if (request != NULL)
        request->event.until = now;
    return submit(turns, request, done, arg);
}

bool turn_try_store(struct turns *turns)
{
    static const uint8_t no_session[SESSION_ID_BYTES];
    return submit(turns, new_request(no_session, run_write_deferred), NULL, NULL);
}

/* ---- creating ---- */

static enum turn_code run_create(struct turns *turns, struct turn_request *request)
{
    request->answer.session = request->created;
    if (turn_batch_name_taken(turns, request->created->name, request->created->id))
        return TURN_NAME_TAKEN; /* first: whoever asks again, after a crash say, knows it by this */
    if (own_codes_taken(turns, request->created))
        return TURN_OWN_CODE;
    enum kv_status status = store_put_session(turns->batch->txn, request->created, NULL);
    return status == KV_TAKEN ? TURN_NAME_TAKEN : TURN_DONE;
}

/* The session is consumed; NULL: there was no memory for it. */
static bool submit_new(struct turns *turns, struct session *session,
                       enum turn_code (*run)(struct turns *, struct turn_request *), turn_done done,
                       void *arg)
{
    struct turn_request *request = session == NULL ? NULL : new_request(session->id, run);
    if (request != NULL)
        request->created = session;
    else
        session_free(session);
    return submit(turns, request, done, arg);
}

bool turn_create(struct turns *turns, const struct session_options *options, turn_done done,
                 void *arg)
{
    struct session_context context = turn_batch_context(turns);
    return submit_new(turns, session_new(options, &context), run_create, done, arg);
}

/* ---- importing ---- */

static const enum turn_code import_codes[EXPORT_FAULTS] = {
    [EXPORT_OK] = TURN_DONE,
    [EXPORT_IMPORTED] = TURN_IMPORTED,
    [EXPORT_EXPIRED] = TURN_EXPIRED,
};

static enum turn_code check_import(struct turns *turns, const struct session *session,
                                   const struct turn_session *stored)
{
    uint32_t imported = 0;
    store_get_import(turns->batch->txn, session->id, &imported);
    enum export_fault fault =
        export_judge(session, stored == NULL ? NULL : stored->session, imported, clock_now());
    if (fault == EXPORT_OK && turn_batch_name_taken(turns, session->name, session->id))
        return TURN_NAME_TAKEN;
    if (fault == EXPORT_OK && own_codes_taken(turns, session))
        return TURN_OWN_CODE;
    return import_codes[fault];
}

/* A session that was handed over from here and comes back replaces what stayed behind. */
static enum turn_code run_import(struct turns *turns, struct turn_request *request)
{
    struct session *session = request->created;
    struct turn_session *stored = turn_batch_session(turns, session->id);
    struct session_context context = turn_batch_context(turns);
    enum turn_code code = check_import(turns, session, stored);
    if (code != TURN_DONE)
        return code;
    if (stored != NULL) {
        store_delete_session(turns->batch->txn, session->id);
        stored->deleted = true;
    }
    session_resume(session, &context);
    request->answer.session = session;
    store_put_session(turns->batch->txn, session, NULL);
    /* Rows of the past are deleted by a clock that is believed only: a text could come in again. */
    store_put_import(turns->batch->txn, session->id, session->exports, session_deadline(session),
                     context.now < context.doubted_until ? 0 : context.now);
    return TURN_DONE;
}

bool turn_import(struct turns *turns, struct session *session, turn_done done, void *arg)
{
    return submit_new(turns, session, run_import, done, arg);
}

/* ---- forgetting ---- */

static enum turn_code may_forget(const struct session *session, enum turn_forgetting which)
{
    bool exported = session->state == SESSION_EXPORTED;
    bool was_exported = session->state == SESSION_CLOSED && session->exports > 0;
    if (which == TURN_FORGET_ANY)
        return TURN_DONE;
    if (which == TURN_FORGET_EXPORTED)
        return exported || was_exported ? TURN_DONE : TURN_NOT_EXPORTED;
    if (session->state == SESSION_CLOSED)
        return TURN_DONE;
    return exported ? TURN_NOT_SAFE : TURN_NOT_CLOSED;
}

static enum turn_code run_forget(struct turns *turns, struct turn_request *request)
{
    struct turn_session *found = turn_batch_session(turns, request->id);
    enum turn_code code =
        found == NULL ? TURN_NOT_FOUND : may_forget(found->session, request->forgetting);
    if (code != TURN_DONE)
        return code;
    store_delete_session(turns->batch->txn, request->id);
    found->deleted = true;
    return TURN_DONE;
}

bool turn_forget(struct turns *turns, const uint8_t id[SESSION_ID_BYTES],
                 enum turn_forgetting which, turn_done done, void *arg)
{
    struct turn_request *request = new_request(id, run_forget);
    if (request != NULL)
        request->forgetting = which;
    return submit(turns, request, done, arg);
}

/* ---- life ---- */

static void on_visit_event(void *arg, const uint8_t *id, const struct session_event *event)
{
    turn_event(arg, id, event, NULL, NULL);
}

static bool on_relay_message(void *arg, const uint8_t *id, struct wire_message *message)
{
    struct turn_request *request = new_request(id, run_event);
    if (request == NULL) {
        wire_free(message);
        return false;
    }
    request->relay = *message;
    memset(message, 0, sizeof(*message));
    request->event = (struct session_event){.type = EVENT_RELAY, .relay = &request->relay};
    return submit(arg, request, NULL, NULL);
}

struct turns *turns_new(const struct visits_parts *parts, const struct turn_observer *observer,
                        const struct turn_settings *settings)
{
    struct turns *turns = calloc(1, sizeof(*turns));
    if (turns == NULL)
        return NULL;
    turns->store = parts->store;
    turns->relays = parts->relays;
    turns->observer = *observer;
    turns->settings = *settings;
    clock_doubted_until(&turns->clock);
    turns->visits =
        visits_new(parts, &(struct visits_reports){on_visit_event, on_relay_message, turns});
    turns->group =
        group_commit_new(parts->base, parts->store, &turn_batch_methods, turns, &turn_batch_limits);
    turns->deferred_timer = evtimer_new(parts->base, on_deferred_due, turns);
    turns->clock_timer = evtimer_new(parts->base, turn_batch_look_at_clock, turns);
    if (turns->visits != NULL && turns->group != NULL && turns->deferred_timer != NULL &&
        turns->clock_timer != NULL)
        return turns;
    turns_free(turns);
    return NULL;
}

void turns_set(struct turns *turns, const struct turn_settings *settings)
{
    turns->settings = *settings;
}

void turns_free(struct turns *turns)
{
    if (turns == NULL)
        return;
    visits_free(turns->visits);
    group_commit_free(turns->group);
    turn_deferred_clear(turns);
    if (turns->deferred_timer != NULL)
        event_free(turns->deferred_timer);
    if (turns->clock_timer != NULL)
        event_free(turns->clock_timer);
    free(turns);
}

void turn_flush(struct turns *turns)
{
    group_commit_flush(turns->group);
    if (turn_deferred_any(turns)) {
        write_deferred(turns);
        group_commit_flush(turns->group);
    }
}

/* ---- queries ---- */

const struct session *turn_active(struct turns *turns, const uint8_t id[SESSION_ID_BYTES])
{
    return visits_find(turns->visits, id);
}

void turn_count(const struct turns *turns, unsigned *ret_active, unsigned *ret_held)
{
    visits_count(turns->visits, ret_active, ret_held);
}

unsigned turn_connected(const struct turns *turns)
{
    return visits_connected(turns->visits);
}

int64_t turn_store_pause(const struct turns *turns)
{
    /* Further away than any pause: the clock was set back. */
    return turns->store_pause > clock_now() + TURN_STORE_PAUSE ? 0 : turns->store_pause;
}
