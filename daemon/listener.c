#include "config.h"

#include "daemon/listener.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/socket_path.h"
#include "service/log.h"

/* How soon a removed socket is noticed. */
#define CHECK_SECONDS 60

struct listener {
    struct event_base *base;
    char *path;
    acceptor_accepted accepted;
    void *arg;
    struct acceptor *acceptor; /* NULL: there is no socket */
    struct socket_mark mark;
    struct event *check; /* is the socket still there */
    bool homeless;       /* it could not be made anew; the log knows */
};

/* Takes the place of the socket that is there, only if it succeeds. */
static bool open_socket(struct listener *listener, char *ret_why, size_t size)
{
    struct socket_mark mark;
    int fd = socket_path_listen(listener->path, &mark, ret_why, size);
    if (fd < 0)
        return false;
    acceptor_free(listener->acceptor);
    listener->mark = mark;
    listener->acceptor = acceptor_new(listener->base, fd, "rpc", listener->accepted, listener->arg);
    if (listener->acceptor)
        return true;
    snprintf(ret_why, size, "out of memory");
    return false;
}

void listener_check(struct listener *listener)
{
    char why[512];
    if (listener->acceptor && socket_path_is(listener->path, &listener->mark))
        return;
    bool was_homeless = listener->homeless;
    listener->homeless = !open_socket(listener, why, sizeof why);
    if (!listener->homeless)
        log_warning("rpc", "the socket had been removed, and was made anew");
    else if (!was_homeless)
        log_error("rpc", "the socket was removed and cannot be made anew: %s", why);
}

static void on_check(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    listener_check(arg);
}

struct listener *listener_new(struct event_base *base, const char *path, acceptor_accepted accepted,
                              void *arg, char *ret_why, size_t size)
{
    static const struct timeval often = {CHECK_SECONDS, 0};
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener) {
        snprintf(ret_why, size, "out of memory");
        return NULL;
    }
    *listener =
        (struct listener){.base = base, .path = strdup(path), .accepted = accepted, .arg = arg};
    listener->check = event_new(base, -1, EV_PERSIST, on_check, listener);
    snprintf(ret_why, size, "out of memory");
    if (listener->path && listener->check && event_add(listener->check, &often) == 0 &&
        open_socket(listener, ret_why, size))
        return listener;
    listener_free(listener);
    return NULL;
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    if (listener->acceptor && socket_path_is(listener->path, &listener->mark))
        unlink(listener->path);
    acceptor_free(listener->acceptor);
    if (listener->check)
        event_free(listener->check);
    free(listener->path);
    free(listener);
}
