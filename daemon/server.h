/* All programs that are connected to the RPC. */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

struct event_base;
struct rpc;
struct server;

/* Programs connected at a time. Every `wormctl … --wait` is one; those of the same user only. */
#define SERVER_PEERS_MAX 512

/* NULL when out of memory. server_free(). */
struct server *server_new(struct event_base *base, const struct rpc *rpc);

/* Takes a connection that came in: serves it, tells it `busy`, or closes it if it is not our
 * user's. `server` is a struct server: this is an acceptor_accepted. */
void server_accept(void *server, int fd);

/* Closes all connections. NULL is fine. */
void server_free(struct server *server);

#endif
