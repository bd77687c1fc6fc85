/*
 * The connections of a relay: one WebSocket for each client of the rules. What is said over them is
 * the rules' business; how many there may be, how fast they may be used and when they end is the
 * server's.
 */
#ifndef RELAY_SERVER_H
#define RELAY_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/rate_limit.h"
#include "relay/rules.h"

struct event_base;
struct relay_server;
struct ssl_ctx_st;

struct relay_server_settings {
    size_t message_max; /* bytes */
    size_t backlog_max; /* bytes that one client may be behind */
    unsigned connections_max;
    int64_t client_timeout; /* ms without a sign of life, until a client is dropped */
    int64_t touch_every;    /* ms: how often a mailbox that is listened to is touched */
    struct rate_limits rations;
    bool ration_loopback, log_addresses;
};

/* To be given to rules_new(): their connections are the server's. */
extern const struct rules_hooks relay_server_hooks;

/* New; relay_server_free(). NULL when out of memory. Before the first connection it needs its
 * rules. */
struct relay_server *relay_server_new(struct event_base *base,
                                      const struct relay_server_settings *settings);

/* Who says what is said; must outlive the server. */
void relay_server_set_rules(struct relay_server *server, struct rules *rules);

/* For connections that come from now on; what is counted goes on. */
void relay_server_set(struct relay_server *server, const struct relay_server_settings *settings);

/* Speaks TLS with whoever comes from now on; NULL: none. Takes the context over. */
void relay_server_set_tls(struct relay_server *server, struct ssl_ctx_st *tls);

/* Takes a connection that came in. `server` is a struct relay_server: this is an acceptor_accepted.
 */
void relay_server_accept(void *server, int fd);

/* Listens to nobody any more; lets what is under way be finished and answered, for a second at
 * most; says goodbye to everybody. Then calls `done`, from the event loop. */
void relay_server_end(struct relay_server *server, void (*done)(void *arg), void *arg);

/* Drops all connections. NULL is fine. */
void relay_server_free(struct relay_server *server);

/* Why somebody was not served. */
enum relay_drop_cause {
    RELAY_DROP_FULL = 0, /* max-connections */
    RELAY_DROP_ADDRESS,  /* too many connections of one address */
    RELAY_DROP_SLOW,     /* does not read what it is sent */
    RELAY_DROP_IDLE,     /* wants nothing */
    RELAY_DROP_WRONG,    /* no WebSocket came of it */
    RELAY_DROP_ENDING,   /* came when the relay was ending */
    RELAY_DROP_CAUSES,
};

struct relay_server_counts {
    uint64_t connections; /* now */
    uint64_t accepted;    /* since the start */
    uint64_t waits;       /* times that somebody was made to wait */
    uint64_t refusals[RELAY_DROP_CAUSES];
    uint64_t backlog; /* bytes that clients are behind, all together */
};
void relay_server_count(const struct relay_server *server, struct relay_server_counts *ret_counts);

#endif
