#include "config.h"

#include "relay/relay_yield.h"

#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "net/ws.h"
#include "relay/rate_limit.h"
#include "relay/rules.h"

/* How many of those that have not bound are looked at to find one that makes way. */
#define LOOK_AT_MAX 64
/* Whoever has taken nothing of much for so long makes way first, ms. */
#define STALLED_MS 1000

/* ---- places ---- */

void relay_yield_list(struct relay_connection *connection, struct relay_connection **list)
{
    if (connection->idle_list != NULL)
        DL_DELETE2(*connection->idle_list, connection, idle_prev, idle_next);
    connection->idle_list = list;
    if (list != NULL)
        DL_APPEND2(*list, connection, idle_prev, idle_next);
}

/* Of the first ones, the one whose address has most connections, since a crowd of strangers would
 * otherwise push out whoever has just come. */
static struct relay_connection *find_stranger(const struct relay_connections *all)
{
    struct relay_connection *connection, *found = NULL;
    uint64_t most = 0;
    unsigned looked = 0;
    DL_FOREACH2(all->unbound, connection, idle_next)
    {
        uint64_t taken =
            connection->limited ? rate_limit_taken(all->limiter, &connection->address) : 1;
        if (taken > most) {
            found = connection;
            most = taken;
        }
        if (++looked == LOOK_AT_MAX)
            break;
    }
    return found;
}

/* Of those that have not bound, one that came early makes way; then the first of those that
 * have, and listen to nothing, nor have channels. Each is looked at once: those in use leave the
 * list. */
bool relay_yield_place(struct relay_connections *all)
{
    struct relay_connection *first = find_stranger(all);
    while (first == NULL && (first = all->unused) != NULL &&
           (first->client == NULL || rules_listening(first->client) ||
            rules_channels(first->client) > 0 || !rules_idle(first->client))) {
        relay_yield_list(first, NULL);
        first = NULL;
    }
    if (first == NULL)
        return false;
    relay_connection_drop(first, RELAY_DROP_UNBOUND);
    return true;
}

/* ---- memory for output ---- */

bool relay_yield_is_kin(const struct relay_connection *one, const struct relay_connection *other)
{
    return one->limited && other->limited &&
           memcmp(&one->address, &other->address, sizeof(one->address)) == 0;
}

/* What waits for all connections of the same address; whoever is not limited counts alone. */
static size_t backlog_of_kin(const struct relay_connection *one)
{
    const struct relay_connection *other;
    size_t sum = 0;
    DL_FOREACH(one->all->open, other)
    {
        if (other == one || relay_yield_is_kin(one, other))
            sum += ws_backlog(other->ws);
    }
    return sum;
}

void relay_yield_begin(struct relay_connection *connection)
{
    connection->taken = ws_taken(connection->ws);
    connection->progressed = clock_monotonic();
}

/* Notes whether it has taken anything; true if it has not for so long. */
bool relay_yield_is_stalled(struct relay_connection *connection, int64_t ms, int64_t now)
{
    uint64_t taken = ws_taken(connection->ws);
    if (ws_backlog(connection->ws) == 0 || taken != connection->taken) {
        connection->taken = taken;
        connection->progressed = now;
    }
    return now - connection->progressed >= ms;
}

/* Of those with much, one of the address with most: the latest that came. With `stalled`, only of
 * those that have taken nothing lately, since whoever reads soon has less. NULL: there is none. */
static struct relay_connection *find_largest_backlog(struct relay_connections *all, bool stalled)
{
    struct relay_connection *connection, *largest = NULL;
    int64_t now = clock_monotonic();
    size_t most = 0;
    DL_FOREACH(all->open, connection)
    {
        if (ws_backlog(connection->ws) <= RELAY_BACKLOG_PAUSE)
            continue;
        if (!relay_yield_is_stalled(connection, STALLED_MS, now) && stalled)
            continue;
        size_t sum = backlog_of_kin(connection);
        if (largest == NULL || sum > most || (sum == most && connection->began > largest->began)) {
            largest = connection;
            most = sum;
        }
    }
    return largest;
}

/* Where none has so much by itself. */
static struct relay_connection *find_most(struct relay_connections *all)
{
    struct relay_connection *connection, *most = NULL;
    DL_FOREACH(all->open, connection)
    {
        if (most == NULL || ws_backlog(connection->ws) > ws_backlog(most->ws))
            most = connection;
    }
    return most;
}

void relay_yield_output(struct relay_connections *all)
{
    struct relay_connection *largest = find_largest_backlog(all, true);
    struct relay_connection *most = find_largest_backlog(all, false);
    /* To take a little now and then is no excuse for much more. */
    if (largest == NULL || (most != NULL && backlog_of_kin(most) / 2 > backlog_of_kin(largest)))
        largest = most;
    if (largest == NULL)
        largest = find_most(all);
    if (largest != NULL)
        relay_connection_drop(largest, RELAY_DROP_SLOW);
}
