/* How sessions begin and end in a turn: made, brought in from a text, forgotten. */
#include "config.h"

#include "base/clock.h"
#include "daemon/turn_parts.h"

#include <string.h>

#include "daemon/request.h"
#include "state/export.h"
#include "state/store.h"

/* ---- made ---- */

static enum turn_code run_create(struct turns *turns, struct request *request)
{
    request->answer.session = request->created;
    enum kv_status status = store_put_session(turns->txn, request->created, NULL);
    return status == KV_TAKEN ? TURN_NAME_TAKEN : TURN_DONE;
}

/* The session is consumed; NULL: there was no memory for it. */
static bool submit_new(struct turns *turns, struct session *session,
                       enum turn_code (*run)(struct turns *, struct request *), turn_done done,
                       void *arg)
{
    struct request *request = session == NULL ? NULL : request_new(session->id);
    if (request == NULL) {
        session_free(session);
        return false;
    }
    request->created = session;
    request->run = run;
    turn_submit(turns, request, done, arg);
    return true;
}

bool turn_create(struct turns *turns, const struct session_options *options, turn_done done,
                 void *arg)
{
    struct session_context context = turn_context(turns, NULL);
    return submit_new(turns, session_new(options, &context), run_create, done, arg);
}

/* ---- brought in ---- */

static const enum turn_code import_codes[EXPORT_FAULTS] = {
    [EXPORT_OK] = TURN_DONE,
    [EXPORT_IMPORTED] = TURN_IMPORTED,
    [EXPORT_EXPIRED] = TURN_EXPIRED,
};

static enum turn_code judge(struct turns *turns, const struct session *session,
                            const struct touched *stored)
{
    uint32_t imported = 0;
    store_get_import(turns->txn, session->id, &imported);
    enum export_fault fault =
        export_judge(session, stored == NULL ? NULL : stored->session, imported, clock_now());
    if (fault == EXPORT_OK && turn_name_taken(turns, session->name, session->id))
        return TURN_NAME_TAKEN;
    return import_codes[fault];
}

/* Where one that was handed over here comes back, it takes the place of what stayed behind. */
static enum turn_code run_import(struct turns *turns, struct request *request)
{
    struct session *session = request->created;
    struct touched *stored = turn_touch(turns, session->id);
    struct session_context context = turn_context(turns, session->relay);
    enum turn_code code = judge(turns, session, stored);
    if (code != TURN_DONE)
        return code;
    if (stored != NULL) {
        store_delete_session(turns->txn, session->id);
        stored->deleted = true;
    }
    session_resume(session, &context);
    request->answer.session = session;
    store_put_session(turns->txn, session, NULL);
    store_put_import(turns->txn, session->id, session->exports, session_deadline(session),
                     context.now);
    return TURN_DONE;
}

bool turn_import(struct turns *turns, struct session *session, turn_done done, void *arg)
{
    return submit_new(turns, session, run_import, done, arg);
}

/* ---- forgotten ---- */

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

static enum turn_code run_forget(struct turns *turns, struct request *request)
{
    struct touched *touched = turn_touch(turns, request->id);
    enum turn_code code =
        touched == NULL ? TURN_NOT_FOUND : may_forget(touched->session, request->forgetting);
    if (code != TURN_DONE)
        return code;
    store_delete_session(turns->txn, request->id);
    touched->deleted = true;
    return TURN_DONE;
}

bool turn_forget(struct turns *turns, const uint8_t id[SESSION_ID_BYTES],
                 enum turn_forgetting which, turn_done done, void *arg)
{
    struct request *request = request_new(id);
    if (request == NULL)
        return false;
    request->run = run_forget;
    request->forgetting = which;
    turn_submit(turns, request, done, arg);
    return true;
}
