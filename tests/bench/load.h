/*
 * What the parts of the load generator share. It measures relays; so whatever goes wrong ends it,
 * with a sentence on standard error.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/url.h"
#include "wormhole/wire.h"

struct event_base;
struct ws;
struct ws_net;

#define LOAD_APPID     "example.org/load"
#define LOAD_SIDE_SIZE 11

struct load {
    struct event_base *base;
    struct ws_net *net;
    struct url url;
};

/* Says why on standard error, and exits. */
_Noreturn void load_fail(const char *why);
void load_begin(struct load *load, const char *url);
void load_end(struct load *load);

/* Listens at a port of 127.0.0.1; returns the socket, and the URL of a relay there. */
int load_listen(char *ret_url, size_t size, int backlog);

/* Microseconds since some moment in the past. */
int64_t load_now(void);

/* Sorts the values, and prints "NAME-p50 X\nNAME-p99 Y\n". */
void load_print_percentiles(const char *name, double *values, size_t count);

/* One connection to the relay, which binds by itself. */
struct talker {
    struct load *load;
    struct ws *ws;
    char side[LOAD_SIDE_SIZE];
    /* A message of the relay's, acks left out; the first is the welcome, when `bind` has been said.
     * Borrowed for the call. */
    void (*heard)(struct talker *talker, const struct wire_message *message);
    void *arg;
};

/* Fills in the rest of a talker that has `heard` and `arg`, and dials. */
void talker_start(struct talker *talker, struct load *load);
/* Takes the text over; NULL: out of memory, and the end. */
void talker_say(struct talker *talker, char *text);
void talker_add(struct talker *talker, const char *phase, size_t bytes);
bool talker_is_echo(const struct talker *talker, const struct wire_message *message);
/* Hangs up. */
void talker_stop(struct talker *talker);

/* What can be measured: each takes the command line's words from its URL or directory on, and
 * prints lines of a name and a number. */
void load_introductions(char **words); /* URL AT-A-TIME COUNT */
void load_latency(char **words);       /* URL COUNT */
void load_idle(
    char **words); /* URL COUNT: opens them, prints "ready", waits for the end of standard input */
void load_sends(char **words);       /* SOCKET COUNT: the sessions' ids are on standard input */
void load_sends_floor(char **words); /* DIRECTORY CLIENTS COUNT: the same rows in LMDB alone */
void load_fixed(char **words); /* prints its URL, serves until something comes on standard input */
void load_floor(char **words); /* DIRECTORY COUNT: what LMDB and WebSockets cost by themselves */

#endif
