/*
 * Host names to addresses, without blocking: IP addresses as they are, "localhost" as the loopback
 * (RFC 6761), then /etc/hosts, then the name servers.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <stdint.h>

#include "net/address.h"

struct event_base;
struct resolve;
struct resolver;

/* Paths of resolv.conf(5) and hosts(5), borrowed. NULL when out of memory. */
struct resolver *resolver_new(struct event_base *base, const char *resolv_conf, const char *hosts);

/* After the last resolve_free(). NULL is fine. */
void resolver_free(struct resolver *resolver);

/* `list` has the addresses, borrowed for the call; if it is empty `why` is a clause that says why,
 * fit to follow a colon; else NULL. */
typedef void (*resolve_done)(const struct address_list *list, const char *why, void *arg);

/* Calls `done` once, from the event loop. New: resolve_free() it, also from inside `done`. NULL
 * when out of memory. */
struct resolve *resolve_start(struct resolver *resolver, const char *host, uint16_t port,
                              resolve_done done, void *arg);

/* NULL is fine. */
void resolve_free(struct resolve *resolve);

#endif
