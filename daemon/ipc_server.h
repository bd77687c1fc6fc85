/* All programs that are connected to the RPC. */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

struct event_base;
struct rpc;
struct ipc_server;

/* Programs connected at a time. Each running `wormctl … --wait` is one; only those of the same user
 * count. */
#define IPC_SERVER_CLIENTS_MAX 512

/* New; ipc_server_free(). NULL when out of memory. */
struct ipc_server *ipc_server_new(struct event_base *base, const struct rpc *rpc);

/* Takes an incoming connection: serves it, tells it `busy`, or closes it if it is not our user's.
 * `server` is a struct ipc_server: this is an acceptor_accepted. */
void ipc_server_accept(void *server, int fd);

/* Closes all connections. NULL is fine. */
void ipc_server_free(struct ipc_server *server);

#endif
