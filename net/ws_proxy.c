/* The stage in which a proxy is asked for a tunnel to the URL's host. */
#include "config.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "net/proxy.h"
#include "net/tunnel.h"
#include "net/ws_parts.h"

struct ws_proxying {
    struct proxy proxy;
    char where[URL_HOST_HEADER_SIZE]; /* the proxy, for sentences */
    struct tunnel tunnel;
};

bool ws_set_proxy(struct ws *ws, const struct proxy *proxy)
{
    struct ws_proxying *proxying;

    if (proxy == NULL)
        return true;
    proxying = ws->start->proxying = calloc(1, sizeof(*proxying));
    if (proxying == NULL)
        return false;
    proxying->proxy = *proxy;
    url_where(&proxy->url, proxying->where, sizeof(proxying->where));
    return true;
}

const struct url *ws_dialled_url(const struct ws *ws)
{
    return ws->start->proxying != NULL ? &ws->start->proxying->proxy.url : &ws->start->url;
}

void ws_drop_proxying(struct ws *ws)
{
    if (ws->start->proxying == NULL)
        return;
    tunnel_wipe(&ws->start->proxying->tunnel);
    proxy_wipe(&ws->start->proxying->proxy);
    free(ws->start->proxying);
    ws->start->proxying = NULL;
}

static void wipe(const void *data, size_t length, void *memory)
{
    (void)data;
    sodium_memzero(memory, length);
    free(memory);
}

/* In memory of its own, since libevent does not wipe what it copies. */
static bool say(struct ws *ws, struct tunnel *tunnel)
{
    size_t length = tunnel->say_length;
    void *memory;

    if (length == 0)
        return true;
    memory = malloc(length);
    if (memory != NULL) {
        memcpy(memory, tunnel->say, length);
        tunnel->say_length = 0;
        if (evbuffer_add_reference(bufferevent_get_output(ws->bev), memory, length, wipe, memory) ==
            0)
            return true;
        wipe(memory, length, memory);
    }
    ws_fail(ws, "out of memory");
    return false;
}

/* What comes next is TLS or an HTTP request of ours: before it the host behind the proxy has
 * nothing to say. */
static void tunnel_there(struct ws *ws)
{
    struct bufferevent *bev = ws->bev;
    int fd = bufferevent_getfd(bev);

    if (evbuffer_get_length(bufferevent_get_input(bev)) > 0) {
        ws_fail(ws, "the proxy %s sent more than its answer", ws->start->proxying->where);
        return;
    }
    ws_output_forget(ws);
    ws->bev = NULL;
    bufferevent_setfd(bev, -1);
    bufferevent_free(bev);
    ws_drop_proxying(ws);
    ws_begin_talking(ws, fd);
}

static void tunnel_not_there(struct ws *ws)
{
    ws_fail(ws, "the proxy %s %s", ws->start->proxying->where, ws->start->proxying->tunnel.why);
}

/* Feeds what has come, piece by piece, and says what that asks for. */
static enum tunnel_progress feed(struct ws *ws, struct tunnel *tunnel)
{
    struct evbuffer *input = bufferevent_get_input(ws->bev);
    enum tunnel_progress progress = TUNNEL_MORE;
    struct evbuffer_iovec piece;
    size_t used;

    while (progress == TUNNEL_MORE && evbuffer_peek(input, -1, NULL, &piece, 1) > 0) {
        progress = tunnel_feed(tunnel, piece.iov_base, piece.iov_len, &used);
        evbuffer_drain(input, used);
        if (!say(ws, tunnel))
            return TUNNEL_MORE;
    }
    return progress;
}

static void proxying_readable(struct ws *ws)
{
    static void (*const ends[])(struct ws *) = {
        [TUNNEL_MORE] = NULL,
        [TUNNEL_DONE] = tunnel_there,
        [TUNNEL_REFUSED] = tunnel_not_there,
    };
    enum tunnel_progress progress = feed(ws, &ws->start->proxying->tunnel);

    if (ends[progress] != NULL)
        ends[progress](ws);
}

static void proxying_happened(struct ws *ws, short what)
{
    int error = EVUTIL_SOCKET_ERROR();

    if (what & BEV_EVENT_ERROR && error != 0)
        ws_fail(ws, "the proxy %s dropped the connection: %s", ws->start->proxying->where,
                strerror(error));
    else
        ws_fail(ws, "the proxy %s closed the connection without an answer",
                ws->start->proxying->where);
}

static void proxying_timeout(struct ws *ws)
{
    ws_fail(ws, "the proxy %s does not answer", ws->start->proxying->where);
}

void ws_begin_proxying(struct ws *ws, struct bufferevent *bev)
{
    struct ws_proxying *proxying = ws->start->proxying;

    ws->stage = &ws_stage_proxying;
    if (!ws_attach(ws, bev) || !ws_wait(ws, ws->options.connect_timeout))
        return;
    tunnel_begin(&proxying->tunnel, &proxying->proxy, &ws->start->url);
    say(ws, &proxying->tunnel);
}

const struct ws_stage ws_stage_proxying = {
    .readable = proxying_readable,
    .happened = proxying_happened,
    .timeout = proxying_timeout,
    .close = ws_give_up,
};
