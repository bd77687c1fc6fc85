/* Socket addresses of one host, in the order in which they are to be tried. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* Most addresses tried for one host: each may cost a whole connect timeout. */
#define ADDRESS_MAX 16

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct address_list {
    unsigned count;
    union address items[ADDRESS_MAX];
};

/*
 * Adds an address of `family` (AF_INET or AF_INET6) from its bytes in network order. IPv4 goes
 * before IPv6: where one of them leads nowhere it is nearly always IPv6, and would cost a timeout
 * at each connection. What is there already is not added again; the last one makes way when the
 * list is full.
 */
void address_add(struct address_list *list, int family, const void *bytes, uint16_t port);

/* The same from text, 192.0.2.1 or 2001:db8::1. False if it is neither. */
bool address_add_text(struct address_list *list, const char *text, uint16_t port);

/* Adds what a hosts file (hosts(5)) says of `host`. False if it cannot be read or knows nothing. */
bool address_add_from_hosts(struct address_list *list, const char *path, const char *host,
                            uint16_t port);

socklen_t address_length(const union address *address);

#endif
