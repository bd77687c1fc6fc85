/* Deletes what has expired, in steps small enough to go unnoticed. */
#ifndef RELAY_EXPIRY_H
#define RELAY_EXPIRY_H

#include <stdint.h>

#include "relay/store.h"

struct event_base;
struct relay_expiry;

/* Looks at least once a minute; more often if `retention` (ms) is short. The first time is at once,
 * or, when the retention has become shorter, after that time, in which mailboxes are touched. A
 * clock that has just leapt ahead expires nothing: it may come back (base/clock_watch.h). `store`
 * must outlive it. New. NULL when out of memory. */
struct relay_expiry *relay_expiry_new(struct event_base *base, const struct relay_store *store,
                                      int64_t retention, bool at_once);

/* NULL is fine. */
void relay_expiry_free(struct relay_expiry *expiry);

#endif
