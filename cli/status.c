/* status: how the daemon and its relays are. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/report.h"
#include "cli/result.h"
#include "cli/details.h"

static void show_sessions(const struct wormclient_value *status, const char *label, const char *key)
{
    char text[128];

    snprintf(text, sizeof(text),
             "%" PRId64 ", at a relay now: %" PRId64 ", of these held: %" PRId64,
             wormclient_value_number(status, key, 0), wormclient_value_number(status, "active", 0),
             wormclient_value_number(status, "held", 0));
    details_line(label, text);
}

static const struct details_row relay_rows[] = {
    {"relay", "url", details_text},
    {"  through", "proxy", details_text},
    {"  is", "state", details_text},
    {"  connections", "connections", details_count},
    {"  failures", "failures", details_count},
    {"  why", "last_error", details_text},
    {"  next try", "retry_at", details_moment},
    {"  says", "motd", details_text},
    {"  refuses", "error", details_text},
};

static void show_relays(const struct wormclient_value *status, const char *label, const char *key)
{
    const struct wormclient_value *relays = wormclient_value_get(status, key);

    (void)label; /* each relay brings its own */
    for (size_t i = 0; i < wormclient_value_count(relays); i++) {
        const struct wormclient_value *relay = wormclient_value_at(relays, i);

        for (size_t j = 0; j < sizeof(relay_rows) / sizeof(relay_rows[0]); j++)
            relay_rows[j].show(relay, relay_rows[j].label, relay_rows[j].key);
    }
}

/* Each place is stronger than those before it, so it matters which one it was. */
static void show_default_relay(const struct wormclient_value *status, const char *label,
                               const char *key)
{
    const char *relay = wormclient_value_text(status, key);
    const char *from = wormclient_value_text(status, "default_relay_from");
    char text[1024];

    if (relay == NULL)
        return;
    snprintf(text, sizeof(text), "%s%s%s%s", relay, from != NULL ? " (" : "",
             from != NULL ? from : "", from != NULL ? ")" : "");
    details_line(label, text);
}

static void show_config(const struct wormclient_value *status, const char *label, const char *key)
{
    const char *config = wormclient_value_text(status, key);

    details_line(label, config != NULL ? config : "none");
}

static const struct details_row rows[] = {
    {"wormholed", "version", details_text},
    {"process", "pid", details_count},
    {"started", "started", details_moment},
    {"socket", "socket", details_text},
    {"configuration", "config", show_config},
    {"state in", "state_dir", details_text},
    {"store", "store_bytes", details_bytes},
    {"store limit", "store_limit", details_bytes},
    {"sessions", "sessions", show_sessions},
    {"default relay", "default_relay", show_default_relay},
    {"relays", "relays", show_relays},
};

enum exit_status status_run(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = {0};
    struct wormclient_value *result = wormclient_call(client, "status", NULL, &error);
    enum exit_status status;

    if (result == NULL)
        return report_error(&error);
    status = result_wanted(options) ? result_value(options, result)
                                    : details_print(result, rows, sizeof(rows) / sizeof(rows[0]));
    wormclient_result_free(result);
    return status;
}
