/* invite, accept, rename, close, forget, poll, export, import: how a session begins, what it can be
 * told, and how it ends. */
#include "config.h"

#include "daemon/rpc.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/relay_list.h"
#include "daemon/settings.h"
#include "daemon/turn.h"
#include "daemon/validate.h"
#include "state/export.h"
#include "wormhole/code.h"
#include "wormhole/schedule.h"

/* ---- invite, accept ---- */

/* A code that waits for days can be guessed at for days. */
#define WORDS_AT_LEISURE (CODE_WORDS_DEFAULT + 1)

static uint32_t default_words(const struct schedule *schedule)
{
    char text[SCHEDULE_TEXT_MAX];
    schedule_format(schedule, text);
    return strcmp(text, "realtime") == 0 ? CODE_WORDS_DEFAULT : WORDS_AT_LEISURE;
}

/* Those of the setting `relays` that are not `relay`. */
static void more_relays(const struct settings *settings, char ret_more[RELAY_LIST_SIZE])
{
    char *at = ret_more;
    unsigned count = 0;
    *at = '\0';
    for (const char *url = settings->relays; url != NULL && *url != '\0';) {
        size_t length = strcspn(url, " ");
        bool first =
            length == strlen(settings->relay) && strncmp(url, settings->relay, length) == 0;
        if (!first && count < SESSION_ROUTES_MAX - 1)
            at += sprintf(at, "%s%.*s", count++ > 0 ? " " : "", (int)length, url);
        url += length + strspn(url + length, " ");
    }
}

/* Fills in what the request left out: the application's defaults, or the general ones. */
static void fill_in(const struct rpc *rpc, const struct ipc_params *params,
                    struct session_options *options, struct schedule *schedule,
                    char ret_more[RELAY_LIST_SIZE])
{
    *ret_more = '\0';
    if (options->appid == NULL)
        options->appid = RPC_DEFAULT_APPID;
    const struct settings_appid *usual = settings_for_appid(rpc->settings, options->appid);
    const char *text = params->schedule != NULL ? params->schedule : usual->schedule;
    schedule_parse(text != NULL ? text : "email", schedule); /* both have been checked */
    options->schedule = schedule;
    if (options->relay == NULL && options->more_relays == NULL && usual->relay == NULL)
        more_relays(rpc->settings, ret_more);
    else if (options->more_relays != NULL)
        relay_list_read(options->more_relays, SESSION_ROUTES_MAX - 1, ret_more);
    options->more_relays = ret_more;
    if (options->relay == NULL)
        options->relay = rpc_default_relay(rpc, options->appid);
    if (options->timeout == 0)
        options->timeout = usual->timeout;
    if (options->expire == 0)
        options->expire = usual->expire;
    if (options->words == 0)
        options->words = usual->words > 0 ? usual->words : default_words(schedule);
    options->lasting = rpc->settings->lasting && !params->once;
}

static void create(struct ipc_call *call, const struct ipc_params *params, bool accepted)
{
    struct schedule schedule;
    struct session_options options = {
        .accepted = accepted,
#define OPTION(ID, key, type, min, max, fallback) .key = (__typeof__(options.key))params->key,
#include "ipc/methods.def"
    };
    char code[CODE_MAX + 1], more[RELAY_LIST_SIZE];
    enum code_fault fault = options.code != NULL ? code_read(options.code, code) : CODE_OK;
    if (fault != CODE_OK) {
        ipc_call_refuse(call, IPC_BAD_CODE, code_fault_text(fault));
    } else {
        if (options.code != NULL)
            options.code = code;
        fill_in(call->rpc, params, &options, &schedule, more);
        if (!turn_create(call->rpc->turns, &options, rpc_view_done, call))
            rpc_refuse_memory(call);
    }
    sodium_memzero(code, sizeof(code));
}

void rpc_invite(struct ipc_call *call, const struct ipc_params *params)
{
    create(call, params, false);
}

void rpc_accept(struct ipc_call *call, const struct ipc_params *params)
{
    create(call, params, true);
}

/* ---- rename, close, forget, poll ---- */

/* close and poll differ only in the event. */
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

void rpc_move(struct ipc_call *call, const struct ipc_params *params)
{
    char urls[RELAY_LIST_SIZE];
    struct session_event event = {.type = EVENT_MOVE, .text = urls};
    relay_list_read(params->relays, SESSION_ROUTES_MAX, urls); /* it has been checked */
    if (rpc_find(call, params->session) &&
        !turn_event(call->rpc->turns, call->session, &event, rpc_view_done, call))
        rpc_refuse_memory(call);
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

/* It is now durable that the session never runs here again; only now may its secrets leave. */
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

/* NULL: the session keeps its name. */
static bool set_name(struct session *session, const char *name)
{
    char *copy = name != NULL ? strdup(name) : NULL;
    if (name == NULL)
        return true;
    if (copy == NULL)
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
    if (session != NULL)
        import(call, session, params->name);
}
