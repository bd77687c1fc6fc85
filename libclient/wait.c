#include "config.h"

#include "ipc/methods.h"
#include "libclient/client.h"
#include "libclient/sync.h"

/* A daemon that is alive answers within this time (ms). The caller's timeout is for what has to
 * happen to the session; a short one must not cut off the look that would tell that it has. */
#define LOOK_PATIENCE 5000

static int64_t deadline_of_wait(int64_t timeout)
{
    int64_t now = sync_now();
    return timeout < 0 || timeout >= SYNC_NEVER - now ? SYNC_NEVER : now + timeout;
}

static int64_t deadline_of_look(int64_t deadline)
{
    int64_t patient = sync_now() + LOOK_PATIENCE;
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

struct wormclient_session *wormclient_wait(struct wormclient *client, const char *session,
                                           wormclient_condition condition, void *arg,
                                           int64_t timeout, struct wormclient_error *ret_error)
{
    int64_t deadline = deadline_of_wait(timeout);
    if (!sync_call(client, methods_name(METHOD_SUBSCRIBE), sync_params(session), sync_take_nothing,
                   NULL, deadline_of_look(deadline), ret_error))
        return NULL;
    uint64_t seen;
    struct wormclient_session *view = look(client, session, deadline, &seen, ret_error);
    while (view != NULL && !condition(view, arg)) {
        struct wormclient_session *before = view;
        view = NULL;
        /* By id from now on: another session may come to match what the caller wrote. */
        if (sync_until(client, has_changed, &seen, deadline, ret_error))
            view = look(client, wormclient_session_id(before), deadline, &seen, ret_error);
        wormclient_session_free(before);
    }
    return view;
}
