/*
 * A judge of the phases that are added to the model of the stock relay. Stock clients remember the
 * first message of each phase, and the Go one dies of a repeated one: so of one side's phase there
 * must be no two bodies ever, and no mailbox may hold it twice.
 */
#ifndef SIMULATION_PHASES_H
#define SIMULATION_PHASES_H

#include <jansson.h>

#include "tests/simulation/stock.h"

struct phases {
    struct stock *stock;
    json_t *bodies;    /* "side phase" → body */
    unsigned twins;    /* bodies that were not the first of their phase */
    unsigned repeats;  /* phases that the mailbox held already */
    unsigned receipts; /* phases that only a wormholed knows */
};

/* From now on, as long as the relay lives; phases_free(). */
void phases_watch(struct phases *phases, struct stock *stock);
void phases_free(struct phases *phases);

#endif
