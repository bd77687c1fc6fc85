/*
 * A program that is connected to the RPC, and its calls: each is one request on its way to an
 * answer. The handler of a request gets a call and must end it exactly once, now or later, with
 * ipc_call_answer(), ipc_call_refuse() or ipc_call_drop(). If the client goes away meanwhile, the
 * call lives on without it, and its answer is thrown away.
 */
#ifndef DAEMON_IPC_CLIENT_H
#define DAEMON_IPC_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/subscribers.h"
#include "ipc/methods.h"
#include "ipc/writer.h"
#include "wormhole/session.h"

struct event_base;
struct ipc_connection;
struct lease;
struct message;
struct rpc;

/* Calls that one client may have under way before its requests are left waiting: enough to fill a
 * turn, few enough to bound the memory they hold. */
#define IPC_CLIENT_CALLS_MAX 256

struct ipc_client;
struct ipc_call;

struct ipc_client_handlers {
    /* A request, borrowed for the duration of the call. */
    void (*request)(struct ipc_client *client, const struct message *message);
    /* The connection is over; this must call ipc_client_free(). */
    void (*gone)(struct ipc_client *client, void *arg);
};

struct ipc_client {
    const struct ipc_client_handlers *handlers;
    void *arg;             /* for `gone` */
    const struct rpc *rpc; /* for `request` */
    struct ipc_connection *connection;
    bool refused; /* over the limit: its first request is answered with `busy` */
    bool greeted; /* it has said hello */
    struct subscription subscription; /* off at first */
    struct lease *leases;             /* messages given to it */
    struct ipc_call *calls;           /* under way */
    unsigned call_count;
    struct ipc_client *prev, *next; /* the server's list */
};

/* Takes ownership of a connected socket. New; ipc_client_free(). NULL when out of memory (the
 * socket is closed). */
struct ipc_client *ipc_client_new(struct event_base *base, int fd, const struct rpc *rpc,
                                  const struct ipc_client_handlers *handlers, void *arg);

/* Closes the connection. Calls under way go on without it: what they asked for is done all the
 * same. NULL is fine. */
void ipc_client_free(struct ipc_client *client);

/* ---- calls ---- */

struct ipc_call {
    const struct rpc *rpc;
    struct ipc_client *client; /* NULL once the client has gone */
    uint32_t id;
    uint8_t session[SESSION_ID_BYTES]; /* that the call is about, if any */
    /* If not NULL, called when the client has gone before the answer, which is now of no use. Must
     * end the call. */
    void (*gone)(struct ipc_call *call);
    void *work;                   /* for `gone` */
    uint64_t lease_ack;           /* of leases_ack_began() */
    struct ipc_call *prev, *next; /* in the client's list */
};

/* A call for the request with this id. NULL when out of memory. */
struct ipc_call *ipc_call_new(struct ipc_client *client, uint32_t id);

/* Begins the response; the caller then writes one object with key NULL. */
void ipc_call_begin(const struct ipc_call *call, struct writer *ret_writer);

/* Sends the response that ipc_call_begin() began. Frees the call. */
void ipc_call_answer(struct ipc_call *call, struct writer *writer);

/* Answers with an error; `text` is one sentence. Frees the call. */
void ipc_call_refuse(struct ipc_call *call, enum ipc_error code, const char *text);

/* Ends a call whose client has gone. */
void ipc_call_drop(struct ipc_call *call);

#endif
