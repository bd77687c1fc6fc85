/*
 * Private to the turns: what a turn consists of. turn.c knows what can be requested and how each
 * request is carried out; beneath it, turn_batch.c has the participating sessions, the commit, and
 * what follows it.
 */
#ifndef DAEMON_TURN_BATCH_H
#define DAEMON_TURN_BATCH_H

#include <event2/util.h>
#include <stdbool.h>
#include <stdint.h>
/* Out of memory is an error to report, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/clock_watch.h"
#include "daemon/turn.h"
#include "kv/group_commit.h"
#include "wormhole/wire.h"

/* A session that takes part in the turn. */
struct turn_session {
    uint8_t id[SESSION_ID_BYTES];
    struct session *session;
    bool visiting; /* it was already on a visit */
    bool deleted;
    bool changed;
    bool deferred; /* its changes are, and it stays in memory */
    bool joined;   /* nothing happened to it: it has deferred changes to be written */
    /* What the log says of the turn, once it is durable: */
    bool copied;      /* it was found to be a copy */
    bool failed;      /* it ended, and not happily */
    uint32_t ignored; /* messages, by visits that ended: session_ignored() */
    UT_hash_handle hh;
};

/* A session that is in memory with changes that the store does not have yet. */
struct deferred_session {
    uint8_t id[SESSION_ID_BYTES];
    UT_hash_handle hh;
};

struct turns {
    struct kv *store;
    struct relays *relays;
    struct turn_observer observer;
    struct turn_settings settings;
    struct visits *visits;
    struct group_commit *group;
    struct clock_watch clock;
    struct event *clock_timer; /* pending while the clock is doubted */
    int64_t store_pause;
    const char *trouble;  /* what the log said last of why the store cannot be written; or NULL */
    bool erasure_pending; /* the log says that what was deleted can still be read */

    /* daemon/turn_deferred.h */
    struct deferred_session *deferred;
    struct event *deferred_timer;
    int64_t deferred_due; /* when it fires, by the monotonic clock, ms */
    int64_t planned_by;   /* the latest time by which what is not yet written was planned */

    /* The turn under way. */
    struct group_batch *batch; /* NULL outside of the transaction */
    struct turn_session *sessions;
    bool due_changed; /* what is due may have changed */
};

/* Something that will happen to a session in the next turn. */
struct turn_request {
    struct group_op op; /* first: its address is this struct's */
    /* Carries it out inside the turn's transaction. */
    enum turn_code (*run)(struct turns *turns, struct turn_request *request);
    turn_done done; /* NULL: nobody waits for an answer, or it has been given */
    void *arg;

    uint8_t id[SESSION_ID_BYTES];
    struct session_event event; /* its pointers point into this struct */
    struct wire_message relay;
    void *data; /* a copy of what event.data or event.text points to; wiped when freed */
    size_t length;
    struct session *created; /* for a creation or an import */
    enum turn_forgetting forgetting;

    /* The result. */
    struct outcome outcome;
    struct turn_answer answer;
    bool may_wait; /* it wrote no row, and nobody waits for an answer: what it did to its session
                      decides if there must be a commit */
};

/* The turns' part in kv/group_commit.h; its `arg` is a struct turns. */
extern const struct group_methods turn_batch_methods;
extern const struct group_limits turn_batch_limits;

/* The session as this turn has it so far; NULL if there is none (or after an error, which the
 * commit will report). */
struct turn_session *turn_batch_session(struct turns *turns, const uint8_t id[SESSION_ID_BYTES]);

/* Writes the session into the turn's transaction, if it changed. */
void turn_batch_put(struct turns *turns, struct turn_session *taking_part);

/* True if another session has this petname; NULL is never taken. Names are as this turn has them so
 * far. */
bool turn_batch_name_taken(struct turns *turns, const char *name,
                           const uint8_t id[SESSION_ID_BYTES]);

/* What a step is told of the outside world. */
struct session_context turn_batch_context(struct turns *turns);
/* The callback of turns->clock_timer. */
void turn_batch_look_at_clock(evutil_socket_t fd, short what, void *turns);

void turn_request_free(struct turn_request *request);

/* Visits pause for this long after a failed commit, ms: what they bring could not be kept. */
#define TURN_STORE_PAUSE ((int64_t)5 * 1000)

#endif
