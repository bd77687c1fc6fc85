/* The Unix socket that clients connect to: who may reach it, and how it replaces a stale one. */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <stdbool.h>

#include "service/acceptor.h"

struct event_base;
struct listener;

/* Why there is no listener. */
struct listener_why {
    bool taken;     /* another daemon listens there */
    char text[512]; /* a sentence for people */
};

/*
 * Listens on `path` (absolute; copied). Creates a missing directory with mode 0700; the socket has
 * mode 0600. A socket that nothing answers is replaced; a running daemon's never is. New;
 * listener_free(). NULL with the reason in ret_why.
 */
struct listener *listener_new(struct event_base *base, const char *path, acceptor_accepted accepted,
                              void *arg, struct listener_why *ret_why);

/* Serves a socket that the service manager listens on and looks after; takes ownership of `fd`.
 * NULL as above. */
struct listener *listener_adopt(struct event_base *base, int fd, acceptor_accepted accepted,
                                void *arg, struct listener_why *ret_why);

/* Creates the socket again if it was removed: when a login session ends, $XDG_RUNTIME_DIR goes with
 * it. This also happens by itself every ten seconds. Does nothing for an adopted socket. */
void listener_check(struct listener *listener);

/* Checks from now on also at once when somebody opens this file: a daemon that cannot start because
 * we hold the lock of the store opens that, and its user wants to reach us. Where the system cannot
 * tell, nothing happens. */
void listener_hear(struct listener *listener, const char *path);

/* Stops listening; removes the socket if it is still there and was not adopted. NULL is fine. */
void listener_free(struct listener *listener);

#endif
