/*
 * Relays that ask for hashcash before `bind`: the stamps are made in a thread of their own, one
 * after the other, so that the event loop never waits for them.
 */
#ifndef DAEMON_HASHCASH_WORKER_H
#define DAEMON_HASHCASH_WORKER_H

#include <stdbool.h>

struct event_base;
struct permission;
struct permissions;

/* More bits are refused: 2^24 hashes take some seconds, and a visit's patience is a minute. */
#define PERMISSION_BITS_MAX 24

/* From the event loop, once: the stamp, borrowed for the call; NULL if it could not be made. */
typedef void (*permission_done)(void *arg, const char *stamp);

/* New; hashcash_worker_free(). The thread begins with the first stamp that is asked for. */
struct permissions *hashcash_worker_new(struct event_base *base);

/* Stops the thread; `done` is not called any more. NULL is fine. */
void hashcash_worker_free(struct permissions *permissions);

/* Asks for a stamp. Borrowed until `done` or hashcash_worker_cancel(). NULL if there are too many
 * bits, or no memory or no thread. */
struct permission *hashcash_worker_ask(struct permissions *permissions, unsigned bits,
                                       const char *resource, permission_done done, void *arg);

/* Nobody wants it any more: `done` is not called. NULL is fine. */
void hashcash_worker_cancel(struct permission *permission);

#endif
