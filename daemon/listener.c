#include "config.h"

#include "daemon/listener.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "daemon/socket_path.h"
#include "service/log.h"

/* A removed socket is noticed within this time. */
#define CHECK_SECONDS 10
/* Room for some events; those that do not fit are read later. */
#define EVENTS_SIZE 4096

struct listener {
    struct event_base *base;
    char *path; /* NULL: it was adopted */
    acceptor_accepted accepted;
    void *arg;
    struct acceptor *acceptor; /* NULL: there is no socket */
    struct socket_mark mark;
    struct event *check; /* checks that the socket is still there */
    struct event *knock; /* the descriptor of inotify; see listener_hear() */
    bool homeless;       /* it could not be created again, and that has been logged */
};

static struct listener *refuse(const char *text, struct listener_why *ret_why)
{
    ret_why->taken = false;
    snprintf(ret_why->text, sizeof(ret_why->text), "%s", text);
    return NULL;
}

static bool serve(struct listener *listener, int fd, struct listener_why *ret_why)
{
    listener->acceptor = acceptor_new(listener->base, fd, "rpc", listener->accepted, listener->arg);
    return listener->acceptor != NULL || refuse("out of memory", ret_why) != NULL;
}

/* Replaces the existing socket only on success. */
static bool open_socket(struct listener *listener, struct listener_why *ret_why)
{
    struct socket_mark mark;
    int fd = socket_path_listen(listener->path, &mark, ret_why->text, sizeof(ret_why->text));
    ret_why->taken = fd == SOCKET_PATH_TAKEN;
    if (fd < 0)
        return false;
    acceptor_free(listener->acceptor);
    listener->mark = mark;
    return serve(listener, fd, ret_why);
}

void listener_check(struct listener *listener)
{
    struct listener_why why;
    if (listener->path == NULL)
        return;
    if (listener->acceptor != NULL && socket_path_is(listener->path, &listener->mark))
        return;
    bool was_homeless = listener->homeless;
    listener->homeless = !open_socket(listener, &why);
    if (!listener->homeless)
        log_warning("rpc", "the socket had been removed and was created again");
    else if (!was_homeless)
        log_error("rpc", "the socket was removed and cannot be created again: %s", why.text);
}

static void close_knock(struct listener *listener, int fd)
{
    if (listener->knock != NULL)
        event_free(listener->knock);
    listener->knock = NULL;
    close(fd);
}

static void on_check(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    listener_check(arg);
}

struct listener *listener_new(struct event_base *base, const char *path, acceptor_accepted accepted,
                              void *arg, struct listener_why *ret_why)
{
    static const struct timeval often = {CHECK_SECONDS, 0};
    struct listener *listener = calloc(1, sizeof(*listener));
    refuse("out of memory", ret_why);
    if (listener == NULL)
        return NULL;
    *listener =
        (struct listener){.base = base, .path = strdup(path), .accepted = accepted, .arg = arg};
    listener->check = event_new(base, -1, EV_PERSIST, on_check, listener);
    if (listener->path != NULL && listener->check != NULL &&
        event_add(listener->check, &often) == 0 && open_socket(listener, ret_why))
        return listener;
    listener_free(listener);
    return NULL;
}

static void on_knock(evutil_socket_t fd, short what, void *arg)
{
    char events[EVENTS_SIZE];
    (void)what;
    while (read(fd, events, sizeof(events)) > 0)
        continue;
    listener_check(arg);
}

void listener_hear(struct listener *listener, const char *path)
{
    int fd = listener->path != NULL ? inotify_init1(IN_NONBLOCK | IN_CLOEXEC) : -1;
    if (fd < 0)
        return;
    if (inotify_add_watch(fd, path, IN_OPEN) >= 0)
        listener->knock = event_new(listener->base, fd, EV_READ | EV_PERSIST, on_knock, listener);
    if (listener->knock == NULL || event_add(listener->knock, NULL) != 0)
        close_knock(listener, fd);
}

struct listener *listener_adopt(struct event_base *base, int fd, acceptor_accepted accepted,
                                void *arg, struct listener_why *ret_why)
{
    struct listener *listener = NULL;
    if (!socket_path_is_listening(fd))
        refuse("the service manager did not pass a listening Unix socket", ret_why);
    else if ((listener = calloc(1, sizeof(*listener))) == NULL)
        refuse("out of memory", ret_why);
    if (listener == NULL) {
        close(fd);
        return NULL;
    }
    *listener = (struct listener){.base = base, .accepted = accepted, .arg = arg};
    if (serve(listener, fd, ret_why))
        return listener;
    listener_free(listener);
    return NULL;
}

void listener_free(struct listener *listener)
{
    if (listener == NULL)
        return;
    if (listener->path != NULL && listener->acceptor != NULL &&
        socket_path_is(listener->path, &listener->mark))
        unlink(listener->path);
    acceptor_free(listener->acceptor);
    if (listener->check != NULL)
        event_free(listener->check);
    if (listener->knock != NULL)
        close_knock(listener, event_get_fd(listener->knock));
    free(listener->path);
    free(listener);
}
