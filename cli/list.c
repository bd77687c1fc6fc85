/* list: what is going on. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/when.h"

/* Sessions asked for at a time: the most that the daemon gives, so memory stays bounded. */
#define PAGE 1000
/* Room for a 64-bit number. */
#define NUMBER_MAX 24

static const struct table_column columns[] = {
    {"SESSION", false}, {"NAME", false},  {"STATE", false},      {"CODE", false},
    {"UNREAD", true},   {"UNSENT", true}, {"LAST VISIT", false}, {"NEXT VISIT", false},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* A way to list: what is done for each view, and after each page. */
struct listing {
    enum exit_status (*view)(struct listing *listing, const struct wormclient_value *view);
    struct table *table; /* NULL unless it is one */
    int64_t now;
};

static const char *format_count(int64_t number, char text[NUMBER_MAX])
{
    snprintf(text, NUMBER_MAX, "%" PRId64, number);
    return text;
}

/* The result says more than "closed". */
static const char *state_of(const struct wormclient_value *view)
{
    const char *result = wormclient_value_text(view, "result");

    return result != NULL ? result : wormclient_value_text(view, "state");
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
    char unread[NUMBER_MAX], unsent[NUMBER_MAX], last[WHEN_MAX], next[WHEN_MAX];
    const char *cells[COLUMNS] = {
        wormclient_value_text(view, "id"),
        wormclient_value_text(view, "name"),
        state_of(view),
        wormclient_value_text(view, "code"),
        format_count(wormclient_value_number(view, "unread", 0), unread),
        format_count(wormclient_value_number(view, "sent", 0) -
                         wormclient_value_number(view, "stored", 0),
                     unsent),
        format_moment(view, "last_visit", listing->now, last),
        format_next_visit(view, listing->now, next),
    };

    return table_add(listing->table, cells) ? EXIT_DONE : report_memory();
}

static enum exit_status list_json(struct listing *listing, const struct wormclient_value *view)
{
    (void)listing;
    return output_json(view);
}

static enum exit_status list_name(struct listing *listing, const struct wormclient_value *view)
{
    const char *name = wormclient_value_text(view, "name");

    (void)listing;
    return output_line(name != NULL ? name : wormclient_value_text(view, "id"));
}

static enum exit_status list_page(struct listing *listing, const struct wormclient_value *page)
{
    const struct wormclient_value *sessions = wormclient_value_get(page, "sessions");
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

/* The page after `after` (NULL: the first). New; wormclient_result_free(). */
static struct wormclient_value *ask_page(struct wormclient *client, const char *after,
                                         struct wormclient_error *ret_error)
{
    struct wormclient_params *params = wormclient_params_new();

    if (after != NULL)
        wormclient_params_text(params, "after", after);
    wormclient_params_number(params, "limit", PAGE);
    return wormclient_call(client, "list", params, ret_error);
}

static enum exit_status list_pages(struct wormclient *client, struct listing *listing)
{
    struct wormclient_value *page = NULL;
    enum exit_status status;
    const char *after = NULL;

    do {
        struct wormclient_error error = {0};
        struct wormclient_value *next = ask_page(client, after, &error);

        wormclient_result_free(page);
        page = next;
        if (page == NULL)
            return report_error(&error);
        status = list_page(listing, page);
        after = wormclient_value_text(page, "next");
    } while (status == EXIT_DONE && after != NULL);
    wormclient_result_free(page);
    return status;
}

enum exit_status list_run(struct wormclient *client, const struct options *options)
{
    struct listing listing = {.now = when_now()};
    enum exit_status status;

    if (options->given[OPTION_JSON]) {
        listing.view = list_json;
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
