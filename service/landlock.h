/* Landlock, landlock(7): a process closes the file system, and the network, to itself. */
#ifndef SERVICE_LANDLOCK_H
#define SERVICE_LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Rules that are being made. */
struct landlock {
    int level;        /* of the kernel's interface; 0: it has none */
    int error;        /* errno of what went wrong; nothing will be closed then */
    int ruleset;      /* descriptor, or -1 */
    uint64_t handled; /* what is closed in the file system, where no rule opens it */
};

/*
 * Begins with what any daemon of ours needs later: to read what libc and OpenSSL read when a name
 * is resolved, a certificate checked, a library loaded. With `dials`, TCP connections may be made;
 * TCP addresses cannot be bound any more in either case. landlock_enter() it.
 */
struct landlock landlock_begin(bool dials);

/* Opens a directory in which anything may be done. */
void landlock_add_store(struct landlock *rules, const char *path);

/* Lets a Unix socket be removed, and made again, at this path. It is not removed from a directory
 * in which much else lies: the home directory, those above it, or one that is everybody's. Its
 * directory may be made again as well, unless that is in the home directory. */
void landlock_add_socket(struct landlock *rules, const char *path);

/* Lets a file (NULL: none) be read again: and with it all that is in its directory, since editors
 * and renewers of certificates put a new file in the place of the old. In a directory in which much
 * else lies, as above, it is the file alone, as it is now. */
void landlock_add_file(struct landlock *rules, const char *path);

/* Closes the rest, to this thread and to those that it begins later. Returns 0 or an errno. Frees
 * the rules in any case. */
int landlock_enter(struct landlock *rules);

#endif
