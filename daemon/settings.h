/*
 * The daemon's settings: defaults < configuration file < environment < command line. Each source is
 * applied over the one before it; a key means the same, and is checked the same, in all of them.
 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/log.h"

/* Largest configuration file: some lines, and what somebody wants to remark on them. */
#define SETTINGS_FILE_MAX 65536

enum setting {
    SETTING_STATE = 0,
    SETTING_SOCKET,
    SETTING_RELAY,
    SETTING_LOG_LEVEL,
    SETTING_CAFILE,
    SETTING_MAX_STORE_SIZE,
    SETTING_KEEP,
    SETTING_MAX_CONNECTIONS,
    SETTINGS_COUNT,
};

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

/* What a setting is called: its key in a file ("log-level"), which with two hyphens is its option
 * too, its environment variable, and what its value and purpose are called in the help. Borrowed.
 */
struct setting_info {
    const char *key, *variable, *value, *help;
};

const struct setting_info *settings_info(enum setting setting);

/* The defaults, without the paths. False when out of memory. settings_clear() in any case. */
bool settings_init(struct settings *settings);

/* Frees what it holds. A zeroed struct is fine. */
void settings_clear(struct settings *settings);

/* Sets one from its text. False with a sentence in ret_why (of `size` bytes). */
bool settings_set(struct settings *settings, enum setting setting, const char *text, char *ret_why,
                  size_t size);

/* Applies a file of `key = value` lines; blank lines and those that begin with '#' are skipped.
 * False with a sentence that names file and line. */
bool settings_read_file(struct settings *settings, const char *path, char *ret_why, size_t size);

/* Applies the environment; empty variables count as unset. False with a sentence that names the
 * variable. */
bool settings_read_environment(struct settings *settings, char *ret_why, size_t size);

/* Fills in the default paths where none is set, and makes all paths absolute. Last step. */
bool settings_complete(struct settings *settings, char *ret_why, size_t size);

#endif
