/*
 * A model of the stock rendezvous relay (mailbox server 0.4.1) for one appid, without I/O and
 * without a clock of its own: what it stores, what it answers, and where it bites. The test decides
 * when it prunes.
 */
#ifndef SIMULATION_STOCK_H
#define SIMULATION_STOCK_H

#include <stdbool.h>
#include <stdint.h>

struct stock;
struct stock_connection;

/* Receives what the relay says. `text` NULL: it dropped the connection, which must then be let go.
 */
typedef void (*stock_deliver)(void *arg, const char *text);

struct stock *stock_new(void);
void stock_free(struct stock *stock);

/* From now on it can resume, as a relay may that is like it otherwise (doc/relay-extensions.md). */
void stock_resume(struct stock *stock);

/* From now on it says for how long, in seconds, it keeps what nobody visits. */
void stock_remember(struct stock *stock, unsigned retention);

/* From now on it says with all that it says what its clock shows, ms. */
void stock_tell_time(struct stock *stock, int64_t (*clock)(void));

/* How many messages it has told, to all together. */
unsigned stock_told(const struct stock *stock);

/* Its store is copied; and put back, if it was, while nobody is connected. */
void stock_save(struct stock *stock);
void stock_put_back(struct stock *stock);

/* A client connects: is welcomed at once. The error of the welcome may be NULL. */
struct stock_connection *stock_connect(struct stock *stock, stock_deliver deliver, void *arg,
                                       const char *error);
void stock_disconnect(struct stock_connection *connection);

/* A client says something. */
void stock_receive(struct stock_connection *connection, const char *text);

/* Called for each message that is added; `body` in hex. */
typedef void (*stock_watcher)(void *arg, const char *mailbox, const char *side, const char *phase,
                              const char *body);
void stock_watch(struct stock *stock, stock_watcher watcher, void *arg);

/* Swaps two messages of every mailbox that follow each other; `fairly`: if they are of different
 * sides. `draw` gives one of 0 … below - 1. */
void stock_swap(struct stock *stock, bool fairly, unsigned (*draw)(unsigned below));

/* Turns the messages of every mailbox around: a relay need not keep their order. */
void stock_reverse(struct stock *stock);

/* Deletes every mailbox that nobody listens to, with its nameplate. If nobody listens to any, those
 * who are bound now will not hear live what others add who bind later. */
void stock_prune(struct stock *stock);

/* The same, between the next `open` and what came before it. */
void stock_prune_at_open(struct stock *stock);

/* A step of time goes by: deletes every mailbox that nobody has listened to, opened or added to for
 * `most` steps, with its nameplate, as the stock one does after 11 minutes. */
void stock_age(struct stock *stock, unsigned most);

/* How often somebody who listened to a mailbox was not told what was added to it, by somebody bound
 * before or after the relay had let go of all. */
unsigned stock_withheld(const struct stock *stock);

/* True if the mailbox holds a message of this side under this phase. */
bool stock_holds(const struct stock *stock, const char *mailbox, const char *side,
                 const char *phase);

/* How many nameplates, mailboxes and messages it holds. */
unsigned stock_count(const struct stock *stock, unsigned *ret_mailboxes, unsigned *ret_messages);

#endif
