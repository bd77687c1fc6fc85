#include "config.h"

#include "daemon/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/paths.h"
#include "net/url.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define KEEP_DEFAULT (30 * DAY)
/* A century: beyond it, sums of times could overflow. */
#define KEEP_MAX (36500 * DAY)
/* Of 1024 descriptors, the usual soft limit, this leaves room for as many local clients again. */
#define CONNECTIONS_DEFAULT 256
#define CONNECTIONS_MAX     65536
/* LMDB's tables and one message need some room before anything works. */
#define STORE_SIZE_MIN (UINT64_C(1) << 20)
#define STORE_SIZE_MAX (UINT64_C(1) << 46)

/* Sets the field, or says in ret_why what the value should have been. */
typedef bool (*setter)(void *field, const char *text, char *ret_why, size_t size);

/* ---- one setter for each kind of value ---- */

static bool set_text(void *field, const char *text, char *ret_why, size_t size)
{
    char *copy = strdup(text);
    if (!copy) {
        snprintf(ret_why, size, "out of memory");
        return false;
    }
    char **slot = field;
    free(*slot);
    *slot = copy;
    return true;
}

static bool set_relay(void *field, const char *text, char *ret_why, size_t size)
{
    struct url url;
    enum url_fault fault = url_parse(text, &url);
    if (fault == URL_OK)
        return set_text(field, text, ret_why, size);
    snprintf(ret_why, size, "%s", url_fault_text(fault));
    return false;
}

static bool set_level(void *field, const char *text, char *ret_why, size_t size)
{
    if (log_level_parse(text, field))
        return true;
    snprintf(ret_why, size, "it is error, warning, info or debug");
    return false;
}

struct unit {
    char letter;
    uint64_t factor;
};

static const struct unit byte_units[] = {
    {'K', UINT64_C(1) << 10},
    {'M', UINT64_C(1) << 20},
    {'G', UINT64_C(1) << 30},
    {'T', UINT64_C(1) << 40},
    {0, 1},
};

static const struct unit time_units[] = {
    {'s', 1000}, {'m', MINUTE}, {'h', HOUR}, {'d', DAY}, {0, 1000},
};

/* Digits and a unit's letter; a table of units ends with the one that is meant without a letter. */
static bool read_number(const char *text, const struct unit *unit, uint64_t max,
                        uint64_t *ret_number)
{
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long count = strtoull(text, &end, 10);
    while (unit->letter && unit->letter != *end)
        unit++;
    if (errno || (*end && end[1]) || unit->letter != *end || count > max / unit->factor)
        return false;
    *ret_number = count * unit->factor;
    return true;
}

static bool set_bytes(void *field, const char *text, char *ret_why, size_t size)
{
    uint64_t number;
    if (read_number(text, byte_units, STORE_SIZE_MAX, &number) &&
        (number == 0 || number >= STORE_SIZE_MIN)) {
        *(uint64_t *)field = number;
        return true;
    }
    snprintf(ret_why, size,
             "it is a number of bytes from 1M to 64T, as in 500000000, 512M or 2G, or 0 for no "
             "limit");
    return false;
}

static bool set_duration(void *field, const char *text, char *ret_why, size_t size)
{
    uint64_t number;
    if (read_number(text, time_units, KEEP_MAX, &number)) {
        *(int64_t *)field = (int64_t)number;
        return true;
    }
    snprintf(ret_why, size, "it is a time of at most 36500 days, as in 90s, 15m, 12h or 30d");
    return false;
}

static bool set_connections(void *field, const char *text, char *ret_why, size_t size)
{
    static const struct unit one[] = {{0, 1}};
    uint64_t number;
    if (read_number(text, one, CONNECTIONS_MAX, &number) && number > 0) {
        *(unsigned *)field = (unsigned)number;
        return true;
    }
    snprintf(ret_why, size, "it is a number from 1 to %d", CONNECTIONS_MAX);
    return false;
}

/* ---- the table ---- */

static const struct {
    struct setting_info info;
    setter set;
    size_t offset;
} table[SETTINGS_COUNT] = {
    [SETTING_STATE] = {{"state", "WORMHOLED_STATE", "DIR", "where sessions are kept"},
                       set_text,
                       offsetof(struct settings, state)},
    [SETTING_SOCKET] = {{"socket", "WORMHOLED_SOCKET", "PATH", "where programs reach the daemon"},
                        set_text,
                        offsetof(struct settings, socket)},
    [SETTING_RELAY] = {{"relay", "WORMHOLED_RELAY", "URL", "relay for sessions that name none"},
                       set_relay,
                       offsetof(struct settings, relay)},
    [SETTING_LOG_LEVEL] = {{"log-level", "WORMHOLED_LOG_LEVEL", "LEVEL",
                            "error, warning, info or debug"},
                           set_level,
                           offsetof(struct settings, log_level)},
    [SETTING_CAFILE] = {{"cafile", "WORMHOLED_CAFILE", "FILE",
                         "certificates to trust instead of the system's"},
                        set_text,
                        offsetof(struct settings, cafile)},
    [SETTING_MAX_STORE_SIZE] = {{"max-store-size", "WORMHOLED_MAX_STORE_SIZE", "BYTES",
                                 "largest size of the store, as in 2G"},
                                set_bytes,
                                offsetof(struct settings, max_store_size)},
    [SETTING_KEEP] = {{"keep", "WORMHOLED_KEEP", "TIME",
                       "how long ended sessions stay listed, as in 30d"},
                      set_duration,
                      offsetof(struct settings, keep)},
    [SETTING_MAX_CONNECTIONS] = {{"max-connections", "WORMHOLED_MAX_CONNECTIONS", "N",
                                  "most connections to relays at a time"},
                                 set_connections,
                                 offsetof(struct settings, max_connections)},
};

const struct setting_info *settings_info(enum setting setting)
{
    return &table[setting].info;
}

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

bool settings_set(struct settings *settings, enum setting setting, const char *text, char *ret_why,
                  size_t size)
{
    if (!*text) {
        snprintf(ret_why, size, "%s has no value", table[setting].info.key);
        return false;
    }
    char why[256];
    if (table[setting].set((char *)settings + table[setting].offset, text, why, sizeof why))
        return true;
    snprintf(ret_why, size, "%s '%.200s' is refused: %s", table[setting].info.key, text, why);
    return false;
}

/* ---- sources ---- */

bool settings_read_environment(struct settings *settings, char *ret_why, size_t size)
{
    for (enum setting i = 0; i < SETTINGS_COUNT; i++) {
        const char *text = getenv(table[i].info.variable);
        char why[512];
        if (text && *text && !settings_set(settings, i, text, why, sizeof why)) {
            snprintf(ret_why, size, "%s: %s", table[i].info.variable, why);
            return false;
        }
    }
    return true;
}

/* ---- paths ---- */

static bool make_absolute(char **path, char *ret_why, size_t size)
{
    char *absolute = paths_absolute(*path);
    if (!absolute) {
        snprintf(ret_why, size, "cannot make %s an absolute path: %s", *path, strerror(errno));
        return false;
    }
    free(*path);
    *path = absolute;
    return true;
}

bool settings_complete(struct settings *settings, char *ret_why, size_t size)
{
    if (!settings->state)
        settings->state = paths_state(ret_why, size);
    if (!settings->state)
        return false;
    if (!settings->socket)
        settings->socket = paths_socket(ret_why, size);
    return settings->socket && make_absolute(&settings->state, ret_why, size) &&
           make_absolute(&settings->socket, ret_why, size) &&
           (!settings->cafile || make_absolute(&settings->cafile, ret_why, size));
}
