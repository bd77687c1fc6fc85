#include "config.h"

#include "base/worker.h"
#include "tests/simulation/machine.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/time.h>

#include "daemon/hashcash_worker.h"
#include "daemon/relays.h"
#include "daemon/scheduler.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/rendezvous.h"
#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"

#define MAX_CONNECTIONS 64
/* Mailboxes of lasting sessions are left behind after some messages. */
#define PLACE_BYTES 2000
#define KEEP        (10 * TIMELINE_DAY)
/* How long a machine stays down. */
#define DOWN_MAX (3 * TIMELINE_HOUR)
/* A crash "later" comes within so many ms: messages are under way then. */
#define LATER_MAX 200

struct machine_parts {
    struct event_base *base;
    struct relay_dialer routes;
    struct relays *relays;
    struct worker *hashcash_worker;
    struct turns *turns;
    struct scheduler *scheduler;
};

static void set_clock(const struct machine *machine)
{
    timeline_set_error(machine->clock_error + machine->clock_leap);
}

/* ---- the disk's moods ---- */

static void crash_now(void *arg)
{
    machine_crash(arg);
}

static enum disk_crash on_committing(void *arg)
{
    struct machine *machine = arg;
    enum disk_crash crash = DISK_NO_CRASH;
    if (chance_percent(machine->luck.crash_later))
        timeline_after(chance_spread(1, LATER_MAX), crash_now, machine);
    if (chance_percent(machine->luck.crash_before))
        crash = DISK_CRASH_BEFORE;
    else if (chance_percent(machine->luck.crash_after))
        crash = DISK_CRASH_AFTER;
    if (crash != DISK_NO_CRASH) {
        trace(machine->name, "crashes %s a commit",
              crash == DISK_CRASH_BEFORE ? "before" : "right after");
        machine->net.dead = true;
    }
    return crash;
}

static enum kv_status on_failing(void *arg)
{
    const struct machine *machine = arg;
    if (machine->net.dead)
        return KV_FAILED; /* what is being done is finished without effect */
    if (chance_percent(machine->luck.full))
        return KV_FULL;
    return chance_percent(machine->luck.broken) ? KV_FAILED : KV_OK;
}

static void on_committed(void *arg)
{
    struct machine *machine = arg;
    machine->committed(machine->arg);
}

/* ---- the daemon's parts, put together as daemon/daemon.c does ---- */

static void on_changed(void *arg, uint64_t change, const uint8_t id[SESSION_ID_BYTES])
{
    (void)arg;
    (void)change;
    (void)id;
}

static bool is_watched(void *arg, const uint8_t id[SESSION_ID_BYTES])
{
    (void)arg;
    (void)id;
    return chance_percent(50);
}

static bool is_attended(void *arg, const uint8_t id[SESSION_ID_BYTES])
{
    struct machine *machine = arg;
    (void)id;
    if (!chance_percent(machine->luck.attended))
        return false;
    machine->attended = timeline_now();
    return true;
}

static void on_due_changed(void *arg)
{
    struct machine *machine = arg;
    scheduler_look(machine->parts->scheduler);
}

/* Without a flush: a crash has no last words. */
static void stop(struct machine *machine)
{
    struct machine_parts *parts = machine->parts;
    machine->parts = NULL;
    scheduler_free(parts->scheduler);
    turns_free(parts->turns);
    worker_free(parts->hashcash_worker);
    relays_free(parts->relays);
    event_base_free(parts->base);
    free(parts);
}

void machine_start(struct machine *machine)
{
    const struct turn_observer observer = {.changed = on_changed,
                                           .due_changed = on_due_changed,
                                           .watched = is_watched,
                                           .attended = is_attended,
                                           .arg = machine};
    const struct turn_settings settings = {
        .keep = KEEP, .max_held = MAX_CONNECTIONS / 2, .place_bytes = PLACE_BYTES};
    struct machine_parts *parts;
    if (machine->parts != NULL && !machine->net.dead)
        return;
    if (machine->parts != NULL)
        stop(machine); /* it has crashed in its sleep */
    trace(machine->name, "starts");
    machine->clock_leap = 0; /* it would take that for its clock */
    set_clock(machine);
    parts = machine->parts = calloc(1, sizeof(*parts));
    machine->net.dead = false;
    parts->routes.net = &machine->net;
    parts->base = event_base_new();
    parts->relays = relays_new();
    parts->hashcash_worker = hashcash_worker_new(parts->base);
    parts->turns = turns_new(&(struct visits_parts){.base = parts->base,
                                                    .routes = &parts->routes,
                                                    .store = machine->disk,
                                                    .relays = parts->relays,
                                                    .hashcash_worker = parts->hashcash_worker},
                             &observer, &settings);
    parts->scheduler =
        scheduler_new(parts->base, machine->disk, parts->turns, parts->relays, MAX_CONNECTIONS);
}

static void start(void *arg)
{
    machine_start(arg);
}

void machine_begin(struct machine *machine, const char *name, struct rendezvous *relay)
{
    const struct disk_hooks hooks = {on_committing, on_failing, on_committed, machine};
    *machine = (struct machine){.name = name, .net = {.who = name, .relay = relay}};
    machine->disk = disk_new(&hooks);
}

void machine_end(struct machine *machine)
{
    machine->net.dead = true;
    if (machine->parts != NULL)
        stop(machine);
    disk_free(machine->disk);
}

void machine_crash(struct machine *machine)
{
    if (machine->parts != NULL && !machine->net.dead)
        trace(machine->name, "crashes");
    machine->net.dead = true;
}

void machine_suspend(struct machine *machine, int64_t ms)
{
    trace(machine->name, "is suspended for %lld s", (long long)(ms / TIMELINE_SECOND));
    machine->asleep_until = timeline_now() + ms;
}

struct turns *machine_turns(struct machine *machine)
{
    if (machine->parts == NULL || machine->net.dead || timeline_now() < machine->asleep_until)
        return NULL;
    set_clock(machine); /* whatever is asked of it happens by its clock */
    return machine->parts->turns;
}

/* ---- its event loop ---- */

void machine_work(struct machine *machine)
{
    if (machine->parts == NULL || timeline_now() < machine->asleep_until)
        return;
    set_clock(machine);
    while (!machine->net.dead && machine_next(machine) <= timeline_now())
        event_base_loop(machine->parts->base, EVLOOP_NONBLOCK);
    if (!machine->net.dead)
        return;
    stop(machine);
    timeline_after(chance_spread(1, DOWN_MAX), start, machine);
}

/* The earliest of libevent's timers. */
static int find_next(const struct event_base *base, const struct event *event, void *arg)
{
    int64_t *next = arg;
    struct timeval when, now;
    (void)base;
    if (event_pending(event, EV_TIMEOUT, &when)) {
        gettimeofday(&now, NULL);
        int64_t us = (when.tv_sec - now.tv_sec) * 1000000 + when.tv_usec - now.tv_usec;
        int64_t due = timeline_now() + (us <= 0 ? 0 : (us + 999) / 1000);
        if (due < *next)
            *next = due;
    }
    return 0;
}

int64_t machine_next(const struct machine *machine)
{
    int64_t next = INT64_MAX;
    if (machine->parts == NULL)
        return INT64_MAX;
    set_clock(machine);
    if (machine->net.dead ||
        event_base_get_num_events(machine->parts->base, EVENT_BASE_COUNT_ACTIVE) > 0)
        next = timeline_now();
    else
        event_base_foreach_event(machine->parts->base, find_next, &next);
    return next < machine->asleep_until ? machine->asleep_until : next;
}
