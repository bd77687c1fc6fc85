/* watch: every change as it happens. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/watch_scan.h"
#include "cli/pages.h"
#include "cli/report.h"
#include "cli/watch_wait.h"

/* Pauses before the daemon is looked for again (ms): doubling, up to one that nobody minds. */
#define PAUSE_FIRST 100
#define PAUSE_MOST  10000

static void on_changed(struct wormclient *client, const struct wormclient_error *error,
                       uint64_t change, const char *session, void *arg)
{
    struct watch *watch = arg;

    (void)client;
    (void)session;
    watch->gone = error != NULL && error->code == WORMCLIENT_ERROR_NOT_FOUND;
    watch->newest = (int64_t)change;
    watch->notifications++;
}

/* ---- the beginning ---- */

/* How a session was before anything is told of it; what changed since then counts as all new. */
static enum watch_step remember(struct watch *watch, const struct wormclient_value *view)
{
    struct snapshot snapshot = snapshot_take(view);

    if (snapshot.change > watch->since)
        return WATCH_GOING_ON;
    return watch_known_remember(&watch->known, wormclient_value_text(view, "id"), &snapshot)
               ? WATCH_GOING_ON
               : watch_end(watch, report_memory());
}

static enum watch_step remember_all(struct watch *watch)
{
    struct pages pages = {.client = watch->client};
    const struct wormclient_value *sessions;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    enum watch_step step = WATCH_GOING_ON;

    while (step == WATCH_GOING_ON && (sessions = pages_next(&pages, &error)) != NULL)
        for (size_t i = 0; i < wormclient_value_count(sessions) && step == WATCH_GOING_ON; i++)
            step = remember(watch, wormclient_value_at(sessions, i));
    pages_clear(&pages);
    return step == WATCH_GOING_ON && error.code != WORMCLIENT_ERROR_NONE
               ? watch_failed(watch, &error)
               : step;
}

static enum watch_step remember_one(struct watch *watch)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session = wormclient_show(watch->client, watch->id, &error);
    enum watch_step step;

    if (session == NULL)
        return watch_failed(watch, &error);
    step = remember(watch, wormclient_session_view(session));
    wormclient_session_free(session);
    return step;
}

/* Returns the newest change in *ret_newest. */
static enum watch_step subscribe(struct watch *watch, int64_t *ret_newest)
{
    const char *id = watch->id[0] != '\0' ? watch->id : NULL;
    uint64_t seen = watch->notifications;
    struct wormclient_error error = {0};

    if (wormclient_watch(watch->client, id, on_changed, watch, &error) == NULL ||
        !watch_wait(watch->client, &watch->notifications, seen, &error))
        return watch_failed(watch, &error);
    /* One that was forgotten while the daemon was away: looking at it will tell. */
    if (!watch->gone && watch->notifications != seen)
        *ret_newest = watch->newest;
    return WATCH_GOING_ON;
}

/* Subscribes before it looks, so that nothing happens unseen. */
static enum watch_step begin(struct watch *watch)
{
    int64_t newest = watch->since;
    enum watch_step step = subscribe(watch, &newest);

    if (step != WATCH_GOING_ON)
        return step;
    if (watch->since < 0) {
        watch->since = newest;
    } else if (newest < watch->since) {
        report("the daemon's newest change is %" PRId64 ": its store is another one", newest);
        watch->since = newest;
        watch->complete = false;
        watch_known_clear(&watch->known);
    }
    if (!watch->complete)
        step = watch->id[0] != '\0' ? remember_one(watch) : remember_all(watch);
    watch->complete = watch->complete || step == WATCH_GOING_ON;
    return step;
}

/* ---- going on ---- */

/* Until it is over, or the connection is lost. */
static enum watch_step follow(struct watch *watch)
{
    enum watch_step step = begin(watch);

    while (step == WATCH_GOING_ON && !watch_is_over()) {
        struct wormclient_error error = {0};
        uint64_t seen = watch->notifications;

        step = watch_scan(watch);
        if (step == WATCH_GOING_ON &&
            !watch_wait(watch->client, &watch->notifications, seen, &error))
            step = watch_failed(watch, &error);
    }
    return step;
}

/* New; wormclient_free(). NULL once it is over. */
static struct wormclient *reconnect(const struct cli_options *options)
{
    struct wormclient *client = NULL;
    int pause = PAUSE_FIRST;

    while (client == NULL && !watch_is_over()) {
        watch_pause(pause);
        client = wormclient_connect(options->text[OPTION_SOCKET], NULL);
        pause = pause * 2 < PAUSE_MOST ? pause * 2 : PAUSE_MOST;
    }
    if (client != NULL)
        report("the daemon is there again");
    return client;
}

/* The first client belongs to the caller; those that take its place are ours. */
static enum exit_status follow_for_ever(struct watch *watch)
{
    enum watch_step step = follow(watch);
    struct wormclient *own = NULL;

    while (step == WATCH_LOST && !watch_is_over()) {
        wormclient_free(own);
        own = reconnect(watch->options);
        watch->client = own;
        if (own != NULL)
            step = follow(watch);
    }
    wormclient_free(own);
    return step == WATCH_OVER ? watch->status : EXIT_DONE;
}

/* By its id from now on: its name may change. */
static enum exit_status find_session(struct watch *watch)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session;

    if (watch->options->count == 0)
        return EXIT_DONE;
    session = wormclient_show(watch->client, watch->options->arguments[0], &error);
    if (session == NULL)
        return report_error_about(&error, watch->options->arguments[0]);
    snprintf(watch->id, sizeof(watch->id), "%s", wormclient_session_id(session));
    wormclient_session_free(session);
    return EXIT_DONE;
}

enum exit_status watch_run(struct wormclient *client, const struct cli_options *options)
{
    struct watch watch = {.client = client, .options = options, .since = -1};
    enum exit_status status = find_session(&watch);

    if (status != EXIT_DONE)
        return status;
    if (options->given[OPTION_SINCE])
        watch.since = options->number[OPTION_SINCE];
    watch_catch_signals();
    status = follow_for_ever(&watch);
    watch_known_clear(&watch.known);
    return status;
}
