/*
 * Stamps for relays that ask for hashcash before `bind`. A thread makes them, one after the other,
 * so that the event loop never waits for one.
 */
#ifndef DAEMON_HASHCASH_WORKER_H
#define DAEMON_HASHCASH_WORKER_H

struct event_base;
struct hashcash_job;
struct worker;

/* Larger demands are refused: 2^24 hashes take some seconds, and a visit lasts a minute at most. */
#define HASHCASH_WORKER_BITS_MAX 24

/* Called once, from the event loop, with the stamp (borrowed for the call), or NULL if it could not
 * be made. */
typedef void (*hashcash_done)(void *arg, const char *stamp);

/* New; worker_free(). NULL when out of memory. */
struct worker *hashcash_worker_new(struct event_base *base);

/* Asks for a stamp. The job is borrowed until `done` or hashcash_worker_cancel(). NULL if the relay
 * demands too many bits, if too many stamps are waiting, or for want of memory or of a thread. */
struct hashcash_job *hashcash_worker_ask(struct worker *worker, unsigned bits, const char *resource,
                                         hashcash_done done, void *arg);

/* The stamp is no longer wanted: `done` will not be called. NULL is fine. */
void hashcash_worker_cancel(struct hashcash_job *job);

#endif
