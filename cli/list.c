/* list: what is going on. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/pages.h"
#include "cli/report.h"
#include "cli/result.h"
#include "cli/table.h"
#include "cli/when.h"

/* Room for a 64-bit number. */
#define NUMBER_MAX 24
/* Room for a state and a word about it. */
#define STATE_MAX 64

static const struct table_column columns[] = {
    {"SESSION", false},    {"NAME", false},       {"STATE", false}, {"CODE", false},
    {"UNREAD", true},      {"UNSENT", true},      {"GOT", true},    {"READ", true},
    {"LAST VISIT", false}, {"NEXT VISIT", false},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* A way to list: what is done for each view, and after each page. */
struct listing {
    enum exit_status (*view)(struct listing *listing, const struct wormclient_value *view);
    const struct cli_options *options;
    struct table *table; /* NULL unless it is one */
    int64_t now;
};

static const char *format_count(int64_t number, char text[NUMBER_MAX])
{
    snprintf(text, NUMBER_MAX, "%" PRId64, number);
    return text;
}

/* What the peer says about it, if it does. */
static const char *format_receipt(const struct wormclient_value *view, const char *key,
                                  char text[NUMBER_MAX])
{
    int64_t receipt = wormclient_value_number(view, key, -1);

    return receipt >= 0 ? format_count(receipt, text) : NULL;
}

static bool is_text(const struct wormclient_value *view, const char *key, const char *wanted)
{
    const char *text = wormclient_value_text(view, key);

    return text != NULL && strcmp(text, wanted) == 0;
}

/* A session that has not ended may be stuck for a reason that the user can do something about. */
static const char *note_of(const struct wormclient_value *view)
{
    if (wormclient_value_flag(view, "paused", false))
        return ", paused";
    if (is_text(view, "verification", "pending") && wormclient_value_text(view, "verifier") != NULL)
        return ", unverified";
    if (is_text(view, "state", "exported"))
        return ", unconfirmed";
    return "";
}

/* The result says more than "closed". */
static const char *format_state(const struct wormclient_value *view, char text[STATE_MAX])
{
    const char *result = wormclient_value_text(view, "result");
    const char *state = wormclient_value_text(view, "state");

    if (result != NULL)
        return result;
    snprintf(text, STATE_MAX, "%s%s", state != NULL ? state : "", note_of(view));
    return text;
}

static const char *format_moment(const struct wormclient_value *view, const char *key, int64_t now,
                                 char text[WHEN_MAX])
{
    int64_t when = wormclient_value_number(view, key, -1);

    if (when < 0)
        return "";
    when_relative(when, now, text);
    return text;
}

static const char *format_next_visit(const struct wormclient_value *view, int64_t now,
                                     char text[WHEN_MAX])
{
    const char *connection = wormclient_value_text(view, "connection");

    if (connection != NULL && strcmp(connection, "none") != 0)
        return connection;
    return format_moment(view, "next_visit", now, text);
}

static enum exit_status list_row(struct listing *listing, const struct wormclient_value *view)
{
    char state[STATE_MAX], unread[NUMBER_MAX], unsent[NUMBER_MAX], got[NUMBER_MAX],
        seen[NUMBER_MAX], last[WHEN_MAX], next[WHEN_MAX];
    int64_t sent = wormclient_value_number(view, "sent", 0);
    const char *cells[COLUMNS] = {
        wormclient_value_text(view, "id"),
        wormclient_value_text(view, "name"),
        format_state(view, state),
        wormclient_value_text(view, "code"),
        format_count(wormclient_value_number(view, "unread", 0), unread),
        format_count(sent - wormclient_value_number(view, "stored", 0), unsent),
        format_receipt(view, "delivered", got),
        format_receipt(view, "read", seen),
        format_moment(view, "last_visit", listing->now, last),
        format_next_visit(view, listing->now, next),
    };

    return table_add(listing->table, cells) ? EXIT_DONE : report_memory();
}

static enum exit_status list_result(struct listing *listing, const struct wormclient_value *view)
{
    return result_value(listing->options, view);
}

static enum exit_status list_name(struct listing *listing, const struct wormclient_value *view)
{
    const char *name = wormclient_value_text(view, "name");

    (void)listing;
    return output_line(name != NULL ? name : wormclient_value_text(view, "id"));
}

static enum exit_status list_page(struct listing *listing, const struct wormclient_value *sessions)
{
    size_t count = wormclient_value_count(sessions);

    for (size_t i = 0; i < count; i++) {
        enum exit_status status = listing->view(listing, wormclient_value_at(sessions, i));

        if (status != EXIT_DONE)
            return status;
    }
    if (listing->table != NULL)
        table_print(listing->table, stdout);
    return output_flush();
}

static enum exit_status list_pages(struct wormclient *client, struct listing *listing)
{
    struct pages pages = {.client = client};
    const struct wormclient_value *sessions;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    enum exit_status status = EXIT_DONE;

    while (status == EXIT_DONE && (sessions = pages_next(&pages, &error)) != NULL)
        status = list_page(listing, sessions);
    pages_clear(&pages);
    return status == EXIT_DONE && error.code != WORMCLIENT_ERROR_NONE ? report_error(&error)
                                                                      : status;
}

enum exit_status list_run(struct wormclient *client, const struct cli_options *options)
{
    struct listing listing = {.options = options, .now = clock_now()};
    enum exit_status status;

    if (result_wanted(options)) {
        listing.view = list_result;
    } else if (options->given[OPTION_NAMES]) {
        listing.view = list_name;
    } else {
        listing.view = list_row;
        listing.table = table_new(columns, COLUMNS);
        if (listing.table == NULL)
            return report_memory();
    }
    status = list_pages(client, &listing);
    table_free(listing.table);
    return status;
}
