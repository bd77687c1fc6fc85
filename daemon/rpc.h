/*
 * The methods of doc/ipc.md. rpc_dispatch() finds a request's handler, and what its parameters must
 * be, in the table of methods (ipc/methods.def); the handlers stand in rpc_*.c, grouped by what
 * they are about.
 */
#ifndef DAEMON_RPC_H
#define DAEMON_RPC_H

#include <stdint.h>

struct call;
struct ipc_params;
struct message;
struct nameplates;
struct peer;
struct relays;
struct settings;
struct kv;
struct subscribers;
struct turns;

/* Application whose sessions are introductions and nothing else, for callers that name none. */
#define RPC_DEFAULT_APPID "wormholed/introduction"

/* What the methods work on; all borrowed. */
struct rpc {
    struct kv *store;
    struct turns *turns;
    struct relays *relays;
    struct subscribers *subscribers;
    struct nameplates *nameplates;
    const struct settings *settings;
    int64_t started; /* when the daemon began, ms */
};

/* The relay for an application's sessions that name none. Borrowed. */
const char *rpc_default_relay(const struct rpc *rpc, const char *appid);

/* Answers the request now or later. */
void rpc_dispatch(struct peer *peer, const struct message *message);

/* ---- handlers: each ends its call, now or later ---- */

#define METHOD(ID, name, ...) void rpc_##name(struct call *call, const struct ipc_params *params);
#include "ipc/methods.def"

#endif
