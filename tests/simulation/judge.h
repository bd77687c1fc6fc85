/*
 * The judge of a simulated world: knows what each side has promised, to its user, to its disk and
 * to the relay, and fails the world when a promise is broken.
 */
#ifndef SIMULATION_JUDGE_H
#define SIMULATION_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/simulation/disk.h"
#include "wormhole/session.h"

/* More than any simulated user sends. */
#define JUDGE_MESSAGES 64
#define JUDGE_PHASES   256
/* How many of the last dials, and of the last stirs, are remembered. */
#define JUDGE_TIMES 1024

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

/* One session of a daemon, as the judge knows it. */
struct judge_side {
    const char *who;
    const struct store *disk;
    uint8_t id[SESSION_ID_BYTES];
    bool begun;              /* the user was told that there is a session */
    bool deaf;               /* nothing of a peer may ever come to its user: the codes differ */
    struct judge_side *peer; /* NULL: the peer is no daemon */

    uint8_t pake[PAKE_MESSAGE_BYTES];
    struct judge_message sent[JUDGE_MESSAGES]; /* outbox rows, as they became durable */
    uint32_t sent_count;
    uint32_t accepted; /* messages of which the user was told that they are kept */
    uint32_t read;     /* messages that the user has got */
    uint32_t received; /* the most that were durable */
    unsigned allocates; /* how often the relay was asked for a nameplate */
    struct judge_phase phases[JUDGE_PHASES];
    unsigned phase_count;
    struct judge_times dials;
    struct judge_times stirs; /* commands of the user, and news of the peer */
    unsigned visits_a_stir;   /* that each of these may bring about, by the schedule */
};

void judge_clear(struct judge_side *side);

/* Its disk has changed. */
void judge_committed(struct judge_side *side);

/* A text of it has arrived at the relay. */
void judge_heard(struct judge_side *side, const char *text);

/* It dials the relay. */
void judge_dialled(struct judge_side *side);

/* Its user, or its peer's, does something. */
void judge_stirred(struct judge_side *side);

/* Its user was told that the message with this number is kept. */
void judge_accepted(struct judge_side *side, uint32_t number);

/* Its user was given a message; it must be the next one, and what the peer's user sent. NULL data:
 * the peer's ledger is not known. */
void judge_got(struct judge_side *side, uint32_t number, const uint8_t *data, size_t length);

#endif
