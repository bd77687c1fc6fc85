#include "config.h"

#include "daemon/ipc_client.h"

#include <stdlib.h>
#include <utlist.h>

#include "daemon/call.h"
#include "daemon/ipc_connection.h"
#include "daemon/rpc.h"

static void on_message(struct client *client, const struct message *message, void *arg)
{
    (void)client;
    rpc_dispatch(arg, message);
}

static void on_drained(struct client *client, void *arg)
{
    (void)client;
    struct peer *peer = arg;
    subscribers_drained(&peer->subscription);
}

static void on_closed(struct client *client, void *arg)
{
    (void)client;
    struct peer *peer = arg;
    peer->client = NULL; /* frees itself */
    peer->gone(peer, peer->arg);
}

static const struct client_handlers handlers = {on_message, on_drained, on_closed};

struct peer *peer_new(struct event_base *base, int fd, const struct rpc *rpc,
                      void (*gone)(struct peer *peer, void *arg), void *arg)
{
    struct peer *peer = calloc(1, sizeof(*peer));
    struct client *client = client_new(base, fd, &handlers, peer);
    if (!peer || !client) {
        client_free(client);
        free(peer);
        return NULL;
    }
    peer->rpc = rpc;
    peer->client = client;
    peer->gone = gone;
    peer->arg = arg;
    subscription_init(&peer->subscription, client);
    return peer;
}

void peer_free(struct peer *peer)
{
    if (!peer)
        return;
    subscribers_remove(peer->rpc->subscribers, &peer->subscription);
    struct call *call, *next;
    DL_FOREACH_SAFE(peer->calls, call, next)
    {
        call_orphan(call);
    }
    client_free(peer->client);
    free(peer);
}

void peer_add_call(struct peer *peer, struct call *call)
{
    DL_APPEND(peer->calls, call);
    client_hold(peer->client, ++peer->call_count >= PEER_CALLS_MAX);
}

void peer_remove_call(struct peer *peer, struct call *call)
{
    DL_DELETE(peer->calls, call);
    client_hold(peer->client, --peer->call_count >= PEER_CALLS_MAX);
}
