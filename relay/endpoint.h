/* Addresses to listen at: 127.0.0.1:4000, [::]:4000. */
#ifndef RELAY_ENDPOINT_H
#define RELAY_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* Most of them. */
#define ENDPOINTS_MAX 16
/* Room for one as text, with its NUL. */
#define ENDPOINT_TEXT_SIZE (INET6_ADDRSTRLEN + 9)

union endpoint {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct endpoints {
    unsigned count;
    union endpoint items[ENDPOINTS_MAX];
};

/* An IP address (IPv6 in brackets), a colon, a port; 0: any that is free. */
bool endpoint_parse(const char *text, union endpoint *ret_endpoint);

/* Several, with blanks between them; at least one. */
bool endpoints_parse(const char *text, struct endpoints *ret_endpoints);

/* Listens there. [::] takes IPv4 too. Returns the socket (non-blocking, close-on-exec), or -1 with
 * a sentence in ret_why (of `size` bytes). */
int endpoint_listen(const union endpoint *endpoint, char *ret_why, size_t size);

/* As it is parsed. What is neither IPv4 nor IPv6 is "a socket". */
void endpoint_text(const union endpoint *endpoint, char ret_text[ENDPOINT_TEXT_SIZE]);

/* Where a socket listens. */
void endpoint_of_socket(int fd, char ret_text[ENDPOINT_TEXT_SIZE]);

/* Who is at the other end of a connection. */
bool endpoint_of_peer(int fd, union endpoint *ret_endpoint);

#endif
