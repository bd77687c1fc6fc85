#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/message.h"
#include "ipc/methods.h"
#include "libclient/client.h"
#include "libclient/dispatch.h"
#include "libclient/error.h"
#include "libclient/value.h"

static void refuse(struct wormclient *client, const char *what)
{
    client_fail_with(client, WORMCLIENT_PROTOCOL, 0, "this is no wormholed, or a broken one: %s",
                     what);
}

static void answer(struct wormclient *client, const struct pending *pending,
                   const struct message *message)
{
    struct wormclient_error error;
    if (message->error != NULL)
        error_from_daemon(&error, message->error);
    if (pending->callback != NULL)
        pending->callback(client, message->error != NULL ? &error : NULL,
                          value_from(message->result), pending->arg);
}

/* An error with id 0, which no request of ours has, is about the connection. */
static void fail_as_told(struct wormclient *client, const struct message *message)
{
    struct wormclient_error error;
    error_from_daemon(&error, message->error);
    client_fail(client, &error);
}

static void on_response(struct wormclient *client, const struct message *message)
{
    struct pending *pending = pending_take(&client->pending, message->id);
    if (pending != NULL)
        answer(client, pending, message);
    else if (message->id == 0 && message->error != NULL)
        fail_as_told(client, message);
    else
        refuse(client, "it answered a request that was not made");
    free(pending);
}

/* Notifications of other names are those of a daemon newer than this library. */
static void on_notification(struct wormclient *client, const struct message *message)
{
    if (strcmp(message->method, METHODS_CHANGED) != 0)
        return;
    const struct wormclient_value *params = value_from(message->params);
    int64_t change = wormclient_value_number(params, "change", -1);
    const char *session = wormclient_value_text(params, "session");
    if (change < 0 || session == NULL) {
        refuse(client, "its notification of a change cannot be read");
        return;
    }
    client->changes++;
    if (client->changed != NULL)
        client->changed(client, (uint64_t)change, session, client->changed_arg);
}

static void on_request(struct wormclient *client, const struct message *message)
{
    (void)message;
    refuse(client, "it sent a request to its client");
}

static void (*const HANDLERS[])(struct wormclient *client, const struct message *message) = {
    [MESSAGE_REQUEST] = on_request,
    [MESSAGE_RESPONSE] = on_response,
    [MESSAGE_NOTIFICATION] = on_notification,
};

static void dispatch(struct wormclient *client, uint8_t *data, size_t size)
{
    struct message message;
    switch (message_decode(data, size, &message)) {
    case MESSAGE_OK:
        HANDLERS[message.kind](client, &message);
        message_free(&message);
        break;
    case MESSAGE_MEMORY:
        client_fail_with(client, WORMCLIENT_LOST, ENOMEM, "out of memory for the daemon's answer");
        break;
    case MESSAGE_BAD:
        refuse(client, "it does not speak MessagePack-RPC");
    }
}

void dispatch_all(struct wormclient *client)
{
    uint8_t *data;
    size_t size;
    enum frame_result result = FRAME_PARTIAL;
    /* A callback may have failed or freed the client: its descriptor tells. */
    while (client->fd >= 0 && (result = frame_next(&client->in, &data, &size)) == FRAME_WHOLE)
        dispatch(client, data, size);
    if (result == FRAME_BAD)
        refuse(client, "it does not speak MessagePack");
    else if (result == FRAME_TOO_LARGE)
        refuse(client, "its message is over the limits");
}
