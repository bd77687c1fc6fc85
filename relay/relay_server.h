/*
 * The relay's connections as a whole: accepts them, looks after each in turn, and shuts them down
 * in an orderly way.
 */
#ifndef RELAY_RELAY_SERVER_H
#define RELAY_RELAY_SERVER_H

#include <stdint.h>

#include "relay/relay_connection.h"
#include "relay/rules.h"

struct relay_server;

/* New; relay_server_free(). NULL when out of memory. Its rules must be set before the first
 * connection. */
struct relay_server *relay_server_new(struct event_base *base,
                                      const struct relay_connection_settings *settings);

/* The rules, made with relay_connection_hooks; they must outlive the server. */
void relay_server_set_rules(struct relay_server *server, struct rules *rules);

/* Settings for connections from now on; counts are kept. */
void relay_server_set(struct relay_server *server,
                      const struct relay_connection_settings *settings);

/* TLS for connections from now on; NULL: none. Takes over the context. */
void relay_server_set_tls(struct relay_server *server, struct ssl_ctx_st *tls);

/* Takes an accepted socket. `server` is a struct relay_server: this function is an
 * acceptor_accepted. */
void relay_server_accept(void *server, int fd);

/* Stops reading; gives pending commands at most a second to finish and be answered; then closes all
 * connections, and calls `done` from the event loop. */
void relay_server_shut_down(struct relay_server *server, void (*done)(void *arg), void *arg);

/* Drops all connections. NULL is fine. */
void relay_server_free(struct relay_server *server);

void relay_server_count(const struct relay_server *server,
                        struct relay_connection_counts *ret_counts);

/* Bytes that wait to be sent to all clients together. */
uint64_t relay_server_backlog(const struct relay_server *server);

#endif
