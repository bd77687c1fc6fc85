/* The settings of wormholed, and their table. */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/settings_sections.h"
#include "service/log.h"
#include "service/options.h"

struct settings {
    struct settings_sections sections; /* first: see settings_sections_kinds */
    char *state;                       /* directory */
    char *socket;                      /* path */
    char *relay;                       /* URL for sessions that name none */
    char *relays;                      /* likewise: URLs with blanks between, or NULL; the first is
                                          `relay`, unless that was set */
    char *cafile;                      /* PEM file, or NULL for the system's certificates */
    struct settings_proxy proxy;       /* for relays that have no proxy setting of their own */
    enum settings_isolate isolate;     /* likewise */
    enum log_level log_level;
    uint64_t max_store_size;    /* bytes; 0: only the disk limits it */
    int64_t keep;               /* ms for which an ended session stays listed */
    unsigned max_connections;   /* to relays, at a time */
    uint64_t hashcash_per_hour; /* hashes for each relay; 0: no limit */
    bool share_connections;     /* among sessions, where a relay offers it */
    bool lasting;               /* new sessions last, unless they are to be used once */
    bool sandbox;               /* enter it */
    char *config_file;          /* that was read, or NULL */
    struct settings_origin origin;
    char *refused;          /* why the file was not read anew at the last reload; NULL: it was */
    const char *relay_from; /* where `relay` was set: settings_source_text() */
    const char *proxy_from; /* … and `proxy` */
};

/* The command line of wormholed; the only switch of its own is --foreground. */
extern const struct options_info settings_options;

/* The defaults alone, without paths. False when out of memory. Call settings_clear() in either
 * case. */
bool settings_init(struct settings *settings);

/* Frees and wipes the contents. A zeroed struct is fine. */
void settings_clear(struct settings *settings);

/* Defaults for sessions of this application that do not say otherwise: what was set for it, else an
 * empty one; never NULL. Borrowed. */
const struct settings_appid *settings_for_appid(const struct settings *settings, const char *appid);

/* True if this is a relay that the settings name, however its URL is spelled: as one for sessions,
 * or in a section. */
bool settings_names_relay(const struct settings *settings, const struct url *url);

/* The proxy through which a relay is reached; NULL: none. Borrowed. */
const struct proxy *settings_proxy(const struct settings *settings, const struct url *relay);

/* Whether sessions are kept apart at a relay's proxy by user name. */
enum settings_isolation {
    SETTINGS_ISOLATION_NONE = 0,
    SETTINGS_ISOLATION_OFFERED, /* for .onion, unless something else was said: if the proxy likes */
    SETTINGS_ISOLATION_REQUIRED, /* a proxy that takes no user name is refused */
};
enum settings_isolation settings_isolation(const struct settings *settings,
                                           const struct url *relay);

/* The certificates against which a relay is checked; NULL: the system's. Borrowed. */
const char *settings_cafile(const struct settings *settings, const struct url *relay);

/* The keys that a relay may have; NULL: any that its certificate vouches for. Borrowed. */
const struct pins *settings_pins(const struct settings *settings, const struct url *relay);

/* Sets ret_cafile to the name of certificate file `index`, counting from 0, of all that are set;
 * NULL: the system's. Borrowed. False if there are no more. */
bool settings_next_cafile(const struct settings *settings, unsigned index, const char **ret_cafile);

/* The defaults, overridden by all sources; paths that are not set get their usual values, and all
 * are made absolute. False with all mistakes in ret_why (of `size` bytes; see
 * options_apply()). Call settings_clear() in either case. */
bool settings_read(const struct service_options *options, struct settings *ret_settings,
                   char *ret_why, size_t size);

/* Looks at the files and directories that the settings name. False with all mistakes added to
 * ret_why, as by settings_mistake(). */
bool settings_check(const struct settings *settings, char *ret_why, size_t size);

/* Warns, on `out`, if wormctl in the same environment would not find the daemon's socket. */
void settings_warn_of_clients(const struct settings *settings, FILE *out);

/* Replaces `settings` with `fresh`, which is consumed, except for what only a restart can change:
 * that is logged. With `socket_stays`, the socket's path is not considered either. */
void settings_replace(struct settings *settings, struct settings *fresh, bool socket_stays);

/* Sets another socket path. Keeps the old one when out of memory. */
void settings_set_socket(struct settings *settings, const char *path);

#endif
