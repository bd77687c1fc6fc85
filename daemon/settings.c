#include "config.h"

#include "daemon/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "base/home.h"
#include "base/quantity.h"
#include "net/tls.h"
#include "service/paths.h"
#include "service/settings_table.h"

#define DAY (INT64_C(24) * 3600 * 1000)

#define KEEP_DEFAULT (30 * DAY)
/* Each costs some tens of kilobytes; three quarters of them may be held. The soft limit on
 * descriptors is raised to the hard one, which is far above this. */
#define CONNECTIONS_DEFAULT 1024
#define CONNECTIONS_MAX     65536
/* 128 stamps of 20 bits, as a stock relay under attack may ask for, or 8 of the largest that are
 * made at all: about a minute of a processor. */
#define HASHCASH_DEFAULT (INT64_C(128) << 20)
#define HASHCASH_MAX     (INT64_C(1) << 40)
/* LMDB's tables and one message need this much before anything works. */
#define STORE_SIZE_MIN (INT64_C(1) << 20)
#define STORE_SIZE_MAX SIZE_PARSE_MAX

static const struct settings_bounds kv_size = {
    .min = STORE_SIZE_MIN,
    .max = STORE_SIZE_MAX,
    .or_zero = true,
};

static const struct settings_bounds hashcash = {
    .min = 1,
    .max = HASHCASH_MAX,
    .or_zero = true,
};

static const struct settings_bounds keep = {
    .max = DURATION_MAX,
};

static const struct settings_bounds connections = {
    .min = 1,
    .max = CONNECTIONS_MAX,
};

#define FIELD(name) offsetof(struct settings, name)

static const struct settings_row rows[] = {
    {"state", "DIR", "directory of the store", &settings_path, FIELD(state), NULL, SETTINGS_PLAIN},
    {"socket", "PATH", "socket on which to listen", &settings_path, FIELD(socket), NULL,
     SETTINGS_PLAIN},
    {"relay", "URL", "relay for sessions that do not name one", &settings_sections_relay_url,
     FIELD(relay), NULL, SETTINGS_PLAIN},
    {"relays", "URL...", "several, of which lasting sessions use what works",
     &settings_sections_relay_urls, FIELD(relays), NULL, SETTINGS_PLAIN},
    {"log-level", "LEVEL", "error, warning, info or debug", &settings_level, FIELD(log_level), NULL,
     SETTINGS_PLAIN},
    {"cafile", "FILE", "certificates to trust instead of the system's", &settings_path,
     FIELD(cafile), NULL, SETTINGS_PLAIN},
    {"proxy", "URL", "proxy for connections to relays, or none", &settings_sections_proxy_url,
     FIELD(proxy), NULL, SETTINGS_SECRET},
    {"isolate-sessions", "yes|no", "a user name at the proxy for each session",
     &settings_sections_isolate, FIELD(isolate), NULL, SETTINGS_PLAIN},
    {"max-store-size", "SIZE", "limit on the size of the store, as in 2G", &settings_bytes,
     FIELD(max_store_size), &kv_size, SETTINGS_PLAIN},
    {"keep", "DURATION", "how long to list ended sessions, as in 30d", &settings_duration,
     FIELD(keep), &keep, SETTINGS_PLAIN},
    {"max-connections", "N", "limit on simultaneous connections to relays", &settings_number,
     FIELD(max_connections), &connections, SETTINGS_PLAIN},
    {"hashcash-per-hour", "N", "limit on hashes for each relay, as in 128M", &settings_bytes,
     FIELD(hashcash_per_hour), &hashcash, SETTINGS_PLAIN},
    {"share-connections", "yes|no", "one connection to a relay for many sessions", &settings_switch,
     FIELD(share_connections), NULL, SETTINGS_PLAIN},
    {"lasting", "yes|no", "renew sessions with peers that can, for years", &settings_switch,
     FIELD(lasting), NULL, SETTINGS_PLAIN},
    {"sandbox", "yes|no", "give up what a daemon does not need", &settings_switch, FIELD(sandbox),
     NULL, SETTINGS_PLAIN},
};

_Static_assert(sizeof(rows) / sizeof(*rows) <= SETTINGS_MAX, "room for all of them");

static const struct settings_table table = {
    .prefix = "WORMHOLED_",
    .rows = rows,
    .count = sizeof(rows) / sizeof(*rows),
    .sections = settings_sections_kinds,
    .sections_count = SETTINGS_SECTIONS_KINDS,
};

const struct options_info settings_options = {
    .table = &table,
    .program = "wormholed",
    .config_file = "wormholed/wormholed.conf",
    .name = "foreground",
    .help = "stay in the foreground",
    .restore = "put a backup of wormctl's into the state directory, and exit",
    .diagnose = "check what it needs here, for wormctl doctor, and exit",
    .intro = "Usage: wormholed [OPTION]...\n"
             "Keeps Magic Wormhole sessions alive for weeks and across restarts.\n"
             "Moves to the background once its socket is ready.\n\n",
    .outro = "\nSee wormholed(8) and wormholed.conf(5). Talk to it with wormctl(1) or "
             "libwormclient.\n",
};

_Static_assert(offsetof(struct settings, sections) == 0, "sections are begun in a settings");

bool settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .relay = strdup(DEFAULT_RELAY),
        .relay_from = settings_source_text(SETTINGS_BUILT_IN),
        .proxy_from = settings_source_text(SETTINGS_BUILT_IN),
        .log_level = LOG_LEVEL_INFO,
        .keep = KEEP_DEFAULT,
        .max_connections = CONNECTIONS_DEFAULT,
        .hashcash_per_hour = HASHCASH_DEFAULT,
        .share_connections = true,
        .sandbox = SANDBOX_DEFAULT,
        .lasting = true,
    };
    return settings->relay;
}

void settings_clear(struct settings *settings)
{
    free(settings->state);
    free(settings->socket);
    free(settings->relay);
    free(settings->relays);
    free(settings->cafile);
    free(settings->config_file);
    free(settings->refused);
    settings_origin_clear(&settings->origin);
    settings_sections_clear_proxy(&settings->proxy);
    settings_sections_clear(&settings->sections);
    *settings = (struct settings){0};
}

/* Makes a path absolute, if there is one. */
static bool make_absolute(char **path, char *ret_why, size_t size)
{
    char why[512];
    return *path == NULL || paths_make_absolute(path, why, sizeof(why)) ||
           settings_mistake(ret_why, size, "%s", why);
}

/* Fills in default paths where none is set, and makes all paths absolute. */
static bool complete(struct settings *settings, char *ret_why, size_t size)
{
    char why[512];
    bool good = true;
    if (settings->state == NULL &&
        (settings->state = paths_state("wormholed", "--state DIR", why, sizeof(why))) == NULL)
        good = settings_mistake(ret_why, size, "%s", why);
    if (settings->socket == NULL &&
        (settings->socket = paths_runtime("wormholed/socket", "--socket PATH", why, sizeof(why))) ==
            NULL)
        good = settings_mistake(ret_why, size, "%s", why);
    good = make_absolute(&settings->state, ret_why, size) && good;
    good = make_absolute(&settings->socket, ret_why, size) && good;
    good = make_absolute(&settings->cafile, ret_why, size) && good;
    struct settings_relay *relay;
    LL_FOREACH(settings->sections.relays, relay)
    {
        good = make_absolute(&relay->cafile, ret_why, size) && good;
    }
    return good;
}

/* What `status` tells of where the settings came from. */
static void note_origin(struct settings *settings)
{
    const struct settings_row *relay = settings_find(&table, "relay");
    const struct settings_row *proxy = settings_find(&table, "proxy");
    settings->config_file = settings->origin.file;
    settings->relay_from = settings_source_text(settings->origin.sources[relay - rows]);
    settings->proxy_from = settings_source_text(settings->origin.sources[proxy - rows]);
}

/* Without `relay`, the first of `relays` is that. */
static bool take_first_relay(struct settings *settings)
{
    const struct settings_row *relay = settings_find(&table, "relay");
    const struct settings_row *relays = settings_find(&table, "relays");
    if (settings->relays == NULL || settings->origin.sources[relay - rows] != SETTINGS_BUILT_IN)
        return true;
    char *first = strndup(settings->relays, strcspn(settings->relays, " "));
    if (first == NULL)
        return false;
    free(settings->relay);
    settings->relay = first;
    settings->relay_from = settings_source_text(settings->origin.sources[relays - rows]);
    return true;
}

/* Where a section, or a key of it, is in the file. */
static void place_of(const struct settings *settings, const struct settings_relay *relay,
                     const char *key, char *ret_place, size_t size)
{
    const struct settings_origin *origin = &settings->origin;
    *ret_place = '\0';
    for (unsigned i = 0; i < origin->entries_count; i++) {
        const struct settings_entry *entry = &origin->entries[i];
        if (entry->object == relay &&
            (key == NULL ? entry->row == NULL
                         : entry->row != NULL && strcmp(entry->row->key, key) == 0))
            snprintf(ret_place, size, "%s:%u: ", origin->file, entry->line);
    }
}

/* A proxy that cannot keep sessions apart, though they are to be: whoever asked for it must not
 * find out from the relay. */
static bool cannot_isolate(enum settings_isolate isolate, const struct proxy *proxy)
{
    return isolate == SETTINGS_ISOLATE_YES && proxy != NULL &&
           (proxy->protocol != PROXY_SOCKS5 || proxy->user[0] != '\0');
}

static bool check_isolation(const struct settings *settings, char *ret_why, size_t size)
{
    static const char needs[] = "isolate-sessions needs a socks5h:// proxy without a user name, "
                                "since each session has a user name of its own";
    const struct settings_relay *relay;
    bool good = true;
    char place[512];
    settings_place(&table, &settings->origin, "isolate-sessions", place, sizeof(place));
    if (cannot_isolate(settings->isolate, settings->proxy.proxy))
        good = settings_mistake(ret_why, size, "%s%s", place, needs);
    LL_FOREACH(settings->sections.relays, relay)
    {
        bool own =
            relay->isolate != SETTINGS_ISOLATE_UNSAID || relay->proxy.what != SETTINGS_PROXY_UNSAID;
        enum settings_isolate isolate =
            relay->isolate != SETTINGS_ISOLATE_UNSAID ? relay->isolate : settings->isolate;
        place_of(settings, relay, NULL, place, sizeof(place));
        if (own && cannot_isolate(isolate, settings_proxy(settings, &relay->url)))
            good = settings_mistake(ret_why, size, "%s%s", place, needs);
    }
    return good;
}

bool settings_read(const struct service_options *options, struct settings *ret_settings,
                   char *ret_why, size_t size)
{
    if (!settings_init(ret_settings)) {
        snprintf(ret_why, size, "out of memory");
        return false;
    }
    bool good = options_apply(&settings_options, options, ret_settings, &ret_settings->origin,
                              ret_why, size);
    note_origin(ret_settings);
    good = (take_first_relay(ret_settings) || settings_mistake(ret_why, size, "out of memory")) &&
           good;
    good = check_isolation(ret_settings, ret_why, size) && good;
    return complete(ret_settings, ret_why, size) && good;
}

/* ---- checking ---- */

static bool check_certificates(const char *cafile, const char *place, char *ret_why, size_t size)
{
    char why[1024];
    SSL_CTX *context = tls_context_new(cafile, why, sizeof(why));
    SSL_CTX_free(context);
    return context != NULL ||
           settings_mistake(ret_why, size, "%s%s%s", place, cafile != NULL ? "cafile: " : "", why);
}

bool settings_check(const struct settings *settings, char *ret_why, size_t size)
{
    const struct settings_origin *origin = &settings->origin;
    char place[512], why[512];
    struct stat status;
    bool good = true;
    settings_place(&table, origin, "state", place, sizeof(place));
    if (settings->state != NULL && !paths_may_be_directory(settings->state, why, sizeof(why)))
        good = settings_mistake(ret_why, size, "%sstate: %s", place, why);
    settings_place(&table, origin, "socket", place, sizeof(place));
    if (settings->socket != NULL &&
        strlen(settings->socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        good = settings_mistake(ret_why, size, "%ssocket: the path is longer than %zu bytes: %s",
                                place, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
                                settings->socket);
    else if (settings->socket != NULL && lstat(settings->socket, &status) == 0 &&
             !S_ISSOCK(status.st_mode))
        good = settings_mistake(ret_why, size, "%ssocket: %s exists and is not a socket", place,
                                settings->socket);
    settings_place(&table, origin, "cafile", place, sizeof(place));
    good = check_certificates(settings->cafile, place, ret_why, size) && good;
    const struct settings_relay *relay;
    LL_FOREACH(settings->sections.relays, relay)
    {
        place_of(settings, relay, "cafile", place, sizeof(place));
        if (relay->cafile != NULL)
            good = check_certificates(relay->cafile, place, ret_why, size) && good;
    }
    return good;
}

void settings_warn_of_clients(const struct settings *settings, FILE *out)
{
    const struct settings_row *row = settings_find(&table, "socket");
    char place[512], why[128], *theirs;
    const char *runtime = home_variable("XDG_RUNTIME_DIR"), *given = getenv("WORMHOLED_SOCKET");
    struct stat status;
    if (settings->socket == NULL)
        return;
    if (settings->origin.sources[row - rows] == SETTINGS_BUILT_IN) {
        if (runtime != NULL && stat(runtime, &status) == 0 && status.st_uid != getuid())
            fprintf(out,
                    "wormholed: warning: XDG_RUNTIME_DIR is %s, which belongs to another user: "
                    "%s is used instead\n",
                    runtime, settings->socket);
        return;
    }
    theirs = given != NULL && *given != '\0'
                 ? home_expand(given, why, sizeof(why))
                 : paths_runtime("wormholed/socket", "--socket PATH", why, sizeof(why));
    settings_place(&table, &settings->origin, "socket", place, sizeof(place));
    if (theirs != NULL && paths_make_absolute(&theirs, why, sizeof(why)) &&
        strcmp(theirs, settings->socket) != 0)
        fprintf(out,
                "wormholed: warning: %sthe socket is %s, but wormctl looks for %s: set "
                "WORMHOLED_SOCKET for it, or give it --socket %s\n",
                place, settings->socket, theirs, settings->socket);
    free(theirs);
}

/* ---- reloading ---- */

/* Keeps the value that the daemon started with. */
static void keep_text(const char *key, char **settled, char **fresh)
{
    if (strcmp(*settled, *fresh) != 0)
        log_warning("daemon", "%s does not change before the next start: %s", key, *settled);
    char *kept = *settled;
    *settled = *fresh;
    *fresh = kept;
}

void settings_replace(struct settings *settings, struct settings *fresh, bool socket_stays)
{
    keep_text("state", &settings->state, &fresh->state);
    if (socket_stays)
        settings_set_socket(fresh, settings->socket);
    keep_text("socket", &settings->socket, &fresh->socket);
    if (settings->max_store_size != fresh->max_store_size)
        log_warning("daemon", "max-store-size does not change before the next start");
    fresh->max_store_size = settings->max_store_size;
    if (settings->sandbox != fresh->sandbox)
        log_warning("daemon", "sandbox does not change before the next start");
    fresh->sandbox = settings->sandbox;
    settings_clear(settings);
    *settings = *fresh;
    explicit_bzero(fresh, sizeof(*fresh));
}

void settings_set_socket(struct settings *settings, const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return;
    free(settings->socket);
    settings->socket = copy;
}

/* ---- look-up ---- */

const struct settings_appid *settings_for_appid(const struct settings *settings, const char *appid)
{
    static const struct settings_appid nothing;
    const struct settings_appid *found = settings_sections_appid(&settings->sections, appid);
    return found != NULL ? found : &nothing;
}

static bool is_url(const char *text, const struct url *url)
{
    struct url parsed;
    return text != NULL && url_parse(text, &parsed) == URL_OK && url_is_same(&parsed, url);
}

static bool is_among(const char *texts, const struct url *url)
{
    char text[URL_MAX + 1];
    for (const char *at = texts; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, " ");
        snprintf(text, sizeof(text), "%.*s", (int)length, at);
        if (is_url(text, url))
            return true;
        at += length + strspn(at + length, " ");
    }
    return false;
}

bool settings_names_relay(const struct settings *settings, const struct url *url)
{
    const struct settings_appid *appid;
    bool named = is_url(settings->relay, url) || is_among(settings->relays, url) ||
                 settings_sections_relay(&settings->sections, url) != NULL;
    LL_FOREACH(settings->sections.appids, appid)
    {
        named = named || is_url(appid->relay, url);
    }
    return named;
}

const struct proxy *settings_proxy(const struct settings *settings, const struct url *relay)
{
    const struct settings_relay *found = settings_sections_relay(&settings->sections, relay);
    const struct settings_proxy *proxy = found != NULL && found->proxy.what != SETTINGS_PROXY_UNSAID
                                             ? &found->proxy
                                             : &settings->proxy;
    return proxy->proxy;
}

const char *settings_cafile(const struct settings *settings, const struct url *relay)
{
    const struct settings_relay *found = settings_sections_relay(&settings->sections, relay);
    return found != NULL && found->cafile != NULL ? found->cafile : settings->cafile;
}

const struct pins *settings_pins(const struct settings *settings, const struct url *relay)
{
    const struct settings_relay *found = settings_sections_relay(&settings->sections, relay);
    return found != NULL ? &found->pins : NULL;
}

enum settings_isolation settings_isolation(const struct settings *settings, const struct url *relay)
{
    const struct settings_relay *found = settings_sections_relay(&settings->sections, relay);
    const struct proxy *proxy = settings_proxy(settings, relay);
    enum settings_isolate said = found != NULL && found->isolate != SETTINGS_ISOLATE_UNSAID
                                     ? found->isolate
                                     : settings->isolate;
    if (proxy == NULL || said == SETTINGS_ISOLATE_NO)
        return SETTINGS_ISOLATION_NONE;
    if (said == SETTINGS_ISOLATE_YES)
        return SETTINGS_ISOLATION_REQUIRED;
    return url_is_onion(relay) && proxy->protocol == PROXY_SOCKS5 && proxy->user[0] == '\0'
               ? SETTINGS_ISOLATION_OFFERED
               : SETTINGS_ISOLATION_NONE;
}

bool settings_next_cafile(const struct settings *settings, unsigned index, const char **ret_cafile)
{
    const struct settings_relay *relay;
    *ret_cafile = settings->cafile;
    if (index == 0)
        return true;
    LL_FOREACH(settings->sections.relays, relay)
    {
        if (--index == 0)
            break;
    }
    *ret_cafile = relay != NULL ? relay->cafile : NULL;
    return relay != NULL;
}
