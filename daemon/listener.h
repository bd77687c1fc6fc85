/*
 * The Unix socket that clients come in by: who may reach it, and how it takes the place of a stale
 * one.
 */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <stddef.h>

#include "service/acceptor.h"

struct event_base;
struct listener;

/*
 * Listens on `path` (absolute; copied). Its directory is made with mode 0700 if it is missing, the
 * socket has mode 0600. A socket that nobody answers is replaced; a living daemon's never is. New;
 * listener_free(). NULL with a sentence in ret_why (of `size` bytes).
 */
struct listener *listener_new(struct event_base *base, const char *path, acceptor_accepted accepted,
                              void *arg, char *ret_why, size_t size);

/* Makes the socket anew if somebody removed it: a login session that ends takes $XDG_RUNTIME_DIR
 * with it. It is done every minute anyway. */
void listener_check(struct listener *listener);

/* Stops listening; removes the socket if it is still ours. NULL is fine. */
void listener_free(struct listener *listener);

#endif
