/* The program at the other end of an RPC connection, as the methods see it. */
#ifndef DAEMON_IPC_CLIENT_H
#define DAEMON_IPC_CLIENT_H

#include <stdbool.h>

#include "daemon/subscribers.h"

struct call;
struct client;
struct event_base;
struct rpc;

/* Calls of one peer that may be under way before no more are taken from it: enough to fill a turn,
 * few enough to bound what they hold. */
#define PEER_CALLS_MAX 256

struct peer {
    const struct rpc *rpc;
    struct client *client;
    bool refused;                     /* one too many: its first request is answered with `busy` */
    bool greeted;                     /* it said hello */
    struct subscription subscription; /* off at first */
    struct call *calls;               /* under way */
    unsigned call_count;
    void (*gone)(struct peer *peer, void *arg);
    void *arg;
    struct peer *prev, *next; /* the server's list */
};

/* Takes a connected socket, which it owns from then on. `gone` is told when the connection is over,
 * and must peer_free(). New. NULL when out of memory. */
struct peer *peer_new(struct event_base *base, int fd, const struct rpc *rpc,
                      void (*gone)(struct peer *peer, void *arg), void *arg);

/* Closes the connection. Calls under way are orphaned: what they asked for is done all the same. */
void peer_free(struct peer *peer);

/* For call.c: keeps the list, and takes no more requests while it is long. */
void peer_add_call(struct peer *peer, struct call *call);
void peer_remove_call(struct peer *peer, struct call *call);

#endif
