/* The settings of wormholed, and their table. */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/settings_sections.h"
#include "service/log.h"
#include "service/options.h"

struct settings {
    struct settings_sections sections; /* first: see settings_sections_kinds */
    char *state;                       /* directory */
    char *socket;                      /* path */
    char *relay;                       /* URL for sessions that name none */
    char *cafile;                      /* PEM file, or NULL for the system's certificates */
    struct settings_proxy proxy;       /* of relays for which none is said */
    enum log_level log_level;
    uint64_t max_store_size;  /* bytes; 0: only the disk limits it */
    int64_t keep;             /* ms that an ended session stays listed */
    unsigned max_connections; /* to relays, at a time */
    char *config_file;        /* that was read, or NULL */
    const char *relay_from;   /* where `relay` was set: settings_source_text() */
};

/* The command line of wormholed; its own switch is --foreground. */
extern const struct options_info settings_options;

/* The defaults alone, without paths. False when out of memory. settings_clear() in any case. */
bool settings_init(struct settings *settings);

/* Frees and wipes what it holds. A zeroed struct is fine. */
void settings_clear(struct settings *settings);

/* What sessions of an application have that do not say otherwise: what was said of it, else
 * nothing; never NULL. Borrowed. */
const struct settings_appid *settings_for_appid(const struct settings *settings, const char *appid);

/* The proxy that a relay is reached through; NULL: none. Borrowed. */
const struct proxy *settings_proxy(const struct settings *settings, const struct url *relay);

/* The certificates that a relay is checked with; NULL: the system's. Borrowed. */
const char *settings_cafile(const struct settings *settings, const struct url *relay);

/* The defaults, and all sources over them; where no path is set it is the usual one, and all are
 * absolute. False with a sentence in ret_why (of `size` bytes). settings_clear() in any case. */
bool settings_read(const struct service_options *options, struct settings *ret_settings,
                   char *ret_why, size_t size);

/* Puts `fresh`, which is consumed, in the place of `settings`, apart from what only a new start can
 * change: the log is told. `socket_stays`: nor is the socket's path looked at. */
void settings_replace(struct settings *settings, struct settings *fresh, bool socket_stays);

/* Another socket. The old one is kept when memory is short. */
void settings_set_socket(struct settings *settings, const char *path);

#endif
