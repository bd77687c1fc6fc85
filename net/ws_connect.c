/* The first stages: name and TCP of a client, TLS of both ends. */
#include "config.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <unistd.h>

#include "net/ws_parts.h"

/* Takes over both, also if it fails. */
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
    ws->stage = &ws_stage_tls;
    if (ws_attach(ws, bev))
        ws_wait(ws, ws->options.connect_timeout);
}

static void begin_tls(struct ws *ws, int fd)
{
    char why[256] = "out of memory";
    SSL_CTX *context = ws_net_tls(ws->net, why, sizeof(why));
    SSL *ssl = context != NULL ? tls_client_new(context, &ws->start->url) : NULL;

    speak_tls(ws, fd, ssl, why);
}

void ws_begin_tls_server(struct ws *ws, int fd, SSL_CTX *context)
{
    speak_tls(ws, fd, SSL_new(context), "out of memory");
}

/* Owns `fd`. NULL: it has ended instead. */
static struct bufferevent *plain(struct ws *ws, int fd)
{
    struct bufferevent *bev = bufferevent_socket_new(ws->net->base, fd, BEV_OPT_CLOSE_ON_FREE);

    if (bev == NULL) {
        close(fd);
        ws_fail(ws, "cannot talk to %s: out of memory", ws->start->where);
    }
    return bev;
}

static void begin_plain(struct ws *ws, int fd)
{
    struct bufferevent *bev = plain(ws, fd);

    if (bev != NULL && ws_attach(ws, bev))
        ws_begin_upgrade(ws);
}

static void begin_proxying(struct ws *ws, int fd)
{
    struct bufferevent *bev = plain(ws, fd);

    if (bev != NULL)
        ws_begin_proxying(ws, bev);
}

void ws_begin_talking(struct ws *ws, int fd)
{
    if (ws->start->url.tls)
        begin_tls(ws, fd);
    else
        begin_plain(ws, fd);
}

static void on_dialled(int fd, const char *why, void *arg)
{
    struct ws *ws = arg;

    ws_enter(ws);
    if (fd < 0)
        ws_fail(ws, "%s%s", ws->start->proxying != NULL ? "the proxy cannot be reached: " : "",
                why);
    else if (ws->start->proxying != NULL)
        begin_proxying(ws, fd);
    else
        ws_begin_talking(ws, fd);
    ws_leave(ws);
}

bool ws_begin_dialling(struct ws *ws)
{
    ws->stage = &ws_stage_dialling;
    ws->start->dial = dial_start(ws->net->base, ws->net->resolver, ws_dialled_url(ws),
                                 ws->options.connect_timeout, on_dialled, ws);
    return ws->start->dial != NULL;
}

static void tls_failed(struct ws *ws, short what)
{
    int system = EVUTIL_SOCKET_ERROR();
    const char *distrust = tls_distrust(bufferevent_openssl_get_ssl(ws->bev));

    if (distrust != NULL)
        ws_fail(ws, "cannot trust %s: %s", ws->start->where, distrust);
    else if (what & BEV_EVENT_ERROR)
        ws_fail(ws, "cannot speak TLS with %s: %s", ws->start->where,
                tls_error_text(bufferevent_get_openssl_error(ws->bev), system));
    else
        ws_fail(ws, "cannot speak TLS with %s: it closed the connection", ws->start->where);
}

static void tls_happened(struct ws *ws, short what)
{
    if (what & BEV_EVENT_CONNECTED)
        ws_begin_upgrade(ws);
    else
        tls_failed(ws, what);
}

static void tls_timeout(struct ws *ws)
{
    ws_fail(ws, "cannot speak TLS with %s: it does not answer", ws->start->where);
}

void ws_give_up(struct ws *ws)
{
    ws_fail(ws, "closed before it was open");
}

const struct ws_stage ws_stage_dialling = {
    .close = ws_give_up,
};

const struct ws_stage ws_stage_tls = {
    .happened = tls_happened,
    .timeout = tls_timeout,
    .close = ws_give_up,
};
