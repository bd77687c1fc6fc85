/*
 * Which codes this daemon's own sessions wait with. Two of them with one nameplate would meet each
 * other, and the friend for whom the code is would come third; so there is to be one at a time.
 */
#ifndef DAEMON_OWN_CODES_H
#define DAEMON_OWN_CODES_H

#include <stdbool.h>

#include "wormhole/session.h"

struct turns;

/* In a turn: true if another session waits at this session's relay, however that is spelled, for
 * the same application and nameplate. Out of memory is an error of the turn's transaction. */
bool own_codes_taken(struct turns *turns, const struct session *session);

/* True if `side`, which was met at the session's nameplate, is another session's: its relay is
 * known to this daemon by two names. */
bool own_codes_is_side(struct turns *turns, const struct session *session, const char *side);

#endif
