#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-desk.h"

const struct rules_settings desk_settings = {
    .message_max = 100000,
    .retention = 3600000,
    .list = true,
};

/* ---- hooks ---- */

static void on_send(void *connection, const char *text, size_t length)
{
    struct caller *caller = connection;
    json_t *message = json_loadb(text, length, 0, NULL);

    assert_null(caller->dropped);
    assert_non_null(message);
    assert_true(json_is_real(json_object_get(message, "server_tx")));
    json_object_del(message, "server_tx");
    json_array_append_new(caller->told, message);
}

static void on_drop(void *connection, const char *why)
{
    struct caller *caller = connection;

    assert_null(caller->dropped);
    caller->dropped = why;
}

static void on_eased(void *connection)
{
    struct caller *caller = connection;

    caller->eased++;
}

static const char *on_ration(void *connection, enum rules_ration ration)
{
    struct desk *desk = ((struct caller *)connection)->desk;

    desk->rations[ration]++;
    return desk->refusals[ration];
}

static bool on_behind(void *connection)
{
    const struct caller *caller = connection;

    return caller->behind;
}

/* ---- the desk ---- */

void desk_open(struct desk *desk, const struct rules_settings *settings)
{
    static const struct rules_hooks hooks = {on_send, on_drop, on_eased, on_ration, on_behind};
    static const struct relay_limits limits = {.retention = 3600000,
                                               .mailbox_bytes = 1000,
                                               .mailbox_messages = 100,
                                               .piece_bytes = DESK_PIECE};

    *desk = (struct desk){.now = DESK_START};
    desk->memory = memory_store_new(&limits);
    assert_non_null(desk->memory);
    desk->store = memory_store_interface(desk->memory);
    desk->rules = rules_new(desk->store, &hooks, settings);
    assert_non_null(desk->rules);
    memory_store_set_feed(desk->memory, rules_feed, desk->rules);
}

void desk_close(struct desk *desk)
{
    desk_run(desk);
    rules_free(desk->rules);
    desk->store->free(desk->store->self);
}

void desk_run(struct desk *desk)
{
    memory_store_run(desk->memory, SIZE_MAX);
}

/* ---- callers ---- */

void caller_enter(struct caller *caller, struct desk *desk)
{
    json_t *welcome;

    *caller = (struct caller){.desk = desk, .told = json_array()};
    caller->client = rules_enter(desk->rules, caller, "the-resource", desk->now);
    assert_non_null(caller->client);
    welcome = caller_next(caller);
    assert_string_equal(json_string_value(json_object_get(welcome, "type")), "welcome");
    json_decref(welcome);
}

void caller_bind(struct caller *caller, struct desk *desk, const char *appid, const char *side)
{
    char text[200];

    snprintf(text, sizeof(text), "{'type':'bind','appid':'%s','side':'%s'}", appid, side);
    caller_enter(caller, desk);
    caller_do(caller, text);
}

void caller_leave(struct caller *caller)
{
    rules_leave(caller->client);
    json_decref(caller->told);
}

void caller_catch_up(struct caller *caller)
{
    caller->behind = false;
    rules_drained(caller->client, caller->desk->now);
    desk_run(caller->desk);
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

void caller_say(struct caller *caller, const char *text)
{
    char *quoted = with_quotes(text);

    rules_receive(caller->client, quoted, strlen(quoted), caller->desk->now);
    free(quoted);
}

void caller_do(struct caller *caller, const char *text)
{
    json_t *said = parse(text), *id = json_object_get(said, "id"), *ack;

    caller_say(caller, text);
    ack = caller_next(caller);
    assert_string_equal(json_string_value(json_object_get(ack, "type")), "ack");
    if (id)
        assert_true(json_equal(json_object_get(ack, "id"), id));
    else
        assert_true(json_is_null(json_object_get(ack, "id")));
    json_decref(ack);
    json_decref(said);
}

void caller_run(struct caller *caller, const char *text)
{
    caller_do(caller, text);
    desk_run(caller->desk);
}

json_t *caller_next(struct caller *caller)
{
    json_t *message = json_incref(json_array_get(caller->told, 0));

    if (!message)
        fail_msg("nothing was told");
    json_array_remove(caller->told, 0);
    return message;
}

void caller_expect(struct caller *caller, const char *text)
{
    json_t *message = caller_next(caller), *expected = parse(text);
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

void caller_expect_error(struct caller *caller, const char *error)
{
    json_t *message = caller_next(caller);

    assert_field(message, "type", "error");
    assert_field(message, "error", error);
    assert_non_null(json_object_get(message, "orig"));
    json_decref(message);
}

void caller_expect_message(struct caller *caller, const char *side, const char *phase)
{
    json_t *message = caller_next(caller);

    assert_field(message, "type", "message");
    assert_field(message, "side", side);
    assert_field(message, "phase", phase);
    json_decref(message);
}

void caller_expect_nothing(const struct caller *caller)
{
    char *found = json_dumps(json_array_get(caller->told, 0), 0);

    if (found)
        fail_msg("more was told: %s", found);
    free(found);
}

void caller_fail(struct caller *caller, const char *text, const char *error)
{
    caller_run(caller, text);
    caller_expect_error(caller, error);
    caller_expect_nothing(caller);
}
