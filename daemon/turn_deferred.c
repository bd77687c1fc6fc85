#include "config.h"

#include "daemon/turn_deferred.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/timer.h"
#include "daemon/turn_batch.h"
#include "state/record.h"
#include "state/store.h"

/*
 * How long a change may stay deferred, ms.
 *
 * CHANGE_SOON: so short that people do not notice. If a client waits for it, it is some commits'
 * time, in which a visit mostly brings something that must be durable anyway: the slower the disk,
 * the more a commit is worth avoiding. The end of a session brings nothing more.
 */
#define SOON         ((int64_t)50)
#define SOON_COMMITS 16
#define SOON_LEAST   ((int64_t)2)
/* CHANGE_LATER: a crash costs about as much work as that. */
#define LATER ((int64_t)1000)

static int64_t soon(const struct turns *turns, const struct session *session)
{
    int64_t wait = (int64_t)group_commit_counts(turns->group).usual * SOON_COMMITS / 1000;
    if (wait < SOON_LEAST || session->state >= SESSION_CLOSING)
        return SOON_LEAST;
    return wait > SOON ? SOON : wait;
}

/* That a session has closed, after its result was told, is for those who wait for just that. */
static int64_t wait_of(const struct turns *turns, const struct session *session,
                       enum change_urgency urgency)
{
    const struct turn_observer *observer = &turns->observer;
    if (urgency != CHANGE_SOON)
        return LATER;
    if (observer->watched(observer->arg, session->id))
        return soon(turns, session);
    return session->state == SESSION_CLOSED ? LATER : SOON;
}

/* ---- the timer ---- */

static void arm(struct turns *turns, int64_t wait)
{
    struct timeval interval = timer_interval(wait);
    turns->deferred_due = clock_monotonic() + wait;
    event_add(turns->deferred_timer, &interval);
}

static void arm_if_earlier(struct turns *turns, int64_t wait)
{
    if (!event_pending(turns->deferred_timer, EV_TIMEOUT, NULL) ||
        clock_monotonic() + wait < turns->deferred_due)
        arm(turns, wait);
}

/* ---- what is deferred ---- */

static struct deferred_session *find(const struct turns *turns, const uint8_t *id)
{
    struct deferred_session *found;
    HASH_FIND(hh, turns->deferred, id, SESSION_ID_BYTES, found);
    return found;
}

/* False when out of memory. */
static bool add(struct turns *turns, const uint8_t *id)
{
    if (find(turns, id) != NULL)
        return true;
    struct deferred_session *added = calloc(1, sizeof(*added));
    if (added == NULL)
        return false;
    memcpy(added->id, id, sizeof(added->id));
    HASH_ADD(hh, turns->deferred, id, SESSION_ID_BYTES, added);
    if (added->hh.tbl != NULL)
        return true;
    free(added);
    return false;
}

static void drop(struct turns *turns, struct deferred_session *deferred)
{
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL takes it out of the table */
    HASH_DEL(turns->deferred, deferred);
    free(deferred);
}

bool turn_deferred_any(const struct turns *turns)
{
    return turns->deferred != NULL;
}

/* ---- may it be deferred? ---- */

static enum change_urgency compare_with_stored(struct turns *turns, const struct session *session)
{
    struct session *was;
    if (store_get_session(turns->batch->txn, session->id, &was) != KV_OK)
        return CHANGE_FIRST;
    enum change_urgency urgency = session_record_compare(was, session);
    session_free(was);
    return urgency;
}

/* The end of a visit moves the session's due row, and clients may be waiting for it. If it is due
 * again within that time, the row must move before the scheduler looks for it. */
static enum change_urgency urgency_of_end(const struct turns *turns, const struct session *session,
                                          enum change_urgency urgency)
{
    if (session->wake <= clock_now() + wait_of(turns, session, CHANGE_SOON))
        return CHANGE_FIRST;
    return urgency > CHANGE_SOON ? urgency : CHANGE_SOON;
}

/* A session that would not stay in memory anyway is not kept there for this. */
static enum change_urgency urgency_of(struct turns *turns, const struct turn_session *entry)
{
    const struct session *session = entry->session;
    bool visiting = session->visit != NULL;
    enum change_urgency urgency =
        entry->deleted ? CHANGE_FIRST : compare_with_stored(turns, session);
    if (urgency == CHANGE_NONE || visiting)
        return urgency;
    return entry->visiting ? urgency_of_end(turns, session, urgency) : CHANGE_FIRST;
}

static bool all_may_wait(const struct group_batch *batch)
{
    for (const struct group_op *op = batch->first; op != NULL; op = op->next)
        if (!((const struct turn_request *)op)->may_wait)
            return false;
    return true;
}

bool turn_deferred_suffices(struct turns *turns, const struct group_batch *batch)
{
    if (!all_may_wait(batch))
        return false;
    for (struct turn_session *entry = turns->sessions; entry != NULL; entry = entry->hh.next) {
        enum change_urgency urgency = urgency_of(turns, entry);
        entry->deferred = urgency != CHANGE_NONE;
        if (urgency == CHANGE_FIRST || (entry->deferred && !add(turns, entry->id)))
            return false;
        if (entry->deferred)
            arm_if_earlier(turns, wait_of(turns, entry->session, urgency));
    }
    return true;
}

/* ---- the commit ---- */

void turn_deferred_join(struct turns *turns)
{
    if (turns->store_pause != 0)
        return;
    for (struct deferred_session *one = turns->deferred; one != NULL; one = one->hh.next) {
        unsigned taking_part = HASH_COUNT(turns->sessions);
        struct turn_session *joined = turn_batch_session(turns, one->id);
        if (joined != NULL)
            joined->joined = HASH_COUNT(turns->sessions) > taking_part;
    }
}

void turn_deferred_written(struct turns *turns)
{
    for (struct turn_session *entry = turns->sessions; entry != NULL; entry = entry->hh.next) {
        struct deferred_session *deferred = find(turns, entry->id);
        entry->deferred = false;
        if (deferred != NULL)
            drop(turns, deferred);
    }
    if (turns->deferred == NULL) {
        event_del(turns->deferred_timer);
        turns->planned_by = 0;
    } else {
        arm_if_earlier(turns, LATER);
    }
}

void turn_deferred_retry(struct turns *turns)
{
    if (turns->deferred != NULL)
        arm_if_earlier(turns, LATER);
}

void turn_deferred_clear(struct turns *turns)
{
    struct deferred_session *deferred, *next;
    HASH_ITER(hh, turns->deferred, deferred, next)
    {
        drop(turns, deferred);
    }
}
