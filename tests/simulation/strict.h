/* A stock peer that is as strict as the Go client: it opens its mailbox once, never comes back, and
 * dies of every phase that is repeated, unknown or misplaced. */
#ifndef SIMULATION_STRICT_H
#define SIMULATION_STRICT_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/simulation/cable.h"
#include "wormhole/keys.h"
#include "wormhole/pake.h"

struct strict {
    struct ws_net net;
    struct ws *ws;
    const char *code;
    const char *peer; /* the side that it is here for */
    char side[11];
    uint8_t scalar[PAKE_SCALAR_BYTES], pake[PAKE_MESSAGE_BYTES], key[KEY_BYTES];
    unsigned expected; /* 0: a pake, 1: a version, 2 + n: message n */
    unsigned to_send, sent;
    bool gone;
};

/* Comes with a code, for a side (both borrowed), and sends so many messages when it may. */
void strict_begin(struct strict *strict, struct rendezvous *relay, const char *code,
                  const char *peer, unsigned to_send);

/* True if it is still there, and was never cut off. */
bool strict_is_well(const struct strict *strict);

#endif
