/* The relay of a simulated world: ours (its rules, over the memory store), or the model of the
 * stock one. */
#ifndef SIMULATION_RENDEZVOUS_H
#define SIMULATION_RENDEZVOUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/store.h"

struct rendezvous;
struct ws;

/* rendezvous_free(), when every connection has been left. */
/* Ours: keeps mailboxes for so many ms, lets so many sessions share a connection (0: none), and
 * reads so many bytes of a mailbox at a time; it consists of so many nodes, 1 or 2, over one store.
 */
struct rendezvous *rendezvous_new_ours(int64_t retention, unsigned channels, size_t piece,
                                       unsigned nodes);
struct rendezvous *rendezvous_new_stock(void);
void rendezvous_free(struct rendezvous *relay);

/* True for the model of the stock one. */
bool rendezvous_is_stock(const struct rendezvous *relay);

/* Ours keeps for so long what nobody visits; ms. */
int64_t rendezvous_retention(const struct rendezvous *relay);

/* While it is down nobody gets through; whoever is connected must be cut off besides. */
void rendezvous_set_down(struct rendezvous *relay, bool down);
bool rendezvous_is_down(const struct rendezvous *relay);

/* The stock one forgets mailboxes that nobody listens to, as it may after 11 minutes. Ours forgets
 * what has expired, by itself. */
void rendezvous_prune(struct rendezvous *relay);

/* From now on the stock one forgets, by itself, what nobody has visited for 11 minutes. */
void rendezvous_age(struct rendezvous *relay);

/* A relay like the stock one, except that it can resume. */
void rendezvous_resume(struct rendezvous *relay);

/* So often, per cent, the stock one forgets what nobody listens to soon after somebody has left:
 * the worst moments that there are. */
void rendezvous_set_forgetful(struct rendezvous *relay, unsigned percent);

/* How often a stock one was made to forget, in either way. */
unsigned rendezvous_prunes(const struct rendezvous *relay);

/* True if a stock one has kept a message from somebody who listened, as stock ones do to
 * connections that are older than a prune. */
bool rendezvous_withheld(const struct rendezvous *relay);

/* The stock one swaps messages of each mailbox, or turns all around: its clock was set back, by
 * which it sorts them. `fairly`: those of one side keep their order. */
void rendezvous_shuffle(struct rendezvous *relay, bool fairly);

/* Our relay's disk fails, or is full; RELAY_DONE: no more. */
void rendezvous_fail(struct rendezvous *relay, enum relay_result result);

/* A crash of ours: what was not committed is lost. Whoever is connected must be cut off before. */
void rendezvous_lose(struct rendezvous *relay);

/* How many nameplates it holds. */
unsigned rendezvous_nameplates(struct rendezvous *relay);

/* True if it holds nothing: no nameplate, no mailbox, no message. */
bool rendezvous_is_empty(struct rendezvous *relay);

/* ---- connections ---- */

/* Somebody comes in, and is welcomed: what is said to it goes down the cable. */
void *rendezvous_enter(struct rendezvous *relay, struct ws *cable);
/* False: it cannot listen now; try again soon. */
bool rendezvous_hear(struct rendezvous *relay, void *connection, const char *text);
void rendezvous_leave(struct rendezvous *relay, void *connection);

#endif
