/*
 * Messages that were given out, so that no two clients deal with the same one: they are leased to
 * the client until it, or another, acknowledges them, or until its connection ends. A session is
 * leased to one client at a time. Kept in memory: after a restart there are no connections.
 */
#ifndef DAEMON_LEASES_H
#define DAEMON_LEASES_H

#include <stdbool.h>
#include <stdint.h>

#include "wormhole/session.h"

struct ipc_client;
struct kv;
struct lease;
struct leases;
struct subscribers;

/* Borrows both. leases_free(). NULL when out of memory. */
struct leases *leases_new(struct kv *store, struct subscribers *subscribers);

/* After the last client has gone. NULL is fine. */
void leases_free(struct leases *leases);

/* True if a client other than `client` has messages of the session that are not acknowledged. */
bool leases_elsewhere(const struct leases *leases, const struct session *session,
                      const struct ipc_client *client);

/* `client` is being given message `number`; not while the session is leased elsewhere. False when
 * out of memory. */
bool leases_take(struct leases *leases, struct ipc_client *client,
                 const uint8_t id[SESSION_ID_BYTES], uint32_t number);

/* `client` acknowledges messages of the session: if it goes away meanwhile, its lease lasts until
 * leases_ack_ended() is called with what this returns. */
uint64_t leases_ack_began(struct leases *leases, const struct ipc_client *client,
                          const uint8_t id[SESSION_ID_BYTES]);
void leases_ack_ended(struct leases *leases, const uint8_t id[SESSION_ID_BYTES], uint64_t ack);

/* The session changed: a lease of messages that are acknowledged by now, or forgotten, is over. */
void leases_changed(struct leases *leases, const uint8_t id[SESSION_ID_BYTES]);

/* The client has gone: its leases end, and subscribers are told. */
void leases_leave(struct leases *leases, struct ipc_client *client);

#endif
