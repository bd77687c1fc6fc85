/*
 * A model of the stock rendezvous relay (mailbox server 0.4.1) for one appid, without I/O and
 * without a clock: what it stores, what it answers, and where it bites. The test decides when it
 * prunes.
 */
#ifndef SIMULATION_STOCK_H
#define SIMULATION_STOCK_H

#include <stdbool.h>

struct stock;
struct stock_connection;

/* Receives what the relay says. `text` NULL: it dropped the connection, which must then be let go.
 */
typedef void (*stock_deliver)(void *arg, const char *text);

struct stock *stock_new(void);
void stock_free(struct stock *stock);

/* A client connects: is welcomed at once. The error of the welcome may be NULL. */
struct stock_connection *stock_connect(struct stock *stock, stock_deliver deliver, void *arg,
                                       const char *error);
void stock_disconnect(struct stock_connection *connection);

/* A client says something. */
void stock_receive(struct stock_connection *connection, const char *text);

/* Deletes every mailbox that nobody listens to, with its nameplate. */
void stock_prune(struct stock *stock);

/* How many nameplates, mailboxes and messages it holds. */
unsigned stock_count(const struct stock *stock, unsigned *ret_mailboxes, unsigned *ret_messages);

#endif
