/* send, recv, ack: an application's messages. */
#include "config.h"

#include "daemon/rpc.h"

#include "daemon/leases.h"
#include "daemon/turn.h"
#include "state/store.h"

/* ---- send ---- */

static void on_sent(void *arg, const struct turn_answer *answer)
{
    struct ipc_call *call = arg;
    if (!rpc_turn_ok(call, answer))
        return;
    struct writer writer;
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    rpc_write_session(call, &writer);
    writer_number(&writer, "number", answer->number);
    writer_end(&writer);
    ipc_call_answer(call, &writer);
}

void rpc_send(struct ipc_call *call, const struct ipc_params *params)
{
    struct session_event event = {
        .type = EVENT_SEND, .data = params->data.bytes, .length = params->data.length};
    if (rpc_find(call, params->session) &&
        !turn_event(call->rpc->turns, call->session, &event, on_sent, call))
        rpc_refuse_memory(call);
}

/* ---- recv ---- */

/* Writes number and data of the first message from `from` on, which is leased to the client then;
 * nil if it has not arrived yet, or another client is at work on what came before. */
static enum kv_status write_message(struct ipc_call *call, struct writer *writer,
                                    struct kv_txn *txn, const struct session *session, int64_t from)
{
    struct leases *leases = call->rpc->leases;
    uint32_t number = from > session->acked ? (uint32_t)from : session->acked;
    const uint8_t *data;
    size_t length;
    enum kv_status status =
        number < session->received && !leases_elsewhere(leases, session, call->client)
            ? store_get_message(txn, STORE_INBOX, session->id, number, &data, &length)
            : KV_MISSING;
    if (status == KV_OK && !leases_take(leases, call->client, session->id, number))
        status = KV_MEMORY;
    if (status == KV_OK) {
        writer_number(writer, "number", number);
        writer_data(writer, "data", data, length);
    } else {
        writer_nil(writer, "number");
        writer_nil(writer, "data");
    }
    return status == KV_MISSING ? KV_OK : status;
}

/* Ends the transaction, too. */
static void answer_message(struct ipc_call *call, struct kv_txn *txn, const struct session *session,
                           int64_t from)
{
    struct writer writer;
    ipc_call_begin(call, &writer);
    writer_map(&writer, NULL);
    rpc_write_session(call, &writer);
    enum kv_status status = write_message(call, &writer, txn, session, from);
    writer_end(&writer);
    if (status == KV_OK) {
        rpc_finish_read(call, txn, &writer);
        return;
    }
    kv_end(txn);
    writer_free(&writer);
    ipc_call_refuse(call, IPC_STORE_FAILED, kv_status_text(status));
}

void rpc_recv(struct ipc_call *call, const struct ipc_params *params)
{
    struct kv_txn *txn = kv_read(call->rpc->store);
    struct session *session = rpc_get_session(call, txn, params->session);
    /* Messages that were held back to the end are gone. */
    bool held_back = session != NULL && session->verification == VERIFICATION_PENDING &&
                     session->state < SESSION_CLOSING;
    if (held_back)
        rpc_refuse_unverified(call);
    if (session != NULL && !held_back)
        answer_message(call, txn, session, params->from);
    else
        kv_end(txn);
    session_free(session);
}

/* ---- ack ---- */

static void on_acked(void *arg, const struct turn_answer *answer)
{
    struct ipc_call *call = arg;
    leases_ack_ended(call->rpc->leases, call->session, call->lease_ack);
    rpc_view_done(call, answer);
}

void rpc_ack(struct ipc_call *call, const struct ipc_params *params)
{
    struct session_event event = {.type = EVENT_ACK, .number = (uint32_t)params->number};
    if (!rpc_find(call, params->session))
        return;
    call->lease_ack = leases_ack_began(call->rpc->leases, call->client, call->session);
    if (!turn_event(call->rpc->turns, call->session, &event, on_acked, call)) {
        leases_ack_ended(call->rpc->leases, call->session, call->lease_ack);
        rpc_refuse_memory(call);
    }
}
