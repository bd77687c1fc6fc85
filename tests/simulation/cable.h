/*
 * A pretend network, which fills net/ws.h: a cable from each machine to the relay, with delays in
 * both directions, on which nothing overtakes anything else, and which may be cut at any time, with
 * all that is under way.
 */
#ifndef SIMULATION_CABLE_H
#define SIMULATION_CABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/ws.h"

struct rendezvous;

/* In place of daemon/relay_dialer.c: all relays are reached over one net. */
struct relay_dialer {
    struct ws_net *net;
};

/* Who dials. */
struct ws_net {
    const char *who; /* for the trace */
    struct rendezvous *relay;
    bool dead; /* it has crashed: nothing that it does has an effect */
    void (*dialled)(void *arg);
    /* It sends a text; the connection, or the channel, is that of `side`: "" before its bind. */
    void (*told)(void *arg, const char *side, const char *text);
    /* A text of it arrives at the relay. */
    void (*heard)(void *arg, const char *side, const char *text);
    /* A text of the relay arrives at it. */
    void (*got)(void *arg, const char *side, const char *text);
    void *arg;
};

/* The weather, for all cables. */
struct cable_weather {
    int64_t delay_max; /* ms, each way; most are shorter by far */
    unsigned lose;     /* per cent of the texts that a cut comes upon */
    unsigned refuse;   /* per cent of the dials that fail */
    unsigned repeat;   /* per cent of the messages that the relay says twice */
};

void cable_set_weather(const struct cable_weather *weather);

/* Cuts every cable (of `net`, or of all if NULL); both ends notice, each in its own time. */
void cable_cut_all(const struct ws_net *net);

/* How many connections of `net` are open, as far as it knows. */
unsigned cable_count(const struct ws_net *net);

/* How many sessions use these. */
unsigned cable_sessions(const struct ws_net *net);

/* True if the relay has heard something, since cable_forget_all(), whose sender was not there any
 * more. */
bool cable_was_late(void);

/* True if nothing arrives on it any more, whether anybody has noticed or not. */
bool cable_is_cut(const struct ws *ws);

/* Frees what is left of a world: nothing may be under way any more. */
void cable_forget_all(void);

/* The channel that a text is for, or from; 0: the connection itself. */
long cable_channel(const char *text);

/* ---- the relay's end ---- */

/* Queues a text for the client. */
void cable_say(struct ws *ws, const char *text, size_t length);

/* The relay drops the connection, after what it said before. */
void cable_drop(struct ws *ws);

#endif
