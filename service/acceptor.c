#include "config.h"

#include "service/acceptor.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/log.h"

/* Connections accepted before other events get their turn. */
#define ACCEPT_MAX 64
/* How long accepting stops when descriptors or memory have run out. */
#define PAUSE_SECONDS 1

struct acceptor {
    int fd;
    int reserve; /* a descriptor to give up when there are no others; -1 while it is given up */
    const char *subsystem;
    acceptor_accepted accepted;
    void *arg;
    struct event *incoming; /* on fd */
    struct event *pause;    /* when accepting may go on */
};

static void hold_reserve(struct acceptor *acceptor)
{
    acceptor->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct acceptor *acceptor = arg;
    if (acceptor->reserve < 0)
        hold_reserve(acceptor);
    event_add(acceptor->incoming, NULL);
}

static void on_incoming(evutil_socket_t socket, short what, void *arg)
{
    static const struct timeval pause = {PAUSE_SECONDS, 0};
    (void)what;
    struct acceptor *acceptor = arg;
    int error = 0;
    for (int i = 0; i < ACCEPT_MAX && error == 0; i++) {
        int fd = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            acceptor->accepted(acceptor->arg, fd);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR && errno != ECONNABORTED) /* these two concern one client only */
            error = errno;
    }
    if (error == 0)
        return;

    /* With the reserve, one client can be turned away at once instead of being left to wait. */
    if (acceptor->reserve >= 0) {
        close(acceptor->reserve);
        int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            close(fd);
        hold_reserve(acceptor);
    }
    log_warning(acceptor->subsystem, "accepting no clients for %d s: %s", PAUSE_SECONDS,
                strerror(error));
    /* The socket stays readable while nobody can be accepted: not watching it keeps the loop from
     * spinning. */
    if (event_add(acceptor->pause, &pause) == 0)
        event_del(acceptor->incoming);
}

struct acceptor *acceptor_new(struct event_base *base, int fd, const char *subsystem,
                              acceptor_accepted accepted, void *arg)
{
    struct acceptor *acceptor = calloc(1, sizeof(*acceptor));
    if (acceptor == NULL) {
        close(fd);
        return NULL;
    }
    *acceptor =
        (struct acceptor){.fd = fd, .subsystem = subsystem, .accepted = accepted, .arg = arg};
    hold_reserve(acceptor);
    acceptor->incoming = event_new(base, fd, EV_READ | EV_PERSIST, on_incoming, acceptor);
    acceptor->pause = evtimer_new(base, on_pause_over, acceptor);
    if (acceptor->incoming != NULL && acceptor->pause != NULL &&
        event_add(acceptor->incoming, NULL) == 0)
        return acceptor;
    acceptor_free(acceptor);
    return NULL;
}

void acceptor_free(struct acceptor *acceptor)
{
    if (acceptor == NULL)
        return;
    if (acceptor->incoming != NULL)
        event_free(acceptor->incoming);
    if (acceptor->pause != NULL)
        event_free(acceptor->pause);
    if (acceptor->reserve >= 0)
        close(acceptor->reserve);
    close(acceptor->fd);
    free(acceptor);
}
