/* The home directory, and paths that begin with it as in shells. */
#ifndef BASE_HOME_H
#define BASE_HOME_H

#include <stdbool.h>
#include <stddef.h>

/* Room for the path of a home directory, with its NUL. */
#define HOME_SIZE 4096

/* $HOME if it is an absolute path, else the directory in the password database. False if there is
 * none. */
bool home_directory(char ret_path[HOME_SIZE]);

/*
 * A path as a person writes it: "~" and "~/…" are the home directory and what is below it, all else
 * stays. New; free(). NULL with a sentence in ret_why (of `size` bytes): there is no home
 * directory, it is somebody else's ("~name"), or memory is short.
 */
char *home_expand(const char *path, char *ret_why, size_t size);

/* A path of the environment, as $XDG_STATE_HOME, borrowed. The specification says that a relative
 * one is invalid and must be ignored; so is an empty one: then NULL. */
const char *home_variable(const char *name);

/*
 * The path of a socket in the directory that both ends of it look in: $XDG_RUNTIME_DIR if it is an
 * absolute path, else /run/user/UID if that is ours; else, as after su(1), in a container or from
 * cron(8), the user's state directory, $XDG_STATE_HOME or ~/.local/state. A directory of another
 * user counts as none. `name` is relative. Returns the length, which may be `size` or more, as
 * snprintf(); -1 if there is no place.
 */
int home_socket(const char *name, char *ret_path, size_t size);

#endif
