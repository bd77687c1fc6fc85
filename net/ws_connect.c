/* The stages before there is a WebSocket: dialling, proxying, tls, upgrade. */
#include "config.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/proxy.h"
#include "net/tunnel.h"
#include "net/ws_private.h"

struct ws_proxying {
    struct proxy proxy;
    char where[URL_HOST_HEADER_SIZE]; /* the proxy, for use in sentences */
    struct tunnel tunnel;
};

static void give_up(struct ws *ws)
{
    ws_fail(ws, "closed before it was open");
}

/* Dialling: the name and TCP. */
static const struct ws_stage stage_dialling = {
    .close = give_up,
};

/* As long as bytes move, a stage may take so many times its limit; not more, because whoever drips
 * bytes takes a place. */
#define PROGRESS_MAX 4

/* Notes what has moved. Returns whether it moved since the last call: whether bytes came, or some
 * of those that are still under way to the other end arrived. A last one that arrives says little:
 * the kernel of a machine takes what nobody reads. */
static bool has_moved(struct ws *ws)
{
    struct ws_start *start = ws->start;
    struct tcp_info info = {.tcpi_bytes_received = 0};
    socklen_t size = sizeof(info);

    if (getsockopt(bufferevent_getfd(ws->bev), IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return false; /* not TCP: no line, which could be slow */
    bool moved = info.tcpi_bytes_received != start->received ||
                 (info.tcpi_bytes_acked != start->arrived && ws_unacknowledged(ws) > 0);
    start->received = info.tcpi_bytes_received;
    start->arrived = info.tcpi_bytes_acked;
    return moved;
}

/* Waits for the other end, less long while the host has other addresses: one that accepts
 * connections and then swallows everything is as dead as one that does not answer. */
static bool wait_for_peer(struct ws *ws, int64_t ms)
{
    (void)has_moved(ws);
    ws->start->limit = ms;
    ws->start->since = clock_monotonic();
    return ws_wait(ws, dial_patience(ws->start->dial, ms));
}

/* The other end is not dead, only slow: goes on waiting. */
static bool goes_on(struct ws *ws)
{
    const struct ws_start *start = ws->start;

    if (!has_moved(ws) || clock_monotonic() - start->since >= PROGRESS_MAX * start->limit)
        return false;
    ws_wait(ws, dial_patience(start->dial, start->limit));
    return true;
}

/* No WebSocket will come of this connection. The reason to end is noted: it stands unless another
 * address of the host answers. Where a machine is down, refuses or has the wrong certificate, the
 * next one may do better. */
static void try_other_address(struct ws *ws, bool silent)
{
    if (!dial_has_others(ws->start->dial)) {
        ws_end(ws);
        return;
    }
    event_del(ws->timer);
    ws_output_forget(ws);
    bufferevent_free(ws->bev);
    ws->bev = NULL;
    ws->stage = &stage_dialling;
    dial_other(ws->start->dial, silent);
}

/* It did not wait in silence: it closed the connection, say, or refused. */
#define FAIL_HERE(ws, ...) (ws_because(ws, __VA_ARGS__), try_other_address(ws, false))

/* Owns `fd`. NULL: the connection has ended instead. */
static struct bufferevent *new_plain(struct ws *ws, int fd)
{
    struct bufferevent *bev = bufferevent_socket_new(ws->net->base, fd, BEV_OPT_CLOSE_ON_FREE);

    if (bev == NULL) {
        close(fd);
        ws_fail(ws, "cannot talk to %s: out of memory", ws->start->where);
    }
    return bev;
}

/* ---- upgrade: HTTP, as client or server ---- */

static const struct ws_stage stage_upgrade;

/* Nothing to write means that there was no memory to build it. */
static bool put(struct ws *ws, const char *text, size_t length)
{
    if (length > 0 && bufferevent_write(ws->bev, text, length) == 0)
        return true;
    ws_fail(ws, "out of memory");
    return false;
}

static bool send_reply(struct ws *ws)
{
    char text[HANDSHAKE_TEXT_SIZE];

    return put(ws, text, handshake_reply(&ws->start->handshake, text));
}

void ws_begin_upgrade(struct ws *ws)
{
    struct handshake *handshake = &ws->start->handshake;
    uint8_t nonce[HANDSHAKE_KEY_BYTES];
    char text[HANDSHAKE_TEXT_SIZE];

    ws->stage = &stage_upgrade;
    if (!wait_for_peer(ws, ws->options.handshake_timeout))
        return;
    if (ws->server) {
        handshake_server(handshake);
        handshake->paths = ws->options.paths;
        handshake->name = ws->options.name;
        handshake->page = ws->options.page;
    } else {
        randombytes_buf(nonce, sizeof(nonce));
        handshake_client(handshake, nonce);
        put(ws, text, handshake_request(handshake, &ws->start->url, text));
    }
}

static void upgrade_refused(struct ws *ws)
{
    ws_because(ws, "%s %s", ws->start->where, ws->start->handshake.why);
    if (!ws->server)
        try_other_address(ws, false);
    else if (send_reply(ws))
        ws_begin_lingering(ws);
}

static void upgrade_done(struct ws *ws)
{
    struct handshake *handshake = &ws->start->handshake;
    const struct ws_request request = {handshake->origin, handshake->real_ip, handshake->real_port};
    const char *refusal = ws->server && ws->handlers->asked != NULL
                              ? ws->handlers->asked(ws, &request, ws->arg)
                              : NULL;

    if (refusal != NULL) {
        handshake_forbid(handshake, refusal);
        upgrade_refused(ws);
    } else if (!ws->server || send_reply(ws)) {
        ws_begin_open(ws);
    }
}

static void upgrade_readable(struct ws *ws)
{
    static void (*const ends[])(struct ws *) = {
        [HANDSHAKE_MORE] = NULL,
        [HANDSHAKE_DONE] = upgrade_done,
        [HANDSHAKE_REFUSED] = upgrade_refused,
    };
    enum handshake_progress progress = HANDSHAKE_MORE;
    struct evbuffer *input = bufferevent_get_input(ws->bev);
    struct evbuffer_iovec piece;
    size_t used;

    /* Piece by piece: what follows the handshake stays in the buffer. */
    while (progress == HANDSHAKE_MORE && evbuffer_peek(input, -1, NULL, &piece, 1) > 0) {
        progress = handshake_feed(&ws->start->handshake, piece.iov_base, piece.iov_len, &used);
        evbuffer_drain(input, used);
    }
    if (ends[progress] != NULL)
        ends[progress](ws);
    ws_report_held(ws);
}

static void upgrade_happened(struct ws *ws, short what)
{
    int error = EVUTIL_SOCKET_ERROR();

    if (what & BEV_EVENT_ERROR && error != 0)
        FAIL_HERE(ws, "%s dropped the connection during the handshake: %s", ws->start->where,
                  strerror(error));
    else
        FAIL_HERE(ws, "%s closed the connection during the handshake", ws->start->where);
}

static void upgrade_timeout(struct ws *ws)
{
    if (goes_on(ws))
        return;
    ws_because(ws, "%s did not finish the handshake in time", ws->start->where);
    try_other_address(ws, true);
}

static const struct ws_stage stage_upgrade = {
    .readable = upgrade_readable,
    .happened = upgrade_happened,
    .timeout = upgrade_timeout,
    .close = give_up,
};

/* ---- tls, as client or server ---- */

static const struct ws_stage stage_tls;

/* Takes over both, even on failure. */
static void speak_tls(struct ws *ws, int fd, SSL *ssl, const char *why)
{
    struct bufferevent *bev = NULL;

    if (ssl != NULL)
        bev = bufferevent_openssl_socket_new(ws->net->base, fd, ssl,
                                             ws->server ? BUFFEREVENT_SSL_ACCEPTING
                                                        : BUFFEREVENT_SSL_CONNECTING,
                                             BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        close(fd);
        ws_fail(ws, "cannot speak TLS with %s: %s", ws->start->where, why);
        return;
    }
    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    ws->stage = &stage_tls;
    if (ws_attach(ws, bev))
        wait_for_peer(ws, ws->options.connect_timeout);
}

void ws_begin_tls_server(struct ws *ws, int fd, SSL_CTX *context)
{
    speak_tls(ws, fd, SSL_new(context), "out of memory");
}

static void tls_happened(struct ws *ws, short what)
{
    int system = EVUTIL_SOCKET_ERROR();

    if (what & BEV_EVENT_CONNECTED) {
        ws_begin_upgrade(ws);
        return;
    }
    const char *distrust = tls_distrust(bufferevent_openssl_get_ssl(ws->bev));
    if (distrust != NULL)
        FAIL_HERE(ws, "cannot trust %s: %s", ws->start->where, distrust);
    else if (what & BEV_EVENT_ERROR)
        FAIL_HERE(ws, "cannot speak TLS with %s: %s", ws->start->where,
                  tls_error_text(bufferevent_get_openssl_error(ws->bev), system));
    else
        FAIL_HERE(ws, "cannot speak TLS with %s: it closed the connection", ws->start->where);
}

static void tls_timeout(struct ws *ws)
{
    if (goes_on(ws))
        return;
    ws_because(ws, "cannot speak TLS with %s: it does not answer", ws->start->where);
    try_other_address(ws, true);
}

static const struct ws_stage stage_tls = {
    .happened = tls_happened,
    .timeout = tls_timeout,
    .close = give_up,
};

/* ---- the host is reached, perhaps through a proxy ---- */

static void begin_talking(struct ws *ws, int fd)
{
    if (ws->start->url.tls) {
        char why[256] = "out of memory";
        SSL_CTX *context = ws_net_tls(ws->net, why, sizeof(why));
        SSL *ssl =
            context != NULL ? tls_client_new(context, &ws->start->url, &ws->start->pins) : NULL;

        speak_tls(ws, fd, ssl, why);
    } else {
        struct bufferevent *bev = new_plain(ws, fd);

        if (bev != NULL && ws_attach(ws, bev))
            ws_begin_upgrade(ws);
    }
}

/* ---- proxying: a proxy is asked for a tunnel to the host ---- */

static const struct ws_stage stage_proxying;

static void drop_proxying(struct ws_start *start)
{
    if (start->proxying == NULL)
        return;
    tunnel_wipe(&start->proxying->tunnel);
    proxy_wipe(&start->proxying->proxy);
    free(start->proxying);
    start->proxying = NULL;
}

static void wipe_said(const void *data, size_t length, void *memory)
{
    (void)data;
    sodium_memzero(memory, length);
    free(memory);
}

/* In memory of its own, because libevent does not wipe what it copies. */
static bool say_to_proxy(struct ws *ws, struct tunnel *tunnel)
{
    size_t length = tunnel->say_length;
    void *memory;

    if (length == 0)
        return true;
    memory = malloc(length);
    if (memory != NULL) {
        memcpy(memory, tunnel->say, length);
        tunnel->say_length = 0;
        if (evbuffer_add_reference(bufferevent_get_output(ws->bev), memory, length, wipe_said,
                                   memory) == 0)
            return true;
        wipe_said(memory, length, memory);
    }
    ws_fail(ws, "out of memory");
    return false;
}

/* What comes next is TLS or an HTTP request of ours: until then the host behind the proxy has
 * nothing to say. */
static void tunnel_there(struct ws *ws)
{
    struct bufferevent *bev = ws->bev;
    int fd = bufferevent_getfd(bev);

    if (evbuffer_get_length(bufferevent_get_input(bev)) > 0) {
        FAIL_HERE(ws, "the proxy %s sent more than its answer", ws->start->proxying->where);
        return;
    }
    ws_output_forget(ws);
    ws->bev = NULL;
    bufferevent_setfd(bev, -1);
    bufferevent_free(bev);
    drop_proxying(ws->start);
    dial_free(ws->start->dial); /* the proxy's other addresses would not lead elsewhere */
    ws->start->dial = NULL;
    begin_talking(ws, fd);
}

static void tunnel_not_there(struct ws *ws)
{
    FAIL_HERE(ws, "the proxy %s %s", ws->start->proxying->where, ws->start->proxying->tunnel.why);
}

/* Feeds what has arrived, piece by piece, and sends what that calls for. */
static enum tunnel_progress feed_tunnel(struct ws *ws, struct tunnel *tunnel)
{
    struct evbuffer *input = bufferevent_get_input(ws->bev);
    enum tunnel_progress progress = TUNNEL_MORE;
    struct evbuffer_iovec piece;
    size_t used;

    while (progress == TUNNEL_MORE && evbuffer_peek(input, -1, NULL, &piece, 1) > 0) {
        progress = tunnel_feed(tunnel, piece.iov_base, piece.iov_len, &used);
        evbuffer_drain(input, used);
        if (!say_to_proxy(ws, tunnel))
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
    enum tunnel_progress progress = feed_tunnel(ws, &ws->start->proxying->tunnel);

    if (ends[progress] != NULL)
        ends[progress](ws);
}

static void proxying_happened(struct ws *ws, short what)
{
    int error = EVUTIL_SOCKET_ERROR();

    if (what & BEV_EVENT_ERROR && error != 0)
        FAIL_HERE(ws, "the proxy %s dropped the connection: %s", ws->start->proxying->where,
                  strerror(error));
    else
        FAIL_HERE(ws, "the proxy %s closed the connection without an answer",
                  ws->start->proxying->where);
}

static void proxying_timeout(struct ws *ws)
{
    if (goes_on(ws))
        return;
    ws_because(ws, "the proxy %s does not answer", ws->start->proxying->where);
    try_other_address(ws, true);
}

static void begin_proxying(struct ws *ws, int fd)
{
    struct ws_proxying *proxying = ws->start->proxying;
    struct bufferevent *bev = new_plain(ws, fd);

    if (bev == NULL)
        return;
    ws->stage = &stage_proxying;
    if (!ws_attach(ws, bev) || !wait_for_peer(ws, ws->options.connect_timeout))
        return;
    tunnel_begin(&proxying->tunnel, &proxying->proxy, &ws->start->url);
    say_to_proxy(ws, &proxying->tunnel);
}

static const struct ws_stage stage_proxying = {
    .readable = proxying_readable,
    .happened = proxying_happened,
    .timeout = proxying_timeout,
    .close = give_up,
};

/* ---- dialling ---- */

static void on_dialled(int fd, const char *why, void *arg)
{
    struct ws *ws = arg;

    ws_enter(ws);
    if (fd >= 0) { /* nothing is wrong with this address yet */
        free(ws->why);
        ws->why = NULL;
    }
    if (fd < 0)
        ws_fail(ws, "%s%s", ws->start->proxying != NULL ? "the proxy cannot be reached: " : "",
                why);
    else if (ws->start->proxying != NULL)
        begin_proxying(ws, fd);
    else
        begin_talking(ws, fd);
    ws_leave(ws);
}

bool ws_begin_dialling(struct ws *ws, const struct proxy *proxy)
{
    const struct url *url = &ws->start->url; /* where the TCP connection goes */

    if (proxy != NULL) {
        struct ws_proxying *proxying = calloc(1, sizeof(*proxying));

        if (proxying == NULL)
            return false;
        proxying->proxy = *proxy;
        url_where(&proxy->url, proxying->where, sizeof(proxying->where));
        ws->start->proxying = proxying;
        url = &proxying->proxy.url;
    }
    ws->stage = &stage_dialling;
    ws->start->dial =
        dial_start(ws->net->base, ws->net->resolver, url, ws->options.public_only && proxy == NULL,
                   ws->options.connect_timeout, on_dialled, ws);
    return ws->start->dial != NULL;
}

void ws_drop_start(struct ws *ws)
{
    if (ws->start == NULL)
        return;
    dial_free(ws->start->dial);
    drop_proxying(ws->start);
    free(ws->start);
    ws->start = NULL;
}
