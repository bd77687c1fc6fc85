/* A person with a session on a simulated machine: sends, reads, pokes and closes when the mood
 * comes. */
#ifndef SIMULATION_USER_H
#define SIMULATION_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/simulation/judge.h"
#include "tests/simulation/machine.h"

struct user {
    struct machine machine;
    struct judge_side side;
    const char *schedule;
    char *code; /* NULL: allocate */
    bool verify;
    unsigned to_send; /* messages that are still to be sent */
    unsigned serial;
};

/* The user and the machine, which is switched on; nothing begun yet. */
void user_begin(struct user *user, const char *name, struct rendezvous *relay);
void user_end(struct user *user);

/* Does one thing of those that are open to it. What is asked of the daemon is done, or lost in a
 * crash, before the next one. */
void user_act(struct user *user);

/* Reads what there is, and says yes to the verifier: what a user does who is present. */
void user_attend(struct user *user);

/* Wants the session to end. */
void user_close(struct user *user);

/* Wants the daemon to forget it. */
void user_forget(struct user *user);

/* The session as it is durable now. New; session_free(). NULL if there is none. */
struct session *user_session(const struct user *user);

#endif
