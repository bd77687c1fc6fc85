/*
 * Wakes sessions when they are due. Reads only the first rows of the store's due index, so the cost
 * depends on what is due, not on how many sessions sleep.
 */
#ifndef DAEMON_SCHEDULER_H
#define DAEMON_SCHEDULER_H

struct event_base;
struct relays;
struct scheduler;
struct kv;
struct turns;

/* New; scheduler_free(). At most `max_connections` relay connections are open at the same time. */
struct scheduler *scheduler_new(struct event_base *base, struct kv *store, struct turns *turns,
                                struct relays *relays, unsigned max_connections);
void scheduler_free(struct scheduler *scheduler);

/* A new limit, for connections that are opened from now on. */
void scheduler_set_max(struct scheduler *scheduler, unsigned max_connections);

/* What is due may have changed, or a connection has become free: look (soon, from the event
 * loop). */
void scheduler_look(struct scheduler *scheduler);

/* The way to the relays, or what they may cost, may have changed: whoever waits for one that is
 * down, or for what one has cost while that counted, tries again now. */
void scheduler_hurry(struct scheduler *scheduler);

#endif
