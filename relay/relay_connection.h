/* One connection of the server's, and what the server's files share. Nobody else includes this. */
#ifndef RELAY_RELAY_CONNECTION_H
#define RELAY_RELAY_CONNECTION_H

#include <event2/event.h>

#include "net/ws.h"
#include "relay/endpoint.h"
#include "relay/relay_server.h"

struct relay_server {
    struct event_base *base;
    struct relay_server_settings settings;
    struct ws_net *net;
    struct ws_options options;
    struct ssl_ctx_st *tls; /* or NULL */
    struct rules *rules;
    struct rate_limiter *rations;
    struct relay_connection *peers; /* the one that was looked after longest ago first */
    struct relay_connection
        *doomed;          /* their transport is gone; they are freed from the event loop */
    struct event *reaper; /* who does that */
    struct event *tender; /* looks after the others */
    struct event *ending; /* NULL before relay_server_end() */
    int64_t deadline;     /* of the present step of the end */
    bool goodbye;         /* the last step has begun */
    void (*ended)(void *arg);
    void *ended_arg;
    unsigned refused; /* connections that are only told so */
    struct relay_server_counts counts;
};

struct relay_connection {
    struct relay_server *server;
    struct ws *ws;               /* NULL: doomed */
    struct rules_client *client; /* NULL: not let in, or not yet */
    struct relay_connection *prev, *next, **list;
    struct event *wait;  /* until when it is not listened to; NULL: it is */
    const char *refusal; /* why it is not served, as it is told; or NULL */
    char *name;          /* its address, if that may be logged; or NULL */
    int64_t heard;       /* when it last said something, by clock_monotonic() */
    int64_t looked;      /* when it was last looked after, by clock_now() … */
    int64_t touched;     /* … and its mailbox touched */
    uint64_t sent;       /* bytes, all together … */
    size_t backlog;      /* … and those of them that have not left … */
    uint64_t delivered;  /* … and those that had left … */
    int64_t moved; /* … when that last changed, as far as was looked, by clock_monotonic() */
    bool rationed;
    struct rate_limit_address address;
};

/* How long (ms) a client may be silent before it is asked for a sign of life, or take nothing of
 * what waits for it: two thirds of its time. The rest is for the answer, and for us to notice. */
int64_t server_patience(const struct relay_server_settings *settings);

/* Takes over a connection, if only to tell it why it is not served. NULL when out of memory, or if
 * there are too many to be told (the fd is closed). */
struct relay_connection *relay_connection_new(struct relay_server *server, int fd,
                                              const union endpoint *endpoint);

/* Frees it at once, without a word. Not from inside a hook of the rules. */
void relay_connection_free(struct relay_connection *peer);

/* Drops the connection; the rest follows from the event loop. */
void relay_connection_drop(struct relay_connection *peer, enum relay_drop_cause cause);

/* Drops it if it has taken nothing for long that waits for it. False then. */
bool relay_connection_check_reading(struct relay_connection *peer);

/* Whether it is listened to has changed. */
void relay_connection_set_pause(struct relay_connection *peer);

#endif
