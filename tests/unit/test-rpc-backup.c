/* backup: in pieces, of one moment, one at a time; and what ends it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>
#include <sodium.h>

#include "daemon/backups.h"
#include "kv/kv_parts.h"
#include "service/log.h"
#include "tests/unit/rpc-fixture.h"
#include "tests/unit/talk.h"

/* A minute passes at once. */
static bool hurried;

int __real_event_add(struct event *event, const struct timeval *timeout);
int __wrap_event_add(struct event *event, const struct timeval *timeout);
int __wrap_event_add(struct event *event, const struct timeval *timeout)
{
    static const struct timeval now = {0, 0};
    if (hurried && timeout != NULL && timeout->tv_sec == BACKUPS_PATIENCE_SECONDS)
        timeout = &now;
    return __real_event_add(event, timeout);
}

/* Asks for a piece. *ret_next is -1 after the last; returns its length. */
static size_t fetch(struct talk *talk, json_int_t position, json_int_t *ret_next)
{
    char params[64];
    snprintf(params, sizeof(params), "{'position': %lld}", (long long)position);
    json_t *result = talk_result(talk, "backup", params);
    json_t *next = json_object_get(result, "next");
    size_t length = json_string_length(json_object_get(result, "data"));
    assert_true(json_is_null(next) || json_is_integer(next));
    *ret_next = json_is_null(next) ? -1 : json_integer_value(next);
    json_decref(result);
    return length;
}

/* Messages without NULs or other bytes that are no text do not matter here: sizes do. */
static void fill(struct rpc_fixture *fixture, unsigned messages)
{
    char *text = malloc(60001);
    assert_non_null(text);
    memset(text, 'x', 60000);
    text[60000] = '\0';
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    for (uint32_t number = 0; number < messages; number++)
        rpc_fixture_deliver(fixture, "n", number, text);
    free(text);
}

static void in_pieces(void **state)
{
    struct rpc_fixture *fixture = *state;
    unsigned pieces = 0;
    json_int_t position = 0, next;
    fill(fixture, 20);
    do {
        size_t length = fetch(fixture->talk, position, &next);
        pieces++;
        assert_true(length > 0);
        assert_true(next < 0 || next == position + (json_int_t)BACKUPS_PIECE);
        position = next;
    } while (next >= 0);
    assert_true(pieces >= 5); /* 1.2 MB */
    assert_null(fixture->rpc.store->snapshot);
    /* It is over. */
    talk_refused(fixture->talk, "backup", "{'position': 262144}", "no-backup", "at this place");
}

static void places(void **state)
{
    struct rpc_fixture *fixture = *state;
    json_int_t next;
    fill(fixture, 20);
    talk_refused(fixture->talk, "backup", "{'position': 5}", "no-backup", "at this place");
    talk_refused(fixture->talk, "backup", "{'position': -1}", "bad-params", "position");
    json_decref(talk_result(fixture->talk, "backup", "{}"));
    talk_refused(fixture->talk, "backup", "{'position': 5}", "no-backup", "at this place");
    /* Which has ended it. */
    assert_null(fixture->rpc.store->snapshot);
    fetch(fixture->talk, 0, &next);
    assert_int_equal(next, BACKUPS_PIECE);
    /* Anew, from the beginning. */
    fetch(fixture->talk, 0, &next);
    assert_int_equal(next, BACKUPS_PIECE);
    fetch(fixture->talk, next, &next);
    assert_int_equal(next, 2 * BACKUPS_PIECE);
}

static void one_at_a_time(void **state)
{
    struct rpc_fixture *fixture = *state;
    struct talk *other = rpc_fixture_come_in(fixture);
    json_int_t next;
    json_decref(talk_result(other, "hello", "{'api': 1}"));
    fill(fixture, 20);
    fetch(other, 0, &next);
    talk_refused(fixture->talk, "backup", "{}", "busy", "another backup");
    talk_refused(fixture->talk, "backup", "{'position': 262144}", "no-backup", "at this place");
    fetch(other, next, &next);
    /* The client leaves, and so does its backup. */
    assert_non_null(fixture->rpc.store->snapshot);
    talk_free(other);
    talk_settle(fixture->talk);
    assert_null(fixture->rpc.store->snapshot);
    fetch(fixture->talk, 0, &next);
}

static void too_slow(void **state)
{
    struct rpc_fixture *fixture = *state;
    struct talk *other = rpc_fixture_come_in(fixture);
    json_int_t next;
    json_decref(talk_result(other, "hello", "{'api': 1}"));
    fill(fixture, 20);
    hurried = true;
    fetch(fixture->talk, 0, &next);
    talk_settle(fixture->talk);
    hurried = false;
    assert_null(fixture->rpc.store->snapshot);
    talk_refused(fixture->talk, "backup", "{'position': 262144}", "no-backup", "for a minute");
    talk_refused(fixture->talk, "backup", "{'position': 262144}", "no-backup", "at this place");
    /* One that was given up keeps nobody from another, even before its client knows. */
    hurried = true;
    fetch(fixture->talk, 0, &next);
    talk_settle(fixture->talk);
    hurried = false;
    fetch(other, 0, &next);
    talk_refused(fixture->talk, "backup", "{'position': 262144}", "no-backup", "");
    fetch(other, next, &next);
    talk_free(other);
}

static void needed(void **state)
{
    struct rpc_fixture *fixture = *state;
    json_int_t next;
    fill(fixture, 20);
    fetch(fixture->talk, 0, &next);
    kv_snapshot_take_away(fixture->rpc.store); /* as for a change that lacks room */
    talk_refused(fixture->talk, "backup", "{'position': 262144}", "no-backup", "needed the room");
    fetch(fixture->talk, 0, &next);
    assert_int_equal(next, BACKUPS_PIECE);
}

/* Whoever takes a piece a minute does not make the store grow for as long as that takes. */
static void outgrown(void **state)
{
    struct rpc_fixture *fixture = *state;
    json_int_t next;
    fill(fixture, 20);
    fetch(fixture->talk, 0, &next);
    kv_snapshot_limit(fixture->rpc.store, UINT64_MAX / 2);
    fetch(fixture->talk, next, &next);
    uint64_t begun = kv_space_used(fixture->rpc.store);
    for (uint32_t number = 0; kv_space_used(fixture->rpc.store) == begun; number++)
        rpc_fixture_deliver(fixture, "n", number % 20, "another text");
    kv_snapshot_limit(fixture->rpc.store, 0);
    talk_refused(fixture->talk, "backup", "{'position': 524288}", "no-backup", "changed too much");
    fetch(fixture->talk, 0, &next);
    assert_int_equal(next, BACKUPS_PIECE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rpc_fixture_set_up, rpc_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(in_pieces), TEST(places), TEST(one_at_a_time),
        TEST(too_slow),  TEST(needed), TEST(outgrown),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
