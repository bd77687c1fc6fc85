/*
 * What a rendezvous relay says and does, without sockets, clocks or disks: the client-to-relay
 * protocol, with one `struct rules_client` per connection, over a relay_store. Time is an argument;
 * what is to be sent goes to a hook.
 *
 * A connection may be shared: then it has channels (doc/relay-extensions.md), each of which is
 * treated as a connection of its own in everything but its places in the queue and in the output,
 * of which all of them together have as much as one connection.
 *
 * The commands of a connection take effect, and are answered, in the order in which they came: a
 * command begins when those before it are complete. (`add`s may be under way together, up to
 * RULES_ADDS_MAX, behind an `open`, and with a `release` among them.) `ack` leaves at once; every
 * other answer only when its effect is durable. Where stored messages and the feed overlap, each
 * connection gets each message once, in the mailbox's order.
 *
 * A connection that is slow to take what it is sent is sent no messages. It gets them later from
 * the store, piece by piece; its commands wait until then. A connection therefore costs little
 * memory, however much its mailbox holds and however slowly it reads.
 *
 * Answers from the store bear the time of the last call that was given one.
 */
#ifndef RELAY_RULES_H
#define RELAY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/store.h"

/* Adds of one connection that may wait for the store at the same time. */
#define RULES_ADDS_MAX 32
/* Unfinished commands that one connection may have, and their bytes: what one connection can hold
 * in memory. Beyond that, reading from it should pause: rules_busy(). */
#define RULES_QUEUE_MAX   64
#define RULES_QUEUE_BYTES ((size_t)256 * 1024)
/* Unfinished commands of all channels of a connection together; their bytes are limited as those of
 * one connection. */
#define RULES_SHARED_QUEUE_MAX 1024
/* Longest text that is sent to a channel, or taken from one: what a client must wait for while
 * another of its channels is served. Larger ones need a connection of their own. */
#define RULES_CHANNEL_MESSAGE_MAX ((size_t)64 * 1024)
/* relay_limits.piece_bytes for a store under the rules: how much is requested of it at a time for
 * one connection. */
#define RULES_PIECE_BYTES ((size_t)256 * 1024)

struct rules;
struct rules_client;
struct shared_text;

/* Actions that cost others something, and are limited by address. */
enum rules_rate {
    RULES_RATE_ALLOCATE = 0,
    RULES_RATE_CLAIM, /* guessing nameplates; claiming one that was just allocated is free */
    RULES_RATE_OPEN,  /* creates a mailbox where there is none */
    RULES_RATE_ADD,
    RULES_RATE_LIST,
    RULES_RATES,
};

/* What the rules do to the world. Hooks may not call any function of the rules except
 * rules_busy(). */
struct rules_hooks {
    /* Queues one text frame; `text` is borrowed for the call. */
    void (*send)(void *connection, const char *text, size_t length);
    /* Ends the connection after what is queued has left. Called once; nothing is sent after it;
     * rules_leave() must still follow. `why` is a phrase for a log, borrowed forever. */
    void (*drop)(void *connection, const char *why);
    /* rules_busy() has changed. May be NULL. */
    void (*busy_changed)(void *connection);
    /* NULL: go ahead; otherwise the sentence of the `error` that refuses, borrowed forever.
     * `bytes`: of what it stores. May be NULL: there are no limits. */
    const char *(*limit)(void *connection, enum rules_rate rate, size_t bytes);
    /* True if so much waits for the connection that no message is to be added; rules_drained() then
     * follows. May be NULL: never true. */
    bool (*backlogged)(void *connection);
    /* A channel begins, or has ended. False: there is no place for it. May be NULL: there always
     * is. */
    bool (*channel)(void *connection, bool begins);
    /* The client's address, which it is told, borrowed for the call, and its port; NULL: it is not
     * told. May be NULL. */
    const char *(*address)(void *connection, unsigned *ret_port);
    /* The same as `send`, of a text that may be sent to several without copying it. May be NULL. */
    void (*send_shared)(void *connection, struct shared_text *text);
    /* The connection has bound, or one of its channels: it is more than a stranger. May be NULL. */
    void (*bound)(void *connection);
    /* Whose turn its operations on the store are in (relay/store.h): the same at each call. May be
     * NULL: each client has its own. */
    uint64_t (*turn)(void *connection);
    /* What the mailboxes that it makes are charged to (relay_who.owner). May be NULL: nobody. */
    uint64_t (*owner)(void *connection);
};

/* Why a command is refused. */
enum rules_refusal {
    RULES_REFUSED_FORM = 0,   /* no JSON, no such command, a part is missing, too long or wrong */
    RULES_REFUSED_ORDER,      /* not now: not bound, not opened, a second time */
    RULES_REFUSED_PERMISSION, /* none was given */
    RULES_REFUSED_SIZE,       /* too large for the relay, or for a channel */
    RULES_REFUSED_BUSY,       /* too many at once */
    RULES_REFUSED_RATE,       /* the address has done or stored too much */
    RULES_REFUSED_CHANNEL,    /* no room for one more session, or no such one */
    RULES_REFUSED_CROWDED,    /* from here on as enum relay_result: the store */
    RULES_REFUSED_RECLAIMED,
    RULES_REFUSED_NO_NAMEPLATE,
    RULES_REFUSED_NOT_OPEN,
    RULES_REFUSED_MAILBOX_FULL,
    RULES_REFUSED_FULL,
    RULES_REFUSED_BROKEN,
    RULES_REFUSALS,
};

struct rules_settings {
    const char *motd;       /* or NULL */
    const char *error;      /* or NULL: every client is told this, and stops */
    const char *version;    /* or NULL: of clients, which they are told of */
    size_t message_max;     /* bytes of one relay message */
    int64_t retention;      /* announced as relayd.retention, in seconds */
    unsigned hashcash_bits; /* 0: no permission is asked for */
    unsigned channels;      /* of a connection at a time; 0: connections are not shared */
    bool any_nameplate;     /* otherwise, only numbers can be claimed */
    bool list; /* `list` answers with what there is; otherwise with nothing, so that nobody can
                  enumerate */
};

/* `store` must outlive the rules, which take its feed. Hooks and settings are copied. New;
 * rules_free(), once every client has left. NULL when out of memory. */
struct rules *rules_new(const struct relay_store *store, const struct rules_hooks *hooks,
                        const struct rules_settings *settings);
void rules_free(struct rules *rules);

/* New settings: the contents of a welcome, for clients from now on; `list`, for all. False when out
 * of memory: nothing changed. */
bool rules_set(struct rules *rules, const struct rules_settings *settings);

/* True if new clients must obtain a permission, and therefore need a resource. */
bool rules_asks_permission(const struct rules *rules);

/* A connection was made; it is welcomed. New; rules_leave(). `resource` is what a hashcash stamp
 * must name, unique to this connection and without a colon; NULL suffices where no permission is
 * required. NULL when out of memory. */
struct rules_client *rules_enter(struct rules *rules, void *connection, const char *resource,
                                 int64_t now);

/* Takes one WebSocket message of the client, text or binary. A busy client must not be read: one
 * more message ends its connection. */
void rules_receive(struct rules_client *client, const char *text, size_t length, int64_t now);

/* Everything sent has left. */
void rules_drained(struct rules_client *client, int64_t now);

/* The client has gone, or is to be forgotten. What it has asked for is still done, as far as it has
 * begun. NULL is fine. */
void rules_leave(struct rules_client *client);

/* True while as many of its commands, or of one of its channels, are waiting as are allowed. */
bool rules_busy(const struct rules_client *client);

/* Bytes of all commands that wait to begin, and of all operations that wait for the store. */
size_t rules_pending(const struct rules *rules);

/* True while nothing that it asked for is waiting to be done or answered. */
bool rules_idle(const struct rules_client *client);

/* True while new messages of a mailbox are sent to it, or to a channel: its silence then means
 * nothing. */
bool rules_listening(const struct rules_client *client);

/* How many channels it has: beyond 0, what is sent to it is for several sessions. */
unsigned rules_channels(const struct rules_client *client);

/* True if a mailbox that it listens to may never have held a message: it must be touched every few
 * minutes, for otherwise such a mailbox does not live long. */
bool rules_listens_to_unused(const struct rules_client *client);

/* Notes that the mailboxes that it and its channels listen to are still being visited; to be called
 * periodically (every fraction of the retention). */
void rules_touch(struct rules_client *client, int64_t now);

/* Counters: clients, those (with channels) that listen, and channels now; the rest since the
 * start. */
#define RULES_MOODS 5
struct rules_counts {
    uint64_t clients, listening, channels;
    uint64_t moods[RULES_MOODS]; /* happy, lonely, scary, errory, other: closes */
    uint64_t limited[RULES_RATES];
    uint64_t errors;                  /* `error`s sent, for whatever cause */
    uint64_t refused[RULES_REFUSALS]; /* with an `error`, or `left` on a channel */
};
void rules_count(const struct rules *rules, struct rules_counts *ret_counts);

#endif
