/*
 * The methods of doc/ipc.md. rpc_dispatch() finds a request's handler in a constant table; the
 * handlers stand in rpc_*.c, grouped by what they are about.
 */
#ifndef DAEMON_RPC_H
#define DAEMON_RPC_H

#include <stdint.h>

struct call;
struct fields;
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

/* rpc_status.c */
void rpc_hello(struct call *call, struct fields *fields);
void rpc_status(struct call *call, struct fields *fields);
/* rpc_create.c */
void rpc_invite(struct call *call, struct fields *fields);
void rpc_accept(struct call *call, struct fields *fields);
/* rpc_look.c */
void rpc_list(struct call *call, struct fields *fields);
void rpc_show(struct call *call, struct fields *fields);
void rpc_changes(struct call *call, struct fields *fields);
void rpc_subscribe(struct call *call, struct fields *fields);
/* rpc_mail.c */
void rpc_send(struct call *call, struct fields *fields);
void rpc_recv(struct call *call, struct fields *fields);
void rpc_ack(struct call *call, struct fields *fields);
/* rpc_trust.c */
void rpc_verify(struct call *call, struct fields *fields);
void rpc_derive_key(struct call *call, struct fields *fields);
/* rpc_fate.c */
void rpc_rename(struct call *call, struct fields *fields);
void rpc_close(struct call *call, struct fields *fields);
void rpc_forget(struct call *call, struct fields *fields);
void rpc_poll(struct call *call, struct fields *fields);
/* rpc_move.c */
void rpc_export(struct call *call, struct fields *fields);
void rpc_import(struct call *call, struct fields *fields);
/* rpc_words.c */
void rpc_nameplates(struct call *call, struct fields *fields);
void rpc_words(struct call *call, struct fields *fields);

#endif
