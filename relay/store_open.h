/* The store that an address names. */
#ifndef RELAY_STORE_OPEN_H
#define RELAY_STORE_OPEN_H

#include <stddef.h>
#include <stdint.h>

#include "relay/store.h"

struct event_base;

/* What a relay asks of its store. Borrowed for the call. */
struct relay_store_options {
    const char *address; /* a directory: relay/lmdb_store.h */
    uint64_t max_bytes;  /* of a directory; 0: only the disk limits it */
    struct relay_limits limits;
};

/* `base` is borrowed. New; its free(). NULL on failure, with a sentence in ret_why (of `size`
 * bytes) that says what to do. */
const struct relay_store *relay_store_open(struct event_base *base,
                                           const struct relay_store_options *options, char *ret_why,
                                           size_t size);

#endif
