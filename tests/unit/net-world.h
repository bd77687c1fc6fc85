/*
 * What the tests of net/ share: an event loop with a deadline, sockets on loopback with ports from
 * the kernel, an application that notes what its WebSocket tells it, and an other end that speaks
 * hand-written bytes.
 */
#ifndef TESTS_NET_WORLD_H
#define TESTS_NET_WORLD_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/proxy.h"
#include "net/url.h"
#include "net/ws.h"

struct world {
    struct event_base *base;
    struct ws_net *net;
    struct event *deadline;
    struct event *tick; /* the kernel sends no event when the other end has taken something */
    struct ws_options options; /* for this world's connections; patience is long */
};

/* `cafile` as for ws_net_new(). */
void world_begin(struct world *world, const char *cafile);
void world_end(struct world *world);

/* One round of the event loop; the test fails when the deadline has passed. */
void world_round(struct world *world);

#define WAIT_FOR(world, condition)                                                                 \
    do {                                                                                           \
        while (!(condition))                                                                       \
            world_round(world);                                                                    \
    } while (0)

/* Lets happen what is ready to happen, without waiting. */
void world_settle(struct world *world);

/* Listens on `address` (127.0.0.1 or ::1). Returns the fd, non-blocking. */
int world_listen(const char *address, uint16_t *ret_port);

/* A port of 127.0.0.1 on which nobody listens. */
uint16_t world_refused_port(void);

bool world_has_ipv6(void);

/* A text of so many bytes, to be freed: more than the kernel takes at once. */
#define WORLD_BIG ((size_t)5 * 1024 * 1024)
char *world_big_text(void);

struct url world_url(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An application's side of a WebSocket. */
struct party {
    struct world *world;
    struct ws *ws; /* NULL after closed or ws_free() */
    unsigned opened, messages, drained, closed;
    struct evbuffer *text; /* all messages, each with its NUL */
    char why[512];         /* of closed */
    /* Called after the happening was noted; may do anything. NULL: nothing. */
    void (*on_opened)(struct party *party);
    void (*on_message)(struct party *party);
    void (*on_drained)(struct party *party);
    void (*on_closed)(struct party *party);
    unsigned depth; /* callbacks on the stack */
    bool calling;   /* the test is inside a call: no callback may come */
};

void party_begin(struct party *party, struct world *world);
void party_end(struct party *party);

/* What tells a party; its address is the argument. */
const struct ws_handlers *party_handlers(void);

void party_dial(struct party *party, const struct url *url);
void party_dial_through(struct party *party, const struct url *url, const struct proxy *proxy);
void party_accept(struct party *party, int fd);
bool party_send(struct party *party, const char *text);

/* A call during which no callback may come. */
#define CALL(party, call)                                                                          \
    do {                                                                                           \
        (party)->calling = true;                                                                   \
        call;                                                                                      \
        (party)->calling = false;                                                                  \
    } while (0)

/* Is exactly this the first message that is not yet taken? Takes it. */
bool party_got(struct party *party, const char *text);

/* An other end that knows nothing of WebSockets: all that it receives is in the input buffer. */
struct raw {
    struct bufferevent *bev;
    bool ended; /* EOF or error */
};

/* Takes the next connection of a listening socket, waiting for it. */
int world_accept(struct world *world, int listener);
void raw_accept(struct raw *raw, struct world *world, int listener);
void raw_connect(struct raw *raw, struct world *world, uint16_t port);
void raw_put(struct raw *raw, const void *data, size_t length);
size_t raw_length(struct raw *raw);
/* Takes `length` bytes, waiting for them, and compares. */
void raw_expect(struct raw *raw, struct world *world, const void *data, size_t length);
/* Answers a client's upgrade request, once that has come whole. */
void raw_upgrade(struct raw *raw, struct world *world);
/* One unmasked (server's) or masked (client's) frame of less than 126 bytes; `head` as on the wire.
 */
void raw_frame(struct raw *raw, bool masked, unsigned head, const char *data, size_t length);
/* Takes one frame, of less than 126 bytes and masked or not, waiting for it. */
void raw_expect_frame(struct raw *raw, struct world *world, unsigned head, const char *data,
                      size_t length);
/* May be called twice. */
void raw_end(struct raw *raw);

/* Two parties, client and server, with an open connection. */
struct pair {
    struct world world;
    struct party client, server;
};

void pair_begin(struct pair *pair);
/* With options other than those of world_begin(). */
void pair_begin_with(struct pair *pair, const struct ws_options *options);
void pair_end(struct pair *pair);

#endif
