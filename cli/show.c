/* show: all about one session, a line for each thing worth a line. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/sheet.h"

/* The verifier is compared by eye or aloud: in groups of four digits. */
#define VERIFIER_DIGITS 64
#define VERIFIER_GROUP  4

static void show_verifier(const struct wormclient_value *view, const char *label, const char *key)
{
    const char *verifier = wormclient_value_text(view, key);
    char groups[VERIFIER_DIGITS + VERIFIER_DIGITS / VERIFIER_GROUP + 1];
    size_t to = 0;

    if (verifier == NULL || strlen(verifier) != VERIFIER_DIGITS)
        return;
    for (size_t i = 0; i < VERIFIER_DIGITS; i++) {
        if (i > 0 && i % VERIFIER_GROUP == 0)
            groups[to++] = ' ';
        groups[to++] = verifier[i];
    }
    groups[to] = '\0';
    sheet_line(label, groups);
}

static void show_sent(const struct wormclient_value *view, const char *label, const char *key)
{
    char text[96];

    snprintf(text, sizeof(text), "%" PRId64 ", of these stored by the relay: %" PRId64,
             wormclient_value_number(view, key, 0), wormclient_value_number(view, "stored", 0));
    sheet_line(label, text);
}

static void show_received(const struct wormclient_value *view, const char *label, const char *key)
{
    char text[96];

    snprintf(text, sizeof(text), "%" PRId64 ", of these unread: %" PRId64,
             wormclient_value_number(view, key, 0), wormclient_value_number(view, "unread", 0));
    sheet_line(label, text);
}

static void show_heals(const struct wormclient_value *view, const char *label, const char *key)
{
    int64_t heals = wormclient_value_number(view, key, 0);
    char text[96];

    if (heals == 0)
        return;
    snprintf(text, sizeof(text), "%" PRId64 " %s the relay had forgotten the mailbox", heals,
             heals == 1 ? "time" : "times");
    sheet_line(label, text);
}

/* While it is at the relay the plan is the past. */
static void show_next_visit(const struct wormclient_value *view, const char *label, const char *key)
{
    const char *connection = wormclient_value_text(view, "connection");

    if (connection == NULL || strcmp(connection, "none") == 0)
        sheet_moment(view, label, key);
}

static void show_deadline(const struct wormclient_value *view, const char *label, const char *key)
{
    if (wormclient_value_text(view, "result") == NULL)
        sheet_moment(view, label, key);
}

static const struct sheet_row rows[] = {
    {"id", "id", sheet_text},
    {"name", "name", sheet_text},
    {"state", "state", sheet_text},
    {"result", "result", sheet_text},
    {"reason", "reason", sheet_text},
    {"code", "code", sheet_text},
    {"verifier", "verifier", show_verifier},
    {"sent", "sent", show_sent},
    {"received", "received", show_received},
    {"application", "appid", sheet_text},
    {"peer says", "peer_versions", sheet_text},
    {"relay", "relay", sheet_text},
    {"relay says", "motd", sheet_text},
    {"relay refuses", "relay_error", sheet_text},
    {"nameplate", "nameplate", sheet_text},
    {"schedule", "schedule", sheet_text},
    {"connection", "connection", sheet_text},
    {"last visit", "last_visit", sheet_moment},
    {"next visit", "next_visit", show_next_visit},
    {"failed visits", "failures", sheet_count},
    {"last failure", "last_error", sheet_text},
    {"healed", "heals", show_heals},
    {"retention", "retention", sheet_text},
    {"created", "created", sheet_moment},
    {"given up", "deadline", show_deadline},
};

enum exit_status show_run(struct wormclient *client, const struct options *options)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session;
    enum exit_status status;

    session = wormclient_show(client, options->arguments[0], &error);
    if (session == NULL)
        return report_error(&error);
    status = options->given[OPTION_JSON] ? output_session(session)
                                         : sheet_print(wormclient_session_view(session), rows,
                                                       sizeof(rows) / sizeof(*rows));
    wormclient_session_free(session);
    return status;
}
