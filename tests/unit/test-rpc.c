/* The methods over a real store and real turns, without a relay: what they check, what they answer,
 * and that no answer is lost when clients pipeline or go away. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <sodium.h>

#include "daemon/nameplates.h"
#include "daemon/peer.h"
#include "daemon/permission.h"
#include "daemon/relays.h"
#include "daemon/rpc.h"
#include "daemon/server.h"
#include "daemon/routes.h"
#include "daemon/settings.h"
#include "daemon/subscribers.h"
#include "daemon/turn.h"
#include "ipc/message.h"
#include "service/log.h"
#include "state/export.h"
#include "state/store.h"
#include "tests/unit/talk.h"
#include "wormhole/payload.h"

struct house {
    char directory[32];
    struct event_base *base;
    struct settings settings;
    struct routes *routes;
    struct permissions *permissions;
    struct rpc rpc;
    struct server *server;
    struct talk *talk;
};

/* ---- the daemon without its visits ---- */

static void on_effect(void *arg, const struct session *session, const struct session_effect *effect)
{
    (void)arg;
    (void)session;
    (void)effect;
}

static void on_abandon(void *arg, const uint8_t id[SESSION_ID_BYTES])
{
    (void)arg;
    (void)id;
}

static void on_changed(void *arg, uint64_t change, const uint8_t id[SESSION_ID_BYTES])
{
    struct house *house = arg;
    subscribers_changed(house->rpc.subscribers, change, id);
}

static void on_over(void *arg)
{
    (void)arg;
}

static struct talk *come_in(struct house *house)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    server_accept(house->server, ends[0]);
    return talk_new(house->base, ends[1]);
}

static void make_nameplates(struct house *house)
{
    char why[256];
    house->routes = routes_new(house->base, &house->settings, why, sizeof why);
    house->permissions = permissions_new(house->base);
    house->rpc.nameplates = nameplates_new(&(struct nameplates_parts){
        house->base, house->routes, house->rpc.relays, house->permissions});
    assert_non_null(house->rpc.nameplates);
}

static int set_up(void **state)
{
    struct house *house = calloc(1, sizeof *house);
    char why[256];
    strcpy(house->directory, "/tmp/test-rpc-XXXXXX");
    assert_non_null(mkdtemp(house->directory));
    house->base = event_base_new();
    assert_true(settings_init(&house->settings));
    assert_true(settings_set(settings_find(settings_options.table, "relay"), &house->settings,
                             "ws://127.0.0.1:1/v1", why, 256));
    house->settings.state = strdup(house->directory);
    house->settings.socket = strdup("/nowhere");
    house->rpc.settings = &house->settings;
    house->rpc.started = 12345;
    if (store_open(house->directory, 0, &house->rpc.store, why, sizeof why) != STORE_OK)
        fail_msg("%s", why);
    house->rpc.relays = relays_new();
    house->rpc.subscribers = subscribers_new(house->base);
    const struct turn_hooks hooks = {on_effect, on_abandon, on_changed, on_over, house};
    const struct turn_settings turn_settings = {.keep = 1000, .max_held = 1};
    house->rpc.turns =
        turns_new(house->base, house->rpc.store, house->rpc.relays, &hooks, &turn_settings);
    make_nameplates(house);
    house->server = server_new(house->base, &house->rpc);
    house->talk = come_in(house);
    json_decref(talk_result(house->talk, "hello", "{'api': 1, 'client': 'test'}"));
    *state = house;
    return 0;
}

static void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    char file[512];
    while ((entry = readdir(directory))) {
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        unlink(file);
    }
    closedir(directory);
    rmdir(path);
}

static int tear_down(void **state)
{
    struct house *house = *state;
    turn_flush(house->rpc.turns);
    server_free(house->server);
    talk_free(house->talk);
    nameplates_free(house->rpc.nameplates);
    permissions_free(house->permissions);
    turns_free(house->rpc.turns);
    subscribers_free(house->rpc.subscribers);
    relays_free(house->rpc.relays);
    store_close(house->rpc.store);
    settings_clear(&house->settings);
    routes_free(house->routes);
    event_base_loop(house->base, EVLOOP_NONBLOCK);
    event_base_free(house->base);
    remove_directory(house->directory);
    free(house);
    return 0;
}

/* ---- looking into answers ---- */

static char *text_of(json_t *map, const char *key)
{
    return (char *)(uintptr_t)json_string_value(json_object_get(map, key));
}

static json_int_t number_of(json_t *map, const char *key)
{
    assert_true(json_is_integer(json_object_get(map, key)));
    return json_integer_value(json_object_get(map, key));
}

static void expect_text(struct talk *talk, const char *method, const char *params, const char *key,
                        const char *value)
{
    json_t *result = talk_result(talk, method, params);
    assert_string_equal(text_of(result, key), value);
    json_decref(result);
}

static void expect_number(struct talk *talk, const char *method, const char *params,
                          const char *key, json_int_t value)
{
    json_t *result = talk_result(talk, method, params);
    assert_int_equal(number_of(result, key), value);
    json_decref(result);
}

static void do_it(struct talk *talk, const char *method, const char *params)
{
    json_decref(talk_result(talk, method, params));
}

/* A session, to be changed behind the daemon's back. */
static struct session *take_out(struct store_txn *txn, const char *name)
{
    uint8_t id[SESSION_ID_BYTES];
    struct session *session;
    assert_int_equal(store_find(txn, name, id), STORE_OK);
    assert_int_equal(store_get_session(txn, id, &session), STORE_OK);
    return session;
}

static void put_back(struct store_txn *txn, struct session *session)
{
    assert_int_equal(store_put_session(txn, session, NULL), STORE_OK);
    assert_int_equal(store_commit(txn), STORE_OK);
    session_free(session);
}

/* What a peer would have sent. */
static void deliver(struct house *house, const char *name, uint32_t number, const char *text)
{
    struct store_txn *txn = store_write(house->rpc.store, 1 << 20);
    struct session *session = take_out(txn, name);
    store_put_message(txn, STORE_INBOX, session->id, number, (const uint8_t *)text, strlen(text));
    session->received = number + 1;
    session->unread++;
    session->unread_bytes += strlen(text);
    put_back(txn, session);
}

#define PROVEN_KEY 0x4b

/* A peer came, and is proven. */
static void prove(struct house *house, const char *name)
{
    struct store_txn *txn = store_write(house->rpc.store, 1 << 20);
    struct session *session = take_out(txn, name);
    session->state = SESSION_ESTABLISHED;
    session->peer_side = strdup("0123456789");
    session->peer_versions = strdup("{}");
    memset(session->key, PROVEN_KEY, sizeof session->key);
    for (int i = 0; i < KEY_BYTES; i++)
        session->verifier[i] = (uint8_t)(255 - i);
    put_back(txn, session);
}

/* ---- manners ---- */

static void hello_comes_first(void **state)
{
    struct house *house = *state;
    struct talk *other = come_in(house);
    talk_refused(other, "list", "{}", "hello-first", "hello");
    talk_refused(other, "dance", "{}", "hello-first", "hello");
    talk_refused(other, "hello", "{}", "bad-params", "api");
    talk_refused(other, "list", "{}", "hello-first", "hello");
    expect_number(other, "hello", "{'api': 77, 'client': 'from the future'}", "api", 1);
    talk_refused(other, "dance", "{}", "unknown-method", "method");
    do_it(other, "list", "{}");
    talk_free(other);
}

static void params_that_are_no_map(void **state)
{
    struct house *house = *state;
    talk_say(house->talk, "[0, 9, 'list', [5]]");
    json_t *message = talk_hear(house->talk);
    assert_int_equal(json_integer_value(json_array_get(message, 1)), 9);
    assert_string_equal(text_of(json_array_get(message, 2), "code"), "bad-message");
    json_decref(message);
    assert_null(talk_hear(house->talk));
}

static void status(void **state)
{
    struct house *house = *state;
    struct relay *relay = relays_get(house->rpc.relays, "ws://r/");
    relay->proxy = strdup("socks5h://p:1080");
    house->settings.config_file = strdup("/wormholed.conf");
    relay_welcomed(relay, "hi", NULL, 5000);
    do_it(house->talk, "invite", "{'code': '7-x'}");
    json_t *result = talk_result(house->talk, "status", "{}");
    assert_int_equal(number_of(result, "sessions"), 1);
    assert_int_equal(number_of(result, "change"), 1);
    assert_int_equal(number_of(result, "started"), 12345);
    assert_string_equal(text_of(result, "state_dir"), house->directory);
    assert_string_equal(text_of(result, "default_relay"), "ws://127.0.0.1:1/v1");
    assert_string_equal(text_of(result, "default_relay_from"), "built in");
    assert_string_equal(text_of(result, "config"), "/wormholed.conf");
    json_t *row = json_array_get(json_object_get(result, "relays"), 0);
    assert_string_equal(text_of(row, "url"), "ws://r/");
    assert_string_equal(text_of(row, "proxy"), "socks5h://p:1080");
    assert_string_equal(text_of(row, "motd"), "hi");
    assert_int_equal(number_of(row, "retention"), 5000);
    assert_true(json_is_null(json_object_get(row, "retry_at")));
    json_decref(result);
}

/* ---- sessions begin ---- */

static void invite_and_accept(void **state)
{
    struct house *house = *state;
    json_t *view = talk_result(house->talk, "invite", "{'name': 'n', 'timeout': 60000}");
    assert_string_equal(text_of(view, "state"), "allocating");
    assert_string_equal(text_of(view, "appid"), RPC_DEFAULT_APPID);
    assert_string_equal(text_of(view, "relay"), "ws://127.0.0.1:1/v1");
    assert_string_equal(text_of(view, "schedule"), "email");
    assert_string_equal(text_of(view, "connection"), "none");
    assert_int_equal(number_of(view, "deadline") - number_of(view, "created"), 60000);
    assert_true(json_is_null(json_object_get(view, "code")));
    assert_true(json_is_null(json_object_get(view, "verifier")));
    json_decref(view);
    view =
        talk_result(house->talk, "accept",
                    "{'code': '7-a', 'appid': 'x', 'relay': 'wss://h:5/v1', 'schedule': '0:60'}");
    assert_string_equal(text_of(view, "code"), "7-a");
    assert_string_equal(text_of(view, "appid"), "x");
    assert_string_equal(text_of(view, "relay"), "wss://h:5/v1");
    assert_string_equal(text_of(view, "schedule"), "0:60");
    assert_string_equal(text_of(view, "state"), "waiting");
    json_decref(view);
    expect_text(house->talk, "show", "{'session': 'n'}", "name", "n");
}

static void refused_options(void **state)
{
    struct house *house = *state;
    static const struct {
        const char *params, *part;
    } rows[] = {
        {"{'name': ''}", "name"},
        {"{'name': 5}", "name"},
        {"{'name': 'a/b'}", "name"},
        {"{'name': '-rf'}", "name"},
        {"{'name': ' x'}", "name"},
        {"{'name': 'x '}", "name"},
        {"{'name': 'a\\nb'}", "name"},
        {"{'name': '\\u009b2J'}", "name"},
        {"{'name': '0123456789abcDEF'}", "name"},
        {"{'name': '1234567890123456789012345678901234567890123456789012345678901234x'}", "name"},
        {"{'appid': ''}", "appid"},
        {"{'appid': 'a\\tb'}", "appid"},
        {"{'relay': 'http://x/'}", "relay"},
        {"{'relay': ''}", "relay"},
        {"{'schedule': 'often'}", "schedule"},
        {"{'schedule': 5}", "schedule"},
        {"{'timeout': 999}", "timeout"},
        {"{'timeout': 31622400001}", "timeout"},
        {"{'timeout': '14d'}", "timeout"},
        {"{'words': 0}", "words"},
        {"{'words': 17}", "words"},
        {"{'code': 7}", "code"},
        {"{'app_versions': 5}", "app_versions"},
        {"{'app_versions': ''}", "app_versions"},
        {"{'app_versions': '[]'}", "app_versions"},
        {"{'app_versions': '{} {}'}", "app_versions"},
        {"{'verify': 1}", "verify"},
        {"{'inbox_messages': 0}", "inbox_messages"},
        {"{'inbox_messages': 4097}", "inbox_messages"},
        {"{'inbox_bytes': 0}", "inbox_bytes"},
        {"{'inbox_bytes': 67108865}", "inbox_bytes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        talk_refused(house->talk, "invite", rows[i].params, "bad-params", rows[i].part);
    talk_refused(house->talk, "invite", "{'code': '7 a'}", "bad-code", "");
    talk_refused(house->talk, "accept", "{}", "bad-params", "code");
    talk_refused(house->talk, "accept", "{'code': 'seven'}", "bad-code", "");
    expect_number(house->talk, "status", "{}", "sessions", 0);
}

static void what_peers_see(void **state)
{
    struct house *house = *state;
    json_t *view = talk_result(house->talk, "invite", "{'code': '7-x'}");
    assert_string_equal(text_of(view, "app_versions"), "{}");
    assert_string_equal(text_of(view, "verification"), "none");
    assert_int_equal(number_of(view, "inbox_messages"), SESSION_INBOX_MAX);
    assert_int_equal(number_of(view, "inbox_bytes"), SESSION_INBOX_BYTES_MAX);
    assert_true(json_is_false(json_object_get(view, "paused")));
    static const char *const nils[] = {"verifier", "verifier_words", "delivered", "read"};
    for (size_t i = 0; i < sizeof nils / sizeof *nils; i++)
        assert_true(json_is_null(json_object_get(view, nils[i])));
    json_decref(view);
    view = talk_result(house->talk, "accept",
                       "{'code': '7-x', 'verify': true, 'inbox_messages': 3, 'inbox_bytes': 4, "
                       "'app_versions': ' {\\\"a\\\": [1, {}]}'}");
    assert_string_equal(text_of(view, "app_versions"), "{\"a\":[1,{}]}");
    assert_string_equal(text_of(view, "verification"), "pending");
    assert_int_equal(number_of(view, "inbox_messages"), 3);
    assert_int_equal(number_of(view, "inbox_bytes"), 4);
    json_decref(view);
}

/* {"a": "xxx…"} of so many bytes, as a parameter. */
static json_t *ask_with_versions(struct talk *talk, int length, const char *filling)
{
    char versions[2 * PAYLOAD_VERSIONS_MAX] = "{\\\"a\\\":\\\"", params[3 * PAYLOAD_VERSIONS_MAX];
    const int around = (int)strlen("{\"a\":\"\"}");
    for (int i = around; i < length; i += (int)strlen(filling))
        strcat(versions, filling);
    strcat(versions, "\\\"}");
    snprintf(params, sizeof params, "{'app_versions': '%s'}", versions);
    return talk_ask(talk, "invite", params);
}

/* What a peer would not keep is refused here, where somebody can do something about it. */
static void longest_versions(void **state)
{
    static const struct {
        int length;
        const char *filling;
        bool fits;
    } rows[] = {
        {PAYLOAD_VERSIONS_MAX, "x", true},
        {PAYLOAD_VERSIONS_MAX + 1, "x", false},
        {PAYLOAD_VERSIONS_MAX / 4, "\xc3\xbc", true},
        {PAYLOAD_VERSIONS_MAX / 2, "\xc3\xbc", false}, /* six bytes each in ASCII */
    };
    struct house *house = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *answer = ask_with_versions(house->talk, rows[i].length, rows[i].filling);
        assert_int_equal(json_is_null(json_array_get(answer, 0)), rows[i].fits);
        const char *seen = text_of(json_array_get(answer, 1), "app_versions");
        assert_true(!rows[i].fits || strcmp(seen, "{}") != 0);
        json_decref(answer);
    }
}

static uint32_t words_of(struct house *house, const char *name)
{
    struct store_txn *txn = store_read(house->rpc.store);
    struct session *session = take_out(txn, name);
    uint32_t words = session->words;
    session_free(session);
    store_end(txn);
    return words;
}

static void words_of_a_code(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'r', 'schedule': 'realtime'}");
    do_it(house->talk, "invite", "{'name': 'e'}");
    do_it(house->talk, "invite", "{'name': 'l', 'schedule': '0:60'}");
    do_it(house->talk, "invite", "{'name': 'w', 'schedule': 'realtime', 'words': 7}");
    assert_int_equal(words_of(house, "r"), 2);
    assert_int_equal(words_of(house, "e"), 3);
    assert_int_equal(words_of(house, "l"), 3);
    assert_int_equal(words_of(house, "w"), 7);
}

static void usual_for_an_application(void **state)
{
    struct house *house = *state;
    struct settings_appid *usual = calloc(1, sizeof *usual);
    *usual = (struct settings_appid){.appid = strdup("x"),
                                     .relay = strdup("ws://127.0.0.1:2/v1"),
                                     .schedule = strdup("realtime"),
                                     .timeout = 60000,
                                     .words = 5};
    house->settings.sections.appids = usual;
    json_t *view = talk_result(house->talk, "invite", "{'name': 'n', 'appid': 'x'}");
    assert_string_equal(text_of(view, "relay"), usual->relay);
    assert_string_equal(text_of(view, "schedule"), "realtime");
    assert_int_equal(number_of(view, "deadline") - number_of(view, "created"), 60000);
    assert_int_equal(words_of(house, "n"), 5);
    json_decref(view);
    view = talk_result(house->talk, "invite",
                       "{'name': 'm', 'appid': 'x', 'relay': 'ws://127.0.0.1:3/', 'words': 2,"
                       " 'schedule': 'email', 'timeout': 1000}");
    assert_string_equal(text_of(view, "relay"), "ws://127.0.0.1:3/");
    assert_string_equal(text_of(view, "schedule"), "email");
    assert_int_equal(number_of(view, "deadline") - number_of(view, "created"), 1000);
    assert_int_equal(words_of(house, "m"), 2);
    json_decref(view);
    expect_text(house->talk, "invite", "{'appid': 'y'}", "relay", "ws://127.0.0.1:1/v1");
    talk_refused(house->talk, "nameplates", "{'appid': 'x'}", "unreachable", ":2");
}

static void names_at_the_limits(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite",
          "{'name': '1234567890123456789012345678901234567890123456789012345678901234'}");
    do_it(house->talk, "invite", "{'name': 'Grüße an 你'}");
    do_it(house->talk, "invite", "{'name': 'cafe'}");
    do_it(house->talk, "invite", "{'name': '0123456789abcdeg'}");
    talk_refused(house->talk, "invite", "{'name': 'cafe'}", "name-taken", "");
    expect_number(house->talk, "status", "{}", "sessions", 4);
}

/* ---- finding ---- */

static void finding(void **state)
{
    struct house *house = *state;
    char params[64], id[SESSION_ID_TEXT];
    json_t *view = talk_result(house->talk, "invite", "{'name': 'n'}");
    strcpy(id, text_of(view, "id"));
    json_decref(view);
    snprintf(params, sizeof params, "{'session': '%s'}", id);
    expect_text(house->talk, "show", params, "name", "n");
    snprintf(params, sizeof params, "{'session': '%.5s'}", id);
    expect_text(house->talk, "show", params, "name", "n");
    static const char *const methods[] = {"show",   "send",       "recv",   "ack",
                                          "close",  "forget",     "poll",   "subscribe",
                                          "verify", "derive_key", "rename", "export"};
#define OTHERS "'data': '', 'number': 0, 'ok': true, 'purpose': 'p', 'name': 'm'}"
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        talk_refused(house->talk, methods[i], "{'session': 'x', " OTHERS, "not-found", "");
        talk_refused(house->talk, methods[i],
                     "{'session': "
                     "'12345678901234567890123456789012345678901234567890123456789012345', " OTHERS,
                     "not-found", "");
        talk_refused(house->talk, methods[i], "{'session': 5, " OTHERS, "bad-params", "session");
    }
    /* 17 sessions: two ids at least begin with the same digit. */
    for (int i = 0; i < 16; i++)
        do_it(house->talk, "invite", "{}");
    int ambiguous = 0;
    for (int digit = 0; digit < 16; digit++) {
        snprintf(params, sizeof params, "{'session': '%x'}", digit);
        json_t *answer = talk_ask(house->talk, "show", params);
        const char *code = text_of(json_array_get(answer, 0), "code");
        ambiguous += code && strcmp(code, "ambiguous") == 0;
        json_decref(answer);
    }
    assert_true(ambiguous > 0);
}

static void pages(void **state)
{
    struct house *house = *state;
    char params[64] = "{'limit': 3}", last[SESSION_ID_TEXT] = "";
    size_t sizes[4] = {0};
    for (int i = 0; i < 9; i++)
        do_it(house->talk, "invite", "{}");
    for (int page = 0; *params; page++) {
        assert_true(page < 4);
        json_t *result = talk_result(house->talk, "list", params);
        json_t *sessions = json_object_get(result, "sessions"), *view;
        sizes[page] = json_array_size(sessions);
        size_t i;
        json_array_foreach(sessions, i, view)
        {
            assert_true(strcmp(text_of(view, "id"), last) > 0);
            strcpy(last, text_of(view, "id"));
        }
        const char *next = text_of(result, "next");
        *params = 0;
        if (next)
            snprintf(params, sizeof params, "{'limit': 3, 'after': '%s'}", next);
        json_decref(result);
    }
    assert_int_equal(sizes[0] + sizes[1] + sizes[2], 9);
    assert_int_equal(sizes[3], 0);
    talk_refused(house->talk, "list", "{'after': 'n'}", "bad-params", "after");
    talk_refused(house->talk, "list", "{'after': '0123'}", "bad-params", "after");
    talk_refused(house->talk, "list", "{'limit': 1001}", "bad-params", "limit");
}

/* ---- messages ---- */

static void mail(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    expect_number(house->talk, "send", "{'session': 'n', 'data': 'one'}", "number", 0);
    expect_number(house->talk, "send", "{'session': 'n', 'data': ''}", "number", 1);
    talk_refused(house->talk, "send", "{'session': 'n'}", "bad-params", "data");
    talk_refused(house->talk, "send", "{'session': 'n', 'data': 5}", "bad-params", "data");

    json_t *nothing = talk_result(house->talk, "recv", "{'session': 'n'}");
    assert_true(json_is_null(json_object_get(nothing, "number")));
    assert_true(json_is_null(json_object_get(nothing, "data")));
    json_decref(nothing);
    talk_refused(house->talk, "ack", "{'session': 'n', 'number': 0}", "bad-params", "number");

    deliver(house, "n", 0, "first");
    deliver(house, "n", 1, "");
    expect_text(house->talk, "recv", "{'session': 'n'}", "data", "first");
    expect_text(house->talk, "recv", "{'session': 'n'}", "data", "first");
    expect_text(house->talk, "recv", "{'session': 'n', 'from': 1}", "data", "");
    expect_number(house->talk, "show", "{'session': 'n'}", "unread", 2);
    expect_number(house->talk, "ack", "{'session': 'n', 'number': 0}", "unread", 1);
    expect_number(house->talk, "recv", "{'session': 'n'}", "number", 1);
    expect_number(house->talk, "ack", "{'session': 'n', 'number': 0}", "unread", 1);
    talk_refused(house->talk, "ack", "{'session': 'n', 'number': 2}", "bad-params", "number");
    talk_refused(house->talk, "recv", "{'session': 'n', 'from': -1}", "bad-params", "from");
    expect_number(house->talk, "ack", "{'session': 'n', 'number': 1}", "received", 2);
}

/* ---- trust ---- */

static void verifying(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x', 'verify': true}");
    talk_refused(house->talk, "verify", "{'session': 'n', 'ok': true}", "not-keyed", "");
    talk_refused(house->talk, "verify", "{'session': 'n'}", "bad-params", "ok");
    talk_refused(house->talk, "verify", "{'session': 'n', 'ok': 1}", "bad-params", "ok");
    prove(house, "n");
    deliver(house, "n", 0, "held back");
    expect_text(house->talk, "show", "{'session': 'n'}", "verification", "pending");
    talk_refused(house->talk, "recv", "{'session': 'n'}", "unverified", "verifiers");
    talk_refused(house->talk, "derive_key", "{'session': 'n', 'purpose': 'p'}", "unverified", "");
    expect_text(house->talk, "verify", "{'session': 'n', 'ok': true}", "verification", "done");
    expect_text(house->talk, "verify", "{'session': 'n', 'ok': true}", "verification", "done");
    expect_text(house->talk, "recv", "{'session': 'n'}", "data", "held back");
}

static void refusing_a_verifier(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    prove(house, "n");
    deliver(house, "n", 0, "never seen");
    expect_text(house->talk, "verify", "{'session': 'n', 'ok': false}", "result", "errory");
    json_t *nothing = talk_result(house->talk, "recv", "{'session': 'n'}");
    assert_true(json_is_null(json_object_get(nothing, "data")));
    json_decref(nothing);
    talk_refused(house->talk, "verify", "{'session': 'n', 'ok': true}", "closed", "");
    talk_refused(house->talk, "derive_key", "{'session': 'n', 'purpose': 'p'}", "closed", "");
}

static void verifier_in_words(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    prove(house, "n");
    json_t *view = talk_result(house->talk, "show", "{'session': 'n'}");
    const char *words = text_of(view, "verifier_words"), *end = words + strlen(words);
    /* 255, 254, 253: as PGP begins, with two syllables. */
    static const char begin[] = "zulu yesteryear willow ";
    assert_memory_equal(words, begin, strlen(begin));
    int blanks = 0;
    for (const char *at = words; at < end; at++)
        blanks += *at == ' ';
    assert_int_equal(blanks, KEY_BYTES - 1);
    json_decref(view);
}

static void deriving_keys(void **state)
{
    static const char *const wrong[] = {
        "{'session': 'n'}",
        "{'session': 'n', 'purpose': ''}",
        "{'session': 'n', 'purpose': 'wormhole:verifier'}",
        "{'session': 'n', 'purpose': '"
        "12345678901234567890123456789012345678901234567890123456789012345"
        "6789012345678901234567890123456789012345678901234567890123456789'}",
    };
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    talk_refused(house->talk, "derive_key", "{'session': 'n', 'purpose': 'p'}", "not-keyed", "");
    prove(house, "n");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        talk_refused(house->talk, "derive_key", wrong[i], "bad-params", "purpose");
    talk_refused(house->talk, "derive_key", "{'session': 'n', 'purpose': 'p', 'length': 0}",
                 "bad-params", "length");
    talk_refused(house->talk, "derive_key", "{'session': 'n', 'purpose': 'p', 'length': 8161}",
                 "bad-params", "length");
    uint8_t secret[KEY_BYTES], key[KEY_BYTES];
    memset(secret, PROVEN_KEY, sizeof secret);
    keys_derive(secret, "p", key, sizeof key);
    json_t *result = talk_result(house->talk, "derive_key", "{'session': 'n', 'purpose': 'p'}");
    json_t *got = json_object_get(result, "key");
    assert_int_equal(json_string_length(got), KEY_BYTES);
    assert_memory_equal(json_string_value(got), key, KEY_BYTES);
    json_decref(result);
    result =
        talk_result(house->talk, "derive_key", "{'session': 'n', 'purpose': 'p', 'length': 8160}");
    assert_int_equal(json_string_length(json_object_get(result, "key")), 8160);
    json_decref(result);
}

/* ---- names ---- */

static void renaming(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'p', 'code': '7-x'}");
    do_it(house->talk, "invite", "{'name': 'q', 'code': '7-x'}");
    talk_refused(house->talk, "rename", "{'session': 'p', 'name': 'q'}", "name-taken", "");
    talk_refused(house->talk, "rename", "{'session': 'p', 'name': '-q'}", "bad-params", "name");
    expect_text(house->talk, "show", "{'session': 'p'}", "name", "p");
    expect_text(house->talk, "rename", "{'session': 'p', 'name': 'p'}", "name", "p");
    expect_text(house->talk, "rename", "{'session': 'p', 'name': 'r'}", "name", "r");
    talk_refused(house->talk, "show", "{'session': 'p'}", "not-found", "");
    expect_text(house->talk, "rename", "{'session': 'q', 'name': 'p'}", "name", "p");
    json_t *view = talk_result(house->talk, "rename", "{'session': 'r'}");
    assert_true(json_is_null(json_object_get(view, "name")));
    char params[64];
    snprintf(params, sizeof params, "{'session': '%s', 'name': 'r'}", text_of(view, "id"));
    json_decref(view);
    expect_text(house->talk, "rename", params, "name", "r");
    expect_text(house->talk, "close", "{'session': 'r'}", "result", "lonely");
    expect_text(house->talk, "rename", "{'session': 'r', 'name': 'ended'}", "name", "ended");
}

/* In one turn: the first one gets the name, and the other ones what is left. */
static void names_of_one_turn(void **state)
{
    static const char *const requests[] = {
        "[0, 1, 'rename', [{'session': 'a', 'name': 'x'}]]",
        "[0, 2, 'rename', [{'session': 'b', 'name': 'x'}]]",
        "[0, 3, 'invite', [{'name': 'x'}]]",
        "[0, 4, 'rename', [{'session': 'b', 'name': 'a'}]]",
        "[0, 5, 'invite', [{'name': 'b'}]]",
    };
    static const bool done[] = {true, false, false, true, true};
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'a', 'code': '7-x'}");
    do_it(house->talk, "invite", "{'name': 'b', 'code': '7-x'}");
    char all[1024];
    size_t total = 0, count = sizeof requests / sizeof *requests;
    for (size_t i = 0; i < count; i++) {
        size_t length;
        void *data = talk_pack(requests[i], &length);
        memcpy(all + total, data, length);
        total += length;
        free(data);
    }
    assert_int_equal(talk_bytes(house->talk, all, total), total);
    for (size_t i = 0; i < count; i++) {
        json_t *message = talk_hear(house->talk);
        assert_int_equal(json_is_null(json_array_get(message, 2)), done[i]);
        json_decref(message);
    }
    expect_number(house->talk, "status", "{}", "sessions", 3);
    expect_text(house->talk, "show", "{'session': 'x'}", "code", "7-x");
    expect_text(house->talk, "show", "{'session': 'a'}", "code", "7-x");
    do_it(house->talk, "show", "{'session': 'b'}");
}

/* ---- moving ---- */

/* {"export": "…", …} as talk_ask wants it: it takes ' for ", which stands in the text as well. */
static char *import_params(const char *text, const char *more)
{
    char *params = malloc(2 * strlen(text) + 256), *end = params + sprintf(params, "{'export': '");
    for (; *text; text++) {
        if (*text == '"' || *text == '\n')
            *end++ = '\\';
        *end++ = *text == '\n' ? 'n' : *text;
    }
    sprintf(end, "'%s}", more);
    return params;
}

static json_t *import_answer(struct talk *talk, const char *text, const char *more)
{
    char *params = import_params(text, more);
    json_t *answer = talk_ask(talk, "import", params);
    free(params);
    return answer;
}

static void import_refused(struct talk *talk, const char *text, const char *more, const char *code)
{
    json_t *answer = import_answer(talk, text, more);
    json_t *error = json_array_get(answer, 0);
    assert_string_equal(text_of(error, "code"), code);
    assert_true(strlen(text_of(error, "message")) > 0);
    json_decref(answer);
}

/* New. */
static json_t *import_view(struct talk *talk, const char *text, const char *more)
{
    json_t *answer = import_answer(talk, text, more);
    if (!json_is_null(json_array_get(answer, 0)))
        fail_msg("%s", text_of(json_array_get(answer, 0), "message"));
    json_t *view = json_incref(json_array_get(answer, 1));
    json_decref(answer);
    return view;
}

/* New. */
static char *export_text(struct talk *talk, const char *params)
{
    json_t *result = talk_result(talk, "export", params);
    char *text = strdup(text_of(result, "export"));
    json_decref(result);
    return text;
}

static struct house *another_house(void)
{
    void *state;
    set_up(&state);
    return state;
}

static void leave_house(struct house *house)
{
    void *state = house;
    tear_down(&state);
}

static void exporting(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    talk_refused(house->talk, "export", "{'session': 'n', 'done': true}", "not-exportable", "text");
    char *text = export_text(house->talk, "{'session': 'n'}");
    char *again = export_text(house->talk, "{'session': 'n', 'done': false}");
    assert_string_equal(text, again);
    assert_null(strchr(text, '\n'));
    expect_text(house->talk, "show", "{'session': 'n'}", "state", "exported");
    talk_refused(house->talk, "send", "{'session': 'n', 'data': 'x'}", "closed", "");
    talk_refused(house->talk, "poll", "{'session': 'n'}", "closed", "");
    talk_refused(house->talk, "forget", "{'session': 'n'}", "not-closed", "exported");
    json_t *result = talk_result(house->talk, "export", "{'session': 'n', 'done': true}");
    assert_true(json_is_null(json_object_get(result, "export")));
    json_decref(result);
    talk_refused(house->talk, "export", "{'session': 'n'}", "not-found", "");
    free(text);
    free(again);
}

static void not_exportable(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'early'}");
    talk_refused(house->talk, "export", "{'session': 'early'}", "not-exportable", "code");
    do_it(house->talk, "invite", "{'name': 'queued', 'code': '7-x'}");
    do_it(house->talk, "send", "{'session': 'queued', 'data': 'x'}");
    talk_refused(house->talk, "export", "{'session': 'queued'}", "not-exportable", "");
    do_it(house->talk, "invite", "{'name': 'late', 'code': '7-x'}");
    prove(house, "late");
    talk_refused(house->talk, "export", "{'session': 'late'}", "not-exportable", "");
    do_it(house->talk, "invite", "{'name': 'ended', 'code': '7-x'}");
    do_it(house->talk, "close", "{'session': 'ended'}");
    talk_refused(house->talk, "export", "{'session': 'ended'}", "not-exportable", "");
    expect_text(house->talk, "show", "{'session': 'early'}", "state", "allocating");
    talk_refused(house->talk, "export", "{}", "bad-params", "session");
    talk_refused(house->talk, "export", "{'session': 'early', 'done': 1}", "bad-params", "done");
}

static void importing(void **state)
{
    struct house *house = *state, *other = another_house();
    json_t *before = talk_result(house->talk, "invite",
                                 "{'name': 'n', 'code': '7-x', 'appid': 'a', 'verify': true}");
    char *text = export_text(house->talk, "{'session': 'n'}");
    json_t *view = import_view(other->talk, text, "");
    static const char *const kept[] = {"id", "name", "appid", "relay", "code", "verification"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        assert_string_equal(text_of(view, kept[i]), text_of(before, kept[i]));
    assert_string_equal(text_of(view, "state"), "waiting");
    json_decref(view);
    import_refused(other->talk, text, "", "imported");
    do_it(other->talk, "forget", "{'session': 'n', 'force': true}");
    import_refused(other->talk, text, "", "imported");
    free(text);
    json_decref(before);
    leave_house(other);
}

/* There and back again, as often as one likes; but each text only once. */
static void coming_back(void **state)
{
    struct house *house = *state, *other = another_house();
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    char *there = export_text(house->talk, "{'session': 'n'}");
    json_decref(import_view(other->talk, there, ""));
    char *back = export_text(other->talk, "{'session': 'n'}");
    assert_string_not_equal(there, back);
    json_decref(import_view(house->talk, back, ""));
    expect_text(house->talk, "show", "{'session': 'n'}", "state", "waiting");
    expect_number(house->talk, "status", "{}", "sessions", 1);
    import_refused(house->talk, there, "", "imported");
    import_refused(house->talk, back, "", "imported");
    import_refused(other->talk, there, "", "imported");
    free(there);
    free(back);
    leave_house(other);
}

static void names_of_imports(void **state)
{
    struct house *house = *state, *other = another_house();
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    do_it(other->talk, "invite", "{'name': 'n', 'code': '8-x'}");
    char *text = export_text(house->talk, "{'session': 'n'}");
    import_refused(other->talk, text, "", "name-taken");
    import_refused(other->talk, text, ", 'name': 'n'", "name-taken");
    import_refused(other->talk, text, ", 'name': '-m'", "bad-params");
    json_t *view = import_view(other->talk, text, ", 'name': 'm'");
    assert_string_equal(text_of(view, "name"), "m");
    json_decref(view);
    expect_text(other->talk, "show", "{'session': 'n'}", "code", "8-x");
    free(text);
    leave_house(other);
}

static void bad_texts(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    char *text = export_text(house->talk, "{'session': 'n'}");
    do_it(house->talk, "export", "{'session': 'n', 'done': true}");
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i += length / 37) {
        char kept = text[i];
        text[i] = kept == 'x' ? 'y' : 'x';
        import_refused(house->talk, text, "", "bad-export");
        text[i] = kept;
    }
    text[length - 1] = 0;
    import_refused(house->talk, text, "", "bad-export");
    text[length - 1] = '}';
    static const char *const strangers[] = {"", "{}", "hello",
                                            "{\"format\": \"wormholed-session\"}"};
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        import_refused(house->talk, strangers[i], "", "bad-export");
    talk_refused(house->talk, "import", "{}", "bad-params", "export");
    talk_refused(house->talk, "import", "{'export': 5}", "bad-params", "export");
    expect_number(house->talk, "status", "{}", "sessions", 0);
    strcpy(text + length - 1, "}\n");
    json_decref(import_view(house->talk, text, ""));
    free(text);
}

/* Made by somebody who knows how: what it says is not believed all the same. */
static void forged_texts(void **state)
{
    static const char *const names[] = {"a/b", "-n", "0123456789abcdef"};
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    do_it(house->talk, "export", "{'session': 'n'}");
    struct store_txn *txn = store_read(house->rpc.store);
    struct session *session = take_out(txn, "n");
    store_end(txn);
    for (size_t i = 0; i <= sizeof names / sizeof *names; i++) {
        char **field = i > 0 ? &session->name : &session->relay, *text;
        free(*field);
        *field = strdup(i > 0 ? names[i - 1] : "http://nowhere/");
        assert_int_equal(export_write(session, &text), EXPORT_OK);
        import_refused(house->talk, text, "", "bad-export");
        export_free_text(text);
        free(*field);
        *field = strdup(i > 0 ? "n" : "ws://127.0.0.1:1/v1");
    }
    session_free(session);
}

static void expired_text(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    struct store_txn *txn = store_write(house->rpc.store, 1 << 20);
    struct session *session = take_out(txn, "n");
    session->created = session->last_activity = session->lively_since = 1000;
    put_back(txn, session);
    char *text = export_text(house->talk, "{'session': 'n'}");
    import_refused(house->talk, text, "", "bad-export");
    free(text);
}

/* ---- typing a code ---- */

static void words(void **state)
{
    struct house *house = *state;
    json_t *result = talk_result(house->talk, "words", "{}");
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
    struct house *house = *state;
    talk_refused(house->talk, "nameplates", "{'appid': ''}", "bad-params", "appid");
    talk_refused(house->talk, "nameplates", "{'relay': 'x'}", "bad-params", "relay");
    talk_refused(house->talk, "nameplates", "{}", "unreachable", "refused");
}

/* All in one turn: each has its own number all the same. */
static void pipelined_sends(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    char all[8192];
    size_t total = 0;
    for (int i = 0; i < 100; i++) {
        char request[64];
        size_t length;
        snprintf(request, sizeof request, "[0, %d, 'send', [{'session': 'n', 'data': 'x'}]]", i);
        void *data = talk_pack(request, &length);
        memcpy(all + total, data, length);
        total += length;
        free(data);
    }
    assert_int_equal(talk_bytes(house->talk, all, total), total);
    for (int i = 0; i < 100; i++) {
        json_t *message = talk_hear(house->talk);
        assert_int_equal(json_integer_value(json_array_get(message, 1)), i);
        assert_int_equal(number_of(json_array_get(message, 3), "number"), i);
        json_decref(message);
    }
}

/* More than may be under way at a time; all are answered. */
static void many_at_once(void **state)
{
    struct house *house = *state;
    const int count = 5 * PEER_CALLS_MAX;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    size_t length;
    void *data = talk_pack("[0, 5, 'poll', [{'session': 'n'}]]", &length);
    for (int i = 0; i < count; i++)
        talk_bytes(house->talk, data, length);
    for (int i = 0; i < count; i++)
        json_decref(talk_hear(house->talk));
    free(data);
}

static void on_gone(struct peer *peer, void *arg)
{
    (void)arg;
    peer_free(peer);
}

/* What was asked for is done, though nobody waits for the answer. */
static void asker_who_went_away(void **state)
{
    struct house *house = *state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct peer *peer = peer_new(house->base, ends[0], &house->rpc, on_gone, NULL);
    assert_non_null(peer);
    peer->greeted = true;
    size_t length;
    uint8_t *data = talk_pack("[0, 5, 'invite', [{'name': 'n'}]]", &length);
    struct message message;
    assert_int_equal(message_decode(data, length, &message), MESSAGE_OK);
    rpc_dispatch(peer, &message);
    message_free(&message);
    free(data);
    peer_free(peer); /* before the turn */
    talk_settle(house->talk);
    expect_text(house->talk, "show", "{'session': 'n'}", "name", "n");
    close(ends[1]);
}

/* ---- ends and changes ---- */

static void endings(void **state)
{
    struct house *house = *state;
    do_it(house->talk, "invite", "{'name': 'n', 'code': '7-x'}");
    talk_refused(house->talk, "forget", "{'session': 'n'}", "not-closed", "");
    talk_refused(house->talk, "forget", "{'session': 'n', 'force': 1}", "bad-params", "force");
    expect_text(house->talk, "close", "{'session': 'n'}", "result", "lonely");
    expect_text(house->talk, "close", "{'session': 'n'}", "result", "lonely");
    talk_refused(house->talk, "send", "{'session': 'n', 'data': 'x'}", "closed", "");
    do_it(house->talk, "forget", "{'session': 'n', 'force': true}");
    talk_refused(house->talk, "show", "{'session': 'n'}", "not-found", "");
}

static void changes(void **state)
{
    struct house *house = *state;
    expect_number(house->talk, "subscribe", "{}", "change", 0);
    do_it(house->talk, "invite", "{'name': 'a', 'code': '7-x'}");
    json_t *view = talk_result(house->talk, "invite", "{'name': 'b', 'code': '7-x'}");
    do_it(house->talk, "poll", "{'session': 'a'}");
    do_it(house->talk, "send", "{'session': 'a', 'data': 'x'}");
    json_t *result = talk_result(house->talk, "changes", "{'since': 0}");
    json_t *rows = json_object_get(result, "changes");
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(text_of(json_array_get(rows, 0), "session"), text_of(view, "id"));
    json_int_t newest = number_of(json_array_get(rows, 1), "change");
    assert_int_equal(newest, number_of(result, "change"));
    json_decref(result);
    json_decref(view);
    char params[64];
    snprintf(params, sizeof params, "{'since': %d}", (int)newest);
    result = talk_result(house->talk, "changes", params);
    assert_int_equal(json_array_size(json_object_get(result, "changes")), 0);
    json_decref(result);
    result = talk_result(house->talk, "changes", "{'since': 0, 'limit': 1}");
    assert_int_equal(json_array_size(json_object_get(result, "changes")), 1);
    json_decref(result);
    talk_refused(house->talk, "changes", "{}", "bad-params", "since");
    talk_refused(house->talk, "changes", "{'since': -1}", "bad-params", "since");
}

static void subscriber_is_told(void **state)
{
    struct house *house = *state;
    struct talk *other = come_in(house);
    json_decref(talk_result(other, "hello", "{'api': 1}"));
    json_decref(talk_result(other, "subscribe", "{}"));
    json_t *view = talk_result(house->talk, "invite", "{'name': 'a'}");
    json_t *message = talk_hear(other);
    assert_string_equal(json_string_value(json_array_get(message, 1)), "changed");
    json_t *params = json_array_get(message, 2);
    assert_string_equal(text_of(params, "session"), text_of(view, "id"));
    assert_int_equal(number_of(params, "change"), number_of(view, "change"));
    json_decref(message);
    json_decref(view);
    talk_free(other);
}

static void subscriber_is_told_of_a_name(void **state)
{
    struct house *house = *state;
    struct talk *other = come_in(house);
    do_it(house->talk, "invite", "{'name': 'p', 'code': '7-x'}");
    json_decref(talk_result(other, "hello", "{'api': 1}"));
    json_decref(talk_result(other, "subscribe", "{'session': 'p'}"));
    json_t *view = talk_result(house->talk, "rename", "{'session': 'p', 'name': 'q'}");
    json_t *message = talk_hear(other);
    assert_int_equal(number_of(json_array_get(message, 2), "change"), number_of(view, "change"));
    json_decref(message);
    json_decref(view);
    talk_free(other);
}

/* ---- the crowd ---- */

static void one_too_many(void **state)
{
    struct house *house = *state;
    static struct talk *crowd[SERVER_PEERS_MAX];
    for (int i = 1; i < SERVER_PEERS_MAX; i++)
        crowd[i] = come_in(house);
    struct talk *last = come_in(house);
    talk_refused(last, "hello", "{'api': 1}", "busy", "clients");
    assert_null(talk_hear(last));
    talk_free(last);
    do_it(house->talk, "list", "{}");
    talk_free(crowd[1]);
    talk_settle(house->talk);
    crowd[1] = come_in(house);
    json_decref(talk_result(crowd[1], "hello", "{'api': 1}"));
    for (int i = 1; i < SERVER_PEERS_MAX; i++)
        talk_free(crowd[i]);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hello_comes_first),
        TEST(params_that_are_no_map),
        TEST(status),
        TEST(invite_and_accept),
        TEST(refused_options),
        TEST(what_peers_see),
        TEST(longest_versions),
        TEST(words_of_a_code),
        TEST(usual_for_an_application),
        TEST(names_at_the_limits),
        TEST(finding),
        TEST(pages),
        TEST(mail),
        TEST(verifying),
        TEST(refusing_a_verifier),
        TEST(verifier_in_words),
        TEST(deriving_keys),
        TEST(renaming),
        TEST(names_of_one_turn),
        TEST(exporting),
        TEST(not_exportable),
        TEST(importing),
        TEST(coming_back),
        TEST(names_of_imports),
        TEST(bad_texts),
        TEST(forged_texts),
        TEST(expired_text),
        TEST(words),
        TEST(nameplates),
        TEST(pipelined_sends),
        TEST(many_at_once),
        TEST(asker_who_went_away),
        TEST(endings),
        TEST(changes),
        TEST(subscriber_is_told),
        TEST(subscriber_is_told_of_a_name),
        TEST(one_too_many),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
