#include "config.h"

#include "net/tunnel.h"

#include <assert.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net/tunnel_parts.h"

void tunnel_say(struct tunnel *tunnel, const void *data, size_t length)
{
    assert(length <= sizeof(tunnel->say) - tunnel->say_length);
    memcpy(tunnel->say + tunnel->say_length, data, length);
    tunnel->say_length += length;
}

void tunnel_say_byte(struct tunnel *tunnel, uint8_t byte)
{
    tunnel_say(tunnel, &byte, 1);
}

void tunnel_say_text(struct tunnel *tunnel, const char *text)
{
    tunnel_say(tunnel, text, strlen(text));
}

bool tunnel_next(struct tunnel *tunnel, bool (*step)(struct tunnel *, uint8_t byte))
{
    tunnel->step = step;
    return true;
}

bool tunnel_done(struct tunnel *tunnel)
{
    tunnel->progress = TUNNEL_DONE;
    return true;
}

bool tunnel_refuse(struct tunnel *tunnel, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(tunnel->why, sizeof(tunnel->why), format, values);
    va_end(values);
    tunnel->progress = TUNNEL_REFUSED;
    return false;
}

bool tunnel_unreachable(struct tunnel *tunnel, const char *why)
{
    char where[URL_HOST_HEADER_SIZE];

    url_where(tunnel->url, where, sizeof(where));
    return tunnel_refuse(tunnel, "cannot reach %s: %s", where, why);
}

void tunnel_begin(struct tunnel *ret_tunnel, const struct proxy *proxy, const struct url *url)
{
    static void (*const beginnings[])(struct tunnel *) = {
        [PROXY_SOCKS5] = tunnel_begin_socks5,
        [PROXY_HTTP] = tunnel_begin_http,
    };

    memset(ret_tunnel, 0, sizeof(*ret_tunnel));
    ret_tunnel->proxy = proxy;
    ret_tunnel->url = url;
    beginnings[proxy->protocol](ret_tunnel);
}

enum tunnel_progress tunnel_feed(struct tunnel *tunnel, const void *data, size_t length,
                                 size_t *ret_used)
{
    const uint8_t *bytes = data;
    size_t used = 0;

    while (used < length && tunnel->progress == TUNNEL_MORE && tunnel->say_length == 0)
        tunnel->step(tunnel, bytes[used++]);
    *ret_used = used;
    return tunnel->progress;
}

void tunnel_wipe(struct tunnel *tunnel)
{
    sodium_memzero(tunnel, sizeof(*tunnel));
}
