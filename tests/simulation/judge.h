/*
 * The judge of a simulated world: knows what each side has promised, to its user, to its disk and
 * to the relay, and fails the world when a promise is broken.
 */
#ifndef SIMULATION_JUDGE_H
#define SIMULATION_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/simulation/disk.h"
#include "tests/simulation/timeline.h"
#include "wormhole/session.h"

/* More than any simulated user sends. */
#define JUDGE_MESSAGES 64
#define JUDGE_PHASES   4096
/* How many of the last dials, and of the last stirs, are remembered. */
#define JUDGE_TIMES 1024
/* Sides with which one may find itself. */
#define JUDGE_PEERS 2

#define JUDGE_WINDOW (10 * TIMELINE_MINUTE)

struct judge_message {
    uint8_t *data; /* NULL: not known */
    size_t length;
};

/* When something happened, the last times. */
struct judge_times {
    int64_t when[JUDGE_TIMES];
    unsigned count; /* in all */
};

/* What one side has said to the relay under a phase. */
struct judge_phase {
    char *name, *body;
};

/* A place of a lasting session, and what its side is there. */
struct judge_place {
    uint32_t epoch;
    char mailbox[MAILBOX_ID_TEXT];
    char side[SIDE_TEXT];
    struct epoch_labels labels;
};

/* More than any simulated session has epochs. */
#define JUDGE_PLACES 512

/* One session of a daemon, as the judge knows it. */
struct judge_side {
    const char *who;
    const struct kv *disk;
    uint8_t id[SESSION_ID_BYTES];
    char text[SIDE_TEXT];
    char former[SIDE_TEXT]; /* the side that it was before it met a stranger */
    uint32_t strangers;     /* how often it has */
    uint32_t epoch;         /* the newest that was durable */
    bool known;             /* the session is, or was, durable: `id` and `text` are its */
    bool looking;           /* it has opened a mailbox, and no pong has come since */
    bool inbox_full;        /* nothing of a peer may ever come to its user: the codes differ */
    struct judge_side *peers[JUDGE_PEERS]; /* daemons that may be it; NULL: there are no more */

    uint8_t pake[PAKE_MESSAGE_BYTES];
    struct judge_message sent[JUDGE_MESSAGES]; /* outbox rows, as they became durable */
    uint32_t sent_count;
    uint32_t read;                           /* messages that the user has got */
    uint32_t received;                       /* the most that were durable */
    unsigned allocates;                      /* how often the relay was asked for a nameplate */
    struct judge_place places[JUDGE_PLACES]; /* that followed from what was durable; newest last */
    unsigned place_count;
    struct judge_phase phases[JUDGE_PHASES];
    unsigned phase_count;
    enum session_state state;
    enum session_result result;
    struct judge_times stirs; /* commands of the user, and news of the peer */
    unsigned visits_a_stir;   /* that each of these may bring about, by the schedule */
};

void judge_clear(struct judge_side *side);

/* Its disk has changed. */
void judge_committed(struct judge_side *side);

/* It sends a text to the relay, as the side `as`. */
void judge_told(struct judge_side *side, const char *as, const char *text);

/* A text of the relay arrives at it. */
void judge_heard(struct judge_side *side, const char *text);

/* True if that is its side, or one of those that it has in its epochs. */
bool judge_is_side(const struct judge_side *side, const char *text);

/* It does so as the side that it was before: it takes its leave, and may have left its version in
 * the same turn. */
void judge_told_last(struct judge_side *side, const char *text);

/* Its user, or its peer's, does something. */
void judge_stirred(struct judge_side *side);

/* How often its machine may dial within JUDGE_WINDOW, for this session: whatever the schedule, it
 * backs off when visits fail. */
unsigned judge_allowance(const struct judge_side *side);

/* How many of these times were within the last JUDGE_WINDOW. */
unsigned judge_recent(const struct judge_times *times);
void judge_note(struct judge_times *times);

/* Its user was told of the session as it is now: what is durable must say the same. */
void judge_answered(struct judge_side *side, const struct session *session);

/* Its user was told that the message with this number is kept. */
void judge_accepted(struct judge_side *side, uint32_t number);

/* Its user was given a message; it must be the next one, and what the peer's user sent. */
void judge_got(struct judge_side *side, uint32_t number, const uint8_t *data, size_t length);

#endif
