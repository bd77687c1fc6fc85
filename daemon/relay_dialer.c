#include "config.h"

#include "daemon/relay_dialer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utlist.h>

#include "daemon/isolation.h"
#include "daemon/relays.h"
#include "daemon/settings.h"
#include "net/proxy.h"
#include "net/url.h"
#include "net/ws.h"

/* What a WebSocket needs around it, for each file of certificates. These stay until the end,
 * since connections may depend on them; a file that has not changed is not read again, so
 * there are few. */
struct relay_dialer_net {
    struct relay_dialer_net *next;
    char *cafile; /* NULL: the system's */
    struct stat status;
    struct ws_net *net;
};

struct relay_dialer {
    struct event_base *base;
    const struct settings *settings;
    struct relay_dialer_net *nets; /* newest first */
    struct isolation isolation;
};

static void free_entry(struct relay_dialer_net *entry)
{
    ws_net_free(entry->net);
    free(entry->cafile);
    free(entry);
}

/* ---- finding and making ---- */

/* All zero if there are no certificates of its own, or the file is missing. */
static struct stat status_of(const char *cafile)
{
    struct stat status;
    return cafile != NULL && stat(cafile, &status) == 0 ? status : (struct stat){0};
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static struct relay_dialer_net *find(const struct relay_dialer *dialer, const char *cafile)
{
    struct relay_dialer_net *entry;
    LL_FOREACH(dialer->nets, entry)
    {
        if (cafile != NULL && entry->cafile != NULL ? strcmp(cafile, entry->cafile) == 0
                                                    : cafile == entry->cafile)
            return entry;
    }
    return NULL;
}

static struct relay_dialer_net *make(struct event_base *base, const char *cafile, char *ret_why,
                                     size_t size)
{
    struct relay_dialer_net *entry = calloc(1, sizeof(*entry));
    if (entry == NULL || (cafile != NULL && (entry->cafile = strdup(cafile)) == NULL)) {
        snprintf(ret_why, size, "out of memory");
        free(entry);
        return NULL;
    }
    entry->status = status_of(cafile);
    entry->net = ws_net_new(base, cafile, ret_why, size);
    if (entry->net != NULL)
        return entry;
    free_entry(entry);
    return NULL;
}

/* Adds to `fresh` what the file needs, unless it is there already. */
static bool add(const struct relay_dialer *dialer, struct relay_dialer_net **fresh,
                const char *cafile, char *ret_why, size_t size)
{
    const struct relay_dialer_net *known = find(dialer, cafile);
    struct stat status = status_of(cafile);
    if (known != NULL && is_same_file(&known->status, &status))
        return true;
    struct relay_dialer_net *entry = make(dialer->base, cafile, ret_why, size);
    if (entry != NULL)
        LL_PREPEND(*fresh, entry);
    return entry;
}

bool relay_dialer_prepare(struct relay_dialer *dialer, const struct settings *fresh, char *ret_why,
                          size_t size)
{
    struct relay_dialer_net *nets = NULL, *entry, *next;
    const struct settings_relay *relay;
    bool done = add(dialer, &nets, fresh->cafile, ret_why, size);
    LL_FOREACH(fresh->sections.relays, relay)
    {
        done = done && (relay->cafile == NULL || add(dialer, &nets, relay->cafile, ret_why, size));
    }
    LL_FOREACH_SAFE(nets, entry, next)
    {
        if (done)
            LL_PREPEND(dialer->nets, entry);
        else
            free_entry(entry);
    }
    return done;
}

/* ---- using ---- */

bool relay_dialer_may_share(const struct relay_dialer *dialer, const struct url *url)
{
    return dialer->settings->share_connections && settings_proxy(dialer->settings, url) == NULL &&
           !url_is_onion(url);
}

bool relay_dialer_is_known(const struct relay_dialer *dialer, const struct url *url)
{
    return settings_names_relay(dialer->settings, url);
}

/* Below are other services than relays, which may mistake what they are sent for their own. */
#define PEERS_PORT_MIN 1024

const char *relay_dialer_unfit(const struct relay_dialer *dialer, const struct url *url)
{
    bool proxied = settings_proxy(dialer->settings, url) != NULL;
    if (url->port < PEERS_PORT_MIN && url->port != 80 && url->port != 443)
        return "a relay that only the peer has named is not visited: its port is one of other "
               "services";
    if (url_is_onion(url))
        return NULL; /* without a proxy, it cannot be resolved */
    if (proxied)
        return "a relay that only the peer has named is not visited through a proxy, which may "
               "take its name for anything";
    return NULL;
}

struct ws *relay_dialer_dial(struct relay_dialer *dialer, struct relay *relay,
                             const struct url *url, const char *session,
                             const struct ws_options *options, const struct ws_handlers *handlers,
                             void *arg)
{
    const struct relay_dialer_net *entry = find(dialer, settings_cafile(dialer->settings, url));
    struct proxy isolated;
    const struct proxy *proxy =
        isolation_proxy(&dialer->isolation, dialer->settings, url, session, &isolated);
    struct ws_options with_pins;
    if (options != NULL)
        with_pins = *options;
    else
        ws_options_default(&with_pins);
    with_pins.pins = settings_pins(dialer->settings, url);
    relay_dialled(relay, proxy);
    struct ws *ws = ws_dial(entry->net, url, proxy, &with_pins, handlers, arg);
    proxy_wipe(&isolated);
    return ws;
}

/* ---- life ---- */

struct relay_dialer *relay_dialer_new(struct event_base *base, const struct settings *settings,
                                      char *ret_why, size_t size)
{
    struct relay_dialer *dialer = calloc(1, sizeof(*dialer));
    if (dialer == NULL) {
        snprintf(ret_why, size, "out of memory");
        return NULL;
    }
    *dialer = (struct relay_dialer){.base = base, .settings = settings};
    isolation_begin(&dialer->isolation);
    if (relay_dialer_prepare(dialer, settings, ret_why, size))
        return dialer;
    relay_dialer_free(dialer);
    return NULL;
}

void relay_dialer_free(struct relay_dialer *dialer)
{
    struct relay_dialer_net *entry, *next;
    if (dialer == NULL)
        return;
    LL_FOREACH_SAFE(dialer->nets, entry, next)
    {
        free_entry(entry);
    }
    free(dialer);
}
