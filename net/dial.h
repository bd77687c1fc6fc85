/* A TCP connection to a host, by name or address, without blocking. */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdbool.h>
#include <stdint.h>

struct dial;
struct event_base;
struct resolver;
struct url;

/* `fd` is connected, non-blocking, close-on-exec, and owned by the callee; or it is -1, and `why`
 * (borrowed for the call) is one sentence for a person. */
typedef void (*dial_done)(int fd, const char *why, void *arg);

/*
 * Finds the addresses of the URL's host, with `public_only` leaves out those that are not
 * address_is_public(), and tries each in turn: `timeout` ms at most for the
 * look-up and for the last address, 3 s for each of the others. Calls `done` once, from the event
 * loop, and once more for each dial_other(). New: dial_free() it, also from inside `done`. NULL
 * when out of memory.
 */
struct dial *dial_start(struct event_base *base, struct resolver *resolver, const struct url *url,
                        bool public_only, int64_t timeout, dial_done done, void *arg);

/* True if there are addresses to try: other ones, or those that were silent and had little time.
 * False for NULL. */
bool dial_has_others(const struct dial *dial);

/* How long whatever comes after the connection may take, where it would be `ms`: less while there
 * are addresses that were not tried. One that used up the shorter time may be slow rather than
 * dead: it is tried once more after the others, with all the time. */
int64_t dial_patience(const struct dial *dial, int64_t ms);

/* After `done` has given a connection that turned out to be useless, and while there are others:
 * tries them, and calls `done` again, perhaps before this returns. One that was `silent` may get
 * another chance. */
void dial_other(struct dial *dial, bool silent);

/* Gives up. NULL is fine. */
void dial_free(struct dial *dial);

/* Sets what every TCP connection of ours needs: answers leave at once (TCP_NODELAY), and the
 * connection ends when the other machine is gone (SO_KEEPALIVE). Sockets of other kinds are left as
 * they are. */
void dial_tune(int fd);

/* Acknowledges what was just read at once, not some 40 ms later (TCP_QUICKACK, which Linux soon
 * forgets: call it after each read). The stock relay leaves Nagle's algorithm on, so its next small
 * message waits for the acknowledgement. */
void dial_acknowledge(int fd);

#endif
