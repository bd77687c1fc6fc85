/* The synchronous layer: poll(2) around the core. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "libclient/client.h"

int64_t wormclient__deadline(int64_t timeout)
{
    int64_t now = clock_monotonic();
    return timeout < 0 || timeout >= WORMCLIENT__NEVER - now ? WORMCLIENT__NEVER : now + timeout;
}

int wormclient__sooner(int timeout, int64_t deadline)
{
    if (deadline == WORMCLIENT__NEVER)
        return timeout;
    int64_t left = deadline - clock_monotonic();
    left = left < 0 ? 0 : left < INT_MAX ? left : INT_MAX;
    return timeout < 0 || left < timeout ? (int)left : timeout;
}

/* Sleeps until there is something to process, `timeout` ms have passed, or a signal came. */
static bool sleep_for(const struct wormclient *client, int timeout,
                      struct wormclient_error *ret_error)
{
    int interest = wormclient_interest(client);
    struct pollfd ready = {
        .fd = wormclient_fd(client),
        .events = (short)((interest & WORMCLIENT_WANT_READ ? POLLIN : 0) |
                          (interest & WORMCLIENT_WANT_WRITE ? POLLOUT : 0)),
    };
    int own = client->failed ? 0 : wormclient_timeout(client); /* nothing will ever come */
    if (poll(&ready, 1, own >= 0 && (timeout < 0 || own < timeout) ? own : timeout) >= 0 ||
        errno == EINTR)
        return true;
    wormclient__error(ret_error, WORMCLIENT_ERROR_MEMORY, errno, "cannot wait for the daemon: %s",
                      strerror(errno));
    return false;
}

bool wormclient_run_once(struct wormclient *client, int timeout, struct wormclient_error *ret_error)
{
    if (client->processing)
        return wormclient__error_callback(ret_error);
    return sleep_for(client, timeout, ret_error) && wormclient_process(client, ret_error);
}

bool wormclient__until(struct wormclient *client, wormclient__done done, const void *arg,
                       struct wormclient_error *ret_error)
{
    struct wormclient_error end = WORMCLIENT_ERROR_INIT;
    while (!done(client, arg)) {
        bool usable = wormclient_process(client, &end);
        /* A connection that ends may have brought the answer first. */
        if (done(client, arg))
            break;
        if (!usable) {
            wormclient_error_copy(ret_error, &end);
            return false;
        }
        if (!sleep_for(client, -1, ret_error))
            return false;
    }
    return true;
}

/* ---- a call ---- */

struct call {
    wormclient__take take;
    void *into;
    struct wormclient_error error; /* WORMCLIENT_ERROR_NONE if the result was taken */
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

bool wormclient__call(struct wormclient *client, const char *method,
                      struct wormclient_params *params, wormclient__take take, void *into,
                      struct wormclient_error *ret_error)
{
    struct call call = {.take = take, .into = into, .error = WORMCLIENT_ERROR_INIT};
    /* Nothing may be queued from inside a callback, where its answer cannot be waited for. */
    if (client->processing) {
        wormclient_params_free(params);
        return wormclient__error_callback(ret_error);
    }
    if (!wormclient_request(client, method, params, on_answer, &call, ret_error))
        return false;
    if (!wormclient__until(client, is_answered, &call, ret_error)) {
        wormclient__abandon(client, (wormclient__function)on_answer, &call);
        return false;
    }
    if (call.error.code != WORMCLIENT_ERROR_NONE)
        wormclient_error_copy(ret_error, &call.error);
    return call.error.code == WORMCLIENT_ERROR_NONE;
}

static bool take_copy(const struct wormclient_value *result, void *into,
                      struct wormclient_error *ret_error)
{
    struct wormclient_value **copy = into;
    *copy = wormclient__value_dup(result);
    return *copy != NULL || wormclient__error_memory(ret_error);
}

struct wormclient_value *wormclient_call(struct wormclient *client, const char *method,
                                         struct wormclient_params *params,
                                         struct wormclient_error *ret_error)
{
    struct wormclient_value *result = NULL;
    wormclient__call(client, method, params, take_copy, &result, ret_error);
    return result;
}

/* ---- waiting ---- */

/* Several waiters; the first that is told ends the wait. */
struct wait {
    struct wormclient_session *session;
    struct wormclient_error error;
    const struct wait_one *first; /* NULL until then */
};

struct wait_one {
    struct wait *wait;
    struct wormclient_waiter *waiter; /* NULL once it is gone */
};

static void on_waited(struct wormclient *client, const struct wormclient_error *error,
                      const struct wormclient_session *session, void *arg)
{
    struct wait_one *one = arg;
    struct wait *wait = one->wait;
    (void)client;
    one->waiter = NULL;
    if (wait->first != NULL)
        return;
    wait->first = one;
    if (error != NULL)
        wait->error = *error;
    else
        wait->session = wormclient_session_dup(session, &wait->error);
}

static bool is_waited(const struct wormclient *client, const void *arg)
{
    (void)client;
    return ((const struct wait *)arg)->first != NULL;
}

/* False if the wait could not be started or completed. */
static bool wait_for_first(struct wormclient *client, struct wait *wait, struct wait_one *ones,
                           const char *const *sessions, size_t count,
                           wormclient_condition condition, void *arg, int64_t timeout,
                           struct wormclient_error *ret_error)
{
    bool begun = true;
    for (size_t i = 0; i < count && begun; i++) {
        ones[i] = (struct wait_one){.wait = wait};
        ones[i].waiter = wormclient_wait_async(client, sessions[i], condition, arg, timeout,
                                               on_waited, &ones[i], ret_error);
        begun = ones[i].waiter != NULL;
    }
    bool done = begun && wormclient__until(client, is_waited, wait, ret_error);
    for (size_t i = 0; i < count; i++)
        if (ones[i].waiter != NULL)
            wormclient_waiter_cancel(ones[i].waiter);
    return done;
}

struct wormclient_session *wormclient_wait_any(struct wormclient *client,
                                               const char *const *sessions, size_t count,
                                               wormclient_condition condition, void *arg,
                                               int64_t timeout, size_t *ret_index,
                                               struct wormclient_error *ret_error)
{
    struct wait wait = {.error = WORMCLIENT_ERROR_INIT};
    if (client->processing) {
        wormclient__error_callback(ret_error);
        return NULL;
    }
    if (count == 0) {
        wormclient__error(ret_error, WORMCLIENT_ERROR_ARGUMENT, 0, "no session to wait for");
        return NULL;
    }
    struct wait_one *ones = calloc(count, sizeof(*ones));
    if (ones == NULL) {
        wormclient__error_memory(ret_error);
        return NULL;
    }
    if (wait_for_first(client, &wait, ones, sessions, count, condition, arg, timeout, ret_error)) {
        if (wait.session == NULL)
            wormclient_error_copy(ret_error, &wait.error);
        if (ret_index != NULL)
            *ret_index = (size_t)(wait.first - ones);
    }
    free(ones);
    return wait.session;
}

struct wormclient_session *wormclient_wait(struct wormclient *client, const char *session,
                                           wormclient_condition condition, void *arg,
                                           int64_t timeout, struct wormclient_error *ret_error)
{
    return wormclient_wait_any(client, &session, 1, condition, arg, timeout, NULL, ret_error);
}

struct wormclient_message *wormclient_recv_wait(struct wormclient *client, const char *session,
                                                uint32_t from, int64_t timeout,
                                                struct wormclient_error *ret_error)
{
    int64_t deadline = wormclient__deadline(timeout);
    struct wormclient_message *message = NULL;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    /* Repeats if somebody else acknowledged the message between the look and the call. */
    do {
        int64_t left = deadline - clock_monotonic();
        struct wormclient_session *view =
            wormclient_wait(client, session, wormclient_has_message, &from,
                            deadline == WORMCLIENT__NEVER ? -1
                            : left > 0                    ? left
                                                          : 0,
                            ret_error);
        if (view == NULL)
            return NULL;
        message = wormclient_recv(client, wormclient_session_id(view), from, &error);
        wormclient_session_free(view);
    } while (message == NULL && error.code == WORMCLIENT_ERROR_NO_MESSAGE);
    if (message == NULL)
        wormclient_error_copy(ret_error, &error);
    return message;
}
