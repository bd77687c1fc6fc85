/* All programs that are connected to the RPC. */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

struct event_base;
struct rpc;
struct ipc_server;

/* Programs connected at a time. Every `wormctl … --wait` is one; those of the same user only. */
#define IPC_SERVER_CLIENTS_MAX 512

/* NULL when out of memory. ipc_server_free(). */
struct ipc_server *ipc_server_new(struct event_base *base, const struct rpc *rpc);

/* Takes a connection that came in: serves it, tells it `busy`, or closes it if it is not our
 * user's. `server` is a struct ipc_server: this is an acceptor_accepted. */
void ipc_server_accept(void *server, int fd);

/* Closes all connections. NULL is fine. */
void ipc_server_free(struct ipc_server *server);

#endif
