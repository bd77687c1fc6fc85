/* rename, close, forget, poll: what is to become of a session. */
#include "config.h"

#include "daemon/rpc.h"

#include "daemon/turn.h"

/* close and poll differ in nothing but the event. */
static void ask(struct ipc_call *call, const struct ipc_params *params, enum event_type type)
{
    struct session_event event = {.type = type};
    if (rpc_find(call, params->session) &&
        !turn_event(call->rpc->turns, call->session, &event, rpc_view_done, call))
        rpc_refuse_memory(call);
}

void rpc_close(struct ipc_call *call, const struct ipc_params *params)
{
    ask(call, params, EVENT_CLOSE);
}

void rpc_poll(struct ipc_call *call, const struct ipc_params *params)
{
    ask(call, params, EVENT_POLL);
}

void rpc_rename(struct ipc_call *call, const struct ipc_params *params)
{
    if (rpc_find(call, params->session) &&
        !turn_rename(call->rpc->turns, call->session, params->name, rpc_view_done, call))
        rpc_refuse_memory(call);
}

static void on_forgotten(void *arg, const struct turn_answer *answer)
{
    struct ipc_call *call = arg;
    if (!rpc_turn_ok(call, answer))
        return;
    struct writer writer;
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    rpc_write_session(call, &writer);
    writer_end(&writer);
    ipc_call_answer(call, &writer);
}

void rpc_forget(struct ipc_call *call, const struct ipc_params *params)
{
    enum turn_forgetting which = params->force ? TURN_FORGET_ANY : TURN_FORGET_ENDED;
    if (rpc_find(call, params->session) &&
        !turn_forget(call->rpc->turns, call->session, which, on_forgotten, call))
        rpc_refuse_memory(call);
}
