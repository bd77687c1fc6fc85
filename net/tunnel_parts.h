/* What the files of the tunnel share: a protocol begins with its first step, and each byte goes to
 * the current step. */
#ifndef NET_TUNNEL_PARTS_H
#define NET_TUNNEL_PARTS_H

#include "net/tunnel.h"

/* How each protocol begins. */
void tunnel_begin_socks5(struct tunnel *tunnel);
void tunnel_begin_http(struct tunnel *tunnel);

/* Adds to what is to be sent; there is room for everything that we send at once. */
void tunnel_say(struct tunnel *tunnel, const void *data, size_t length);
void tunnel_say_byte(struct tunnel *tunnel, uint8_t byte);
void tunnel_say_text(struct tunnel *tunnel, const char *text);

/* Goes on to the next step. Always true. */
bool tunnel_next(struct tunnel *tunnel, bool (*step)(struct tunnel *, uint8_t byte));

/* The tunnel is established. Always true. */
bool tunnel_done(struct tunnel *tunnel);

/* Ends it with a clause whose subject is the proxy. Always false. */
bool tunnel_refuse(struct tunnel *tunnel, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, if the fault lies with the host behind the proxy and not with the proxy. */
bool tunnel_unreachable(struct tunnel *tunnel, const char *why);

#endif
