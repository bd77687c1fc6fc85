/*
 * What each address may do in some time, and how many connections it may have. An address that does
 * more is first made to wait, then refused. Pure: time is an argument, from a clock that is never
 * set back.
 *
 * A meter is a leaky bucket (the "virtual scheduling" of ITU-T I.371): each action moves a mark
 * further into the future, by the time that it takes to earn the action back. Of what is counted by
 * the minute, a mark less than a minute ahead is fine; up to a minute more, and the address waits
 * for the excess; beyond that, it is refused. Work is never refused, only made to wait beyond a
 * second's worth; bytes that are stored are refused beyond an hour's worth, and TLS handshakes
 * beyond a minute's, since whoever waits after one has had it already.
 *
 * An IPv6 address counts as its network of 64 bits, and against those of 56 and 48 bits around
 * that: these may have 4 and 16 times as much.
 */
#ifndef RELAY_RATE_LIMIT_H
#define RELAY_RATE_LIMIT_H

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>

#include "relay/rules.h"

struct sockaddr;

/* Addresses and networks remembered at a time: 10 MB. The least recently active one makes way. */
#define RATE_LIMIT_ADDRESSES_MAX 65536
/* Longest wait, ms. */
#define RATE_LIMIT_WAIT_MAX 10000

/* What counts as how much of a connection. A channel of a shared one costs a record in memory, but
 * neither a socket, nor TLS, nor buffers: a sixteenth is more than its share. */
enum rate_limit_place {
    RATE_LIMIT_CHANNEL = 1,
    RATE_LIMIT_CONNECTION = 16,
};

/* What an action is charged to: an IPv4 address, or the 64 bits of an IPv6 address that belong to a
 * single customer. */
struct rate_limit_address {
    uint8_t bytes[16];
};

/* The address of a peer. False for peers without limits: those on this machine, unless `loopback`,
 * and those on Unix sockets. */
bool rate_limit_address(const struct sockaddr *peer, bool loopback,
                        struct rate_limit_address *ret_address);

/* A number for the address that few others share. */
uint64_t rate_limit_turn(const struct rate_limit_address *address);

/* A number that stands for the customer who has the address (IPv6: 56 bits), and from which it
 * cannot be told without the key. Not 0. */
uint64_t rate_limit_owner(const struct rate_limit_address *address,
                          const uint8_t key[crypto_shorthash_KEYBYTES]);

/* Meters: one for each of enum rules_rate, and these. */
enum rate_limit_meter {
    RATE_LIMIT_WORK =
        RULES_RATES,       /* bytes of messages, in and out, and RATE_LIMIT_MESSAGE for each */
    RATE_LIMIT_STORED,     /* bytes of messages that were stored */
    RATE_LIMIT_HANDSHAKES, /* of TLS */
    RATE_LIMIT_METERS,
};

/* What a message counts as besides its bytes: about what it costs to deal with a short one, in
 * terms of long ones. */
#define RATE_LIMIT_MESSAGE 16384

/* What a mailbox or a message counts as besides its body, of what may be stored. */
#define RATE_LIMIT_ROWS 1024

/* 0: no limit. */
struct rate_limits {
    unsigned connections; /* of one address at a time */
    unsigned per_minute[RULES_RATES];
    uint64_t work;       /* bytes a second */
    uint64_t stored;     /* bytes an hour */
    unsigned handshakes; /* a minute */
};

struct rate_limiter;

/* Limits are copied. New. NULL when out of memory. */
struct rate_limiter *rate_limit_new(const struct rate_limits *limits);
void rate_limit_free(struct rate_limiter *limiter);

/* New limits; past actions still count. */
void rate_limit_set(struct rate_limiter *limiter, const struct rate_limits *limits);

/* Counts one more connection or channel of this address; rate_limit_leave(). False: the address has
 * as many as it may, or too many addresses are remembered already. */
bool rate_limit_enter(struct rate_limiter *limiter, const struct rate_limit_address *address,
                      enum rate_limit_place place, int64_t now);
void rate_limit_leave(struct rate_limiter *limiter, const struct rate_limit_address *address,
                      enum rate_limit_place place, int64_t now);

/* What the connections and channels of an address take, in sixteenths of a connection. */
uint64_t rate_limit_taken(const struct rate_limiter *limiter,
                          const struct rate_limit_address *address);

/* An address wants to do something, so many times. `meter`: a rules_rate, or a rate_limit_meter.
 * False: it may not. */
bool rate_limit_take(struct rate_limiter *limiter, const struct rate_limit_address *address,
                     unsigned meter, uint64_t amount, int64_t now);

/* How long (ms) the address must wait before its messages are read again. */
int64_t rate_limit_wait(const struct rate_limiter *limiter,
                        const struct rate_limit_address *address, int64_t now);

/* How many addresses are remembered. */
unsigned rate_limit_count(const struct rate_limiter *limiter);

#endif
