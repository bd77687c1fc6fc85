/* A machine, and the ears of the judge on it: whatever it stores, or says to the relay, is held
 * against the user whose session it is. */
#ifndef SIMULATION_HOME_H
#define SIMULATION_HOME_H

#include "tests/simulation/judge.h"
#include "tests/simulation/machine.h"

struct user;

/* More than live in any world. */
#define HOME_USERS 4

struct home {
    struct machine machine;
    struct judge_times dials;
    unsigned met;              /* so often in a row it had a connection when one was not expected */
    struct user *const *users; /* all of the world's, wherever they live; NULL at the end */
};

/* An empty machine, which is switched on. `users` is borrowed. */
void home_begin(struct home *home, const char *name, struct rendezvous *relay,
                struct user *const users[HOME_USERS + 1]);
void home_end(struct home *home);

#endif
