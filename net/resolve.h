/*
 * Resolves host names without blocking: by getaddrinfo(3) in a thread, so that a name means the
 * same here as in every other program on this machine (hosts(5), nsswitch.conf(5), resolv.conf(5)).
 * IP addresses stand for themselves, "localhost" and all names below it for the loopback (RFC
 * 6761); a name below "onion" is for a proxy only, and is never looked up (RFC 7686).
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <stdint.h>

#include "net/address.h"

struct event_base;
struct resolve;
struct resolver;

/* New; resolver_free(). NULL when out of memory. */
struct resolver *resolver_new(struct event_base *base);

/* To be called after the last resolve_free(). A thread that is still waiting for a name server is
 * left behind, and frees what it holds when it returns. NULL is fine. */
void resolver_free(struct resolver *resolver);

/* `list` has the addresses in the order in which they are to be tried, borrowed for the call. If it
 * is empty, `why` is a clause that gives the reason, fit to follow a colon; otherwise `why` is
 * NULL. */
typedef void (*resolve_done)(const struct address_list *list, const char *why, void *arg);

/* Calls `done` once, from the event loop. New: resolve_free() it, also from inside `done`. NULL
 * when out of memory. */
struct resolve *resolve_start(struct resolver *resolver, const char *host, uint16_t port,
                              resolve_done done, void *arg);

/* From now on `done` is not called. NULL is fine. */
void resolve_free(struct resolve *resolve);

#endif
