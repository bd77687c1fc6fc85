/* verify and derive_key: what two users do once their daemons share a key. */
#include "config.h"

#include "daemon/rpc.h"

#include <sodium.h>

#include "daemon/turn.h"
#include "state/store.h"

void rpc_verify(struct ipc_call *call, const struct ipc_params *params)
{
    struct session_event event = {.type = EVENT_VERIFY, .number = params->ok};
    if (rpc_find(call, params->session) &&
        !turn_event(call->rpc->turns, call->session, &event, rpc_view_done, call))
        rpc_refuse_memory(call);
}

/* Why session_derive_key() gave no key. */
static void refuse_key(struct ipc_call *call, const struct session *session)
{
    if (session->state == SESSION_CLOSING || session->state == SESSION_CLOSED)
        ipc_call_refuse(call, IPC_CLOSED, "the session has ended, and its key is gone");
    else if (session->state == SESSION_ESTABLISHED)
        rpc_refuse_unverified(call);
    else
        ipc_call_refuse(call, IPC_NOT_KEYED,
                        "the other side has not proven yet that it knows the code");
}

void rpc_derive_key(struct ipc_call *call, const struct ipc_params *params)
{
    struct kv_txn *txn = kv_read(call->rpc->store);
    struct session *session = rpc_get_session(call, txn, params->session);
    size_t length = (size_t)params->length;
    uint8_t key[KEYS_DERIVE_MAX];
    struct writer writer;
    if (session != NULL && !session_derive_key(session, params->purpose, key, length)) {
        refuse_key(call, session);
    } else if (session != NULL) {
        ipc_call_begin(call, &writer);
        writer_map(&writer, NULL);
        rpc_write_session(call, &writer);
        writer_data(&writer, "key", key, length);
        writer_end(&writer);
        ipc_call_answer(call, &writer);
    }
    sodium_memzero(key, sizeof(key));
    session_free(session);
    kv_end(txn);
}
