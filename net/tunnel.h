/*
 * The dialogue with a proxy that opens a tunnel to the host behind it, without I/O: bytes in, bytes
 * out. SOCKS5 (RFC 1928, RFC 1929) or HTTP CONNECT (RFC 9110 §9.3.6, RFC 7617).
 */
#ifndef NET_TUNNEL_H
#define NET_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http_head.h"
#include "net/proxy.h"
#include "net/url.h"

/* The longest text that we send at once, including a NUL: CONNECT with the host twice, and user
 * name and password in base64. */
#define TUNNEL_SAY_MAX (2 * URL_HOST_HEADER_SIZE + (2 * PROXY_WORD_MAX + 1 + 2) / 3 * 4 + 128)
/* Most of a status line that is shown to a person. */
#define TUNNEL_REASON_MAX 91
#define TUNNEL_WHY_SIZE   (URL_HOST_HEADER_SIZE + 256)

enum tunnel_progress {
    TUNNEL_MORE = 0, /* send what there is to send, then feed it more */
    TUNNEL_DONE,     /* from now on, bytes come from and go to the other host */
    TUNNEL_REFUSED,  /* there will be no tunnel; see why */
};

struct tunnel {
    const struct proxy *proxy; /* borrowed */
    const struct url *url;     /* the host behind it; borrowed */
    enum tunnel_progress progress;
    bool (*step)(struct tunnel *, uint8_t byte); /* takes the next byte; false: refused */
    unsigned skip;                               /* SOCKS5: bytes of the answer to skip */
    unsigned status;                             /* HTTP: 0 until known */
    struct http_head head;                       /* HTTP: the proxy's answer */
    char why[TUNNEL_WHY_SIZE];   /* once refused: a clause whose subject is the proxy */
    uint8_t say[TUNNEL_SAY_MAX]; /* to be sent now, say_length bytes; may contain the password */
    size_t say_length;           /* set it to 0 once sent */
};

/* Begins, with something to send. Both are borrowed until tunnel_wipe(). */
void tunnel_begin(struct tunnel *ret_tunnel, const struct proxy *proxy, const struct url *url);

/* Takes bytes from the proxy, as many as belong to its answer: `ret_used` tells how many. Stops
 * when there is something to send. */
enum tunnel_progress tunnel_feed(struct tunnel *tunnel, const void *data, size_t length,
                                 size_t *ret_used);

/* Wipes what was sent. */
void tunnel_wipe(struct tunnel *tunnel);

#endif
