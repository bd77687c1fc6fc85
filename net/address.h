/* Socket addresses, and lists of them: those of one host, in the order in which they are to be
 * tried, or those to listen on. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* Most addresses in a list. Each that is tried for a host may cost a whole connect timeout. */
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

/* Adds an address from text, 192.0.2.1 or 2001:db8::1, at the end. False if it is neither. An
 * address that is already there is not added again, nor is one that comes when the list is full;
 * the same applies below. */
bool address_add_text(struct address_list *list, const char *text, uint16_t port);

/* Adds a socket's address, with another port. One that is neither IPv4 nor IPv6 is left out. */
void address_add_socket(struct address_list *list, const struct sockaddr *from, uint16_t port);

/* Adds all of another list. */
void address_add_list(struct address_list *list, const struct address_list *from, uint16_t port);

/* False for what leads to this machine, this network, or nowhere: loopback, private, link-local,
 * shared, multicast and reserved addresses (RFC 6890), also where an IPv6 address embeds such. */
bool address_is_public(const union address *address);

/* Takes out all others. */
void address_keep_public(struct address_list *list);

socklen_t address_length(const union address *address);

#endif
