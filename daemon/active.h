/* The sessions that are in memory because a visit is under way, each with its alarm. */
#ifndef DAEMON_ACTIVE_H
#define DAEMON_ACTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "wormhole/session.h"

struct active;
struct event_base;

/* Rings when a session's alarm is due. */
typedef void (*active_alarm)(void *arg, const uint8_t id[SESSION_ID_BYTES]);

/* New; active_free(). */
struct active *active_new(struct event_base *base, active_alarm alarm, void *arg);

/* Frees the sessions too. */
void active_free(struct active *active);

/* Borrowed, or NULL. */
struct session *active_find(struct active *active, const uint8_t id[SESSION_ID_BYTES]);

/* Takes a session in, which it owns from then on, or looks at it again after a step: arms the
 * alarm. False when out of memory. */
bool active_keep(struct active *active, struct session *session);

/* Takes it out; the caller owns it again. It may be absent. */
void active_remove(struct active *active, const struct session *session);

void active_count(const struct active *active, unsigned *ret_active, unsigned *ret_held);

#endif
