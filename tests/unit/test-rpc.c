/* The methods over a real store and real turns, without a relay: what they answer, and that no
 * answer is lost when clients pipeline or go away. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "daemon/ipc_client.h"
#include "daemon/relays.h"
#include "daemon/ipc_server.h"
#include "ipc/message.h"
#include "service/log.h"
#include "state/store.h"
#include "state/store_parts.h"
#include "tests/unit/rpc-fixture.h"
#include "tests/unit/talk.h"

/* ---- manners ---- */

static void hello_comes_first(void **state)
{
    struct rpc_fixture *fixture = *state;
    struct talk *other = rpc_fixture_come_in(fixture);
    talk_refused(other, "list", "{}", "hello-first", "hello");
    talk_refused(other, "dance", "{}", "hello-first", "hello");
    talk_refused(other, "hello", "{}", "bad-params", "api");
    talk_refused(other, "list", "{}", "hello-first", "hello");
    rpc_fixture_expect_number(other, "hello", "{'api': 77, 'client': 'from the future'}", "api", 1);
    talk_refused(other, "dance", "{}", "unknown-method", "method");
    rpc_fixture_do(other, "list", "{}");
    talk_free(other);
}

static void params_that_are_no_map(void **state)
{
    struct rpc_fixture *fixture = *state;
    talk_say(fixture->talk, "[0, 9, 'list', [5]]");
    json_t *message = talk_hear(fixture->talk);
    assert_int_equal(json_integer_value(json_array_get(message, 1)), 9);
    assert_string_equal(rpc_fixture_text(json_array_get(message, 2), "code"), "bad-message");
    json_decref(message);
    assert_null(talk_hear(fixture->talk));
}

static void status(void **state)
{
    struct rpc_fixture *fixture = *state;
    struct relay *relay = relays_get(fixture->rpc.relays, "ws://r/");
    relay->proxy = strdup("socks5h://p:1080");
    fixture->settings.config_file = strdup("/wormholed.conf");
    relay_welcomed(relay, "hi", NULL, 5000);
    rpc_fixture_do(fixture->talk, "invite", "{'code': '7-x'}");
    json_t *result = talk_result(fixture->talk, "status", "{}");
    assert_int_equal(rpc_fixture_number(result, "sessions"), 1);
    assert_int_equal(rpc_fixture_number(result, "change"), 1);
    assert_int_equal(rpc_fixture_number(result, "started"), 12345);
    assert_string_equal(rpc_fixture_text(result, "state_dir"), fixture->directory);
    assert_string_equal(rpc_fixture_text(result, "default_relay"), "ws://127.0.0.1:1/v1");
    assert_string_equal(rpc_fixture_text(result, "default_relay_from"), "built in");
    assert_string_equal(rpc_fixture_text(result, "proxy_from"), "built in");
    assert_string_equal(rpc_fixture_text(result, "config"), "/wormholed.conf");
    json_t *row = json_array_get(json_object_get(result, "relays"), 0);
    assert_string_equal(rpc_fixture_text(row, "url"), "ws://r/");
    assert_string_equal(rpc_fixture_text(row, "proxy"), "socks5h://p:1080");
    assert_string_equal(rpc_fixture_text(row, "motd"), "hi");
    assert_int_equal(rpc_fixture_number(row, "retention"), 5000);
    assert_true(json_is_null(json_object_get(row, "retry_at")));
    json_decref(result);
}

/* ---- finding ---- */

static void finding(void **state)
{
    struct rpc_fixture *fixture = *state;
    char params[64], id[SESSION_ID_TEXT];
    json_t *view = talk_result(fixture->talk, "invite", "{'name': 'n'}");
    strcpy(id, rpc_fixture_text(view, "id"));
    json_decref(view);
    snprintf(params, sizeof(params), "{'session': '%s'}", id);
    rpc_fixture_expect_text(fixture->talk, "show", params, "name", "n");
    snprintf(params, sizeof(params), "{'session': '%.5s'}", id);
    rpc_fixture_expect_text(fixture->talk, "show", params, "name", "n");
    static const char *const methods[] = {"show",   "send",       "recv",   "ack",
                                          "close",  "forget",     "poll",   "subscribe",
                                          "verify", "derive_key", "rename", "export"};
#define OTHERS "'data': '', 'number': 0, 'ok': true, 'purpose': 'p', 'name': 'm'}"
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        talk_refused(fixture->talk, methods[i], "{'session': 'x', " OTHERS, "not-found", "");
        talk_refused(fixture->talk, methods[i],
                     "{'session': "
                     "'12345678901234567890123456789012345678901234567890123456789012345', " OTHERS,
                     "not-found", "");
        talk_refused(fixture->talk, methods[i], "{'session': 5, " OTHERS, "bad-params", "session");
    }
}

/* 17 sessions: two ids at least begin with the same digit. */
static void ambiguous_ids(void **state)
{
    struct rpc_fixture *fixture = *state;
    char params[64];
    rpc_fixture_do(fixture->talk, "invite", "{}");
    for (int i = 0; i < 16; i++)
        rpc_fixture_do(fixture->talk, "invite", "{}");
    int ambiguous = 0;
    for (int digit = 0; digit < 16; digit++) {
        snprintf(params, sizeof(params), "{'session': '%x'}", digit);
        json_t *answer = talk_ask(fixture->talk, "show", params);
        const char *code = rpc_fixture_text(json_array_get(answer, 0), "code");
        ambiguous += code && strcmp(code, "ambiguous") == 0;
        json_decref(answer);
    }
    assert_true(ambiguous > 0);
}

static void pages(void **state)
{
    struct rpc_fixture *fixture = *state;
    char params[64] = "{'limit': 3}", last[SESSION_ID_TEXT] = "";
    size_t sizes[4] = {0};
    for (int i = 0; i < 9; i++)
        rpc_fixture_do(fixture->talk, "invite", "{}");
    for (int page = 0; *params; page++) {
        assert_true(page < 4);
        json_t *result = talk_result(fixture->talk, "list", params);
        json_t *sessions = json_object_get(result, "sessions"), *view;
        sizes[page] = json_array_size(sessions);
        size_t i;
        json_array_foreach(sessions, i, view)
        {
            assert_true(strcmp(rpc_fixture_text(view, "id"), last) > 0);
            strcpy(last, rpc_fixture_text(view, "id"));
        }
        const char *next = rpc_fixture_text(result, "next");
        *params = 0;
        if (next)
            snprintf(params, sizeof(params), "{'limit': 3, 'after': '%s'}", next);
        json_decref(result);
    }
    assert_int_equal(sizes[0] + sizes[1] + sizes[2], 9);
    assert_int_equal(sizes[3], 0);
    talk_refused(fixture->talk, "list", "{'after': 'n'}", "bad-params", "after");
    talk_refused(fixture->talk, "list", "{'after': '0123'}", "bad-params", "after");
    talk_refused(fixture->talk, "list", "{'limit': 1001}", "bad-params", "limit");
}

/* ---- messages ---- */

static void mail(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    rpc_fixture_expect_number(fixture->talk, "send", "{'session': 'n', 'data': 'one'}", "number",
                              0);
    rpc_fixture_expect_number(fixture->talk, "send", "{'session': 'n', 'data': ''}", "number", 1);
    talk_refused(fixture->talk, "send", "{'session': 'n'}", "bad-params", "data");
    talk_refused(fixture->talk, "send", "{'session': 'n', 'data': 5}", "bad-params", "data");

    json_t *nothing = talk_result(fixture->talk, "recv", "{'session': 'n'}");
    assert_true(json_is_null(json_object_get(nothing, "number")));
    assert_true(json_is_null(json_object_get(nothing, "data")));
    json_decref(nothing);
    talk_refused(fixture->talk, "ack", "{'session': 'n', 'number': 0}", "bad-params", "number");

    rpc_fixture_deliver(fixture, "n", 0, "first");
    rpc_fixture_deliver(fixture, "n", 1, "");
    rpc_fixture_expect_text(fixture->talk, "recv", "{'session': 'n'}", "data", "first");
    rpc_fixture_expect_text(fixture->talk, "recv", "{'session': 'n'}", "data", "first");
    rpc_fixture_expect_text(fixture->talk, "recv", "{'session': 'n', 'from': 1}", "data", "");
    rpc_fixture_expect_number(fixture->talk, "show", "{'session': 'n'}", "unread", 2);
    rpc_fixture_expect_number(fixture->talk, "ack", "{'session': 'n', 'number': 0}", "unread", 1);
    rpc_fixture_expect_number(fixture->talk, "recv", "{'session': 'n'}", "number", 1);
    rpc_fixture_expect_number(fixture->talk, "ack", "{'session': 'n', 'number': 0}", "unread", 1);
    talk_refused(fixture->talk, "ack", "{'session': 'n', 'number': 2}", "bad-params", "number");
    talk_refused(fixture->talk, "recv", "{'session': 'n', 'from': -1}", "bad-params", "from");
    rpc_fixture_expect_number(fixture->talk, "ack", "{'session': 'n', 'number': 1}", "received", 2);
}

/* ---- leases ---- */

static struct talk *greeted(struct rpc_fixture *fixture)
{
    struct talk *talk = rpc_fixture_come_in(fixture);
    rpc_fixture_do(talk, "hello", "{'api': 1}");
    return talk;
}

/* `data` NULL: none is given. */
static void expect_data(struct talk *talk, const char *data)
{
    json_t *result = talk_result(talk, "recv", "{'session': 'n'}");
    if (data == NULL)
        assert_true(json_is_null(json_object_get(result, "number")));
    else
        assert_string_equal(rpc_fixture_text(result, "data"), data);
    json_decref(result);
}

static void expect_leased(struct talk *talk, bool leased)
{
    json_t *view = talk_result(talk, "show", "{'session': 'n'}");
    assert_int_equal(json_is_true(json_object_get(view, "leased")), leased);
    json_decref(view);
}

static void set_up_leases(struct rpc_fixture *fixture)
{
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    rpc_fixture_deliver(fixture, "n", 0, "first");
    rpc_fixture_deliver(fixture, "n", 1, "second");
    rpc_fixture_deliver(fixture, "n", 2, "third");
}

/* What one client was given, and what comes behind it, is not given to another until all of it is
 * acknowledged, by whomever. */
static void lease_ends_by_ack(void **state)
{
    struct rpc_fixture *fixture = *state;
    struct talk *other = greeted(fixture);
    set_up_leases(fixture);
    expect_data(fixture->talk, "first");
    rpc_fixture_expect_text(fixture->talk, "recv", "{'session': 'n', 'from': 1}", "data", "second");
    expect_data(other, NULL);
    json_t *nothing = talk_result(other, "recv", "{'session': 'n', 'from': 2}");
    assert_true(json_is_null(json_object_get(nothing, "number")));
    json_decref(nothing);
    expect_leased(other, true);
    expect_leased(fixture->talk, false);
    rpc_fixture_do(fixture->talk, "ack", "{'session': 'n', 'number': 0}");
    expect_data(other, NULL);
    rpc_fixture_do(other, "ack", "{'session': 'n', 'number': 1}");
    expect_leased(other, false);
    expect_data(other, "third");
    expect_data(fixture->talk, NULL);
    expect_leased(fixture->talk, true);
    talk_free(other);
}

/* The next one is told, and gets it. */
static void lease_ends_with_the_connection(void **state)
{
    struct rpc_fixture *fixture = *state;
    struct talk *other = greeted(fixture);
    set_up_leases(fixture);
    expect_data(other, "first");
    expect_data(fixture->talk, NULL);
    rpc_fixture_do(fixture->talk, "subscribe", "{'session': 'n'}");
    talk_free(other);
    json_t *message = talk_hear(fixture->talk);
    assert_string_equal(json_string_value(json_array_get(message, 1)), "changed");
    json_decref(message);
    expect_leased(fixture->talk, false);
    expect_data(fixture->talk, "first");
}

/* What a client asked for without waiting for answers. */
static void dispatch(struct ipc_client *client, const char *json)
{
    size_t length;
    uint8_t *data = talk_pack(json, &length);
    struct message message;
    assert_int_equal(message_decode(data, length, &message), MESSAGE_OK);
    rpc_dispatch(client, &message);
    message_free(&message);
    free(data);
}

static struct ipc_client *new_client(struct rpc_fixture *fixture, int *ret_end);

/* A client that goes away while it acknowledges has dealt with the message. If the
 * acknowledgement covers less than it was given, the rest is there for others afterwards. */
static void lease_outlives_the_connection_by_an_ack(void **state)
{
    struct rpc_fixture *fixture = *state;
    int end, next_end;
    struct ipc_client *client = new_client(fixture, &end);
    set_up_leases(fixture);
    rpc_fixture_do(fixture->talk, "subscribe", "{'session': 'n'}");
    dispatch(client, "[0, 1, 'recv', [{'session': 'n'}]]");
    dispatch(client, "[0, 2, 'recv', [{'session': 'n', 'from': 1}]]");
    dispatch(client, "[0, 3, 'ack', [{'session': 'n', 'number': 0}]]");
    ipc_client_free(client); /* before the turn */
    struct ipc_client *next = new_client(fixture, &next_end);
    dispatch(next, "[0, 4, 'recv', [{'session': 'n'}]]");
    json_decref(talk_hear(fixture->talk));
    expect_leased(fixture->talk, false); /* `next` was given nothing */
    expect_data(fixture->talk, "second");
    ipc_client_free(next);
    close(end);
    close(next_end);
}

/* The lease of a session that is forgotten goes with it. */
static void lease_of_a_forgotten_session(void **state)
{
    struct rpc_fixture *fixture = *state;
    struct talk *other = greeted(fixture);
    set_up_leases(fixture);
    expect_data(other, "first");
    rpc_fixture_do(fixture->talk, "forget", "{'session': 'n', 'force': true}");
    set_up_leases(fixture);
    expect_data(fixture->talk, "first");
    talk_free(other);
}

/* What stands in the store for a message is no message any more: that is said, and what came behind
 * it can be read when it is acknowledged. */
static void damaged_mail(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    rpc_fixture_deliver(fixture, "n", 0, "first");
    rpc_fixture_deliver(fixture, "n", 1, "second");
    struct kv_txn *txn = kv_write(fixture->rpc.store, 4096);
    struct session *session = rpc_fixture_take_out(txn, "n");
    struct kv_key key = store_key_message(session->id, 0);
    kv_put(txn, STORE_TABLE_INBOX, &key, "noise", 5);
    rpc_fixture_put_back(txn, session);
    talk_refused(fixture->talk, "recv", "{'session': 'n'}", "store-failed", "damaged");
    rpc_fixture_expect_text(fixture->talk, "recv", "{'session': 'n', 'from': 1}", "data", "second");
    rpc_fixture_expect_number(fixture->talk, "ack", "{'session': 'n', 'number': 0}", "unread", 1);
    rpc_fixture_expect_text(fixture->talk, "recv", "{'session': 'n'}", "data", "second");
}

/* All in one turn: each has its own number all the same. */
static void pipelined_sends(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    char all[8192];
    size_t total = 0;
    for (int i = 0; i < 100; i++) {
        char request[64];
        size_t length;
        snprintf(request, sizeof(request), "[0, %d, 'send', [{'session': 'n', 'data': 'x'}]]", i);
        void *data = talk_pack(request, &length);
        memcpy(all + total, data, length);
        total += length;
        free(data);
    }
    assert_int_equal(talk_bytes(fixture->talk, all, total), total);
    for (int i = 0; i < 100; i++) {
        json_t *message = talk_hear(fixture->talk);
        assert_int_equal(json_integer_value(json_array_get(message, 1)), i);
        assert_int_equal(rpc_fixture_number(json_array_get(message, 3), "number"), i);
        json_decref(message);
    }
}

/* More than may be under way at a time; all are answered. */
static void many_at_once(void **state)
{
    struct rpc_fixture *fixture = *state;
    const int count = 5 * IPC_CLIENT_CALLS_MAX;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    size_t length;
    void *data = talk_pack("[0, 5, 'poll', [{'session': 'n'}]]", &length);
    for (int i = 0; i < count; i++)
        talk_bytes(fixture->talk, data, length);
    for (int i = 0; i < count; i++)
        json_decref(talk_hear(fixture->talk));
    free(data);
}

static void on_gone(struct ipc_client *client, void *arg)
{
    (void)arg;
    ipc_client_free(client);
}

static const struct ipc_client_handlers client_handlers = {rpc_dispatch, on_gone};

/* *ret_end is the client's end; close(). */
static struct ipc_client *new_client(struct rpc_fixture *fixture, int *ret_end)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct ipc_client *client =
        ipc_client_new(fixture->base, ends[0], &fixture->rpc, &client_handlers, NULL);
    assert_non_null(client);
    client->greeted = true;
    *ret_end = ends[1];
    return client;
}

/* What was asked for is done, though nobody waits for the answer. */
static void asker_who_went_away(void **state)
{
    struct rpc_fixture *fixture = *state;
    int end;
    struct ipc_client *client = new_client(fixture, &end);
    dispatch(client, "[0, 5, 'invite', [{'name': 'n'}]]");
    ipc_client_free(client); /* before the turn */
    talk_settle(fixture->talk);
    rpc_fixture_expect_text(fixture->talk, "show", "{'session': 'n'}", "name", "n");
    close(end);
}

/* ---- typing a code ---- */

static void words(void **state)
{
    struct rpc_fixture *fixture = *state;
    json_t *result = talk_result(fixture->talk, "words", "{}");
    json_t *lists = json_object_get(result, "words");
    static const char *const first[] = {"adroitness", "aardvark"}, *const last[] = {"yucatan",
                                                                                    "zulu"};
    assert_int_equal(json_array_size(lists), 2);
    for (size_t i = 0; i < 2; i++) {
        json_t *list = json_array_get(lists, i);
        assert_int_equal(json_array_size(list), 256);
        assert_string_equal(json_string_value(json_array_get(list, 0)), first[i]);
        assert_string_equal(json_string_value(json_array_get(list, 255)), last[i]);
    }
    json_decref(result);
}

static void nameplates(void **state)
{
    struct rpc_fixture *fixture = *state;
    talk_refused(fixture->talk, "nameplates", "{'appid': ''}", "bad-params", "appid");
    talk_refused(fixture->talk, "nameplates", "{'relay': 'x'}", "bad-params", "relay");
    talk_refused(fixture->talk, "nameplates", "{}", "unreachable", "refused");
}

/* ---- ends and changes ---- */

static void endings(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    talk_refused(fixture->talk, "forget", "{'session': 'n'}", "not-closed", "");
    talk_refused(fixture->talk, "forget", "{'session': 'n', 'force': 1}", "bad-params", "force");
    rpc_fixture_expect_text(fixture->talk, "close", "{'session': 'n'}", "result", "lonely");
    rpc_fixture_expect_text(fixture->talk, "close", "{'session': 'n'}", "result", "lonely");
    talk_refused(fixture->talk, "send", "{'session': 'n', 'data': 'x'}", "closed", "");
    rpc_fixture_do(fixture->talk, "forget", "{'session': 'n', 'force': true}");
    talk_refused(fixture->talk, "show", "{'session': 'n'}", "not-found", "");
}

/* The log of a session has these events. */
static void assert_log(struct talk *talk, const char *params, const char *expected)
{
    char events[512] = "";
    json_t *result = talk_result(talk, "log", params);
    json_t *entry;
    size_t i;
    assert_int_equal(rpc_fixture_number(result, "dropped"), 0);
    json_array_foreach(json_object_get(result, "events"), i, entry)
    {
        if (i > 0)
            strcat(events, " ");
        strcat(events, rpc_fixture_text(entry, "event"));
        assert_true(rpc_fixture_number(entry, "first") <= rpc_fixture_number(entry, "last"));
        assert_true(strlen(rpc_fixture_text(entry, "sentence")) > 0);
    }
    assert_string_equal(events, expected);
    json_decref(result);
}

static void logs(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    assert_log(fixture->talk, "{'session': 'n'}", "invited-with-code");
    rpc_fixture_do(fixture->talk, "send", "{'session': 'n', 'data': 'x'}");
    rpc_fixture_do(fixture->talk, "send", "{'session': 'n', 'data': 'y'}");
    rpc_fixture_do(fixture->talk, "close", "{'session': 'n'}");
    assert_log(fixture->talk, "{'session': 'n'}", "invited-with-code queued ended closed");
    assert_log(fixture->talk, "{'session': 'n', 'limit': 2}", "ended closed");
    rpc_fixture_do(fixture->talk, "accept", "{'name': 'm', 'code': '8-x'}");
    assert_log(fixture->talk, "{'session': 'm'}", "accepted");
    rpc_fixture_do(fixture->talk, "forget", "{'session': 'n'}");
    talk_refused(fixture->talk, "log", "{'session': 'n'}", "not-found", "");
    talk_refused(fixture->talk, "log", "{'session': 'm', 'limit': 0}", "bad-params", "limit");
    talk_refused(fixture->talk, "log", "{}", "bad-params", "session");
}

static void changes(void **state)
{
    struct rpc_fixture *fixture = *state;
    rpc_fixture_expect_number(fixture->talk, "subscribe", "{}", "change", 0);
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'a', 'code': '7-x'}");
    json_t *view = talk_result(fixture->talk, "invite", "{'name': 'b', 'code': '8-x'}");
    rpc_fixture_do(fixture->talk, "poll", "{'session': 'a'}");
    rpc_fixture_do(fixture->talk, "send", "{'session': 'a', 'data': 'x'}");
    json_t *result = talk_result(fixture->talk, "changes", "{'since': 0}");
    json_t *rows = json_object_get(result, "changes");
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(rpc_fixture_text(json_array_get(rows, 0), "session"),
                        rpc_fixture_text(view, "id"));
    json_int_t newest = rpc_fixture_number(json_array_get(rows, 1), "change");
    assert_int_equal(newest, rpc_fixture_number(result, "change"));
    json_decref(result);
    json_decref(view);
    char params[64];
    snprintf(params, sizeof(params), "{'since': %d}", (int)newest);
    result = talk_result(fixture->talk, "changes", params);
    assert_int_equal(json_array_size(json_object_get(result, "changes")), 0);
    json_decref(result);
    result = talk_result(fixture->talk, "changes", "{'since': 0, 'limit': 1}");
    assert_int_equal(json_array_size(json_object_get(result, "changes")), 1);
    json_decref(result);
    talk_refused(fixture->talk, "changes", "{}", "bad-params", "since");
    talk_refused(fixture->talk, "changes", "{'since': -1}", "bad-params", "since");
}

static void subscriber_is_told(void **state)
{
    struct rpc_fixture *fixture = *state;
    struct talk *other = rpc_fixture_come_in(fixture);
    json_decref(talk_result(other, "hello", "{'api': 1}"));
    json_decref(talk_result(other, "subscribe", "{}"));
    json_t *view = talk_result(fixture->talk, "invite", "{'name': 'a'}");
    json_t *message = talk_hear(other);
    assert_string_equal(json_string_value(json_array_get(message, 1)), "changed");
    json_t *params = json_array_get(message, 2);
    assert_string_equal(rpc_fixture_text(params, "session"), rpc_fixture_text(view, "id"));
    assert_int_equal(rpc_fixture_number(params, "change"), rpc_fixture_number(view, "change"));
    json_decref(message);
    json_decref(view);
    talk_free(other);
}

static void subscriber_is_told_of_a_name(void **state)
{
    struct rpc_fixture *fixture = *state;
    struct talk *other = rpc_fixture_come_in(fixture);
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'p', 'code': '7-x'}");
    json_decref(talk_result(other, "hello", "{'api': 1}"));
    json_decref(talk_result(other, "subscribe", "{'session': 'p'}"));
    json_t *view = talk_result(fixture->talk, "rename", "{'session': 'p', 'name': 'q'}");
    json_t *message = talk_hear(other);
    assert_int_equal(rpc_fixture_number(json_array_get(message, 2), "change"),
                     rpc_fixture_number(view, "change"));
    json_decref(message);
    json_decref(view);
    talk_free(other);
}

/* ---- a view ---- */

static bool is_shown(const json_t *value, const char *shown)
{
    if (strstr(shown, " or nil") && json_is_null(value))
        return true;
    return strncmp(shown, "str", 3) == 0   ? json_is_string(value)
           : strncmp(shown, "int", 3) == 0 ? json_is_integer(value)
                                           : json_is_boolean(value);
}

/* Each key of the table is there, of the type that it says, and no other one. */
static void keys_of_a_view(void **state)
{
    static const struct {
        const char *key, *shown;
    } keys[] = {
#define SESSION_SHOWN(tag, type, required, least, limit, member, exported, shown, meaning)         \
    {#member, shown},
#define SESSION_COMPUTED(key, shown, meaning) {#key, shown},
#include "wormhole/session_attributes.def"
    };
    const size_t count = sizeof(keys) / sizeof(*keys);
    struct rpc_fixture *fixture = *state;
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'new'}");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'proven', 'code': '7-x'}");
    rpc_fixture_prove(fixture, "proven");
    rpc_fixture_do(fixture->talk, "invite", "{'name': 'ended'}");
    rpc_fixture_do(fixture->talk, "close", "{'session': 'ended'}");
    json_t *result = talk_result(fixture->talk, "list", "{}"), *view;
    size_t place;
    json_array_foreach(json_object_get(result, "sessions"), place, view)
    {
        assert_int_equal(json_object_size(view), count);
        for (size_t i = 0; i < count; i++)
            if (!is_shown(json_object_get(view, keys[i].key), keys[i].shown))
                fail_msg("\"%s\" is not %s", keys[i].key, keys[i].shown);
    }
    assert_int_equal(place, 3);
    json_decref(result);
}

/* ---- the crowd ---- */

/* Both ends of so many connections are in this process, and a login allows 1024 descriptors. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 2 * IPC_SERVER_CLIENTS_MAX + 100)
        skip();
}

static void one_too_many(void **state)
{
    struct rpc_fixture *fixture = *state;
    static struct talk *crowd[IPC_SERVER_CLIENTS_MAX];
    allow_descriptors();
    for (int i = 1; i < IPC_SERVER_CLIENTS_MAX; i++)
        crowd[i] = rpc_fixture_come_in(fixture);
    struct talk *last = rpc_fixture_come_in(fixture);
    talk_refused(last, "hello", "{'api': 1}", "busy", "clients");
    assert_null(talk_hear(last));
    talk_free(last);
    rpc_fixture_do(fixture->talk, "list", "{}");
    talk_free(crowd[1]);
    talk_settle(fixture->talk);
    crowd[1] = rpc_fixture_come_in(fixture);
    json_decref(talk_result(crowd[1], "hello", "{'api': 1}"));
    for (int i = 1; i < IPC_SERVER_CLIENTS_MAX; i++)
        talk_free(crowd[i]);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, rpc_fixture_set_up, rpc_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hello_comes_first),
        TEST(params_that_are_no_map),
        TEST(status),
        TEST(finding),
        TEST(ambiguous_ids),
        TEST(pages),
        TEST(mail),
        TEST(damaged_mail),
        TEST(lease_ends_by_ack),
        TEST(lease_ends_with_the_connection),
        TEST(lease_outlives_the_connection_by_an_ack),
        TEST(lease_of_a_forgotten_session),
        TEST(pipelined_sends),
        TEST(many_at_once),
        TEST(asker_who_went_away),
        TEST(words),
        TEST(nameplates),
        TEST(endings),
        TEST(logs),
        TEST(changes),
        TEST(subscriber_is_told),
        TEST(subscriber_is_told_of_a_name),
        TEST(keys_of_a_view),
        TEST(one_too_many),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
