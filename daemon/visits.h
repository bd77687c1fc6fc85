/* The relay connections of sessions on a visit: carries out their effects, and turns what the relay
 * says into events. */
#ifndef DAEMON_VISITS_H
#define DAEMON_VISITS_H

#include <stdint.h>

#include "wormhole/session.h"

struct worker;
struct relays;
struct relay_dialer;
struct kv;
struct turns;
struct visits;

/* What visits work with; all of it must outlive them. */
struct visits_parts {
    struct relay_dialer *routes;
    struct kv *store;
    struct relays *relays;
    struct worker *hashcash_worker;
};

/* New; visits_free(), which drops all connections. */
struct visits *visits_new(const struct visits_parts *parts);
void visits_free(struct visits *visits);

/* The turns that these visits report to; known only after both exist. */
void visits_set_turns(struct visits *visits, struct turns *turns);

/* Carries out an effect of a session (a turn's hook). */
void visits_effect(struct visits *visits, const struct session *session,
                   const struct session_effect *effect);

/* Drops the connection of a session, if it has one; the session is not told. */
void visits_abandon(struct visits *visits, const uint8_t id[SESSION_ID_BYTES]);

#endif
