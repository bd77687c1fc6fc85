/*
 * What clients say to the relay: its rules over the memory store. A line is what happens next, its
 * first byte says what:
 *
 *     0 1 2  this connection says the rest of the line (it enters first, if need be)
 *     x y z  connection 0, 1, 2 goes away
 *     r R    the store does one operation, or all
 *     h      the store answers at once from now on, or no more
 *     f      the store fails from now on (relay_result as a digit follows)
 *     t      half the retention passes; what is listened to is touched, and what expired is deleted
 *     g      all mailboxes are deleted, though nobody closed them; of "m" of the app "a" the rules
 *            are told that it is gone
 *     q      rate limits refuse from now on, or no more
 *     m      much waits for every connection from now on, or no more: it is not sent messages
 *     b      clients that come from now on need a permission, and nobody sees a list
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "tests/doubles/memory_store.h"
#include "relay/rules.h"

#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 3
#define CHANNELS    2
#define RETENTION   ((int64_t)3600000)
/* Small, so that a small input can exceed it. */
#define MESSAGE_MAX 2000

static const struct relay_limits limits = {
    .retention = RETENTION, .mailbox_bytes = 200, .mailbox_messages = 5, .piece_bytes = 8};

struct world;

struct connection {
    struct world *world;
    struct rules_client *client; /* NULL: not there */
    bool dropped;
    int channels;
};

struct world {
    struct memory_store *memory;
    const struct relay_store *store;
    struct rules *rules;
    struct connection connections[CONNECTIONS];
    int64_t now;
    bool hurry, refusing, backlogged;
    bool receiving; /* nothing durable has happened since the client spoke */
};

/* ---- hooks ---- */

/* What may leave before the store has answered; where nobody may see a list, it is an empty one. */
static bool is_immediate(const char *type)
{
    static const char *const types[] = {"ack", "error", "left", "nameplates", "pong"};

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

static void on_send(void *arg, const char *text, size_t length)
{
    struct connection *connection = arg;
    json_t *message = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));

    FUZZ_HOLDS(!connection->dropped && type != NULL && strlen(text) == length);
    FUZZ_HOLDS(!connection->world->receiving || is_immediate(type));
    FUZZ_HOLDS(json_is_real(json_object_get(message, "server_tx")));
    json_decref(message);
}

static void on_drop(void *arg, const char *why)
{
    struct connection *connection = arg;

    FUZZ_HOLDS(!connection->dropped && why != NULL);
    connection->dropped = true;
}

static void on_busy_changed(void *arg)
{
    struct connection *connection = arg;

    if (connection->client != NULL)
        rules_busy(connection->client);
}

static const char *on_limit(void *arg, enum rules_rate rate, size_t bytes)
{
    (void)bytes;
    struct connection *connection = arg;

    FUZZ_HOLDS(rate < RULES_RATES);
    return connection->world->refusing ? "not now" : NULL;
}

static bool on_backlogged(void *arg)
{
    const struct connection *connection = arg;

    return connection->world->backlogged;
}

static bool on_channel(void *arg, bool begins)
{
    struct connection *connection = arg;

    FUZZ_HOLDS(begins || connection->channels > 0);
    if (begins && connection->world->refusing)
        return false;
    connection->channels += begins ? 1 : -1;
    return true;
}

static void on_expired(void *arg, const struct relay_answer *answer)
{
    (void)arg;
    (void)answer;
}

/* ---- what happens ---- */

static void leave(struct connection *connection)
{
    rules_leave(connection->client);
    FUZZ_HOLDS(connection->channels == 0);
    connection->client = NULL;
    connection->dropped = false;
}

static void speak(struct connection *connection, struct fuzz_input said)
{
    struct world *world = connection->world;

    if (connection->client == NULL)
        connection->client = rules_enter(world->rules, connection, "the-resource", world->now);
    FUZZ_HOLDS(connection->client != NULL);
    if (connection->dropped)
        return;
    uint8_t *text = fuzz_copy(said);

    world->receiving = !world->hurry;
    rules_receive(connection->client, (const char *)text, said.length, world->now);
    world->receiving = false;
    free(text);
    if (connection->dropped)
        leave(connection);
}

static void pass_time(struct world *world)
{
    world->now += RETENTION / 2;
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (world->connections[i].client != NULL)
            rules_touch(world->connections[i].client, world->now);
    world->store->expire(world->store->self, world->now, 100, on_expired, world);
}

static void say_speak(struct world *world, uint8_t what, struct fuzz_input rest)
{
    speak(&world->connections[what - '0'], rest);
}

static void say_leave(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)rest;
    leave(&world->connections[what - 'x']);
}

static void say_run(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)rest;
    memory_store_run(world->memory, what == 'R' ? SIZE_MAX : 1);
}

static void say_hurry(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    (void)rest;
    world->hurry = !world->hurry;
    memory_store_hurry(world->memory, world->hurry);
}

static void say_fail(struct world *world, uint8_t what, struct fuzz_input rest)
{
    static const enum relay_result results[] = {RELAY_DONE, RELAY_FULL, RELAY_BROKEN,
                                                RELAY_IN_DOUBT};

    (void)what;
    memory_store_fail(world->memory, results[fuzz_byte(&rest) % 4]);
}

static void say_pass(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    (void)rest;
    pass_time(world);
}

static void say_gone(struct world *world, uint8_t what, struct fuzz_input rest)
{
    const struct relay_feed *feed = memory_store_feed(world->memory);

    (void)what;
    (void)rest;
    world->store->expire(world->store->self, world->now + 2 * RETENTION, 100, on_expired, world);
    memory_store_run(world->memory, SIZE_MAX);
    feed->gone(feed->arg, "a", "m", UINT64_MAX);
}

static void say_refuse(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    (void)rest;
    world->refusing = !world->refusing;
}

static void say_backlog(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    (void)rest;
    world->backlogged = !world->backlogged;
    for (size_t i = 0; i < CONNECTIONS && !world->backlogged; i++)
        if (world->connections[i].client != NULL)
            rules_drained(world->connections[i].client, world->now);
}

static void say_permit(struct world *world, uint8_t what, struct fuzz_input rest)
{
    (void)what;
    (void)rest;
    FUZZ_HOLDS(rules_set(world->rules, &(struct rules_settings){.message_max = MESSAGE_MAX,
                                                                .retention = RETENTION,
                                                                .hashcash_bits = 2,
                                                                .motd = "hello"}));
}

static void (*const happenings[256])(struct world *, uint8_t what, struct fuzz_input rest) = {
    ['0'] = say_speak,   ['1'] = say_speak,  ['2'] = say_speak, ['x'] = say_leave,
    ['y'] = say_leave,   ['z'] = say_leave,  ['r'] = say_run,   ['R'] = say_run,
    ['h'] = say_hurry,   ['f'] = say_fail,   ['t'] = say_pass,  ['q'] = say_refuse,
    ['m'] = say_backlog, ['b'] = say_permit, ['g'] = say_gone,
};

/* ---- randomness ---- */

/* Marks of messages are drawn; the same input must give the same ones, so that it can name a place
 * in a mailbox: the first draw is all ones, the second all twos, … */
static uint8_t drawn;

static const char *random_name(void)
{
    return "none";
}

static uint32_t random_number(void)
{
    return ++drawn;
}

static void random_bytes(void *const buffer, const size_t length)
{
    memset(buffer, ++drawn, length);
}

static randombytes_implementation no_randomness = {
    .implementation_name = random_name,
    .random = random_number,
    .buf = random_bytes,
};

/* ---- begin and end ---- */

static void open_world(struct world *world)
{
    static const struct rules_hooks hooks = {.send = on_send,
                                             .drop = on_drop,
                                             .busy_changed = on_busy_changed,
                                             .limit = on_limit,
                                             .backlogged = on_backlogged,
                                             .channel = on_channel};
    static const struct rules_settings settings = {
        .message_max = MESSAGE_MAX, .retention = RETENTION, .channels = CHANNELS, .list = true};

    drawn = 0;
    randombytes_set_implementation(&no_randomness);
    *world = (struct world){.memory = memory_store_new(&limits), .now = 1700000000000};
    world->store = memory_store_interface(world->memory);
    world->rules = rules_new(world->store, &hooks, &settings);
    FUZZ_HOLDS(world->rules != NULL);
    for (size_t i = 0; i < CONNECTIONS; i++)
        world->connections[i].world = world;
}

/* Whatever was said: when all have gone and the time is over, nothing is left. */
static void close_world(struct world *world)
{
    struct relay_counts left;
    struct rules_counts counts;

    for (size_t i = 0; i < CONNECTIONS; i++)
        leave(&world->connections[i]);
    memory_store_fail(world->memory, RELAY_DONE);
    memory_store_run(world->memory, SIZE_MAX);
    world->now += 2 * RETENTION;
    world->store->expire(world->store->self, world->now, UINT32_MAX, on_expired, world);
    memory_store_run(world->memory, SIZE_MAX);
    world->store->count(world->store->self, &left);
    FUZZ_HOLDS(left.nameplates == 0 && left.mailboxes == 0 && left.messages == 0);
    rules_count(world->rules, &counts);
    FUZZ_HOLDS(counts.clients == 0 && counts.listening == 0);
    rules_free(world->rules);
    memory_store_free(world->memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct fuzz_input input = {data, length}, line;
    struct world world;

    open_world(&world);
    while (fuzz_line(&input, &line)) {
        uint8_t what = fuzz_byte(&line);

        if (happenings[what] != NULL)
            happenings[what](&world, what, line);
    }
    close_world(&world);
    return 0;
}
