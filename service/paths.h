/* Where a daemon keeps its files: the rules of the XDG base directory specification. */
#ifndef SERVICE_PATHS_H
#define SERVICE_PATHS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The state directory: $XDG_STATE_HOME/NAME, else $HOME/.local/state/NAME, else the same in the
 * home directory from the password database. New. NULL with a sentence in ret_why (of `size`
 * bytes), which suggests `option` as the way out. For root, the directory of another user counts as
 * a mistake: what root left there would be in that user's way.
 */
char *paths_state(const char *name, const char *option, char *ret_why, size_t size);

/* The configuration file: $XDG_CONFIG_HOME/NAME, else .config/NAME in the home directory as above.
 * New; NULL if there is no home either. False when out of memory. */
bool paths_config(const char *name, char **ret_path);

/* Makes the directory that a file is or will be in, and those above it, for the user alone. Where
 * that is not possible, nothing happens. */
void paths_make_directory_of(const char *path);

/*
 * For sockets: $XDG_RUNTIME_DIR/NAME, else /run/user/UID/NAME if that directory is ours (cron and
 * su do not set the variable). New. NULL as above.
 */
char *paths_runtime(const char *name, const char *option, char *ret_why, size_t size);

/* False, with a sentence in ret_why, if there is something at `path` that is no directory. */
bool paths_may_be_directory(const char *path, char *ret_why, size_t size);

/* Makes `*path`, an allocated text, absolute, as seen from the working directory in which this was
 * first called: a daemon leaves it. False with a sentence in ret_why. */
bool paths_make_absolute(char **path, char *ret_why, size_t size);

#endif
