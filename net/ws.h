/*
 * A WebSocket (RFC 6455) over libevent: dialled by a client, or accepted by a server. Frames by
 * wslay, TLS by OpenSSL. Knows nothing of wormholes.
 *
 * All callbacks come from the event loop, never from inside a call to these functions; and all of
 * these functions may be called from inside any callback. The process must ignore SIGPIPE.
 */
#ifndef NET_WS_H
#define NET_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct pin;
struct pins;
struct proxy;
struct ssl_ctx_st;
struct url;
struct ws;
struct ws_net;

/* Default largest message in bytes: 16 MiB of application data become 32 MiB of hex, plus the JSON
 * around it. */
#define WS_MESSAGE_MAX ((size_t)34 * 1024 * 1024)

/* Limits of a connection; times in ms. ws_options_default() gives sensible ones. */
struct ws_options {
    size_t message_max; /* larger messages end the connection with 1009 */
    /* Both at most 3 s while the host has other addresses to try; both begin anew, three times at
     * most, if bytes have moved meanwhile: */
    int connect_timeout;   /* for the name look-up; each address tried; the proxy; TLS */
    int handshake_timeout; /* the HTTP upgrade */
    int ping_interval;     /* send a ping when nothing was received for this long (0: never) … */
    int ping_timeout;      /* … and end the connection when nothing follows for this long */
    int close_timeout; /* how long to wait for the other end's close frame, after our bytes left */
    /* server: the paths that are served with what is below them (other than below "/"), ended by a
     * NULL; others get 404. NULL: any. Borrowed until the WebSocket is open. */
    const char *const *paths;
    const char *name, *page; /* server: see net/handshake.h; NULL: none. Likewise */
    bool public_only;        /* client: never to an address that is not address_is_public() */
    const struct pins *pins; /* client: see tls_client_new(); NULL: none. Borrowed for the call */
};

void ws_options_default(struct ws_options *ret_options);

/* What a client said in its handshake. */
struct ws_request {
    const char *origin;              /* of the web page, or "" */
    const char *real_ip, *real_port; /* X-Real-IP, X-Real-Port; or "" */
};

struct ws_handlers {
    /* server: the handshake was fine. NULL: go on; else it is refused with 403, and with this
     * clause, whose subject is the client. May be NULL. */
    const char *(*asked)(struct ws *ws, const struct ws_request *request, void *arg);
    /* The upgrade is done; messages may flow. */
    void (*opened)(struct ws *ws, void *arg);
    /* One whole message, text or binary, borrowed for the call, followed by a NUL byte that is not
     * counted. Text was checked to be UTF-8. */
    void (*message)(struct ws *ws, const uint8_t *data, size_t length, void *arg);
    /* The kernel has taken all that was sent: called once after one or more ws_send(). May be
     * NULL. */
    void (*drained)(struct ws *ws, void *arg);
    /* ws_held() has changed. ws_pause() and ws_limit() may be called, or the connection freed. May
     * be NULL. */
    void (*arriving)(struct ws *ws, void *arg);
    /* The connection failed or ended; `why` (borrowed for the call) is one sentence for a person.
     * Last callback, perhaps the only one; ws is freed when it returns. */
    void (*closed)(struct ws *ws, const char *why, void *arg);
};

/* What all connections of one process share: event base, resolver, TLS context. */

/*
 * `cafile` NULL: the system's CA store; else only the certificates in that PEM file. New;
 * ws_net_free() after the last connection (the event loop's next round, or event_base_free(),
 * closes the last sockets). NULL on failure, with a sentence in ret_why (of `size` bytes).
 */
struct ws_net *ws_net_new(struct event_base *base, const char *cafile, char *ret_why, size_t size);
void ws_net_free(struct ws_net *net);

/*
 * Starts to connect: directly (`proxy` NULL), or through a proxy, which alone then looks up the
 * URL's host. Host names are resolved without blocking; every address is tried in turn, until one
 * takes the WebSocket. For wss the
 * certificate chain and the URL's host name (or address) are verified, with TLS 1.2 or later.
 * Failures are reported through `closed`. NULL only when out of memory. `options` NULL: defaults.
 * `handlers` is borrowed until `closed` or ws_free(), `url` and `proxy` for the call.
 */
struct ws *ws_dial(struct ws_net *net, const struct url *url, const struct proxy *proxy,
                   const struct ws_options *options, const struct ws_handlers *handlers, void *arg);

/* Takes an accepted stream socket (non-blocking) as a server; the WebSocket owns it. NULL only when
 * out of memory (the fd is then closed). */
struct ws *ws_accept(struct ws_net *net, int fd, const struct ws_options *options,
                     const struct ws_handlers *handlers, void *arg);

/* The same over TLS. `tls` is a server's context (tls_server_context_new()), which may be freed at
 * once. */
struct ws *ws_accept_tls(struct ws_net *net, int fd, struct ssl_ctx_st *tls,
                         const struct ws_options *options, const struct ws_handlers *handlers,
                         void *arg);

/* Queues a text message, which must be UTF-8. False if the connection is not open, or if memory is
 * short: then it ends, so that nobody waits for an answer, and `closed` follows. */
bool ws_send(struct ws *ws, const char *text, size_t length);

/* The same without copying the text, whose connections share it; server only. */
struct shared_text;
bool ws_send_shared(struct ws *ws, struct shared_text *text);

/* Another limit for messages, instead of options.message_max: also for what follows the message
 * that is being delivered. */
void ws_limit(struct ws *ws, size_t message_max);

/* For `closed`: true if the other end sent a message that is longer than the limit. */
bool ws_was_too_long(const struct ws *ws);

/* Bytes that what has not fully arrived (a message, the head of an upgrade) takes of memory, or has
 * announced; 0 if there is nothing of that kind. */
size_t ws_held(const struct ws *ws);
/* Bytes of messages ever received, whether whole or not. */
uint64_t ws_received(const struct ws *ws);

/*
 * The backlog: bytes queued but not yet taken by the kernel (with TLS: not yet encrypted). It is
 * kept here and nowhere else; asking for it costs nothing. It grows in ws_send() and when a ping is
 * answered, shrinks from the event loop only, and is 0 once the connection has ended. `drained`
 * reports that all of it has left.
 */
size_t ws_backlog(const struct ws *ws);

/* The backlogs of all connections of `net` together. */
uint64_t ws_net_backlog(const struct ws_net *net);

/* Bytes that have left since the connection began and, where there is TCP, were acknowledged by the
 * other end's kernel. While there is a backlog and this does not change, the other end is not
 * reading. */
uint64_t ws_taken(const struct ws *ws);

/* The pin of the key that the other end has shown. False if it has shown none: without TLS, or not
 * yet; also for a server. */
bool ws_shown_pin(const struct ws *ws, struct pin *ret_pin);

/* When a byte was last received, by clock_monotonic(). */
int64_t ws_heard(const struct ws *ws);

/* True if bytes of messages have moved since the last call, in either direction, or may still be in
 * somebody's buffers on a slow line: whoever waits for an answer should go on waiting. Pings do not
 * count. */
bool ws_moving(struct ws *ws);

/* The connection may have died unnoticed: ends it unless the other end is heard within `ms`. As
 * long as what was sent before is still arriving, that time does not begin. Often asked costs no
 * more than once. Nothing happens if the connection is not open. */
void ws_prove(struct ws *ws, int ms);

/* Stops (or resumes) reading, for back-pressure; the kernel then slows the peer down. While paused,
 * no message comes, and the other end's silence is not held against it. */
void ws_pause(struct ws *ws, bool paused);

/* Begins the close handshake; what was queued is sent first, what still arrives is discarded.
 * `closed` follows, within close_timeout after the last of it has moved; at once if the connection
 * is not open yet. */
void ws_close(struct ws *ws);

/* Drops the connection at once, without callbacks. NULL is fine. */
void ws_free(struct ws *ws);

#endif
