/* Private to the world's files: what this seed has in store, and who lives here. */
#ifndef SIMULATION_WORLD_PARTS_H
#define SIMULATION_WORLD_PARTS_H

#include "tests/simulation/home.h"
#include "tests/simulation/rendezvous.h"
#include "tests/simulation/stranger.h"
#include "tests/simulation/strict.h"
#include "tests/simulation/user.h"
#include "tests/simulation/world.h"
#include "wormhole/code.h"

#define WORLD_HOMES 3

/* Users come in pairs: the second of each learns the code from the first. */
enum who { WHO_A, WHO_B, WHO_C, WHO_D };

struct world {
    struct rendezvous *relay;
    struct home homes[WORLD_HOMES];
    struct user people[HOME_USERS];
    struct user *users[HOME_USERS + 1]; /* of these, who takes part */
    struct strict strict;
    struct stranger stranger;
    bool with_strict;   /* in place of B */
    bool with_stranger; /* somebody else tries the nameplate */
    bool with_third;    /* C has the code, too */
    bool with_second;   /* C and D are a pair of their own */
    bool wrong_code;
    bool floods;  /* somebody has much to say */
    bool expires; /* ours does, in the world's time */
    bool ages;    /* a stock one does, also when all is calm */
    bool seldom;  /* … and both come so seldom that they may never find what the other left */
    bool accidents;
    int64_t storm; /* how long they last */
    int64_t accident_every, act_every;
    char nameplate[NAMEPLATE_MAX + 1], code[CODE_MAX + 1]; /* A's, when known */
};

/* Lets time go by. */
void world_go(struct world *world, int64_t ms);

/* Calls `act` for each user. */
void world_each(struct world *world, void (*act)(struct user *));

/* Nobody but the pairs themselves has meddled, and nobody left early: then they must find each
 * other. */
bool world_is_honest(const struct world *world);

/* Whoever waits for a code, and can know it now, gets it. */
void world_tell_codes(struct world *world);

/* ---- fate.c: the beginning of a world, which is empty but for the relay and its homes ---- */
void scenario_draw(struct world *world);

/* ---- accidents.c: one, and more later, until the world is calm ---- */
void accidents_begin(struct world *world);

/* ---- promises.c: what must come true when it is ---- */
void promises_keep(struct world *world, struct world_counts *counts);

/* Fails the world, with what has become of each user. */
void promises_fail(struct world *world, const char *what);

/* ---- loners.c: those who cannot meet ---- */

/* True if a rule of the stock relay may keep the two from each other for ever. */
bool unmeetable_possible(const struct world *world);

/* They have not met: lets the time that their sessions are allowed go by, after which each must
 * have ended, and say why. */
void unmeetable_part(struct world *world, struct world_counts *counts);

#endif
