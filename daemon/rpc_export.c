/* export and import: a session goes on in another daemon, or comes from one. */
#include "config.h"

#include "daemon/rpc.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/validate.h"
#include "daemon/turn.h"
#include "state/export.h"

/* ---- export ---- */

/* `text` NULL: nil. */
static void answer_export(struct ipc_call *call, const char *text)
{
    struct writer writer;
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    rpc_write_session(call, &writer);
    writer_text(&writer, "export", text);
    writer_end(&writer);
    ipc_call_answer(call, &writer);
}

/* It is durable now that the session never runs here again: only then its secrets may leave. */
static void on_exported(void *arg, const struct turn_answer *answer)
{
    struct ipc_call *call = arg;
    if (!rpc_turn_ok(call, answer))
        return;
    char *text;
    enum export_fault fault = export_write(answer->session, &text);
    if (fault != EXPORT_OK) {
        ipc_call_refuse(call, IPC_STORE_FAILED, export_fault_text(fault));
        return;
    }
    answer_export(call, text);
    export_free_text(text);
}

static void on_done(void *arg, const struct turn_answer *answer)
{
    struct ipc_call *call = arg;
    if (rpc_turn_ok(call, answer))
        answer_export(call, NULL);
}

void rpc_export(struct ipc_call *call, const struct ipc_params *params)
{
    struct session_event event = {.type = EVENT_EXPORT};
    struct turns *turns = call->rpc->turns;
    if (!rpc_find(call, params->session))
        return;
    if (!(params->done ? turn_forget(turns, call->session, TURN_FORGET_EXPORTED, on_done, call)
                       : turn_event(turns, call->session, &event, on_exported, call)))
        rpc_refuse_memory(call);
}

/* ---- import ---- */

/* NULL: the call has been refused. */
static struct session *read_session(struct ipc_call *call, const char *text)
{
    struct session *session;
    enum export_fault fault = export_read(text, strlen(text), &session);
    if (fault == EXPORT_OK)
        return session;
    if (fault == EXPORT_MEMORY)
        rpc_refuse_memory(call);
    else
        ipc_call_refuse(call, IPC_BAD_EXPORT, export_fault_text(fault));
    return NULL;
}

/* NULL: it keeps the one it has. */
static bool set_name(struct session *session, const char *name)
{
    char *copy = name ? strdup(name) : NULL;
    if (!name)
        return true;
    if (!copy)
        return false;
    free(session->name);
    session->name = copy;
    return true;
}

static void import(struct ipc_call *call, struct session *session, const char *name)
{
    if (!set_name(session, name)) {
        session_free(session);
        rpc_refuse_memory(call);
    } else if (!validate_session(session)) {
        session_free(session);
        ipc_call_refuse(call, IPC_BAD_EXPORT,
                        "the text was altered: its petname or relay cannot be");
    } else if (!turn_import(call->rpc->turns, session, rpc_view_done, call)) {
        rpc_refuse_memory(call);
    }
}

void rpc_import(struct ipc_call *call, const struct ipc_params *params)
{
    struct session *session = read_session(call, params->export);
    if (session)
        import(call, session, params->name);
}
