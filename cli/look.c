#include "config.h"

#include <inttypes.h>

#include "cli/hook.h"
#include "cli/look.h"
#include "cli/news.h"
#include "cli/pages.h"
#include "cli/report.h"
#include "cli/wake.h"
#include "cli/when.h"

/* Changes asked for at a time: the most that the daemon gives. */
#define PAGE 1000

enum step look_over(struct watch *watch, enum exit_status status)
{
    watch->status = status;
    return STEP_OVER;
}

/* A daemon that goes away comes back; any other error is final. */
enum step look_failed(struct watch *watch, const struct wormclient_error *error)
{
    if (wormclient_error_is_fatal(error)) {
        report("%s; going on after change %" PRId64 " when the daemon is there again", error->text,
               watch->since);
        return STEP_LOST;
    }
    return look_over(watch, report_error(error));
}

/* ---- telling ---- */

static enum step tell(struct watch *watch, const struct news *news)
{
    const char *command = watch->options->text[OPTION_EXEC];
    enum exit_status status = news_print(watch->options, news);

    if (status == EXIT_DONE && command != NULL)
        status = hook_run(command, watch->options->text[OPTION_SOCKET], news);
    return status == EXIT_DONE ? STEP_DONE : look_over(watch, status);
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
        step = look_over(watch, report_memory());
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
        return step == STEP_DONE ? look_over(watch, EXIT_DONE) : step;
    }
    if (session == NULL)
        return look_failed(watch, &error);
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
        step = look_failed(watch, &error);
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
    enum step step = page != NULL ? STEP_DONE : look_failed(watch, &error);

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
    step = error.code == WORMCLIENT_OK ? STEP_DONE : look_failed(watch, &error);
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
        return look_failed(watch, &error);
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

enum step look(struct watch *watch)
{
    return watch->id[0] != '\0' ? look_at_one(watch) : look_at_all(watch);
}
