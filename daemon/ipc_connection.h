/*
 * One connection of the RPC, whatever is said over it: bytes become whole messages, answers become
 * bytes, and both directions are bounded. A client that asks faster than it reads is no longer read
 * from; one that lets too much pile up all the same is dropped.
 *
 * Callbacks come from the event loop, never from inside a call to these functions.
 */
#ifndef DAEMON_IPC_CONNECTION_H
#define DAEMON_IPC_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

struct ipc_connection;
struct event_base;
struct message;
struct writer;

/* Unread answers, in bytes, beyond which no more requests are taken from this client: some thousand
 * views. */
#define IPC_CONNECTION_BACKLOG_PAUSE ((size_t)1024 * 1024)
/* Unread answers, in bytes, beyond which it is dropped. One recv may add 16 MiB to the above; the
 * rest is for changes that were under way. */
#define IPC_CONNECTION_BACKLOG_MAX ((size_t)24 * 1024 * 1024)

struct ipc_connection_handlers {
    /* A request, borrowed for the duration of the call. */
    void (*message)(struct ipc_connection *connection, const struct message *message, void *arg);
    /* The kernel has taken everything that was sent, after output had backed up. */
    void (*drained)(struct ipc_connection *connection, void *arg);
    /* The connection is over. Last callback; the connection is freed when it returns. */
    void (*closed)(struct ipc_connection *connection, void *arg);
};

/* True if the other end of a Unix socket is a process of our user, or of root. */
bool ipc_connection_is_ours(int fd);

/* Takes ownership of a connected stream socket and makes it non-blocking. New;
 * ipc_connection_free(). NULL when out of memory (the fd is closed). */
struct ipc_connection *ipc_connection_new(struct event_base *base, int fd,
                                          const struct ipc_connection_handlers *handlers,
                                          void *arg);

/* Closes the connection at once, without callbacks. NULL is fine. */
void ipc_connection_free(struct ipc_connection *connection);

/* Sends what was written, and frees the writer. If the writer failed, the connection is given up,
 * since the other end would wait forever. */
void ipc_connection_send(struct ipc_connection *connection, struct writer *writer);

/* Bytes sent but not yet taken by the kernel. */
size_t ipc_connection_backlog(const struct ipc_connection *connection);

/* Stops taking requests, or resumes. */
void ipc_connection_hold(struct ipc_connection *connection, bool held);

/* Takes no more requests; closes once everything sent has been taken, or after some seconds. */
void ipc_connection_end(struct ipc_connection *connection);

#endif
