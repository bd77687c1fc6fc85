/*
 * Private to the turns: changes that need not be durable before effects leave, and join the next
 * commit that must be made.
 *
 * Which changes those are is said in wormhole/session_attributes.def. A turn that consists only of
 * such changes releases its effects without a commit; its sessions stay in memory, ahead of the
 * store, until the next turn that must commit anything, or until it is time. A crash takes what was
 * deferred: the sessions are then what the store holds, with a visit due at once.
 *
 * Nobody is told of a deferred change: clients are shown what the store holds, and a session that a
 * client's request has changed is written before the request is answered.
 */
#ifndef DAEMON_TURN_DEFERRED_H
#define DAEMON_TURN_DEFERRED_H

#include <stdbool.h>

struct group_batch;
struct turns;

/* All requests of the turn have run. True if the turn needs no commit: its changed sessions are
 * deferred. False also when out of memory. */
bool turn_deferred_suffices(struct turns *turns, const struct group_batch *batch);

/* There will be a commit: all that is deferred takes part in it. But not while the store is in
 * trouble: then a commit holds only what was asked for. */
void turn_deferred_join(struct turns *turns);

/* The turn's sessions are durable. */
void turn_deferred_written(struct turns *turns);

/* The turn could not be stored: tries again later. */
void turn_deferred_retry(struct turns *turns);

/* True if anything is deferred. */
bool turn_deferred_any(const struct turns *turns);

/* Forgets everything. */
void turn_deferred_clear(struct turns *turns);

#endif
