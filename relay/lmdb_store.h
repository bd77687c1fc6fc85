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
struct lmdb_store;

/*
 * Opens or creates the store in `directory` (mode 0700, files 0600). `max_bytes` bounds its size;
 * 0: only the disk does. `base` is borrowed, `limits` are copied. New; lmdb_store_free(). NULL on
 * failure, with a sentence in ret_why (of `size` bytes) that says what to do.
 */
struct lmdb_store *lmdb_store_new(struct event_base *base, const char *directory,
                                  uint64_t max_bytes, const struct relay_limits *limits,
                                  char *ret_why, size_t size);

/* Operations already requested are still done, but nobody is told. NULL is fine. Not from a
 * callback. */
void lmdb_store_free(struct lmdb_store *store);

/*
 * Borrowed. Callbacks come from the event loop, after the call has returned; but when memory is
 * short, or a name is longer than relay/store.h allows, RELAY_BROKEN comes at once.
 */
const struct relay_store *lmdb_store_interface(struct lmdb_store *store);

/* NULL: no feed. */
void lmdb_store_set_feed(struct lmdb_store *store, relay_feed feed, void *arg);

/* Is told why a turn of the event loop could not be stored, whoever requested the operations in
 * it; NULL: the store can be written again. */
typedef void (*lmdb_store_trouble)(void *arg, const char *why);

/* NULL: none. */
void lmdb_store_set_trouble(struct lmdb_store *store, lmdb_store_trouble trouble, void *arg);

/* Is told how many mailboxes were deleted because there was no room: relay/lmdb_weight.h. */
typedef void (*lmdb_store_cleared)(void *arg, uint64_t mailboxes);

/* NULL: none. */
void lmdb_store_set_cleared(struct lmdb_store *store, lmdb_store_cleared cleared, void *arg);

/* New limits, for operations from now on. Existing mailboxes may already exceed them. */
void lmdb_store_set_limits(struct lmdb_store *store, const struct relay_limits *limits);

#endif
