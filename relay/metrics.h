/* /healthz, and /metrics as Prometheus reads them, over HTTP at an address of their own. */
#ifndef RELAY_METRICS_H
#define RELAY_METRICS_H

#include "relay/rules.h"
#include "relay/relay_server.h"
#include "relay/store.h"

struct event_base;
struct metrics;

/* What is told about; must outlive the metrics. */
struct metrics_sources {
    const struct relay_store *store;
    const struct rules *rules;
    const struct relay_server *server;
};

/* Serves at `fd`, a listening non-blocking socket, which it owns from now on, also if it fails.
 * New. NULL when out of memory. */
struct metrics *metrics_new(struct event_base *base, int fd, const struct metrics_sources *sources);

/* NULL is fine. */
void metrics_free(struct metrics *metrics);

#endif
