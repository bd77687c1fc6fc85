/* The command line of a daemon: --config, --help, --version, a switch of its own, and an option for
 * each of its settings. */
#ifndef SERVICE_OPTIONS_H
#define SERVICE_OPTIONS_H

#include <stdbool.h>

#include "service/settings_table.h"

/* What a daemon's command line has of its own. */
struct options_info {
    const struct settings_table *table;
    const char *name, *help;   /* of its switch: "foreground", "stay in the foreground" */
    const char *intro, *outro; /* before and after the list that --help shows */
};

struct options {
    bool own; /* its switch */
    bool help, version;
    const char *config_file;   /* or NULL */
    char *texts[SETTINGS_MAX]; /* of settings, by row; NULL where not given */
};

/* Reads the command line. False: it is wrong (or memory is short), and stderr was told.
 * options_clear() in any case. */
bool options_parse(const struct options_info *info, int argc, char **argv,
                   struct options *ret_options);

void options_clear(struct options *options);

/* What a daemon's main() does: --help and --version are answered, else `run` is called and its exit
 * status returned; a command line that is wrong is 2. */
int options_main(const struct options_info *info, int argc, char **argv,
                 int (*run)(const struct options *options));

/* Prints what --help shows. */
void options_print_help(const struct options_info *info);

/* Applies, over the defaults in `settings`, all sources in their order: file, environment, command
 * line. False with a sentence in ret_why (of `size` bytes). May be called again later, to read
 * everything anew. */
bool options_apply(const struct options_info *info, const struct options *options, void *settings,
                   char *ret_why, size_t size);

#endif
