#include "config.h"

#include "daemon/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/url.h"
#include "service/paths.h"
#include "service/settings_value.h"

#define DAY (INT64_C(24) * 3600 * 1000)

#define KEEP_DEFAULT (30 * DAY)
/* Some tens of kilobytes each; three quarters of them may be held. The soft limit of descriptors is
 * raised to the hard one, which is far above. */
#define CONNECTIONS_DEFAULT 1024
#define CONNECTIONS_MAX     65536
/* LMDB's tables and one message need some room before anything works. */
#define STORE_SIZE_MIN (UINT64_C(1) << 20)
#define STORE_SIZE_MAX (UINT64_C(1) << 46)

static bool set_relay(void *field, const struct settings_bounds *bounds, const char *text,
                      char *ret_why, size_t size)
{
    struct url url;
    enum url_fault fault = url_parse(text, &url);
    if (fault == URL_OK)
        return settings_text(field, bounds, text, ret_why, size);
    snprintf(ret_why, size, "%s", url_fault_text(fault));
    return false;
}

static const struct settings_bounds store_size = {
    .min = STORE_SIZE_MIN,
    .max = STORE_SIZE_MAX,
    .or_zero = true,
    .what = "it is a number of bytes from 1M to 64T, as in 500000000, 512M or 2G, or 0 for no "
            "limit",
};

static const struct settings_bounds keep = {
    .max = SETTINGS_TIME_MAX,
    .what = "it is a time of at most 36500 days, as in 90s, 15m, 12h or 30d",
};

static const struct settings_bounds connections = {
    .min = 1,
    .max = CONNECTIONS_MAX,
    .what = "it is a number from 1 to 65536",
};

#define FIELD(name) offsetof(struct settings, name)

static const struct settings_row rows[] = {
    {"state", "DIR", "where sessions are kept", settings_text, FIELD(state), NULL, false},
    {"socket", "PATH", "where programs reach the daemon", settings_text, FIELD(socket), NULL,
     false},
    {"relay", "URL", "relay for sessions that name none", set_relay, FIELD(relay), NULL, false},
    {"log-level", "LEVEL", "error, warning, info or debug", settings_level, FIELD(log_level), NULL,
     false},
    {"cafile", "FILE", "certificates to trust instead of the system's", settings_text,
     FIELD(cafile), NULL, false},
    {"max-store-size", "BYTES", "largest size of the store, as in 2G", settings_bytes,
     FIELD(max_store_size), &store_size, false},
    {"keep", "TIME", "how long ended sessions stay listed, as in 30d", settings_duration,
     FIELD(keep), &keep, false},
    {"max-connections", "N", "most connections to relays at a time", settings_number,
     FIELD(max_connections), &connections, false},
};

static const struct settings_table table = {
    .prefix = "WORMHOLED_",
    .rows = rows,
    .count = sizeof rows / sizeof *rows,
};

const struct options_info settings_options = {
    .table = &table,
    .name = "foreground",
    .help = "stay in the foreground",
    .intro = "Usage: wormholed [OPTION]...\n"
             "Keeps Magic Wormhole sessions alive, over restarts and for weeks.\n"
             "Goes into the background once it can be reached.\n\n",
    .outro = "\nSee wormholed(8). Programs reach it through wormctl(1) and libwormclient.\n",
};

bool settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .relay = strdup(DEFAULT_RELAY),
        .log_level = LOG_LEVEL_INFO,
        .keep = KEEP_DEFAULT,
        .max_connections = CONNECTIONS_DEFAULT,
    };
    return settings->relay;
}

void settings_clear(struct settings *settings)
{
    free(settings->state);
    free(settings->socket);
    free(settings->relay);
    free(settings->cafile);
    *settings = (struct settings){0};
}

/* Fills in the default paths where none is set, and makes all paths absolute. */
static bool complete(struct settings *settings, char *ret_why, size_t size)
{
    if (!settings->state)
        settings->state = paths_state("wormholed", "--state", ret_why, size);
    if (!settings->state)
        return false;
    if (!settings->socket)
        settings->socket = paths_runtime("wormholed/socket", "--socket", ret_why, size);
    return settings->socket && paths_make_absolute(&settings->state, ret_why, size) &&
           paths_make_absolute(&settings->socket, ret_why, size) &&
           (!settings->cafile || paths_make_absolute(&settings->cafile, ret_why, size));
}

bool settings_read(const struct options *options, struct settings *ret_settings, char *ret_why,
                   size_t size)
{
    if (settings_init(ret_settings))
        return options_apply(&settings_options, options, ret_settings, ret_why, size) &&
               complete(ret_settings, ret_why, size);
    snprintf(ret_why, size, "out of memory");
    return false;
}
