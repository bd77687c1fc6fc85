#include "config.h"

#include "daemon/ipc_client.h"

#include <stdlib.h>
#include <utlist.h>

#include "daemon/backups.h"
#include "daemon/ipc_connection.h"
#include "daemon/leases.h"
#include "daemon/rpc.h"
#include "ipc/message.h"

/* ---- the connection's callbacks ---- */

static void on_message(struct ipc_connection *connection, const struct message *message, void *arg)
{
    (void)connection;
    struct ipc_client *client = arg;
    client->handlers->request(client, message);
}

static void on_drained(struct ipc_connection *connection, void *arg)
{
    (void)connection;
    struct ipc_client *client = arg;
    subscribers_drained(&client->subscription);
}

static void on_closed(struct ipc_connection *connection, void *arg)
{
    (void)connection;
    struct ipc_client *client = arg;
    client->connection = NULL; /* it frees itself */
    client->handlers->gone(client, client->arg);
}

static const struct ipc_connection_handlers connection_handlers = {on_message, on_drained,
                                                                   on_closed};

/* ---- life ---- */

struct ipc_client *ipc_client_new(struct event_base *base, int fd, const struct rpc *rpc,
                                  const struct ipc_client_handlers *handlers, void *arg)
{
    struct ipc_client *client = calloc(1, sizeof(*client));
    struct ipc_connection *connection = ipc_connection_new(base, fd, &connection_handlers, client);
    if (client == NULL || connection == NULL) {
        ipc_connection_free(connection);
        free(client);
        return NULL;
    }
    client->handlers = handlers;
    client->arg = arg;
    client->rpc = rpc;
    client->connection = connection;
    subscription_init(&client->subscription, connection);
    return client;
}

void ipc_client_free(struct ipc_client *client)
{
    if (client == NULL)
        return;
    subscribers_remove(&client->subscription);
    leases_leave(client->rpc->leases, client);
    backups_leave(client->rpc->backups, client);
    struct ipc_call *call, *next;
    DL_FOREACH_SAFE(client->calls, call, next)
    {
        call->client = NULL;
        if (call->gone != NULL)
            call->gone(call);
    }
    ipc_connection_free(client->connection);
    free(client);
}

/* ---- calls ---- */

/* While too many calls are under way, no more requests are taken. */
static void count_calls(struct ipc_client *client, int change)
{
    client->call_count += (unsigned)change;
    ipc_connection_hold(client->connection, client->call_count >= IPC_CLIENT_CALLS_MAX);
}

struct ipc_call *ipc_call_new(struct ipc_client *client, uint32_t id)
{
    struct ipc_call *call = calloc(1, sizeof(*call));
    if (call == NULL)
        return NULL;
    call->rpc = client->rpc;
    call->client = client;
    call->id = id;
    DL_APPEND(client->calls, call);
    count_calls(client, 1);
    return call;
}

void ipc_call_begin(const struct ipc_call *call, struct writer *ret_writer)
{
    writer_init(ret_writer);
    message_begin_response(ret_writer, call->id);
}

void ipc_call_answer(struct ipc_call *call, struct writer *writer)
{
    struct ipc_client *client = call->client;
    if (client != NULL) {
        ipc_connection_send(client->connection, writer);
        DL_DELETE(client->calls, call);
        count_calls(client, -1);
    } else {
        writer_free(writer);
    }
    free(call);
}

void ipc_call_refuse(struct ipc_call *call, enum ipc_error code, const char *text)
{
    struct writer writer;
    writer_init(&writer);
    message_error(&writer, call->id, code, text);
    ipc_call_answer(call, &writer);
}

void ipc_call_drop(struct ipc_call *call)
{
    free(call);
}
