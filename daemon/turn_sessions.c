/* The sessions that take part in a turn: from memory if they are on a visit, else from the store.
 */
#include "config.h"

#include "daemon/turn_parts.h"

#include <stdlib.h>
#include <string.h>

#include "state/store.h"

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
        HASH_DEL(turns->touched, touched);
        free(touched);
    }
}
