/* Puts a listening Unix socket in its place in the file system. */
#ifndef DAEMON_SOCKET_PATH_H
#define DAEMON_SOCKET_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Returned instead of a descriptor: another daemon listens there. */
#define SOCKET_PATH_TAKEN (-2)

/* Identifies a file, so that it can be recognised later. */
struct socket_mark {
    dev_t device;
    ino_t inode;
};

/*
 * Binds and listens, by the rules of listener_new(). A lock on the directory, held for the
 * duration, keeps apart two daemons that try at the same time. The descriptor is non-blocking and
 * close-on-exec. -1 (or SOCKET_PATH_TAKEN) with a sentence in ret_why (of `size` bytes).
 */
int socket_path_listen(const char *path, struct socket_mark *ret_mark, char *ret_why, size_t size);

/* True if the file at `path` is the marked one. */
bool socket_path_is(const char *path, const struct socket_mark *mark);

/* True if `fd` is a listening Unix stream socket. */
bool socket_path_is_listening(int fd);

/* The path of a listening socket, whatever its origin; "" if it has none. */
void socket_path_of(int fd, char *ret_path, size_t size);

#endif
