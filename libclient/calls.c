/* The synchronous calls that give a view: a function for each method. */
#include "config.h"

#include "ipc/methods.h"
#include "libclient/sync.h"

static void add_text(struct wormclient_params *params, const char *key, const char *value)
{
    if (value != NULL)
        wormclient_params_text(params, key, value);
}

static void add_number(struct wormclient_params *params, const char *key, int64_t value)
{
    if (value != 0)
        wormclient_params_number(params, key, value);
}

static void add_flag(struct wormclient_params *params, const char *key, bool value)
{
    if (value)
        wormclient_params_flag(params, key, true);
}

/* What invite and accept have in common. */
static struct wormclient_params *session_params(const struct wormclient_options *options,
                                                const char *code)
{
    struct wormclient_params *params = wormclient_params_new();
    add_text(params, "code", code);
    add_text(params, "name", options->name);
    add_text(params, "appid", options->appid);
    add_text(params, "relay", options->relay);
    add_text(params, "schedule", options->schedule);
    add_number(params, "timeout", options->timeout);
    add_text(params, "app_versions", options->app_versions);
    add_flag(params, "verify", options->verify);
    add_number(params, "inbox_messages", options->inbox_messages);
    add_number(params, "inbox_bytes", options->inbox_bytes);
    return params;
}

struct wormclient_session *wormclient_invite(struct wormclient *client,
                                             const struct wormclient_options *options,
                                             struct wormclient_error *ret_error)
{
    static const struct wormclient_options defaults = {0};
    if (options == NULL)
        options = &defaults;
    struct wormclient_params *params = session_params(options, options->code);
    add_number(params, "words", options->words);
    return sync_call_session(client, methods_name(METHOD_INVITE), params, SYNC_NEVER, ret_error);
}

struct wormclient_session *wormclient_accept(struct wormclient *client, const char *code,
                                             const struct wormclient_options *options,
                                             struct wormclient_error *ret_error)
{
    static const struct wormclient_options defaults = {0};
    struct wormclient_params *params = session_params(options == NULL ? &defaults : options, code);
    return sync_call_session(client, methods_name(METHOD_ACCEPT), params, SYNC_NEVER, ret_error);
}

static struct wormclient_session *call_about(struct wormclient *client, enum ipc_method method,
                                             const char *session,
                                             struct wormclient_error *ret_error)
{
    return sync_call_session(client, methods_name(method), sync_params(session), SYNC_NEVER,
                             ret_error);
}

struct wormclient_session *wormclient_show(struct wormclient *client, const char *session,
                                           struct wormclient_error *ret_error)
{
    return call_about(client, METHOD_SHOW, session, ret_error);
}

struct wormclient_session *wormclient_close(struct wormclient *client, const char *session,
                                            struct wormclient_error *ret_error)
{
    return call_about(client, METHOD_CLOSE, session, ret_error);
}

struct wormclient_session *wormclient_poll(struct wormclient *client, const char *session,
                                           struct wormclient_error *ret_error)
{
    return call_about(client, METHOD_POLL, session, ret_error);
}

struct wormclient_session *wormclient_ack(struct wormclient *client, const char *session,
                                          uint32_t number, struct wormclient_error *ret_error)
{
    struct wormclient_params *params = sync_params(session);
    wormclient_params_number(params, "number", number);
    return sync_call_session(client, methods_name(METHOD_ACK), params, SYNC_NEVER, ret_error);
}

struct wormclient_session *wormclient_rename(struct wormclient *client, const char *session,
                                             const char *name, struct wormclient_error *ret_error)
{
    struct wormclient_params *params = sync_params(session);
    wormclient_params_text(params, "name", name);
    return sync_call_session(client, methods_name(METHOD_RENAME), params, SYNC_NEVER, ret_error);
}

struct wormclient_session *wormclient_verify(struct wormclient *client, const char *session,
                                             bool agree, struct wormclient_error *ret_error)
{
    struct wormclient_params *params = sync_params(session);
    wormclient_params_flag(params, "ok", agree);
    return sync_call_session(client, methods_name(METHOD_VERIFY), params, SYNC_NEVER, ret_error);
}

bool wormclient_forget(struct wormclient *client, const char *session, bool force,
                       struct wormclient_error *ret_error)
{
    struct wormclient_params *params = sync_params(session);
    wormclient_params_flag(params, "force", force);
    return sync_call(client, methods_name(METHOD_FORGET), params, sync_take_nothing, NULL,
                     SYNC_NEVER, ret_error);
}
