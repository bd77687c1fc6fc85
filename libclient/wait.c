#include "config.h"

#include "base/clock.h"
#include "ipc/methods.h"
#include "libclient/client.h"
#include "libclient/error.h"
#include "libclient/sync.h"

/* A daemon that is alive answers within this time (ms). The caller's timeout is for what has to
 * happen to the session; a short one must not cut off the look that would tell that it has. */
#define LOOK_PATIENCE 5000

static int64_t deadline_of_look(int64_t deadline)
{
    int64_t patient = clock_monotonic() + LOOK_PATIENCE;
    return deadline > patient ? deadline : patient;
}

static bool has_changed(const struct wormclient *client, const void *arg)
{
    const uint64_t *seen = arg;
    return client->changes != *seen;
}

/* Looks once. *ret_seen is taken before: a change that comes with the view makes us look again. */
static struct wormclient_session *look(struct wormclient *client, const char *session,
                                       int64_t deadline, uint64_t *ret_seen,
                                       struct wormclient_error *ret_error)
{
    *ret_seen = client->changes;
    return sync_call_session(client, methods_name(METHOD_SHOW), sync_params(session),
                             deadline_of_look(deadline), ret_error);
}

static bool is_over(const struct wormclient_session *view)
{
    return wormclient_has_ended(view, NULL) == WORMCLIENT_REACHED;
}

/* The first view that settles it: the condition was reached, or never will be. */
static struct wormclient_session *wait_until_settled(struct wormclient *client, const char *session,
                                                     wormclient_condition condition, void *arg,
                                                     int64_t deadline,
                                                     enum wormclient_progress *ret_progress,
                                                     struct wormclient_error *ret_error)
{
    uint64_t seen;
    struct wormclient_session *view = look(client, session, deadline, &seen, ret_error);
    while (view != NULL && (*ret_progress = condition(view, arg)) == WORMCLIENT_PENDING &&
           !is_over(view)) {
        struct wormclient_session *before = view;
        view = NULL;
        /* By id from now on: another session may come to match what the caller wrote. */
        if (sync_until(client, has_changed, &seen, deadline, ret_error))
            view = look(client, wormclient_session_id(before), deadline, &seen, ret_error);
        wormclient_session_free(before);
    }
    return view;
}

static struct wormclient_session *in_vain(struct wormclient_session *view,
                                          struct wormclient_error *ret_error)
{
    if (wormclient_session_alive(view, ret_error))
        error_set(ret_error, WORMCLIENT_REFUSED, 0,
                  "what was waited for cannot come in this session");
    wormclient_session_free(view);
    return NULL;
}

struct wormclient_session *sync_wait(struct wormclient *client, const char *session,
                                     wormclient_condition condition, void *arg, int64_t deadline,
                                     struct wormclient_error *ret_error)
{
    if (!sync_call(client, methods_name(METHOD_SUBSCRIBE), sync_params(session), sync_take_nothing,
                   NULL, deadline_of_look(deadline), ret_error))
        return NULL;
    enum wormclient_progress progress = WORMCLIENT_PENDING;
    struct wormclient_session *view =
        wait_until_settled(client, session, condition, arg, deadline, &progress, ret_error);
    return view == NULL || progress == WORMCLIENT_REACHED ? view : in_vain(view, ret_error);
}

struct wormclient_session *wormclient_wait(struct wormclient *client, const char *session,
                                           wormclient_condition condition, void *arg,
                                           int64_t timeout, struct wormclient_error *ret_error)
{
    return sync_wait(client, session, condition, arg, sync_deadline(timeout), ret_error);
}
