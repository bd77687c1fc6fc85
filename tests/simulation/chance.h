/* The one source of chance in a simulated world: the same seed, the same world. */
#ifndef SIMULATION_CHANCE_H
#define SIMULATION_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begins anew; also for libsodium's random numbers, which from now on come from here too, though
 * from a stream of their own. */
void chance_seed(uint64_t seed);

/* One of 0 … below - 1. */
uint64_t chance_below(uint64_t below);

/* Between `least` and `most`, both included. */
int64_t chance_between(int64_t least, int64_t most);

/* The same, but of every order of magnitude as often: `least` is at least 1. */
int64_t chance_spread(int64_t least, int64_t most);

/* True `percent` times of a hundred. */
bool chance_percent(unsigned percent);

#endif
