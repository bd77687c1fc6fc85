#include "config.h"

#include "daemon/ipc_server.h"

#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "daemon/ipc_connection.h"
#include "daemon/ipc_client.h"
#include "daemon/rpc.h"
#include "service/log.h"

/* Connections beyond the limit that are told so when they ask for something; any further ones are
 * simply closed. */
#define REFUSED_MAX 32

struct ipc_server {
    struct event_base *base;
    const struct rpc *rpc;
    struct ipc_client *clients;
    unsigned count;
};

static void on_gone(struct ipc_client *client, void *arg)
{
    struct ipc_server *server = arg;
    DL_DELETE(server->clients, client);
    server->count--;
    ipc_client_free(client);
}

static const struct ipc_client_handlers handlers = {rpc_dispatch, on_gone};

void ipc_server_accept(void *arg, int fd)
{
    struct ipc_server *server = arg;
    if (!ipc_connection_is_ours(fd)) {
        log_warning("rpc", "a program of another user was refused");
        close(fd);
        return;
    }
    if (server->count >= IPC_SERVER_CLIENTS_MAX + REFUSED_MAX) {
        close(fd);
        return;
    }
    struct ipc_client *client = ipc_client_new(server->base, fd, server->rpc, &handlers, server);
    if (client == NULL) {
        log_error("rpc", "out of memory for a client");
        return;
    }
    DL_APPEND(server->clients, client);
    client->refused = ++server->count > IPC_SERVER_CLIENTS_MAX;
}

struct ipc_server *ipc_server_new(struct event_base *base, const struct rpc *rpc)
{
    struct ipc_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return NULL;
    server->base = base;
    server->rpc = rpc;
    return server;
}

void ipc_server_free(struct ipc_server *server)
{
    if (server == NULL)
        return;
    struct ipc_client *client, *next;
    DL_FOREACH_SAFE(server->clients, client, next)
    {
        ipc_client_free(client);
    }
    free(server);
}
