/* Serves /healthz, and /metrics in the format of Prometheus, over HTTP on an address of their
 * own. */
#ifndef RELAY_METRICS_H
#define RELAY_METRICS_H

#include "relay/rules.h"
#include "relay/relay_server.h"
#include "relay/store.h"

struct event_base;
struct metrics;
struct sandbox;

/* What the metrics report; must outlive them. */
struct metrics_sources {
    const struct relay_store *store;
    const struct rules *rules;
    const struct relay_server *server;
    const struct sandbox *sandbox;
};

/* Serves on `fd`, a listening non-blocking socket, which it owns from now on, even on failure. New.
 * NULL when out of memory. */
struct metrics *metrics_new(struct event_base *base, int fd, const struct metrics_sources *sources);

/* NULL is fine. */
void metrics_free(struct metrics *metrics);

#endif
