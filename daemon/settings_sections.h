/* The sections of wormholed's configuration file: [appid "NAME"] and [relay "URL"]. */
#ifndef DAEMON_SETTINGS_SECTIONS_H
#define DAEMON_SETTINGS_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/pins.h"
#include "net/proxy.h"
#include "net/url.h"
#include "service/settings_table.h"

/* Limit on sections of each kind: anything that needs more is a program, not a person, and a
 * program can say what it wants with each call. */
#define SETTINGS_SECTIONS_MAX 64

/* A proxy setting, if there is one. */
struct settings_proxy {
    enum { SETTINGS_PROXY_UNSAID = 0, SETTINGS_PROXY_NONE, SETTINGS_PROXY_GIVEN } what;
    struct proxy *proxy; /* in locked memory, since it may include a password; NULL unless given */
};

/* Whether a proxy is given a user name for each session. */
enum settings_isolate { SETTINGS_ISOLATE_UNSAID = 0, SETTINGS_ISOLATE_NO, SETTINGS_ISOLATE_YES };

/* Defaults for sessions of an application that do not say otherwise. */
struct settings_appid {
    struct settings_appid *next;
    char *appid;
    char *relay, *schedule; /* NULL: not set */
    int64_t timeout;        /* ms; 0: not set */
    int64_t expire;         /* likewise */
    unsigned words;         /* 0: not set */
};

/* How a relay is reached. */
struct settings_relay {
    struct settings_relay *next;
    struct url url;
    char *cafile; /* NULL: not set */
    struct pins pins;
    enum settings_isolate isolate;
    struct settings_proxy proxy;
};

struct settings_sections {
    struct settings_appid *appids;
    struct settings_relay *relays;
};

/* The kinds of sections, for a table whose settings begin with a struct settings_sections. */
#define SETTINGS_SECTIONS_KINDS 2
extern const struct settings_section settings_sections_kinds[SETTINGS_SECTIONS_KINDS];

/* What was set for an application; NULL: nothing. Borrowed. */
const struct settings_appid *settings_sections_appid(const struct settings_sections *sections,
                                                     const char *appid);

/* What was set for a relay, however its URL is spelled; NULL: nothing. Borrowed. */
const struct settings_relay *settings_sections_relay(const struct settings_sections *sections,
                                                     const struct url *url);

/* Frees and wipes the contents. The second function does so for one proxy. */
void settings_sections_clear(struct settings_sections *sections);
void settings_sections_clear_proxy(struct settings_proxy *proxy);

/* ---- types that the general settings use, too ---- */

/* The URL of a relay: a `char *`, new. */
extern const struct settings_type settings_sections_relay_url;

/* Up to SESSION_ROUTES_MAX of them, with blanks between: a `char *`, new. */
extern const struct settings_type settings_sections_relay_urls;

/* The URL of a proxy, or "none": a struct settings_proxy. Printed without user and password. */
extern const struct settings_type settings_sections_proxy_url;

/* "yes" or "no": an enum settings_isolate. */
extern const struct settings_type settings_sections_isolate;

#endif
