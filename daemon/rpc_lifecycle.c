/* rename, close, forget, poll: what is to become of a session. */
#include "config.h"

#include "daemon/rpc.h"

#include "daemon/call.h"
#include "daemon/validate.h"
#include "daemon/turn.h"

/* close and poll differ in nothing but the event. */
static void ask(struct call *call, struct fields *fields, enum event_type type)
{
    struct session_event event = {.type = type};
    const char *text = fields_text(fields, "session");
    if (!call_params_ok(call, fields) || !call_find(call, text))
        return;
    if (!turn_event(call->rpc->turns, call->session, &event, call_view_done, call))
        call_refuse_memory(call);
}

void rpc_close(struct call *call, struct fields *fields)
{
    ask(call, fields, EVENT_CLOSE);
}

void rpc_poll(struct call *call, struct fields *fields)
{
    ask(call, fields, EVENT_POLL);
}

void rpc_rename(struct call *call, struct fields *fields)
{
    const char *text = fields_text(fields, "session");
    const char *name = fields_text_or(fields, "name", NULL);
    if (!call_params_ok(call, fields) || !checks_name(call, name) || !call_find(call, text))
        return;
    if (!turn_rename(call->rpc->turns, call->session, name, call_view_done, call))
        call_refuse_memory(call);
}

static void on_forgotten(void *arg, const struct turn_answer *answer)
{
    struct call *call = arg;
    if (!call_turn_ok(call, answer))
        return;
    struct writer writer;
    call_begin(call, &writer);
    writer_map(&writer, NULL);
    call_write_session(call, &writer);
    writer_end(&writer);
    call_answer(call, &writer);
}

void rpc_forget(struct call *call, struct fields *fields)
{
    const char *text = fields_text(fields, "session");
    bool force = fields_flag_or(fields, "force", false);
    enum turn_forgetting which = force ? TURN_FORGET_ANY : TURN_FORGET_ENDED;
    if (!call_params_ok(call, fields) || !call_find(call, text))
        return;
    if (!turn_forget(call->rpc->turns, call->session, which, on_forgotten, call))
        call_refuse_memory(call);
}
