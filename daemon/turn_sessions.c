/* The sessions that take part in a turn: from memory if they are on a visit, else from the store.
 */
#include "config.h"

#include "base/clock.h"
#include "daemon/turn_parts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/relays.h"
#include "state/store.h"

static struct touched *add_touched(struct turns *turns, struct session *session, bool active)
{
    struct touched *touched = calloc(1, sizeof(*touched));
    if (touched == NULL) {
        turns->no_memory = true;
        return NULL;
    }
    memcpy(touched->id, session->id, sizeof(touched->id));
    touched->session = session;
    touched->active = active;
    HASH_ADD(hh, turns->touched, id, SESSION_ID_BYTES, touched);
    if (touched->hh.tbl != NULL)
        return touched;
    turns->no_memory = true;
    free(touched);
    return NULL;
}

static struct touched *load(struct turns *turns, const uint8_t *id)
{
    struct session *session;
    if (store_get_session(turns->txn, id, &session) != KV_OK)
        return NULL;
    struct touched *touched = add_touched(turns, session, false);
    if (touched == NULL)
        session_free(session);
    return touched;
}

struct touched *turn_touch(struct turns *turns, const uint8_t id[SESSION_ID_BYTES])
{
    struct touched *touched;
    HASH_FIND(hh, turns->touched, id, SESSION_ID_BYTES, touched);
    if (touched != NULL)
        return touched->deleted ? NULL : touched;
    struct session *session = active_find(turns->active, id);
    return session != NULL ? add_touched(turns, session, true) : load(turns, id);
}

void turn_put(struct turns *turns, struct touched *touched)
{
    bool changed = false;
    store_put_session(turns->txn, touched->session, &changed);
    touched->changed |= changed;
}

void turn_leave_memory(struct turns *turns, struct touched *touched)
{
    if (touched->active)
        active_remove(turns->active, touched->session);
    session_free(touched->session);
}

void turn_forget_touched(struct turns *turns)
{
    struct touched *touched, *next;
    HASH_ITER(hh, turns->touched, touched, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL takes it out of the list */
        HASH_DEL(turns->touched, touched);
        free(touched);
    }
}

bool turn_name_taken(struct turns *turns, const char *name, const uint8_t id[SESSION_ID_BYTES])
{
    uint8_t found[SESSION_ID_BYTES];
    struct session *other;
    if (name == NULL || store_find(turns->txn, name, found) != KV_OK ||
        memcmp(found, id, SESSION_ID_BYTES) == 0 ||
        store_get_session(turns->txn, found, &other) != KV_OK)
        return false;
    /* It may have been found by its id. */
    bool taken = other->name != NULL && strcmp(other->name, name) == 0;
    session_free(other);
    return taken;
}

/* ---- what steps are told ---- */

static void draw_random(void *arg, void *buffer, size_t length)
{
    (void)arg;
    randombytes_buf(buffer, length);
}

struct session_context turn_context(struct turns *turns, const char *relay_url)
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
