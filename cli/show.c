/* show: all about one session, a line for each thing worth a line. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/report.h"
#include "cli/result.h"
#include "cli/details.h"
#include "cli/verifier.h"

static void show_verifier(const struct wormclient_value *view, const char *label, const char *key)
{
    (void)label; /* it has two */
    (void)key;
    verifier_print(stdout, view);
}

/* What each word of the view's means to a person. */
static void show_verification(const struct wormclient_value *view, const char *label,
                              const char *key)
{
    const char *verification = wormclient_value_text(view, key);

    if (verification == NULL || strcmp(verification, "none") == 0)
        return;
    if (strcmp(verification, "pending") == 0)
        details_line(label, "pending: messages are held back until the verifiers were compared");
    else
        details_line(label, verification);
}

/* It is kept only because nobody has said yet that its text is safe. */
static void show_unconfirmed(const struct wormclient_value *view, const char *label,
                             const char *key)
{
    const char *state = wormclient_value_text(view, key);

    if (state != NULL && strcmp(state, "exported") == 0)
        details_line(label, "its text may not have arrived: wormctl export prints it again; "
                            "once it has: wormctl forget --force");
}

/* ", LABEL: N", unless the peer says nothing about it. */
static void add_receipt(const struct wormclient_value *view, const char *label, const char *key,
                        char *text, size_t size)
{
    int64_t receipt = wormclient_value_number(view, key, -1);
    size_t length = strlen(text);

    if (receipt >= 0)
        snprintf(text + length, size - length, ", %s: %" PRId64, label, receipt);
}

static void show_sent(const struct wormclient_value *view, const char *label, const char *key)
{
    char text[160];

    snprintf(text, sizeof(text), "%" PRId64 ", of these stored by the relay: %" PRId64,
             wormclient_value_number(view, key, 0), wormclient_value_number(view, "stored", 0));
    add_receipt(view, "delivered", "delivered", text, sizeof(text));
    add_receipt(view, "read", "read", text, sizeof(text));
    details_line(label, text);
}

static void show_received(const struct wormclient_value *view, const char *label, const char *key)
{
    char text[96];

    snprintf(text, sizeof(text), "%" PRId64 ", of these unread: %" PRId64,
             wormclient_value_number(view, key, 0), wormclient_value_number(view, "unread", 0));
    details_line(label, text);
}

static void show_paused(const struct wormclient_value *view, const char *label, const char *key)
{
    if (wormclient_value_flag(view, key, false))
        details_line(label, "the other side is not heard until some messages are acknowledged");
}

static void show_inbox(const struct wormclient_value *view, const char *label, const char *key)
{
    int64_t messages = wormclient_value_number(view, key, 0);
    char text[96];

    if (messages == 0)
        return;
    snprintf(text, sizeof(text), "%" PRId64 " unread messages, %" PRId64 " bytes at most", messages,
             wormclient_value_number(view, "inbox_bytes", 0));
    details_line(label, text);
}

/* Nobody asked for an empty object. */
static void show_versions(const struct wormclient_value *view, const char *label, const char *key)
{
    const char *versions = wormclient_value_text(view, key);

    if (versions != NULL && strcmp(versions, "{}") != 0)
        details_line(label, versions);
}

static void show_heals(const struct wormclient_value *view, const char *label, const char *key)
{
    int64_t heals = wormclient_value_number(view, key, 0);
    char text[96];

    if (heals == 0)
        return;
    snprintf(text, sizeof(text), "%" PRId64 " %s the relay had forgotten the mailbox", heals,
             heals == 1 ? "time" : "times");
    details_line(label, text);
}

/* While it is at the relay the plan is the past. */
static void show_next_visit(const struct wormclient_value *view, const char *label, const char *key)
{
    const char *connection = wormclient_value_text(view, "connection");

    if (connection == NULL || strcmp(connection, "none") == 0)
        details_moment(view, label, key);
}

static void show_deadline(const struct wormclient_value *view, const char *label, const char *key)
{
    if (wormclient_value_text(view, "result") == NULL)
        details_moment(view, label, key);
}

static const struct details_row rows[] = {
    {"id", "id", details_text},
    {"name", "name", details_text},
    {"state", "state", details_text},
    {"unconfirmed", "state", show_unconfirmed},
    {"result", "result", details_text},
    {"reason", "reason", details_text},
    {"code", "code", details_text},
    {"verifier", "verifier", show_verifier},
    {"verification", "verification", show_verification},
    {"sent", "sent", show_sent},
    {"received", "received", show_received},
    {"paused", "paused", show_paused},
    {"inbox holds", "inbox_messages", show_inbox},
    {"application", "appid", details_text},
    {"we say", "app_versions", show_versions},
    {"peer says", "peer_versions", details_text},
    {"relay", "relay", details_text},
    {"relay says", "motd", details_text},
    {"relay refuses", "relay_error", details_text},
    {"nameplate", "nameplate", details_text},
    {"schedule", "schedule", details_text},
    {"connection", "connection", details_text},
    {"last visit", "last_visit", details_moment},
    {"next visit", "next_visit", show_next_visit},
    {"failed visits", "failures", details_count},
    {"last failure", "last_error", details_text},
    {"healed", "heals", show_heals},
    {"retention", "retention", details_text},
    {"created", "created", details_moment},
    {"given up", "deadline", show_deadline},
};

enum exit_status show_run(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session;
    enum exit_status status;

    session = wormclient_show(client, options->arguments[0], &error);
    if (session == NULL)
        return report_error_about(&error, options->arguments[0]);
    status = result_wanted(options) ? result_session(options, session)
                                    : details_print(wormclient_session_view(session), rows,
                                                    sizeof(rows) / sizeof(*rows));
    wormclient_session_free(session);
    return status;
}
