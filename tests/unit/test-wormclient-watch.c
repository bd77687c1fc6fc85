/* Many who wait on one connection: they share its subscription, none disturbs another, and all go
 * on when the connection comes back. And the asynchronous calls, of which the table of methods says
 * which there must be. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/message.h"
#include "ipc/methods.h"
#include "libclient/wormclient.h"
#include "wormclient-peer.h"
#include "wormclient-script.h"

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbb"

/* ---- the table of methods ---- */

/* The two that are no calls of their own. */
#define wormclient_hello           wormclient_connect
#define wormclient_hello_async     wormclient_start
#define wormclient_subscribe       wormclient_wait
#define wormclient_subscribe_async wormclient_watch

/* A method without its two functions does not compile. */
static void (*const functions[METHOD_COUNT][2])(void) = {
#define METHOD(ID, name, ...)                                                                      \
    [METHOD_##ID] = {(void (*)(void))wormclient_##name, (void (*)(void))wormclient_##name##_async},
#include "ipc/methods.def"
};

/* Whatever a new session may be told, has a setter. */
#define OPTION(ID, key, ...) (void (*)(void)) wormclient_options_set_##key,
static void (*const setters[])(void) = {
#include "ipc/methods.def"
    (void (*)(void))wormclient_options_set_schedule,
    (void (*)(void))wormclient_options_set_once,
};

static void each_method_is_typed(void **state)
{
    (void)state;
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        assert_non_null(functions[i][0]);
        assert_non_null(functions[i][1]);
    }
    for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++)
        assert_non_null(setters[i]);
    /* What invite takes is what can be set. */
    assert_int_equal(methods_row(METHOD_INVITE)->param_count, sizeof(setters) / sizeof(setters[0]));
}

/* ---- the daemon's part ---- */

static void say(struct peer *peer, struct writer *writer)
{
    assert_true(writer_ok(writer));
    peer_say(peer, (const char *)writer->buffer.data, writer->buffer.size, SIZE_MAX / 2);
    writer_free(writer);
}

static void say_view(struct peer *peer, uint32_t id, const char *session, const char *state)
{
    struct writer writer;
    writer_init(&writer);
    message_begin_response(&writer, id);
    writer_map(&writer, NULL);
    writer_text(&writer, "id", session);
    writer_text(&writer, "state", state);
    writer_end(&writer);
    say(peer, &writer);
}

static void say_subscribed(struct peer *peer, uint32_t id, int64_t change)
{
    struct writer writer;
    writer_init(&writer);
    message_begin_response(&writer, id);
    writer_map(&writer, NULL);
    writer_number(&writer, "change", change);
    writer_end(&writer);
    say(peer, &writer);
}

static void say_changed(struct peer *peer, int64_t change, const char *session)
{
    struct writer writer;
    writer_init(&writer);
    message_begin_notification(&writer, METHODS_CHANGED);
    writer_map(&writer, NULL);
    writer_number(&writer, "change", change);
    writer_text(&writer, "session", session);
    writer_end(&writer);
    say(peer, &writer);
}

/* The next request is this one; without a session if that is NULL. */
static void expect(struct peer *peer, uint32_t id, const char *method, const char *session)
{
    struct writer writer;
    writer_init(&writer);
    message_begin_request(&writer, id, method);
    writer_map(&writer, NULL);
    if (session != NULL)
        writer_text(&writer, "session", session);
    writer_end(&writer);
    assert_true(writer_ok(&writer));
    peer_expect(peer, (const char *)writer.buffer.data, writer.buffer.size);
    writer_free(&writer);
}

/* ---- who is told ---- */

struct heard {
    int calls;
    enum wormclient_error_code code;
    uint64_t change;
    char text[32]; /* the session's state, or the id of what changed */
};

static void waited(struct wormclient *client, const struct wormclient_error *error,
                   const struct wormclient_session *session, void *arg)
{
    struct heard *heard = arg;
    (void)client;
    assert_true((error == NULL) != (session == NULL));
    heard->calls++;
    heard->code = error != NULL ? error->code : WORMCLIENT_ERROR_NONE;
    if (session != NULL)
        snprintf(heard->text, sizeof(heard->text), "%s", wormclient_session_state(session));
}

static void changed(struct wormclient *client, const struct wormclient_error *error,
                    uint64_t change, const char *session, void *arg)
{
    struct heard *heard = arg;
    (void)client;
    heard->calls++;
    heard->code = error != NULL ? error->code : WORMCLIENT_ERROR_NONE;
    heard->change = change;
    snprintf(heard->text, sizeof(heard->text), "%s", session != NULL ? session : "any");
}

static void check_heard(const struct heard *heard, int calls, const char *text)
{
    assert_int_equal(heard->calls, calls);
    assert_int_equal(heard->code, WORMCLIENT_ERROR_NONE);
    assert_string_equal(heard->text, text);
}

static struct wormclient_waiter *wait_keyed(struct peer *peer, const char *session,
                                            struct heard *heard)
{
    struct wormclient_waiter *waiter = wormclient_wait_async(
        peer->client, session, wormclient_is_keyed, NULL, -1, waited, heard, NULL);
    assert_non_null(waiter);
    return waiter;
}

/* ---- sharing ---- */

static void one_subscription_for_all(void **state)
{
    (void)state;
    struct peer peer;
    struct heard a = {0}, b = {0}, all = {0};
    peer_open_greeted(&peer);
    struct wormclient_waiter *waiter = wait_keyed(&peer, A, &a);
    expect(&peer, 2, "subscribe", A);
    say_subscribed(&peer, 2, 5);
    expect(&peer, 3, "show", A);
    /* A second session: the subscription is widened, once, for whoever else comes. */
    wait_keyed(&peer, B, &b);
    struct wormclient_watch *watch = wormclient_watch(peer.client, NULL, changed, &all, NULL);
    assert_non_null(watch);
    expect(&peer, 4, "subscribe", NULL);
    say_view(&peer, 3, A, "waiting");
    say_subscribed(&peer, 4, 5);
    expect(&peer, 5, "show", B);
    peer_expect_no_more(&peer);
    check_heard(&all, 1, "any");
    say_view(&peer, 5, B, "waiting");
    /* Each looks at its own session only. */
    say_changed(&peer, 6, B);
    expect(&peer, 6, "show", B);
    peer_expect_no_more(&peer);
    check_heard(&all, 2, B);
    say_view(&peer, 6, B, "keyed");
    check_heard(&b, 1, "keyed");
    assert_int_equal(a.calls, 0);
    /* 7 was merged into 8, and may have been about the other one. */
    say_changed(&peer, 8, B);
    expect(&peer, 7, "show", A);
    peer_expect_no_more(&peer);
    check_heard(&all, 3, "any");
    say_view(&peer, 7, A, "waiting");
    /* One goes; the other is told as before. */
    wormclient_waiter_cancel(waiter);
    say_changed(&peer, 9, A);
    peer_expect_no_more(&peer);
    check_heard(&all, 4, A);
    assert_int_equal(all.change, 9);
    wormclient_watch_free(watch);
    say_changed(&peer, 10, A);
    assert_int_equal(all.calls, 4);
    assert_int_equal(a.calls, 0);
    assert_int_equal(b.calls, 1);
    peer_close(&peer);
}

/* What changed before the wider subscription was there, was not told by the narrow one. */
static void nothing_falls_between_two_subscriptions(void **state)
{
    (void)state;
    struct peer peer;
    struct heard a = {0}, all = {0};
    peer_open_greeted(&peer);
    wait_keyed(&peer, A, &a);
    expect(&peer, 2, "subscribe", A);
    say_subscribed(&peer, 2, 5);
    expect(&peer, 3, "show", A);
    say_view(&peer, 3, A, "waiting");
    assert_non_null(wormclient_watch(peer.client, NULL, changed, &all, NULL));
    expect(&peer, 4, "subscribe", NULL);
    say_subscribed(&peer, 4, 6);
    expect(&peer, 5, "show", A);
    say_view(&peer, 5, A, "keyed");
    check_heard(&a, 1, "keyed");
    check_heard(&all, 1, "any");
    peer_close(&peer);
}

static void a_session_that_is_not_there(void **state)
{
    (void)state;
    struct peer peer;
    struct heard a = {0}, b = {0};
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct writer writer;
    peer_open_greeted(&peer);
    wait_keyed(&peer, A, &a);
    expect(&peer, 2, "subscribe", A);
    writer_init(&writer);
    message_error(&writer, 2, IPC_NOT_FOUND, "no");
    say(&peer, &writer);
    assert_int_equal(a.calls, 1);
    assert_int_equal(a.code, WORMCLIENT_ERROR_NOT_FOUND);
    /* The connection is good, for others. */
    wait_keyed(&peer, B, &b);
    expect(&peer, 3, "subscribe", B);
    say_subscribed(&peer, 3, 5);
    expect(&peer, 4, "show", B);
    say_view(&peer, 4, B, "keyed");
    check_heard(&b, 1, "keyed");
    assert_null(wormclient_watch(peer.client, "laptop", changed, &b, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_ARGUMENT);
    peer_close(&peer);
}

static void time_is_told_to_the_loop(void **state)
{
    (void)state;
    struct peer peer;
    struct heard a = {0};
    peer_open_greeted(&peer);
    assert_int_equal(wormclient_timeout(peer.client), -1);
    assert_non_null(
        wormclient_wait_async(peer.client, A, wormclient_is_keyed, NULL, 60000, waited, &a, NULL));
    int timeout = wormclient_timeout(peer.client);
    assert_true(timeout > 0 && timeout <= 60000);
    wormclient_free(peer.client);
    peer.client = NULL;
    assert_int_equal(a.calls, 1);
    assert_int_equal(a.code, WORMCLIENT_ERROR_LOST);
    peer_close(&peer);
}

static void free_from_a_watch(struct wormclient *client, const struct wormclient_error *error,
                              uint64_t change, const char *session, void *arg)
{
    struct wormclient_watch **watch = arg;
    (void)client;
    (void)error;
    (void)change;
    (void)session;
    wormclient_watch_free(*watch);
    *watch = NULL;
}

static void a_watch_that_frees_itself(void **state)
{
    (void)state;
    struct peer peer;
    struct wormclient_watch *watch;
    struct heard all = {0};
    peer_open_greeted(&peer);
    watch = wormclient_watch(peer.client, NULL, free_from_a_watch, &watch, NULL);
    assert_non_null(wormclient_watch(peer.client, NULL, changed, &all, NULL));
    expect(&peer, 2, "subscribe", NULL);
    say_subscribed(&peer, 2, 5);
    assert_null(watch);
    check_heard(&all, 1, "any");
    peer_close(&peer);
}

/* ---- the first of several ---- */

static void of_any(struct script *script, const struct message *request)
{
    script_view(script, request, "waiting");
}

static void desk_is_keyed(struct script *script, const struct message *request)
{
    script_view(script, request, script_says(request, "session", "desk") ? "keyed" : "waiting");
}

static void the_first_of_two(void **state)
{
    (void)state;
    /* The subscription of the first is widened for the second, which may be looked at then. */
    static const struct step steps[] = {{"subscribe", of_any},
                                        {"subscribe", of_any},
                                        {"show", desk_is_keyed},
                                        {"show", desk_is_keyed},
                                        SCRIPT_END};
    static const char *const sessions[] = {"laptop", "desk"};
    struct script script;
    size_t index = 7;
    script_start(&script, steps);
    struct wormclient_session *session = wormclient_wait_any(
        script.client, sessions, 2, wormclient_is_keyed, NULL, 10000, &index, NULL);
    /* Both names are the same session here; what counts is who came first. */
    assert_non_null(session);
    assert_int_equal(index, 1);
    wormclient_session_free(session);
    script_end(&script);
}

/* ---- a connection that comes back ---- */

struct place {
    char dir[64];
    struct sockaddr_un address;
    int listener;
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    const char *tmp = getenv("TMPDIR");
    snprintf(place->dir, sizeof(place->dir), "%s/wormclient.XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(place->dir));
    place->address.sun_family = AF_UNIX;
    snprintf(place->address.sun_path, sizeof(place->address.sun_path), "%s/s", place->dir);
    place->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(place->listener, errno);
    assert_return_code(
        bind(place->listener, (struct sockaddr *)&place->address, sizeof(place->address)), errno);
    assert_return_code(listen(place->listener, 4), errno);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    close(place->listener);
    unlink(place->address.sun_path);
    assert_return_code(rmdir(place->dir), errno);
    free(place);
    return 0;
}

static int64_t newest;

static void fill_newest(struct writer *writer)
{
    writer_number(writer, "change", newest);
}

static void subscribed_at_newest(struct script *script, const struct message *request)
{
    script_result(script, request, fill_newest);
}

static void waiting(struct script *script, const struct message *request)
{
    script_view(script, request, "waiting");
}

static void keyed(struct script *script, const struct message *request)
{
    script_view(script, request, "keyed");
}

static void waiting_then_gone(struct script *script, const struct message *request)
{
    waiting(script, request);
    script_hang_up(script, request);
}

struct connection {
    int lost, back;
};

static void on_connection(struct wormclient *client, const struct wormclient_error *error,
                          void *arg)
{
    struct connection *connection = arg;
    (void)client;
    if (error != NULL)
        connection->lost++;
    else
        connection->back++;
}

/* Connects to a daemon that follows the first script, with a waiter and, perhaps, a watch; the
 * daemon goes away, and comes back with the second one. */
static void come_back(const struct place *place, const struct step *first,
                      const struct step *second, int64_t second_newest, struct heard *waiter,
                      struct heard *watch)
{
    struct script script;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct connection connection = {0};
    newest = 5;
    script_listen(&script, first, place->listener);
    struct wormclient *client = wormclient_connect(place->address.sun_path, &error);
    assert_non_null(client);
    wormclient_set_reconnect(client, true);
    wormclient_on_connection(client, on_connection, &connection);
    if (waiter != NULL)
        assert_non_null(wormclient_wait_async(client, SCRIPT_ID, wormclient_is_keyed, NULL, 60000,
                                              waited, waiter, &error));
    if (watch != NULL)
        assert_non_null(wormclient_watch(client, NULL, changed, watch, &error));
    while (connection.lost == 0)
        assert_true(wormclient_run_once(client, -1, &error));
    script_end(&script);
    assert_int_equal(wormclient_fd(client), -1);
    assert_int_equal(wormclient_interest(client), 0);
    assert_true(wormclient_timeout(client) >= 0);
    /* Meanwhile nothing can be asked. */
    assert_null(wormclient_show(client, SCRIPT_ID, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_LOST);
    newest = second_newest;
    script_listen(&script, second, place->listener);
    while (script.played < 1 || connection.back == 0 || (waiter != NULL && waiter->calls == 0))
        assert_true(wormclient_run_once(client, 10, &error));
    /* What the daemon answered last is here, behind it. */
    struct wormclient_session *session = wormclient_show(client, SCRIPT_ID, &error);
    assert_non_null(session);
    wormclient_session_free(session);
    assert_int_equal(connection.lost, 1);
    assert_int_equal(connection.back, 1);
    wormclient_free(client);
    script_end(&script);
}

static void waiters_go_on(void **state)
{
    static const struct step first[] = {
        {"subscribe", subscribed_at_newest}, {"show", waiting_then_gone}, SCRIPT_END};
    static const struct step second[] = {
        {"subscribe", subscribed_at_newest}, {"show", keyed}, {"show", waiting}, SCRIPT_END};
    struct heard heard = {0};
    come_back(*state, first, second, 6, &heard, NULL);
    check_heard(&heard, 1, "keyed");
}

/* A look that was lost with the connection is taken again, even if nothing has changed. */
static void lost_looks_are_taken_again(void **state)
{
    static const struct step first[] = {
        {"subscribe", subscribed_at_newest}, {"show", script_hang_up}, SCRIPT_END};
    static const struct step second[] = {
        {"subscribe", subscribed_at_newest}, {"show", keyed}, {"show", waiting}, SCRIPT_END};
    struct heard heard = {0};
    come_back(*state, first, second, 5, &heard, NULL);
    check_heard(&heard, 1, "keyed");
}

static void subscribed_then_gone(struct script *script, const struct message *request)
{
    subscribed_at_newest(script, request);
    script_hang_up(script, request);
}

/* The number of the newest change tells whether something was missed. */
static void missed_changes_are_told(void **state)
{
    static const struct step first[] = {{"subscribe", subscribed_then_gone}, SCRIPT_END};
    static const struct step second[] = {
        {"subscribe", subscribed_at_newest}, {"show", waiting}, SCRIPT_END};
    struct heard watch = {0};
    come_back(*state, first, second, 6, NULL, &watch);
    check_heard(&watch, 2, "any");
    assert_int_equal(watch.change, 6);
    watch = (struct heard){0};
    come_back(*state, first, second, 5, NULL, &watch);
    check_heard(&watch, 1, "any");
}

/* Without the option it is as it was. */
static void not_without_being_asked(void **state)
{
    const struct place *place = *state;
    static const struct step steps[] = {{"show", script_hang_up}, SCRIPT_END};
    struct script script;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    script_listen(&script, steps, place->listener);
    struct wormclient *client = wormclient_connect(place->address.sun_path, &error);
    assert_non_null(client);
    assert_null(wormclient_show(client, "laptop", &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_LOST);
    assert_false(wormclient_process(client, &error));
    assert_int_equal(wormclient_timeout(client), -1);
    wormclient_free(client);
    script_end(&script);
}

/* Its waiters have to end with it. */
static void a_client_that_is_freed_while_away(void **state)
{
    const struct place *place = *state;
    static const struct step steps[] = {
        {"subscribe", subscribed_at_newest}, {"show", script_hang_up}, SCRIPT_END};
    struct script script;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct connection connection = {0};
    struct heard heard = {0};
    script_listen(&script, steps, place->listener);
    struct wormclient *client = wormclient_connect(place->address.sun_path, &error);
    assert_non_null(client);
    wormclient_set_reconnect(client, true);
    wormclient_on_connection(client, on_connection, &connection);
    assert_non_null(wormclient_wait_async(client, SCRIPT_ID, wormclient_is_keyed, NULL, -1, waited,
                                          &heard, &error));
    while (connection.lost == 0)
        assert_true(wormclient_run_once(client, -1, &error));
    assert_int_equal(heard.calls, 0);
    wormclient_free(client);
    assert_int_equal(heard.calls, 1);
    assert_int_equal(heard.code, WORMCLIENT_ERROR_LOST);
    script_end(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_method_is_typed),
        cmocka_unit_test(one_subscription_for_all),
        cmocka_unit_test(nothing_falls_between_two_subscriptions),
        cmocka_unit_test(a_session_that_is_not_there),
        cmocka_unit_test(time_is_told_to_the_loop),
        cmocka_unit_test(a_watch_that_frees_itself),
        cmocka_unit_test(the_first_of_two),
        cmocka_unit_test_setup_teardown(waiters_go_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lost_looks_are_taken_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missed_changes_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_without_being_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_that_is_freed_while_away, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
