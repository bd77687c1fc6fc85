#include "config.h"

#include <inttypes.h>

#include "base/clock.h"
#include "cli/hook.h"
#include "cli/watch_scan.h"
#include "cli/watch_line.h"
#include "cli/pages.h"
#include "cli/report.h"
#include "cli/watch_wait.h"
#include "cli/when.h"

/* Changes asked for at a time: the most that the daemon gives. */
#define PAGE 1000

enum watch_step watch_end(struct watch *watch, enum exit_status status)
{
    watch->status = status;
    return WATCH_OVER;
}

/* A daemon that goes away comes back; any other error is final. */
enum watch_step watch_failed(struct watch *watch, const struct wormclient_error *error)
{
    if (wormclient_error_is_fatal(error)) {
        report("%s; going on after change %" PRId64 " when the daemon is there again", error->text,
               watch->since);
        return WATCH_LOST;
    }
    return watch_end(watch, report_error(error));
}

/* ---- telling ---- */

static enum watch_step tell(struct watch *watch, const struct watch_line *line)
{
    const char *command = watch->options->text[OPTION_EXEC];
    enum exit_status status = watch_line_print(watch->options, line);

    if (status == EXIT_DONE && command != NULL)
        status = hook_run(command, watch->options->text[OPTION_SOCKET], line);
    return status == EXIT_DONE ? WATCH_GOING_ON : watch_end(watch, status);
}

static enum watch_step tell_view(struct watch *watch, int64_t change,
                                 const struct wormclient_session *session)
{
    const char *id = wormclient_session_id(session);
    const struct wormclient_value *view = wormclient_session_view(session);
    const struct snapshot now = snapshot_take(view), *before = watch_known_find(&watch->known, id);
    struct watch_line line = {.change = change, .time = clock_now(), .session = id, .view = view};
    enum watch_step step;

    if (before != NULL && before->change >= change)
        return WATCH_GOING_ON;
    line.name = now.name;
    line.events = snapshot_compare(before, &now);
    line.messages = snapshot_new_messages(before, &now);
    step = tell(watch, &line);
    if (step == WATCH_GOING_ON && !watch_known_remember(&watch->known, id, &now))
        step = watch_end(watch, report_memory());
    return step;
}

static enum watch_step tell_forgotten(struct watch *watch, const char *id)
{
    const struct snapshot gone = snapshot_take(NULL), *before = watch_known_find(&watch->known, id);
    struct watch_line line = {.change = watch->since,
                              .time = clock_now(),
                              .session = id,
                              .name = before != NULL ? before->name : "",
                              .events = snapshot_compare(before, &gone)};
    enum watch_step step = tell(watch, &line);

    watch_known_forget(&watch->known, id);
    return step;
}

/* ---- one session ---- */

static enum watch_step scan_one(struct watch *watch)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session = wormclient_show(watch->client, watch->id, &error);
    enum watch_step step = WATCH_GOING_ON;
    int64_t change;

    if (session == NULL && error.code == WORMCLIENT_ERROR_NOT_FOUND) {
        step = tell_forgotten(watch, watch->id);
        return step == WATCH_GOING_ON ? watch_end(watch, EXIT_DONE) : step;
    }
    if (session == NULL)
        return watch_failed(watch, &error);
    change = wormclient_value_number(wormclient_session_view(session), "change", 0);
    if (change > watch->since)
        step = tell_view(watch, change, session);
    if (step == WATCH_GOING_ON && change > watch->since)
        watch->since = change;
    wormclient_session_free(session);
    return step;
}

/* ---- all sessions ---- */

/* Tells of one row of `changes`. If it is forgotten already, that is told in its turn. */
static enum watch_step tell_row(struct watch *watch, const struct wormclient_value *row)
{
    int64_t change = wormclient_value_number(row, "change", 0);
    const char *id = wormclient_value_text(row, "session");
    struct wormclient_error error = {0};
    struct wormclient_session *session = wormclient_show(watch->client, id, &error);
    enum watch_step step = WATCH_GOING_ON;

    if (session != NULL)
        step = tell_view(watch, change, session);
    else if (error.code != WORMCLIENT_ERROR_NOT_FOUND)
        step = watch_failed(watch, &error);
    if (step == WATCH_GOING_ON)
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
static enum watch_step tell_page(struct watch *watch, bool *ret_rest)
{
    struct wormclient_error error = {0};
    struct wormclient_value *page = ask_changes(watch, &error);
    const struct wormclient_value *rows = wormclient_value_get(page, "changes");
    size_t count = wormclient_value_count(rows);
    enum watch_step step = page != NULL ? WATCH_GOING_ON : watch_failed(watch, &error);

    for (size_t i = 0; i < count && step == WATCH_GOING_ON && !watch_is_over(); i++)
        step = tell_row(watch, wormclient_value_at(rows, i));
    /* What is not listed any more was about sessions that are forgotten. */
    if (page != NULL && count == 0)
        watch->since = wormclient_value_number(page, "change", watch->since);
    wormclient_result_free(page);
    *ret_rest = count > 0;
    return step;
}

/* Tells of those that were seen and are there no more. */
static enum watch_step sweep(struct watch *watch)
{
    struct pages pages = {.client = watch->client};
    const struct wormclient_value *sessions;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    char id[WATCH_ID_SIZE];
    enum watch_step step;

    watch_known_begin_round(&watch->known);
    while ((sessions = pages_next(&pages, &error)) != NULL)
        for (size_t i = 0; i < wormclient_value_count(sessions); i++)
            watch_known_mark(&watch->known,
                             wormclient_value_text(wormclient_value_at(sessions, i), "id"));
    pages_clear(&pages);
    step = error.code == WORMCLIENT_ERROR_NONE ? WATCH_GOING_ON : watch_failed(watch, &error);
    while (step == WATCH_GOING_ON && watch_known_missing(&watch->known, id))
        step = tell_forgotten(watch, id);
    return step;
}

/* No list tells which sessions were forgotten, and notifications may be merged; but then there are
 * fewer than we know of. */
static enum watch_step scan_for_forgotten(struct watch *watch)
{
    struct wormclient_error error = {0};
    struct wormclient_value *status = wormclient_call(watch->client, "status", NULL, &error);
    int64_t count = wormclient_value_number(status, "sessions", 0);

    if (status == NULL)
        return watch_failed(watch, &error);
    wormclient_result_free(status);
    return count < (int64_t)watch_known_count(&watch->known) ? sweep(watch) : WATCH_GOING_ON;
}

static enum watch_step scan_all(struct watch *watch)
{
    enum watch_step step;
    bool rest;

    do {
        step = tell_page(watch, &rest);
    } while (step == WATCH_GOING_ON && rest && !watch_is_over());
    return step == WATCH_GOING_ON ? scan_for_forgotten(watch) : step;
}

enum watch_step watch_scan(struct watch *watch)
{
    return watch->id[0] != '\0' ? scan_one(watch) : scan_all(watch);
}
