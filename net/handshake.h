/*
 * The HTTP upgrade that begins a WebSocket (RFC 6455 §4), as text and without I/O: bytes in, bytes
 * out, for both ends. The caller supplies the randomness.
 */
#ifndef NET_HANDSHAKE_H
#define NET_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http_head.h"
#include "net/url.h"

#define HANDSHAKE_KEY_BYTES 16
/* Room for any request or reply that we make, including its NUL. */
#define HANDSHAKE_TEXT_SIZE (URL_MAX + URL_HOST_HEADER_SIZE + 512)
#define HANDSHAKE_WHY_SIZE  192
/* Room for the value of a header that is kept. */
#define HANDSHAKE_VALUE_SIZE 128
#define HANDSHAKE_PORT_SIZE  8
/* Longest page. */
#define HANDSHAKE_PAGE_MAX (URL_MAX)

/* Refused does not mean that the other end broke a rule: a relay that answers 404 counts as
 * refused, too. */
enum handshake_progress {
    HANDSHAKE_MORE = 0, /* feed it more */
    HANDSHAKE_DONE,     /* the connection is a WebSocket (a server sends its reply first) */
    HANDSHAKE_REFUSED,  /* it will not be one; see why (a server sends its reply first) */
};

struct handshake {
    bool server;
    /* server: the paths that are answered with what is below them (other than below "/"), ended by
     * a NULL; NULL: any. Set it before the first byte; borrowed. */
    const char *const *paths;
    /* server: what it calls itself (the header Server), or NULL; and the HTML page with which it
     * answers a browser's GET of /, also in HTTP/1.0, or NULL. Likewise. */
    const char *name, *page;
    enum handshake_progress progress;
    unsigned status;                     /* server: the status of the reply */
    unsigned facts;                      /* headers that were seen and are valid */
    bool old, root;                      /* server: HTTP/1.0; the target is / */
    char origin[HANDSHAKE_VALUE_SIZE];   /* server: Origin, perhaps cut; "" if there was none … */
    char real_ip[HANDSHAKE_VALUE_SIZE];  /* … X-Real-IP … */
    char real_port[HANDSHAKE_PORT_SIZE]; /* … and X-Real-Port */
    char key[32];                        /* Sec-WebSocket-Key, base64; empty until known */
    char why[HANDSHAKE_WHY_SIZE];        /* once refused: a clause whose subject is the other end */
    struct http_head head;               /* the other end's; last, since it is large */
};

/* A client's end, with a nonce of 16 random bytes. */
void handshake_client(struct handshake *ret_handshake, const uint8_t nonce[HANDSHAKE_KEY_BYTES]);

/* A server's end. */
void handshake_server(struct handshake *ret_handshake);

/* The client's request. Returns its length. */
size_t handshake_request(const struct handshake *handshake, const struct url *url,
                         char ret_text[HANDSHAKE_TEXT_SIZE]);

/* The server will not have a client whose handshake was fine: 403. The clause is as `why`. */
void handshake_forbid(struct handshake *handshake, const char *why);

/* The server's answer, once done or refused. Returns its length; 0 when out of memory. */
size_t handshake_reply(const struct handshake *handshake, char ret_text[HANDSHAKE_TEXT_SIZE]);

/* Takes bytes from the other end, as many as belong to the handshake: `ret_used` tells how many.
 * After an upgrade, WebSocket frames follow. */
enum handshake_progress handshake_feed(struct handshake *handshake, const void *data, size_t length,
                                       size_t *ret_used);

#endif
