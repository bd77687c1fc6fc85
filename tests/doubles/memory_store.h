/*
 * A relay_store in memory, for tests. Nothing happens at the call: operations wait in a queue until
 * the test lets them take effect, so that nothing can rely on an immediate answer.
 */
#ifndef TESTS_MEMORY_STORE_H
#define TESTS_MEMORY_STORE_H

#include <stddef.h>

#include "relay/store.h"

struct memory_store;

/* New; relay_store.free() or memory_store_free(). NULL when out of memory. */
struct memory_store *memory_store_new(const struct relay_limits *limits);
void memory_store_free(struct memory_store *memory);

/* Another process with the same store: it has a queue of its own, in which it also hears of what
 * the others did, later, while it runs. The data goes with the last. NULL when out of memory. */
struct memory_store *memory_store_new_node(struct memory_store *memory);

/* Its operations. Borrowed. */
const struct relay_store *memory_store_interface(struct memory_store *memory);

/* Who is told of what is new, so that a test can tell more. Borrowed. */
const struct relay_feed *memory_store_feed(const struct memory_store *memory);

/* Lets at most `most` operations take effect, and answers them; those that are asked for by the way
 * come after. Returns how many it were. */
size_t memory_store_run(struct memory_store *memory, size_t most);

/* From now on every operation fails with this, and changes nothing; or, with RELAY_IN_DOUBT, some
 * are done all the same. RELAY_DONE: they succeed again. */
void memory_store_fail(struct memory_store *memory, enum relay_result result);

/* From now on operations are answered within their calls (true), or as before: the contract allows
 * both. */
void memory_store_hurry(struct memory_store *memory, bool hurry);

#endif
