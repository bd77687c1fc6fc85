#include "config.h"

#include "relay/rate_limit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
/* Running out of memory is an answer, not the end. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

/* Marks are in µs, finer than ms, so that thousands per minute come out right. */
#define MINUTE INT64_C(60000000)

struct rate_limit_entry {
    struct rate_limit_address address;
    uint64_t taken;                       /* of its places, in sixteenths: rate_limit_place */
    int64_t marks[RULES_RATES];           /* µs */
    struct rate_limit_entry *prev, *next; /* among those without a connection, oldest first */
    UT_hash_handle hh;
};

struct rate_limiter {
    struct rate_limits limits;
    struct rate_limit_entry *entries; /* a hash table */
    struct rate_limit_entry *gone;    /* those without a connection, whose actions still count */
};

/* ---- addresses ---- */

static bool is_loopback(const struct in6_addr *address)
{
    return IN6_IS_ADDR_LOOPBACK(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

/* As IPv6, in which IPv4 has a range of its own. */
static bool widen(const struct sockaddr *peer, struct in6_addr *ret_address)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (peer->sa_family == AF_INET6) {
        *ret_address = ((const struct sockaddr_in6 *)peer)->sin6_addr;
        return true;
    }
    if (peer->sa_family != AF_INET)
        return false;
    memcpy(ret_address->s6_addr, mapped, sizeof(mapped));
    memcpy(ret_address->s6_addr + sizeof(mapped), &((const struct sockaddr_in *)peer)->sin_addr, 4);
    return true;
}

bool rate_limit_address(const struct sockaddr *peer, bool loopback,
                        struct rate_limit_address *ret_address)
{
    struct in6_addr address;
    if (!widen(peer, &address) || (is_loopback(&address) && !loopback))
        return false;
    if (!IN6_IS_ADDR_V4MAPPED(&address))
        memset(address.s6_addr + 8, 0, 8);
    memcpy(ret_address->bytes, address.s6_addr, sizeof(ret_address->bytes));
    return true;
}

uint64_t rate_limit_turn(const struct rate_limit_address *address)
{
    uint64_t halves[2];
    memcpy(halves, address->bytes, sizeof(halves));
    return (halves[0] ^ halves[1]) * UINT64_C(0x9e3779b97f4a7c15) | 1; /* not the relay's own, 0 */
}

/* ---- the table ---- */

static struct rate_limit_entry *find(const struct rate_limiter *limiter,
                                     const struct rate_limit_address *address)
{
    struct rate_limit_entry *entry;
    HASH_FIND(hh, limiter->entries, address, sizeof(*address), entry);
    return entry;
}

/* Only for an address that is not connected. */
static void forget(struct rate_limiter *limiter, struct rate_limit_entry *entry)
{
    /* NOLINTBEGIN(clang-analyzer-core.NullDereference): a list that holds it is not broken */
    DL_DELETE(limiter->gone, entry);
    HASH_DEL(limiter->entries, entry);
    /* NOLINTEND(clang-analyzer-core.NullDereference) */
    free(entry);
}

static bool is_clean(const struct rate_limit_entry *entry, int64_t now)
{
    for (int i = 0; i < RULES_RATES; i++)
        if (entry->marks[i] > now * 1000)
            return false;
    return true;
}

/* Addresses that owe nothing any more go first, as far as they are the oldest; then the oldest. */
static bool make_room(struct rate_limiter *limiter, int64_t now)
{
    while (limiter->gone != NULL && (is_clean(limiter->gone, now) ||
                                     HASH_COUNT(limiter->entries) >= RATE_LIMIT_ADDRESSES_MAX))
        forget(limiter, limiter->gone);
    return HASH_COUNT(limiter->entries) < RATE_LIMIT_ADDRESSES_MAX;
}

static struct rate_limit_entry *add(struct rate_limiter *limiter,
                                    const struct rate_limit_address *address, int64_t now)
{
    struct rate_limit_entry *entry = make_room(limiter, now) ? calloc(1, sizeof(*entry)) : NULL;
    if (entry == NULL)
        return NULL;
    entry->address = *address;
    HASH_ADD(hh, limiter->entries, address, sizeof(entry->address), entry);
    if (entry->hh.tbl == NULL) {
        free(entry);
        return NULL;
    }
    DL_APPEND(limiter->gone, entry);
    return entry;
}

struct rate_limiter *rate_limit_new(const struct rate_limits *limits)
{
    struct rate_limiter *limiter = calloc(1, sizeof(*limiter));
    if (limiter != NULL)
        limiter->limits = *limits;
    return limiter;
}

void rate_limit_free(struct rate_limiter *limiter)
{
    struct rate_limit_entry *entry, *next;
    if (limiter == NULL)
        return;
    HASH_ITER(hh, limiter->entries, entry, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL takes it out of the list */
        HASH_DEL(limiter->entries, entry);
        free(entry);
    }
    free(limiter);
}

void rate_limit_set(struct rate_limiter *limiter, const struct rate_limits *limits)
{
    limiter->limits = *limits;
}

unsigned rate_limit_count(const struct rate_limiter *limiter)
{
    return HASH_COUNT(limiter->entries);
}

/* ---- connections ---- */

bool rate_limit_enter(struct rate_limiter *limiter, const struct rate_limit_address *address,
                      enum rate_limit_place place, int64_t now)
{
    struct rate_limit_entry *entry = find(limiter, address);
    uint64_t most = (uint64_t)limiter->limits.connections * RATE_LIMIT_CONNECTION;
    if (entry != NULL && most > 0 && entry->taken + place > most)
        return false;
    if (entry == NULL && (entry = add(limiter, address, now)) == NULL)
        return false;
    if (entry->taken == 0)
        DL_DELETE(limiter->gone, entry);
    entry->taken += place;
    return true;
}

void rate_limit_leave(struct rate_limiter *limiter, const struct rate_limit_address *address,
                      enum rate_limit_place place, int64_t now)
{
    struct rate_limit_entry *entry = find(limiter, address);
    entry->taken -= place;
    if (entry->taken > 0)
        return;
    DL_APPEND(limiter->gone, entry);
    if (is_clean(entry, now))
        forget(limiter, entry);
}

/* ---- actions ---- */

bool rate_limit_take(struct rate_limiter *limiter, const struct rate_limit_address *address,
                     enum rules_rate rate, int64_t now)
{
    unsigned most = limiter->limits.per_minute[rate];
    if (most == 0)
        return true;
    int64_t *mark = &find(limiter, address)->marks[rate];
    int64_t start = *mark > now * 1000 ? *mark : now * 1000;
    if (start + MINUTE / most > now * 1000 + 2 * MINUTE)
        return false;
    *mark = start + MINUTE / most;
    return true;
}

int64_t rate_limit_wait(const struct rate_limiter *limiter,
                        const struct rate_limit_address *address, int64_t now)
{
    const struct rate_limit_entry *entry = find(limiter, address);
    int64_t wait = 0;
    for (int i = 0; entry != NULL && i < RULES_RATES; i++) {
        int64_t over = (entry->marks[i] - MINUTE) / 1000 - now;
        if (over > wait)
            wait = over;
    }
    return wait < RATE_LIMIT_WAIT_MAX ? wait : RATE_LIMIT_WAIT_MAX;
}
