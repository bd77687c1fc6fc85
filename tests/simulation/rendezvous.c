#include "config.h"

#include "tests/simulation/rendezvous.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tests/doubles/memory_store.h"
#include "relay/rules.h"
#include "tests/simulation/cable.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/stock.h"
#include "tests/simulation/timeline.h"

/* Those who listen are asked for so often in a retention; it is looked so often for what expired.
 */
#define LOOKS 10
/* More than ever are connected at the same time. */
#define GUESTS_MAX 4096
/* How long our relay may take to commit, ms. */
#define COMMIT_MAX 50
/* More operations than wait at any time. */
#define OPERATIONS_MAX 100000

struct rendezvous {
    struct stock *stock; /* or, ours: */
    struct memory_store *memory;
    struct rules *rules;
    bool committing; /* a commit is under way */
    bool down;
    int64_t retention;
    struct client *guests[GUESTS_MAX];
    unsigned guest_count;
};

/* ---- ours ---- */

static void on_send(void *connection, const char *text, size_t length)
{
    cable_say(connection, text, length);
}

static void on_drop(void *connection, const char *why)
{
    (void)why;
    cable_drop(connection);
}

/* What was asked for until now becomes durable, and is answered. */
static void commit(void *arg)
{
    struct rendezvous *relay = arg;
    relay->committing = false;
    memory_store_run(relay->memory, OPERATIONS_MAX);
}

static void commit_soon(struct rendezvous *relay)
{
    if (!relay->committing)
        timeline_after(chance_spread(1, COMMIT_MAX), commit, relay);
    relay->committing = true;
}

static void expire(void *arg)
{
    struct rendezvous *relay = arg;
    const struct relay_store *store = memory_store_interface(relay->memory);
    for (unsigned i = 0; i < relay->guest_count; i++)
        rules_touch(relay->guests[i], timeline_now());
    store->expire(store->self, timeline_now(), UINT_MAX, NULL, NULL);
    commit_soon(relay);
    timeline_after(relay->retention / LOOKS, expire, relay);
}

struct rendezvous *rendezvous_new_ours(int64_t retention)
{
    struct rendezvous *relay = calloc(1, sizeof *relay);
    const struct relay_limits limits = {
        .retention = retention, .mailbox_bytes = 1 << 24, .mailbox_messages = 4096};
    const struct rules_hooks hooks = {.send = on_send, .drop = on_drop};
    const struct rules_settings settings = {
        .message_max = 1 << 20, .retention = retention, .list = true};
    relay->memory = memory_store_new(&limits);
    relay->rules = rules_new(memory_store_interface(relay->memory), &hooks, &settings);
    memory_store_set_feed(relay->memory, rules_feed, relay->rules);
    relay->retention = retention;
    timeline_after(retention / LOOKS, expire, relay);
    return relay;
}

static bool hear_ours(struct rendezvous *relay, struct client *client, const char *text)
{
    if (rules_busy(client))
        return false;
    rules_receive(client, text, strlen(text), timeline_now());
    commit_soon(relay);
    return true;
}

/* ---- stock ---- */

struct rendezvous *rendezvous_new_stock(void)
{
    struct rendezvous *relay = calloc(1, sizeof *relay);
    relay->stock = stock_new();
    return relay;
}

static void on_stock(void *arg, const char *text)
{
    if (text == NULL)
        cable_drop(arg);
    else
        cable_say(arg, text, strlen(text));
}

/* ---- either ---- */

void rendezvous_free(struct rendezvous *relay)
{
    if (relay->stock != NULL) {
        stock_free(relay->stock);
    } else {
        memory_store_run(relay->memory, OPERATIONS_MAX);
        rules_free(relay->rules);
        memory_store_free(relay->memory);
    }
    free(relay);
}

bool rendezvous_is_stock(const struct rendezvous *relay)
{
    return relay->stock != NULL;
}

int64_t rendezvous_retention(const struct rendezvous *relay)
{
    return relay->retention;
}

void rendezvous_set_down(struct rendezvous *relay, bool down)
{
    relay->down = down;
}

bool rendezvous_is_down(const struct rendezvous *relay)
{
    return relay->down;
}

void rendezvous_fail(struct rendezvous *relay, enum relay_result result)
{
    if (relay->stock == NULL)
        memory_store_fail(relay->memory, result);
}

void rendezvous_lose(struct rendezvous *relay)
{
    if (relay->stock != NULL)
        return;
    memory_store_fail(relay->memory, RELAY_BROKEN);
    memory_store_run(relay->memory, OPERATIONS_MAX);
    memory_store_fail(relay->memory, RELAY_DONE);
}

void rendezvous_shuffle(struct rendezvous *relay)
{
    if (relay->stock != NULL)
        stock_reverse(relay->stock);
}

void rendezvous_prune(struct rendezvous *relay)
{
    if (relay->stock != NULL)
        stock_prune(relay->stock);
}

bool rendezvous_is_empty(struct rendezvous *relay)
{
    if (relay->stock != NULL) {
        unsigned mailboxes, messages;
        return stock_count(relay->stock, &mailboxes, &messages) + mailboxes + messages == 0;
    }
    const struct relay_store *store = memory_store_interface(relay->memory);
    struct relay_counts counts;
    memory_store_run(relay->memory, OPERATIONS_MAX);
    store->count(store->self, &counts);
    return counts.nameplates + counts.mailboxes + counts.messages == 0;
}

void *rendezvous_enter(struct rendezvous *relay, struct ws *cable)
{
    if (relay->stock != NULL)
        return stock_connect(relay->stock, on_stock, cable, NULL);
    if (relay->guest_count == GUESTS_MAX)
        abort();
    struct client *guest = rules_enter(relay->rules, cable, "simulation", timeline_now());
    relay->guests[relay->guest_count++] = guest;
    return guest;
}

bool rendezvous_hear(struct rendezvous *relay, void *connection, const char *text)
{
    if (relay->stock == NULL)
        return hear_ours(relay, connection, text);
    stock_receive(connection, text);
    return true;
}

void rendezvous_leave(struct rendezvous *relay, void *connection)
{
    if (relay->stock != NULL) {
        stock_disconnect(connection);
        return;
    }
    for (unsigned i = 0; i < relay->guest_count; i++)
        if (relay->guests[i] == connection)
            relay->guests[i--] = relay->guests[--relay->guest_count];
    rules_leave(connection);
}
