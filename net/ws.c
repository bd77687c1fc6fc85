/* What all stages share, and the functions of net/ws.h. */
#include "config.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/timer.h"
#include "net/ws_private.h"

void ws_options_default(struct ws_options *ret_options)
{
    *ret_options = (struct ws_options){
        .message_max = WS_MESSAGE_MAX,
        .connect_timeout = 15000,
        .handshake_timeout = 15000,
        /* Many home routers forget a connection that is silent for five minutes, some after two. */
        .ping_interval = 60000,
        .ping_timeout = 30000,
        .close_timeout = 5000,
    };
}

/* ---- setting up OpenSSL ---- */

static bool starved; /* OpenSSL ran out of memory */

static void *watched_malloc(size_t size, const char *file, int line)
{
    void *memory = malloc(size);
    (void)file;
    (void)line;
    starved |= memory == NULL;
    return memory;
}

static void *plain_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return realloc(memory, size);
}

static void plain_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

/*
 * OpenSSL 3.0 sets itself up when it is first used. If memory is short at that moment, it reports
 * nothing and crashes at the next call; so it is set up now, and watched, not in the middle of
 * something.
 */
static bool openssl_begins(void)
{
    uint8_t digest[SHA_DIGEST_LENGTH];

    /* From the second time on this is refused, and not needed. */
    CRYPTO_set_mem_functions(watched_malloc, plain_realloc, plain_free);
    starved = false;
    return OSSL_LIB_CTX_set0_default(NULL) != NULL && !starved && SHA1(digest, 0, digest) != NULL &&
           !starved;
}

/* ---- what connections share ---- */

struct ws_net *ws_net_new(struct event_base *base, const char *cafile, char *ret_why, size_t size)
{
    struct ws_net *net = calloc(1, sizeof(*net));

    if (net != NULL)
        net->base = base;
    if (net == NULL || sodium_init() < 0 || !openssl_begins() || !ws_output_begin(net) ||
        (net->resolver = resolver_new(base)) == NULL) {
        snprintf(ret_why, size, "out of memory");
        ws_net_free(net);
        return NULL;
    }
    if (cafile != NULL && (net->tls = tls_context_new(cafile, ret_why, size)) == NULL) {
        ws_net_free(net);
        return NULL;
    }
    return net;
}

SSL_CTX *ws_net_tls(struct ws_net *net, char *ret_why, size_t size)
{
    if (net->tls == NULL)
        net->tls = tls_context_new(NULL, ret_why, size);
    return net->tls;
}

void ws_net_free(struct ws_net *net)
{
    if (net == NULL)
        return;
    ws_output_end(net);
    resolver_free(net->resolver);
    SSL_CTX_free(net->tls);
    free(net);
}

/* ---- what libevent reports, passed on to the stage ---- */

void ws_enter(struct ws *ws)
{
    ws->busy++;
}

void ws_leave(struct ws *ws)
{
    if (--ws->busy == 0 && ws->dead)
        free(ws);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct ws *ws = arg;

    (void)fd;
    (void)what;
    ws_enter(ws);
    if (ws->stage->timeout != NULL)
        ws->stage->timeout(ws);
    ws_leave(ws);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
    struct ws *ws = arg;

    (void)bev;
    ws_enter(ws);
    if (ws->stage->readable != NULL)
        ws->stage->readable(ws);
    ws_leave(ws);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct ws *ws = arg;

    ws_enter(ws);
    if (evbuffer_get_length(bufferevent_get_output(bev)) == 0)
        ws_output_empty(ws);
    ws_leave(ws);
}

static void on_happened(struct bufferevent *bev, short what, void *arg)
{
    struct ws *ws = arg;

    (void)bev;
    ws_enter(ws);
    if (ws->stage->happened != NULL)
        ws->stage->happened(ws, what);
    ws_leave(ws);
}

bool ws_attach(struct ws *ws, struct bufferevent *bev)
{
    ws->bev = bev;
    bufferevent_setcb(bev, on_readable, on_written, on_happened, ws);
    if (ws_output_attach(ws) && bufferevent_enable(bev, EV_READ) == 0)
        return true;
    ws_fail(ws, "out of memory");
    return false;
}

bool ws_wait(struct ws *ws, int64_t ms)
{
    struct timeval wait = timer_interval(ms);

    if (event_add(ws->timer, &wait) == 0)
        return true;
    ws_fail(ws, "out of memory");
    return false;
}

/* ---- the end ---- */

static void because(struct ws *ws, const char *format, va_list values)
{
    if (ws->why == NULL && vasprintf(&ws->why, format, values) < 0)
        ws->why = NULL;
}

void ws_because(struct ws *ws, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    because(ws, format, values);
    va_end(values);
}

static void drop_transport(struct ws *ws)
{
    ws_drop_start(ws);
    frames_free(ws->frames);
    ws->frames = NULL;
    ws_output_forget(ws);
    if (ws->bev != NULL)
        bufferevent_free(ws->bev);
    ws->bev = NULL;
}

void ws_end(struct ws *ws)
{
    if (ws->dead || ws->stage == &ws_stage_ended)
        return;
    drop_transport(ws);
    ws->stage = &ws_stage_ended;
    event_del(ws->timer);
    event_active(ws->timer, EV_TIMEOUT, 1); /* unlike adding it, this cannot fail */
}

void ws_fail(struct ws *ws, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    because(ws, format, values);
    va_end(values);
    ws_end(ws);
}

void ws_note_loss(struct ws *ws, short what)
{
    int system = EVUTIL_SOCKET_ERROR();
    unsigned long error = bufferevent_get_openssl_error(ws->bev);

    if (what & BEV_EVENT_ERROR)
        ws_because(ws, "the connection was lost: %s", tls_error_text(error, system));
    else
        ws_because(ws, "the other end dropped the connection");
}

/* ---- the last stage, ended: the application has yet to be told ---- */

static void tell_closed(struct ws *ws)
{
    ws->handlers->closed(ws, ws->why != NULL ? ws->why : "out of memory", ws->arg);
    ws_free(ws);
}

const struct ws_stage ws_stage_ended = {
    .timeout = tell_closed,
};

/* ---- net/ws.h ---- */

/* Before the first stage begins. */
static const struct ws_stage stage_new = {.timeout = NULL};

static struct ws *ws_new(struct ws_net *net, bool server, const struct ws_options *options,
                         const struct ws_handlers *handlers, void *arg)
{
    struct ws *ws = calloc(1, sizeof(*ws));

    if (ws == NULL)
        return NULL;
    ws->net = net;
    ws->server = server;
    ws->handlers = handlers;
    ws->arg = arg;
    ws->stage = &stage_new;
    if (options != NULL)
        ws->options = *options;
    else
        ws_options_default(&ws->options);
    ws->start = calloc(1, sizeof(*ws->start));
    ws->timer = evtimer_new(net->base, on_timer, ws);
    if (ws->start == NULL || ws->timer == NULL) {
        ws_free(ws);
        return NULL;
    }
    return ws;
}

struct ws *ws_dial(struct ws_net *net, const struct url *url, const struct proxy *proxy,
                   const struct ws_options *options, const struct ws_handlers *handlers, void *arg)
{
    struct ws *ws = ws_new(net, false, options, handlers, arg);

    if (ws == NULL)
        return NULL;
    ws->start->url = *url;
    if (ws->options.pins != NULL)
        ws->start->pins = *ws->options.pins;
    ws->options.pins = NULL;
    url_where(url, ws->start->where, sizeof(ws->start->where));
    if (!ws_begin_dialling(ws, proxy)) {
        ws_free(ws);
        return NULL;
    }
    return ws;
}

struct ws *ws_accept(struct ws_net *net, int fd, const struct ws_options *options,
                     const struct ws_handlers *handlers, void *arg)
{
    struct bufferevent *bev = bufferevent_socket_new(net->base, fd, BEV_OPT_CLOSE_ON_FREE);
    struct ws *ws = bev != NULL ? ws_new(net, true, options, handlers, arg) : NULL;

    if (bev == NULL) {
        close(fd);
        return NULL;
    }
    if (ws == NULL) {
        bufferevent_free(bev);
        return NULL;
    }
    dial_tune(fd);
    snprintf(ws->start->where, sizeof(ws->start->where), "the client");
    if (ws_attach(ws, bev))
        ws_begin_upgrade(ws);
    return ws;
}

struct ws *ws_accept_tls(struct ws_net *net, int fd, SSL_CTX *tls, const struct ws_options *options,
                         const struct ws_handlers *handlers, void *arg)
{
    struct ws *ws = ws_new(net, true, options, handlers, arg);

    if (ws == NULL) {
        close(fd);
        return NULL;
    }
    dial_tune(fd);
    snprintf(ws->start->where, sizeof(ws->start->where), "the client");
    ws_begin_tls_server(ws, fd, tls);
    return ws;
}

bool ws_send(struct ws *ws, const char *text, size_t length)
{
    if (ws->stage != &ws_stage_open || ws->mute || ws->dead)
        return false;
    if (frames_text(ws->frames, text, length)) {
        ws->unsent = true;
        return true;
    }
    if (frames_broken(ws->frames))
        ws_fail(ws, "out of memory");
    return false;
}

bool ws_send_shared(struct ws *ws, struct shared_text *text)
{
    if (ws->stage != &ws_stage_open || ws->mute || ws->dead)
        return false;
    if (frames_text_shared(ws->frames, text)) {
        ws->unsent = true;
        return true;
    }
    if (frames_broken(ws->frames))
        ws_fail(ws, "out of memory");
    return false;
}

bool ws_was_too_long(const struct ws *ws)
{
    return ws->too_long;
}

void ws_limit(struct ws *ws, size_t message_max)
{
    ws->options.message_max = message_max;
    if (ws->frames != NULL)
        frames_limit(ws->frames, message_max);
}

size_t ws_held(const struct ws *ws)
{
    size_t waiting =
        ws->paused && ws->bev != NULL ? evbuffer_get_length(bufferevent_get_input(ws->bev)) : 0;

    if (ws->dead || ws->bev == NULL)
        return 0;
    if (ws->frames != NULL)
        return frames_held(ws->frames) + waiting;
    return ws->start != NULL ? ws->start->handshake.head.length : 0;
}

uint64_t ws_received(const struct ws *ws)
{
    return ws->frames != NULL ? frames_received(ws->frames) : 0;
}

void ws_report_held(struct ws *ws)
{
    size_t held = ws_held(ws);

    if (held == ws->held || ws->dead || ws->stage == &ws_stage_ended)
        return;
    ws->held = held;
    if (ws->handlers->arriving != NULL)
        ws->handlers->arriving(ws, ws->arg);
}

size_t ws_backlog(const struct ws *ws)
{
    return ws->backlog;
}

uint64_t ws_taken(const struct ws *ws)
{
    uint64_t unacknowledged = ws_unacknowledged(ws);

    return ws->taken > unacknowledged ? ws->taken - unacknowledged : 0;
}

bool ws_moving(struct ws *ws)
{
    return ws->stage == &ws_stage_open && ws_open_moving(ws);
}

void ws_prove(struct ws *ws, int ms)
{
    if (ws->stage == &ws_stage_open && !ws->dead)
        ws_open_prove(ws, ms);
}

bool ws_shown_pin(const struct ws *ws, struct pin *ret_pin)
{
    SSL *ssl = ws->bev != NULL ? bufferevent_openssl_get_ssl(ws->bev) : NULL;

    return ssl != NULL && tls_shown_pin(ssl, ret_pin);
}

int64_t ws_heard(const struct ws *ws)
{
    return ws->heard;
}

uint64_t ws_net_backlog(const struct ws_net *net)
{
    return net->backlog;
}

void ws_pause(struct ws *ws, bool paused)
{
    if (ws->dead || ws->paused == paused)
        return;
    ws->paused = paused;
    if (ws->stage == &ws_stage_open)
        ws_open_paused(ws);
}

void ws_close(struct ws *ws)
{
    if (!ws->dead && ws->stage->close != NULL)
        ws->stage->close(ws);
}

void ws_free(struct ws *ws)
{
    if (ws == NULL || ws->dead)
        return;
    drop_transport(ws);
    if (ws->timer != NULL)
        event_free(ws->timer);
    free(ws->why);
    ws->timer = NULL;
    ws->why = NULL;
    ws->dead = true;
    if (ws->busy == 0)
        free(ws);
}
