/*
 * Links between sessions and their relays. A link is a connection of its own or, where the relay
 * offers it (doc/relay-extensions.md) and relay_dialer_may_share() allows it, a channel of one that
 * many sessions share. The session does not see the difference.
 *
 * Callbacks come from the event loop, never from inside a call to these functions: except that
 * relay_link_open() may bring the welcome at once.
 */
#ifndef DAEMON_RELAY_LINKS_H
#define DAEMON_RELAY_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "wormhole/wire.h"

struct event_base;
struct relay;
struct relay_dialer;
struct relay_link;
struct relay_links;
struct url;
struct worker;

/* Who uses a link is told what comes of it. */
struct relay_link_handlers {
    /* A message from the relay, which is consumed; the first one is the welcome, once the relay's
     * demands are met. False when out of memory: the link is then lost. */
    bool (*message)(void *arg, struct wire_message *message);
    /* There is room, as relay_link_await_room() asked. One text may be sent before asking again, so
     * that links that share a connection take turns. */
    void (*room)(void *arg);
    /* It has ended; `why` is a sentence, borrowed for the call. Last callback. */
    void (*lost)(void *arg, const char *why);
    /* It has ended, since a message came that was longer than relay_link_guard() admits. Last
     * callback. */
    void (*burdened)(void *arg);
    /* It has ended, and no harm is done: the visit is to begin anew; if `alone`, over a connection
     * of its own, since what is to be sent needs one. Last callback. */
    void (*anew)(void *arg, bool alone);
};

/* The arguments must outlive them; `dialer` NULL: there is no network. New; relay_links_free().
 * NULL when out of memory. */
struct relay_links *relay_links_new(struct event_base *base, struct relay_dialer *dialer,
                                    struct worker *hashcash_worker);

/* Drops all connections, without callbacks. NULL is fine. */
void relay_links_free(struct relay_links *links);

enum relay_link_way {
    RELAY_LINK_ANY = 0,
    RELAY_LINK_ALONE, /* over a connection of its own */
    RELAY_LINK_PEERS, /* the same, to a public address only: the session's peer has named the relay,
                         and relay_dialer_unfit() has nothing against it */
};

/*
 * Begins to connect. `relay` is the one whose URL is `url`; `name` is the session's, for the log.
 * `handlers` and `arg` are borrowed until the last callback, relay_link_close() or
 * relay_link_drop(). NULL when out of memory, or without a network.
 */
struct relay_link *relay_link_open(struct relay_links *links, struct relay *relay,
                                   const struct url *url, enum relay_link_way way, const char *name,
                                   const struct relay_link_handlers *handlers, void *arg);

/* While it is guarded, no message of more than SESSION_GUARD_MESSAGE bytes is fetched; over a
 * shared connection none comes. May be called from inside `message`, for what follows. */
void relay_link_guard(struct relay_link *link, bool guarded);

/* Sends a text; whoever waits for an answer that can never come is told by `lost` or `anew`. */
void relay_link_send(struct relay_link *link, const char *text);

/* True if what is sent now need not wait long. */
bool relay_link_has_room(const struct relay_link *link);

/* Calls handlers.room as soon as there is room. */
void relay_link_await_room(struct relay_link *link);

/* False if nothing has moved on its connection for `ms`: a slow line does not answer before what
 * was said has arrived. Until the connection is open, and while a stamp is made for the relay, it
 * is not the relay that is awaited. */
bool relay_link_moves(struct relay_link *link, int64_t ms);

/* Its connection may have died unnoticed: ws_prove(). */
void relay_link_prove(struct relay_link *link, int ms);

/* The session leaves; the connection, if it was its own, closes politely. */
void relay_link_close(struct relay_link *link);

/* The same at once, as far as a connection of its own is concerned. */
void relay_link_drop(struct relay_link *link);

/* The link can no longer serve its purpose: `lost` follows. */
void relay_link_fail(struct relay_link *link);

/* What was to be sent over it need not be sent any more: `anew` follows. */
void relay_link_renew(struct relay_link *link);

#endif
