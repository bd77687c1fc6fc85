/*
 * A simulated world: users with machines, a relay, a network, and all the bad luck that one seed
 * brings them. First accidents happen, then they stop, and what was promised must come true; then
 * both close, and nothing may be left.
 */
#ifndef SIMULATION_WORLD_H
#define SIMULATION_WORLD_H

#include <stdbool.h>
#include <stdint.h>

/* What was counted over all worlds of a run. */
struct world_counts {
    uint64_t worlds, messages;
    uint64_t loners;      /* worlds in which a stock relay kept two from each other to the end */
    int64_t time;         /* simulated, ms */
    unsigned most_visits; /* of one side from the end of the accidents until all was said */
};

/* Lives one world. NULL, or what was broken in it: borrowed until the next one. `loud`: tells all
 * that happens. */
const char *world_live(uint64_t seed, bool loud, struct world_counts *counts);

#endif
