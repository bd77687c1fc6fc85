/* Messages: the calls that send and receive them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/methods.h"
#include "libclient/error.h"
#include "libclient/sync.h"

static bool take_number(const struct wormclient_value *result, void *into,
                        struct wormclient_error *ret_error)
{
    uint32_t *ret_number = into;
    int64_t number = wormclient_value_number(result, "number", -1);
    if (number < 0 || number > UINT32_MAX)
        return error_bad_answer(ret_error);
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

/* ---- receiving ---- */

struct received {
    uint32_t number;
    char *data; /* new; NULL if there is no message */
    size_t length;
};

static bool take_received(const struct wormclient_value *result, void *into,
                          struct wormclient_error *ret_error)
{
    struct received *received = into;
    if (wormclient_value_get(result, "data") == NULL)
        return error_bad_answer(ret_error);
    const void *data = wormclient_value_data(result, "data", &received->length);
    if (data == NULL)
        return true;
    if (!take_number(result, &received->number, ret_error))
        return false;
    received->data = malloc(received->length + 1);
    if (received->data == NULL) {
        error_set_memory(ret_error);
        return false;
    }
    memcpy(received->data, data, received->length);
    received->data[received->length] = '\0';
    return true;
}

/* received->data stays NULL if there is none. */
static bool receive(struct wormclient *client, const char *session, uint32_t from,
                    struct received *received, struct wormclient_error *ret_error)
{
    struct wormclient_params *params = sync_params(session);
    wormclient_params_number(params, "from", from);
    return sync_call(client, methods_name(METHOD_RECV), params, take_received, received, SYNC_NEVER,
                     ret_error);
}

static void hand_over(const struct received *received, uint32_t *ret_number, void **ret_data,
                      size_t *ret_length)
{
    if (ret_number != NULL)
        *ret_number = received->number;
    *ret_data = received->data;
    *ret_length = received->length;
}

bool wormclient_recv(struct wormclient *client, const char *session, uint32_t from,
                     uint32_t *ret_number, void **ret_data, size_t *ret_length,
                     struct wormclient_error *ret_error)
{
    struct received received = {0};
    if (!receive(client, session, from, &received, ret_error))
        return false;
    hand_over(&received, ret_number, ret_data, ret_length);
    return true;
}

static bool wait_and_receive(struct wormclient *client, const char *session, uint32_t from,
                             int64_t deadline, struct received *received,
                             struct wormclient_error *ret_error)
{
    struct wormclient_session *view =
        sync_wait(client, session, wormclient_has_message, &from, deadline, ret_error);
    bool done =
        view != NULL && receive(client, wormclient_session_id(view), from, received, ret_error);
    wormclient_session_free(view);
    return done;
}

bool wormclient_recv_wait(struct wormclient *client, const char *session, uint32_t from,
                          int64_t timeout, uint32_t *ret_number, void **ret_data,
                          size_t *ret_length, struct wormclient_error *ret_error)
{
    int64_t deadline = sync_deadline(timeout);
    struct received received = {0};
    /* Again if somebody else acknowledged it between the look and the call. */
    while (received.data == NULL)
        if (!wait_and_receive(client, session, from, deadline, &received, ret_error))
            return false;
    hand_over(&received, ret_number, ret_data, ret_length);
    return true;
}
