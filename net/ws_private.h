/*
 * The WebSocket is one stage machine, split into four files that know each other; nothing else
 * includes this. A connection goes through stages, each a table of handlers:
 *
 *     dialling → proxying → tls → upgrade → open → closing → flushing → ended
 *                                     ↘       ↘ lingering ↗
 *
 * Without a proxy there is no proxying, without wss no tls; an accepted connection begins with tls
 * or upgrade; any stage may go to ended at once.
 *
 *     ws.c          what libevent tells goes to the stage; ended; the functions of net/ws.h
 *     ws_connect.c  dialling, proxying, tls, upgrade. Begun by ws.c, goes on to ws_begin_open()
 *                   or, when a server refuses, to ws_begin_lingering()
 *     ws_open.c     open, closing, flushing, lingering: frames. Begun by ws_connect.c; ws.c knows
 *                   the stage open, in which alone one may send
 *     ws_output.c   the way out, whatever the stage: called by ws.c when there is a transport, and
 *                   before it goes; keeps the backlog
 *
 * All go back to ws.c for its transport, its timer, and its end: ws_attach(), ws_wait(), ws_end().
 */
#ifndef NET_WS_PRIVATE_H
#define NET_WS_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/buffer.h>
#include <event2/event.h>

#include "net/dial.h"
#include "net/frames.h"
#include "net/handshake.h"
#include "net/pins.h"
#include "net/resolve.h"
#include "net/tls.h"
#include "net/url.h"
#include "net/ws.h"

struct ws_net {
    struct event_base *base;
    struct resolver *resolver;
    SSL_CTX *tls;         /* NULL until needed, unless there is a cafile */
    struct ws *unwritten; /* those with something to write in this turn … */
    struct event *writer; /* … and the event that writes it */
    bool lapped, writing; /* … see net/ws_output.c */
    uint64_t backlog;     /* the sum of the connections' */
};

/* The system's CA store takes 20 ms and a megabyte: only users of wss pay for it. Borrowed. NULL on
 * failure, with a sentence in ret_why. */
SSL_CTX *ws_net_tls(struct ws_net *net, char *ret_why, size_t size);

/* NULL: nothing to do in this stage. */
struct ws_stage {
    void (*readable)(struct ws *ws);             /* there are bytes, or there were */
    void (*written)(struct ws *ws);              /* the output is empty */
    void (*happened)(struct ws *ws, short what); /* BEV_EVENT_… */
    void (*timeout)(struct ws *ws);              /* of ws_wait() */
    void (*close)(struct ws *ws);                /* ws_close() */
};

/* Needed only at the beginning; freed once the connection is open. */
struct ws_start {
    struct dial *dial;
    struct ws_proxying *proxying;     /* NULL: directly, or there is a tunnel already */
    struct url url;                   /* not for an accepted connection */
    struct pins pins;                 /* likewise */
    char where[URL_HOST_HEADER_SIZE]; /* the other end, for use in sentences */
    struct handshake handshake;
    int64_t since, limit;       /* of the stage (clock_monotonic); ms */
    uint64_t received, arrived; /* bytes of TCP, both ways, when last looked at */
};

struct ws {
    struct ws_net *net;
    const struct ws_handlers *handlers;
    void *arg;
    const struct ws_stage *stage;
    struct ws_start *start;
    struct bufferevent *bev; /* NULL until TCP is connected, and at the end */
    struct frames *frames;   /* NULL until open */
    struct event *timer;
    char *why;     /* the first reason to end */
    bool too_long; /* … was a message */
    struct ws_options options;
    int64_t heard;     /* when a byte was last received (clock_monotonic) … */
    int64_t pinged;    /* … and when a ping was sent after that, or 0 */
    int proof;         /* it is to be proven alive within so many ms, or 0; … */
    int64_t asked;     /* … since then; at the end: … until then */
    uint64_t arrived;  /* bytes that the other end's kernel had when the timer last looked … */
    uint64_t awaited;  /* … and how many that will be with the ping, or 0: it has arrived. At the
                          end: bytes that were under way when the timer last looked … */
    uint64_t answered; /* bytes written when a byte was last received */
    uint64_t moved;    /* bytes of messages that had moved when last looked at … */
    int64_t moved_at;  /* … and when they had last become more */
    size_t held;       /* as last reported by `arriving` */
    size_t backlog;    /* bytes in the output … */
    uint64_t taken;    /* … and bytes that have left it */
    struct ws *prev, *next; /* in net->unwritten, … */
    bool unwritten;         /* … if this is set */
    bool blocked;           /* the kernel takes no more: the bufferevent writes, when it does */
    unsigned busy;          /* handlers of ours on the stack */
    bool server, paused;
    bool tls;    /* the bufferevent writes by itself */
    bool mute;   /* no more can be sent; what still comes is delivered */
    bool lost;   /* nor will more arrive; what has arrived must still be delivered */
    bool unsent; /* something was sent since the output was last empty */
    bool dead;   /* freed; the memory goes when none of our handlers is left on the stack */
};

/* ---- ws.c ---- */

/* The last stage: `closed` is yet to be called. */
extern const struct ws_stage ws_stage_ended;

/* Every handler called by libevent runs between these, so that ws_free() from inside is safe. */
void ws_enter(struct ws *ws);
void ws_leave(struct ws *ws);

/* Takes over a connected transport, and reads and writes through it. False: the connection has
 * ended instead. */
bool ws_attach(struct ws *ws, struct bufferevent *bev);

/* Calls the stage's timeout handler after `ms`. False: the connection has ended instead. */
bool ws_wait(struct ws *ws, int64_t ms);

/* Reports if ws_held() has changed. The connection may be gone then. */
void ws_report_held(struct ws *ws);

/* Notes why the connection will end, unless a reason was noted already. */
void ws_because(struct ws *ws, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Drops the transport; `closed` follows from the event loop. */
void ws_end(struct ws *ws);

/* Both of the above. */
void ws_fail(struct ws *ws, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Notes the reason, from what libevent says about the transport. */
void ws_note_loss(struct ws *ws, short what);

/* ---- ws_connect.c ---- */

/* Begins to connect to the URL's host, through `proxy` (copied) unless that is NULL. False when out
 * of memory. */
bool ws_begin_dialling(struct ws *ws, const struct proxy *proxy);
/* Owns `fd` from now on. */
void ws_begin_tls_server(struct ws *ws, int fd, SSL_CTX *context);
void ws_begin_upgrade(struct ws *ws);
/* Frees ws->start, with the proxy's password. May be called twice. */
void ws_drop_start(struct ws *ws);

/* ---- ws_open.c ---- */

extern const struct ws_stage ws_stage_open;

void ws_begin_open(struct ws *ws);
/* Our last bytes are in the output and the other end may still be sending: closing the socket now
 * would reset the connection, and the other end might not learn why. */
void ws_begin_lingering(struct ws *ws);
/* ws_pause(), ws_moving() and ws_prove() while open. */
void ws_open_paused(struct ws *ws);
bool ws_open_moving(struct ws *ws);
void ws_open_prove(struct ws *ws, int ms);
/* Bytes that the kernel has taken, and the other end's has not acknowledged; 0 if there is no
 * telling. */
uint64_t ws_unacknowledged(const struct ws *ws);

/* ---- ws_output.c ---- */

/* What is put into the output of a plain socket leaves at the end of this turn of the event
 * loop. */
bool ws_output_begin(struct ws_net *net); /* False when out of memory. */
void ws_output_end(struct ws_net *net);
/* There is a new bufferevent. False when out of memory. */
bool ws_output_attach(struct ws *ws);
/* The output has become empty. */
void ws_output_empty(struct ws *ws);
/* To be called before the bufferevent goes. */
void ws_output_forget(struct ws *ws);

#endif
