#include "config.h"

#include "daemon/rpc.h"

#include "daemon/call.h"
#include "daemon/ipc_connection.h"
#include "daemon/ipc_client.h"
#include "daemon/settings.h"
#include "daemon/validate.h"
#include "ipc/message.h"
#include "ipc/params.h"
#include "service/log.h"

static void (*const handlers[METHOD_COUNT])(struct call *call, const struct ipc_params *params) = {
#define METHOD(ID, name, ...) [METHOD_##ID] = rpc_##name,
#include "ipc/methods.def"
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

static void handle(struct call *call, enum ipc_method method, const struct message *message)
{
    struct ipc_params params;
    char wrong[PARAMS_WRONG_SIZE];
    if (params_read(method, message->params, &params, wrong) &&
        validate_params(method, &params, wrong))
        handlers[method](call, &params);
    else
        call_refuse(call, IPC_BAD_PARAMS, wrong);
}

void rpc_dispatch(struct peer *peer, const struct message *message)
{
    struct call *call = call_new(peer, message->id);
    if (!call) {
        log_error("rpc", "out of memory for a request: its client is dropped");
        client_end(peer->client);
        return;
    }
    enum ipc_method method;
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
