/*
 * The relay's store on disk: relay/store.h over LMDB. One process at a time. Neither its start-up
 * time nor its own memory grows with what it holds.
 */
#ifndef RELAY_LMDB_STORE_H
#define RELAY_LMDB_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "relay/store.h"

struct event_base;

/*
 * Opens or creates the store in `directory` (mode 0700, files 0600). `max_bytes` bounds its size;
 * 0: only the disk does. `base` is borrowed, `limits` are copied. New; its free(). NULL on failure,
 * with a sentence in ret_why (of `size` bytes) that says what to do.
 *
 * Callbacks come from the event loop, after the call has returned; but when memory is short, or a
 * name is longer than relay/store.h allows, RELAY_BROKEN comes at once.
 */
const struct relay_store *lmdb_store_open(struct event_base *base, const char *directory,
                                          uint64_t max_bytes, const struct relay_limits *limits,
                                          char *ret_why, size_t size);

#endif
