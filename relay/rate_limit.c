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
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

struct rate_limit_entry {
    struct rate_limit_address address;
    uint64_t taken;                       /* of its places, in sixteenths: rate_limit_place */
    int64_t marks[RATE_LIMIT_METERS];     /* µs */
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
    for (int i = 0; i < RATE_LIMIT_METERS; i++)
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

/* ---- an address, and the networks around it ---- */

/* How many times as much as an address those around it may have. */
static const unsigned level_times[] = {1, 4, 16};
#define LEVELS (sizeof(level_times) / sizeof(*level_times))

static bool is_mapped(const struct rate_limit_address *address)
{
    struct in6_addr wide;
    memcpy(wide.s6_addr, address->bytes, sizeof(wide.s6_addr));
    return IN6_IS_ADDR_V4MAPPED(&wide);
}

static unsigned count_levels(const struct rate_limit_address *address)
{
    return is_mapped(address) ? 1 : LEVELS;
}

/* The second half of an address of 64 bits is free to say that it is a network of fewer. */
static struct rate_limit_address at_level(const struct rate_limit_address *address, unsigned level)
{
    struct rate_limit_address around = *address;
    if (level > 0)
        memset(around.bytes + 8 - level, 0, level);
    around.bytes[15] |= (uint8_t)level;
    return around;
}

static struct rate_limit_entry *find_level(const struct rate_limiter *limiter,
                                           const struct rate_limit_address *address, unsigned level)
{
    const struct rate_limit_address around = level == 0 ? *address : at_level(address, level);
    return find(limiter, &around);
}

uint64_t rate_limit_owner(const struct rate_limit_address *address,
                          const uint8_t key[crypto_shorthash_KEYBYTES])
{
    const struct rate_limit_address customer =
        count_levels(address) == 1 ? *address : at_level(address, 1);
    uint64_t owner;
    _Static_assert(sizeof(owner) == crypto_shorthash_BYTES, "a hash fits");
    crypto_shorthash((uint8_t *)&owner, customer.bytes, sizeof(customer.bytes), key);
    return owner | 1;
}

/* NULL: as many are remembered as may be, and all of them are connected; or there is no memory. */
static struct rate_limit_entry *obtain_level(struct rate_limiter *limiter,
                                             const struct rate_limit_address *address,
                                             unsigned level, int64_t now)
{
    struct rate_limit_entry *entry = find_level(limiter, address, level);
    const struct rate_limit_address around = at_level(address, level);
    return entry != NULL ? entry : add(limiter, &around, now);
}

/* ---- connections ---- */

static bool enter_level(struct rate_limiter *limiter, const struct rate_limit_address *address,
                        unsigned level, enum rate_limit_place place, int64_t now)
{
    struct rate_limit_entry *entry = obtain_level(limiter, address, level, now);
    uint64_t most =
        (uint64_t)limiter->limits.connections * RATE_LIMIT_CONNECTION * level_times[level];
    if (entry == NULL || (most > 0 && entry->taken + place > most))
        return false;
    if (entry->taken == 0)
        DL_DELETE(limiter->gone, entry);
    entry->taken += place;
    return true;
}

static void leave_level(struct rate_limiter *limiter, const struct rate_limit_address *address,
                        unsigned level, enum rate_limit_place place, int64_t now)
{
    struct rate_limit_entry *entry = find_level(limiter, address, level);
    entry->taken -= place;
    if (entry->taken > 0)
        return;
    DL_APPEND(limiter->gone, entry);
    if (is_clean(entry, now))
        forget(limiter, entry);
}

bool rate_limit_enter(struct rate_limiter *limiter, const struct rate_limit_address *address,
                      enum rate_limit_place place, int64_t now)
{
    unsigned levels = count_levels(address), level = 0;
    while (level < levels && enter_level(limiter, address, level, place, now))
        level++;
    if (level == levels)
        return true;
    while (level-- > 0)
        leave_level(limiter, address, level, place, now);
    return false;
}

void rate_limit_leave(struct rate_limiter *limiter, const struct rate_limit_address *address,
                      enum rate_limit_place place, int64_t now)
{
    for (unsigned level = 0; level < count_levels(address); level++)
        leave_level(limiter, address, level, place, now);
}

uint64_t rate_limit_taken(const struct rate_limiter *limiter,
                          const struct rate_limit_address *address)
{
    const struct rate_limit_entry *entry = find(limiter, address);
    return entry != NULL ? entry->taken : 0;
}

/* ---- actions ---- */

/* µs ahead from which a mark makes its address wait, and from which it is refused. */
struct meter_kind {
    int64_t period, waits, refused;
};

static struct meter_kind kind_of(unsigned meter)
{
    return meter == RATE_LIMIT_WORK         ? (struct meter_kind){SECOND, SECOND, INT64_MAX}
           : meter == RATE_LIMIT_STORED     ? (struct meter_kind){HOUR, INT64_MAX, HOUR}
           : meter == RATE_LIMIT_HANDSHAKES ? (struct meter_kind){MINUTE, INT64_MAX, MINUTE}
                                            : (struct meter_kind){MINUTE, MINUTE, 2 * MINUTE};
}

static uint64_t per_period(const struct rate_limits *limits, unsigned meter)
{
    return meter == RATE_LIMIT_WORK         ? limits->work
           : meter == RATE_LIMIT_STORED     ? limits->stored
           : meter == RATE_LIMIT_HANDSHAKES ? limits->handshakes
                                            : limits->per_minute[meter];
}

/* Where the mark would be; `entry` NULL: of an address that is not remembered. */
static int64_t moved(const struct rate_limiter *limiter, const struct rate_limit_entry *entry,
                     unsigned level, unsigned meter, uint64_t amount, int64_t now)
{
    uint64_t most = per_period(&limiter->limits, meter) * level_times[level];
    int64_t mark = entry != NULL ? entry->marks[meter] : 0,
            start = mark > now * 1000 ? mark : now * 1000;
    return start + (int64_t)((double)amount * (double)kind_of(meter).period / (double)most);
}

bool rate_limit_take(struct rate_limiter *limiter, const struct rate_limit_address *address,
                     unsigned meter, uint64_t amount, int64_t now)
{
    unsigned levels = count_levels(address);
    int64_t refused = kind_of(meter).refused;
    if (per_period(&limiter->limits, meter) == 0)
        return true;
    for (unsigned level = 0; level < levels; level++) {
        const struct rate_limit_entry *entry = find_level(limiter, address, level);
        if (moved(limiter, entry, level, meter, amount, now) - now * 1000 > refused)
            return false;
    }
    for (unsigned level = 0; level < levels; level++) {
        struct rate_limit_entry *entry = obtain_level(limiter, address, level, now);
        if (entry == NULL)
            return false;
        entry->marks[meter] = moved(limiter, entry, level, meter, amount, now);
    }
    return true;
}

int64_t rate_limit_wait(const struct rate_limiter *limiter,
                        const struct rate_limit_address *address, int64_t now)
{
    int64_t wait = 0;
    for (unsigned level = 0; level < count_levels(address); level++) {
        const struct rate_limit_entry *entry = find_level(limiter, address, level);
        for (unsigned i = 0; entry != NULL && i < RATE_LIMIT_METERS; i++) {
            int64_t waits = kind_of(i).waits;
            int64_t over = waits == INT64_MAX ? 0 : (entry->marks[i] - waits) / 1000 - now;
            if (over > wait)
                wait = over;
        }
    }
    return wait < RATE_LIMIT_WAIT_MAX ? wait : RATE_LIMIT_WAIT_MAX;
}
