/*
 * Turns: take everything that has happened, step the sessions, write each changed one in one
 * transaction, and only when that is durable release the effects and answer the callers. Sessions
 * are changed here and nowhere else. A turn that changed nothing on which effects depend needs no
 * transaction of its own: daemon/turn_deferred.h.
 */
#ifndef DAEMON_TURN_H
#define DAEMON_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/visits.h"
#include "wormhole/session.h"

struct turns;

enum turn_code {
    TURN_DONE = 0,
    TURN_NOT_FOUND, /* the session does not exist */
    TURN_NAME_TAKEN,
    TURN_OWN_CODE,     /* another session here waits with this code, or its nameplate */
    TURN_REFUSED,      /* session_step refused: `refusal` */
    TURN_NOT_CLOSED,   /* TURN_FORGET_ENDED of one that has not ended … */
    TURN_NOT_SAFE,     /* … or that was handed over */
    TURN_NOT_EXPORTED, /* TURN_FORGET_EXPORTED of one that was not handed over */
    TURN_IMPORTED,     /* the session is, or was, here already */
    TURN_EXPIRED,      /* its deadline has passed */
    TURN_STORE_FULL,   /* nothing has changed */
    TURN_STORE_FAILED,
    TURN_MEMORY,
};

struct turn_answer {
    enum turn_code code;
    enum session_refusal refusal;
    const struct session *session; /* after the step, durable; borrowed for the call; NULL unless
                                      TURN_DONE or TURN_REFUSED, and for forget */
    uint32_t number; /* of the message, for EVENT_SEND: the session may hold later ones of the same
                        turn */
};

/* Called once for each request, from the event loop, never from inside a turn_… call. */
typedef void (*turn_done)(void *arg, const struct turn_answer *answer);

/* Who is told the outcome of a turn. */
struct turn_observer {
    /* A session changed or was forgotten. */
    void (*changed)(void *arg, uint64_t change, const uint8_t id[SESSION_ID_BYTES]);
    /* What is due may have changed: sessions changed, or visits ended. Called last. */
    void (*due_changed)(void *arg);
    /* True if somebody waits to be told of this session's next change: it is then stored sooner. */
    bool (*watched)(void *arg, const uint8_t id[SESSION_ID_BYTES]);
    /* True if somebody wants the session's connection to be held now. NULL: nobody ever does. */
    bool (*attended)(void *arg, const uint8_t id[SESSION_ID_BYTES]);
    void *arg;
};

struct turn_settings {
    uint64_t place_bytes; /* as in struct session_context; 0: as usual */
    int64_t keep;         /* how long ended sessions stay listed, ms */
    unsigned max_held;    /* limit on connections that are held open */
};

/* New; turns_free(), which drops the connections of all visits. The parts and the observer's arg
 * must outlive them. */
struct turns *turns_new(const struct visits_parts *parts, const struct turn_observer *observer,
                        const struct turn_settings *settings);
void turns_free(struct turns *turns);

/* New settings, effective from the next turn. */
void turns_set(struct turns *turns, const struct turn_settings *settings);

/* ---- requests; everything is copied; `done` may be NULL; false when out of memory (`done` is not
 * called) ---- */

bool turn_create(struct turns *turns, const struct session_options *options, turn_done done,
                 void *arg);
bool turn_event(struct turns *turns, const uint8_t id[SESSION_ID_BYTES],
                const struct session_event *event, turn_done done, void *arg);

/* EVENT_RENAME; TURN_NAME_TAKEN if another session has that petname. NULL: no petname. */
bool turn_rename(struct turns *turns, const uint8_t id[SESSION_ID_BYTES], const char *name,
                 turn_done done, void *arg);

/* A session from a text (state/export.h) continues here. It is consumed in any case. */
bool turn_import(struct turns *turns, struct session *session, turn_done done, void *arg);

enum turn_forgetting {
    TURN_FORGET_ENDED = 0, /* only if it is closed */
    TURN_FORGET_EXPORTED,  /* only if it was handed over, even if it has ended since */
    TURN_FORGET_ANY,
};

bool turn_forget(struct turns *turns, const uint8_t id[SESSION_ID_BYTES],
                 enum turn_forgetting which, turn_done done, void *arg);

/* The store's note of the time is set back to `now`: store_correct_time(). */
bool turn_correct_time(struct turns *turns, int64_t now, turn_done done, void *arg);

/* A turn in which nothing happens but a commit: whether the store can be written again. False when
 * out of memory. */
bool turn_try_store(struct turns *turns);

/* ---- queries ---- */

/* The session as it is in memory, if it is on a visit, or was until just now; otherwise NULL.
 * Borrowed until the loop continues. May be ahead of the store, by its visit and by changes that
 * will be durable soon (daemon/turn_deferred.h): what clients are shown comes from the store. */
const struct session *turn_active(struct turns *turns, const uint8_t id[SESSION_ID_BYTES]);

/* How many sessions are on a visit, and how many of their connections are held. */
void turn_count(const struct turns *turns, unsigned *ret_active, unsigned *ret_held);

/* visits_connected() */
unsigned turn_connected(const struct turns *turns);

/* While the store cannot be written, visits are pointless: when the pause ends, ms since the epoch;
 * 0: the store can be written. */
int64_t turn_store_pause(const struct turns *turns);

/* Runs everything queued now, and writes what is deferred (used when the daemon ends, so that every
 * accepted request is answered). */
void turn_flush(struct turns *turns);

#endif
