#include "config.h"

#include "tests/simulation/rendezvous.h"

#include <stdlib.h>
#include <string.h>

#include "relay/memory_store.h"
#include "relay/rules.h"
#include "tests/simulation/cable.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/stock.h"
#include "tests/simulation/timeline.h"

/* Longer than any world lasts: nothing expires by itself. */
#define RETENTION (400 * TIMELINE_DAY)
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

struct rendezvous *rendezvous_new_ours(void)
{
    struct rendezvous *relay = calloc(1, sizeof *relay);
    const struct relay_limits limits = {
        .retention = RETENTION, .mailbox_bytes = 1 << 24, .mailbox_messages = 4096};
    const struct rules_hooks hooks = {.send = on_send, .drop = on_drop};
    const struct rules_settings settings = {
        .message_max = 1 << 20, .retention = RETENTION, .list = true};
    relay->memory = memory_store_new(&limits);
    relay->rules = rules_new(memory_store_interface(relay->memory), &hooks, &settings);
    memory_store_set_feed(relay->memory, rules_feed, relay->rules);
    return relay;
}

/* What was asked for until now becomes durable, and is answered. */
static void commit(void *arg)
{
    struct rendezvous *relay = arg;
    relay->committing = false;
    memory_store_run(relay->memory, OPERATIONS_MAX);
}

static bool hear_ours(struct rendezvous *relay, struct client *client, const char *text)
{
    if (rules_busy(client))
        return false;
    rules_receive(client, text, strlen(text), timeline_now());
    if (!relay->committing)
        timeline_after(chance_spread(1, COMMIT_MAX), commit, relay);
    relay->committing = true;
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

void rendezvous_set_down(struct rendezvous *relay, bool down)
{
    relay->down = down;
}

bool rendezvous_is_down(const struct rendezvous *relay)
{
    return relay->down;
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
    return rules_enter(relay->rules, cable, "simulation", timeline_now());
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
    if (relay->stock != NULL)
        stock_disconnect(connection);
    else
        rules_leave(connection);
}
