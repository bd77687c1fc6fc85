/* What the daemon knows of each relay that it has used since it started: whether it answers, and
 * what it said in its welcome. */
#ifndef DAEMON_RELAYS_H
#define DAEMON_RELAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/hashcash_budget.h"

struct proxy;

/* What the user lets relays cost. */
struct relays_limits {
    uint64_t hashcash_per_hour; /* hashes for each relay; 0: no limit */
};

enum relay_state { RELAY_UNKNOWN = 0, RELAY_UP, RELAY_DOWN };
/* Whether it lets sessions share a connection, as far as its last welcome said. */
enum relay_sharing { RELAY_SHARING_UNKNOWN = 0, RELAY_SHARES, RELAY_DOES_NOT_SHARE };

struct relay {
    char *url;
    enum relay_state state;
    enum relay_sharing sharing;
    unsigned connections;
    unsigned opening;   /* how many of these are not open yet */
    unsigned failures;  /* consecutive failed connections */
    int64_t retry_at;   /* while down: no new connection before this */
    int64_t retention;  /* ms, 0 if it does not say */
    char *motd, *error; /* from its last welcome, or NULL */
    char *last_error;   /* why it could not be reached, or NULL */
    char *proxy;        /* on the way to it, without user and password; NULL: none */
    struct hashcash_budget hashcash;
    const struct relays_limits *limits;
};

struct relays;

struct relays *relays_new(void);
void relays_free(struct relays *relays);

/* Before that there are none. Where a higher one replaces another, relays_hurry_all() is for those
 * who wait for what a relay has cost. */
void relays_limit(struct relays *relays, const struct relays_limits *limits);

/* NULL if not used yet. Borrowed until relays_get(), or for as long as there is a relay_use of it:
 * of very many, those that nobody uses are forgotten. */
struct relay *relays_find(struct relays *relays, const char *url);

/* Finds or adds. NULL when out of memory. */
struct relay *relays_get(struct relays *relays, const char *url);

/* The relay after `relay` (NULL: the first); NULL at the end. */
struct relay *relays_next(struct relays *relays, struct relay *relay);

/* A connection to a relay, as the relay counts it. */
struct relay_use {
    struct relay *relay;
    bool opened;
};

/* The connection is about to be opened; is open; has ended, whether or not it ever opened. */
void relay_use_begin(struct relay_use *use, struct relay *relay);
void relay_use_opened(struct relay_use *use);
void relay_use_end(struct relay_use *use);

/* It is being dialled, through a proxy or (NULL) directly. */
void relay_dialled(struct relay *relay, const struct proxy *proxy);

/* Its welcome; texts may be NULL. `retention` in ms, 0 if it does not say. */
void relay_welcomed(struct relay *relay, const char *motd, const char *error, int64_t retention);

/* What a session is told while relay_pays() is false. */
extern const char relay_too_dear[];

/* It asks for a stamp of so many bits, which is counted. False if that is more than it may cost:
 * then nobody visits it until it is no more. */
bool relay_pays(struct relay *relay, unsigned bits, int64_t now);

/* How many hashes it has cost of what it may in an hour. */
uint64_t relay_hashcash(const struct relay *relay, int64_t now);

/* Why it is not visited, or could not be reached; NULL: neither. Borrowed. */
const char *relay_trouble(const struct relay *relay, int64_t now);

/* A connection could not be opened. */
void relay_unreachable(struct relay *relay, const char *why, int64_t now);

/*
 * When a connection may be opened: `now`, or later while the relay is down, or has cost what it
 * may. A relay that is down is tried by one connection at a time; `random` spreads the others out.
 */
int64_t relay_ready_at(const struct relay *relay, int64_t now, uint32_t random);

/* The user wants the relay to be tried now, regardless of its back-off. */
void relays_hurry(struct relays *relays, const char *url);

/* How far ahead, in ms, somebody may have been put off who now waits for the relay in vain; 0:
 * nobody was. */
int64_t relay_put_off(const struct relay *relay);

/* The user wants all relays to be tried that are down, since the way to them may have changed:
 * their failures are forgotten, too. Returns the largest relay_put_off(). */
int64_t relays_hurry_all(struct relays *relays);

#endif
