#include "config.h"

#include "relay/relay_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/paths.h"
#include "service/settings_value.h"

#define SECOND INT64_C(1000)
#define DAY    (24 * 3600 * SECOND)
#define MiB    (UINT64_C(1) << 20)

#define LISTEN_DEFAULT    "127.0.0.1:4000"
#define RETENTION_DEFAULT (30 * DAY)
/* 16 MiB of application data, the most that wormholed sends, are 32 MiB of hex, with JSON around
 * it. */
#define MESSAGE_DEFAULT          (34 * MiB)
#define MAILBOX_BYTES_DEFAULT    (256 * MiB)
#define MAILBOX_MESSAGES_DEFAULT 10000
#define CONNECTIONS_DEFAULT      16384
/* Many home routers forget a connection that is silent for five minutes, some after two; it is
 * asked for a sign of life well before. */
#define CLIENT_TIMEOUT_DEFAULT (90 * SECOND)
/* A wormholed holds up to 256. */
#define PER_ADDRESS_DEFAULT 512
/* Whoever tries nameplates disturbs those who wait behind them; a person needs one in a minute. */
#define PER_MINUTE_DEFAULT 60

static bool set_endpoints(void *field, const struct settings_bounds *bounds, const char *text,
                          char *ret_why, size_t size)
{
    (void)bounds;
    if (endpoints_parse(text, field))
        return true;
    snprintf(ret_why, size,
             "it is an IP address and a port, as in 0.0.0.0:4000 or [::]:4000; at most %d of them, "
             "with blanks between",
             ENDPOINTS_MAX);
    return false;
}

static bool set_endpoint(void *field, const struct settings_bounds *bounds, const char *text,
                         char *ret_why, size_t size)
{
    struct endpoints *endpoints = field, made;
    (void)bounds;
    if (endpoints_parse(text, &made) && made.count == 1) {
        *endpoints = made;
        return true;
    }
    snprintf(ret_why, size, "it is one IP address and a port, as in 127.0.0.1:9100");
    return false;
}

/* ---- the table ---- */

static const struct settings_bounds kv_size = {
    .min = 16 * MiB,
    .max = UINT64_C(1) << 46,
    .or_zero = true,
    .what = "it is a number of bytes from 16M to 64T, as in 2G, or 0 for no limit",
};
static const struct settings_bounds retention = {
    .min = SECOND,
    .max = SETTINGS_TIME_MAX,
    .what = "it is a time from 1s to 36500d, as in 90s, 15m, 12h or 30d",
};
static const struct settings_bounds client_timeout = {
    .min = SECOND,
    .max = DAY, /* beyond, nobody would notice that a client has gone */
    .what = "it is a time from 1s to 1d, as in 90s or 10m",
};
static const struct settings_bounds bits = {
    .max = 40, /* beyond, a computer of a client's would be busy for days */
    .what = "it is a number from 0 to 40",
};
static const struct settings_bounds message = {
    .min = 4096,
    .max = 1024 * MiB,
    .what = "it is a number of bytes from 4K to 1G, as in 8M",
};
static const struct settings_bounds mailbox_bytes = {
    .min = 4096,
    .max = 65536 * MiB,
    .what = "it is a number of bytes from 4K to 64G, as in 256M",
};
static const struct settings_bounds some = {
    .min = 1,
    .max = 10000000,
    .what = "it is a number from 1 to 10000000",
};
static const struct settings_bounds some_or_none = {
    .max = 10000000,
    .what = "it is a number from 0 to 10000000; 0 is no limit",
};

#define FIELD(name) offsetof(struct relay_settings, name)

static const struct settings_row rows[] = {
    {"listen", "ADDRESS:PORT", "where clients come in (repeatable); " LISTEN_DEFAULT, set_endpoints,
     FIELD(listen), NULL, SETTINGS_LIST},
    {"store", "DIR", "where mailboxes are kept", settings_text, FIELD(store), NULL, SETTINGS_PLAIN},
    {"max-store-size", "BYTES", "largest size of the store, as in 2G", settings_bytes,
     FIELD(max_store_size), &kv_size, SETTINGS_PLAIN},
    {"retention", "TIME", "how long a mailbox is kept after its last visit; 30d", settings_duration,
     FIELD(retention), &retention, SETTINGS_PLAIN},
    {"tls-cert", "FILE", "speak TLS, with this certificate and its chain", settings_text,
     FIELD(tls_cert), NULL, SETTINGS_PLAIN},
    {"tls-key", "FILE", "the certificate's key, if it is not in the same file", settings_text,
     FIELD(tls_key), NULL, SETTINGS_PLAIN},
    {"metrics-listen", "ADDRESS:PORT", "serve /healthz and /metrics there", set_endpoint,
     FIELD(metrics), NULL, SETTINGS_PLAIN},
    {"motd", "TEXT", "a message of the day for every client", settings_text, FIELD(motd), NULL,
     SETTINGS_PLAIN},
    {"error", "TEXT", "turn every client away, which shows this to its user", settings_text,
     FIELD(error), NULL, SETTINGS_PLAIN},
    {"no-list", "", "do not tell which nameplates are in use", settings_switch, FIELD(no_list),
     NULL, SETTINGS_PLAIN},
    {"require-hashcash", "BITS", "clients must do so much work first", settings_number,
     FIELD(hashcash_bits), &bits, SETTINGS_PLAIN},
    {"max-message", "BYTES", "largest message; 34M", settings_bytes, FIELD(max_message), &message,
     SETTINGS_PLAIN},
    {"max-mailbox-bytes", "BYTES", "most of a mailbox; 256M", settings_bytes,
     FIELD(max_mailbox_bytes), &mailbox_bytes, SETTINGS_PLAIN},
    {"max-mailbox-messages", "N", "most messages in a mailbox; 10000", settings_number,
     FIELD(max_mailbox_messages), &some, SETTINGS_PLAIN},
    {"max-connections", "N", "most connections; 16384", settings_number, FIELD(max_connections),
     &some, SETTINGS_PLAIN},
    {"client-timeout", "TIME", "drop a client that gives no sign of life for so long; 90s",
     settings_duration, FIELD(client_timeout), &client_timeout, SETTINGS_PLAIN},
    {"max-connections-per-address", "N", "most connections of one address; 512", settings_number,
     FIELD(max_per_address), &some_or_none, SETTINGS_PLAIN},
    {"allocations-per-minute", "N", "of one address; 60", settings_number, FIELD(allocations),
     &some_or_none, SETTINGS_PLAIN},
    {"claims-per-minute", "N", "of one address; 60", settings_number, FIELD(claims), &some_or_none,
     SETTINGS_PLAIN},
    {"ration-loopback", "", "the limits of an address hold for this machine too", settings_switch,
     FIELD(ration_loopback), NULL, SETTINGS_PLAIN},
    {"log-addresses", "", "log the addresses of clients", settings_switch, FIELD(log_addresses),
     NULL, SETTINGS_PLAIN},
    {"log-level", "LEVEL", "error, warning, info or debug", settings_level, FIELD(log_level), NULL,
     SETTINGS_PLAIN},
};

static const struct settings_table table = {
    .prefix = "WORMHOLE_RELAYD_",
    .rows = rows,
    .count = sizeof(rows) / sizeof(*rows),
};

const struct options_info relay_settings_options = {
    .table = &table,
    .intro = "Usage: wormhole-relayd [OPTION]...\n"
             "A rendezvous relay for Magic Wormhole that remembers for weeks.\n\n",
    .outro = "\nSee wormhole-relayd(8).\n",
};

/* ---- defaults ---- */

static void set_defaults(struct relay_settings *settings)
{
    *settings = (struct relay_settings){
        .retention = RETENTION_DEFAULT,
        .max_message = MESSAGE_DEFAULT,
        .max_mailbox_bytes = MAILBOX_BYTES_DEFAULT,
        .max_mailbox_messages = MAILBOX_MESSAGES_DEFAULT,
        .max_connections = CONNECTIONS_DEFAULT,
        .client_timeout = CLIENT_TIMEOUT_DEFAULT,
        .max_per_address = PER_ADDRESS_DEFAULT,
        .allocations = PER_MINUTE_DEFAULT,
        .claims = PER_MINUTE_DEFAULT,
        .log_level = LOG_LEVEL_INFO,
    };
    endpoints_parse(LISTEN_DEFAULT, &settings->listen);
}

/* systemd names a directory of ours; the first one, if there are more. */
static char *default_store(char *ret_why, size_t size)
{
    const char *given = getenv("STATE_DIRECTORY");
    if (!given || *given != '/')
        return paths_state("wormhole-relayd", "--store", ret_why, size);
    char *store = strndup(given, strcspn(given, ":"));
    if (!store)
        snprintf(ret_why, size, "out of memory");
    return store;
}

static bool complete(struct relay_settings *settings, char *ret_why, size_t size)
{
    if (settings->tls_key && !settings->tls_cert) {
        snprintf(ret_why, size, "tls-key is given without tls-cert");
        return false;
    }
    if (!settings->store)
        settings->store = default_store(ret_why, size);
    return settings->store && paths_make_absolute(&settings->store, ret_why, size);
}

bool relay_settings_read(const struct options *options, struct relay_settings *ret_settings,
                         char *ret_why, size_t size)
{
    struct options_origin origin;
    set_defaults(ret_settings);
    if (!options_apply(&relay_settings_options, options, ret_settings, &origin, ret_why, size))
        return false;
    ret_settings->config_file = origin.config_file;
    return complete(ret_settings, ret_why, size);
}

void relay_settings_clear(struct relay_settings *settings)
{
    free(settings->store);
    free(settings->tls_cert);
    free(settings->tls_key);
    free(settings->motd);
    free(settings->error);
    free(settings->config_file);
    *settings = (struct relay_settings){0};
}
