/*
 * The output of a plain socket. For each message, libevent's bufferevent asks the kernel when it
 * may write; nearly always it may at once. So we write ourselves, to each connection once in a turn
 * of the event loop, and leave to the bufferevent only what the kernel does not take.
 */
#include "config.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <utlist.h>

#include "net/ws_private.h"

static void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
    static const struct timeval at_once = {0, 0};
    struct ws *ws = arg;
    struct ws_net *net = ws->net;

    (void)output;
    ws->backlog = ws->backlog + info->n_added - info->n_deleted;
    net->backlog = net->backlog + info->n_added - info->n_deleted;
    ws->taken += info->n_deleted;
    if (ws->tls || info->n_added == 0 || ws->unwritten || ws->blocked || ws->mute)
        return;
    ws->unwritten = true;
    DL_APPEND(net->unwritten, ws);
    /* A connection that sends from inside the writer continues after the sockets were checked
     * again: an event activated now would run before that, and could do so forever. */
    if (!net->writing || event_add(net->writer, &at_once) != 0)
        event_active(net->writer, EV_TIMEOUT, 1);
}

void ws_output_forget(struct ws *ws)
{
    if (ws->unwritten)
        DL_DELETE(ws->net->unwritten, ws);
    ws->unwritten = ws->blocked = false;
    ws->net->backlog -= ws->backlog;
    ws->backlog = 0;
    if (ws->bev != NULL)
        evbuffer_remove_cb(bufferevent_get_output(ws->bev), on_output, ws);
}

bool ws_output_attach(struct ws *ws)
{
    ws->tls = bufferevent_openssl_get_ssl(ws->bev) != NULL;
    if (evbuffer_add_cb(bufferevent_get_output(ws->bev), on_output, ws) == NULL)
        return false;
    if (ws->tls)
        return bufferevent_enable(ws->bev, EV_WRITE) == 0;
    bufferevent_disable(ws->bev, EV_WRITE);
    return true;
}

void ws_output_empty(struct ws *ws)
{
    if (ws->blocked)
        bufferevent_disable(ws->bev, EV_WRITE);
    ws->blocked = false;
    if (ws->stage->written != NULL)
        ws->stage->written(ws);
}

/* The bufferevent blocks the front of its output for everybody but itself. */
static void write_out(struct ws *ws)
{
    struct evbuffer *output = bufferevent_get_output(ws->bev);

    evbuffer_unfreeze(output, 1);
    int written = evbuffer_write(output, bufferevent_getfd(ws->bev));
    int error = errno;
    evbuffer_freeze(output, 1);
    if (evbuffer_get_length(output) == 0) {
        ws_output_empty(ws);
    } else if (written >= 0 || error == EAGAIN || error == EINTR) {
        ws->blocked = true; /* the bufferevent writes the rest, and then reports it */
        if (bufferevent_enable(ws->bev, EV_WRITE) != 0)
            ws_fail(ws, "out of memory");
    } else if (ws->stage->happened != NULL) {
        errno = error;
        ws->stage->happened(ws, BEV_EVENT_WRITING | BEV_EVENT_ERROR);
    }
}

/* Events activated in this turn before ours, perhaps by the same message that activated ours, may
 * still send: so we go to the end of the queue once. */
static void on_writer(evutil_socket_t fd, short what, void *arg)
{
    struct ws_net *net = arg;
    struct ws *ws;
    unsigned count;

    (void)fd;
    (void)what;
    net->lapped = !net->lapped;
    if (net->lapped) {
        event_active(net->writer, EV_TIMEOUT, 1);
        return;
    }
    net->writing = true;
    DL_COUNT(net->unwritten, ws, count); /* those added in the meantime must wait */
    for (; count > 0 && net->unwritten != NULL; count--) {
        ws = net->unwritten;
        DL_DELETE(net->unwritten, ws);
        ws->unwritten = false;
        ws_enter(ws);
        write_out(ws);
        ws_leave(ws);
    }
    net->writing = false;
}

bool ws_output_begin(struct ws_net *net)
{
    net->writer = evtimer_new(net->base, on_writer, net);
    return net->writer != NULL;
}

void ws_output_end(struct ws_net *net)
{
    if (net->writer != NULL)
        event_free(net->writer);
}
