/* Subscribers: told once for all changes of a turn, only of what they asked for, and the newest
 * change when they were slow, at constant memory. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <event2/event.h>
#include <sodium.h>

#include "daemon/ipc_connection.h"
#include "daemon/subscribers.h"
#include "ipc/message.h"
#include "tests/unit/talk.h"

static const uint8_t session_a[SESSION_ID_BYTES] = {0xaa};
static const uint8_t session_b[SESSION_ID_BYTES] = {0xbb};

struct desk {
    struct event_base *base;
    struct subscribers *subscribers;
    struct ipc_connection *client;
    struct subscription subscription;
    struct talk *talk;
};

static void on_message(struct ipc_connection *client, const struct message *message, void *arg)
{
    (void)client;
    (void)message;
    (void)arg;
}

static void on_drained(struct ipc_connection *client, void *arg)
{
    (void)client;
    subscribers_drained(&((struct desk *)arg)->subscription);
}

static void on_closed(struct ipc_connection *client, void *arg)
{
    (void)client;
    ((struct desk *)arg)->client = NULL;
}

static const struct ipc_connection_handlers handlers = {on_message, on_drained, on_closed};

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    desk->base = event_base_new();
    desk->subscribers = subscribers_new(desk->base);
    desk->client = ipc_connection_new(desk->base, ends[0], &handlers, desk);
    desk->talk = talk_new(desk->base, ends[1]);
    subscription_init(&desk->subscription, desk->client);
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    subscribers_remove(&desk->subscription);
    subscribers_free(desk->subscribers);
    ipc_connection_free(desk->client);
    talk_free(desk->talk);
    event_base_free(desk->base);
    free(desk);
    return 0;
}

/* `session` NULL: any. */
static void expect_change(struct desk *desk, json_int_t change, const char *session)
{
    json_t *message = talk_hear(desk->talk);
    assert_string_equal(json_string_value(json_array_get(message, 1)), "changed");
    json_t *params = json_array_get(message, 2);
    assert_int_equal(json_integer_value(json_object_get(params, "change")), change);
    if (session == NULL)
        assert_true(json_is_null(json_object_get(params, "session")));
    else
        assert_string_equal(json_string_value(json_object_get(params, "session")), session);
    json_decref(message);
}

/* Nothing is on its way: the next that comes is this change. */
static void expect_silence(struct desk *desk)
{
    talk_settle(desk->talk);
    uint8_t id[SESSION_ID_BYTES] = {0xee};
    subscribers_set(desk->subscribers, &desk->subscription, NULL, false, 0);
    subscribers_changed(desk->subscribers, 1000000, id);
    expect_change(desk, 1000000, "ee00000000000000");
}

static void one_for_all_changes_of_a_turn(void **state)
{
    struct desk *desk = *state;
    subscribers_set(desk->subscribers, &desk->subscription, NULL, false, 0);
    for (unsigned i = 1; i <= 100; i++)
        subscribers_changed(desk->subscribers, i, i == 100 ? session_b : session_a);
    expect_change(desk, 100, "bb00000000000000");
    subscribers_changed(desk->subscribers, 101, session_a);
    expect_change(desk, 101, "aa00000000000000");
    expect_silence(desk);
}

static void one_session_only(void **state)
{
    struct desk *desk = *state;
    subscribers_set(desk->subscribers, &desk->subscription, session_a, true, 0);
    assert_true(subscribers_attend(desk->subscribers, session_a));
    assert_false(subscribers_attend(desk->subscribers, session_b));
    subscribers_changed(desk->subscribers, 1, session_b);
    talk_settle(desk->talk);
    subscribers_changed(desk->subscribers, 2, session_a);
    subscribers_changed(desk->subscribers, 3, session_b);
    expect_change(desk, 2, "aa00000000000000");
    subscribers_set(desk->subscribers, &desk->subscription, session_b, false, 0); /* replaces */
    assert_false(subscribers_attend(desk->subscribers, session_a));
    assert_false(subscribers_attend(desk->subscribers, session_b));
    subscribers_changed(desk->subscribers, 4, session_a);
    talk_settle(desk->talk);
    subscribers_changed(desk->subscribers, 5, session_b);
    expect_change(desk, 5, "bb00000000000000");
    subscribers_changed(desk->subscribers, 6, session_b);
    subscribers_set(desk->subscribers, &desk->subscription, session_a, false, 0);
    expect_silence(desk);
}

static void not_any_more(void **state)
{
    struct desk *desk = *state;
    subscribers_set(desk->subscribers, &desk->subscription, NULL, false, 0);
    subscribers_changed(desk->subscribers, 1, session_a);
    subscribers_remove(&desk->subscription);
    subscribers_changed(desk->subscribers, 2, session_a);
    expect_silence(desk);
}

/* The end of a lease has no number, so no gap tells of it: a client that is told of two sessions at
 * once looks at all. */
static void end_of_a_lease(void **state)
{
    struct desk *desk = *state;
    subscribers_set(desk->subscribers, &desk->subscription, NULL, false, 7);
    subscribers_unleased(desk->subscribers, session_a);
    expect_change(desk, 7, "aa00000000000000");
    subscribers_unleased(desk->subscribers, session_a);
    subscribers_changed(desk->subscribers, 8, session_a);
    expect_change(desk, 8, "aa00000000000000");
    subscribers_unleased(desk->subscribers, session_a);
    subscribers_changed(desk->subscribers, 9, session_b);
    expect_change(desk, 9, NULL);
    subscribers_changed(desk->subscribers, 10, session_b);
    subscribers_unleased(desk->subscribers, session_a);
    expect_change(desk, 10, NULL);
    subscribers_changed(desk->subscribers, 11, session_b);
    expect_change(desk, 11, "bb00000000000000");
}

static void slow_one(void **state)
{
    struct desk *desk = *state;
    struct writer writer;
    static const uint8_t data[1 << 20];
    writer_init(&writer);
    message_begin_response(&writer, 1);
    writer_data(&writer, NULL, data, sizeof(data));
    ipc_connection_send(desk->client, &writer);
    size_t backlog = ipc_connection_backlog(desk->client);
    assert_true(backlog > 0);
    subscribers_set(desk->subscribers, &desk->subscription, NULL, false, 0);
    for (unsigned i = 1; i <= 1000; i++) {
        subscribers_changed(desk->subscribers, i, session_a);
        event_base_loop(desk->base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(ipc_connection_backlog(desk->client), backlog);
    json_decref(talk_hear(desk->talk));
    expect_change(desk, 1000, "aa00000000000000");
    expect_silence(desk);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_for_all_changes_of_a_turn),
        TEST(one_session_only),
        TEST(not_any_more),
        TEST(end_of_a_lease),
        TEST(slow_one),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
