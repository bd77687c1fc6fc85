#include "config.h"

#include "daemon/turn.h"

#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "daemon/active.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/relays.h"
#include "daemon/request.h"
#include "state/store.h"

/* A turn takes no more than this; the rest waits for the next one. Bounds memory, and how long the
 * loop is away. */
#define TURN_REQUESTS_MAX 1024
#define TURN_BYTES_MAX    ((size_t)64 * 1024 * 1024)
/* After a failed commit no visits for so long, ms: what they bring could not be kept. */
#define STORE_PAUSE ((int64_t)5 * 1000)

/* A session that takes part in the turn. */
struct touched {
    uint8_t id[SESSION_ID_BYTES];
    struct session *session;
    bool active; /* it is in the table of active sessions */
    bool deleted;
    bool changed;
    UT_hash_handle hh;
};

struct queue {
    struct request *first, **end;
};

struct turns {
    struct event_base *base;
    struct store *store;
    struct relays *relays;
    struct turn_hooks hooks;
    struct turn_settings settings;
    struct active *active;
    struct event *runner;
    struct queue queue;  /* waiting for a turn */
    struct queue batch;  /* in the turn under way */
    struct queue failed; /* of a turn that failed, to be tried one by one */
    int64_t store_pause;

    /* The turn under way. */
    struct store_txn *txn;
    struct touched *touched;
    bool no_memory;
};

/* ---- queues ---- */

static void queue_empty(struct queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_add(struct queue *queue, struct request *request)
{
    request->next = NULL;
    *queue->end = request;
    queue->end = &request->next;
}

static struct request *queue_take(struct queue *queue)
{
    struct request *request = queue->first;
    if (request != NULL && (queue->first = request->next) == NULL)
        queue->end = &queue->first;
    return request;
}

static void queue_free(struct queue *queue)
{
    struct request *request;
    while ((request = queue_take(queue)) != NULL)
        request_free(request);
}

/* ---- the sessions of a turn ---- */

static struct touched *add_touched(struct turns *turns, struct session *session, bool active)
{
    struct touched *touched = calloc(1, sizeof *touched);
    if (touched == NULL) {
        turns->no_memory = true;
        return NULL;
    }
    memcpy(touched->id, session->id, sizeof touched->id);
    touched->session = session;
    touched->active = active;
    HASH_ADD(hh, turns->touched, id, SESSION_ID_BYTES, touched);
    return touched;
}

static struct touched *load(struct turns *turns, const uint8_t *id)
{
    struct session *session;
    if (store_get_session(turns->txn, id, &session) != STORE_OK)
        return NULL;
    struct touched *touched = add_touched(turns, session, false);
    if (touched == NULL)
        session_free(session);
    return touched;
}

/* The session as this turn has it so far; NULL if there is none (or an error, which the commit will
 * tell). */
static struct touched *touch(struct turns *turns, const uint8_t *id)
{
    struct touched *touched;
    HASH_FIND(hh, turns->touched, id, SESSION_ID_BYTES, touched);
    if (touched != NULL)
        return touched->deleted ? NULL : touched;
    struct session *session = active_find(turns->active, id);
    return session != NULL ? add_touched(turns, session, true) : load(turns, id);
}

static void leave_memory(struct turns *turns, struct touched *touched)
{
    if (touched->active)
        active_remove(turns->active, touched->session);
    session_free(touched->session);
}

/* ---- carrying out requests inside the transaction ---- */

static void write_outbox(struct turns *turns, const struct session *session,
                         const struct session_write *write)
{
    store_put_message(turns->txn, STORE_OUTBOX, session->id, write->number, write->data,
                      write->length);
}

static void write_inbox(struct turns *turns, const struct session *session,
                        const struct session_write *write)
{
    store_put_message(turns->txn, STORE_INBOX, session->id, write->number, write->data,
                      write->length);
}

static void write_inbox_forget(struct turns *turns, const struct session *session,
                               const struct session_write *write)
{
    store_delete_messages(turns->txn, STORE_INBOX, session->id, write->number);
}

static void write_outbox_forget(struct turns *turns, const struct session *session,
                                const struct session_write *write)
{
    (void)write;
    store_delete_messages(turns->txn, STORE_OUTBOX, session->id, UINT32_MAX);
}

static void write_forget(struct turns *turns, const struct session *session,
                         const struct session_write *write)
{
    (void)write;
    store_delete_session(turns->txn, session->id);
    touch(turns, session->id)->deleted = true;
}

static void (*const writers[])(struct turns *, const struct session *,
                               const struct session_write *) = {
    [WRITE_OUTBOX] = write_outbox,
    [WRITE_INBOX] = write_inbox,
    [WRITE_INBOX_FORGET] = write_inbox_forget,
    [WRITE_OUTBOX_FORGET] = write_outbox_forget,
    [WRITE_FORGET] = write_forget,
};

static void draw_random(void *arg, void *buffer, size_t length)
{
    (void)arg;
    randombytes_buf(buffer, length);
}

static struct session_context context_for(struct turns *turns, const char *relay_url)
{
    unsigned active, held;
    const struct relay *relay = relay_url == NULL ? NULL : relays_find(turns->relays, relay_url);
    active_count(turns->active, &active, &held);
    return (struct session_context){
        .now = clock_now(),
        .random = draw_random,
        .may_hold = held < turns->settings.max_held,
        .retention = relay == NULL ? 0 : relay->retention,
        .keep = turns->settings.keep,
    };
}

/* The size of the messages that an acknowledgement removes: the session itself does not know it. */
static size_t bytes_up_to(struct turns *turns, const struct session *session, uint32_t number)
{
    size_t bytes = 0;
    for (uint32_t i = session->acked; i <= number && i < session->received; i++) {
        const uint8_t *data;
        size_t length;
        if (store_get_message(turns->txn, STORE_INBOX, session->id, i, &data, &length) == STORE_OK)
            bytes += length;
    }
    return bytes;
}

static enum turn_code run_event(struct turns *turns, struct request *request)
{
    struct touched *touched = touch(turns, request->id);
    if (touched == NULL)
        return TURN_NOT_FOUND;
    struct session *session = touched->session;
    struct session_context context = context_for(turns, session->relay);
    if (request->event.type == EVENT_ACK)
        request->event.length = bytes_up_to(turns, session, request->event.number);
    request->answer.session = session;
    request->answer.refusal = session_step(session, &request->event, &context, &request->outcome);
    if (request->event.type == EVENT_SEND)
        request->answer.number = session->sent - 1;
    turns->no_memory |= request->outcome.no_memory;
    for (size_t i = 0; i < request->outcome.write_count; i++)
        writers[request->outcome.writes[i].type](turns, session, &request->outcome.writes[i]);
    return request->answer.refusal == SESSION_ACCEPTED ? TURN_DONE : TURN_REFUSED;
}

static enum turn_code run_create(struct turns *turns, struct request *request)
{
    request->answer.session = request->created;
    enum store_status status = store_put_session(turns->txn, request->created, NULL);
    return status == STORE_TAKEN ? TURN_NAME_TAKEN : TURN_DONE;
}

static enum turn_code run_forget(struct turns *turns, struct request *request)
{
    struct touched *touched = touch(turns, request->id);
    if (touched == NULL)
        return TURN_NOT_FOUND;
    if (touched->session->state != SESSION_CLOSED && !request->force)
        return TURN_NOT_CLOSED;
    store_delete_session(turns->txn, request->id);
    touched->deleted = true;
    return TURN_DONE;
}

/* ---- the commit ---- */

static enum store_status commit(struct turns *turns)
{
    for (struct touched *touched = turns->touched; touched != NULL; touched = touched->hh.next)
        if (!touched->deleted)
            store_put_session(turns->txn, touched->session, &touched->changed);
    if (!turns->no_memory)
        return store_commit(turns->txn);
    store_end(turns->txn);
    return STORE_MEMORY;
}

static void forget_touched(struct turns *turns)
{
    struct touched *touched, *next;
    HASH_ITER(hh, turns->touched, touched, next)
    {
        HASH_DEL(turns->touched, touched);
        free(touched);
    }
}

/* ---- after the commit: effects, answers ---- */

static void release_effects(struct turns *turns, const struct request *request)
{
    for (size_t i = 0; i < request->outcome.effect_count; i++)
        turns->hooks.effect(turns->hooks.arg, request->answer.session,
                            &request->outcome.effects[i]);
}

static void answer(struct request *request, enum turn_code code)
{
    request->answer.code = code;
    if (code != TURN_DONE || request->run == run_forget)
        request->answer.session = NULL;
    turn_done done = request->done;
    request->done = NULL;
    if (done != NULL)
        done(request->arg, &request->answer);
}

/* Sessions with a visit stay in memory; the others are on the disk, and cost nothing more. */
static void settle_memory(struct turns *turns, struct touched *touched)
{
    struct session *session = touched->session;
    if (!touched->deleted && session->visit != NULL && active_keep(turns->active, session))
        return;
    if (session->visit != NULL)
        turns->hooks.abandon(turns->hooks.arg, session->id);
    leave_memory(turns, touched);
}

static bool tell_changes(struct turns *turns)
{
    bool changes = false;
    for (struct touched *touched = turns->touched; touched != NULL; touched = touched->hh.next) {
        bool visit_over = touched->active && touched->session->visit == NULL;
        changes |= touched->changed || touched->deleted || visit_over;
        if (touched->changed)
            turns->hooks.changed(turns->hooks.arg, touched->session->change, touched->id);
    }
    return changes;
}

static bool tell_creations(struct turns *turns)
{
    bool any = false;
    for (struct request *request = turns->batch.first; request != NULL; request = request->next)
        if (request->created != NULL && request->answer.code == TURN_DONE) {
            turns->hooks.changed(turns->hooks.arg, request->created->change, request->created->id);
            any = true;
        }
    return any;
}

static void publish(struct turns *turns)
{
    struct request *request;
    for (request = turns->batch.first; request != NULL; request = request->next)
        release_effects(turns, request);
    bool over = tell_changes(turns);
    over |= tell_creations(turns);
    for (request = turns->batch.first; request != NULL; request = request->next)
        answer(request, request->answer.code);
    for (struct touched *touched = turns->touched; touched != NULL; touched = touched->hh.next)
        settle_memory(turns, touched);
    forget_touched(turns);
    queue_free(&turns->batch);
    if (over)
        turns->hooks.over(turns->hooks.arg);
}

/* ---- when the commit fails ---- */

static const enum turn_code failures[] = {
    [STORE_FULL] = TURN_STORE_FULL,
    [STORE_MEMORY] = TURN_MEMORY,
};

static enum turn_code failure_code(enum store_status status)
{
    size_t known = sizeof failures / sizeof failures[0];
    return (size_t)status < known && failures[status] != TURN_DONE ? failures[status]
                                                                   : TURN_STORE_FAILED;
}

/* Sessions in memory go back to what the store holds: those with a visit lose it, and are due again
 * by their row. */
static void undo(struct turns *turns)
{
    for (struct touched *touched = turns->touched; touched != NULL; touched = touched->hh.next) {
        if (touched->active)
            turns->hooks.abandon(turns->hooks.arg, touched->id);
        leave_memory(turns, touched);
    }
    forget_touched(turns);
}

static void run_batch(struct turns *turns);

/*
 * What a client asked for is tried once more, by itself: one large message must not spoil the small
 * ones beside it.
 */
static void retry_alone(struct turns *turns)
{
    struct request *request;
    turns->failed = turns->batch;
    queue_empty(&turns->batch);
    while ((request = queue_take(&turns->failed)) != NULL) {
        if (!request_is_wanted(request)) {
            request_free(request);
            continue;
        }
        outcome_clear(&request->outcome);
        memset(&request->answer, 0, sizeof request->answer);
        queue_add(&turns->batch, request);
        run_batch(turns);
    }
}

static void fail(struct turns *turns, enum store_status status)
{
    struct request *only = turns->batch.first;
    log_error("store", "a turn could not be stored: %s", store_status_text(status));
    turns->store_pause = clock_now() + STORE_PAUSE;
    undo(turns);
    if (only->next != NULL) {
        retry_alone(turns);
        return;
    }
    answer(only, failure_code(status));
    queue_free(&turns->batch);
}

/* ---- the turn ---- */

static size_t batch_room(const struct queue *batch)
{
    size_t room = 0;
    for (const struct request *request = batch->first; request != NULL; request = request->next)
        room += request_room(request);
    return room;
}

static void run_batch(struct turns *turns)
{
    turns->no_memory = false;
    turns->txn = store_write(turns->store, batch_room(&turns->batch));
    for (struct request *request = turns->batch.first; request != NULL; request = request->next)
        request->answer.code = request->run(turns, request);
    enum store_status status = commit(turns);
    turns->txn = NULL;
    if (status != STORE_OK) {
        fail(turns, status);
        return;
    }
    turns->store_pause = 0;
    publish(turns);
}

static void take_batch(struct turns *turns)
{
    size_t bytes = 0;
    for (int i = 0; i < TURN_REQUESTS_MAX && bytes < TURN_BYTES_MAX; i++) {
        struct request *request = queue_take(&turns->queue);
        if (request == NULL)
            return;
        bytes += request->length + request->relay.body_length;
        queue_add(&turns->batch, request);
    }
}

static void run(evutil_socket_t fd, short what, void *arg)
{
    struct turns *turns = arg;
    (void)fd;
    (void)what;
    take_batch(turns);
    if (turns->batch.first != NULL)
        run_batch(turns);
    if (turns->queue.first != NULL)
        event_active(turns->runner, EV_TIMEOUT, 0);
}

void turn_flush(struct turns *turns)
{
    while (turns->queue.first != NULL)
        run(-1, 0, turns);
}

static void on_alarm(void *arg, const uint8_t *id)
{
    turn_event(arg, id, &(struct session_event){.type = EVENT_WAKE}, NULL, NULL);
}

struct turns *turns_new(struct event_base *base, struct store *store, struct relays *relays,
                        const struct turn_hooks *hooks, const struct turn_settings *settings)
{
    struct turns *turns = calloc(1, sizeof *turns);
    if (turns == NULL)
        return NULL;
    turns->base = base;
    turns->store = store;
    turns->relays = relays;
    turns->hooks = *hooks;
    turns->settings = *settings;
    queue_empty(&turns->queue);
    queue_empty(&turns->batch);
    queue_empty(&turns->failed);
    turns->active = active_new(base, on_alarm, turns);
    turns->runner = event_new(base, -1, 0, run, turns);
    if (turns->active == NULL || turns->runner == NULL) {
        turns_free(turns);
        return NULL;
    }
    return turns;
}

void turns_free(struct turns *turns)
{
    if (turns == NULL)
        return;
    queue_free(&turns->queue);
    active_free(turns->active);
    if (turns->runner != NULL)
        event_free(turns->runner);
    free(turns);
}

/* ---- requests ---- */

static bool submit(struct turns *turns, struct request *request, turn_done done, void *arg)
{
    request->done = done;
    request->arg = arg;
    queue_add(&turns->queue, request);
    event_active(turns->runner, EV_TIMEOUT, 0);
    return true;
}

static bool submit_event(struct turns *turns, struct request *request, turn_done done, void *arg)
{
    request->run = run_event;
    return submit(turns, request, done, arg);
}

bool turn_create(struct turns *turns, const struct session_options *options, turn_done done,
                 void *arg)
{
    struct session_context context = context_for(turns, NULL);
    struct session *session = session_new(options, &context);
    struct request *request = session == NULL ? NULL : request_new(session->id);
    if (request == NULL) {
        session_free(session);
        return false;
    }
    request->created = session;
    request->run = run_create;
    return submit(turns, request, done, arg);
}

bool turn_event(struct turns *turns, const uint8_t id[SESSION_ID_BYTES],
                const struct session_event *event, turn_done done, void *arg)
{
    struct request *request = request_new(id);
    if (request == NULL || !request_set_event(request, event)) {
        request_free(request);
        return false;
    }
    return submit_event(turns, request, done, arg);
}

bool turn_forget(struct turns *turns, const uint8_t id[SESSION_ID_BYTES], bool force,
                 turn_done done, void *arg)
{
    struct request *request = request_new(id);
    if (request == NULL)
        return false;
    request->run = run_forget;
    request->force = force;
    return submit(turns, request, done, arg);
}

bool turn_relay_message(struct turns *turns, const uint8_t id[SESSION_ID_BYTES],
                        struct wire_message *message)
{
    struct request *request = request_new(id);
    if (request == NULL) {
        wire_free(message);
        return false;
    }
    request->relay = *message;
    memset(message, 0, sizeof *message);
    request->event = (struct session_event){.type = EVENT_RELAY, .relay = &request->relay};
    return submit_event(turns, request, NULL, NULL);
}

static void cancel_in(struct queue *queue, const void *arg)
{
    for (struct request *request = queue->first; request != NULL; request = request->next)
        if (request->arg == arg)
            request->done = NULL;
}

void turn_cancel(struct turns *turns, void *arg)
{
    cancel_in(&turns->queue, arg);
    cancel_in(&turns->batch, arg);
    cancel_in(&turns->failed, arg);
}

/* ---- looking ---- */

const struct session *turn_active(struct turns *turns, const uint8_t id[SESSION_ID_BYTES])
{
    return active_find(turns->active, id);
}

void turn_count(const struct turns *turns, unsigned *ret_active, unsigned *ret_held)
{
    active_count(turns->active, ret_active, ret_held);
}

int64_t turn_store_pause(const struct turns *turns)
{
    return turns->store_pause;
}
