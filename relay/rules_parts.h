/*
 * What the files of the rules share; nothing else includes this. They are one machine in four
 * files: a command comes in, for a connection or one of its channels (rules_channels.c), is given
 * its turn (rules.c), takes effect (rules_commands.c), and what is stored or new in a mailbox goes
 * to those who listen (rules_listeners.c).
 */
#ifndef RELAY_RULES_PARTS_H
#define RELAY_RULES_PARTS_H

#include <sodium.h>
/* Out of memory: the element is simply not in the table. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "relay/relay_command.h"
#include "relay/rules.h"

struct rules_listeners;
struct shared_text;

/* An answer to `list` that is given several times; zeroed, there is none. */
struct rules_list {
    char appid[RELAY_APPID_MAX + 1];
    int64_t made;
    struct shared_text *text;
};
#define RULES_LISTS 8

struct rules {
    const struct relay_store *store;
    struct rules_hooks hooks;
    struct rules_settings settings;    /* owns its strings */
    int64_t now;                       /* the last time given */
    struct rules_listeners *listeners; /* a hash table, by mailbox */
    unsigned char hash_secret[crypto_shorthash_KEYBYTES];
    struct rules_counts counts;
    struct rules_list lists[RULES_LISTS];
    size_t waiting_bytes; /* of commands that have not begun */
};

/* One command, from its arrival until its answer has left. */
struct rules_task {
    struct rules_client *client;
    struct relay_command command;
    int64_t now; /* when it came */
    size_t size; /* of its text, bytes */
    bool has_begun;
    const char *error;        /* if it failed: the `error` to send after those before it; or NULL */
    enum rules_refusal cause; /* then */
    struct rules_task *prev, *next;
};

enum rules_listener_state {
    RULES_NOT_LISTENING = 0,
    RULES_OPENING,   /* a listener, but the store has not opened the mailbox yet */
    RULES_REPLAYING, /* gets messages from the store, piece by piece, before any new ones */
    RULES_LISTENING, /* gets every new message */
};

/* What a connection and its channels share. */
struct rules_host {
    struct rules_client *channels; /* a hash table */
    unsigned channels_max;         /* 0: what a command says of channels is ignored */
    unsigned ended;                /* of them: to be freed when the next text comes */
    unsigned count, full;          /* unfinished commands; clients with RULES_QUEUE_MAX of them */
    size_t bytes;
    struct rules_client *readers; /* those that wait for a piece of their mailbox, in turn */
    bool reading;                 /* a piece was requested from the store */
    bool taking_turns;            /* rules_listeners_take_turns() is on the stack */
    bool was_busy;
};

/* A connection, or a channel of one. */
struct rules_client {
    struct rules *rules;
    void *connection;
    size_t message_max;
    struct rules_client *whole; /* the connection: itself, unless this is a channel */
    struct rules_host host;     /* of a connection only */
    int64_t channel;            /* its number; 0: it is the connection */
    UT_hash_handle hh;          /* in whole->host.channels */

    struct rules_task *begun;   /* the store is working on these: one, or several adds; in order */
    struct rules_task *waiting; /* waiting for those; in order */
    unsigned begun_count;
    unsigned count; /* of both lists */
    size_t bytes;   /* of both lists */

    unsigned hashcash_bits; /* of the permission that is still required; 0: none */
    char *resource;         /* that the stamp must name, or NULL */
    char *appid, *side;     /* NULL: not bound */
    char *allocated;        /* the nameplate, or NULL */
    char *claimed;          /* the nameplate, or NULL */
    char *mailbox;          /* the one of `open`, even if that failed; or NULL */
    bool opened, closed, released;

    enum rules_listener_state listener_state;
    struct rules_listeners *listeners; /* those it is one of, or NULL */
    struct rules_client *prev, *next;  /* in their list */
    uint64_t serial; /* of the mailbox that it has open: relay/store.h; while it opens it, no older
                        one is alive */
    bool resumes;    /* its `open` had `after`: it is told where it stands */
    struct relay_position seen; /* behind the last message that was sent */
    uint64_t missed; /* greatest number of a new message that was not sent to it since a piece was
                        last requested */
    bool reading;    /* a piece was requested from the store */
    struct rules_client *reader_prev, *reader_next; /* in whole->host.readers, … */
    bool waits_to_read;                             /* … if this is set */

    bool running; /* rules_run() is on the stack */
    bool dropped;
    bool ended; /* a channel: to be freed, and no longer counted in the host's queue */
};

/* ---- rules.c ---- */

/* Ends the connection, or the channel alone. `why`: see rules_hooks.drop. */
void rules_drop(struct rules_client *client, const char *why);

/* Sends a reply and frees it. NULL: memory ran out, and the connection or channel is dropped. */
void rules_send(struct rules_client *client, char *reply);

void rules_list_drop(struct rules_list *list);

/* Sends a text as it is, over a connection that has not been dropped, without copying a long one.
 */
#define RULES_SHARED_TEXT_MIN ((size_t)16 * 1024)
void rules_send_shared(struct rules_client *client, struct shared_text *text);

/* Sends an `error`, and counts it; `orig` may be NULL. */
void rules_send_error(struct rules_client *client, enum rules_refusal cause, const char *error,
                      const json_t *orig);

/* Reports if it has changed whether the connection is busy. */
void rules_note_busy(struct rules_client *connection);

/* True if nothing more is sent to it. */
bool rules_is_dropped(const struct rules_client *client);

/* As whom it asks the store; see rules_hooks. */
struct relay_who rules_who(const struct rules_client *client, int64_t now);

/* Takes a command over; `length` is that of its text. */
void rules_take(struct rules_client *client, struct relay_command *command, size_t length);

/* A client of the rules, without anything. NULL when out of memory. */
struct rules_client *rules_client_new(struct rules *rules, void *connection);
/* What it asked for is still done, as far as it has begun. */
void rules_client_free(struct rules_client *client);

/* Begins the commands that may begin; reports if this changes whether the client is busy. */
void rules_run(struct rules_client *client);

/* The command was answered: frees it. */
void rules_task_end(struct rules_task *task);

/* Answers the command with this `error` (borrowed forever), after all before it; then frees it. */
void rules_task_fail(struct rules_task *task, enum rules_refusal cause, const char *error);

/* ---- rules_channels.c ---- */

/* Whom a command is for: the connection, or a channel, which may begin with it. NULL: nobody; it
 * was dealt with. */
struct rules_client *rules_channels_find(struct rules_client *connection,
                                         const struct relay_command *command, size_t length);

/* Ends the channel, after saying so: `reason` is a sentence; `alone`, see reply_left(). */
void rules_channels_end(struct rules_client *channel, const char *reason, bool alone);

/* Frees those that have ended, or all. */
void rules_channels_sweep(struct rules_client *connection, bool all);

/* True if a text is too long for this client, which is a channel: it has ended then. */
bool rules_channels_too_long(struct rules_client *client, const char *text);

/* ---- rules_commands.c ---- */

/* Lets a command take effect, or refuses it. The task may be gone when this returns. */
void rules_command_begin(struct rules_task *task);

/* ---- rules_listeners.c ---- */

/* The client's mailbox is being opened: the client listens from now on. False when out of
 * memory. */
bool rules_listeners_join(struct rules_client *client);

/* The mailbox is open: sends the stored messages of the answer, and if there are more, continues
 * with those. New ones follow. */
void rules_listeners_replay(struct rules_client *client, const struct relay_answer *answer);

/* Lets those of a connection and its channels that are in the middle of a replay read a piece each,
 * in turn, until too much waits for the connection. */
void rules_listeners_take_turns(struct rules_client *connection);

/* Also fine if the client does not listen. */
void rules_listeners_leave(struct rules_client *client);

/* The feed of the store, whose arg is the rules: a message for all who listen to the mailbox … */
void rules_listeners_message(void *arg, const char *appid, const char *mailbox, uint64_t serial,
                             const struct relay_message *message);
/* … and the end of it, for every connection of this side. */
void rules_listeners_closed(void *arg, const char *appid, const char *mailbox, const char *side);
void rules_listeners_gone(void *arg, const char *appid, const char *mailbox, uint64_t serial);

#endif
