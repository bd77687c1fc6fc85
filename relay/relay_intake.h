/*
 * What comes in: how much of it may be in memory, and for how long.
 *
 * A connection holds memory while something has begun to arrive and has not arrived. Small things
 * share INTAKE_SMALL_MAX: when that is used up, the one that has been arriving for the longest is
 * dropped, for an honest one takes a moment. For a large message, a place must be found before it
 * is read, as soon as the header of its frame announces it: all of them together, and what waits
 * for the store, have INTAKE_LARGE_MAX bytes, and one message more. Whoever finds no place is not
 * read until there is one; while somebody waits, a large message that does not get on is dropped.
 *
 * While much waits for the store, only those are read who wait for nothing.
 */
#ifndef RELAY_RELAY_INTAKE_H
#define RELAY_RELAY_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct relay_connection;
struct relay_connections;

/* What a message, or the head of an upgrade, may hold without asking for a place; and all of them
 * together. */
#define INTAKE_SMALL     ((size_t)20 * 1024)
#define INTAKE_SMALL_MAX ((size_t)32 * 1024 * 1024)
/* What a connection may send before it has bound. */
#define INTAKE_UNBOUND_MAX ((size_t)8 * 1024)
/* Bytes that wait for the store, beyond which only those are read who wait for nothing. */
#define INTAKE_PENDING_MAX ((size_t)24 * 1024 * 1024)
/* Bytes of large messages and of what waits for the store, together, besides one message of the
 * largest size. */
#define INTAKE_LARGE_MAX ((size_t)16 * 1024 * 1024)

/* A message must get on by so many bytes in so many ms; or, while others wait for its place. */
#define INTAKE_SLOW_MS       INT64_C(60000)
#define INTAKE_SLOW_BYTES    ((uint64_t)15 * 1024)
#define INTAKE_PRESSED_MS    INT64_C(1000)
#define INTAKE_PRESSED_BYTES ((uint64_t)64 * 1024)

/* Of one connection; zeroed, it holds nothing. */
struct relay_intake {
    size_t held;        /* as last counted, in one of two sums */
    bool large;         /* has a place for a large message */
    bool asks;          /* waits for one, and is not read */
    int64_t seen_at[2]; /* clock_monotonic(): when its progress was last looked at … */
    uint64_t seen[2];   /* … and how many bytes had come: for either of the two paces */
    struct relay_connection *prev, *next, **list; /* the list that it is in, or NULL */
};

/* Of all of them. */
struct relay_intakes {
    struct relay_connection *small; /* those with something small, the oldest first */
    struct relay_connection *large; /* those with a place */
    struct relay_connection *line;  /* those who wait for one */
    size_t small_held, large_held;
    bool pressed; /* much waits for the store */
    struct event *timer;
};

/* False when out of memory. */
bool relay_intake_begin(struct relay_connections *all);
void relay_intake_end(struct relay_connections *all);

/* ws_held() of the connection has changed. It, or others, may be dropped. */
void relay_intake_note(struct relay_connection *connection);

/* Commands have come: looks whether too much waits for the store. */
void relay_intake_press(struct relay_connections *all);

/* It is going. */
void relay_intake_leave(struct relay_connection *connection);

/* True if it must not be read now. */
bool relay_intake_holds_back(const struct relay_connection *connection);

/* To be called periodically: false if what arrives does not get on. */
bool relay_intake_gets_on(struct relay_connection *connection, int64_t now);

#endif
