/* Takes a place in the file system for a listening Unix socket. */
#ifndef DAEMON_SOCKET_PATH_H
#define DAEMON_SOCKET_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Instead of a descriptor: another daemon listens there. */
#define SOCKET_PATH_TAKEN (-2)

/* Which file it is, to know it again. */
struct socket_mark {
    dev_t device;
    ino_t inode;
};

/*
 * Binds and listens, with the rules of listener_new(). Two daemons that try at the same time are
 * kept apart by a lock on the directory, held for that long. The descriptor is non-blocking and
 * closed on exec. -1 (or SOCKET_PATH_TAKEN) with a sentence in ret_why (of `size` bytes).
 */
int socket_path_listen(const char *path, struct socket_mark *ret_mark, char *ret_why, size_t size);

/* True if the file at `path` is the marked one. */
bool socket_path_is(const char *path, const struct socket_mark *mark);

/* True if it is a Unix stream socket that listens. */
bool socket_path_is_listening(int fd);

/* Where a listening socket is, of any origin; "" if it has no path. */
void socket_path_of(int fd, char *ret_path, size_t size);

#endif
