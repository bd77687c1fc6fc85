/* A person with a session on a simulated machine: sends, reads, pokes and closes when the mood
 * comes. */
#ifndef SIMULATION_USER_H
#define SIMULATION_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/simulation/home.h"
#include "tests/simulation/judge.h"

/* The longest that there is: clocks that are wrong by months must not end a session. */
#define USER_TIMEOUT (366 * TIMELINE_DAY)

/* How this person parts from the other: when all is said, or at some moment before, and then how.
 */
enum parting { PARTS_LATE = 0, PARTS_EARLY, PARTS_BY_FORGETTING, PARTS_BY_DOUBT, PARTINGS };

struct user {
    struct home *home;
    struct judge_side side;
    const char *schedule;
    char *code; /* NULL: allocate */
    bool verify;
    bool lasting;        /* the session lasts, if the other's can */
    bool slow;           /* does not compare the verifiers before the world is calm, … */
    int64_t compares;    /* … and this is when */
    struct home *target; /* wants to go on there, or NULL */
    char *luggage;       /* the session in a text, on its way there, or NULL */
    struct home *former; /* what was handed over may still be there, or NULL */
    enum parting parting;
    bool parted; /* before all was said */
    uint32_t inbox_messages;
    unsigned to_send; /* messages that are still to be sent */
    unsigned serial;
};

void user_begin(struct user *user, const char *name, struct home *home);
void user_end(struct user *user);

/* Does one thing of those that are open to it. What is asked of the daemon is done, or lost in a
 * crash, before the next one. */
void user_act(struct user *user);

/* Reads what there is, says yes to the verifier, and unpacks: what a user does who is present. */
void user_attend(struct user *user);

/* Wants the session to end. */
void user_close(struct user *user);

/* Wants the daemon to forget it. */
void user_forget(struct user *user);

/* The session is durable on another machine. */
void user_moved(struct user *user, struct home *home);

/* The session as it is durable now. Borrowed until the next commit. NULL if there is none. */
const struct session *user_session(const struct user *user);

#endif
