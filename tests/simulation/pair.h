/* Two ends on one relay, introduced by a code that people agreed on. */
#ifndef SIMULATION_PAIR_H
#define SIMULATION_PAIR_H

#include "tests/simulation/end.h"

struct pair {
    struct stock *stock;
    struct end a, b;
};

/* Whether the relays of pairs that are opened from now on can resume. */
extern bool pair_resumes;

/* Setups of a test: its pairs meet on a relay that cannot, and on one that can. */
int pair_replay(void **state);
int pair_resume(void **state);

/* A test, twice: on either. */
#define PAIR_TEST(test)                                                                            \
    cmocka_unit_test_setup(test, pair_replay),                                                     \
    {                                                                                              \
#test "_resumed", test, pair_resume, NULL, NULL                                            \
    }

void pair_open(struct pair *pair, const char *schedule);
/* The same; the session is lasting. */
void pair_open_lasting(struct pair *pair, const char *schedule);
void pair_free(struct pair *pair);

/* How many random lives a test has: as many as usual, or as the environment says with
 * WORMHOLED_TEST_WORLDS, at least one. */
unsigned pair_worlds(unsigned usual);

/* Each in turn visits the relay, so often, while the other sleeps. */
void pair_visit(struct pair *pair, int rounds);

/* Both work until neither has anything to do now. */
void pair_run(struct pair *pair);

#endif
