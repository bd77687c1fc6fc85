/* Questions to the name servers, without blocking (libevent's evdns). */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <stdint.h>

#include "net/address.h"

struct event_base;
struct dns;
struct dns_query;

/*
 * The servers are those of `resolv_conf` (borrowed: the path of a resolv.conf(5)). It is read anew
 * whenever nothing else is being asked, and in between when it was read long ago: a laptop changes
 * its network while a daemon runs for weeks. NULL when out of memory.
 */
struct dns *dns_new(struct event_base *base, const char *resolv_conf);

/* Ends what is being asked, without callbacks. libevent lets go of the last pieces at the event
 * loop's next round. NULL is fine. */
void dns_free(struct dns *dns);

/* `list` has the addresses, borrowed for the call; if it is empty `why` is a clause that says why,
 * fit to follow a colon; else NULL. */
typedef void (*dns_done)(const struct address_list *list, const char *why, void *arg);

/* Asks for the IPv4 and IPv6 addresses of a name. `done` is called once, from the event loop; the
 * query is gone when it returns. NULL when out of memory, or if the name cannot be asked for. */
struct dns_query *dns_ask(struct dns *dns, const char *name, uint16_t port, dns_done done,
                          void *arg);

/* The answer is no longer wanted. NULL is fine. */
void dns_forget(struct dns_query *query);

#endif
