/* What the files of the rules share. Nobody else includes this. */
#ifndef RELAY_RULES_PARTS_H
#define RELAY_RULES_PARTS_H

#include <sodium.h>

#include "relay/relay_command.h"
#include "relay/rules.h"

struct rules_listeners;

struct rules {
    const struct relay_store *store;
    struct rules_hooks hooks;
    struct rules_settings settings;    /* owns its strings */
    int64_t now;                       /* the last time that was told */
    struct rules_listeners *listeners; /* a hash table */
    unsigned char hash_secret[crypto_shorthash_KEYBYTES];
    struct rules_counts counts;
};

/* One command, from its arrival until its answer has left. */
struct rules_task {
    struct rules_client *client;
    struct relay_command command;
    int64_t now; /* when it came */
    size_t size; /* of its text */
    const char
        *refusal; /* the `error` that is to leave when all before it have been answered, or NULL */
    struct rules_task *prev, *next;
};

enum rules_listener_state {
    RULES_NOT_LISTENING = 0,
    RULES_OPENING,   /* in the listeners, but the store has not opened the mailbox yet */
    RULES_REPLAYING, /* messages come from the store, piece by piece, before any new ones */
    RULES_LISTENING, /* every new message goes to it */
};

struct rules_client {
    struct rules *rules;
    void *connection;
    size_t message_max;

    struct rules_task *asked;    /* under way: one, or some adds; in order */
    struct rules_task *waiting;  /* for those; in order */
    unsigned asked_count, count; /* of all that are unfinished, and their bytes */
    size_t bytes;

    unsigned hashcash_bits; /* of the permission that is still required; 0: none */
    char *resource;
    char *appid, *side; /* NULL: not bound */
    char *allocated;    /* the nameplate, or NULL */
    char *claimed;      /* the nameplate, or NULL */
    char *mailbox;      /* that was opened, if only in vain; or NULL */
    bool opened, closed, released;

    enum rules_listener_state listener_state;
    uint64_t seen;   /* number of the last message that was sent */
    uint64_t missed; /* greatest number that passed by unsent since a piece was last asked for */
    bool reading;    /* a piece was asked for */
    bool going_on;   /* rules_listeners_read_on() is on the stack */
    struct rules_listeners *listeners;
    struct rules_client *prev, *next; /* in the listeners */

    bool pumping, was_busy, dropped;
};

/* ---- rules.c ---- */

/* The connection cannot go on. */
void rules_drop(struct rules_client *client, const char *why);

/* ---- rules_send.c ---- */

/* Sends a reply and frees it. NULL: memory ran out, and the connection is dropped. */
void rules_send(struct rules_client *client, char *reply);
void rules_send_welcome(struct rules_client *client);
void rules_send_error(struct rules_client *client, const char *error, const json_t *orig);

/* ---- rules_tasks.c ---- */

/* Puts a command behind the others. False when out of memory. */
bool rules_tasks_add(struct rules_client *client, const char *text, size_t length,
                     struct rules_task **ret_task);

/* Begins what may begin, and tells whether that has changed how busy it is. */
void rules_tasks_run(struct rules_client *client);

/* It was answered: takes it out and frees it. */
void rules_tasks_end(struct rules_task *task);

/* It is answered by this error, borrowed for ever, as soon as all before it have been answered. */
void rules_tasks_refuse(struct rules_task *task, const char *refusal);

/* The other end has gone. What it said before it went counts: a stock client releases, closes and
 * hangs up in one breath. The store keeps the order of what it is asked at once. */
void rules_tasks_last_words(struct rules_client *client);

/* The store is not to call back any more; all are freed. */
void rules_tasks_clear(struct rules_client *client);

/* ---- rules_commands.c ---- */

/* Lets a command take effect, or refuses it. The task may be gone when this returns. */
void rules_command_begin(struct rules_task *task);

/* ---- rules_listeners.c ---- */

/* The client's mailbox is being opened: it is in its listeners from now on. False when out of
 * memory. */
bool rules_listeners_join(struct rules_client *client);

/* The mailbox is open: sends the stored messages that came with it. Then it listens, or if there
 * are more, it goes on with those. */
void rules_listeners_replay(struct rules_client *client, const struct relay_answer *answer);

/* Asks for the next piece of a replay, if it is time. */
void rules_listeners_read_on(struct rules_client *client);

/* Fine also if it is in none. */
void rules_listeners_leave(struct rules_client *client);

/* Every connection of this client's side that listens to this mailbox stops. */
void rules_listeners_stop(struct rules_client *client, const char *mailbox);

#endif
