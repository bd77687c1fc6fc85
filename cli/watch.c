/* watch: every change as it happens. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/hook.h"
#include "cli/news.h"
#include "cli/pages.h"
#include "cli/report.h"
#include "cli/seen.h"
#include "cli/wake.h"
#include "cli/when.h"

/* Changes asked for at a time: the most that the daemon gives. */
#define PAGE 1000
/* Pauses before the daemon is looked for again (ms): doubling, up to one that nobody minds. */
#define PAUSE_FIRST 100
#define PAUSE_MOST  10000

struct watch {
    struct wormclient *client;
    const struct options *options;
    char id[SEEN_ID_MAX]; /* of the only session that is watched; "": all are */
    struct seen seen;
    bool complete;           /* `seen` has every session there is */
    int64_t since;           /* all changes up to this one were told */
    uint64_t notifications;  /* counted up by each */
    enum exit_status status; /* of a watch that is over */
};

/* How a step went. */
enum step {
    STEP_DONE = 0,
    STEP_LOST, /* the connection; it can be made again */
    STEP_OVER, /* the watch ends with watch->status */
};

static enum step over(struct watch *watch, enum exit_status status)
{
    watch->status = status;
    return STEP_OVER;
}

/* A daemon that goes away comes back; any other error is final. */
static enum step fail(struct watch *watch, const struct wormclient_error *error)
{
    if (wormclient_error_is_fatal(error)) {
        report("%s; going on after change %" PRId64 " when the daemon is there again", error->text,
               watch->since);
        return STEP_LOST;
    }
    return over(watch, report_error(error));
}

static void on_changed(struct wormclient *client, uint64_t change, const char *session, void *arg)
{
    struct watch *watch = arg;

    (void)client;
    (void)change;
    (void)session;
    watch->notifications++;
}

/* ---- telling ---- */

static enum step tell(struct watch *watch, const struct news *news)
{
    const char *command = watch->options->text[OPTION_EXEC];
    enum exit_status status = news_print(watch->options, news);

    if (status == EXIT_DONE && command != NULL)
        status = hook_run(command, watch->options->text[OPTION_SOCKET], news);
    return status == EXIT_DONE ? STEP_DONE : over(watch, status);
}

static enum step tell_view(struct watch *watch, int64_t change,
                           const struct wormclient_session *session)
{
    const char *id = wormclient_session_id(session);
    const struct wormclient_value *view = wormclient_session_view(session);
    const struct snapshot now = snapshot_take(view), *before = seen_find(&watch->seen, id);
    struct news news = {.change = change, .time = when_now(), .session = id, .view = view};
    enum step step;

    if (before != NULL && before->change >= change)
        return STEP_DONE;
    news.name = now.name;
    news.events = snapshot_compare(before, &now);
    news.messages = snapshot_new_messages(before, &now);
    step = tell(watch, &news);
    if (step == STEP_DONE && !seen_remember(&watch->seen, id, &now))
        step = over(watch, report_memory());
    return step;
}

static enum step tell_forgotten(struct watch *watch, const char *id)
{
    const struct snapshot gone = snapshot_take(NULL), *before = seen_find(&watch->seen, id);
    struct news news = {.change = watch->since,
                        .time = when_now(),
                        .session = id,
                        .name = before != NULL ? before->name : "",
                        .events = snapshot_compare(before, &gone)};
    enum step step = tell(watch, &news);

    seen_forget(&watch->seen, id);
    return step;
}

/* ---- one session ---- */

static enum step look_at_one(struct watch *watch)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session = wormclient_show(watch->client, watch->id, &error);
    enum step step = STEP_DONE;
    int64_t change;

    if (session == NULL && error.code == WORMCLIENT_NOT_FOUND) {
        step = tell_forgotten(watch, watch->id);
        return step == STEP_DONE ? over(watch, EXIT_DONE) : step;
    }
    if (session == NULL)
        return fail(watch, &error);
    change = wormclient_value_number(wormclient_session_view(session), "change", 0);
    if (change > watch->since)
        step = tell_view(watch, change, session);
    if (step == STEP_DONE && change > watch->since)
        watch->since = change;
    wormclient_session_free(session);
    return step;
}

/* ---- all sessions ---- */

/* Tells of one row of `changes`. If it is forgotten already, that is told in its turn. */
static enum step tell_row(struct watch *watch, const struct wormclient_value *row)
{
    int64_t change = wormclient_value_number(row, "change", 0);
    const char *id = wormclient_value_text(row, "session");
    struct wormclient_error error = {0};
    struct wormclient_session *session = wormclient_show(watch->client, id, &error);
    enum step step = STEP_DONE;

    if (session != NULL)
        step = tell_view(watch, change, session);
    else if (error.code != WORMCLIENT_NOT_FOUND)
        step = fail(watch, &error);
    if (step == STEP_DONE)
        watch->since = change;
    wormclient_session_free(session);
    return step;
}

static struct wormclient_value *ask_changes(struct watch *watch, struct wormclient_error *ret_error)
{
    struct wormclient_params *params = wormclient_params_new();

    wormclient_params_number(params, "since", watch->since);
    wormclient_params_number(params, "limit", PAGE);
    return wormclient_call(watch->client, "changes", params, ret_error);
}

/* Tells a page of changes: *ret_rest if there may be more. */
static enum step tell_page(struct watch *watch, bool *ret_rest)
{
    struct wormclient_error error = {0};
    struct wormclient_value *page = ask_changes(watch, &error);
    const struct wormclient_value *rows = wormclient_value_get(page, "changes");
    size_t count = wormclient_value_count(rows);
    enum step step = page != NULL ? STEP_DONE : fail(watch, &error);

    for (size_t i = 0; i < count && step == STEP_DONE && !wake_is_over(); i++)
        step = tell_row(watch, wormclient_value_at(rows, i));
    /* What is not listed any more was about sessions that are forgotten. */
    if (page != NULL && count == 0)
        watch->since = wormclient_value_number(page, "change", watch->since);
    wormclient_result_free(page);
    *ret_rest = count > 0;
    return step;
}

/* Tells of those that were seen and are there no more. */
static enum step sweep(struct watch *watch)
{
    struct pages pages = {.client = watch->client};
    const struct wormclient_value *sessions;
    struct wormclient_error error;
    char id[SEEN_ID_MAX];
    enum step step;

    seen_begin_round(&watch->seen);
    while ((sessions = pages_next(&pages, &error)) != NULL)
        for (size_t i = 0; i < wormclient_value_count(sessions); i++)
            seen_mark(&watch->seen, wormclient_value_text(wormclient_value_at(sessions, i), "id"));
    pages_clear(&pages);
    step = error.code == WORMCLIENT_OK ? STEP_DONE : fail(watch, &error);
    while (step == STEP_DONE && seen_missing(&watch->seen, id))
        step = tell_forgotten(watch, id);
    return step;
}

/* No list tells which sessions were forgotten, and notifications may be merged; but then there are
 * fewer than we know of. */
static enum step look_for_forgotten(struct watch *watch)
{
    struct wormclient_error error = {0};
    struct wormclient_value *status = wormclient_call(watch->client, "status", NULL, &error);
    int64_t count = wormclient_value_number(status, "sessions", 0);

    if (status == NULL)
        return fail(watch, &error);
    wormclient_result_free(status);
    return count < (int64_t)seen_count(&watch->seen) ? sweep(watch) : STEP_DONE;
}

static enum step look_at_all(struct watch *watch)
{
    enum step step;
    bool rest;

    do {
        step = tell_page(watch, &rest);
    } while (step == STEP_DONE && rest && !wake_is_over());
    return step == STEP_DONE ? look_for_forgotten(watch) : step;
}

/* ---- the beginning ---- */

/* How a session was before anything is told of it; what changed since then counts as all new. */
static enum step remember(struct watch *watch, const struct wormclient_value *view)
{
    struct snapshot snapshot = snapshot_take(view);

    if (snapshot.change > watch->since)
        return STEP_DONE;
    return seen_remember(&watch->seen, wormclient_value_text(view, "id"), &snapshot)
               ? STEP_DONE
               : over(watch, report_memory());
}

static enum step remember_all(struct watch *watch)
{
    struct pages pages = {.client = watch->client};
    const struct wormclient_value *sessions;
    struct wormclient_error error;
    enum step step = STEP_DONE;

    while (step == STEP_DONE && (sessions = pages_next(&pages, &error)) != NULL)
        for (size_t i = 0; i < wormclient_value_count(sessions) && step == STEP_DONE; i++)
            step = remember(watch, wormclient_value_at(sessions, i));
    pages_clear(&pages);
    return step == STEP_DONE && error.code != WORMCLIENT_OK ? fail(watch, &error) : step;
}

static enum step remember_one(struct watch *watch)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session = wormclient_show(watch->client, watch->id, &error);
    enum step step;

    if (session == NULL)
        return fail(watch, &error);
    step = remember(watch, wormclient_session_view(session));
    wormclient_session_free(session);
    return step;
}

/* Returns the newest change in *ret_newest. */
static enum step subscribe(struct watch *watch, int64_t *ret_newest)
{
    struct wormclient_params *params = wormclient_params_new();
    struct wormclient_error error = {0};
    struct wormclient_value *result;

    if (watch->id[0] != '\0')
        wormclient_params_text(params, "session", watch->id);
    wormclient_on_changed(watch->client, on_changed, watch);
    result = wormclient_call(watch->client, "subscribe", params, &error);
    /* Forgotten while the daemon was away: looking at it will tell. */
    if (result == NULL && error.code == WORMCLIENT_NOT_FOUND)
        return STEP_DONE;
    if (result == NULL)
        return fail(watch, &error);
    *ret_newest = wormclient_value_number(result, "change", 0);
    wormclient_result_free(result);
    return STEP_DONE;
}

/* Subscribes before it looks, so that nothing happens unseen. */
static enum step begin(struct watch *watch)
{
    int64_t newest = watch->since;
    enum step step = subscribe(watch, &newest);

    if (step != STEP_DONE)
        return step;
    if (watch->since < 0) {
        watch->since = newest;
    } else if (newest < watch->since) {
        report("the daemon's newest change is %" PRId64 ": its store is another one", newest);
        watch->since = newest;
        watch->complete = false;
        seen_clear(&watch->seen);
    }
    if (!watch->complete)
        step = watch->id[0] != '\0' ? remember_one(watch) : remember_all(watch);
    watch->complete = watch->complete || step == STEP_DONE;
    return step;
}

/* ---- going on ---- */

/* Until it is over, or the connection is lost. */
static enum step follow(struct watch *watch)
{
    enum step step = begin(watch);

    while (step == STEP_DONE && !wake_is_over()) {
        struct wormclient_error error = {0};
        uint64_t seen = watch->notifications;

        step = watch->id[0] != '\0' ? look_at_one(watch) : look_at_all(watch);
        if (step == STEP_DONE && !wake_wait(watch->client, &watch->notifications, seen, &error))
            step = fail(watch, &error);
    }
    return step;
}

/* New; wormclient_free(). NULL once it is over. */
static struct wormclient *reconnect(const struct options *options)
{
    struct wormclient *client = NULL;
    int pause = PAUSE_FIRST;

    while (client == NULL && !wake_is_over()) {
        wake_pause(pause);
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
    enum step step = follow(watch);
    struct wormclient *own = NULL;

    while (step == STEP_LOST && !wake_is_over()) {
        wormclient_free(own);
        own = reconnect(watch->options);
        watch->client = own;
        if (own != NULL)
            step = follow(watch);
    }
    wormclient_free(own);
    return step == STEP_OVER ? watch->status : EXIT_DONE;
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

enum exit_status watch_run(struct wormclient *client, const struct options *options)
{
    struct watch watch = {.client = client, .options = options, .since = -1};
    enum exit_status status = find_session(&watch);

    if (status != EXIT_DONE)
        return status;
    if (options->given[OPTION_SINCE])
        watch.since = options->number[OPTION_SINCE];
    wake_prepare();
    status = follow_for_ever(&watch);
    seen_clear(&watch.seen);
    return status;
}
