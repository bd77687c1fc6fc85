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

const struct rules_settings rules_fixture_settings = {
    .message_max = 100000,
    .retention = 3600000,
    .list = true,
};

/* ---- hooks ---- */

static void on_send(void *connection, const char *text, size_t length)
{
    struct test_client *client = connection;
    json_t *message = json_loadb(text, length, 0, NULL);

    assert_null(client->dropped);
    assert_non_null(message);
    assert_true(json_is_real(json_object_get(message, "server_tx")));
    json_object_del(message, "server_tx");
    json_array_append_new(client->told, message);
}

static void on_drop(void *connection, const char *why)
{
    struct test_client *client = connection;

    assert_null(client->dropped);
    client->dropped = why;
}

static void on_busy_changed(void *connection)
{
    struct test_client *client = connection;

    client->busy_changes++;
}

static const char *on_limit(void *connection, enum rules_rate rate, size_t bytes)
{
    (void)bytes;
    struct rules_fixture *fixture = ((struct test_client *)connection)->fixture;

    fixture->limit_asked[rate]++;
    return fixture->limit_errors[rate];
}

static bool on_channel(void *connection, bool begins)
{
    struct test_client *client = connection;

    if (begins && client->channels == client->places)
        return false;
    client->channels += begins ? 1 : -1;
    return true;
}

static bool on_backlogged(void *connection)
{
    const struct test_client *client = connection;

    return client->backlogged;
}

/* ---- the fixture ---- */

static struct rules *new_rules(const struct relay_store *store,
                               const struct rules_settings *settings)
{
    static const struct rules_hooks hooks = {.send = on_send,
                                             .drop = on_drop,
                                             .busy_changed = on_busy_changed,
                                             .limit = on_limit,
                                             .backlogged = on_backlogged,
                                             .channel = on_channel};
    struct rules *rules = rules_new(store, &hooks, settings);

    assert_non_null(rules);
    return rules;
}

struct rules *rules_fixture_rules(const struct relay_store *store)
{
    return new_rules(store, &rules_fixture_settings);
}

void rules_fixture_open(struct rules_fixture *fixture, const struct rules_settings *settings)
{
    static const struct relay_limits limits = {.retention = 3600000,
                                               .mailbox_bytes = 1000,
                                               .mailbox_messages = 100,
                                               .piece_bytes = RULES_FIXTURE_PIECE};

    *fixture = (struct rules_fixture){.now = RULES_FIXTURE_START};
    fixture->memory = memory_store_new(&limits);
    assert_non_null(fixture->memory);
    fixture->store = memory_store_interface(fixture->memory);
    fixture->rules = new_rules(fixture->store, settings);
}

void rules_fixture_close(struct rules_fixture *fixture)
{
    rules_fixture_run(fixture);
    rules_free(fixture->rules);
    fixture->store->free(fixture->store->self);
}

void rules_fixture_run(struct rules_fixture *fixture)
{
    memory_store_run(fixture->memory, SIZE_MAX);
}

/* ---- clients ---- */

void client_enter(struct test_client *client, struct rules_fixture *fixture)
{
    json_t *welcome;

    *client = (struct test_client){.fixture = fixture, .told = json_array(), .places = INT_MAX};
    client->rules = rules_enter(fixture->rules, client, "the-resource", fixture->now);
    assert_non_null(client->rules);
    welcome = client_next(client);
    assert_string_equal(json_string_value(json_object_get(welcome, "type")), "welcome");
    json_decref(welcome);
}

void client_bind(struct test_client *client, struct rules_fixture *fixture, const char *appid,
                 const char *side)
{
    char text[200];

    snprintf(text, sizeof(text), "{'type':'bind','appid':'%s','side':'%s'}", appid, side);
    client_enter(client, fixture);
    client_do(client, text);
}

void client_leave(struct test_client *client)
{
    rules_leave(client->rules);
    json_decref(client->told);
}

void client_catch_up(struct test_client *client)
{
    client->backlogged = false;
    rules_drained(client->rules, client->fixture->now);
    rules_fixture_run(client->fixture);
}

static char *with_quotes(const char *text)
{
    char *copy = strdup(text);

    assert_non_null(copy);
    for (char *at = copy; *at; at++) {
        if (*at == '\'')
            *at = '"';
    }
    return copy;
}

static json_t *parse(const char *text)
{
    char *quoted = with_quotes(text);
    json_t *value = json_loads(quoted, 0, NULL);

    if (!value)
        fail_msg("the test's own JSON is bad: %s", text);
    free(quoted);
    return value;
}

void client_say(struct test_client *client, const char *text)
{
    char *quoted = with_quotes(text);
    size_t length = strlen(quoted);

    rules_receive(client->rules, quoted, length, client->fixture->now);
    memset(quoted, '?', length); /* whoever still looks at it shall not see it */
    free(quoted);
}

void client_do(struct test_client *client, const char *text)
{
    json_t *said = parse(text), *id = json_object_get(said, "id"), *ack;

    client_say(client, text);
    ack = client_next(client);
    assert_string_equal(json_string_value(json_object_get(ack, "type")), "ack");
    if (id)
        assert_true(json_equal(json_object_get(ack, "id"), id));
    else
        assert_true(json_is_null(json_object_get(ack, "id")));
    json_decref(ack);
    json_decref(said);
}

void client_run(struct test_client *client, const char *text)
{
    client_do(client, text);
    rules_fixture_run(client->fixture);
}

json_t *client_next(struct test_client *client)
{
    json_t *message = json_incref(json_array_get(client->told, 0));

    if (!message)
        fail_msg("nothing was told");
    json_array_remove(client->told, 0);
    return message;
}

void client_expect(struct test_client *client, const char *text)
{
    json_t *message = client_next(client), *expected = parse(text);
    char *found = json_dumps(message, 0);

    if (!json_equal(message, expected))
        fail_msg("expected %s, found %s", text, found);
    free(found);
    json_decref(message);
    json_decref(expected);
}

static void assert_field(const json_t *message, const char *key, const char *value)
{
    const char *found = json_string_value(json_object_get(message, key));

    if (!found || strcmp(found, value) != 0)
        fail_msg("%s is %s, not %s", key, found ? found : "(absent)", value);
}

void client_expect_error(struct test_client *client, const char *error)
{
    json_t *message = client_next(client);

    assert_field(message, "type", "error");
    assert_field(message, "error", error);
    assert_non_null(json_object_get(message, "orig"));
    json_decref(message);
}

void client_expect_message(struct test_client *client, const char *side, const char *phase)
{
    json_t *message = client_next(client);

    assert_field(message, "type", "message");
    assert_field(message, "side", side);
    assert_field(message, "phase", phase);
    json_decref(message);
}

void client_expect_nothing(const struct test_client *client)
{
    char *found = json_dumps(json_array_get(client->told, 0), 0);

    if (found)
        fail_msg("more was told: %s", found);
    free(found);
}

void client_fail(struct test_client *client, const char *text, const char *error)
{
    client_run(client, text);
    client_expect_error(client, error);
    client_expect_nothing(client);
}
