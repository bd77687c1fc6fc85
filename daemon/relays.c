#include "config.h"

#include "daemon/relays.h"

#include <stdlib.h>
#include <string.h>
/* Out of memory is an error to report, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "net/proxy.h"
#include "service/log.h"

struct relay_entry {
    struct relay relay; /* first: a relay's address is its entry's */
    UT_hash_handle hh;
};

struct relays {
    struct relay_entry *entries;
    struct relays_limits limits;
};

struct relays *relays_new(void)
{
    return calloc(1, sizeof(struct relays));
}

static void free_entry(struct relay_entry *entry)
{
    free(entry->relay.url);
    free(entry->relay.motd);
    free(entry->relay.error);
    free(entry->relay.last_error);
    free(entry->relay.proxy);
    free(entry);
}

void relays_free(struct relays *relays)
{
    struct relay_entry *entry, *next;
    if (relays == NULL)
        return;
    HASH_ITER(hh, relays->entries, entry, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL takes it out of the list */
        HASH_DEL(relays->entries, entry);
        free_entry(entry);
    }
    free(relays);
}

static bool is_higher(uint64_t limit, uint64_t than)
{
    return than != 0 && (limit == 0 || limit > than);
}

void relays_limit(struct relays *relays, const struct relays_limits *limits)
{
    bool higher = is_higher(limits->hashcash_per_hour, relays->limits.hashcash_per_hour);
    relays->limits = *limits;
    for (struct relay *relay = NULL; higher && (relay = relays_next(relays, relay)) != NULL;)
        hashcash_budget_relieve(&relay->hashcash);
}

struct relay *relays_find(struct relays *relays, const char *url)
{
    struct relay_entry *entry;
    HASH_FIND_STR(relays->entries, url, entry);
    return entry == NULL ? NULL : &entry->relay;
}

/* More than any user has; but peers may name relays, too. */
#define RELAYS_MAX 1024

/* Forgets one that has no connection. */
static void make_room(struct relays *relays)
{
    struct relay_entry *entry, *next;
    if (HASH_COUNT(relays->entries) < RELAYS_MAX)
        return;
    HASH_ITER(hh, relays->entries, entry, next)
    {
        if (entry->relay.connections > 0)
            continue;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL takes it out of the list */
        HASH_DEL(relays->entries, entry);
        free_entry(entry);
        return;
    }
}

static struct relay *add(struct relays *relays, const char *url)
{
    struct relay_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL || (entry->relay.url = strdup(url)) == NULL) {
        free(entry);
        return NULL;
    }
    make_room(relays);
    entry->relay.limits = &relays->limits;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL took what was freed out of the list */
    HASH_ADD_KEYPTR(hh, relays->entries, entry->relay.url, strlen(url), entry);
    if (entry->hh.tbl != NULL)
        return &entry->relay;
    free_entry(entry);
    return NULL;
}

struct relay *relays_get(struct relays *relays, const char *url)
{
    struct relay *relay = relays_find(relays, url);
    return relay != NULL ? relay : add(relays, url);
}

struct relay *relays_next(struct relays *relays, struct relay *relay)
{
    struct relay_entry *entry = relay == NULL ? relays->entries : (struct relay_entry *)relay;
    if (entry != NULL && relay != NULL)
        entry = entry->hh.next;
    return entry == NULL ? NULL : &entry->relay;
}

/* A text from a relay; if copying fails, it is merely not shown to anyone. */
static void replace(char **text, const char *with)
{
    free(*text);
    *text = with == NULL ? NULL : strdup(with);
}

void relay_use_begin(struct relay_use *use, struct relay *relay)
{
    *use = (struct relay_use){.relay = relay};
    relay->connections++;
    relay->opening++;
}

void relay_use_opened(struct relay_use *use)
{
    struct relay *relay = use->relay;
    if (relay->state == RELAY_DOWN)
        log_info("relay", "%s can be reached again", relay->url);
    use->opened = true;
    relay->opening--;
    relay->state = RELAY_UP;
    relay->failures = 0;
    relay->retry_at = 0;
    replace(&relay->last_error, NULL);
}

void relay_use_end(struct relay_use *use)
{
    use->relay->connections--;
    use->relay->opening -= !use->opened;
}

void relay_dialled(struct relay *relay, const struct proxy *proxy)
{
    char text[PROXY_TEXT_SIZE];
    if (proxy != NULL)
        proxy_text(proxy, text);
    replace(&relay->proxy, proxy == NULL ? NULL : text);
}

void relay_welcomed(struct relay *relay, const char *motd, const char *error, int64_t retention)
{
    replace(&relay->motd, motd);
    replace(&relay->error, error);
    relay->retention = retention;
}

const char relay_too_dear[] =
    "the relay asks for more hashcash than hashcash-per-hour allows; it is visited again when that "
    "has worn off";

bool relay_pays(struct relay *relay, unsigned bits, int64_t now)
{
    bool refused_before = relay->hashcash.until > now;
    if (hashcash_budget_take(&relay->hashcash, bits, relay->limits->hashcash_per_hour, now))
        return true;
    if (!refused_before)
        log_info("relay", "%s asks for a hashcash of %u bits: more than hashcash-per-hour allows",
                 relay->url, bits);
    return false;
}

uint64_t relay_hashcash(const struct relay *relay, int64_t now)
{
    return hashcash_budget_spent(&relay->hashcash, relay->limits->hashcash_per_hour, now);
}

const char *relay_trouble(const struct relay *relay, int64_t now)
{
    bool dear = relay->state != RELAY_DOWN && relay->hashcash.until > now;
    return dear ? relay_too_dear : relay->last_error;
}

/* Starts at a second and doubles, up to a minute: one connection a minute burdens no relay, and
 * people are waiting for it to come back. */
#define RETRY_FIRST ((int64_t)1000)
#define RETRY_MAX   ((int64_t)60 * 1000)

static int64_t retry_wait(const struct relay *relay)
{
    int64_t wait = RETRY_FIRST;
    for (unsigned i = 1; i < relay->failures && wait < RETRY_MAX; i++)
        wait *= 2;
    return wait < RETRY_MAX ? wait : RETRY_MAX;
}

void relay_unreachable(struct relay *relay, const char *why, int64_t now)
{
    if (relay->state != RELAY_DOWN)
        log_info("relay", "%s cannot be reached: %s", relay->url, why);
    relay->state = RELAY_DOWN;
    relay->failures++;
    relay->retry_at = now + retry_wait(relay);
    replace(&relay->last_error, why);
}

int64_t relay_ready_at(const struct relay *relay, int64_t now, uint32_t random)
{
    if (relay->state != RELAY_DOWN)
        return hashcash_budget_ready_at(&relay->hashcash, now, random);
    /* Further away than any back-off could have put it: the clock was set back. */
    bool waits = relay->retry_at > now && relay->retry_at <= now + RETRY_MAX;
    if (!waits && relay->opening == 0)
        return now;
    int64_t from = waits ? relay->retry_at : now + RETRY_FIRST;
    return from + (int64_t)((double)retry_wait(relay) / 4 * random / UINT32_MAX);
}

void relays_hurry(struct relays *relays, const char *url)
{
    struct relay *relay = relays_find(relays, url);
    if (relay == NULL)
        return;
    relay->retry_at = 0;
    relay->hashcash.until = 0; /* what it costs still counts: it may ask for less */
}

/* What waits for a relay to come back, or tries it again by itself, is due within so long, ms. */
#define PUT_OFF_DOWN ((int64_t)3 * 60 * 1000)
/* Until a stamp could be paid for, and as long again in which those who wait are spread out. */
#define PUT_OFF_DEAR (2 * HASHCASH_BUDGET_HOUR)

int64_t relay_put_off(const struct relay *relay)
{
    if (relay->hashcash.relieved)
        return PUT_OFF_DEAR;
    return relay->state == RELAY_DOWN ? PUT_OFF_DOWN : 0;
}

int64_t relays_hurry_all(struct relays *relays)
{
    int64_t most = 0;
    for (struct relay *relay = NULL; (relay = relays_next(relays, relay)) != NULL;) {
        int64_t put_off = relay_put_off(relay);
        most = put_off > most ? put_off : most;
        if (relay->state != RELAY_DOWN)
            continue;
        relay->retry_at = 0;
        relay->failures = 0;
    }
    return most;
}
