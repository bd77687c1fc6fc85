#include "config.h"

#include "relay/relay_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/quantity.h"
#include "base/utf8.h"
#include "service/paths.h"
#include "service/settings_table.h"

#define SECOND INT64_C(1000)
#define DAY    (24 * 3600 * SECOND)
#define MiB    (INT64_C(1) << 20)

#define LISTEN_DEFAULT    "127.0.0.1:4000"
#define RETENTION_DEFAULT (30 * DAY)
/* 16 MiB of application data, the most that wormholed sends, become 32 MiB of hex, plus the JSON
 * around it. */
#define MESSAGE_DEFAULT          (34 * MiB)
#define MAILBOX_BYTES_DEFAULT    (256 * MiB)
#define MAILBOX_MESSAGES_DEFAULT 10000
#define CONNECTIONS_DEFAULT      16384
/* More than wormholed holds. */
#define CHANNELS_DEFAULT 1024
/* Many home routers forget a connection that is silent for five minutes, some after two: a client
 * is asked for a sign of life well before that. */
#define CLIENT_TIMEOUT_DEFAULT (90 * SECOND)
/* One wormholed with its default limits takes up to a tenth over shared connections; without them
 * it would take more than all. */
#define PER_ADDRESS_DEFAULT 512
/* Guessing nameplates disturbs those who wait there; a person needs one a minute. */
#define PER_MINUTE_DEFAULT 60
/* All connections of an address can come back three times in it, as after restarts of the relay; of
 * one core of a small machine, where one takes a millisecond, that is a fortieth. */
#define HANDSHAKES_DEFAULT 1500
/* Half of what one core of a small machine can do; a client that sends 16 MiB once a second is
 * within it. */
#define WORK_DEFAULT (32 * MiB)
/* Fifteen of the largest messages. */
#define STORED_DEFAULT (512 * MiB)
/* Days of the above from a few addresses; a small disk of today. */
#define STORE_SIZE_DEFAULT (8192 * MiB)

/* Too long to tell who it was that came. */
#define BLUR_DEFAULT (3600 * SECOND)

static bool set_endpoints(void *field, const struct settings_bounds *bounds, const char *text,
                          char *ret_why, size_t size)
{
    (void)bounds;
    if (endpoints_parse(text, field))
        return true;
    snprintf(ret_why, size,
             "expected an IP address or localhost, and a port, as in 127.0.0.1:4000 or [::1]:4000; "
             "[::]:4000 and :4000 are all addresses; or at most %d of them, separated by blanks",
             ADDRESS_MAX);
    return false;
}

static bool set_endpoint(void *field, const struct settings_bounds *bounds, const char *text,
                         char *ret_why, size_t size)
{
    struct address_list made;
    (void)bounds;
    if (strpbrk(text, " \t") == NULL && endpoints_parse(text, &made)) {
        made.count = 1; /* of localhost, the first */
        *(struct address_list *)field = made;
        return true;
    }
    snprintf(ret_why, size,
             "expected one IP address or localhost, and a port, as in 127.0.0.1:9100");
    return false;
}

static bool print_endpoints(const void *field, FILE *out)
{
    const struct address_list *endpoints = field;
    for (unsigned i = 0; i < endpoints->count; i++) {
        char text[ENDPOINT_TEXT_SIZE];
        endpoint_text(&endpoints->items[i], text);
        fprintf(out, "%s%s", i > 0 ? " " : "", text);
    }
    return endpoints->count > 0;
}

static const struct settings_type endpoint_list = {set_endpoints, print_endpoints};
static const struct settings_type endpoint = {set_endpoint, print_endpoints};

/* Sets a list of words, each as `take` writes it; false if it does not like one. */
static bool set_words(void *field, const char *text, bool (*take)(const char *word, FILE *out))
{
    char *made = NULL, *copy = strdup(text), *rest = copy, *word;
    size_t length;
    FILE *out = open_memstream(&made, &length);
    bool good = copy != NULL && out != NULL;
    while (good && (word = strsep(&rest, " \t")) != NULL) {
        if (*word == '\0')
            continue;
        if (ftell(out) > 0)
            fputc(' ', out);
        good = take(word, out);
    }
    good = out != NULL && fclose(out) == 0 && good && made != NULL && *made != '\0';
    free(copy);
    if (!good) {
        free(made);
        return false;
    }
    free(*(char **)field);
    *(char **)field = made;
    return true;
}

/* As endpoint_host() writes it, since it is compared with that. */
static bool take_address(const char *word, FILE *out)
{
    union address address;
    char text[INET6_ADDRSTRLEN];
    if (!endpoint_of_host(word, "0", &address))
        return false;
    endpoint_host(&address, text);
    return fputs(text, out) >= 0;
}

static bool set_addresses(void *field, const struct settings_bounds *bounds, const char *text,
                          char *ret_why, size_t size)
{
    (void)bounds;
    if (set_words(field, text, take_address))
        return true;
    snprintf(ret_why, size,
             "expected an IP address without a port, as in 127.0.0.1 or ::1; or several, separated "
             "by blanks");
    return false;
}

/* As browsers send it: a scheme, a host and perhaps a port, and nothing else. */
static bool take_origin(const char *word, FILE *out)
{
    const char *host = strstr(word, "://");
    bool named = host != NULL && host != word && host[3] != '\0' && strchr(host + 3, '/') == NULL &&
                 !utf8_has_control(word);
    return (named || strcmp(word, "*") == 0 || strcmp(word, "null") == 0) && fputs(word, out) >= 0;
}

static bool set_origins(void *field, const struct settings_bounds *bounds, const char *text,
                        char *ret_why, size_t size)
{
    (void)bounds;
    if (set_words(field, text, take_origin))
        return true;
    snprintf(ret_why, size,
             "expected an origin without a path, as in https://wormhole.example.org, or * for all; "
             "or several, separated by blanks");
    return false;
}

static const struct settings_type addresses = {set_addresses, settings_print_text};
static const struct settings_type origins = {set_origins, settings_print_text};

/* ---- the table ---- */

static const struct settings_bounds kv_size = {
    .min = 16 * MiB,
    .max = SIZE_PARSE_MAX,
    .or_zero = true,
};
static const struct settings_bounds retention = {
    .min = SECOND,
    .max = DURATION_MAX,
};
static const struct settings_bounds client_timeout = {
    .min = SECOND, .max = DAY, /* beyond this, nobody would notice that a client has gone */
};
static const struct settings_bounds blur = {
    .max = 30 * DAY,
};
static const struct settings_bounds bits = {
    .max = 40, /* more would keep a client's machine busy for days */
};
static const struct settings_bounds message = {
    .min = 4096,
    .max = 1024 * MiB,
};
static const struct settings_bounds mailbox_bytes = {
    .min = 4096,
    .max = 65536 * MiB,
};
static const struct settings_bounds at_least_one = {
    .min = 1,
    .max = 10000000,
};
static const struct settings_bounds channels = {
    .max = 65536,
};
static const struct settings_bounds no_limit_or_number = {
    .min = 1,
    .max = 10000000,
    .or_zero = true,
};

static const struct settings_bounds no_limit_or_bytes = {
    .min = 1 * MiB,
    .max = SIZE_PARSE_MAX,
    .or_zero = true,
};

#define FIELD(name) offsetof(struct relay_settings, name)

static const struct settings_row rows[] = {
    {"listen", "ADDRESS:PORT", "where to accept clients (repeatable); " LISTEN_DEFAULT,
     &endpoint_list, FIELD(listen), NULL, SETTINGS_LIST},
    {"store", "DIR", "where to keep mailboxes", &settings_path, FIELD(store), NULL, SETTINGS_PLAIN},
    {"max-store-size", "SIZE", "maximum size of the store; 8G", &settings_bytes,
     FIELD(max_store_size), &kv_size, SETTINGS_PLAIN},
    {"retention", "DURATION", "keep a mailbox this long after its last visit; 30d",
     &settings_duration, FIELD(retention), &retention, SETTINGS_PLAIN},
    {"tls-cert", "FILE", "serve TLS with this certificate and its chain", &settings_path,
     FIELD(tls_cert), NULL, SETTINGS_PLAIN},
    {"tls-key", "FILE", "the certificate's key, if not in the same file", &settings_path,
     FIELD(tls_key), NULL, SETTINGS_PLAIN},
    {"metrics-listen", "ADDRESS:PORT", "serve /healthz and /metrics here", &endpoint,
     FIELD(metrics), NULL, SETTINGS_PLAIN},
    {"motd", "TEXT", "message of the day for every client", &settings_text, FIELD(motd), NULL,
     SETTINGS_PLAIN},
    {"error", "TEXT", "turn every client away with this message", &settings_text, FIELD(error),
     NULL, SETTINGS_PLAIN},
    {"advertise-version", "VERSION", "tell clients that this version of them is current",
     &settings_text, FIELD(version), NULL, SETTINGS_PLAIN},
    {"no-list", "", "do not tell clients which nameplates are in use", &settings_switch,
     FIELD(no_list), NULL, SETTINGS_PLAIN},
    {"any-nameplate", "", "let clients claim nameplates that are no numbers", &settings_switch,
     FIELD(any_nameplate), NULL, SETTINGS_PLAIN},
    {"require-hashcash", "BITS", "require a hashcash stamp of this many bits", &settings_number,
     FIELD(hashcash_bits), &bits, SETTINGS_PLAIN},
    {"max-message", "SIZE", "maximum size of a message; 34M", &settings_bytes, FIELD(max_message),
     &message, SETTINGS_PLAIN},
    {"max-mailbox-bytes", "SIZE", "maximum size of a mailbox; 256M", &settings_bytes,
     FIELD(max_mailbox_bytes), &mailbox_bytes, SETTINGS_PLAIN},
    {"max-mailbox-messages", "N", "maximum number of messages in a mailbox; 10000",
     &settings_number, FIELD(max_mailbox_messages), &at_least_one, SETTINGS_PLAIN},
    {"max-connections", "N", "maximum number of connections; 16384", &settings_number,
     FIELD(max_connections), &at_least_one, SETTINGS_PLAIN},
    {"max-channels", "N", "maximum number of sessions on one connection; 1024", &settings_number,
     FIELD(max_channels), &channels, SETTINGS_PLAIN},
    {"client-timeout", "DURATION", "drop a client without a sign of life for this long; 90s",
     &settings_duration, FIELD(client_timeout), &client_timeout, SETTINGS_PLAIN},
    {"max-connections-per-address", "N", "maximum for each address; 512", &settings_number,
     FIELD(max_per_address), &no_limit_or_number, SETTINGS_PLAIN},
    {"allocations-per-minute", "N", "maximum for each address; 60", &settings_number,
     FIELD(allocations), &no_limit_or_number, SETTINGS_PLAIN},
    {"claims-per-minute", "N", "maximum for each address; 60", &settings_number, FIELD(claims),
     &no_limit_or_number, SETTINGS_PLAIN},
    {"handshakes-per-minute", "N", "maximum of TLS for each address; 1500", &settings_number,
     FIELD(handshakes), &no_limit_or_number, SETTINGS_PLAIN},
    {"work-per-second", "SIZE", "bytes of messages for each address; 32M", &settings_bytes,
     FIELD(work), &no_limit_or_bytes, SETTINGS_PLAIN},
    {"stored-per-hour", "SIZE", "bytes of messages stored for each address; 512M", &settings_bytes,
     FIELD(stored), &no_limit_or_bytes, SETTINGS_PLAIN},
    {"allow-origin", "ORIGIN", "web pages on this machine that may connect (repeatable), or *",
     &origins, FIELD(origins), NULL, SETTINGS_LIST},
    {"trust-proxy", "ADDRESS", "believe X-Real-IP and X-Real-Port of this proxy (repeatable)",
     &addresses, FIELD(proxies), NULL, SETTINGS_LIST},
    {"ration-loopback", "", "apply the limits per address to this machine too", &settings_switch,
     FIELD(ration_loopback), NULL, SETTINGS_PLAIN},
    {"log-addresses", "", "log the addresses of clients", &settings_switch, FIELD(log_addresses),
     NULL, SETTINGS_PLAIN},
    {"usage-log", "FILE", "keep a record of how mailboxes are used, and not by whom",
     &settings_path, FIELD(usage_log), NULL, SETTINGS_PLAIN},
    {"blur-usage", "DURATION", "round the times in it; 1h", &settings_duration, FIELD(blur_usage),
     &blur, SETTINGS_PLAIN},
    {"sandbox", "yes|no", "give up what a relay does not need", &settings_switch, FIELD(sandbox),
     NULL, SETTINGS_PLAIN},
    {"log-level", "LEVEL", "error, warning, info or debug", &settings_level, FIELD(log_level), NULL,
     SETTINGS_PLAIN},
};

_Static_assert(sizeof(rows) / sizeof(*rows) <= SETTINGS_MAX, "room for all of them");

static const struct settings_table table = {
    .prefix = "WORMHOLE_RELAYD_",
    .rows = rows,
    .count = sizeof(rows) / sizeof(*rows),
};

const struct options_info relay_settings_options = {
    .table = &table,
    .program = "wormhole-relayd",
    .name = "limits",
    .help = "show the limits that are in force, and why, and exit",
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
        .max_channels = CHANNELS_DEFAULT,
        .client_timeout = CLIENT_TIMEOUT_DEFAULT,
        .max_per_address = PER_ADDRESS_DEFAULT,
        .allocations = PER_MINUTE_DEFAULT,
        .claims = PER_MINUTE_DEFAULT,
        .handshakes = HANDSHAKES_DEFAULT,
        .work = WORK_DEFAULT,
        .stored = STORED_DEFAULT,
        .max_store_size = STORE_SIZE_DEFAULT,
        .blur_usage = BLUR_DEFAULT,
        .sandbox = SANDBOX_DEFAULT,
        .log_level = LOG_LEVEL_INFO,
    };
    endpoints_parse(LISTEN_DEFAULT, &settings->listen);
}

/* The directory that systemd made for us, or the first of several. */
static char *default_store(char *ret_why, size_t size)
{
    const char *given = getenv("STATE_DIRECTORY");
    if (given == NULL || *given != '/')
        return paths_state("wormhole-relayd", "--store DIR", ret_why, size);
    char *store = strndup(given, strcspn(given, ":"));
    if (store == NULL)
        snprintf(ret_why, size, "out of memory");
    return store;
}

static bool complete(struct relay_settings *settings, char *ret_why, size_t size)
{
    char why[512];
    bool good = true;
    if (settings->tls_key != NULL && settings->tls_cert == NULL) {
        settings_place(&table, &settings->origin, "tls-key", why, sizeof(why));
        good = settings_mistake(ret_why, size, "%stls-key is given without tls-cert", why);
    }
    if (settings->store == NULL)
        settings->store = default_store(why, sizeof(why));
    if (settings->store == NULL || !paths_make_absolute(&settings->store, why, sizeof(why)))
        good = settings_mistake(ret_why, size, "%s", why);
    return good;
}

bool relay_settings_read(const struct service_options *options, struct relay_settings *ret_settings,
                         char *ret_why, size_t size)
{
    set_defaults(ret_settings);
    bool good = options_apply(&relay_settings_options, options, ret_settings, &ret_settings->origin,
                              ret_why, size);
    ret_settings->config_file = ret_settings->origin.file;
    return complete(ret_settings, ret_why, size) && good;
}

void relay_settings_clear(struct relay_settings *settings)
{
    free(settings->store);
    free(settings->tls_cert);
    free(settings->tls_key);
    free(settings->motd);
    free(settings->error);
    free(settings->version);
    free(settings->origins);
    free(settings->proxies);
    free(settings->usage_log);
    free(settings->config_file);
    settings_origin_clear(&settings->origin);
    *settings = (struct relay_settings){0};
}

/* ---- what they mean for the parts of the relay ---- */

/* A mailbox can be opened without an allocation or a claim; a client with many sessions does so all
 * the time. */
#define OPENS_PER_MINUTE 600
/* One for each time that somebody begins to type a code, and a walk over all nameplates. */
#define LISTS_PER_MINUTE 120
/* This only slows a single connection down; many from one address can be refused. */
#define MESSAGES_PER_MINUTE 6000
/* Bytes of the JSON around a stored message, and of what the rules add to it; the words in it are
 * bounded by relay/store.h. */
#define MESSAGE_OVERHEAD 512
/* Bytes of answers and of small messages that may wait for one client. */
#define ANSWERS_MAX (UINT64_C(4) << 20)
/* How often within its retention a mailbox with a listener is touched: losing one touch costs
 * little. */
#define TOUCHES 20
/* Most ms between two touches, each of which is a write to the disk. */
#define TOUCH_MAX 3600000
#define TOUCH_MIN 100

struct rules_settings relay_settings_for_rules(const struct relay_settings *settings)
{
    return (struct rules_settings){
        .motd = settings->motd,
        .error = settings->error,
        .version = settings->version,
        .message_max = settings->max_message,
        .retention = settings->retention,
        .hashcash_bits = settings->hashcash_bits,
        .channels = settings->max_channels,
        .list = !settings->no_list,
        .any_nameplate = settings->any_nameplate,
    };
}

struct relay_store_options relay_settings_for_store(const struct relay_settings *settings)
{
    return (struct relay_store_options){
        .address = settings->store,
        .max_bytes = settings->max_store_size,
        .limits.retention = settings->retention,
        .limits.mailbox_bytes = settings->max_mailbox_bytes,
        .limits.mailbox_messages = settings->max_mailbox_messages,
        .limits.piece_bytes = RULES_PIECE_BYTES,
    };
}

static int64_t touch_every(const struct relay_settings *settings)
{
    int64_t every = settings->retention / TOUCHES;
    return every > TOUCH_MAX ? TOUCH_MAX : every < TOUCH_MIN ? TOUCH_MIN : every;
}

/* A client with a backlog is sent no more messages. So what can wait for it is what it was sent
 * before the backlog was noticed, at most a mailbox, and the answers to its commands. */
static size_t backlog_max(const struct relay_settings *settings)
{
    uint64_t mailbox =
        settings->max_mailbox_bytes + (uint64_t)settings->max_mailbox_messages * MESSAGE_OVERHEAD;
    return (mailbox < ANSWERS_MAX ? mailbox : ANSWERS_MAX) + 2 * settings->max_message;
}

struct relay_connection_settings
relay_settings_for_connections(const struct relay_settings *settings)
{
    return (struct relay_connection_settings){
        .message_max = settings->max_message,
        .backlog_max = backlog_max(settings),
        .connections_max = settings->max_connections,
        .client_timeout = settings->client_timeout,
        .touch_every = touch_every(settings),
        .rate_limits = {.connections = settings->max_per_address,
                        .per_minute = {[RULES_RATE_ALLOCATE] = settings->allocations,
                                       [RULES_RATE_CLAIM] = settings->claims,
                                       [RULES_RATE_OPEN] = OPENS_PER_MINUTE,
                                       [RULES_RATE_ADD] = MESSAGES_PER_MINUTE,
                                       [RULES_RATE_LIST] = LISTS_PER_MINUTE},
                        .work = settings->work,
                        .stored = settings->stored,
                        .handshakes = settings->handshakes},
        .limit_loopback = settings->ration_loopback,
        .origins = settings->origins,
        .proxies = settings->proxies,
        .log_addresses = settings->log_addresses,
    };
}
