#include "config.h"

#include "daemon/active.h"

#include <event2/event.h>
#include <stdlib.h>
/* Out of memory is an answer, not the end. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/clock.h"
#include "base/timer.h"

struct entry {
    uint8_t id[SESSION_ID_BYTES];
    struct session *session;
    struct event *alarm;
    struct active *active;
    bool held;
    UT_hash_handle hh;
};

struct active {
    struct event_base *base;
    active_alarm alarm;
    void *arg;
    struct entry *entries;
    unsigned held;
};

struct active *active_new(struct event_base *base, active_alarm alarm, void *arg)
{
    struct active *active = calloc(1, sizeof(*active));
    if (active == NULL)
        return NULL;
    active->base = base;
    active->alarm = alarm;
    active->arg = arg;
    return active;
}

static void free_entry(struct entry *entry)
{
    struct active *active = entry->active;
    active->held -= entry->held;
    HASH_DEL(active->entries, entry);
    event_free(entry->alarm);
    free(entry);
}

void active_free(struct active *active)
{
    struct entry *entry, *next;
    if (active == NULL)
        return;
    HASH_ITER(hh, active->entries, entry, next)
    {
        session_free(entry->session);
        free_entry(entry);
    }
    free(active);
}

static struct entry *find(struct active *active, const uint8_t *id)
{
    struct entry *entry;
    HASH_FIND(hh, active->entries, id, SESSION_ID_BYTES, entry);
    return entry;
}

struct session *active_find(struct active *active, const uint8_t id[SESSION_ID_BYTES])
{
    struct entry *entry = find(active, id);
    return entry == NULL ? NULL : entry->session;
}

/* The alarm may ring early (clock.h): then it is armed again; but not if it is so far away that the
 * clock must have been set back. */
static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
    struct entry *entry = arg;
    int64_t when = session_alarm(entry->session);
    (void)fd;
    (void)what;
    int64_t now = clock_now();
    if (now < when && when <= now + SESSION_ALARM_MAX)
        timer_arm(entry->alarm, when);
    else
        entry->active->alarm(entry->active->arg, entry->id);
}

static struct entry *add(struct active *active, struct session *session)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL || (entry->alarm = evtimer_new(active->base, on_alarm, entry)) == NULL) {
        free(entry);
        return NULL;
    }
    memcpy(entry->id, session->id, sizeof(entry->id));
    entry->session = session;
    entry->active = active;
    HASH_ADD(hh, active->entries, id, SESSION_ID_BYTES, entry);
    if (entry->hh.tbl != NULL)
        return entry;
    event_free(entry->alarm);
    free(entry);
    return NULL;
}

bool active_keep(struct active *active, struct session *session)
{
    struct entry *entry = find(active, session->id);
    if (entry == NULL && (entry = add(active, session)) == NULL)
        return false;
    bool held = session_connection(session) == CONNECTION_HELD;
    active->held += held;
    active->held -= entry->held;
    entry->held = held;
    timer_arm(entry->alarm, session_alarm(session));
    return true;
}

void active_remove(struct active *active, const struct session *session)
{
    struct entry *entry = find(active, session->id);
    if (entry != NULL)
        free_entry(entry);
}

void active_count(const struct active *active, unsigned *ret_active, unsigned *ret_held)
{
    *ret_active = HASH_COUNT(active->entries);
    *ret_held = active->held;
}
