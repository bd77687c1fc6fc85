/* The settings of wormholed, and their table. */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/log.h"
#include "service/options.h"

struct settings {
    char *state;  /* directory */
    char *socket; /* path */
    char *relay;  /* URL for sessions that name none */
    char *cafile; /* PEM file, or NULL for the system's certificates */
    enum log_level log_level;
    uint64_t max_store_size;  /* bytes; 0: only the disk limits it */
    int64_t keep;             /* ms that an ended session stays listed */
    unsigned max_connections; /* to relays, at a time */
};

/* The command line of wormholed; its own switch is --foreground. */
extern const struct options_info settings_options;

/* The defaults alone, without paths. False when out of memory. settings_clear() in any case. */
bool settings_init(struct settings *settings);

/* Frees what it holds. A zeroed struct is fine. */
void settings_clear(struct settings *settings);

/* The defaults, and all sources over them; where no path is set it is the usual one, and all are
 * absolute. False with a sentence in ret_why (of `size` bytes). settings_clear() in any case. */
bool settings_read(const struct options *options, struct settings *ret_settings, char *ret_why,
                   size_t size);

#endif
