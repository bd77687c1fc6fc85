/*
 * What each address may do in a minute, and how many connections it may have. Whoever does more is
 * made to wait first, then refused. Pure: time is an argument, by a clock that is never set back.
 *
 * The meter is that of a leaky bucket (the "virtual scheduling" of ITU-T I.371): each doing moves a
 * mark further into the future, by the time that it takes to earn it back. A mark less than a
 * minute ahead is fine; up to a minute more, and the address waits for as long as it is over;
 * beyond, it is refused.
 */
#ifndef RELAY_RATE_LIMIT_H
#define RELAY_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/rules.h"

struct sockaddr;

/* Addresses remembered at a time: 6 MB. The one that did something longest ago makes way. */
#define RATE_LIMIT_ADDRESSES_MAX 65536
/* Longest wait, ms. */
#define RATE_LIMIT_WAIT_MAX 10000

/* Whom it is held against: an IPv4 address, or the 64 bits of an IPv6 address that one customer
 * has to himself. */
struct rate_limit_address {
    uint8_t bytes[16];
};

/* Of a peer. False for those that are not rationed: of this machine, unless `loopback`; of Unix
 * sockets. */
bool rate_limit_address(const struct sockaddr *peer, bool loopback,
                        struct rate_limit_address *ret_address);

/* 0: no limit. */
struct rate_limits {
    unsigned connections; /* of one address at a time */
    unsigned per_minute[RULES_RATES];
};

struct rate_limiter;

/* Limits are copied. New. NULL when out of memory. */
struct rate_limiter *rate_limit_new(const struct rate_limits *limits);
void rate_limit_free(struct rate_limiter *limiter);

/* New limits; what was done stays done. */
void rate_limit_set(struct rate_limiter *limiter, const struct rate_limits *limits);

/* One more connection of this address; rate_limit_leave(). False: it has as many as it may, or
 * there is no room for so many addresses. */
bool rate_limit_enter(struct rate_limiter *limiter, const struct rate_limit_address *address,
                      int64_t now);
void rate_limit_leave(struct rate_limiter *limiter, const struct rate_limit_address *address,
                      int64_t now);

/* An address with a connection wants to do something. False: no. */
bool rate_limit_take(struct rate_limiter *limiter, const struct rate_limit_address *address,
                     enum rules_rate rate, int64_t now);

/* How long (ms) it is to wait before it is listened to again. */
int64_t rate_limit_wait(const struct rate_limiter *limiter,
                        const struct rate_limit_address *address, int64_t now);

/* Addresses remembered. */
unsigned rate_limit_count(const struct rate_limiter *limiter);

#endif
