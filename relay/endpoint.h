/* Addresses to listen on: 127.0.0.1:4000, [::]:4000. */
#ifndef RELAY_ENDPOINT_H
#define RELAY_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "net/address.h"

/* Room for one address as text, including its NUL. */
#define ENDPOINT_TEXT_SIZE (INET6_ADDRSTRLEN + 9)

/* An IP address (IPv6 in brackets), a colon and a port; port 0 means any that is free. */
bool endpoint_parse(const char *text, union address *ret_endpoint);

/* Several addresses, separated by blanks; at least one. Without a host, as in :4000, it is [::],
 * all addresses; localhost is 127.0.0.1 and, if this machine has it, [::1]. */
bool endpoints_parse(const char *text, struct address_list *ret_endpoints);

/* Listens on the address. [::] takes IPv4 too, and only IPv4 on a machine without
 * IPv6. Returns the socket (non-blocking, close-on-exec), or
 * -1 with a sentence in ret_why (of `size` bytes). */
int endpoint_listen(const union address *endpoint, char *ret_why, size_t size);

/* The address as endpoint_parse() reads it. One that is neither IPv4 nor IPv6 is "a socket". */
void endpoint_text(const union address *endpoint, char ret_text[ENDPOINT_TEXT_SIZE]);

/* The address without its port and without brackets, IPv4 in IPv6 as IPv4; and back, with this
 * port, or 0 if that is none: false if it is no address. */
void endpoint_host(const union address *endpoint, char ret_text[INET6_ADDRSTRLEN]);
unsigned endpoint_port(const union address *endpoint);
bool endpoint_of_host(const char *text, const char *port, union address *ret_endpoint);

/* The address on which a socket listens. */
void endpoint_of_socket(int fd, char ret_text[ENDPOINT_TEXT_SIZE]);

/* The address of the other end of a connection. */
bool endpoint_of_peer(int fd, union address *ret_endpoint);

#endif
