/*
 * One end of a wormhole in a test: the real session code, with a pretend disk (its record and its
 * messages), a pretend network (queues to and from the model of the stock relay) and a pretend
 * clock. Every step counts as committed.
 */
#ifndef SIMULATION_END_H
#define SIMULATION_END_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/simulation/stock.h"
#include "wormhole/session.h"

/* Most messages that a test's end keeps. */
#define END_MESSAGES 256

struct end_message {
    uint8_t *data;
    size_t length;
};

struct end {
    struct stock *stock;
    struct session *session;
    struct stock_connection *connection;
    char *from_relay[1024]; /* texts under way; "" stands for a dropped connection */
    unsigned first, count;
    struct end_message outbox[END_MESSAGES], inbox[END_MESSAGES];

    /* Which relay has this URL, and can be reached: NULL: it cannot. Without it, `stock` has all.
     */
    struct stock *(*reach)(const struct end *end, const char *url);

    int64_t now;
    uint64_t seed;
    bool may_hold, attended;
    int64_t doubted_until; /* as the session is told */
    bool forgotten;
    const char *refuse;  /* the welcome's error from now on, or NULL */
    unsigned connects;   /* how often it connected */
    unsigned proofs;     /* how often it asked whether its connection lives */
    unsigned lose_after; /* drop the connection after so many more texts to the relay; 0: never */
    unsigned adds;       /* messages added, over all connections */
    char added[512];     /* phases added, in order, blank-separated, since it was last emptied */
};

/* A new session on a relay. `code` NULL: allocate. `seed` decides its randomness. */
void end_open(struct end *end, struct stock *stock, const char *code, const char *schedule,
              uint64_t seed);
/* The same; it lasts if the peer can. */
void end_open_lasting(struct end *end, struct stock *stock, const char *code, const char *schedule,
                      uint64_t seed);
/* The same, with other relays, as for struct session_options. */
void end_open_routed(struct end *end, struct stock *stock, const char *code, const char *schedule,
                     uint64_t seed, const char *more_relays);
void end_free(struct end *end);

/* One event, with its writes and effects. */
enum session_refusal end_step(struct end *end, const struct session_event *event);

/* Takes one text from the relay, or wakes if due. False if there is nothing to do now. */
bool end_work(struct end *end);

/* Works until nothing is left to do. */
void end_run(struct end *end);

/* One visit, while the other end sleeps: skips to when it is due, and runs. */
void end_visit(struct end *end);

/* Lets both work in turn until neither has anything to do. */
void end_run_both(struct end *one, struct end *other);

/* Advances the clock to when the session is next due (or its alarm), if that is later. */
void end_skip(struct end *end);

/* The connection is lost, with all that was under way. */
void end_lose(struct end *end);

/* A kill -9 and a restart: the session goes through its stored record, and all else is gone. */
void end_crash(struct end *end);

enum session_refusal end_send(struct end *end, const char *text);
/* Acknowledges up to and including `number`. */
enum session_refusal end_ack(struct end *end, uint32_t number);
/* The user compared the verifiers. */
enum session_refusal end_verify(struct end *end, bool agree);
/* Any other event of the user that has no more to it than its type. */
enum session_refusal end_command(struct end *end, enum event_type type);
enum session_refusal end_close(struct end *end);

/* As one side of a relay's connection of its own, under this end's name: whatever a peer might say.
 * `body` is sealed under `phase` with this end's key. */
void end_say(struct end *end, const char *phase, const char *body);

/* The inbox's message as text, or NULL. */
const char *end_inbox(const struct end *end, uint32_t number);

#endif
