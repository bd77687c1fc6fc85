/*
 * Shared connections at the relay: the rules over the memory store. Each channel is answered as a
 * connection of its own would be, whatever happens on the others.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-rules-fixture.h"

#define CHANNELS 4

#define BIND(side) "{'type':'bind','appid':'app','side':'" side "'"
#define OPEN       "{'type':'open','mailbox':'m'"
#define ADD        "{'type':'add','phase':'p','body':'00'"
#define PING       "{'type':'ping','ping':1"
#define LEAVE      "{'type':'leave'"
#define ON(n)      ",'channel':" #n "}"
#define PONG(n)    "{'type':'pong','pong':1,'channel':" #n "}"
#define NO_CHANNEL "there is no such channel"
#define NO_ROOM    "there is no room for one more session; try again later"

static void open_shared(struct rules_fixture *fixture, struct test_client *client)
{
    struct rules_settings settings = rules_fixture_settings;

    settings.channels = CHANNELS;
    rules_fixture_open(fixture, &settings);
    client_enter(client, fixture);
}

static void close_shared(struct rules_fixture *fixture, struct test_client *client)
{
    rules_fixture_run(fixture);
    client_expect_nothing(client);
    client_leave(client);
    assert_int_equal(client->channels, 0);
    rules_fixture_close(fixture);
}

/* Says it, and lets it happen; nothing is acknowledged. */
static void say(struct test_client *client, const char *text)
{
    client_say(client, text);
    rules_fixture_run(client->fixture);
}

static void expect_left(struct test_client *client, int channel, const char *reason, bool alone)
{
    char text[256];

    snprintf(text, sizeof(text), "{'type':'left','reason':'%s'%s,'channel':%d}", reason,
             alone ? ",'alone':true" : "", channel);
    client_expect(client, text);
}

static json_t *expect_on(struct test_client *client, int channel, const char *type)
{
    json_t *message = client_next(client);

    assert_string_equal(json_string_value(json_object_get(message, "type")), type);
    assert_int_equal(json_integer_value(json_object_get(message, "channel")), channel);
    return message;
}

static void expect_message(struct test_client *client, int channel, const char *side)
{
    json_t *message = expect_on(client, channel, "message");

    assert_string_equal(json_string_value(json_object_get(message, "side")), side);
    json_decref(message);
}

static void expect_error(struct test_client *client, int channel, const char *error)
{
    json_t *message = expect_on(client, channel, "error");

    assert_string_equal(json_string_value(json_object_get(message, "error")), error);
    json_decref(message);
}

/* ---- what is offered ---- */

static void test_offered(void **state)
{
    static const struct {
        unsigned channels, bits;
        bool offered;
    } cases[] = {{CHANNELS, 0, true}, {0, 0, false}, {CHANNELS, 10, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rules_settings settings = rules_fixture_settings;
        struct rules_fixture fixture;
        struct test_client client = {.fixture = &fixture, .told = json_array(), .places = INT_MAX};
        json_t *welcome, *offer;

        settings.channels = cases[i].channels;
        settings.hashcash_bits = cases[i].bits;
        rules_fixture_open(&fixture, &settings);
        client.rules = rules_enter(fixture.rules, &client, "the-resource", fixture.now);
        welcome = client_next(&client);
        offer = json_object_get(json_object_get(json_object_get(welcome, "welcome"), "extensions"),
                                "shared-connection");
        assert_int_equal(offer != NULL, cases[i].offered);
        if (offer != NULL) {
            assert_int_equal(json_integer_value(json_object_get(offer, "version")), 1);
            assert_int_equal(json_integer_value(json_object_get(offer, "channels")), CHANNELS);
            assert_int_equal(json_integer_value(json_object_get(offer, "max_message")),
                             RULES_CHANNEL_MESSAGE_MAX);
        }
        json_decref(welcome);
        client_leave(&client);
        rules_fixture_close(&fixture);
    }
}

/* To a relay that does not offer it the key is an unknown one, as to any other. */
static void test_not_offered(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    rules_fixture_open(&fixture, &rules_fixture_settings);
    client_enter(&client, &fixture);
    client_do(&client, BIND("A") ON(1));
    client_do(&client, PING ON(2));
    client_expect(&client, "{'type':'pong','pong':1}");
    client_do(&client, BIND("A") ON(1));
    client_expect_error(&client, "already bound");
    client_fail(&client, LEAVE ON(1), "leave requires 'channel'");
    close_shared(&fixture, &client);
}

/* ---- isolation ---- */

/* Two sides of one mailbox over one connection, and a third session elsewhere. */
static void test_separate_sessions(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    open_shared(&fixture, &client);
    say(&client, BIND("A") ON(1));
    say(&client, BIND("B") ON(2));
    say(&client, "{'type':'bind','appid':'other','side':'A'" ON(7));
    assert_int_equal(client.channels, 3);
    say(&client, OPEN ON(1));
    say(&client, OPEN ON(2));
    say(&client, OPEN ON(7));
    say(&client, ADD ON(1));
    expect_message(&client, 1, "A");
    expect_message(&client, 2, "A");
    say(&client, PING ON(7));
    client_expect(&client, PONG(7));
    say(&client, LEAVE ON(2));
    assert_int_equal(client.channels, 2);
    say(&client, ADD ON(1));
    expect_message(&client, 1, "A");
    close_shared(&fixture, &client);
}

/* A mailbox is deleted: the sessions that listen to it end, and no other. */
static void test_a_mailbox_is_gone(void **state)
{
    const struct relay_feed *feed;
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    open_shared(&fixture, &client);
    say(&client, BIND("A") ON(1));
    say(&client, BIND("B") ON(2));
    say(&client, OPEN ON(1));
    say(&client, OPEN ON(2));
    say(&client, BIND("A") ON(3));
    feed = memory_store_feed(fixture.memory);
    feed->gone(feed->arg, "app", "m", 1);
    expect_left(&client, 1, "the mailbox was deleted", false);
    expect_left(&client, 2, "the mailbox was deleted", false);
    assert_null(client.dropped);
    say(&client, PING ON(3));
    client_expect(&client, PONG(3));
    say(&client, BIND("A") ON(1)); /* it comes back */
    say(&client, OPEN ON(1));
    say(&client, ADD ON(1));
    expect_message(&client, 1, "A");
    close_shared(&fixture, &client);
}

/* The connection itself may be bound too. */
static void test_beside_the_connection(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    open_shared(&fixture, &client);
    client_do(&client, BIND("A") "}");
    client_run(&client, OPEN "}");
    say(&client, BIND("B") ON(1));
    say(&client, OPEN ON(1));
    say(&client, ADD ON(1));
    client_expect_message(&client, "B", "p");
    expect_message(&client, 1, "B");
    close_shared(&fixture, &client);
}

/* What is wrong on one channel says so there, and ends nothing else. */
static void test_errors(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    open_shared(&fixture, &client);
    say(&client, BIND("A") ON(1));
    say(&client, BIND("B") ON(2));
    say(&client, BIND("A") ON(1));
    expect_error(&client, 1, "already bound");
    say(&client, ADD ON(1));
    expect_error(&client, 1, "must open mailbox before adding");
    say(&client, "{'type':'open'" ON(1));
    expect_error(&client, 1, "open requires 'mailbox'");
    say(&client, "{'type':'odd'" ON(1));
    expect_error(&client, 1, "unknown type");
    say(&client, PING ON(3));
    expect_left(&client, 3, NO_CHANNEL, false);
    say(&client, LEAVE ON(3));
    client_say(&client, PING ON(0));
    client_expect_error(&client, "a channel must be a number from 1 to 2147483647");
    client_say(&client, PING ",'channel':'1'}");
    client_expect_error(&client, "a channel must be a number from 1 to 2147483647");
    client_say(&client, PING ",'channel':2147483648}");
    client_expect_error(&client, "a channel must be a number from 1 to 2147483647");
    client_fail(&client, "{'type':'leave'}", "leave requires 'channel'");
    say(&client, PING ON(2));
    client_expect(&client, PONG(2));
    say(&client, PING ON(1));
    client_expect(&client, PONG(1));
    close_shared(&fixture, &client);
}

static void test_acks_on_request(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    open_shared(&fixture, &client);
    say(&client, BIND("A") ",'id':'x'" ON(1));
    client_expect(&client, "{'type':'ack','id':'x','channel':1}");
    say(&client, PING ",'id':'y'" ON(1));
    client_expect(&client, "{'type':'ack','id':'y','channel':1}");
    client_expect(&client, PONG(1));
    close_shared(&fixture, &client);
}

/* Each channel has its own order; none waits for another. */
static void test_order(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    open_shared(&fixture, &client);
    client_say(&client, BIND("A") ON(1));
    client_say(&client, "{'type':'allocate'" ON(1));
    client_say(&client, PING ON(1));
    client_say(&client, BIND("B") ON(2));
    client_say(&client, PING ON(2));
    client_expect(&client, PONG(2));
    client_expect_nothing(&client);
    rules_fixture_run(&fixture);
    json_decref(expect_on(&client, 1, "allocated"));
    client_expect(&client, PONG(1));
    close_shared(&fixture, &client);
}

/* Who leaves is treated as one that hangs up: what it said last still counts. */
static void test_last_words(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    open_shared(&fixture, &client);
    say(&client, BIND("A") ON(1));
    say(&client, BIND("B") ON(2));
    say(&client, OPEN ON(1));
    say(&client, OPEN ON(2));
    client_say(&client, ADD ON(1));
    client_say(&client, LEAVE ON(1));
    client_say(&client, BIND("A") ON(1)); /* the number may be used again */
    rules_fixture_run(&fixture);
    expect_message(&client, 2, "A");
    say(&client, PING ON(1));
    client_expect(&client, PONG(1));
    close_shared(&fixture, &client);
}

/* ---- limits ---- */

static void test_room(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;
    char text[100];

    (void)state;
    open_shared(&fixture, &client);
    for (int i = 1; i <= CHANNELS + 1; i++) {
        snprintf(text, sizeof(text), BIND("A") ",'channel':%d}", i);
        say(&client, text);
    }
    expect_left(&client, CHANNELS + 1, NO_ROOM, false);
    say(&client, LEAVE ON(2));
    client.places = CHANNELS - 1; /* its address has no place for one more */
    say(&client, BIND("A") ON(9));
    expect_left(&client, 9, NO_ROOM, false);
    client.places = CHANNELS;
    say(&client, BIND("A") ON(9));
    say(&client, PING ON(9));
    client_expect(&client, PONG(9));
    close_shared(&fixture, &client);
}

/* Rates are charged for each session. */
static void test_rates(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    open_shared(&fixture, &client);
    say(&client, BIND("A") ON(1));
    say(&client, BIND("B") ON(2));
    say(&client, OPEN ON(1));
    say(&client, OPEN ON(2));
    assert_int_equal(fixture.limit_asked[RULES_RATE_OPEN], 2);
    fixture.limit_errors[RULES_RATE_ADD] = "too many";
    say(&client, ADD ON(1));
    expect_error(&client, 1, "too many");
    fixture.limit_errors[RULES_RATE_ADD] = NULL;
    say(&client, ADD ON(2));
    expect_message(&client, 1, "B");
    expect_message(&client, 2, "B");
    close_shared(&fixture, &client);
}

/* So much of a channel waits that the connection is not read; that ends with the channel. */
static void test_busy(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    open_shared(&fixture, &client);
    client_say(&client, BIND("A") ON(1));
    client_say(&client, BIND("B") ON(2));
    client_say(&client, OPEN ON(1));
    for (int i = 1; i < RULES_QUEUE_MAX; i++) {
        assert_false(rules_busy(client.rules));
        client_say(&client, PING ON(1));
    }
    assert_true(rules_busy(client.rules));
    assert_int_equal(client.busy_changes, 1);
    memory_store_fail(fixture.memory, RELAY_BROKEN);
    rules_fixture_run(&fixture);
    expect_error(&client, 1, "the relay's store failed, nothing was changed");
    for (int i = 1; i < RULES_QUEUE_MAX; i++)
        client_expect(&client, PONG(1));
    assert_false(rules_busy(client.rules));
    assert_int_equal(client.busy_changes, 2);
    memory_store_fail(fixture.memory, RELAY_DONE);
    close_shared(&fixture, &client);
}

static char *large_add(int channel)
{
    size_t size = RULES_CHANNEL_MESSAGE_MAX;
    char *text = malloc(size + 200);

    assert_non_null(text);
    snprintf(text, 100, "{'type':'add','phase':'p','channel':%d,'body':'", channel);
    size_t head = strlen(text);
    memset(text + head, '0', size);
    strcpy(text + head + size, "'}");
    return text;
}

/* What is too large for a shared connection ends its channel, and says that a connection of its own
 * is needed. */
static void test_too_large(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;
    char *text = large_add(1);

    (void)state;
    open_shared(&fixture, &client);
    say(&client, BIND("A") ON(1));
    say(&client, BIND("B") ON(2));
    say(&client, text);
    expect_left(&client, 1, "a message is too large for a shared connection", true);
    say(&client, PING ON(1));
    expect_left(&client, 1, NO_CHANNEL, false);
    say(&client, PING ON(2));
    client_expect(&client, PONG(2));
    assert_int_equal(client.channels, 1);
    free(text);
    close_shared(&fixture, &client);
}

/* ---- what is sent to it ---- */

static void fill(struct test_client *filler, int count)
{
    for (int i = 0; i < count; i++) {
        client_run(filler, ADD "}");
        json_array_clear(filler->told);
    }
}

/* More than a piece: the others would have to wait. */
static void test_much_in_the_mailbox(void **state)
{
    struct rules_fixture fixture;
    struct test_client client, other;

    (void)state;
    open_shared(&fixture, &client);
    client_bind(&other, &fixture, "app", "B");
    client_run(&other, OPEN "}");
    fill(&other, 2 * RULES_FIXTURE_PIECE);
    say(&client, BIND("A") ON(1));
    client_say(&client, OPEN ON(1));
    client_say(&client, PING ON(1));
    rules_fixture_run(&fixture);
    expect_left(&client, 1, "the mailbox holds too much for a shared connection", true);
    say(&client, BIND("C") ON(2));
    assert_int_equal(client.channels, 1);
    client_leave(&other);
    close_shared(&fixture, &client);
}

/* While much waits for the connection nothing more is put behind it; then the channels take turns.
 */
static void test_turns(void **state)
{
    struct rules_fixture fixture;
    struct test_client client, other;

    (void)state;
    open_shared(&fixture, &client);
    say(&client, BIND("A") ON(1));
    say(&client, "{'type':'bind','appid':'app','side':'C'" ON(2));
    say(&client, OPEN ON(1));
    say(&client, "{'type':'open','mailbox':'n'" ON(2));
    client.backlogged = true;
    client_bind(&other, &fixture, "app", "B");
    client_run(&other, OPEN "}");
    fill(&other, 2 * RULES_FIXTURE_PIECE);
    client_leave(&other);
    client_bind(&other, &fixture, "app", "D");
    client_run(&other, "{'type':'open','mailbox':'n'}");
    fill(&other, 2 * RULES_FIXTURE_PIECE);
    client_say(&client, PING ON(1));
    rules_fixture_run(&fixture);
    client_expect_nothing(&client);
    client_catch_up(&client);
    int switches = 0, last = 0, seen[3] = {0};
    while (json_array_size(client.told) > 1) {
        json_t *message = client_next(&client);
        int channel = (int)json_integer_value(json_object_get(message, "channel"));

        if (json_object_get(message, "pong") != NULL)
            assert_int_equal(seen[1], 2 * RULES_FIXTURE_PIECE);
        else
            seen[channel]++;
        switches += channel != last;
        last = channel;
        json_decref(message);
    }
    json_array_clear(client.told);
    assert_true(switches >= 2 * RULES_FIXTURE_PIECE / 2);
    client_leave(&other);
    close_shared(&fixture, &client);
}

/* One of those that wait to read goes, in the middle of its piece: the others go on. */
static void test_leaves_while_reading(void **state)
{
    struct rules_fixture fixture;
    struct test_client client, other;

    (void)state;
    open_shared(&fixture, &client);
    client_bind(&other, &fixture, "app", "B");
    client_run(&other, OPEN "}");
    say(&client, BIND("A") ON(1));
    say(&client, BIND("A") ON(2));
    say(&client, OPEN ON(1));
    say(&client, OPEN ON(2));
    client.backlogged = true;
    fill(&other, 2);
    client.backlogged = false;
    rules_drained(client.rules, fixture.now);
    client_say(&client, LEAVE ON(1));
    rules_fixture_run(&fixture);
    expect_message(&client, 2, "B");
    expect_message(&client, 2, "B");
    client_leave(&other);
    close_shared(&fixture, &client);
}

static void test_counts_and_touch(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;
    struct rules_counts counts;

    (void)state;
    open_shared(&fixture, &client);
    assert_false(rules_listening(client.rules));
    say(&client, BIND("A") ON(1));
    say(&client, BIND("B") ON(2));
    say(&client, OPEN ON(2));
    assert_true(rules_listening(client.rules));
    assert_int_equal(rules_channels(client.rules), 2);
    rules_count(fixture.rules, &counts);
    assert_int_equal(counts.clients, 1);
    assert_int_equal(counts.channels, 2);
    assert_int_equal(counts.listening, 1);
    fixture.now += 3000000;
    rules_touch(client.rules, fixture.now);
    rules_fixture_run(&fixture);
    fixture.store->expire(fixture.store->self, fixture.now + 3000000, 10, NULL, NULL);
    rules_fixture_run(&fixture);
    say(&client, ADD ON(2));
    expect_message(&client, 2, "B");
    close_shared(&fixture, &client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offered),
        cmocka_unit_test(test_not_offered),
        cmocka_unit_test(test_separate_sessions),
        cmocka_unit_test(test_a_mailbox_is_gone),
        cmocka_unit_test(test_beside_the_connection),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_acks_on_request),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_much_in_the_mailbox),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_leaves_while_reading),
        cmocka_unit_test(test_counts_and_touch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
