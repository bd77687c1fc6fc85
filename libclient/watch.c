/*
 * Watches and waiters, which wait for changes. A connection has one subscription, to one session or
 * to all; any number of watches share it. A waiter is a watch that looks at its session whenever it
 * is told, until its condition is settled.
 *
 * Notifications of a slow client are merged, so a notification about one session may stand for
 * earlier ones about others: where there is a gap in the numbers of changes, all watches are told.
 * Telling a watch needlessly costs its owner a look; not telling it would let it sleep forever.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "libclient/client.h"

/* A running daemon answers within this time (ms). The caller's timeout is for what has to
 * happen to the session; if it is short, it must not cut off the look that would show that it
 * has happened. */
#define LOOK_PATIENCE 5000

/* The length of a session's id in hex digits. */
#define ID_LENGTH 16

/* A watch that has not been told anything yet. */
#define TOLD_NOTHING UINT64_MAX

struct wormclient_watch {
    TAILQ_ENTRY(wormclient_watch) link;
    struct wormclient *client;
    char *name;             /* the user's name for the session; NULL: all sessions */
    char id[ID_LENGTH + 1]; /* "" while unknown */
    bool begun;             /* the subscription covers it */
    bool dead;              /* it failed, and is not told anything any more */
    bool due;               /* to be told now */
    uint64_t since;         /* while not begun: it has been told of all changes up to this number */
    wormclient_watch_callback callback;
    void *arg;
    struct wormclient_waiter *waiter; /* that it belongs to, or NULL */
};

struct wormclient_waiter {
    struct wormclient_watch watch;
    wormclient_condition condition;
    void *condition_arg;
    int64_t deadline;
    int64_t patience; /* until when the daemon may take to answer the latest request */
    bool looking;     /* a view has been requested */
    bool again;       /* and is already out of date */
    wormclient_session_callback callback;
    void *arg;
};

static void look(struct wormclient_waiter *waiter);

/* ---- a watch ---- */

static void discard(struct wormclient_watch *watch)
{
    TAILQ_REMOVE(&watch->client->watches, watch, link);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): TAILQ_REMOVE took it out of the list */
    free(watch->name);
    free(watch->waiter != NULL ? (void *)watch->waiter : (void *)watch);
}

/* Ends a waiter: with a session or an error. */
static void settle(struct wormclient_waiter *waiter, const struct wormclient_error *error,
                   const struct wormclient_session *session)
{
    struct wormclient *client = waiter->watch.client;
    wormclient_session_callback callback = waiter->callback;
    void *arg = waiter->arg;
    wormclient_waiter_cancel(waiter);
    callback(client, error, error == NULL ? session : NULL, arg);
}

static void fail_watch(struct wormclient_watch *watch, const struct wormclient_error *why)
{
    if (watch->waiter != NULL) {
        settle(watch->waiter, why, NULL);
    } else if (!watch->dead) {
        watch->dead = true;
        /* Whoever ends the connection knows that there will be no more notifications. */
        if (!watch->client->freed)
            watch->callback(watch->client, why, 0, watch->name, watch->arg);
    }
}

/* What to ask the daemon about. */
static const char *name_of(const struct wormclient_watch *watch)
{
    return watch->id[0] != '\0' ? watch->id : watch->name;
}

/* ---- telling ---- */

static struct wormclient_watch *first_due(const struct wormclient *client)
{
    struct wormclient_watch *watch;
    TAILQ_FOREACH(watch, &client->watches, link)
    {
        if (watch->due && watch->begun && !watch->dead)
            return watch;
    }
    return NULL;
}

/* Callbacks may create and free watches, and free the client: after each, the list is read
 * again. */
static void tell_due(struct wormclient *client, uint64_t change, const char *session)
{
    struct wormclient_watch *watch;
    while (client->fd >= 0 && (watch = first_due(client)) != NULL) {
        watch->due = false;
        if (watch->waiter != NULL)
            look(watch->waiter);
        else
            watch->callback(client, NULL, change, watch->name != NULL ? watch->name : session,
                            watch->arg);
    }
}

/* `session` is NULL if any may have changed. */
static void tell(struct wormclient *client, uint64_t change, const char *session)
{
    struct wormclient_watch *watch;
    TAILQ_FOREACH(watch, &client->watches, link)
    {
        if (session == NULL || watch->name == NULL || watch->id[0] == '\0' ||
            strcmp(watch->id, session) == 0)
            watch->due = true;
    }
    tell_due(client, change, session);
}

void wormclient__changed(struct wormclient *client, uint64_t change, const char *session)
{
    bool any = session == NULL || client->subscribed != SUBSCRIBED_ALL || change > client->told + 1;
    if (change > client->told)
        client->told = change;
    tell(client, change, any ? NULL : session);
}

/* ---- the subscription ---- */

/* The watch whose session is all that matters (any of them, if several have the same one), or
 * NULL. */
static struct wormclient_watch *only_one(const struct wormclient *client)
{
    struct wormclient_watch *watch, *one = NULL;
    TAILQ_FOREACH(watch, &client->watches, link)
    {
        if (watch->dead)
            continue;
        if (watch->name == NULL ||
            (one != NULL && (one->id[0] == '\0' || strcmp(one->id, watch->id) != 0)))
            return NULL;
        one = watch;
    }
    return one;
}

/* True if its changes are already reported. A name has to be asked for again, since it may now mean
 * another session. */
static bool is_covered(const struct wormclient *client, const struct wormclient_watch *watch)
{
    if (client->subscribed == SUBSCRIBED_ALL)
        return only_one(client) == NULL;
    return client->subscribed == SUBSCRIBED_ONE && watch->id[0] != '\0' &&
           strcmp(watch->id, client->subscribed_id) == 0;
}

static void begin(struct wormclient_watch *watch)
{
    watch->begun = true;
    watch->due = watch->since != watch->client->told;
}

/* Subscribes for watches that have not begun, unless they are covered. */
static bool update(struct wormclient *client, struct wormclient_error *ret_error);

/* The subscription that was to cover the new watches has failed. */
static void fail_new(struct wormclient *client, const struct wormclient_error *why)
{
    struct wormclient_watch *watch;
    do {
        TAILQ_FOREACH(watch, &client->watches, link)
        {
            if (!watch->begun && !watch->dead)
                break;
        }
        if (watch != NULL)
            fail_watch(watch, why);
    } while (watch != NULL && client->fd >= 0);
}

static void update_or_fail(struct wormclient *client)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    if (!update(client, &error))
        fail_new(client, &error);
}

static void on_subscribed(struct wormclient *client, const struct wormclient_error *error,
                          const struct wormclient_value *result, void *arg)
{
    (void)arg;
    struct wormclient_watch *one = client->subscriber;
    client->subscribing = false;
    client->subscriber = NULL;
    if (client->fd < 0)
        return; /* whoever ended the connection tells those who wait */
    if (error != NULL) {
        if (client->asked == SUBSCRIBED_ALL)
            fail_new(client, error);
        else if (one != NULL)
            fail_watch(one, error);
    } else {
        /* Nobody was told of changes between the last notification and this subscription. */
        uint64_t change = (uint64_t)wormclient_value_number(result, "change", 0);
        bool missed = change != client->told;
        client->told = change;
        client->subscribed = client->asked;
        client->subscribed_id[0] = '\0';
        if (one != NULL) {
            memcpy(client->subscribed_id, one->id, sizeof(one->id));
            begin(one);
        }
        if (missed)
            tell(client, change, NULL);
    }
    if (client->fd >= 0)
        update_or_fail(client);
    if (client->fd >= 0)
        tell_due(client, client->told, NULL);
}

static bool update(struct wormclient *client, struct wormclient_error *ret_error)
{
    bool covered = true;
    struct wormclient_watch *watch;
    if (client->fd < 0 || client->subscribing)
        return true;
    TAILQ_FOREACH(watch, &client->watches, link)
    {
        if (watch->begun || watch->dead)
            continue;
        if (is_covered(client, watch))
            begin(watch);
        else
            covered = false;
    }
    if (covered)
        return true;
    client->subscriber = only_one(client);
    client->asked = client->subscriber != NULL ? SUBSCRIBED_ONE : SUBSCRIBED_ALL;
    struct wormclient_params *params =
        client->subscriber != NULL ? wormclient__about(name_of(client->subscriber)) : NULL;
    if (params != NULL && client->hold)
        wormclient_params_flag(params, "hold", true);
    client->subscribing = wormclient_request(client, methods_name(METHOD_SUBSCRIBE), params,
                                             on_subscribed, NULL, ret_error);
    return client->subscribing;
}

/* ---- when the connection is lost or restored ---- */

void wormclient__watches_resume(struct wormclient *client)
{
    update_or_fail(client);
}

void wormclient__watches_lost(struct wormclient *client)
{
    struct wormclient_watch *watch;
    client->subscribed = SUBSCRIBED_NONE;
    TAILQ_FOREACH(watch, &client->watches, link)
    {
        if (watch->begun)
            watch->since = watch->due ? TOLD_NOTHING : client->told;
        watch->begun = false;
    }
}

void wormclient__watches_fail(struct wormclient *client, const struct wormclient_error *why)
{
    struct wormclient_watch *watch;
    do {
        TAILQ_FOREACH(watch, &client->watches, link)
        {
            if (!watch->dead)
                break;
        }
        if (watch != NULL)
            fail_watch(watch, why);
    } while (watch != NULL);
}

void wormclient__watches_free(struct wormclient *client)
{
    struct wormclient_watch *watch;
    while ((watch = TAILQ_FIRST(&client->watches)) != NULL)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): TAILQ_REMOVE takes it out of the list */
        discard(watch);
}

/* ---- time ---- */

/* When the waiter is to be told that its time has run out: not during a look that may show more. */
static int64_t end_of(const struct wormclient_waiter *waiter)
{
    bool asked = waiter->watch.client->fd >= 0 && (waiter->looking || !waiter->watch.begun);
    return asked && waiter->patience > waiter->deadline ? waiter->patience : waiter->deadline;
}

static struct wormclient_waiter *first_expired(const struct wormclient *client, int64_t now)
{
    struct wormclient_watch *watch;
    TAILQ_FOREACH(watch, &client->watches, link)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed is not in the list */
        if (watch->waiter != NULL && now >= end_of(watch->waiter))
            return watch->waiter;
    }
    return NULL;
}

void wormclient__watches_run(struct wormclient *client)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_waiter *waiter;
    tell_due(client, client->told, NULL);
    if (TAILQ_EMPTY(&client->watches))
        return;
    int64_t now = clock_monotonic();
    wormclient__error(&error, WORMCLIENT_ERROR_TIMEOUT, 0, "the time given ran out");
    while (!client->failed && (waiter = first_expired(client, now)) != NULL)
        settle(waiter, &error, NULL);
}

int64_t wormclient__watches_deadline(const struct wormclient *client)
{
    int64_t deadline = WORMCLIENT__NEVER;
    const struct wormclient_watch *watch;
    if (client->fd >= 0 && first_due(client) != NULL)
        return 0;
    TAILQ_FOREACH(watch, &client->watches, link)
    {
        if (watch->waiter != NULL && end_of(watch->waiter) < deadline)
            deadline = end_of(watch->waiter);
    }
    return deadline;
}

/* ---- watches ---- */

static bool is_id(const char *text)
{
    return strlen(text) == ID_LENGTH && strspn(text, "0123456789abcdef") == ID_LENGTH;
}

/* Fills in the watch, adds it to the list, and subscribes for it. Freed on failure. */
static bool add(struct wormclient_watch *watch, struct wormclient *client, const char *name,
                struct wormclient_error *ret_error)
{
    watch->client = client;
    watch->since = TOLD_NOTHING;
    watch->name = name != NULL ? strdup(name) : NULL;
    if (name != NULL && is_id(name))
        memcpy(watch->id, name, sizeof(watch->id));
    TAILQ_INSERT_TAIL(&client->watches, watch, link);
    bool added = name == NULL || watch->name != NULL;
    if (!added)
        wormclient__error_memory(ret_error);
    else if (client->failed)
        wormclient_error_copy(ret_error, &client->failure);
    added = added && !client->failed && update(client, ret_error);
    if (!added)
        discard(watch);
    return added;
}

struct wormclient_watch *wormclient_watch(struct wormclient *client, const char *id,
                                          wormclient_watch_callback callback, void *arg,
                                          struct wormclient_error *ret_error)
{
    if (id != NULL && !is_id(id)) {
        wormclient__error(ret_error, WORMCLIENT_ERROR_ARGUMENT, 0,
                          "a session to be watched is named by its id, 16 hex digits");
        return NULL;
    }
    struct wormclient_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        wormclient__error_memory(ret_error);
        return NULL;
    }
    watch->callback = callback;
    watch->arg = arg;
    return add(watch, client, id, ret_error) ? watch : NULL;
}

void wormclient_watch_free(struct wormclient_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->client->subscriber == watch)
        watch->client->subscriber = NULL;
    discard(watch);
}

/* ---- waiters ---- */

/* From now on by id, since another session may come to match what the caller wrote. */
static void take_id(struct wormclient_waiter *waiter, const struct wormclient_session *session)
{
    struct wormclient_watch *watch = &waiter->watch;
    const char *id = wormclient_session_id(session);
    if (watch->id[0] != '\0' || !is_id(id))
        return;
    bool alone = watch->client->subscribed == SUBSCRIBED_ONE && only_one(watch->client) == watch;
    memcpy(watch->id, id, sizeof(watch->id));
    if (alone)
        memcpy(watch->client->subscribed_id, watch->id, sizeof(watch->id));
}

static void on_look(struct wormclient *client, const struct wormclient_error *error,
                    const struct wormclient_session *session, void *arg)
{
    struct wormclient_waiter *waiter = arg;
    waiter->looking = false;
    if (error != NULL && client->fd < 0 && !client->failed) {
        waiter->watch.since = TOLD_NOTHING; /* it looks when the connection is back */
        return;
    }
    if (error != NULL) {
        settle(waiter, error, NULL);
        return;
    }
    take_id(waiter, session);
    enum wormclient_progress progress = waiter->condition(session, waiter->condition_arg);
    if (progress == WORMCLIENT_PROGRESS_REACHED) {
        settle(waiter, NULL, session);
    } else if (progress == WORMCLIENT_PROGRESS_NEVER || wormclient__is_over(session)) {
        struct wormclient_error vain = WORMCLIENT_ERROR_INIT;
        if (wormclient_session_alive(session, &vain))
            wormclient__error(&vain, WORMCLIENT_ERROR_REFUSED, 0,
                              "what was waited for cannot come in this session");
        settle(waiter, &vain, NULL);
    } else if (waiter->again) {
        look(waiter);
    }
}

static void look(struct wormclient_waiter *waiter)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    waiter->again = waiter->looking;
    if (waiter->looking)
        return;
    waiter->looking = true;
    waiter->patience = clock_monotonic() + LOOK_PATIENCE;
    if (!wormclient_show_async(waiter->watch.client, name_of(&waiter->watch), on_look, waiter,
                               &error))
        settle(waiter, &error, NULL);
}

struct wormclient_waiter *wormclient_wait_async(struct wormclient *client, const char *session,
                                                wormclient_condition condition, void *condition_arg,
                                                int64_t timeout,
                                                wormclient_session_callback callback, void *arg,
                                                struct wormclient_error *ret_error)
{
    struct wormclient_waiter *waiter = calloc(1, sizeof(*waiter));
    if (waiter == NULL) {
        wormclient__error_memory(ret_error);
        return NULL;
    }
    waiter->watch.waiter = waiter;
    waiter->condition = condition;
    waiter->condition_arg = condition_arg;
    waiter->deadline = wormclient__deadline(timeout);
    waiter->patience = clock_monotonic() + LOOK_PATIENCE;
    waiter->callback = callback;
    waiter->arg = arg;
    return add(&waiter->watch, client, session, ret_error) ? waiter : NULL;
}

void wormclient_waiter_cancel(struct wormclient_waiter *waiter)
{
    if (waiter == NULL)
        return;
    wormclient__abandon(waiter->watch.client, (wormclient__function)on_look, waiter);
    wormclient_watch_free(&waiter->watch);
}
