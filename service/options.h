/* The command line of a daemon: --config, --check-config, --print-config, --help, --version,
 * possibly --diagnose, --restore and a switch of its own, and an option for each of its settings.
 */
#ifndef SERVICE_OPTIONS_H
#define SERVICE_OPTIONS_H

#include <stdbool.h>

#include "service/settings_table.h"

/* What is specific to a daemon's command line. */
struct options_info {
    const char *program; /* its name, for --version */
    const struct settings_table *table;
    /* The file that is read, if it exists, unless --config names one: its place below ~/.config.
     * NULL: none. */
    const char *config_file;
    const char *name, *help;   /* of its switch: "foreground", "stay in the foreground"; or NULL */
    const char *diagnose;      /* help of --diagnose, for one that has it; or NULL */
    const char *restore;       /* likewise of --restore, which goes with --passphrase-file */
    const char *intro, *outro; /* before and after the list that --help shows */
};

struct service_options {
    bool own; /* its switch */
    bool check, print, diagnose, help, version;
    char *config_file;   /* absolute; or NULL */
    const char *restore; /* a file, or NULL; borrowed from argv */
    const char *passphrase_file;
    char *texts[SETTINGS_MAX]; /* of settings, by row; NULL where not given */
};

/* Reads the command line, and overwrites secret values in argv. False if it is wrong (or memory is
 * short), after a message on stderr about each mistake. options_clear() in any case. */
bool options_parse(const struct options_info *info, int argc, char **argv,
                   struct service_options *ret_options);

void options_clear(struct service_options *options);

/* What a daemon's main() does: answers --help and --version, or else calls `run` and returns its
 * exit status; for a wrong command line it returns 2. With --check-config, `run` is called even
 * then, so that the other mistakes are told, too. */
int options_main(const struct options_info *info, int argc, char **argv,
                 int (*run)(const struct service_options *options));

/* Prints what --help shows. */
void options_print_help(const struct options_info *info);

/* Applies all sources over the defaults in `settings`, in their order: file, environment, command
 * line. False with all mistakes in ret_why (of `size` bytes), as settings_mistake() puts them
 * there. The file in ret_origin is new in either case; entries of sections are recorded for
 * --print-config and --check-config only. May be called again later, to read everything anew. */
bool options_apply(const struct options_info *info, const struct service_options *options,
                   void *settings, struct settings_origin *ret_origin, char *ret_why, size_t size);

/* The file that options_apply() reads, or would read if it were there. New; NULL if there is no
 * such place, or memory is short. */
char *options_file(const struct options_info *info, const struct service_options *options);

/* Prints mistakes (settings_mistake()) on stderr, each after the program's name. */
void options_complain(const struct options_info *info, const char *why);

/* Logs mistakes for which settings were not read anew, a line for each. */
void options_log_refused(const char *subsystem, const char *why);

/* Prints what --print-config shows. Returns the exit status. */
int options_printed(const struct options_info *info, const void *settings,
                    const struct settings_origin *origin);

/* Prints what --check-config says when all is well, about the file that was read (NULL: none).
 * Returns the exit status. */
int options_checked(const char *config_file);

#endif
