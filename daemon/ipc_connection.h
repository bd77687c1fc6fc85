/*
 * One connection of the RPC, whatever is said over it: bytes become whole messages, answers become
 * bytes, and both ways are bounded. A client that asks faster than it reads is not read any
 * further; one that lets too much pile up all the same is dropped.
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

/* Unread answers beyond which no more requests are taken from this client: some thousand views. */
#define IPC_CONNECTION_BACKLOG_PAUSE ((size_t)1024 * 1024)
/* Unread answers beyond which it is dropped. One recv may bring 16 MiB on top of the above; the
 * rest is for changes that were under way. */
#define IPC_CONNECTION_BACKLOG_MAX ((size_t)24 * 1024 * 1024)

struct ipc_connection_handlers {
    /* A request, borrowed for the call. */
    void (*message)(struct ipc_connection *connection, const struct message *message, void *arg);
    /* All that was sent has left for the kernel, after it had been backed up. */
    void (*drained)(struct ipc_connection *connection, void *arg);
    /* The connection is over. Last callback; the connection is freed when it returns. */
    void (*closed)(struct ipc_connection *connection, void *arg);
};

/* True if the other end of a Unix socket is a process of our user, or of root. */
bool ipc_connection_is_ours(int fd);

/* Takes a connected stream socket, which the connection owns from then on, and makes it
 * non-blocking. New; ipc_connection_free(). NULL when out of memory (the fd is closed). */
struct ipc_connection *ipc_connection_new(struct event_base *base, int fd,
                                          const struct ipc_connection_handlers *handlers,
                                          void *arg);

/* Closes the connection at once, without callbacks. NULL is fine. */
void ipc_connection_free(struct ipc_connection *connection);

/* Sends what was written, and frees it. If the writer failed, the connection is given up: its
 * caller would wait forever. */
void ipc_connection_send(struct ipc_connection *connection, struct writer *writer);

/* Bytes sent but not yet taken by the kernel. */
size_t ipc_connection_backlog(const struct ipc_connection *connection);

/* Stops (or resumes) the taking of requests. */
void ipc_connection_hold(struct ipc_connection *connection, bool held);

/* Takes no more requests, lets go when all that was sent has been taken, or after some seconds. */
void ipc_connection_end(struct ipc_connection *connection);

#endif
