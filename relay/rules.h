/*
 * What a rendezvous relay says and does, without sockets, clocks or disks: the client-to-relay
 * protocol, one `struct rules_client` per connection, over a relay_store. Time is an argument; what
 * is to be sent goes to a hook.
 *
 * Commands of one connection take effect in the order in which they came, and their answers leave
 * in that order: a command begins when the ones before it are complete. (`add`s may be under way
 * together, up to RULES_ADDS_MAX, behind an `open` or a `release`.) `ack` leaves at once; every
 * other answer only when its effect is durable. Where a stored message meets one from the feed,
 * each connection gets it once, in the mailbox's order.
 *
 * To a connection that is behind in taking what it is sent no messages are sent. It gets them later
 * from the store, piece by piece; its commands wait until then. So a connection costs little
 * memory, however much its mailbox holds and however slowly it reads.
 *
 * Answers that come from the store bear the time of the last call that told one.
 */
#ifndef RELAY_RULES_H
#define RELAY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/store.h"

/* Adds of one connection that may wait for the store at the same time. */
#define RULES_ADDS_MAX 32
/* Commands of one connection that may be unfinished, and bytes of them: what one connection can
 * hold in memory. Then reading from it should pause: rules_busy(). */
#define RULES_QUEUE_MAX   64
#define RULES_QUEUE_BYTES ((size_t)256 * 1024)
/* relay_limits.piece_bytes for a store under the rules: what is asked of it at a time for one
 * connection. */
#define RULES_PIECE_BYTES ((size_t)256 * 1024)

struct rules;
struct rules_client;

/* What costs others something, and is limited by address. */
enum rules_rate {
    RULES_RATE_ALLOCATE = 0,
    RULES_RATE_CLAIM, /* guessing nameplates; to claim what one has just been allocated is free */
    RULES_RATE_OPEN,  /* makes a mailbox where there is none */
    RULES_RATE_ADD,
    RULES_RATES,
};

/* What the rules do to the world. No hook may call a function of the rules but rules_busy(). */
struct rules_hooks {
    /* Queues one text frame; `text` is borrowed for the call. */
    void (*send)(void *connection, const char *text, size_t length);
    /* Ends the connection after what is queued has left. Comes once; nothing is sent after it;
     * rules_leave() is still due. `why` is a phrase for a log, borrowed for ever. */
    void (*drop)(void *connection, const char *why);
    /* rules_busy() has changed. May be NULL. */
    void (*busy_changed)(void *connection);
    /* NULL: go ahead; else the sentence of the `error` that refuses, borrowed for ever. May be
     * NULL: there are no limits. */
    const char *(*limit)(void *connection, enum rules_rate rate);
    /* True if so much waits for the connection that no message is to be added; rules_drained()
     * follows then. May be NULL: it never is so. */
    bool (*backlogged)(void *connection);
};

struct rules_settings {
    const char *motd;       /* or NULL */
    const char *error;      /* or NULL: every client is told, and stops */
    size_t message_max;     /* bytes of one relay message */
    int64_t retention;      /* ms; told as relayd.retention in seconds */
    unsigned hashcash_bits; /* 0: no permission is asked for */
    bool list; /* `list` answers with what there is; else with nothing, so that nobody can enumerate
                */
};

/* `store` must outlive the rules; its feed must be rules_feed with the rules as argument. Hooks and
 * settings are copied. New; rules_free(), when every client has left. NULL when out of memory. */
struct rules *rules_new(const struct relay_store *store, const struct rules_hooks *hooks,
                        const struct rules_settings *settings);
void rules_free(struct rules *rules);

/* New settings: what a welcome says, for clients that come from now on; `list`, for all. False when
 * out of memory: nothing changed. */
bool rules_set(struct rules *rules, const struct rules_settings *settings);

/* The store's feed. */
void rules_feed(void *rules, const char *appid, const char *mailbox,
                const struct relay_message *message);

/* Whoever comes now must ask for permission, and so needs a resource. */
bool rules_asks_permission(const struct rules *rules);

/* A connection was made; it is welcomed. New; rules_leave(). `resource` is what a hashcash stamp
 * must name, unique to this connection and without a colon; NULL will do where no permission is
 * asked for. NULL when out of memory. */
struct rules_client *rules_enter(struct rules *rules, void *connection, const char *resource,
                                 int64_t now);

/* One WebSocket message of it, text or binary. A client that is busy is not listened to: one more
 * message ends it. */
void rules_receive(struct rules_client *client, const char *text, size_t length, int64_t now);

/* All that was sent has left. */
void rules_drained(struct rules_client *client, int64_t now);

/* It has gone, or is to be forgotten. What it has asked for is done all the same, as far as it has
 * begun. NULL is fine. */
void rules_leave(struct rules_client *client);

/* True while it has as many commands waiting as it may. */
bool rules_busy(const struct rules_client *client);

/* True while nothing that it asked for waits to be done or answered. */
bool rules_idle(const struct rules_client *client);

/* True while new messages of a mailbox go to it: then silence is no sign of anything. */
bool rules_listening(const struct rules_client *client);

/* The mailbox that it listens to is still being visited; call it now and then (a fraction of the
 * retention). */
void rules_touch(struct rules_client *client, int64_t now);

/* What has been counted: clients and those that listen now, the rest since the start. */
#define RULES_MOODS 5
struct rules_counts {
    uint64_t clients, listening;
    uint64_t moods[RULES_MOODS]; /* happy, lonely, scary, errory, other: closes */
    uint64_t limited[RULES_RATES];
    uint64_t errors; /* `error`s said, for whatever cause */
};
void rules_count(const struct rules *rules, struct rules_counts *ret_counts);

#endif
