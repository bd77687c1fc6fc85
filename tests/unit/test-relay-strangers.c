/* The relay among strangers: whatever they send gives an `error` or an end, and the others go on;
 * so it is when memory runs out. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-rules-fixture.h"
#include "scarce.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static void test_nonsense(void **state)
{
    static const char error[] = "{'type':'error','orig':null,"
                                "'error':'not a JSON object, or one beyond all bounds'}";
    static const char *const bad[] = {"", "{", "[1]", "{'type':'ping','ping':1e999}", "\xff"};
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    rules_fixture_open(&fixture, &rules_fixture_settings);
    client_enter(&client, &fixture);
    for (size_t i = 0; i < LENGTH(bad); i++) {
        client_say(&client, bad[i]);
        client_expect(&client, error);
    }
    client_say(&client, "{'id':'x'}");
    client_expect_error(&client, "missing 'type'");
    client_do(&client, "{'type':'ping','ping':1}");
    client_expect(&client, "{'type':'pong','pong':1}");
    assert_null(client.dropped);
    client_leave(&client);
    rules_fixture_close(&fixture);
}

/* Every type with every key of every wrong type, bound and not: acknowledged, refused, nothing
 * stored. */
static void test_wrong_types(void **state)
{
    static const char *const types[] = {
        "add", "bind", "claim", "close", "open", "ping", "release", "submit-permissions",
    };
    static const char *const values[] = {"0.5", "true", "[]", "{'a':{}}", "''"};
    struct rules_fixture fixture;
    struct test_client clients[2];
    struct relay_counts counts;

    (void)state;
    rules_fixture_open(&fixture, &rules_fixture_settings);
    client_enter(&clients[0], &fixture);
    client_bind(&clients[1], &fixture, "app", "side");
    for (size_t i = 0; i < 2 * LENGTH(types) * LENGTH(values); i++) {
        struct test_client *client = &clients[i % 2];
        const char *value = values[i / 2 % LENGTH(values)];
        const char *type = types[i / 2 / LENGTH(values)];
        char text[300];
        json_t *answer;

        /* An empty phase, body, mood or id is fine; so they are numbers. A ping must not be. */
        snprintf(text, sizeof(text),
                 "{'type':'%s','appid':%s,'side':%s,'nameplate':%s,'mailbox':%s,'phase':1,"
                 "'body':2,'mood':3,'method':%s,'stamp':%s,'ping':[%s],'id':null}",
                 type, value, value, value, value, value, value, value);
        client_run(client, text);
        answer = client_next(client);
        assert_string_equal(json_string_value(json_object_get(answer, "type")), "error");
        assert_string_equal(
            json_string_value(json_object_get(json_object_get(answer, "orig"), "type")), type);
        json_decref(answer);
        client_expect_nothing(client);
    }
    fixture.store->count(fixture.store->self, &counts);
    assert_int_equal(counts.commits, 0);
    client_leave(&clients[0]);
    client_leave(&clients[1]);
    rules_fixture_close(&fixture);
}

/* Any id is acknowledged as it came; but only short texts are kept. */
static void test_ids(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    rules_fixture_open(&fixture, &rules_fixture_settings);
    client_enter(&client, &fixture);
    client_fail(&client, "{'type':'ping','ping':1,'id':7}", "'id' must be a string");
    client_fail(&client, "{'type':'ping','ping':1,'id':{'a':[1.25]}}", "'id' must be a string");
    client_do(&client, "{'type':'ping','ping':1,'id':''}");
    client_expect(&client, "{'type':'pong','pong':1}");
    client_leave(&client);
    rules_fixture_close(&fixture);
}

/* ---- when memory runs out ---- */

/* Hooks that need none. */
struct end {
    struct rules_client *client;
    unsigned sent;
    bool dropped;
};

static void on_send(void *connection, const char *text, size_t length)
{
    struct end *end = connection;

    assert_false(end->dropped);
    assert_int_equal(strlen(text), length);
    end->sent++;
}

static void on_drop(void *connection, const char *why)
{
    struct end *end = connection;

    assert_false(end->dropped);
    assert_non_null(why);
    end->dropped = true;
}

static const struct rules_hooks frugal_hooks = {.send = on_send, .drop = on_drop};

static void say(struct end *end, const char *text)
{
    if (end->client)
        rules_receive(end->client, text, strlen(text), 0);
}

/* Everything once; with the store's answers at the end of each. */
static void converse(struct memory_store *memory, struct end *end)
{
    static const char *const said[] = {
        "{\"type\":\"bind\",\"appid\":\"app\",\"side\":\"A\"}",
        "{\"type\":\"allocate\"}",
        "{\"type\":\"claim\",\"nameplate\":\"44\"}",
        "{\"type\":\"list\"}",
        "{\"type\":\"open\",\"mailbox\":\"m\"}",
        "{\"type\":\"add\",\"phase\":\"0\",\"body\":\"00ff\",\"id\":\"x\"}",
        "{\"type\":\"ping\",\"ping\":1}",
        "{\"type\":\"nonsense\"}",
        "{\"type\":\"release\"}",
        "{\"type\":\"close\",\"mood\":\"happy\"}",
    };

    for (size_t i = 0; i < LENGTH(said); i++) {
        say(end, said[i]);
        memory_store_run(memory, SIZE_MAX);
    }
}

/* True if an allocation failed. Whether or not, everything is freed, and all is told or the
 * connection ends. */
static bool run_with_failure(unsigned nth)
{
    static const struct relay_limits limits = {
        .retention = 1000, .mailbox_bytes = 1000, .mailbox_messages = 100};
    struct rules_settings settings = {.motd = "m", .error = "e", .message_max = 1000, .list = true};
    struct end end = {NULL, 0, false};
    struct memory_store *memory;
    struct rules *rules = NULL;
    bool failed;

    scarce_fail_nth(nth);
    memory = memory_store_new(&limits);
    if (memory)
        rules = rules_new(memory_store_interface(memory), &frugal_hooks, &settings);
    if (rules) {
        end.client = rules_enter(rules, &end, NULL, 0);
        converse(memory, &end);
    }
    failed = scarce_end();
    /* welcome, 10 acks, allocated, claimed, nameplates, message, pong, error, released, closed */
    if (end.client && !end.dropped)
        assert_in_range(end.sent, 18, 20);
    rules_leave(end.client);
    rules_free(rules);
    memory_store_free(memory);
    return failed;
}

static void test_out_of_memory(void **state)
{
    unsigned nth = 1;

    (void)state;
    while (run_with_failure(nth))
        nth++;
    assert_in_range(nth, 100, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_out_of_memory),
    };

    scarce_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
