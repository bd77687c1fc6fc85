/*
 * One request on its way to its answer. A handler gets a call and must end it exactly once, now or
 * from a turn's answer: with call_answer() or call_refuse(). The client may go away meanwhile; the
 * call lives on without it, and its answer is thrown away.
 */
#ifndef DAEMON_CALL_H
#define DAEMON_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/methods.h"
#include "ipc/params.h"
#include "ipc/writer.h"
#include "wormhole/session.h"

struct peer;
struct rpc;
struct session;
struct kv_txn;
struct turn_answer;

struct call {
    const struct rpc *rpc;
    struct peer *peer; /* NULL once the client has gone */
    uint32_t id;
    uint8_t session[SESSION_ID_BYTES]; /* that it is about, if it says so */
    /* If not NULL: the client has gone before the answer, which is worth nothing now. Must end the
     * call. */
    void (*gone)(struct call *call);
    void *work;               /* for `gone` */
    struct call *prev, *next; /* of the peer's */
};

/* New, in the peer's list. NULL when out of memory. */
struct call *call_new(struct peer *peer, uint32_t id);

/* The client has gone: nobody waits for this call any more, which may end it. */
void call_orphan(struct call *call);

/* Begins the response; the caller then writes one object with key NULL. */
void call_begin(const struct call *call, struct writer *ret_writer);

/* Sends the response that call_begin() began. The call is gone. */
void call_answer(struct call *call, struct writer *writer);

/* Answers with an error; `text` is one sentence. The call is gone. */
void call_refuse(struct call *call, enum ipc_error code, const char *text);

/* Ends a call whose client has gone. */
void call_drop(struct call *call);

/* Fills call->session from the `session` parameter's text: petname, id or start of one. False: the
 * call has been refused. call_find_in() looks in a transaction that is open already. */
bool call_find(struct call *call, const char *text);
bool call_find_in(struct call *call, struct kv_txn *txn, const char *text);

/* Finds as above, and reads. New; session_free(). NULL: the call has been refused. */
struct session *call_get_session(struct call *call, struct kv_txn *txn, const char *text);

/* Answers with what was read, or refuses if the reading failed. Transaction and call are gone. */
void call_finish_read(struct call *call, struct kv_txn *txn, struct writer *writer);

/* Answers with the session's view. */
void call_answer_view(struct call *call, const struct session *session);

/* Writes `session`: the id of the session that the call is about. */
void call_write_session(const struct call *call, struct writer *writer);

/* Refuses for want of memory. */
void call_refuse_memory(struct call *call);

/* Refuses since a verification is pending. */
void call_refuse_unverified(struct call *call);

/* True if the turn did what was asked; else the call has been refused. */
bool call_turn_ok(struct call *call, const struct turn_answer *answer);

/* A turn_done whose arg is the call: answers with the session's view. */
void call_view_done(void *arg, const struct turn_answer *answer);

#endif
