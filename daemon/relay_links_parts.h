/*
 * What relay_links.c and link_connection.c share: a session's link, the connection that it waits
 * for or has joined, and who tells whom. Nobody else includes it.
 */
#ifndef DAEMON_RELAY_LINKS_PARTS_H
#define DAEMON_RELAY_LINKS_PARTS_H

#include <stdbool.h>
#include <stdint.h>
/* Out of memory is an error to report, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "daemon/relay_links.h"
#include "daemon/relays.h"
#include "net/url.h"
#include "wormhole/wire.h"

enum link_stage {
    LINK_WAITING = 0, /* for its connection to be ready */
    LINK_JOINED,      /* it is one of the connection's channels */
};

/* A connection to a relay. */
struct link_connection {
    struct relay_links *links;
    struct ws *ws;
    struct relay_use use;
    struct url url;
    bool may_share;
    bool ready;       /* the relay said what it offers */
    bool shared;      /* it offers channels */
    bool closing;     /* nobody uses it any more */
    bool doubted;     /* asked for a sign of life; those who want to join wait */
    unsigned ignored; /* messages that made no sense */
    struct relay_link *waiting;
    struct relay_link *channels; /* a hash table; of one that is not shared, its only link, as 0 */
    struct relay_link *queue;    /* those of them that wait for room, in turn */
    int64_t last_channel;
    struct wire_message welcome;
    struct hashcash_job *hashcash; /* being made; meanwhile the link does not hear of the welcome */
    int64_t idle;                  /* nobody uses it since then; by clock_monotonic(), like … */
    int64_t moved;                 /* … when something was last seen to move on it; … */
    int64_t asked; /* … something that must be answered was sent then; 0: nothing */
    struct event *timer;
    struct link_connection *prev, *next;
};

struct relay_link {
    struct link_connection *connection;
    enum link_stage stage;
    int64_t channel;
    const struct relay_link_handlers *handlers;
    void *arg;
    const char *name;
    const char *failure; /* why it is among links->failed, or NULL; … */
    bool alone;          /* … the session needs its own connection, … */
    bool stale;          /* … or what it was to send is delivered: its visit begins anew */
    bool guarded;        /* relay_link_guard() */
    bool burdened;       /* … and it was needed */
    bool queued;
    bool spoken;                    /* something was sent on its channel, which therefore exists */
    struct relay_link *prev, *next; /* in connection->waiting */
    struct relay_link *queue_prev, *queue_next;   /* in connection->queue, if queued */
    struct relay_link *failed_prev, *failed_next; /* in links->failed, if there is a failure */
    UT_hash_handle hh;                            /* in connection->channels, if joined */
};

struct relay_links {
    struct event_base *base;
    struct relay_dialer *dialer;
    struct worker *hashcash_worker;
    struct link_connection *connections;
    struct relay_link *failed; /* to be told so from the event loop */
    struct event *teller;
};

/* ---- relay_links.c ---- */

/* Takes the link from its connection, and frees it. */
void relay_link_free(struct relay_link *link);

/* The same, and tells the session: that its visit is to begin anew, if `link->alone` or
 * `link->stale`, or that it was lost, and `why`. */
void relay_link_lose(struct relay_link *link, const char *why);

/* A link that waits for a connection which is ready becomes one of its channels, and hears the
 * relay's welcome. */
void relay_link_join(struct relay_link *link);

/* Those that wait for a connection that will not be shared, or does not answer, go elsewhere. */
void relay_links_send_elsewhere(struct link_connection *connection);

/* ---- link_connection.c ---- */

/* Begins to connect, for the session of this name, and if `public_only` to no other address; among
 * `links->connections` until it ends by itself, or is dropped. NULL when out of memory. */
struct link_connection *link_connection_dial(struct relay_links *links, struct relay *relay,
                                             const struct url *url, const char *session,
                                             bool public_only, bool may_share);

/* Ends it at once. Its links are freed, and not told. */
void link_connection_drop(struct link_connection *connection);

/* True if one more session for this relay can use it. */
bool link_connection_is_joinable(const struct link_connection *connection,
                                 const struct relay *relay);

/* How many links wait for it or have joined it. */
unsigned link_connection_count(const struct link_connection *connection);

/* A link waits for it now: it joins at once, if the connection is ready and known to live. */
void link_connection_arrive(struct link_connection *connection, struct relay_link *link);

/* A link has left: a connection that nobody uses is closed, at once or, if it is shared, later. */
void link_connection_left(struct link_connection *connection);

/* Sends a text that the relay must answer. */
void link_connection_send(struct link_connection *connection, const char *text);

/* False while so much is unsent that nothing more should be. */
bool link_connection_has_room(const struct link_connection *connection);

#endif
