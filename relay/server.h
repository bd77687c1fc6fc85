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
struct server;
struct ssl_ctx_st;

struct server_settings {
    size_t message_max; /* bytes */
    size_t backlog_max; /* bytes that one client may be behind */
    unsigned connections_max;
    int64_t client_timeout; /* ms without a sign of life, until a client is dropped */
    int64_t touch_every;    /* ms: how often a mailbox that is listened to is touched */
    struct rate_limit_limits rations;
    bool ration_loopback, log_addresses;
};

/* To be given to rules_new(): their connections are the server's. */
extern const struct rules_hooks server_hooks;

/* New; server_free(). NULL when out of memory. Before the first connection it needs its rules. */
struct server *server_new(struct event_base *base, const struct server_settings *settings);

/* Who says what is said; must outlive the server. */
void server_set_rules(struct server *server, struct rules *rules);

/* For connections that come from now on; what is counted goes on. */
void server_set(struct server *server, const struct server_settings *settings);

/* Speaks TLS with whoever comes from now on; NULL: none. Takes the context over. */
void server_set_tls(struct server *server, struct ssl_ctx_st *tls);

/* Takes a connection that came in. `server` is a struct server: this is an acceptor_accepted. */
void server_accept(void *server, int fd);

/* Listens to nobody any more; lets what is under way be finished and answered, for a second at
 * most; says goodbye to everybody. Then calls `done`, from the event loop. */
void server_end(struct server *server, void (*done)(void *arg), void *arg);

/* Drops all connections. NULL is fine. */
void server_free(struct server *server);

/* Why somebody was not served. */
enum server_refusal {
    SERVER_FULL = 0, /* max-connections */
    SERVER_ADDRESS,  /* too many connections of one address */
    SERVER_SLOW,     /* does not read what it is sent */
    SERVER_IDLE,     /* wants nothing */
    SERVER_WRONG,    /* no WebSocket came of it */
    SERVER_ENDING,   /* came when the relay was ending */
    SERVER_REFUSALS,
};

struct server_counts {
    uint64_t connections; /* now */
    uint64_t accepted;    /* since the start */
    uint64_t waits;       /* times that somebody was made to wait */
    uint64_t refusals[SERVER_REFUSALS];
    uint64_t backlog; /* bytes that clients are behind, all together */
};
void server_count(const struct server *server, struct server_counts *ret_counts);

#endif
