/* list, and all sessions of the daemon page by page. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/list.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/when.h"

/* Room for a 64-bit number. */
#define NUMBER_MAX 24
/* Room for a state and a note about it. */
#define STATE_MAX 64

/* ---- pages ---- */

const struct wormclient_list *list_next_page(struct list_pages *pages,
                                             struct wormclient_error *ret_error)
{
    const char *after = pages->page != NULL ? wormclient_list_next(pages->page) : NULL;
    struct wormclient_list *next;

    if (pages->page != NULL && after == NULL)
        return NULL;
    next = wormclient_list(pages->client, after, WORMCLIENT_PAGE_MAX, ret_error);
    wormclient_list_free(pages->page);
    pages->page = next;
    return next;
}

void list_pages_clear(struct list_pages *pages)
{
    wormclient_list_free(pages->page);
    pages->page = NULL;
}

/* ---- list ---- */

/* Those that matter most come first; the last ones to be left out have the lowest ranks. */
enum list_column {
    LIST_NAME,
    LIST_STATE,
    LIST_EPOCH,
    LIST_UNREAD,
    LIST_UNSENT,
    LIST_LAST_NEWS,
    LIST_NEXT_LOOK,
    LIST_EXPIRES,
    LIST_CODE,
    LIST_LAST_VISIT,
    LIST_GOT,
    LIST_READ,
    LIST_ID,
    LIST_COLUMNS,
};
static const struct table_column columns[LIST_COLUMNS] = {
    [LIST_NAME] = {"NAME", .cut = true},
    [LIST_STATE] = {"STATE", .cut = true, .coloured = true},
    [LIST_EPOCH] = {"EPOCH", .rank = 7, .right = true, .dash = true},
    [LIST_UNREAD] = {"UNREAD", .rank = 1, .right = true},
    [LIST_UNSENT] = {"UNSENT", .rank = 6, .right = true},
    [LIST_LAST_NEWS] = {"LAST NEWS", .rank = 2, .dash = true},
    [LIST_NEXT_LOOK] = {"NEXT LOOK", .rank = 3, .dash = true},
    [LIST_EXPIRES] = {"EXPIRES", .rank = 5, .dash = true},
    [LIST_CODE] = {"CODE", .rank = 4, .dash = true},
    [LIST_LAST_VISIT] = {"LAST VISIT", .rank = 8, .dash = true},
    [LIST_GOT] = {"GOT", .rank = 9, .right = true, .dash = true},
    [LIST_READ] = {"READ", .rank = 9, .right = true, .dash = true},
    [LIST_ID] = {"ID", .rank = 10},
};

/* One run of list. */
struct listing {
    enum exit_status (*print)(struct listing *listing, const struct wormclient_session *session);
    const struct cli_options *options;
    struct table *table; /* NULL unless it is one */
    int64_t now;
};

static const char *format_count(int64_t number, char text[NUMBER_MAX])
{
    snprintf(text, NUMBER_MAX, "%" PRId64, number);
    return text;
}

/* NULL if the peer sends no receipts. */
static const char *format_receipt(int64_t receipt, char text[NUMBER_MAX])
{
    return receipt >= 0 ? format_count(receipt, text) : NULL;
}

/* The result says more than "closed"; other states have a note of what the user can do about. */
static const char *format_state(const struct wormclient_value *view, char text[STATE_MAX])
{
    const char *result = wormclient_value_text(view, "result");
    const char *state = wormclient_value_text(view, "state"), *note = "";

    if (result != NULL)
        return result;
    if (wormclient_value_flag(view, "copied", false))
        note = ", copied";
    else if (wormclient_value_flag(view, "paused", false))
        note = ", paused";
    else if (report_is(view, "verification", "pending") &&
             wormclient_value_text(view, "verifier") != NULL)
        note = ", unverified";
    else if (report_is(view, "state", "exported"))
        note = ", unconfirmed";
    else if (wormclient_value_number(view, "unexpected", 0) > 0)
        note = ", strange messages";
    else if (wormclient_value_flag(view, "nobody_there", false))
        note = ", nobody there";
    if (report_is(view, "state", "established") && wormclient_value_flag(view, "lasting", false))
        state = "lasting";
    snprintf(text, STATE_MAX, "%s%s", state != NULL ? state : "", note);
    return text;
}

/* NULL if there is none. */
static const char *format_moment(const struct wormclient_value *view, const char *key, int64_t now,
                                 char text[WHEN_MAX])
{
    int64_t when = wormclient_value_number(view, key, -1);

    if (when < 0)
        return NULL;
    when_relative(when, now, text);
    return text;
}

/* NULL if there is none. */
static const char *format_next_look(const struct wormclient_value *view, int64_t now,
                                    char text[WHEN_MAX])
{
    const char *connection = wormclient_value_text(view, "connection");

    if (connection != NULL && strcmp(connection, "none") != 0)
        return connection;
    if (wormclient_value_number(view, "next_visit", -1) < 0)
        return NULL;
    when_planned(wormclient_value_number(view, "next_visit", -1), now, text);
    return text;
}

/* NULL if it is over already. */
static const char *format_expiry(const struct wormclient_session *session, int64_t now,
                                 char text[WHEN_MAX])
{
    const char *moment = format_moment(wormclient_session_view(session), "deadline", now, text);

    if (wormclient_session_result(session) != NULL)
        return NULL;
    return moment != NULL ? moment : "never";
}

/* NULL if it is renewed by nobody. */
static const char *format_epoch(const struct wormclient_value *view, char text[NUMBER_MAX])
{
    return wormclient_value_flag(view, "lasting", false)
               ? format_count(wormclient_value_number(view, "epoch", 0), text)
               : NULL;
}

static enum exit_status print_row(struct listing *listing, const struct wormclient_session *session)
{
    char state[STATE_MAX], epoch[NUMBER_MAX], unread[NUMBER_MAX], unsent[NUMBER_MAX],
        got[NUMBER_MAX], read[NUMBER_MAX], news[WHEN_MAX], next[WHEN_MAX], expiry[WHEN_MAX],
        visit[WHEN_MAX];
    const struct wormclient_value *view = wormclient_session_view(session);
    const char *cells[LIST_COLUMNS] = {
        [LIST_NAME] = report_label(session),
        [LIST_STATE] = format_state(view, state),
        [LIST_EPOCH] = format_epoch(view, epoch),
        [LIST_UNREAD] = format_count(wormclient_session_unread(session), unread),
        [LIST_UNSENT] = format_count(
            wormclient_session_sent(session) - wormclient_session_stored(session), unsent),
        [LIST_LAST_NEWS] = format_moment(view, "last_news", listing->now, news),
        [LIST_NEXT_LOOK] = format_next_look(view, listing->now, next),
        [LIST_EXPIRES] = format_expiry(session, listing->now, expiry),
        [LIST_CODE] = report_is(view, "state", "waiting") ? wormclient_session_code(session) : NULL,
        [LIST_LAST_VISIT] = format_moment(view, "last_visit", listing->now, visit),
        [LIST_GOT] = format_receipt(wormclient_session_delivered(session), got),
        [LIST_READ] = format_receipt(wormclient_session_read(session), read),
        [LIST_ID] = wormclient_session_id(session),
    };

    return table_add(listing->table, cells, wormclient_value_number(view, "change", 0),
                     report_colour(session))
               ? EXIT_DONE
               : report_memory();
}

static enum exit_status print_result(struct listing *listing,
                                     const struct wormclient_session *session)
{
    return output_session(listing->options, session);
}

static enum exit_status print_name(struct listing *listing,
                                   const struct wormclient_session *session)
{
    (void)listing;
    const char *label = report_label(session);

    return isatty(STDOUT_FILENO) ? output_text(label, strlen(label)) : output_line(label);
}

static enum exit_status list_all(struct wormclient *client, struct listing *listing)
{
    struct list_pages pages = {.client = client};
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    const struct wormclient_list *page;
    enum exit_status status = EXIT_DONE;

    while (status == EXIT_DONE && (page = list_next_page(&pages, &error)) != NULL) {
        for (size_t i = 0; i < wormclient_list_count(page) && status == EXIT_DONE; i++)
            if (!listing->options->given[OPTION_ACTIVE] ||
                !report_has_ended(wormclient_list_at(page, i)))
                status = listing->print(listing, wormclient_list_at(page, i));
        if (status == EXIT_DONE)
            status = output_flush();
    }
    list_pages_clear(&pages);
    return status == EXIT_DONE && error.code != WORMCLIENT_ERROR_NONE ? report_error(&error)
                                                                      : status;
}

static enum exit_status run_list(struct wormclient *client, const struct cli_options *options)
{
    struct listing listing = {.options = options, .now = clock_now()};
    enum exit_status status;

    if (output_for_program(options)) {
        listing.print = print_result;
    } else if (options->given[OPTION_NAMES]) {
        listing.print = print_name;
    } else {
        listing.print = print_row;
        listing.table = table_new(columns, LIST_COLUMNS);
        if (listing.table == NULL)
            return report_memory();
    }
    status = list_all(client, &listing);
    if (status == EXIT_DONE && listing.table != NULL) {
        size_t width = options->given[OPTION_WIDE] ? 0 : terminal_columns(STDOUT_FILENO);

        status = table_print(listing.table, stdout, width) ? output_flush() : report_memory();
    }
    table_free(listing.table);
    return status;
}

static enum exit_status check_list(const struct cli_options *options)
{
    if (options->given[OPTION_WIDE] && options->given[OPTION_NAMES])
        return report_usage("list", "give either --wide or --names, not both");
    return EXIT_DONE;
}

const struct cli_command list_command = {
    .name = "list",
    .usage = "",
    .help = "list all sessions",
    .details =
        "Those with the latest news come first. Where the terminal is too narrow, columns are\n"
        "left out and long names cut.",
    .options = OPTION_BIT(OPTION_WIDE) | OPTION_BIT(OPTION_ACTIVE) | OPTION_BIT(OPTION_NAMES),
    .fields = fields_view,
    .check = check_list,
    .run = run_list,
};
