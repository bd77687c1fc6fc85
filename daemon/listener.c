#include "config.h"

#include "daemon/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/socket_path.h"

/* Clients accepted before others get their turn. */
#define ACCEPT_MAX 16
/* How long nobody is accepted when descriptors or memory ran out. */
#define PAUSE_SECONDS 1
/* How soon a removed socket is noticed. */
#define CHECK_SECONDS 60

struct listener {
    struct event_base *base;
    char *path;
    listener_accepted accepted;
    void *arg;
    int fd;
    int reserve; /* a descriptor to give up when there are no others; -1 while it is given up */
    struct socket_mark mark;
    struct event *incoming; /* on fd */
    struct event *pause;    /* when accepting may go on */
    struct event *check;    /* is the socket still there */
    bool homeless;          /* it could not be made anew; the log knows */
};

/* ---- out of descriptors ---- */

static void hold_reserve(struct listener *listener)
{
    listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* With the reserve one client can be turned away at once, instead of being left to wait. */
static void turn_one_away(struct listener *listener)
{
    if (listener->reserve < 0)
        return;
    close(listener->reserve);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    hold_reserve(listener);
}

/* The socket stays readable while nobody can be accepted: looking away is what keeps the loop from
 * spinning. */
static void take_pause(struct listener *listener, int error)
{
    static const struct timeval pause = {PAUSE_SECONDS, 0};
    log_warning("rpc", "no client is accepted for %d s: %s", PAUSE_SECONDS, strerror(error));
    if (event_add(listener->pause, &pause) == 0)
        event_del(listener->incoming);
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct listener *listener = arg;
    if (listener->reserve < 0)
        hold_reserve(listener);
    event_add(listener->incoming, NULL);
}

/* ---- accepting ---- */

/* The one client went away again, or a signal came; all other errors are here to stay a while. */
static bool is_passing(int error)
{
    return error == EINTR || error == ECONNABORTED;
}

static void on_incoming(evutil_socket_t socket, short what, void *arg)
{
    (void)what;
    struct listener *listener = arg;
    for (int i = 0; i < ACCEPT_MAX; i++) {
        int fd = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->accepted(listener->arg, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (!is_passing(errno)) {
            int error = errno;
            turn_one_away(listener);
            take_pause(listener, error);
            return;
        }
    }
}

/* ---- the socket's life ---- */

static void close_socket(struct listener *listener)
{
    if (listener->incoming)
        event_free(listener->incoming);
    listener->incoming = NULL;
    if (listener->fd >= 0)
        close(listener->fd);
    listener->fd = -1;
}

/* Takes the place of the socket that is there, only if it succeeds. */
static bool open_socket(struct listener *listener, char *ret_why, size_t size)
{
    struct socket_mark mark;
    int fd = socket_path_listen(listener->path, &mark, ret_why, size);
    if (fd < 0)
        return false;
    close_socket(listener);
    listener->fd = fd;
    listener->mark = mark;
    listener->incoming = event_new(listener->base, fd, EV_READ | EV_PERSIST, on_incoming, listener);
    if (listener->incoming && event_add(listener->incoming, NULL) == 0)
        return true;
    snprintf(ret_why, size, "out of memory");
    return false;
}

void listener_check(struct listener *listener)
{
    char why[512];
    if (listener->incoming && socket_path_is(listener->path, &listener->mark))
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

struct listener *listener_new(struct event_base *base, const char *path, listener_accepted accepted,
                              void *arg, char *ret_why, size_t size)
{
    static const struct timeval often = {CHECK_SECONDS, 0};
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener) {
        snprintf(ret_why, size, "out of memory");
        return NULL;
    }
    *listener = (struct listener){
        .base = base, .path = strdup(path), .accepted = accepted, .arg = arg, .fd = -1};
    hold_reserve(listener);
    listener->pause = evtimer_new(base, on_pause_over, listener);
    listener->check = event_new(base, -1, EV_PERSIST, on_check, listener);
    snprintf(ret_why, size, "out of memory");
    if (listener->path && listener->pause && listener->check &&
        event_add(listener->check, &often) == 0 && open_socket(listener, ret_why, size))
        return listener;
    listener_free(listener);
    return NULL;
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    if (listener->fd >= 0 && socket_path_is(listener->path, &listener->mark))
        unlink(listener->path);
    close_socket(listener);
    if (listener->pause)
        event_free(listener->pause);
    if (listener->check)
        event_free(listener->check);
    if (listener->reserve >= 0)
        close(listener->reserve);
    free(listener->path);
    free(listener);
}
