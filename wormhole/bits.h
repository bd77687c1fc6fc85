/* A set of small numbers that grows as needed. Zeroed is empty. */
#ifndef WORMHOLE_BITS_H
#define WORMHOLE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bits {
    uint64_t *words;
    size_t count;
};

bool bits_has(const struct bits *bits, uint32_t number);

/* False when out of memory. The caller bounds `number`. */
bool bits_add(struct bits *bits, uint32_t number);

void bits_free(struct bits *bits);

#endif
