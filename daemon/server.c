#include "config.h"

#include "daemon/server.h"

#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "daemon/ipc_connection.h"
#include "daemon/ipc_client.h"
#include "service/log.h"

/* Connections beyond the limit that are told so when they ask for something; more are just closed.
 */
#define REFUSED_MAX 32

struct server {
    struct event_base *base;
    const struct rpc *rpc;
    struct peer *peers;
    unsigned count;
};

static void on_gone(struct peer *peer, void *arg)
{
    struct server *server = arg;
    DL_DELETE(server->peers, peer);
    server->count--;
    peer_free(peer);
}

void server_accept(void *arg, int fd)
{
    struct server *server = arg;
    if (!client_is_ours(fd)) {
        log_warning("rpc", "a program of another user was turned away");
        close(fd);
        return;
    }
    if (server->count >= SERVER_PEERS_MAX + REFUSED_MAX) {
        close(fd);
        return;
    }
    struct peer *peer = peer_new(server->base, fd, server->rpc, on_gone, server);
    if (!peer) {
        log_error("rpc", "out of memory for a client");
        return;
    }
    DL_APPEND(server->peers, peer);
    peer->refused = ++server->count > SERVER_PEERS_MAX;
}

struct server *server_new(struct event_base *base, const struct rpc *rpc)
{
    struct server *server = calloc(1, sizeof(*server));
    if (!server)
        return NULL;
    server->base = base;
    server->rpc = rpc;
    return server;
}

void server_free(struct server *server)
{
    if (!server)
        return;
    struct peer *peer, *next;
    DL_FOREACH_SAFE(server->peers, peer, next)
    {
        peer_free(peer);
    }
    free(server);
}
