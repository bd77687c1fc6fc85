/* show and status: all about a session, or about the daemon, a line for each thing worth one. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/verify.h"
#include "cli/wait.h"
#include "cli/when.h"

/* A line for people; `print` leaves it out if there is nothing to say. */
struct detail {
    const char *label;
    const char *key; /* in a view of the daemon */
    void (*print)(const struct wormclient_value *map, const char *label, const char *key);
};

/* ---- kinds of lines ---- */
static void print_text(const struct wormclient_value *map, const char *label, const char *key)
{
    const char *text = wormclient_value_text(map, key);

    if (text != NULL)
        output_labelled(label, text);
}

static void print_moment(const struct wormclient_value *map, const char *label, const char *key)
{
    int64_t when = wormclient_value_number(map, key, -1);
    char text[WHEN_MAX];

    if (when >= 0) {
        when_absolute(when, clock_now(), text);
        output_labelled(label, text);
    }
}

/* A number, unless it is 0. */
static void print_count(const struct wormclient_value *map, const char *label, const char *key)
{
    int64_t number = wormclient_value_number(map, key, 0);
    char text[32];

    if (number != 0) {
        snprintf(text, sizeof(text), "%" PRId64, number);
        output_labelled(label, text);
    }
}

static void print_bytes(const struct wormclient_value *map, const char *label, const char *key)
{
    int64_t bytes = wormclient_value_number(map, key, -1);
    char text[48];

    if (bytes >= 0) {
        snprintf(text, sizeof(text), "%.1f MiB", (double)bytes / (1024 * 1024));
        output_labelled(label, text);
    }
}

/* Prints all lines, and flushes. */
static enum exit_status print_details(const struct wormclient_value *map,
                                      const struct detail *details, size_t count)
{
    for (size_t i = 0; i < count; i++)
        details[i].print(map, details[i].label, details[i].key);
    return output_flush();
}

/* ---- show ---- */

static void print_verification(const struct wormclient_value *view, const char *label,
                               const char *key)
{
    const char *verification = wormclient_value_text(view, key);

    if (verification == NULL || report_is(view, key, "none"))
        return;
    if (report_is(view, key, "pending"))
        output_labelled(label,
                        "pending: messages are held back until the verifiers have been compared");
    else
        output_labelled(label, verification);
}

/* It is kept until somebody confirms that its text is safe. */
static void print_unconfirmed(const struct wormclient_value *view, const char *label,
                              const char *key)
{
    if (report_is(view, key, "exported"))
        output_labelled(label, "the text may not have arrived; wormctl export prints it again; "
                               "once it has arrived: wormctl forget --force");
}

/* Appends ", LABEL: N", unless the peer sends no receipts. */
static void add_receipt(const struct wormclient_value *view, const char *label, const char *key,
                        char *text, size_t size)
{
    int64_t receipt = wormclient_value_number(view, key, -1);
    size_t length = strlen(text);

    if (receipt >= 0)
        snprintf(text + length, size - length, ", %s: %" PRId64, label, receipt);
}

static void print_sent(const struct wormclient_value *view, const char *label, const char *key)
{
    char text[160];

    snprintf(text, sizeof(text), "%" PRId64 ", stored by the relay: %" PRId64,
             wormclient_value_number(view, key, 0), wormclient_value_number(view, "stored", 0));
    add_receipt(view, "delivered", "delivered", text, sizeof(text));
    add_receipt(view, "read", "read", text, sizeof(text));
    output_labelled(label, text);
}

static void print_received(const struct wormclient_value *view, const char *label, const char *key)
{
    char text[96];

    snprintf(text, sizeof(text), "%" PRId64 ", unread: %" PRId64,
             wormclient_value_number(view, key, 0), wormclient_value_number(view, "unread", 0));
    output_labelled(label, text);
}

static void print_paused(const struct wormclient_value *view, const char *label, const char *key)
{
    if (wormclient_value_flag(view, key, false))
        output_labelled(label, "nothing more is received until some messages are acknowledged");
}

static void print_leased(const struct wormclient_value *view, const char *label, const char *key)
{
    if (wormclient_value_flag(view, key, false))
        output_labelled(label, "another program is at work on the unread messages");
}

static void print_copied(const struct wormclient_value *view, const char *label, const char *key)
{
    if (wormclient_value_flag(view, key, false))
        output_labelled(label,
                        "the daemon's store is an older copy, or one of two: nothing more is "
                        "sent from here; begin a new session");
}

static void print_inbox(const struct wormclient_value *view, const char *label, const char *key)
{
    int64_t messages = wormclient_value_number(view, key, 0);
    char text[96];

    if (messages == 0)
        return;
    snprintf(text, sizeof(text), "%" PRId64 " unread messages, %" PRId64 " bytes at most", messages,
             wormclient_value_number(view, "inbox_bytes", 0));
    output_labelled(label, text);
}

/* An empty object is the default. */
static void print_versions(const struct wormclient_value *view, const char *label, const char *key)
{
    const char *versions = wormclient_value_text(view, key);

    if (versions != NULL && strcmp(versions, "{}") != 0)
        output_labelled(label, versions);
}

static void print_heals(const struct wormclient_value *view, const char *label, const char *key)
{
    int64_t heals = wormclient_value_number(view, key, 0);
    char text[96];

    if (heals == 0)
        return;
    snprintf(text, sizeof(text), "%" PRId64 " %s, after the relay had forgotten the mailbox", heals,
             heals == 1 ? "time" : "times");
    output_labelled(label, text);
}

static void print_strangers(const struct wormclient_value *view, const char *label, const char *key)
{
    int64_t strangers = wormclient_value_number(view, key, 0);
    char text[160];

    if (strangers == 0)
        return;
    snprintf(text, sizeof(text),
             "%" PRId64 " %s the relay had given the nameplate to somebody else; "
             "the code is still good",
             strangers, strangers == 1 ? "time" : "times");
    output_labelled(label, text);
}

static void print_unexpected(const struct wormclient_value *view, const char *label,
                             const char *key)
{
    int64_t messages = wormclient_value_number(view, key, 0);
    char text[320];

    if (messages == 0)
        return;
    snprintf(text, sizeof(text), "%" PRId64 " %s (so it is visited less often): %s", messages,
             messages == 1 ? "message" : "messages", wait_unexpected);
    output_labelled(label, text);
}

/* While it is connected, the plan is out of date. */
static void print_next_visit(const struct wormclient_value *view, const char *label,
                             const char *key)
{
    if (wormclient_value_text(view, "connection") == NULL || report_is(view, "connection", "none"))
        print_moment(view, label, key);
}

/* What it may be that ends it, and by which of the two limits. */
static void print_deadline(const struct wormclient_value *view, const char *label, const char *key)
{
    bool established = report_is(view, "state", "established");
    bool exported = report_is(view, "state", "exported");
    char when[WHEN_MAX], limit[QUANTITY_TEXT_SIZE], text[256];

    if (wormclient_value_text(view, "result") != NULL)
        return;
    if (wormclient_value_number(view, key, 0) == 0) {
        output_labelled(label, "never: the session is lasting");
        return;
    }
    when_absolute(wormclient_value_number(view, key, 0), clock_now(), when);
    int64_t ms = wormclient_value_number(view, established ? "expire" : "timeout", 0);
    duration_format(ms > 0 ? ms : 0, limit);
    snprintf(text, sizeof(text),
             established ? "%s, %s after the peer's last news"
             : exported  ? "%s, %s after the beginning"
                         : "%s, %s after the beginning, unless the peer has come",
             when, limit);
    output_labelled(label, text);
}

static void print_nobody(const struct wormclient_value *view, const char *label, const char *key)
{
    if (wormclient_value_flag(view, key, false))
        output_labelled(label, wait_nobody_there);
}

static void print_lasting(const struct wormclient_value *view, const char *label, const char *key)
{
    char text[128];

    if (!wormclient_value_flag(view, "lasting", false))
        return;
    snprintf(
        text, sizeof(text), "epoch %" PRId64 ", %" PRId64 " bytes in the mailbox at the last visit",
        wormclient_value_number(view, key, 0), wormclient_value_number(view, "visit_bytes", 0));
    output_labelled(label, text);
}

/* The lines before the verifier. */
static const struct detail identity_details[] = {
    {"id", "id", print_text},
    {"name", "name", print_text},
    {"state", "state", print_text},
    {"unconfirmed", "state", print_unconfirmed},
    {"result", "result", print_text},
    {"reason", "reason", print_text},
    {"code", "code", print_text},
    {"peer", "nobody_there", print_nobody},
    {"unexpected", "unexpected", print_unexpected},
};

/* Those after the verifier. */
/* What other sessions have met: this one may not have tried yet. */
static void print_relay_failure(const struct wormclient_value *view, const char *label,
                                const char *key)
{
    if (wormclient_value_text(view, "last_error") == NULL)
        print_text(view, label, key);
}

/* Relays, if there is more than one. */
static void print_several(const struct wormclient_value *view, const char *label, const char *key)
{
    const char *relays = wormclient_value_text(view, key);

    if (relays != NULL && strchr(relays, ' ') != NULL)
        output_labelled(label, relays);
}

static const struct detail progress_details[] = {
    {"verification", "verification", print_verification},
    {"sent", "sent", print_sent},
    {"received", "received", print_received},
    {"copied", "copied", print_copied},
    {"paused", "paused", print_paused},
    {"leased", "leased", print_leased},
    {"inbox limit", "inbox_messages", print_inbox},
    {"application", "appid", print_text},
    {"our versions", "app_versions", print_versions},
    {"peer versions", "peer_versions", print_text},
    {"relay", "relay", print_text},
    {"relay message", "motd", print_text},
    {"relay refusal", "relay_error", print_text},
    {"relays", "routes", print_several},
    {"leaving", "leaving", print_text},
    {"lasting", "epoch", print_lasting},
    {"nameplate", "nameplate", print_text},
    {"schedule", "schedule", print_text},
    {"connection", "connection", print_text},
    {"last news", "last_news", print_moment},
    {"last visit", "last_visit", print_moment},
    {"next visit", "next_visit", print_next_visit},
    {"failed visits", "failures", print_count},
    {"last failure", "last_error", print_text},
    {"relay failure", "relay_failure", print_relay_failure},
    {"healed", "heals", print_heals},
    {"strangers", "strangers", print_strangers},
    {"retention", "retention", print_text},
    {"created", "created", print_moment},
    {"expires", "deadline", print_deadline},
};

static enum exit_status run_show(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session = wormclient_show(client, options->arguments[0], &error);
    const struct wormclient_value *view;
    enum exit_status status;

    if (session == NULL)
        return report_error_about(&error, options->arguments[0]);
    view = wormclient_session_view(session);
    if (output_for_program(options)) {
        status = output_session(options, session);
    } else {
        for (size_t i = 0; i < sizeof(identity_details) / sizeof(identity_details[0]); i++)
            identity_details[i].print(view, identity_details[i].label, identity_details[i].key);
        verify_print(stdout, session);
        status = print_details(view, progress_details,
                               sizeof(progress_details) / sizeof(progress_details[0]));
    }
    wormclient_session_free(session);
    return status;
}

const struct cli_command show_command = {
    .name = "show",
    .usage = "SESSION",
    .help = "show everything about a session",
    .fields = fields_view,
    .least = 1,
    .most = 1,
    .run = run_show,
};

/* ---- status ---- */

static void print_sessions(const struct wormclient_value *status, const char *label,
                           const char *key)
{
    char text[128];

    snprintf(text, sizeof(text), "%" PRId64 ", connected: %" PRId64 ", held: %" PRId64,
             wormclient_value_number(status, key, 0), wormclient_value_number(status, "active", 0),
             wormclient_value_number(status, "held", 0));
    output_labelled(label, text);
}

/* The time may be over without a try: no session needs the relay at present. */
static void print_next_try(const struct wormclient_value *relay, const char *label, const char *key)
{
    if (wormclient_value_number(relay, key, -1) > clock_now())
        print_moment(relay, label, key);
}

/* Nothing, where the relay asks for none. */
static void print_hashcash(const struct wormclient_value *relay, const char *label, const char *key)
{
    int64_t hashes = wormclient_value_number(relay, key, 0);
    char text[64];

    if (hashes == 0)
        return;
    snprintf(text, sizeof(text), "%" PRId64 " hashes of what it may cost in an hour", hashes);
    output_labelled(label, text);
}

static const struct detail relay_details[] = {
    {"relay", "url", print_text},
    {"  proxy", "proxy", print_text},
    {"  state", "state", print_text},
    {"  connections", "connections", print_count},
    {"  failures", "failures", print_count},
    {"  last error", "last_error", print_text},
    {"  next try", "retry_at", print_next_try},
    {"  hashcash", "hashcash", print_hashcash},
    {"  no visit until", "hashcash_until", print_next_try},
    {"  message", "motd", print_text},
    {"  refusal", "error", print_text},
};

static void print_relays(const struct wormclient_value *status, const char *label, const char *key)
{
    const struct wormclient_value *relays = wormclient_value_get(status, key);

    (void)label; /* each relay has its own */
    for (size_t i = 0; i < wormclient_value_count(relays); i++) {
        const struct wormclient_value *relay = wormclient_value_at(relays, i);

        for (size_t j = 0; j < sizeof(relay_details) / sizeof(relay_details[0]); j++)
            relay_details[j].print(relay, relay_details[j].label, relay_details[j].key);
    }
}

/* Several places can set it, so it matters which one did. */
static void print_default_relay(const struct wormclient_value *status, const char *label,
                                const char *key)
{
    const char *relay = wormclient_value_text(status, key);
    const char *from = wormclient_value_text(status, "default_relay_from");
    char text[1024];

    if (relay == NULL)
        return;
    snprintf(text, sizeof(text), "%s%s%s%s", relay, from != NULL ? " (" : "",
             from != NULL ? from : "", from != NULL ? ")" : "");
    output_labelled(label, text);
}

static void print_config(const struct wormclient_value *status, const char *label, const char *key)
{
    const char *config = wormclient_value_text(status, key);

    output_labelled(label, config != NULL ? config : "none");
}

static const struct detail daemon_details[] = {
    {"wormholed", "version", print_text},
    {"process", "pid", print_count},
    {"started", "started", print_moment},
    {"socket", "socket", print_text},
    {"configuration", "config", print_config},
    {"not reloaded", "config_error", print_text},
    {"state dir", "state_dir", print_text},
    {"store", "store_bytes", print_bytes},
    {"store limit", "store_limit", print_bytes},
    {"store health", "store_health", print_text},
    {"store error", "store_error", print_text},
    {"sandbox", "sandbox", print_text},
    {"sessions", "sessions", print_sessions},
    {"default relay", "default_relay", print_default_relay},
    {"relays", "relays", print_relays},
};

static enum exit_status run_status(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_status *daemon = wormclient_status(client, &error);
    enum exit_status status;

    if (daemon == NULL)
        return report_error(&error);
    status = output_for_program(options)
                 ? output_value(options, wormclient_status_view(daemon))
                 : print_details(wormclient_status_view(daemon), daemon_details,
                                 sizeof(daemon_details) / sizeof(daemon_details[0]));
    wormclient_status_free(daemon);
    return status;
}

const struct cli_command status_command = {
    .name = "status",
    .usage = "",
    .help = "show the status of the daemon and its relays",
    .fields = fields_status,
    .run = run_status,
};
