/*
 * One connection of the relay: a WebSocket, and the client of the rules behind it. The rules decide
 * what is said; this file decides whether a connection is served at all, how fast it is read (rate
 * limits, flow control) and why it is dropped.
 */
#ifndef RELAY_RELAY_CONNECTION_H
#define RELAY_RELAY_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ws.h"
#include "relay/endpoint.h"
#include "relay/rate_limit.h"
#include "relay/relay_intake.h"
#include "relay/rules.h"

struct event;
struct event_base;
struct ssl_ctx_st;

struct relay_connection_settings {
    size_t message_max; /* bytes */
    size_t backlog_max; /* bytes that may wait for one client */
    unsigned connections_max;
    int64_t client_timeout; /* ms without a sign of life until a client is dropped */
    int64_t touch_every;    /* ms between two touches of a mailbox that is listened to */
    struct rate_limits rate_limits;
    bool limit_loopback, log_addresses;
    const char *origins; /* web pages that are served from this machine, separated by blanks, or *;
                            or NULL: none. Borrowed */
    const char *proxies; /* addresses whose X-Real-IP is believed, likewise */
};

/* A message that is slightly too large is still read, so that its sender can be told. */
#define RELAY_MESSAGE_MARGIN 65536
/* Time (ms) for TLS, and for the upgrade; begun anew, three times at most, while bytes move. */
#define RELAY_HANDSHAKE_MS 15000
/* A client binds at once; the time (ms) is for making a hashcash stamp. */
#define RELAY_UNBOUND_MS (5 * 60000)
/* Bytes that may wait for all clients together. */
#define RELAY_BACKLOG_ALL_MAX (UINT64_C(96) << 20)

/* Why a connection is not served, or no longer served. */
enum relay_drop_cause {
    RELAY_DROP_FULL = 0,  /* max-connections, or out of memory */
    RELAY_DROP_ADDRESS,   /* too many connections from one address */
    RELAY_DROP_SLOW,      /* does not read what it is sent */
    RELAY_DROP_IDLE,      /* neither listens nor sends */
    RELAY_DROP_HANDSHAKE, /* never became a WebSocket */
    RELAY_DROP_INPUT,     /* what it sends does not get on, and others need the memory */
    RELAY_DROP_UNBOUND,   /* has not bound in time, or made way for others */
    RELAY_DROP_TLS_RATE,  /* too many TLS handshakes from one address */
    RELAY_DROP_ORIGIN,    /* a web page that may not connect from this machine */
    RELAY_DROP_SHUTDOWN,  /* came while the relay was shutting down */
    RELAY_DROP_CAUSES,
};

struct relay_connection_counts {
    uint64_t connections;    /* now */
    uint64_t channels;       /* of shared ones, now */
    uint64_t accepted;       /* since the start, like the next two */
    uint64_t waits;          /* how often a client was made to wait */
    uint64_t stored_refused; /* messages of addresses that have stored too much lately */
    uint64_t drops[RELAY_DROP_CAUSES];
};

/* All connections, and what they share. The server makes and frees it. */
struct relay_connections {
    struct event_base *base;
    struct relay_connection_settings settings;
    struct ws_net *net;
    struct ws_options options;
    struct ssl_ctx_st *tls; /* NULL: no TLS */
    struct rules *rules;
    struct rate_limiter *limiter;
    struct relay_intakes intakes;
    uint8_t owner_key[crypto_shorthash_KEYBYTES]; /* rate_limit_owner(); anew at each start */
    struct relay_connection *unbound;             /* those that have not bound, the oldest first */
    struct relay_connection *unused;  /* those that have, the oldest first; see make_room() */
    struct relay_connection *open;    /* the least recently looked after first */
    struct relay_connection *dropped; /* these have no WebSocket; freed when `reaper` fires */
    struct event *reaper;
    unsigned refused;   /* open ones that are only told that they are not served */
    bool shutting_down; /* no more is read */
    struct relay_connection_counts counts;
};

struct relay_connection {
    struct relay_connections *all;
    struct ws *ws;                                /* NULL: dropped */
    struct rules_client *client;                  /* NULL: not admitted, or not yet */
    struct relay_connection *prev, *next, **list; /* the list of `all` that it is in */
    struct relay_connection *idle_prev, *idle_next, **idle_list; /* unbound, unused; or NULL */
    struct relay_intake intake;
    struct event *wait; /* nothing is read until it fires; or NULL */
    bool overworked;    /* … because of the work that its address makes: it is sent no messages */
    const char *refusal; /* the sentence that says why it is not served, or NULL */
    char *name;          /* its address, if that may be logged; or NULL */
    union address endpoint;
    int64_t began;   /* when it came, by clock_monotonic() */
    int64_t heard;   /* when it last sent a message, by clock_monotonic() */
    int64_t tended;  /* when it was last looked after, by clock_now() … */
    int64_t touched; /* … and its mailbox touched */
    uint64_t taken;  /* ws_taken() when last looked at … */
    int64_t
        progressed; /* … and when that last changed, or nothing was waiting, by clock_monotonic() */
    bool limited;   /* counts against its address's limits */
    struct rate_limit_address address;
};

/* For rules_new(): `connection` is a struct relay_connection. */
extern const struct rules_hooks relay_connection_hooks;

/* Serves a connected socket, or tells the client why it is not served. Owns `fd`. If memory is
 * short, or too many clients are being refused already, the socket is just closed. */
void relay_connection_accept(struct relay_connections *all, int fd, const union address *endpoint);

/* Frees it at once, without a close frame. Not from inside a hook of the rules. */
void relay_connection_free(struct relay_connection *connection);

/* Drops it at once; it is freed later, by the event loop. */
void relay_connection_drop(struct relay_connection *connection, enum relay_drop_cause cause);

/* Pauses or resumes reading, as its state and that of all connections require. */
void relay_connection_update_reading(struct relay_connection *connection);

/* To be called periodically: touches its mailbox, and drops it if it is idle or does not read.
 * `now` is the wall clock's. */
void relay_connection_tend(struct relay_connection *connection, int64_t now);

/* How long (ms) a client may be silent before it is asked for a sign of life, or take nothing of
 * what waits for it: two thirds of its timeout. The rest is for its answer. */
int64_t relay_connection_silence_max(const struct relay_connection_settings *settings);

/* True if `every` ms have passed since `last`, or if the wall clock was set back in the meantime.
 */
bool relay_connection_is_due(int64_t last, int64_t every, int64_t now);

#endif
