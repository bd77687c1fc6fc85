#include "config.h"

#include "daemon/turn_batch.h"

#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/timer.h"
#include "daemon/relays.h"
#include "daemon/turn_deferred.h"
#include "service/log.h"
#include "state/store.h"

/* Bounds memory use, and how long the event loop is kept waiting. */
const struct group_limits turn_batch_limits = {
    .ops = 1024,
    .room = (size_t)64 * 1024 * 1024,
    .held = SIZE_MAX,
};

/* ---- participating sessions: from memory if on a visit, otherwise from the store ---- */

static struct turn_session *add_session(struct turns *turns, struct session *session, bool visiting)
{
    struct turn_session *added = calloc(1, sizeof(*added));
    if (added == NULL) {
        turns->batch->no_memory = true;
        return NULL;
    }
    memcpy(added->id, session->id, sizeof(added->id));
    added->session = session;
    added->visiting = visiting;
    HASH_ADD(hh, turns->sessions, id, SESSION_ID_BYTES, added);
    if (added->hh.tbl != NULL)
        return added;
    turns->batch->no_memory = true;
    free(added);
    return NULL;
}

static struct turn_session *load_session(struct turns *turns, const uint8_t *id)
{
    struct session *session;
    if (store_get_session(turns->batch->txn, id, &session) != KV_OK)
        return NULL;
    struct turn_session *loaded = add_session(turns, session, false);
    if (loaded == NULL)
        session_free(session);
    return loaded;
}

struct turn_session *turn_batch_session(struct turns *turns, const uint8_t id[SESSION_ID_BYTES])
{
    struct turn_session *found;
    HASH_FIND(hh, turns->sessions, id, SESSION_ID_BYTES, found);
    if (found != NULL)
        return found->deleted ? NULL : found;
    struct session *session = visits_find(turns->visits, id);
    return session != NULL ? add_session(turns, session, true) : load_session(turns, id);
}

void turn_batch_put(struct turns *turns, struct turn_session *taking_part)
{
    const struct session *session = taking_part->session;
    bool changed = false;
    if (session->state == SESSION_CLOSED)
        store_delete_messages(turns->batch->txn, STORE_OUTBOX, session->id, UINT32_MAX);
    store_put_session(turns->batch->txn, taking_part->session, &changed);
    taking_part->changed |= changed;
}

bool turn_batch_name_taken(struct turns *turns, const char *name,
                           const uint8_t id[SESSION_ID_BYTES])
{
    struct kv_txn *txn = turns->batch->txn;
    uint8_t found[SESSION_ID_BYTES];
    struct session *other;
    if (name == NULL || store_find(txn, name, found) != KV_OK ||
        memcmp(found, id, SESSION_ID_BYTES) == 0 || store_get_session(txn, found, &other) != KV_OK)
        return false;
    /* The other one may have been found by its id. */
    bool taken = other->name != NULL && strcmp(other->name, name) == 0;
    session_free(other);
    return taken;
}

/* The session is no longer in memory. */
static void release_session(struct turns *turns, struct turn_session *taking_part)
{
    visits_remove(turns->visits, taking_part->id);
    session_free(taking_part->session);
}

/* Empties the table, and leaves the sessions as they are. */
static void clear_table(struct turns *turns)
{
    struct turn_session *entry, *next;
    HASH_ITER(hh, turns->sessions, entry, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL takes it out of the list */
        HASH_DEL(turns->sessions, entry);
        free(entry);
    }
}

static void draw_random(void *arg, void *buffer, size_t length)
{
    (void)arg;
    randombytes_buf(buffer, length);
}

/* While the clock is doubted it is looked at all the time: a second leap to the same place must not
 * look like the first one that has stayed. */
static int64_t watch_clock(struct turns *turns)
{
    int64_t until = clock_doubted_until(&turns->clock);
    if (until > clock_now() && !event_pending(turns->clock_timer, EV_TIMEOUT, NULL)) {
        struct timeval interval = timer_interval(CLOCK_DOUBT_LOOK);
        event_add(turns->clock_timer, &interval);
    }
    return until;
}

void turn_batch_look_at_clock(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    watch_clock(arg);
}

struct session_context turn_batch_context(struct turns *turns)
{
    unsigned active, held;
    visits_count(turns->visits, &active, &held);
    return (struct session_context){
        .now = clock_now(),
        .random = draw_random,
        .may_hold = held < turns->settings.max_held,
        .doubted_until = watch_clock(turns),
        .keep = turns->settings.keep,
        .place_bytes = turns->settings.place_bytes,
    };
}

/* ---- the outcome of one request ---- */

static void release_effects(struct turns *turns, const struct turn_request *request)
{
    for (size_t i = 0; i < request->outcome.effect_count; i++) {
        FAULT_POINT("turn.effect.before");
        visits_effect(turns->visits, request->answer.session, &request->outcome.effects[i]);
    }
}

static void answer_request(void *arg, struct group_op *op)
{
    struct turn_request *request = (struct turn_request *)op;
    turn_done done = request->done;
    (void)arg;
    if (request->answer.code != TURN_DONE && request->answer.code != TURN_REFUSED)
        request->answer.session = NULL;
    request->done = NULL;
    if (done != NULL)
        done(request->arg, &request->answer);
}

/* ---- the transaction ---- */

static void run_request(void *arg, struct group_batch *batch, struct group_op *op)
{
    struct turns *turns = arg;
    struct turn_request *request = (struct turn_request *)op;
    turns->batch = batch;
    request->answer.code = request->run(turns, request);
}

static void write_sessions(struct turns *turns)
{
    for (struct turn_session *entry = turns->sessions; entry != NULL; entry = entry->hh.next)
        if (!entry->deleted)
            turn_batch_put(turns, entry);
}

static void complete_batch(void *arg, struct group_batch *batch)
{
    struct turns *turns = arg;
    int64_t now = clock_now();
    if (turns->planned_by < now)
        turns->planned_by = now;
    batch->written = !turn_deferred_suffices(turns, batch);
    if (batch->written) {
        turn_deferred_join(turns);
        write_sessions(turns);
        store_note_time(batch->txn, turns->planned_by);
    }
    turns->batch = NULL;
}

/* ---- after the commit ---- */

/* Logs once when it begins and once when it ends, however often it is tried in between. */
static void log_erasure(struct turns *turns)
{
    bool done = store_erasure_done(turns->store);
    if (done != turns->erasure_pending)
        return;
    turns->erasure_pending = !done;
    if (done)
        log_info("store", "what was deleted can no longer be read");
    else
        log_error("store", "keys of what was deleted could not be overwritten: who has the files "
                           "can still read it; each change of the store tries again");
}

/* Likewise: the reason, not each of the attempts, which go on every few seconds. */
static void log_health(struct turns *turns)
{
    const char *trouble = kv_health(turns->store).text;
    if (trouble == turns->trouble)
        return;
    turns->trouble = trouble;
    if (trouble != NULL)
        log_error("store", "nothing can be stored, so visits pause: %s", trouble);
    else
        log_info("store", "the store can be written again");
}

static void log_copy(const struct session *session)
{
    char id[SESSION_ID_TEXT];
    session_id_text(session->id, id);
    log_error("session",
              "session %s: this store is an older copy, or one of two: the relay holds "
              "messages in its name that it never sent; nothing more is sent",
              id);
}

/* A happy end is what people wanted, and no news. */
static void log_failure(const struct session *session)
{
    char id[SESSION_ID_TEXT];
    session_id_text(session->id, id);
    log_info("session", "session %s ended (%s): %s", id, session_result_name(session->result),
             session->await_answer     ? "see wormctl show" /* it may quote the peer */
             : session->reason != NULL ? session->reason
                                       : "no reason was given");
}

/* One line a visit, whatever others have left in the mailbox. */
static void log_ignored(const struct session *session, uint32_t count)
{
    char id[SESSION_ID_TEXT];
    session_id_text(session->id, id);
    log_warning("session",
                "session %s: %u messages in its mailbox were ignored: no peer leaves such, or not "
                "before the keys are exchanged",
                id, count);
}

static void log_session(const struct turn_session *entry)
{
    if (entry->ignored > 0)
        log_ignored(entry->session, entry->ignored);
    if (entry->copied)
        log_copy(entry->session);
    if (entry->failed)
        log_failure(entry->session);
}

static void report_changes(struct turns *turns)
{
    for (struct turn_session *entry = turns->sessions; entry != NULL; entry = entry->hh.next) {
        bool visit_ended = entry->visiting && entry->session->visit == NULL;
        bool changed = entry->changed || entry->deleted;
        log_session(entry);
        turns->due_changed |= changed || visit_ended;
        if (changed)
            turns->observer.changed(turns->observer.arg, entry->session->change, entry->id);
    }
}

static void report_creation(struct turns *turns, const struct turn_request *request)
{
    if (request->created == NULL || request->answer.code != TURN_DONE)
        return;
    turns->observer.changed(turns->observer.arg, request->created->change, request->created->id);
    turns->due_changed = true;
}

static void publish_batch(void *arg, const struct group_batch *batch)
{
    struct turns *turns = arg;
    const struct group_op *op;
    turns->due_changed = false;
    if (batch->written) {
        turns->store_pause = 0;
        turn_deferred_written(turns);
        log_health(turns);
        log_erasure(turns);
    }
    for (op = batch->first; op != NULL; op = op->next)
        release_effects(turns, (const struct turn_request *)op);
    report_changes(turns);
    for (op = batch->first; op != NULL; op = op->next)
        report_creation(turns, (const struct turn_request *)op);
    FAULT_POINT("turn.answers.before");
}

/* Sessions on a visit stay in memory, and so do those whose changes are deferred; the others are on
 * the disk, and use no more memory. If there is not enough memory for one, its visit is dropped,
 * and it is due again. */
static void keep_or_release(struct turns *turns, struct turn_session *entry)
{
    struct session *session = entry->session;
    bool visiting = !entry->deleted && session->visit != NULL;
    if ((visiting || entry->deferred) && visits_keep(turns->visits, session))
        return;
    release_session(turns, entry);
    if (!visiting)
        return;
    turns->store_pause = clock_now() + TURN_STORE_PAUSE;
    turns->due_changed = true;
}

static void settle_batch(void *arg)
{
    struct turns *turns = arg;
    FAULT_POINT("turn.answers.after");
    for (struct turn_session *entry = turns->sessions; entry != NULL; entry = entry->hh.next)
        keep_or_release(turns, entry);
    clear_table(turns);
    if (turns->due_changed)
        turns->observer.due_changed(turns->observer.arg);
}

/* ---- when the commit fails ---- */

/* A session on a visit for which memory ran out during the turn: what the relay told it is lost, so
 * its visit would wait for something that never comes. */
static void drop_visit(struct turns *turns, const uint8_t *id)
{
    struct session *session = visits_find(turns->visits, id);
    visits_remove(turns->visits, id);
    session_free(session);
}

/* Sessions in memory revert to what the store holds: those on a visit lose it, and their rows make
 * them due again. To those that only joined, nothing has happened. */
static void drop_sessions(struct turns *turns)
{
    for (struct turn_session *entry = turns->sessions; entry != NULL; entry = entry->hh.next)
        if (!entry->joined || !entry->visiting)
            release_session(turns, entry);
    clear_table(turns);
}

static void undo_batch(void *arg, const struct group_batch *batch, enum kv_status status)
{
    struct turns *turns = arg;
    /* Several ask for more than they take, and are tried again by halves. */
    bool told = status != KV_FULL || batch->first->next == NULL;
    if (told)
        log_health(turns);
    if (told && turns->trouble == NULL)
        log_error("store", "a turn could not be stored: %s", kv_status_text(status));
    turns->store_pause = clock_now() + TURN_STORE_PAUSE;
    drop_sessions(turns);
    for (const struct group_op *op = batch->first; op != NULL; op = op->next)
        drop_visit(turns, ((const struct turn_request *)op)->id);
    turn_deferred_retry(turns);
    turns->observer.due_changed(turns->observer.arg);
}

/* A client waits for these. What the relay said, it will say again at the next visit. */
static bool is_awaited(const struct group_op *op)
{
    return ((const struct turn_request *)op)->done != NULL;
}

static void reset_request(struct group_op *op)
{
    struct turn_request *request = (struct turn_request *)op;
    outcome_clear(&request->outcome);
    memset(&request->answer, 0, sizeof(request->answer));
    request->may_wait = false;
}

static void fail_request(struct group_op *op, enum kv_status status)
{
    ((struct turn_request *)op)->answer.code = status == KV_FULL     ? TURN_STORE_FULL
                                               : status == KV_MEMORY ? TURN_MEMORY
                                                                     : TURN_STORE_FAILED;
}

/* ---- life ---- */

void turn_request_free(struct turn_request *request)
{
    if (request == NULL)
        return;
    if (request->data != NULL)
        sodium_memzero(request->data, request->length);
    free(request->data);
    wire_free(&request->relay);
    session_free(request->created);
    outcome_clear(&request->outcome);
    free(request);
}

static void free_request(struct group_op *op)
{
    turn_request_free((struct turn_request *)op);
}

const struct group_methods turn_batch_methods = {
    .run = run_request,
    .complete = complete_batch,
    .undo = undo_batch,
    .worth_retry = is_awaited,
    .reset = reset_request,
    .fail = fail_request,
    .publish = publish_batch,
    .answer = answer_request,
    .settle = settle_batch,
    .free = free_request,
};
