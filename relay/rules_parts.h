/* What the files of the rules share. Nobody else includes this. */
#ifndef RELAY_RULES_PARTS_H
#define RELAY_RULES_PARTS_H

#include <sodium.h>

#include "relay/command.h"
#include "relay/rules.h"

struct audience;

struct rules {
    const struct relay_store *store;
    struct rules_hooks hooks;
    struct rules_settings settings; /* owns its strings */
    int64_t now;                    /* the last time that was told */
    struct audience *audiences;     /* a hash table */
    unsigned char hash_secret[crypto_shorthash_KEYBYTES];
    struct rules_counts counts;
};

/* One command, from its arrival until its answer has left. */
struct task {
    struct client *client;
    struct command command;
    int64_t now; /* when it came */
    size_t size; /* of its text */
    const char
        *refusal; /* the `error` that is to leave when all before it have been answered, or NULL */
    struct task *prev, *next;
};

enum attention {
    INATTENTIVE = 0,
    OPENING,   /* in the audience, but the store has not opened the mailbox yet */
    REPLAYING, /* messages come from the store, piece by piece, before any new ones */
    LISTENING, /* every new message goes to it */
};

struct client {
    struct rules *rules;
    void *connection;
    size_t message_max;

    struct task *asked;          /* under way: one, or some adds; in order */
    struct task *waiting;        /* for those; in order */
    unsigned asked_count, count; /* of all that are unfinished, and their bytes */
    size_t bytes;

    unsigned hashcash_bits; /* of the permission that is still required; 0: none */
    char *resource;
    char *appid, *side; /* NULL: not bound */
    char *allocated;    /* the nameplate, or NULL */
    char *claimed;      /* the nameplate, or NULL */
    char *mailbox;      /* that was opened, if only in vain; or NULL */
    bool opened, closed, released;

    enum attention attention;
    uint64_t seen;   /* number of the last message that was sent */
    uint64_t missed; /* greatest number that passed by unsent since a piece was last asked for */
    bool reading;    /* a piece was asked for */
    bool going_on;   /* rules_audience_go_on() is on the stack */
    struct audience *audience;
    struct client *prev, *next; /* in the audience */

    bool pumping, was_busy, dropped;
};

/* ---- rules.c ---- */

/* The connection cannot go on. */
void rules_drop(struct client *client, const char *why);

/* ---- rules_say.c ---- */

/* Sends a reply and frees it. NULL: memory ran out, and the connection is dropped. */
void rules_say(struct client *client, char *reply);
void rules_say_welcome(struct client *client);
void rules_say_error(struct client *client, const char *error, const json_t *orig);

/* ---- rules_tasks.c ---- */

/* Puts a command behind the others. False when out of memory. */
bool rules_tasks_add(struct client *client, const char *text, size_t length,
                     struct task **ret_task);

/* Begins what may begin, and tells whether that has changed how busy it is. */
void rules_tasks_run(struct client *client);

/* It was answered: takes it out and frees it. */
void rules_tasks_end(struct task *task);

/* It is answered by this error, borrowed for ever, as soon as all before it have been answered. */
void rules_tasks_refuse(struct task *task, const char *refusal);

/* The other end has gone. What it said before it went counts: a stock client releases, closes and
 * hangs up in one breath. The store keeps the order of what it is asked at once. */
void rules_tasks_last_words(struct client *client);

/* The store is not to call back any more; all are freed. */
void rules_tasks_clear(struct client *client);

/* ---- rules_commands.c ---- */

/* Lets a command take effect, or refuses it. The task may be gone when this returns. */
void rules_command_begin(struct task *task);

/* ---- rules_audience.c ---- */

/* The client's mailbox is being opened: it is in its audience from now on. False when out of
 * memory. */
bool rules_audience_join(struct client *client);

/* The mailbox is open: sends the stored messages that came with it. Then it listens, or if there
 * are more, it goes on with those. */
void rules_audience_replay(struct client *client, const struct relay_answer *answer);

/* Asks for the next piece of a replay, if it is time. */
void rules_audience_go_on(struct client *client);

/* Fine also if it is in none. */
void rules_audience_leave(struct client *client);

/* Every connection of this client's side that listens to this mailbox stops. */
void rules_audience_stop(struct client *client, const char *mailbox);

#endif
