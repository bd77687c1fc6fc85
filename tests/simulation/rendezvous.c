#include "config.h"

#include "tests/simulation/rendezvous.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tests/doubles/memory_store.h"
#include "relay/rules.h"
#include "tests/simulation/cable.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/relay_checker.h"
#include "tests/simulation/stock.h"
#include "tests/simulation/timeline.h"

/* Those who listen are asked for so often in a retention; it is looked so often for what expired.
 */
#define LOOKS 10
/* More than ever are connected at the same time. */
#define GUESTS_MAX 4096
/* How long our relay may take to commit, ms. */
#define COMMIT_MAX 50
/* How long the stock one keeps what nobody visits, in steps of a minute. */
#define STOCK_STEP  TIMELINE_MINUTE
#define STOCK_STEPS 11
/* How soon a forgetful relay forgets what somebody has left. */
#define FORGETS_AFTER TIMELINE_MINUTE
/* Most processes that ours consists of. Those who come are sent to one after the other. */
#define NODES 2
/* More operations than wait at any time. */
#define OPERATIONS_MAX 100000

/* A connection of our relay. */
struct guest {
    struct rendezvous *relay;
    struct ws *cable;
    struct rules_client *client;
};

struct rendezvous {
    struct stock *stock;                /* or, ours: */
    struct memory_store *memory[NODES]; /* of one store */
    struct rules *rules[NODES];
    unsigned nodes;
    unsigned entered;
    struct relay_checker *checker;
    bool committing; /* a commit is under way */
    bool down;
    int64_t retention;
    unsigned prunes;
    unsigned forgetful; /* per cent of the times that somebody leaves */
    struct guest *guests[GUESTS_MAX];
    unsigned guest_count;
};

/* ---- ours ---- */

static void on_send(void *connection, const char *text, size_t length)
{
    const struct guest *guest = connection;
    relay_checker_said(guest->relay->checker, guest, text);
    cable_say(guest->cable, text, length);
}

static void on_drop(void *connection, const char *why)
{
    const struct guest *guest = connection;
    (void)why;
    relay_checker_dropped(guest->relay->checker, guest);
    cable_drop(guest->cable);
}

/* What was asked for until now becomes durable, and is answered. */
static void run(struct rendezvous *relay)
{
    size_t ran = 1;
    relay_checker_commits(relay->checker, true);
    while (ran > 0) {
        ran = 0;
        for (unsigned i = 0; i < relay->nodes; i++)
            ran += memory_store_run(relay->memory[i], OPERATIONS_MAX);
    }
    relay_checker_commits(relay->checker, false);
}

static void commit(void *arg)
{
    struct rendezvous *relay = arg;
    relay->committing = false;
    run(relay);
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
    const struct relay_store *store = memory_store_interface(relay->memory[0]);
    for (unsigned i = 0; i < relay->guest_count; i++)
        rules_touch(relay->guests[i]->client, timeline_now());
    store->expire(store->self, timeline_now(), UINT_MAX, NULL, NULL);
    commit_soon(relay);
    timeline_after(relay->retention / LOOKS, expire, relay);
}

struct rendezvous *rendezvous_new_ours(int64_t retention, unsigned channels, size_t piece,
                                       unsigned nodes)
{
    struct rendezvous *relay = calloc(1, sizeof(*relay));
    const struct relay_limits limits = {.retention = retention,
                                        .mailbox_bytes = 1 << 24,
                                        .mailbox_messages = 4096,
                                        .piece_bytes = piece};
    const struct rules_hooks hooks = {.send = on_send, .drop = on_drop};
    const struct rules_settings settings = {
        .message_max = 1 << 20, .retention = retention, .channels = channels, .list = true};
    relay->checker = relay_checker_new(retention);
    relay->nodes = nodes;
    for (unsigned i = 0; i < relay->nodes; i++) {
        relay->memory[i] =
            i == 0 ? memory_store_new(&limits) : memory_store_new_node(relay->memory[0]);
        relay->rules[i] = rules_new(memory_store_interface(relay->memory[i]), &hooks, &settings);
    }
    relay->retention = retention;
    timeline_after(retention / LOOKS, expire, relay);
    return relay;
}

static void *enter_ours(struct rendezvous *relay, struct ws *cable)
{
    struct guest *guest = calloc(1, sizeof(*guest));
    if (relay->guest_count == GUESTS_MAX)
        abort();
    *guest = (struct guest){.relay = relay, .cable = cable};
    relay->guests[relay->guest_count++] = guest;
    relay_checker_enter(relay->checker, guest);
    guest->client = rules_enter(relay->rules[relay->entered++ % relay->nodes], guest, "simulation",
                                timeline_now());
    return guest;
}

static void leave_ours(struct rendezvous *relay, struct guest *guest)
{
    for (unsigned i = 0; i < relay->guest_count; i++)
        if (relay->guests[i] == guest)
            relay->guests[i--] = relay->guests[--relay->guest_count];
    relay_checker_leave(relay->checker, guest);
    rules_leave(guest->client);
    free(guest);
}

static bool hear_ours(struct rendezvous *relay, const struct guest *guest, const char *text)
{
    if (rules_busy(guest->client))
        return false;
    relay_checker_hear(relay->checker, guest, text);
    rules_receive(guest->client, text, strlen(text), timeline_now());
    relay_checker_heard(relay->checker, guest);
    commit_soon(relay);
    return true;
}

/* ---- stock ---- */

struct rendezvous *rendezvous_new_stock(void)
{
    struct rendezvous *relay = calloc(1, sizeof(*relay));
    relay->stock = stock_new();
    stock_tell_time(relay->stock, timeline_now);
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
        run(relay);
        relay_checker_free(relay->checker);
        for (unsigned i = 0; i < relay->nodes; i++) {
            rules_free(relay->rules[i]);
            memory_store_free(relay->memory[i]);
        }
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
    for (unsigned i = 0; i < relay->nodes; i++)
        memory_store_fail(relay->memory[i], result);
}

void rendezvous_lose(struct rendezvous *relay)
{
    if (relay->stock != NULL)
        return;
    rendezvous_fail(relay, RELAY_BROKEN);
    run(relay);
    rendezvous_fail(relay, RELAY_DONE);
}

void rendezvous_set_forgetful(struct rendezvous *relay, unsigned percent)
{
    relay->forgetful = percent;
}

void rendezvous_resume(struct rendezvous *relay)
{
    if (relay->stock != NULL)
        stock_resume(relay->stock);
}

static unsigned draw(unsigned below)
{
    return (unsigned)chance_below(below);
}

void rendezvous_shuffle(struct rendezvous *relay, bool fairly)
{
    if (relay->stock == NULL)
        return;
    if (fairly || chance_percent(50))
        stock_swap(relay->stock, fairly, draw);
    else
        stock_reverse(relay->stock);
}

void rendezvous_prune(struct rendezvous *relay)
{
    if (relay->stock == NULL)
        return;
    stock_prune(relay->stock);
    relay->prunes++;
}

bool rendezvous_withheld(const struct rendezvous *relay)
{
    return relay->stock != NULL && stock_withheld(relay->stock) > 0;
}

unsigned rendezvous_prunes(const struct rendezvous *relay)
{
    return relay->prunes;
}

static void age(void *arg)
{
    struct rendezvous *relay = arg;
    stock_age(relay->stock, STOCK_STEPS);
    timeline_after(STOCK_STEP, age, relay);
}

void rendezvous_age(struct rendezvous *relay)
{
    if (relay->stock != NULL)
        age(relay);
}

static struct relay_counts count(struct rendezvous *relay)
{
    struct relay_counts counts = {0};
    if (relay->stock != NULL) {
        unsigned mailboxes, messages;
        counts.nameplates = stock_count(relay->stock, &mailboxes, &messages);
        counts.mailboxes = mailboxes;
        counts.messages = messages;
    } else {
        const struct relay_store *store = memory_store_interface(relay->memory[0]);
        run(relay);
        store->count(store->self, &counts);
    }
    return counts;
}

unsigned rendezvous_nameplates(struct rendezvous *relay)
{
    return (unsigned)count(relay).nameplates;
}

bool rendezvous_is_empty(struct rendezvous *relay)
{
    struct relay_counts counts = count(relay);
    return counts.nameplates + counts.mailboxes + counts.messages == 0;
}

void *rendezvous_enter(struct rendezvous *relay, struct ws *cable)
{
    if (relay->stock != NULL)
        return stock_connect(relay->stock, on_stock, cable, NULL);
    return enter_ours(relay, cable);
}

bool rendezvous_hear(struct rendezvous *relay, void *connection, const char *text)
{
    if (relay->stock == NULL)
        return hear_ours(relay, connection, text);
    stock_receive(connection, text);
    return true;
}

static void forget(void *arg)
{
    struct rendezvous *relay = arg;
    rendezvous_prune(relay);
}

static void leave_stock(struct rendezvous *relay, void *connection)
{
    stock_disconnect(connection);
    if (relay->forgetful > 0 && chance_percent(relay->forgetful))
        timeline_after(chance_spread(1, FORGETS_AFTER), forget, relay);
}

void rendezvous_leave(struct rendezvous *relay, void *connection)
{
    if (relay->stock != NULL)
        leave_stock(relay, connection);
    else
        leave_ours(relay, connection);
}
