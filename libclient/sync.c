#include "config.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "libclient/address.h"
#include "libclient/client.h"
#include "libclient/error.h"
#include "libclient/sync.h"
#include "libclient/value.h"

/* ---- poll(2) around the core ---- */

int64_t sync_deadline(int64_t timeout)
{
    int64_t now = clock_monotonic();
    return timeout < 0 || timeout >= SYNC_NEVER - now ? SYNC_NEVER : now + timeout;
}

static int poll_timeout(int64_t left)
{
    return left < INT_MAX ? (int)left : INT_MAX;
}

/* Sleeps until there is something to process, or the deadline, or a signal. */
static bool sleep_until(const struct wormclient *client, int64_t deadline,
                        struct wormclient_error *ret_error)
{
    int interest = wormclient_interest(client);
    struct pollfd ready = {
        .fd = wormclient_fd(client),
        .events = (short)((interest & WORMCLIENT_READ ? POLLIN : 0) |
                          (interest & WORMCLIENT_WRITE ? POLLOUT : 0)),
    };
    int64_t now = clock_monotonic();
    if (now >= deadline) {
        error_set(ret_error, WORMCLIENT_TIMEOUT, 0, "the time given ran out");
        return false;
    }
    int timeout = deadline == SYNC_NEVER ? -1 : poll_timeout(deadline - now);
    if (poll(&ready, 1, timeout) >= 0 || errno == EINTR)
        return true;
    error_set(ret_error, WORMCLIENT_MEMORY, errno, "cannot wait for the daemon: %s",
              strerror(errno));
    return false;
}

bool sync_until(struct wormclient *client, sync_done done, const void *arg, int64_t deadline,
                struct wormclient_error *ret_error)
{
    struct wormclient_error end;
    while (!done(client, arg)) {
        bool usable = wormclient_process(client, &end);
        /* A connection that ends may have brought the answer first. */
        if (done(client, arg))
            break;
        if (!usable) {
            error_copy(ret_error, &end);
            return false;
        }
        if (!sleep_until(client, deadline, ret_error))
            return false;
    }
    return true;
}

static bool is_greeted(const struct wormclient *client, const void *arg)
{
    (void)arg;
    return client->greeted;
}

struct wormclient *wormclient_connect(const char *path, struct wormclient_error *ret_error)
{
    int fd = address_connect(path, true, ret_error);
    struct wormclient *client = fd < 0 ? NULL : wormclient_adopt(fd, ret_error);
    if (client != NULL && !sync_until(client, is_greeted, NULL, SYNC_NEVER, ret_error)) {
        wormclient_free(client);
        client = NULL;
    }
    return client;
}

/* ---- a call ---- */

struct call {
    sync_take take;
    void *into;
    struct wormclient_error error; /* WORMCLIENT_OK if the result was taken */
    bool done;
};

static void on_answer(struct wormclient *client, const struct wormclient_error *error,
                      const struct wormclient_value *result, void *arg)
{
    (void)client;
    struct call *call = arg;
    call->done = true;
    if (error != NULL)
        call->error = *error;
    else
        call->take(result, call->into, &call->error);
}

static bool is_answered(const struct wormclient *client, const void *arg)
{
    (void)client;
    const struct call *call = arg;
    return call->done;
}

/* Nothing may be queued from inside a callback, where its answer cannot be waited for. */
static bool start_call(struct wormclient *client, const char *method,
                       struct wormclient_params *params, struct call *call,
                       struct wormclient_error *ret_error)
{
    if (!client->processing)
        return wormclient_request(client, method, params, on_answer, call, ret_error);
    wormclient_params_free(params);
    error_set(ret_error, WORMCLIENT_ARGUMENT, 0, "this cannot be called from a callback");
    return false;
}

bool sync_call(struct wormclient *client, const char *method, struct wormclient_params *params,
               sync_take take, void *into, int64_t deadline, struct wormclient_error *ret_error)
{
    struct call call = {.take = take, .into = into};
    if (!start_call(client, method, params, &call, ret_error))
        return false;
    if (!sync_until(client, is_answered, &call, deadline, ret_error)) {
        pending_abandon(&client->pending, &call);
        return false;
    }
    if (call.error.code != WORMCLIENT_OK)
        error_copy(ret_error, &call.error);
    return call.error.code == WORMCLIENT_OK;
}

bool sync_take_nothing(const struct wormclient_value *result, void *into,
                       struct wormclient_error *ret_error)
{
    (void)result;
    (void)into;
    (void)ret_error;
    return true;
}

static bool take_copy(const struct wormclient_value *result, void *into,
                      struct wormclient_error *ret_error)
{
    struct wormclient_value **copy = into;
    *copy = value_copy(result);
    if (*copy == NULL)
        error_set_memory(ret_error);
    return *copy != NULL;
}

static bool take_session(const struct wormclient_value *result, void *into,
                         struct wormclient_error *ret_error)
{
    struct wormclient_session **session = into;
    *session = wormclient_session_from(result, ret_error);
    return *session != NULL;
}

struct wormclient_value *wormclient_call(struct wormclient *client, const char *method,
                                         struct wormclient_params *params,
                                         struct wormclient_error *ret_error)
{
    struct wormclient_value *result = NULL;
    sync_call(client, method, params, take_copy, &result, SYNC_NEVER, ret_error);
    return result;
}

struct wormclient_session *sync_call_session(struct wormclient *client, const char *method,
                                             struct wormclient_params *params, int64_t deadline,
                                             struct wormclient_error *ret_error)
{
    struct wormclient_session *session = NULL;
    sync_call(client, method, params, take_session, &session, deadline, ret_error);
    return session;
}

struct wormclient_params *sync_params(const char *session)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_text(params, "session", session);
    return params;
}
