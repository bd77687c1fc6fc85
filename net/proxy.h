/*
 * A proxy for connections: socks5h://[user:password@]host[:port] (RFC 1928, RFC 1929) or
 * http://[user:password@]host[:port] (CONNECT, RFC 9110 §9.3.6). With both, the proxy looks up the
 * names of the hosts behind it.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "net/url.h"

#define PROXY_URL_MAX                                                                              \
    2048 /* a user name and a password of 255 bytes, each byte as %XX, and a host */
#define PROXY_WORD_MAX 255  /* RFC 1929: longest user name, and password */
#define PROXY_PORT     1080 /* unless given; for both kinds, as in curl */

enum proxy_protocol { PROXY_SOCKS5 = 0, PROXY_HTTP };

/* A plain value, which may be copied; but it may hold a password: proxy_wipe() each copy. */
struct proxy {
    enum proxy_protocol protocol;
    struct url url;                    /* where it is: host, literal and port; the rest is zero */
    char user[PROXY_WORD_MAX + 1];     /* empty: none is sent */
    char password[PROXY_WORD_MAX + 1]; /* secret; may be empty */
    bool user_only; /* SOCKS5: a proxy that lets us in without the user name is refused */
};

/* In user name and password, %XX stands for a byte. False if it is not such a URL: ret_why (of
 * `size` bytes) is then a sentence for a person, which quotes nothing of the text. */
bool proxy_parse(const char *text, struct proxy *ret_proxy, char *ret_why, size_t size);

/* Room for the longest text, including its NUL. */
#define PROXY_TEXT_SIZE (URL_HOST_HEADER_SIZE + 16)

/* "socks5h://host:port", for a person: without user name and password. */
void proxy_text(const struct proxy *proxy, char ret_text[PROXY_TEXT_SIZE]);

/* Wipes the password and everything else. */
void proxy_wipe(struct proxy *proxy);

#endif
