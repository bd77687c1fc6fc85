/* Accepts connections at a listening socket, and survives a lack of descriptors. */
#ifndef SERVICE_ACCEPTOR_H
#define SERVICE_ACCEPTOR_H

struct acceptor;
struct event_base;

/* A connection came in, non-blocking and close-on-exec; the descriptor is the callee's. */
typedef void (*acceptor_accepted)(void *arg, int fd);

/* Accepts at `fd`, a listening non-blocking socket, which it closes at its end (and on failure).
 * `subsystem` (borrowed) is for the log. New; acceptor_free(). NULL when out of memory. */
struct acceptor *acceptor_new(struct event_base *base, int fd, const char *subsystem,
                              acceptor_accepted accepted, void *arg);

/* Closes the socket. NULL is fine. */
void acceptor_free(struct acceptor *acceptor);

#endif
