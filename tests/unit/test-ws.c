/* The life of an open WebSocket: messages both ways, back-pressure, pings, endings; and an
 * application that may do anything from inside its callbacks. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net-world.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

#define BYE_FROM_OTHER "the other end closed the connection"

static void test_both_ways(void **state)
{
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    assert_true(party_send(&pair.client, "one"));
    assert_true(party_send(&pair.client, ""));
    assert_true(party_send(&pair.client, "three"));
    assert_true(party_send(&pair.server, "uno"));
    WAIT_FOR(&pair.world, pair.server.messages == 3 && pair.client.messages == 1);
    assert_true(party_got(&pair.server, "one"));
    assert_true(party_got(&pair.server, ""));
    assert_true(party_got(&pair.server, "three"));
    assert_true(party_got(&pair.client, "uno"));
    pair_end(&pair);
}

/* More than the kernel takes at once: there is a backlog, then word that it has left. */
static void test_big_messages(void **state)
{
    struct pair pair;
    char *text = world_big_text();

    (void)state;
    pair_begin(&pair);
    assert_true(party_send(&pair.client, text));
    assert_true(party_send(&pair.server, text));
    assert_true(ws_backlog(pair.client.ws) > WORLD_BIG);
    assert_true(ws_backlog(pair.server.ws) > WORLD_BIG);
    assert_int_equal(pair.client.drained + pair.server.drained, 0);
    WAIT_FOR(&pair.world, pair.client.messages && pair.server.messages && pair.client.drained &&
                              pair.server.drained);
    assert_true(party_got(&pair.client, text));
    assert_true(party_got(&pair.server, text));
    assert_int_equal(ws_backlog(pair.client.ws), 0);
    world_settle(&pair.world);
    assert_int_equal(pair.client.drained, 1); /* once, not at each answer to a ping */
    pair_end(&pair);
    free(text);
}

/* What all connections owe together is the sum, also after some of them have ended. */
static void test_backlog_of_all(void **state)
{
    struct pair pair;
    char *text = world_big_text();

    (void)state;
    pair_begin(&pair);
    assert_int_equal(ws_net_backlog(pair.world.net), 0);
    ws_pause(pair.client.ws, true);
    ws_pause(pair.server.ws, true);
    party_send(&pair.client, text);
    party_send(&pair.server, text);
    party_send(&pair.server, text);
    uint64_t taken = ws_taken(pair.client.ws);
    world_settle(&pair.world);
    assert_true(ws_taken(pair.client.ws) > taken);
    assert_true(ws_backlog(pair.server.ws) > WORLD_BIG);
    assert_int_equal(ws_net_backlog(pair.world.net),
                     ws_backlog(pair.client.ws) + ws_backlog(pair.server.ws));
    ws_pause(pair.server.ws, false);
    WAIT_FOR(&pair.world, pair.client.drained);
    assert_int_equal(ws_net_backlog(pair.world.net), ws_backlog(pair.server.ws));
    WAIT_FOR(&pair.world, ws_taken(pair.client.ws) > WORLD_BIG); /* the kernel's part, too */
    assert_true(ws_taken(pair.server.ws) < 2 * WORLD_BIG);
    ws_free(pair.server.ws);
    pair.server.ws = NULL;
    assert_int_equal(ws_net_backlog(pair.world.net), 0);
    pair_end(&pair);
    free(text);
}

enum { DRAINED_MAX = 1000 };

/* At the last, most have been read. */
static void send_when_drained(struct party *party)
{
    const struct pair *pair = (const struct pair *)party->world; /* it begins with its world */

    if (party->drained < DRAINED_MAX)
        party_send(party, "more");
    else
        assert_in_range(pair->server.messages, DRAINED_MAX / 2, DRAINED_MAX);
}

/* Who sends whenever all has left, to one who reads, does not keep the others waiting. */
static void test_drained_is_fair(void **state)
{
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    pair.client.on_drained = send_when_drained;
    party_send(&pair.client, "first");
    WAIT_FOR(&pair.world, pair.server.messages == DRAINED_MAX);
    assert_int_equal(pair.client.drained, DRAINED_MAX);
    pair_end(&pair);
}

static void pause_it(struct party *party)
{
    ws_pause(party->ws, true);
}

/* Of messages that have come together, those behind the pause wait. */
static void test_pause(void **state)
{
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    pair.server.on_message = pause_it;
    party_send(&pair.client, "one");
    party_send(&pair.client, "two");
    party_send(&pair.client, "three");
    WAIT_FOR(&pair.world, pair.server.messages == 1 && pair.client.drained);
    world_settle(&pair.world);
    assert_int_equal(pair.server.messages, 1);
    CALL(&pair.server, ws_pause(pair.server.ws, false));
    WAIT_FOR(&pair.world, pair.server.messages == 2);
    world_settle(&pair.world);
    assert_int_equal(pair.server.messages, 2);
    pair.server.on_message = NULL;
    CALL(&pair.server, ws_pause(pair.server.ws, false));
    party_send(&pair.client, "four");
    WAIT_FOR(&pair.world, pair.server.messages == 4);
    assert_true(party_got(&pair.server, "one"));
    assert_true(party_got(&pair.server, "two"));
    assert_true(party_got(&pair.server, "three"));
    assert_true(party_got(&pair.server, "four"));
    pair_end(&pair);
}

/* An end that does not read slows down the one that writes. */
static void test_pause_stops_the_peer(void **state)
{
    struct pair pair;
    char *text = world_big_text();

    (void)state;
    pair_begin(&pair);
    ws_pause(pair.server.ws, true);
    for (int i = 0; i < 10; i++)
        party_send(&pair.client, text);
    world_settle(&pair.world);
    assert_true(ws_backlog(pair.client.ws) > WORLD_BIG);
    ws_pause(pair.server.ws, false);
    WAIT_FOR(&pair.world, pair.server.messages == 10 && pair.client.drained);
    pair_end(&pair);
    free(text);
}

/* What came before the end is delivered, though the application was not ready when the end came. */
static void test_end_while_paused(void **state)
{
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    pair.server.on_message = pause_it;
    party_send(&pair.client, "one");
    party_send(&pair.client, "two");
    WAIT_FOR(&pair.world, pair.server.messages == 1 && pair.client.drained);
    ws_free(pair.client.ws);
    pair.client.ws = NULL;
    world_settle(&pair.world);
    assert_int_equal(pair.server.closed, 0);
    pair.server.on_message = NULL;
    CALL(&pair.server, ws_pause(pair.server.ws, false));
    WAIT_FOR(&pair.world, pair.server.closed);
    assert_int_equal(pair.server.messages, 2);
    assert_string_equal(pair.server.why, "the other end dropped the connection");
    pair_end(&pair);
}

static void test_close_by(struct pair *pair, struct party *closer, struct party *other)
{
    char *text = world_big_text();

    assert_true(party_send(closer, text));
    CALL(closer, ws_close(closer->ws));
    CALL(closer, ws_close(closer->ws));
    assert_false(party_send(closer, "late"));
    WAIT_FOR(&pair->world, closer->closed && other->closed);
    assert_string_equal(closer->why, "closed");
    assert_string_equal(other->why, BYE_FROM_OTHER);
    assert_int_equal(other->messages, 1);
    assert_true(party_got(other, text));
    free(text);
}

static void test_close(void **state)
{
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    test_close_by(&pair, &pair.client, &pair.server);
    pair_end(&pair);
    pair_begin(&pair);
    test_close_by(&pair, &pair.server, &pair.client);
    pair_end(&pair);
}

static void test_close_at_once_by_both(void **state)
{
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    ws_close(pair.client.ws);
    ws_close(pair.server.ws);
    WAIT_FOR(&pair.world, pair.client.closed && pair.server.closed);
    assert_string_equal(pair.client.why, "closed");
    assert_string_equal(pair.server.why, "closed");
    pair_end(&pair);
}

/* Who closes wants no more messages, and need not have been reading. */
static void test_close_while_paused(void **state)
{
    struct pair pair;

    (void)state;
    pair_begin(&pair);
    pair.server.on_message = pause_it;
    for (int i = 0; i < 5; i++)
        party_send(&pair.client, "message");
    WAIT_FOR(&pair.world, pair.server.messages == 1 && pair.client.drained);
    CALL(&pair.server, ws_close(pair.server.ws));
    WAIT_FOR(&pair.world, pair.client.closed && pair.server.closed);
    assert_int_equal(pair.server.messages, 1);
    assert_string_equal(pair.server.why, "closed");
    pair_end(&pair);
}

/* Who sends far too much sees why it was cut off, instead of a reset, though it is still sending.
 */
static void test_oversized_sees_why(void **state)
{
    struct pair pair;
    struct ws_options options;
    char *text = world_big_text();

    (void)state;
    ws_options_default(&options);
    options.message_max = 1000;
    pair_begin_with(&pair, &options);
    assert_true(party_send(&pair.client, text));
    WAIT_FOR(&pair.world, pair.client.closed && pair.server.closed);
    assert_string_equal(pair.server.why, "the other end sent a message of more than 1000 bytes");
    assert_string_equal(pair.client.why, BYE_FROM_OTHER " with status 1009");
    pair_end(&pair);
    free(text);
}

static void test_close_before_open(void **state)
{
    struct world world;
    struct party party;
    uint16_t port;
    int listener = world_listen("127.0.0.1", &port);
    struct url url = world_url("ws://127.0.0.1:%u", port);

    (void)state;
    world_begin(&world, NULL);
    party_begin(&party, &world);
    party_dial(&party, &url);
    assert_false(party_send(&party, "early"));
    CALL(&party, ws_close(party.ws));
    WAIT_FOR(&world, party.closed);
    assert_int_equal(party.opened, 0);
    assert_string_equal(party.why, "closed before it was open");
    party_end(&party);
    world_end(&world);
    close(listener);
}

/* Everything an application may do from inside a callback. */

static void free_it(struct party *party)
{
    ws_free(party->ws);
    party->ws = NULL;
}

static void close_it(struct party *party)
{
    ws_close(party->ws);
}

static void send_and_close_it(struct party *party)
{
    ws_send(party->ws, "bye", 3);
    ws_pause(party->ws, true);
    ws_close(party->ws);
}

static void close_and_free_it(struct party *party)
{
    ws_close(party->ws);
    free_it(party);
}

static void (*const deeds[])(struct party *party) = {free_it, close_it, send_and_close_it,
                                                     close_and_free_it};

/* A connection with a message each way, and `deed` done in one of the callbacks of one end. */
static void run_deed(void (*deed)(struct party *party), bool by_server, unsigned where)
{
    struct world world;
    struct party ends[2];
    struct party *doer = &ends[by_server];
    uint16_t port;
    int listener = world_listen("127.0.0.1", &port);
    struct url url = world_url("ws://127.0.0.1:%u", port);
    void (**const hooks[])(struct party * party) = {&doer->on_opened, &doer->on_message,
                                                    &doer->on_drained, &doer->on_closed};

    world_begin(&world, NULL);
    for (int i = 0; i < 2; i++)
        party_begin(&ends[i], &world);
    *hooks[where] = deed;
    party_dial(&ends[0], &url);
    party_accept(&ends[1], world_accept(&world, listener));
    close(listener);
    WAIT_FOR(&world, (ends[0].opened && ends[1].opened) || ends[0].closed || ends[1].closed);
    for (int i = 0; i < 2; i++)
        if (ends[i].ws != NULL) {
            party_send(&ends[i], "hello");
            party_send(&ends[i], "again");
        }
    if (where == 3)
        ws_close(ends[!by_server].ws);
    WAIT_FOR(&world, doer->ws == NULL && (ends[!by_server].closed || ends[!by_server].ws == NULL));
    for (int i = 0; i < 2; i++)
        party_end(&ends[i]);
    world_end(&world);
}

static void test_deeds_in_callbacks(void **state)
{
    (void)state;
    for (size_t deed = 0; deed < LENGTH(deeds); deed++)
        for (int by_server = 0; by_server <= 1; by_server++)
            for (unsigned where = 0; where < 4; where++)
                run_deed(deeds[deed], by_server, where);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_big_messages),
        cmocka_unit_test(test_backlog_of_all),
        cmocka_unit_test(test_drained_is_fair),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_pause_stops_the_peer),
        cmocka_unit_test(test_end_while_paused),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_close_at_once_by_both),
        cmocka_unit_test(test_close_while_paused),
        cmocka_unit_test(test_oversized_sees_why),
        cmocka_unit_test(test_close_before_open),
        cmocka_unit_test(test_deeds_in_callbacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
