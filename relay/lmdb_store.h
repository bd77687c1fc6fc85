/*
 * The relay's memory on disk: relay/store.h over LMDB. One process at a time. It starts in the same
 * time whatever it holds, and its own memory does not grow with it.
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
 * 0: only the disk does. `base` is borrowed, `limits` are copied. New; lmdb_store_free(). NULL if
 * that fails: *ret_why (of `size` bytes) is a sentence that says what to do.
 */
struct lmdb_store *lmdb_store_new(struct event_base *base, const char *directory,
                                  uint64_t max_bytes, const struct relay_limits *limits,
                                  char *ret_why, size_t size);

/* What was asked for is still done; nobody is told. NULL is fine. Not from a callback. */
void lmdb_store_free(struct lmdb_store *store);

/*
 * Borrowed. Callbacks come from the event loop, after the call has returned; but when there is no
 * memory, or a name is longer than relay/store.h allows, RELAY_BROKEN comes at once.
 */
const struct relay_store *lmdb_store_interface(struct lmdb_store *store);

/* NULL: nobody wants it. */
void lmdb_store_set_feed(struct lmdb_store *store, relay_feed feed, void *arg);

/* Told why a turn of the event loop could not be stored, whoever asked for what was in it. */
typedef void (*lmdb_store_trouble)(void *arg, const char *why);

/* NULL: nobody wants to know. */
void lmdb_store_set_trouble(struct lmdb_store *store, lmdb_store_trouble trouble, void *arg);

/* New limits, for operations that come from now on. Mailboxes may be beyond them already. */
void lmdb_store_set_limits(struct lmdb_store *store, const struct relay_limits *limits);

#endif
