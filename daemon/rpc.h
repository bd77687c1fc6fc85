/*
 * The methods of doc/ipc.md. rpc_dispatch() looks up a request's handler and the rules for its
 * parameters in the table of methods (ipc/methods.def); the handlers are in rpc_*.c, grouped by
 * topic.
 */
#ifndef DAEMON_RPC_H
#define DAEMON_RPC_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/ipc_client.h"
#include "ipc/params.h"

struct backups;
struct kv;
struct kv_txn;
struct leases;
struct message;
struct nameplates;
struct relays;
struct sandbox;
struct session;
struct settings;
struct subscribers;
struct turn_answer;
struct turns;

/* The application of sessions that are introductions and nothing else, for callers that name
 * none. */
#define RPC_DEFAULT_APPID "wormholed/introduction"

/* What the methods work on; all borrowed. */
struct rpc {
    struct kv *store;
    struct turns *turns;
    struct relays *relays;
    struct subscribers *subscribers;
    struct leases *leases;
    struct nameplates *nameplates;
    struct backups *backups;
    const struct settings *settings;
    const struct sandbox *sandbox;
    int64_t started; /* when the daemon started, ms */
};

/* The relay for those of an application's sessions that name none. Borrowed. */
const char *rpc_default_relay(const struct rpc *rpc, const char *appid);

/* Answers the request, now or later. */
void rpc_dispatch(struct ipc_client *client, const struct message *message);

/* ---- what handlers share ---- */

/* Fills call->session from the text of the `session` parameter: a petname, an id, or the start of
 * one. False: the call has been refused. rpc_find_in() does the same in a transaction that is
 * already open. */
bool rpc_find(struct ipc_call *call, const char *text);
bool rpc_find_in(struct ipc_call *call, struct kv_txn *txn, const char *text);

/* Finds the session as above, and reads it. New; session_free(). NULL: the call has been
 * refused. */
struct session *rpc_get_session(struct ipc_call *call, struct kv_txn *txn, const char *text);

/* Answers with what was read, or refuses if reading failed. Ends the transaction and the call. */
void rpc_finish_read(struct ipc_call *call, struct kv_txn *txn, struct writer *writer);

/* Answers with the session's view. */
void rpc_answer_view(struct ipc_call *call, const struct session *session);

/* Writes `session`: the id of the session that the call is about. */
void rpc_write_session(const struct ipc_call *call, struct writer *writer);

/* Refuses the call: out of memory. */
void rpc_refuse_memory(struct ipc_call *call);

/* Refuses the call: a verification is pending. */
void rpc_refuse_unverified(struct ipc_call *call);

/* True if the turn did what was asked; otherwise the call has been refused. */
bool rpc_turn_ok(struct ipc_call *call, const struct turn_answer *answer);

/* A turn_done whose arg is the call: answers with the session's view. */
void rpc_view_done(void *arg, const struct turn_answer *answer);

/* ---- handlers: each ends its call, now or later ---- */

#define METHOD(ID, name, ...)                                                                      \
    void rpc_##name(struct ipc_call *call, const struct ipc_params *params);
#include "ipc/methods.def"

#endif
