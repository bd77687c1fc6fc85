/*
 * What each address may do in a minute, and how many connections it may have. Whoever does more is
 * made to wait first, then refused. Pure: time is an argument, by a clock that is never set back.
 *
 * The meter is that of a leaky bucket (the "virtual scheduling" of ITU-T I.371): each doing moves a
 * mark further into the future, by the time that it takes to earn it back. A mark less than a
 * minute ahead is fine; up to a minute more, and the address waits for as long as it is over;
 * beyond, it is refused.
 */
#ifndef RELAY_RATIONS_H
#define RELAY_RATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/rules.h"

struct sockaddr;

/* Addresses remembered at a time: 6 MB. The one that did something longest ago makes way. */
#define RATIONS_ADDRESSES_MAX 65536
/* Longest wait, ms. */
#define RATIONS_WAIT_MAX 10000

/* Whom it is held against: an IPv4 address, or the 64 bits of an IPv6 address that one customer
 * has to himself. */
struct rations_address {
    uint8_t bytes[16];
};

/* Of a peer. False for those that are not rationed: of this machine, unless `loopback`; of Unix
 * sockets. */
bool rations_address(const struct sockaddr *peer, bool loopback,
                     struct rations_address *ret_address);

/* 0: no limit. */
struct rations_limits {
    unsigned connections; /* of one address at a time */
    unsigned per_minute[RULES_RATIONS];
};

struct rations;

/* Limits are copied. New. NULL when out of memory. */
struct rations *rations_new(const struct rations_limits *limits);
void rations_free(struct rations *rations);

/* New limits; what was done stays done. */
void rations_set(struct rations *rations, const struct rations_limits *limits);

/* One more connection of this address; rations_leave(). False: it has as many as it may, or there
 * is no room for so many addresses. */
bool rations_enter(struct rations *rations, const struct rations_address *address, int64_t now);
void rations_leave(struct rations *rations, const struct rations_address *address, int64_t now);

/* An address with a connection wants to do something. False: no. */
bool rations_take(struct rations *rations, const struct rations_address *address,
                  enum rules_ration ration, int64_t now);

/* How long (ms) it is to wait before it is listened to again. */
int64_t rations_wait(const struct rations *rations, const struct rations_address *address,
                     int64_t now);

/* Addresses remembered. */
unsigned rations_count(const struct rations *rations);

#endif
