/* WebSocket URLs: ws://host[:port][/path] and wss://…; IPv6 literals in brackets (RFC 6455 §3). */
#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>
#include <stdint.h>

#define URL_MAX      512 /* longest URL accepted, without the NUL */
#define URL_HOST_MAX 255 /* RFC 1035: longest host name */

struct url {
    bool tls;                    /* wss */
    bool literal;                /* host is an IP address, not a name */
    uint16_t port;               /* 80 or 443 unless given */
    char host[URL_HOST_MAX + 1]; /* without brackets, names in lower case */
    char path[URL_MAX + 2];      /* begins with '/', query included */
};

enum url_fault { URL_OK = 0, URL_SCHEME, URL_HOST, URL_PORT, URL_PATH, URL_TOO_LONG };

/* Parses; user info, fragments and anything that is not printable ASCII are refused. */
enum url_fault url_parse(const char *text, struct url *ret_url);

/* Reads host[:port] at the beginning of `*text`, up to its end or one of / ? #, into `url`, whose
 * port stays as it is unless given; `*text` advances to what follows. For URLs other than those of
 * WebSockets. */
enum url_fault url_parse_authority(const char **text, struct url *url);

/* One sentence for a person. Borrowed. */
const char *url_fault_text(enum url_fault fault);

/* True if both lead to the same place. */
bool url_is_same(const struct url *a, const struct url *b);

/* True for the name of an onion service (RFC 7686): only a proxy can reach it. */
bool url_is_onion(const struct url *url);

/* Room for a host in brackets, a colon, a port and a NUL. */
#define URL_HOST_HEADER_SIZE (URL_HOST_MAX + 9)

/* The Host header's value: brackets for IPv6, port unless it is the default one. `size` of at least
 * URL_HOST_HEADER_SIZE. */
void url_host_header(const struct url *url, char *ret_text, unsigned size);

/* host:port for a person, always with the port. `size` as above. */
void url_where(const struct url *url, char *ret_text, unsigned size);

#endif
