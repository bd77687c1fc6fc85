#include "config.h"

#include "relay/rate_limit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
/* Out of memory is an answer, not the end. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

/* µs: marks are finer than ms, so that thousands in a minute come out right. */
#define MINUTE INT64_C(60000000)

struct entry {
    struct rate_limit_address address;
    unsigned connections;
    int64_t marks[RULES_RATIONS]; /* µs */
    struct entry *prev, *next;    /* among those without a connection, the oldest first */
    UT_hash_handle hh;
};

struct rate_limit {
    struct rate_limit_limits limits;
    struct entry *entries; /* a hash table */
    struct entry *gone;    /* those without a connection, whose doings are not forgotten */
};

/* ---- addresses ---- */

static bool is_loopback(const struct in6_addr *address)
{
    return IN6_IS_ADDR_LOOPBACK(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

/* As IPv6, where IPv4 has a corner of its own. */
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

/* ---- the table ---- */

static struct entry *find(const struct rate_limit *rations,
                          const struct rate_limit_address *address)
{
    struct entry *entry;
    HASH_FIND(hh, rations->entries, address, sizeof(*address), entry);
    return entry;
}

/* Only who is not connected. */
static void forget(struct rate_limit *rations, struct entry *entry)
{
    /* NOLINTBEGIN(clang-analyzer-core.NullDereference): a list that holds it is not broken */
    DL_DELETE(rations->gone, entry);
    HASH_DEL(rations->entries, entry);
    /* NOLINTEND(clang-analyzer-core.NullDereference) */
    free(entry);
}

static bool is_clean(const struct entry *entry, int64_t now)
{
    for (int i = 0; i < RULES_RATIONS; i++)
        if (entry->marks[i] > now * 1000)
            return false;
    return true;
}

/* Those who owe nothing any more go first, as far as they are the oldest; then the oldest. */
static bool make_room(struct rate_limit *rations, int64_t now)
{
    while (rations->gone &&
           (is_clean(rations->gone, now) || HASH_COUNT(rations->entries) >= RATIONS_ADDRESSES_MAX))
        forget(rations, rations->gone);
    return HASH_COUNT(rations->entries) < RATIONS_ADDRESSES_MAX;
}

static struct entry *add(struct rate_limit *rations, const struct rate_limit_address *address,
                         int64_t now)
{
    struct entry *entry = make_room(rations, now) ? calloc(1, sizeof(*entry)) : NULL;
    if (!entry)
        return NULL;
    entry->address = *address;
    HASH_ADD(hh, rations->entries, address, sizeof(entry->address), entry);
    if (!entry->hh.tbl) {
        free(entry);
        return NULL;
    }
    DL_APPEND(rations->gone, entry);
    return entry;
}

struct rate_limit *rate_limit_new(const struct rate_limit_limits *limits)
{
    struct rate_limit *rations = calloc(1, sizeof(*rations));
    if (rations)
        rations->limits = *limits;
    return rations;
}

void rate_limit_free(struct rate_limit *rations)
{
    struct entry *entry, *next;
    if (!rations)
        return;
    HASH_ITER(hh, rations->entries, entry, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL takes it out of the list */
        HASH_DEL(rations->entries, entry);
        free(entry);
    }
    free(rations);
}

void rate_limit_set(struct rate_limit *rations, const struct rate_limit_limits *limits)
{
    rations->limits = *limits;
}

unsigned rate_limit_count(const struct rate_limit *rations)
{
    return HASH_COUNT(rations->entries);
}

/* ---- connections ---- */

bool rate_limit_enter(struct rate_limit *rations, const struct rate_limit_address *address,
                      int64_t now)
{
    struct entry *entry = find(rations, address);
    unsigned most = rations->limits.connections;
    if (entry && most > 0 && entry->connections >= most)
        return false;
    if (!entry && !(entry = add(rations, address, now)))
        return false;
    if (entry->connections++ == 0)
        DL_DELETE(rations->gone, entry);
    return true;
}

void rate_limit_leave(struct rate_limit *rations, const struct rate_limit_address *address,
                      int64_t now)
{
    struct entry *entry = find(rations, address);
    if (--entry->connections > 0)
        return;
    DL_APPEND(rations->gone, entry);
    if (is_clean(entry, now))
        forget(rations, entry);
}

/* ---- doings ---- */

bool rate_limit_take(struct rate_limit *rations, const struct rate_limit_address *address,
                     enum rules_ration ration, int64_t now)
{
    unsigned most = rations->limits.per_minute[ration];
    if (most == 0)
        return true;
    int64_t *mark = &find(rations, address)->marks[ration];
    int64_t start = *mark > now * 1000 ? *mark : now * 1000;
    if (start + MINUTE / most > now * 1000 + 2 * MINUTE)
        return false;
    *mark = start + MINUTE / most;
    return true;
}

int64_t rate_limit_wait(const struct rate_limit *rations, const struct rate_limit_address *address,
                        int64_t now)
{
    const struct entry *entry = find(rations, address);
    int64_t wait = 0;
    for (int i = 0; entry && i < RULES_RATIONS; i++) {
        int64_t over = (entry->marks[i] - MINUTE) / 1000 - now;
        if (over > wait)
            wait = over;
    }
    return wait < RATIONS_WAIT_MAX ? wait : RATIONS_WAIT_MAX;
}
