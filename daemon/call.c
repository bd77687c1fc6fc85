#include "config.h"

#include "daemon/call.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/ipc_connection.h"
#include "daemon/ipc_client.h"
#include "daemon/rpc.h"
#include "daemon/turn.h"
#include "daemon/view.h"
#include "ipc/message.h"
#include "state/store.h"

/* ---- life ---- */

struct call *call_new(struct peer *peer, uint32_t id)
{
    struct call *call = calloc(1, sizeof(*call));
    if (!call)
        return NULL;
    call->rpc = peer->rpc;
    call->peer = peer;
    call->id = id;
    peer_add_call(peer, call);
    return call;
}

void call_orphan(struct call *call)
{
    call->peer = NULL;
    if (call->gone)
        call->gone(call);
}

void call_begin(const struct call *call, struct writer *ret_writer)
{
    writer_init(ret_writer);
    message_begin_response(ret_writer, call->id);
}

void call_answer(struct call *call, struct writer *writer)
{
    struct peer *peer = call->peer;
    if (peer) {
        client_send(peer->client, writer);
        peer_remove_call(peer, call);
    } else {
        writer_free(writer);
    }
    free(call);
}

void call_drop(struct call *call)
{
    free(call);
}

void call_refuse(struct call *call, enum ipc_error code, const char *text)
{
    struct writer writer;
    writer_init(&writer);
    message_error(&writer, call->id, code, text);
    call_answer(call, &writer);
}

/* ---- refusals that many methods share ---- */

void call_refuse_memory(struct call *call)
{
    call_refuse(call, IPC_STORE_FAILED, "the daemon is out of memory; nothing was changed");
}

void call_refuse_unverified(struct call *call)
{
    call_refuse(call, IPC_UNVERIFIED,
                "compare the verifiers with the other side, and say first that they agree");
}

static void refuse_store(struct call *call, enum kv_status status)
{
    if (status == KV_MEMORY)
        call_refuse_memory(call);
    else
        call_refuse(call, IPC_STORE_FAILED, kv_status_text(status));
}

void call_finish_read(struct call *call, struct kv_txn *txn, struct writer *writer)
{
    enum kv_status status = kv_txn_status(txn);
    kv_end(txn);
    if (status == KV_OK) {
        call_answer(call, writer);
    } else {
        writer_free(writer);
        refuse_store(call, status);
    }
}

bool call_find_in(struct call *call, struct kv_txn *txn, const char *text)
{
    /* Neither petnames nor ids are longer. */
    enum kv_status status =
        strlen(text) > NAME_MAX_BYTES ? KV_MISSING : store_find(txn, text, call->session);
    if (status == KV_OK)
        return true;
    if (status == KV_MISSING)
        call_refuse(call, IPC_NOT_FOUND, "no session has this petname or id");
    else if (status == KV_AMBIGUOUS)
        call_refuse(call, IPC_AMBIGUOUS,
                    "there is more than one session whose name or id begins like this");
    else
        refuse_store(call, status);
    return false;
}

struct session *call_get_session(struct call *call, struct kv_txn *txn, const char *text)
{
    struct session *session;
    if (!call_find_in(call, txn, text))
        return NULL;
    enum kv_status status = store_get_session(txn, call->session, &session);
    if (status == KV_OK)
        return session;
    refuse_store(call, status);
    return NULL;
}

bool call_find(struct call *call, const char *text)
{
    struct kv_txn *txn = kv_read(call->rpc->store);
    bool found = call_find_in(call, txn, text);
    kv_end(txn);
    return found;
}

/* ---- turns ---- */

static const struct {
    enum ipc_error code;
    const char *text;
} turn_verdicts[] = {
    [TURN_NOT_FOUND] = {IPC_NOT_FOUND, "the session is gone"},
    [TURN_NAME_TAKEN] = {IPC_NAME_TAKEN, "a session with this petname exists: give another name"},
    [TURN_NOT_CLOSED] = {IPC_NOT_CLOSED, "the session is alive: close it first, or use force"},
    [TURN_NOT_SAFE] = {IPC_NOT_CLOSED, "the session was exported: tell first that its text is in a "
                                       "safe place (done), or use force"},
    [TURN_NOT_EXPORTED] = {IPC_NOT_EXPORTABLE, "the session was not exported: take its text first"},
    [TURN_IMPORTED] = {IPC_IMPORTED, "the session is or was here already"},
    [TURN_EXPIRED] = {IPC_BAD_EXPORT, "the session's deadline has passed"},
    [TURN_STORE_FULL] = {IPC_STORE_FULL, "the disk or the store is full; nothing was changed"},
    [TURN_STORE_FAILED] = {IPC_STORE_FAILED, "the store cannot be written; nothing was changed"},
    [TURN_MEMORY] = {IPC_STORE_FAILED, "the daemon is out of memory; nothing was changed"},
};

static const enum ipc_error refusal_codes[] = {
    [SESSION_REFUSED_CLOSED] = IPC_CLOSED,         [SESSION_REFUSED_TOO_LARGE] = IPC_TOO_LARGE,
    [SESSION_REFUSED_FULL] = IPC_TOO_LARGE,        [SESSION_REFUSED_NUMBER] = IPC_BAD_PARAMS,
    [SESSION_REFUSED_NOT_KEYED] = IPC_NOT_KEYED,   [SESSION_REFUSED_UNVERIFIED] = IPC_UNVERIFIED,
    [SESSION_REFUSED_EXPORT] = IPC_NOT_EXPORTABLE,
};

bool call_turn_ok(struct call *call, const struct turn_answer *answer)
{
    if (answer->code == TURN_DONE)
        return true;
    if (answer->code == TURN_REFUSED)
        call_refuse(call, refusal_codes[answer->refusal], session_refusal_text(answer->refusal));
    else
        call_refuse(call, turn_verdicts[answer->code].code, turn_verdicts[answer->code].text);
    return false;
}

/* ---- results ---- */

void call_write_session(const struct call *call, struct writer *writer)
{
    char id[SESSION_ID_TEXT];
    session_id_text(call->session, id);
    writer_text(writer, "session", id);
}

void call_answer_view(struct call *call, const struct session *session)
{
    struct writer writer;
    call_begin(call, &writer);
    view_write(&writer, NULL, session, call->rpc);
    call_answer(call, &writer);
}

void call_view_done(void *arg, const struct turn_answer *answer)
{
    struct call *call = arg;
    if (call_turn_ok(call, answer))
        call_answer_view(call, answer->session);
}
