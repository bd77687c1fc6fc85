/*
 * Clients that are told of changes. A subscriber is told the newest change that it has not yet been
 * told; while it is slow to read, newer changes replace older ones, so each subscriber only ever
 * costs the same few bytes. It can ask for what it missed (`changes`).
 */
#ifndef DAEMON_SUBSCRIBERS_H
#define DAEMON_SUBSCRIBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "wormhole/session.h"

struct ipc_connection;
struct event_base;
struct subscribers;

struct subscription {
    struct ipc_connection *connection; /* borrowed */
    struct subscribers *subscribers;   /* NULL: off */
    bool all;                          /* any session */
    bool hold;                         /* its connection to the relay is to be held */
    uint8_t id[SESSION_ID_BYTES];      /* otherwise this one */
    bool pending;                      /* the change below has yet to be told */
    bool unnumbered;                   /* so was an end of a lease, which has no number */
    bool several;                      /* more sessions than the number tells of */
    uint64_t change;
    uint8_t changed[SESSION_ID_BYTES];
    struct subscription *prev, *next;
};

void subscription_init(struct subscription *subscription, struct ipc_connection *connection);

/* NULL when out of memory. */
struct subscribers *subscribers_new(struct event_base *base);

/* After the last subscription has been removed. NULL is fine. */
void subscribers_free(struct subscribers *subscribers);

/* From now on `subscription` is told of this session, or of all if NULL; replaces any earlier
 * choice. `hold`: somebody waits for this session until then. `change`: the newest so far. */
void subscribers_set(struct subscribers *subscribers, struct subscription *subscription,
                     const uint8_t *id, bool hold, uint64_t change);

/* Does nothing if the subscription is off. */
void subscribers_remove(struct subscription *subscription);

/* A session changed. Subscribers are told from the event loop, once for all changes of a turn. */
void subscribers_changed(struct subscribers *subscribers, uint64_t change,
                         const uint8_t id[SESSION_ID_BYTES]);

/* Messages of the session that were leased to a client can be received again: nothing of what is
 * stored changed, so this has no number of its own. */
void subscribers_unleased(struct subscribers *subscribers, const uint8_t id[SESSION_ID_BYTES]);

/* True if somebody is to be told of this session's changes. */
bool subscribers_watch(const struct subscribers *subscribers, const uint8_t id[SESSION_ID_BYTES]);

/* True if somebody waits for this session, with its connection held. */
bool subscribers_attend(const struct subscribers *subscribers, const uint8_t id[SESSION_ID_BYTES]);

/* The client has read everything sent: it can be told what is pending. */
void subscribers_drained(struct subscription *subscription);

#endif
