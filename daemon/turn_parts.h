/* Private to the turn's files: what a turn is made of. */
#ifndef DAEMON_TURN_PARTS_H
#define DAEMON_TURN_PARTS_H

#include <stdbool.h>
#include <stdint.h>
/* Out of memory is an answer, not the end. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "daemon/active.h"
#include "daemon/queue.h"
#include "daemon/turn.h"

struct event;
struct request;
struct kv_txn;

/* A session that takes part in the turn. */
struct touched {
    uint8_t id[SESSION_ID_BYTES];
    struct session *session;
    bool active; /* it is in the table of active sessions */
    bool deleted;
    bool changed;
    UT_hash_handle hh;
};

struct turns {
    struct kv *store;
    struct relays *relays;
    struct turn_hooks hooks;
    struct turn_settings settings;
    struct active *active;
    struct event *runner;
    struct queue queue;  /* waiting for a turn */
    struct queue batch;  /* in the turn under way */
    struct queue failed; /* of a turn that failed, to be tried one by one */
    int64_t store_pause;
    bool unforgotten; /* the log says that what was deleted can still be read */

    /* The turn under way. */
    struct kv_txn *txn;
    struct touched *touched;
    bool no_memory;
};

/* The session as this turn has it so far; NULL if there is none (or an error, which the commit will
 * tell). */
struct touched *turn_touch(struct turns *turns, const uint8_t id[SESSION_ID_BYTES]);

/* Writes the session into the turn's transaction, if it changed. */
void turn_put(struct turns *turns, struct touched *touched);

/* True if another session has this petname; NULL: no. Names are as this turn has them so far. */
bool turn_name_taken(struct turns *turns, const char *name, const uint8_t id[SESSION_ID_BYTES]);

/* What a step of a session with this relay (NULL: none yet) is told of the world. */
struct session_context turn_context(struct turns *turns, const char *relay_url);

/* The session is in nobody's memory any more. */
void turn_leave_memory(struct turns *turns, struct touched *touched);

/* Empties the table of touched sessions, not the sessions. */
void turn_forget_touched(struct turns *turns);

/* Queues a request for the next turn. */
void turn_submit(struct turns *turns, struct request *request, turn_done done, void *arg);

#endif
