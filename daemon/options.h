/* The command line of wormholed. */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>

#include "daemon/settings.h"

struct options {
    bool foreground;
    bool help, version;
    const char *config_file;              /* or NULL */
    const char *settings[SETTINGS_COUNT]; /* as texts; NULL where not given */
};

/* Reads the command line; strings are borrowed from it. False: it is wrong, and stderr was told. */
bool options_parse(int argc, char **argv, struct options *ret_options);

/* Prints what --help shows. */
void options_print_help(void);

/* All sources, in their order: defaults, file, environment, command line. False with a sentence in
 * ret_why (of `size` bytes); settings_clear() in any case. */
bool options_settings(const struct options *options, struct settings *ret_settings, char *ret_why,
                      size_t size);

#endif
