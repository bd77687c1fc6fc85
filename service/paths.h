/* Where a daemon keeps its things: the rules of the XDG base directory specification. */
#ifndef SERVICE_PATHS_H
#define SERVICE_PATHS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The state directory: $XDG_STATE_HOME/NAME, else $HOME/.local/state/NAME, else the same in the
 * home directory that the password database tells. New. NULL with a sentence in ret_why (of `size`
 * bytes), which names `option` as the way out.
 */
char *paths_state(const char *name, const char *option, char *ret_why, size_t size);

/* The configuration file: $XDG_CONFIG_HOME/NAME, else .config/NAME in the home directory as above.
 * New; NULL if there is no home either. False when out of memory. */
bool paths_config(const char *name, char **ret_path);

/*
 * For sockets: $XDG_RUNTIME_DIR/NAME, else /run/user/UID/NAME if that directory is ours (cron and
 * su do not set the variable). New. NULL as above.
 */
char *paths_runtime(const char *name, const char *option, char *ret_why, size_t size);

/* Makes a new text, `*path`, the path as it is seen from the working directory in which this was
 * called first: a daemon leaves it. False with a sentence in ret_why. */
bool paths_make_absolute(char **path, char *ret_why, size_t size);

#endif
