#include "config.h"

#include "base/clock.h"
#include "daemon/turn_parts.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/request.h"
#include "base/fault.h"
#include "service/log.h"
#include "state/store.h"

/* A turn takes no more than this; the rest waits for the next one. Bounds memory, and how long the
 * loop is away. */
#define TURN_REQUESTS_MAX 1024
#define TURN_BYTES_MAX    ((size_t)64 * 1024 * 1024)
/* After a failed commit no visits for so long, ms: what they bring could not be kept. */
#define STORE_PAUSE ((int64_t)5 * 1000)

/* ---- the commit ---- */

static enum kv_status commit(struct turns *turns)
{
    for (struct touched *touched = turns->touched; touched != NULL; touched = touched->hh.next)
        if (!touched->deleted)
            turn_put(turns, touched);
    store_note_time(turns->txn, clock_now());
    if (!turns->no_memory)
        return kv_commit(turns->txn);
    kv_end(turns->txn);
    return KV_MEMORY;
}

/* ---- after the commit: effects, answers ---- */

/* Once, however often it is tried. */
static void tell_forgetting(struct turns *turns)
{
    bool forgets = store_erasure_done(turns->store);
    if (forgets != turns->unforgotten)
        return;
    turns->unforgotten = !forgets;
    if (forgets)
        log_info("store", "what was deleted can no longer be read");
    else
        log_error("store", "keys of what was deleted could not be overwritten: who has the files "
                           "can still read it; each change of the store tries again");
}

static void release_effects(struct turns *turns, const struct request *request)
{
    for (size_t i = 0; i < request->outcome.effect_count; i++) {
        FAULT_POINT("turn.effect.before");
        turns->hooks.effect(turns->hooks.arg, request->answer.session,
                            &request->outcome.effects[i]);
    }
}

static void answer(struct request *request, enum turn_code code)
{
    request->answer.code = code;
    if (code != TURN_DONE)
        request->answer.session = NULL;
    turn_done done = request->done;
    request->done = NULL;
    if (done != NULL)
        done(request->arg, &request->answer);
}

/* Sessions with a visit stay in memory; the others are on the disk, and cost nothing more. False if
 * memory was short for one, which therefore is due again. */
static bool settle_memory(struct turns *turns, struct touched *touched)
{
    struct session *session = touched->session;
    bool visits = !touched->deleted && session->visit != NULL;
    if (visits && active_keep(turns->active, session))
        return true;
    if (session->visit != NULL)
        turns->hooks.abandon(turns->hooks.arg, session->id);
    turn_leave_memory(turns, touched);
    return !visits;
}

static bool tell_changes(struct turns *turns)
{
    bool changes = false;
    for (struct touched *touched = turns->touched; touched != NULL; touched = touched->hh.next) {
        bool visit_over = touched->active && touched->session->visit == NULL;
        changes |= touched->changed || touched->deleted || visit_over;
        if (touched->changed || touched->deleted)
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
    FAULT_POINT("turn.answers.before");
    for (request = turns->batch.first; request != NULL; request = request->next)
        answer(request, request->answer.code);
    FAULT_POINT("turn.answers.after");
    for (struct touched *touched = turns->touched; touched != NULL; touched = touched->hh.next)
        if (!settle_memory(turns, touched)) {
            turns->store_pause = clock_now() + STORE_PAUSE;
            over = true;
        }
    turn_forget_touched(turns);
    queue_free(&turns->batch);
    if (over)
        turns->hooks.over(turns->hooks.arg);
}

/* ---- when the commit fails ---- */

static const enum turn_code failures[] = {
    [KV_FULL] = TURN_STORE_FULL,
    [KV_MEMORY] = TURN_MEMORY,
};

static enum turn_code failure_code(enum kv_status status)
{
    size_t known = sizeof(failures) / sizeof(failures[0]);
    return (size_t)status < known && failures[status] != TURN_DONE ? failures[status]
                                                                   : TURN_STORE_FAILED;
}

/* One that was on a visit, but for which memory was short in the turn: what the relay told it is
 * lost, so its visit would wait in vain. */
static void undo_untouched(struct turns *turns, const struct request *request)
{
    struct session *session = active_find(turns->active, request->id);
    if (session == NULL)
        return;
    turns->hooks.abandon(turns->hooks.arg, request->id);
    active_remove(turns->active, session);
    session_free(session);
}

/* Sessions in memory go back to what the store holds: those with a visit lose it, and are due again
 * by their row. */
static void undo(struct turns *turns)
{
    for (struct touched *touched = turns->touched; touched != NULL; touched = touched->hh.next) {
        if (touched->active)
            turns->hooks.abandon(turns->hooks.arg, touched->id);
        turn_leave_memory(turns, touched);
    }
    turn_forget_touched(turns);
    for (struct request *request = turns->batch.first; request != NULL; request = request->next)
        undo_untouched(turns, request);
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
        memset(&request->answer, 0, sizeof(request->answer));
        queue_add(&turns->batch, request);
        run_batch(turns);
    }
}

static void fail(struct turns *turns, enum kv_status status)
{
    struct request *only = turns->batch.first;
    log_error("store", "a turn could not be stored: %s", kv_status_text(status));
    turns->store_pause = clock_now() + STORE_PAUSE;
    undo(turns);
    turns->hooks.over(turns->hooks.arg); /* who lost his visit is due again */
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
    turns->txn = kv_write(turns->store, batch_room(&turns->batch));
    for (struct request *request = turns->batch.first; request != NULL; request = request->next)
        request->answer.code = request->run(turns, request);
    FAULT_POINT("turn.commit.before");
    enum kv_status status = commit(turns);
    FAULT_POINT("turn.commit.after");
    turns->txn = NULL;
    if (status != KV_OK) {
        fail(turns, status);
        return;
    }
    turns->store_pause = 0;
    tell_forgetting(turns);
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
    /* By a timer, so that sockets are looked at in between. */
    if (turns->queue.first != NULL)
        event_add(turns->runner, &(struct timeval){0});
}

void turn_submit(struct turns *turns, struct request *request, turn_done done, void *arg)
{
    request->done = done;
    request->arg = arg;
    queue_add(&turns->queue, request);
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

struct turns *turns_new(struct event_base *base, struct kv *store, struct relays *relays,
                        const struct turn_hooks *hooks, const struct turn_settings *settings)
{
    struct turns *turns = calloc(1, sizeof(*turns));
    if (turns == NULL)
        return NULL;
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

void turns_set(struct turns *turns, const struct turn_settings *settings)
{
    turns->settings = *settings;
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
    /* Longer than any pause is: the clock was set back. */
    return turns->store_pause > clock_now() + STORE_PAUSE ? 0 : turns->store_pause;
}
