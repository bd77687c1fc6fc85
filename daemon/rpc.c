#include "config.h"

#include "daemon/rpc.h"

#include "daemon/call.h"
#include "daemon/ipc_connection.h"
#include "daemon/ipc_client.h"
#include "daemon/settings.h"
#include "ipc/message.h"
#include "ipc/methods.h"
#include "service/log.h"

static void (*const handlers[METHOD_COUNT])(struct call *call, struct fields *fields) = {
    [METHOD_HELLO] = rpc_hello,
    [METHOD_STATUS] = rpc_status,
    [METHOD_INVITE] = rpc_invite,
    [METHOD_ACCEPT] = rpc_accept,
    [METHOD_LIST] = rpc_list,
    [METHOD_SHOW] = rpc_show,
    [METHOD_SEND] = rpc_send,
    [METHOD_RECV] = rpc_recv,
    [METHOD_ACK] = rpc_ack,
    [METHOD_VERIFY] = rpc_verify,
    [METHOD_DERIVE_KEY] = rpc_derive_key,
    [METHOD_RENAME] = rpc_rename,
    [METHOD_EXPORT] = rpc_export,
    [METHOD_IMPORT] = rpc_import,
    [METHOD_CLOSE] = rpc_close,
    [METHOD_FORGET] = rpc_forget,
    [METHOD_POLL] = rpc_poll,
    [METHOD_SUBSCRIBE] = rpc_subscribe,
    [METHOD_CHANGES] = rpc_changes,
    [METHOD_NAMEPLATES] = rpc_nameplates,
    [METHOD_WORDS] = rpc_words,
};

const char *rpc_default_relay(const struct rpc *rpc, const char *appid)
{
    const char *relay = settings_for_appid(rpc->settings, appid)->relay;
    return relay ? relay : rpc->settings->relay;
}

/* The last answer on this connection. */
static void hang_up(struct call *call, enum ipc_error code, const char *text)
{
    struct client *client = call->peer->client;
    call_refuse(call, code, text);
    client_end(client);
}

static void handle(struct call *call, enum method method, const struct message *message)
{
    struct fields fields;
    fields_init(&fields, message->params);
    handlers[method](call, &fields);
}

void rpc_dispatch(struct peer *peer, const struct message *message)
{
    struct call *call = call_new(peer, message->id);
    if (!call) {
        log_error("rpc", "out of memory for a request: its client is dropped");
        client_end(peer->client);
        return;
    }
    enum method method;
    bool known = methods_find(message->method, &method);
    if (!message->params)
        hang_up(call, IPC_BAD_MESSAGE, "the params must be an array that holds one map");
    else if (peer->refused)
        hang_up(call, IPC_BUSY, "the daemon has as many clients as it allows");
    else if (!peer->greeted && !(known && method == METHOD_HELLO))
        call_refuse(call, IPC_HELLO_FIRST, "the first request must be hello");
    else if (!known)
        call_refuse(call, IPC_UNKNOWN_METHOD, "there is no such method");
    else
        handle(call, method, message);
}
