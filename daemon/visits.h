/*
 * Sessions on a visit: each is in memory, with its alarm and its link to the relay in one
 * record. Carries out their effects, and turns what the relay says into events.
 */
#ifndef DAEMON_VISITS_H
#define DAEMON_VISITS_H

#include <stdbool.h>
#include <stdint.h>

#include "wormhole/session.h"
#include "wormhole/wire.h"

struct event_base;
struct worker;
struct relays;
struct relay_dialer;
struct kv;
struct visits;

/* What visits work with; all of it must outlive them. */
struct visits_parts {
    struct event_base *base;
    struct relay_dialer *routes; /* NULL: no network, so no connection is ever made */
    struct kv *store;
    struct relays *relays;
    struct worker *hashcash_worker;
};

/* Who is told what happens to a session. */
struct visits_reports {
    /* Its alarm rings (EVENT_WAKE), or its connection is lost (EVENT_LOST). */
    void (*event)(void *arg, const uint8_t id[SESSION_ID_BYTES], const struct session_event *event);
    /* A message from the relay, which is consumed. False when out of memory. */
    bool (*message)(void *arg, const uint8_t id[SESSION_ID_BYTES], struct wire_message *message);
    void *arg;
};

/* New; visits_free(). NULL when out of memory. */
struct visits *visits_new(const struct visits_parts *parts, const struct visits_reports *reports);

/* Drops all connections, and frees the sessions too. NULL is fine. */
void visits_free(struct visits *visits);

/*
 * Carries out an effect of a session. A session that connects is on a visit from then on, and the
 * caller must keep or remove it before the event loop continues.
 */
void visits_effect(struct visits *visits, const struct session *session,
                   const struct session_effect *effect);

/* Borrowed; NULL if it is not on a visit, and was not kept after it. */
struct session *visits_find(struct visits *visits, const uint8_t id[SESSION_ID_BYTES]);

/* Takes ownership of a session, or looks at it again after a step: sets its alarm. One whose visit
 * has ended is kept until it is removed, too. False when out of memory. */
bool visits_keep(struct visits *visits, struct session *session);

/* Takes the session out, and drops its connection, if any, without telling it. The caller owns the
 * session again. Does nothing if the session is not on a visit. */
void visits_remove(struct visits *visits, const uint8_t id[SESSION_ID_BYTES]);

/* How many sessions are on a visit, and how many of their connections are held. */
void visits_count(const struct visits *visits, unsigned *ret_active, unsigned *ret_held);

/* How many of them have a connection: the others are connecting. Looks at each. */
unsigned visits_connected(const struct visits *visits);

#endif
