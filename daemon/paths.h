/* Where the daemon keeps its things: the rules of the XDG base directory specification. */
#ifndef DAEMON_PATHS_H
#define DAEMON_PATHS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The state directory: $XDG_STATE_HOME/wormholed, else $HOME/.local/state/wormholed, else the same
 * in the home directory that the password database tells. New. NULL with a sentence in ret_why (of
 * `size` bytes).
 */
char *paths_state(char *ret_why, size_t size);

/*
 * The socket: $XDG_RUNTIME_DIR/wormholed/socket, else /run/user/UID/wormholed/socket if that
 * directory is ours (cron and su do not set the variable). New. NULL with a sentence in ret_why.
 */
char *paths_socket(char *ret_why, size_t size);

/* `path` seen from the present working directory, which a daemon leaves. New. NULL when out of
 * memory or when the working directory cannot be told. */
char *paths_absolute(const char *path);

#endif
