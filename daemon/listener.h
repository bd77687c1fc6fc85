/*
 * The Unix socket that clients come in by: who may reach it, and how it takes the place of a stale
 * one.
 */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <stdbool.h>

#include "service/acceptor.h"

struct event_base;
struct listener;

/* Why there is none. */
struct listener_why {
    bool taken;     /* another daemon listens there */
    char text[512]; /* a sentence for a person */
};

/*
 * Listens on `path` (absolute; copied). Its directory is made with mode 0700 if it is missing, the
 * socket has mode 0600. A socket that nobody answers is replaced; a living daemon's never is. New;
 * listener_free(). NULL with the reason in ret_why.
 */
struct listener *listener_new(struct event_base *base, const char *path, acceptor_accepted accepted,
                              void *arg, struct listener_why *ret_why);

/* Serves a socket that the service manager listens on and looks after; takes `fd` over. NULL as
 * above. */
struct listener *listener_adopt(struct event_base *base, int fd, acceptor_accepted accepted,
                                void *arg, struct listener_why *ret_why);

/* Creates the socket again if it was removed: a login session that ends takes $XDG_RUNTIME_DIR
 * with it. It is done every minute anyway. Not with one that was adopted. */
void listener_check(struct listener *listener);

/* Stops listening; removes the socket if it is still there and was not adopted. NULL is fine. */
void listener_free(struct listener *listener);

#endif
