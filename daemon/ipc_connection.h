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

struct client;
struct event_base;
struct message;
struct writer;

/* Unread answers beyond which no more requests are taken from this client: some thousand views. */
#define CLIENT_BACKLOG_PAUSE ((size_t)1024 * 1024)
/* Unread answers beyond which it is dropped. One recv may bring 16 MiB on top of the above; the
 * rest is for changes that were under way. */
#define CLIENT_BACKLOG_MAX ((size_t)24 * 1024 * 1024)

struct client_handlers {
    /* A request, borrowed for the call. */
    void (*message)(struct client *client, const struct message *message, void *arg);
    /* All that was sent has left for the kernel, after it had been backed up. */
    void (*drained)(struct client *client, void *arg);
    /* The connection is over. Last callback; client is freed when it returns. */
    void (*closed)(struct client *client, void *arg);
};

/* True if the other end of a Unix socket is a process of our user, or of root. */
bool client_is_ours(int fd);

/* Takes a connected stream socket, which the client owns from then on, and makes it non-blocking.
 * New; client_free(). NULL when out of memory (the fd is closed). */
struct client *client_new(struct event_base *base, int fd, const struct client_handlers *handlers,
                          void *arg);

/* Closes the connection at once, without callbacks. NULL is fine. */
void client_free(struct client *client);

/* Sends what was written, and frees it. If the writer failed, the connection is given up: its
 * caller would wait for ever. */
void client_send(struct client *client, struct writer *writer);

/* Bytes sent but not yet taken by the kernel. */
size_t client_backlog(const struct client *client);

/* Stops (or resumes) the taking of requests. */
void client_hold(struct client *client, bool held);

/* Takes no more requests, lets go when all that was sent has been taken, or after some seconds. */
void client_end(struct client *client);

#endif
