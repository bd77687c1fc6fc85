/* The synchronous calls: a function for each method. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/methods.h"
#include "libclient/error.h"
#include "libclient/sync.h"

static bool refuse_answer(struct wormclient_error *ret_error)
{
    error_set(ret_error, WORMCLIENT_PROTOCOL, 0, "the daemon's answer cannot be understood");
    return false;
}

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

static struct wormclient_session *call_about(struct wormclient *client, enum method method,
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

bool wormclient_forget(struct wormclient *client, const char *session, bool force,
                       struct wormclient_error *ret_error)
{
    struct wormclient_params *params = sync_params(session);
    wormclient_params_flag(params, "force", force);
    return sync_call(client, methods_name(METHOD_FORGET), params, sync_take_nothing, NULL,
                     SYNC_NEVER, ret_error);
}

/* ---- messages ---- */

static bool take_number(const struct wormclient_value *result, void *into,
                        struct wormclient_error *ret_error)
{
    uint32_t *ret_number = into;
    int64_t number = wormclient_value_number(result, "number", -1);
    if (number < 0 || number > UINT32_MAX)
        return refuse_answer(ret_error);
    *ret_number = (uint32_t)number;
    return true;
}

bool wormclient_send(struct wormclient *client, const char *session, const void *data,
                     size_t length, uint32_t *ret_number, struct wormclient_error *ret_error)
{
    if (length > WORMCLIENT_MESSAGE_MAX) {
        error_set(ret_error, WORMCLIENT_TOO_LARGE, 0,
                  "a message of %zu bytes is over the limit of %zu", length,
                  WORMCLIENT_MESSAGE_MAX);
        return false;
    }
    struct wormclient_params *params = sync_params(session);
    wormclient_params_data(params, "data", data, length);
    uint32_t number = 0;
    if (!sync_call(client, methods_name(METHOD_SEND), params, take_number, &number, SYNC_NEVER,
                   ret_error))
        return false;
    if (ret_number != NULL)
        *ret_number = number;
    return true;
}

struct received {
    uint32_t number;
    void *data; /* new; NULL if there is no message */
    size_t length;
};

static bool take_received(const struct wormclient_value *result, void *into,
                          struct wormclient_error *ret_error)
{
    struct received *received = into;
    if (wormclient_value_get(result, "data") == NULL)
        return refuse_answer(ret_error);
    const void *data = wormclient_value_data(result, "data", &received->length);
    if (data == NULL)
        return true;
    if (!take_number(result, &received->number, ret_error))
        return false;
    received->data = malloc(received->length > 0 ? received->length : 1);
    if (received->data == NULL) {
        error_set_memory(ret_error);
        return false;
    }
    memcpy(received->data, data, received->length);
    return true;
}

bool wormclient_recv(struct wormclient *client, const char *session, uint32_t from,
                     uint32_t *ret_number, void **ret_data, size_t *ret_length,
                     struct wormclient_error *ret_error)
{
    struct wormclient_params *params = sync_params(session);
    wormclient_params_number(params, "from", from);
    struct received received = {0};
    if (!sync_call(client, methods_name(METHOD_RECV), params, take_received, &received, SYNC_NEVER,
                   ret_error))
        return false;
    *ret_number = received.number;
    *ret_data = received.data;
    *ret_length = received.length;
    return true;
}
