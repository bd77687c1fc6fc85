/*
 * Who makes way when there is no place for another connection, or no memory for what waits to be
 * sent. (What comes in: relay/relay_intake.h.)
 */
#ifndef RELAY_RELAY_YIELD_H
#define RELAY_RELAY_YIELD_H

#include "relay/relay_connection.h"

/* A client with a larger backlog is not read, since its commands would only add to it, and is sent
 * no more messages until it has taken what waits. */
#define RELAY_BACKLOG_PAUSE ((size_t)1 << 20)

/* Puts it at the end of that list (NULL: of none) of those that may have to make way. */
void relay_yield_list(struct relay_connection *connection, struct relay_connection **list);

/* Drops one for the sake of a new one: of those that have not bound, one that came early; then the
 * first of those that have, and use neither mailbox nor channel. False if there is none. */
bool relay_yield_place(struct relay_connections *all);

/* True if both count against the same address. */
bool relay_yield_is_kin(const struct relay_connection *one, const struct relay_connection *other);

/* It has much to take from now on (see relay_yield_is_stalled()). */
void relay_yield_begin(struct relay_connection *connection);

/* Notes whether it has taken anything of what waits for it; true if it has not for `ms`. `now` is
 * monotonic. */
bool relay_yield_is_stalled(struct relay_connection *connection, int64_t ms, int64_t now);

/* Drops one because too much waits for all of them together: one of the address for which most
 * does, of those that have taken nothing lately if there is not another with much more. */
void relay_yield_output(struct relay_connections *all);

#endif
