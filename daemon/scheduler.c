#include "config.h"

#include "daemon/scheduler.h"

#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/timer.h"
#include "daemon/clock_setback.h"
#include "daemon/relays.h"
#include "daemon/turn.h"
#include "state/store.h"

/* Sessions woken by one scan: a large backlog is woken over several turns, between which clients
 * are served. */
#define WOKEN_MAX 64
/* Connections to one relay that may be opening at the same time: introductions cost it work, and it
 * may be far away. */
#define OPENING_MAX 64
/* When to look again if something that is due could not be read, ms. */
#define READ_AGAIN ((int64_t)1000)

struct scheduler {
    struct kv *store;
    struct turns *turns;
    struct relays *relays;
    struct event *timer;
    unsigned max_connections;
    struct clock_setback *setback;
};

/* One pass over what is due. */
struct due_scan {
    struct scheduler *scheduler;
    struct kv_txn *txn;
    struct store_due place;
    int64_t now;
    unsigned woken;
    bool unread;   /* something that is due could not be read or woken */
    unsigned room; /* connections that may still be opened */
};

/* Wakes the session, or postpones it while its relay is down, or has cost too much. */
static void wake_session(struct due_scan *scan, const struct session *session)
{
    struct session_event event = {.type = EVENT_WAKE};
    struct turns *turns = scan->scheduler->turns;
    if (session->state < SESSION_CLOSED) { /* nor handed over: it will visit its relay */
        const struct relay *relay = relays_find(scan->scheduler->relays, session_relay(session));
        int64_t ready =
            relay == NULL ? scan->now : relay_ready_at(relay, scan->now, randombytes_random());
        if (ready > scan->now)
            event = (struct session_event){
                .type = EVENT_POSTPONE, .until = ready, .text = relay_trouble(relay, scan->now)};
        else
            scan->room--;
    }
    scan->unread |= !turn_event(turns, session->id, &event, NULL, NULL);
    scan->woken++;
}

/* There may be a session, or several; they just cannot be read at the moment. */
static bool is_transient(enum kv_status status)
{
    return status == KV_MEMORY || status == KV_FAILED;
}

static void wake_unless_active(struct due_scan *scan)
{
    struct session *session;
    if (turn_active(scan->scheduler->turns, scan->place.id) != NULL)
        return;
    enum kv_status status = store_get_session(scan->txn, scan->place.id, &session);
    scan->unread |= is_transient(status);
    if (status != KV_OK)
        return;
    wake_session(scan, session);
    session_free(session);
}

/* Works through what is due. Returns when to look again; INT64_MAX: when told to. */
static int64_t scan_due(struct due_scan *scan)
{
    while (store_next_due(scan->txn, &scan->place) == KV_OK) {
        if (scan->place.wake > scan->now)
            return scan->place.wake;
        if (scan->room == 0)
            return INT64_MAX; /* the end of a visit will tell */
        if (scan->woken == WOKEN_MAX)
            return scan->now; /* after the turn that these lead to */
        wake_unless_active(scan);
    }
    return INT64_MAX;
}

static unsigned free_connections(const struct scheduler *scheduler)
{
    unsigned active, held;
    turn_count(scheduler->turns, &active, &held);
    unsigned room = active < scheduler->max_connections ? scheduler->max_connections - active : 0;
    unsigned opening = active - held;
    unsigned may_open = opening < OPENING_MAX ? OPENING_MAX - opening : 0;
    return room < may_open ? room : may_open;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct scheduler *scheduler = arg;
    int64_t now = clock_now();
    int64_t pause = turn_store_pause(scheduler->turns);
    (void)fd;
    (void)what;
    if (now < pause) {
        timer_arm(scheduler->timer, pause);
        return;
    }
    struct due_scan scan = {.scheduler = scheduler,
                            .txn = kv_read(scheduler->store),
                            .place = {.wake = INT64_MIN},
                            .now = now,
                            .room = free_connections(scheduler)};
    int64_t next = scan_due(&scan);
    if (clock_setback_look(scheduler->setback, scan.txn, now))
        next = now;
    if ((scan.unread || is_transient(kv_txn_status(scan.txn))) && next > now + READ_AGAIN)
        next = now + READ_AGAIN;
    kv_end(scan.txn);
    timer_arm(scheduler->timer, next);
}

struct scheduler *scheduler_new(struct event_base *base, struct kv *store, struct turns *turns,
                                struct relays *relays, unsigned max_connections)
{
    struct scheduler *scheduler = calloc(1, sizeof(*scheduler));
    if (scheduler == NULL)
        return NULL;
    *scheduler = (struct scheduler){
        .store = store, .turns = turns, .relays = relays, .max_connections = max_connections};
    scheduler->setback = clock_setback_new(turns);
    scheduler->timer = evtimer_new(base, on_timer, scheduler);
    if (scheduler->setback == NULL || scheduler->timer == NULL) {
        scheduler_free(scheduler);
        return NULL;
    }
    scheduler_look(scheduler);
    return scheduler;
}

void scheduler_free(struct scheduler *scheduler)
{
    if (scheduler == NULL)
        return;
    if (scheduler->timer != NULL)
        event_free(scheduler->timer);
    clock_setback_free(scheduler->setback);
    free(scheduler);
}

void scheduler_set_max(struct scheduler *scheduler, unsigned max_connections)
{
    scheduler->max_connections = max_connections;
    scheduler_look(scheduler);
}

void scheduler_look(struct scheduler *scheduler)
{
    timer_arm(scheduler->timer, 0);
}

/* For how long its relay may have put it off, though it need not any longer, ms. */
static int64_t put_off(const struct scheduler *scheduler, const struct session *session)
{
    const struct relay *relay = relays_find(scheduler->relays, session_relay(session));
    /* Those that wait for others to leave their mailbox go on waiting. */
    bool waits =
        session->state < SESSION_CLOSED && session->crowded == 0 && session->unexpected == 0;
    return waits && relay != NULL ? relay_put_off(relay) : 0;
}

void scheduler_hurry(struct scheduler *scheduler)
{
    int64_t most = relays_hurry_all(scheduler->relays);
    if (most == 0)
        return;
    const struct session_event now = {.type = EVENT_POSTPONE, .until = clock_now()};
    struct kv_txn *txn = kv_read(scheduler->store);
    struct store_due place = {.wake = INT64_MIN};
    while (store_next_due(txn, &place) == KV_OK && place.wake < now.until + most) {
        struct session *session;
        if (store_get_session(txn, place.id, &session) != KV_OK)
            continue;
        if (place.wake < now.until + put_off(scheduler, session))
            turn_event(scheduler->turns, place.id, &now, NULL, NULL);
        session_free(session);
    }
    kv_end(txn);
    scheduler_look(scheduler);
}
