#include "config.h"

#include "daemon/rpc.h"

#include <stdio.h>
#include <string.h>

#include "daemon/ipc_connection.h"
#include "daemon/settings.h"
#include "daemon/turn.h"
#include "daemon/validate.h"
#include "daemon/view.h"
#include "ipc/message.h"
#include "ipc/params.h"
#include "service/log.h"
#include "state/store.h"

const char *rpc_default_relay(const struct rpc *rpc, const char *appid)
{
    const char *relay = settings_for_appid(rpc->settings, appid)->relay;
    return relay != NULL ? relay : rpc->settings->relay;
}

/* ---- refusals shared by many methods ---- */

void rpc_refuse_memory(struct ipc_call *call)
{
    ipc_call_refuse(call, IPC_STORE_FAILED, "the daemon is out of memory; nothing was changed");
}

void rpc_refuse_unverified(struct ipc_call *call)
{
    ipc_call_refuse(call, IPC_UNVERIFIED,
                    "the verifiers must be compared, and confirmed to agree, first");
}

static void refuse_store(struct ipc_call *call, enum kv_status status)
{
    if (status == KV_MEMORY)
        rpc_refuse_memory(call);
    else
        ipc_call_refuse(call, IPC_STORE_FAILED, kv_status_text(status));
}

void rpc_finish_read(struct ipc_call *call, struct kv_txn *txn, struct writer *writer)
{
    enum kv_status status = kv_txn_status(txn);
    kv_end(txn);
    if (status == KV_OK) {
        ipc_call_answer(call, writer);
    } else {
        writer_free(writer);
        refuse_store(call, status);
    }
}

bool rpc_find_in(struct ipc_call *call, struct kv_txn *txn, const char *text)
{
    /* Neither petnames nor ids are longer than this. */
    enum kv_status status =
        strlen(text) > NAME_MAX_BYTES ? KV_MISSING : store_find(txn, text, call->session);
    if (status == KV_OK)
        return true;
    if (status == KV_MISSING)
        ipc_call_refuse(call, IPC_NOT_FOUND, "no session has this petname or id");
    else if (status == KV_AMBIGUOUS)
        ipc_call_refuse(call, IPC_AMBIGUOUS,
                        "more than one session has a petname or id that begins like this");
    else
        refuse_store(call, status);
    return false;
}

struct session *rpc_get_session(struct ipc_call *call, struct kv_txn *txn, const char *text)
{
    struct session *session;
    if (!rpc_find_in(call, txn, text))
        return NULL;
    enum kv_status status = store_get_session(txn, call->session, &session);
    if (status == KV_OK)
        return session;
    refuse_store(call, status);
    return NULL;
}

bool rpc_find(struct ipc_call *call, const char *text)
{
    struct kv_txn *txn = kv_read(call->rpc->store);
    bool found = rpc_find_in(call, txn, text);
    kv_end(txn);
    return found;
}

/* ---- turns ---- */

static const struct {
    enum ipc_error code;
    const char *text;
} turn_verdicts[] = {
    [TURN_NOT_FOUND] = {IPC_NOT_FOUND, "the session is gone"},
    [TURN_NAME_TAKEN] = {IPC_NAME_TAKEN, "another session has this petname"},
    [TURN_OWN_CODE] = {IPC_BAD_CODE, "a session of this daemon waits with this code, or another "
                                     "one with the same number: it would meet itself (close "
                                     "that one if its code was mistyped; to try things out "
                                     "alone, run a second daemon)"},
    [TURN_NOT_CLOSED] = {IPC_NOT_CLOSED, "the session has not ended: close it first, or use force"},
    [TURN_NOT_SAFE] = {IPC_NOT_CLOSED, "the session was exported: confirm first that its text is "
                                       "in a safe place (done), or use force"},
    [TURN_NOT_EXPORTED] = {IPC_NOT_EXPORTABLE,
                           "the session has not been exported: export it first"},
    [TURN_IMPORTED] = {IPC_IMPORTED, "the session is or was here already"},
    [TURN_EXPIRED] = {IPC_BAD_EXPORT, "the session's deadline has passed"},
    [TURN_STORE_FULL] = {IPC_STORE_FULL, "the disk or the store is full; nothing was changed"},
    [TURN_STORE_FAILED] = {IPC_STORE_FAILED, "the store cannot be written; nothing was changed"},
    [TURN_MEMORY] = {IPC_STORE_FAILED, "the daemon is out of memory; nothing was changed"},
};

static const enum ipc_error refusal_codes[] = {
    [SESSION_REFUSED_CLOSED] = IPC_CLOSED,         [SESSION_REFUSED_TOO_LARGE] = IPC_TOO_LARGE,
    [SESSION_REFUSED_FULL] = IPC_TOO_LARGE,        [SESSION_REFUSED_UNDELIVERED] = IPC_TOO_LARGE,
    [SESSION_REFUSED_NUMBER] = IPC_BAD_PARAMS,     [SESSION_REFUSED_NOT_KEYED] = IPC_NOT_KEYED,
    [SESSION_REFUSED_UNVERIFIED] = IPC_UNVERIFIED, [SESSION_REFUSED_EXPORT] = IPC_NOT_EXPORTABLE,
    [SESSION_REFUSED_COPIED] = IPC_CLOSED,         [SESSION_REFUSED_ROUTES] = IPC_NOT_MOVABLE,
    [SESSION_REFUSED_MOVING] = IPC_NOT_MOVABLE,
};

static void refuse_trouble(struct ipc_call *call, enum ipc_error code)
{
    char text[256];
    snprintf(text, sizeof(text), "%s; nothing was changed", kv_health(call->rpc->store).text);
    ipc_call_refuse(call, code, text);
}

/* Whoever was too late is told how the session ended. */
static void refuse_step(struct ipc_call *call, const struct turn_answer *answer)
{
    const char *text = session_refusal_text(answer->refusal);
    const char *result = session_result_name(answer->session->result);
    char ended[256];
    if (answer->refusal == SESSION_REFUSED_CLOSED && result != NULL) {
        snprintf(ended, sizeof(ended), "the session has ended (%s)", result);
        text = ended;
    }
    ipc_call_refuse(call, refusal_codes[answer->refusal], text);
}

bool rpc_turn_ok(struct ipc_call *call, const struct turn_answer *answer)
{
    if (answer->code == TURN_DONE)
        return true;
    if (answer->code == TURN_REFUSED)
        refuse_step(call, answer);
    else if ((answer->code == TURN_STORE_FULL || answer->code == TURN_STORE_FAILED) &&
             kv_health(call->rpc->store).text != NULL)
        refuse_trouble(call, turn_verdicts[answer->code].code);
    else
        ipc_call_refuse(call, turn_verdicts[answer->code].code, turn_verdicts[answer->code].text);
    return false;
}

/* ---- results ---- */

void rpc_write_session(const struct ipc_call *call, struct writer *writer)
{
    char id[SESSION_ID_TEXT];
    session_id_text(call->session, id);
    writer_text(writer, "session", id);
}

void rpc_answer_view(struct ipc_call *call, const struct session *session)
{
    struct writer writer;
    ipc_call_begin(call, &writer);
    view_write(&writer, NULL, session, call);
    ipc_call_answer(call, &writer);
}

void rpc_view_done(void *arg, const struct turn_answer *answer)
{
    struct ipc_call *call = arg;
    if (rpc_turn_ok(call, answer))
        rpc_answer_view(call, answer->session);
}

/* ---- dispatch ---- */

static void (*const handlers[METHOD_COUNT])(struct ipc_call *call,
                                            const struct ipc_params *params) = {
#define METHOD(ID, name, ...) [METHOD_##ID] = rpc_##name,
#include "ipc/methods.def"
};

/* The last answer on this connection. */
static void hang_up(struct ipc_call *call, enum ipc_error code, const char *text)
{
    struct ipc_connection *connection = call->client->connection;
    ipc_call_refuse(call, code, text);
    ipc_connection_end(connection);
}

static void handle(struct ipc_call *call, enum ipc_method method, const struct message *message)
{
    struct ipc_params params;
    char wrong[PARAMS_WRONG_SIZE];
    if (params_read(method, message->params, &params, wrong) &&
        validate_params(method, &params, wrong))
        handlers[method](call, &params);
    else
        ipc_call_refuse(call, IPC_BAD_PARAMS, wrong);
}

void rpc_dispatch(struct ipc_client *client, const struct message *message)
{
    struct ipc_call *call = ipc_call_new(client, message->id);
    if (call == NULL) {
        log_error("rpc", "out of memory for a request: the client is dropped");
        ipc_connection_end(client->connection);
        return;
    }
    enum ipc_method method;
    bool known = methods_find(message->method, &method);
    if (message->params == NULL)
        hang_up(call, IPC_BAD_MESSAGE, "the params must be an array that holds one map");
    else if (client->refused)
        hang_up(call, IPC_BUSY, "the daemon has as many clients as it allows");
    else if (!client->greeted && !(known && method == METHOD_HELLO))
        ipc_call_refuse(call, IPC_HELLO_FIRST, "the first request must be hello");
    else if (!known)
        ipc_call_refuse(call, IPC_UNKNOWN_METHOD, "there is no such method");
    else
        handle(call, method, message);
}
