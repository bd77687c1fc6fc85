/* Requests, their parameters, and what comes back: responses and notifications. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/message.h"
#include "libclient/client.h"

/* ---- parameters ---- */

/* What wormclient_params_new returns when out of memory: it records that failure, as any others do
 * that fail later. Never written to. */
static struct wormclient_params out_of_memory = {.writer = {.failed = true}};

struct wormclient_params *wormclient_params_new(void)
{
    struct wormclient_params *params = malloc(sizeof(*params));
    if (params == NULL)
        return &out_of_memory;
    writer_init(&params->writer);
    writer_map(&params->writer, NULL);
    return params;
}

struct wormclient_params *wormclient__about(const char *session)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_text(params, "session", session);
    return params;
}

void wormclient_params_text(struct wormclient_params *params, const char *key, const char *value)
{
    if (!params->writer.failed)
        writer_text(&params->writer, key, value);
}

void wormclient_params_data(struct wormclient_params *params, const char *key, const void *data,
                            size_t length)
{
    if (!params->writer.failed)
        writer_data(&params->writer, key, data, length);
}

void wormclient_params_number(struct wormclient_params *params, const char *key, int64_t value)
{
    if (!params->writer.failed)
        writer_number(&params->writer, key, value);
}

void wormclient_params_flag(struct wormclient_params *params, const char *key, bool value)
{
    if (!params->writer.failed)
        writer_flag(&params->writer, key, value);
}

void wormclient_params_free(struct wormclient_params *params)
{
    if (params == NULL || params == &out_of_memory)
        return;
    writer_free(&params->writer);
    free(params);
}

/* ---- requests ---- */

/* Consumes `request`. Its two parts are queued separately, so that large parameters are copied only
 * once. */
static bool queue(struct wormclient *client, struct wormclient__request *request,
                  const struct buffer *shell, const struct buffer *map,
                  struct wormclient_error *ret_error)
{
    struct buffer *out = &client->out;
    size_t size = shell->size + map->size;
    if (size > FRAME_BYTES_MAX) {
        free(request);
        wormclient__error(ret_error, WORMCLIENT_ERROR_TOO_LARGE, 0,
                          "a request of %zu bytes is over the limit of %zu", size, FRAME_BYTES_MAX);
        return false;
    }
    /* Drop what was sent, so that it is not moved along with each request queued after it. */
    if (request != NULL && client->out_sent >= out->size / 2) {
        buffer_consume(out, client->out_sent);
        client->out_sent = 0;
    }
    if (request == NULL || !buffer_reserve(out, size) ||
        !buffer_append(out, shell->data, shell->size) ||
        !buffer_append(out, map->data, map->size)) {
        free(request);
        return wormclient__error_memory(ret_error);
    }
    STAILQ_INSERT_TAIL(&client->requests, request, link);
    return true;
}

bool wormclient__request(struct wormclient *client, const char *method,
                         struct wormclient_params *params, wormclient__deliver deliver,
                         wormclient__function callback, void *arg,
                         struct wormclient_error *ret_error)
{
    bool queued = false;
    if (params == NULL)
        params = wormclient_params_new();
    if (client->fd < 0) {
        wormclient_error_copy(ret_error, &client->failure);
        wormclient_params_free(params);
        return false;
    }
    if (++client->last_id == 0) /* reserved for the daemon's errors that are about no request */
        client->last_id = 1;
    struct writer shell;
    uint32_t id = client->last_id;
    writer_init(&shell);
    message_begin_request(&shell, id, method);
    if (!params->writer.failed)
        writer_end(&params->writer);
    if (writer_ok(&params->writer) && writer_ok(&shell)) {
        struct wormclient__request *request = malloc(sizeof(*request));
        if (request != NULL)
            *request = (struct wormclient__request){
                .id = id, .deliver = deliver, .callback = callback, .arg = arg};
        queued = queue(client, request, &shell.buffer, &params->writer.buffer, ret_error);
    } else {
        wormclient__error_memory(ret_error);
    }
    writer_free(&shell);
    wormclient_params_free(params);
    return queued;
}

bool wormclient_request(struct wormclient *client, const char *method,
                        struct wormclient_params *params, wormclient_callback callback, void *arg,
                        struct wormclient_error *ret_error)
{
    return wormclient__request(client, method, params, wormclient__deliver_value,
                               (wormclient__function)callback, arg, ret_error);
}

void wormclient__abandon(struct wormclient *client, wormclient__function callback, const void *arg)
{
    struct wormclient__request *request;
    STAILQ_FOREACH(request, &client->requests, link)
    {
        if (request->callback == callback && request->arg == arg)
            request->callback = NULL;
    }
}

/* ---- what comes back ---- */

static void refuse(struct wormclient *client, const char *what)
{
    wormclient__fail_with(client, WORMCLIENT_ERROR_PROTOCOL, 0,
                          "this is no wormholed, or a broken one: %s", what);
}

static struct wormclient__request *take_request(struct wormclient *client, uint32_t id)
{
    struct wormclient__request *request;
    STAILQ_FOREACH(request, &client->requests, link)
    {
        if (request->id == id)
            break;
    }
    if (request != NULL)
        STAILQ_REMOVE(&client->requests, request, wormclient__request, link);
    return request;
}

/* An error with id 0, which none of our requests has, is about the connection. */
static void on_response(struct wormclient *client, const struct message *message)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient__request *request = take_request(client, message->id);
    if (message->error != NULL)
        wormclient__error_from(&error, message->error);
    if (request == NULL && message->id == 0 && message->error != NULL)
        wormclient__fail(client, &error);
    else if (request == NULL)
        refuse(client, "it answered a request that was not made");
    else if (request->callback != NULL)
        request->deliver(client, message->error != NULL ? &error : NULL,
                         wormclient__value(message->result), request->callback, request->arg);
    free(request);
}

void wormclient_on_notification(struct wormclient *client,
                                wormclient_notification_callback callback, void *arg)
{
    client->on_notification = callback;
    client->on_notification_arg = arg;
}

/* Others come from a daemon that is newer than this library. */
static void on_notification(struct wormclient *client, const struct message *message)
{
    const struct wormclient_value *params = wormclient__value(message->params);
    if (client->on_notification != NULL)
        client->on_notification(client, message->method, params, client->on_notification_arg);
    if (strcmp(message->method, METHODS_CHANGED) != 0)
        return;
    int64_t change = wormclient_value_number(params, "change", -1);
    const char *session = wormclient_value_text(params, "session");
    enum wormclient_type type = wormclient_value_type(wormclient_value_get(params, "session"));
    if (change < 0 || (session == NULL && type != WORMCLIENT_TYPE_NIL))
        refuse(client, "its notification of a change cannot be read");
    else
        wormclient__changed(client, (uint64_t)change, session);
}

static void on_request(struct wormclient *client, const struct message *message)
{
    (void)message;
    refuse(client, "it sent a request to its client");
}

static void (*const handlers[])(struct wormclient *client, const struct message *message) = {
    [MESSAGE_REQUEST] = on_request,
    [MESSAGE_RESPONSE] = on_response,
    [MESSAGE_NOTIFICATION] = on_notification,
};

static void dispatch(struct wormclient *client, uint8_t *data, size_t size)
{
    struct message message;
    switch (message_decode(data, size, &message)) {
    case MESSAGE_OK:
        handlers[message.kind](client, &message);
        message_free(&message);
        break;
    case MESSAGE_MEMORY:
        wormclient__fail_with(client, WORMCLIENT_ERROR_LOST, ENOMEM,
                              "out of memory for the daemon's answer");
        break;
    case MESSAGE_BAD:
        refuse(client, "it does not speak MessagePack-RPC");
    }
}

void wormclient__dispatch(struct wormclient *client)
{
    uint8_t *data;
    size_t size;
    enum frame_result result = FRAME_PARTIAL;
    /* A callback may have failed or freed the client, which shows in its descriptor. */
    while (client->fd >= 0 && (result = frame_next(&client->in, &data, &size)) == FRAME_WHOLE)
        dispatch(client, data, size);
    if (client->fd >= 0 && result == FRAME_BAD)
        refuse(client, "it does not speak MessagePack");
    else if (client->fd >= 0 && result == FRAME_TOO_LARGE)
        refuse(client, "its message is over the limits");
}
