/* Somebody who tries a nameplate: claims it, opens the mailbox, says something or nothing, goes
 * away or stays. */
#ifndef SIMULATION_STRANGER_H
#define SIMULATION_STRANGER_H

#include "tests/simulation/cable.h"

struct stranger {
    struct ws_net net;
    struct ws *ws;
    const char *nameplate;
    char side[11];
};

/* `nameplate` is borrowed. */
void stranger_begin(struct stranger *stranger, struct rendezvous *relay, const char *nameplate);

#endif
