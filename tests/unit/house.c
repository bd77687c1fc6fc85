#include "config.h"

#include "base/worker.h"
#include "tests/unit/house.h"

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

#include "daemon/nameplates.h"
#include "daemon/hashcash_worker.h"
#include "daemon/relays.h"
#include "daemon/relay_dialer.h"
#include "daemon/ipc_server.h"
#include "daemon/subscribers.h"
#include "daemon/turn.h"
#include "state/store.h"
#include "tests/unit/talk.h"

/* ---- the daemon without its visits ---- */

static void on_changed(void *arg, uint64_t change, const uint8_t id[SESSION_ID_BYTES])
{
    struct house *house = arg;
    subscribers_changed(house->rpc.subscribers, change, id);
}

static void on_due_changed(void *arg)
{
    (void)arg;
}

struct talk *house_come_in(struct house *house)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ipc_server_accept(house->server, ends[0]);
    return talk_new(house->base, ends[1]);
}

static void make_nameplates(struct house *house)
{
    char why[256];
    house->routes = relay_dialer_new(house->base, &house->settings, why, sizeof(why));
    house->hashcash_worker = hashcash_worker_new(house->base);
    house->rpc.nameplates = nameplates_new(&(struct nameplates_parts){
        house->base, house->routes, house->rpc.relays, house->hashcash_worker});
    assert_non_null(house->rpc.nameplates);
}

int house_set_up(void **state)
{
    struct house *house = calloc(1, sizeof(*house));
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
    if (store_open(house->directory, 0, &house->rpc.store, why, sizeof(why)) != KV_OK)
        fail_msg("%s", why);
    house->rpc.relays = relays_new();
    house->rpc.subscribers = subscribers_new(house->base);
    const struct turn_observer observer = {on_changed, on_due_changed, house};
    const struct turn_settings turn_settings = {.keep = 1000, .max_held = 1};
    house->rpc.turns = turns_new(&(struct visits_parts){.base = house->base,
                                                        .store = house->rpc.store,
                                                        .relays = house->rpc.relays},
                                 &observer, &turn_settings);
    make_nameplates(house);
    house->server = ipc_server_new(house->base, &house->rpc);
    house->talk = house_come_in(house);
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
        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        unlink(file);
    }
    closedir(directory);
    rmdir(path);
}

int house_tear_down(void **state)
{
    struct house *house = *state;
    turn_flush(house->rpc.turns);
    ipc_server_free(house->server);
    talk_free(house->talk);
    nameplates_free(house->rpc.nameplates);
    worker_free(house->hashcash_worker);
    turns_free(house->rpc.turns);
    subscribers_free(house->rpc.subscribers);
    relays_free(house->rpc.relays);
    kv_close(house->rpc.store);
    settings_clear(&house->settings);
    relay_dialer_free(house->routes);
    event_base_loop(house->base, EVLOOP_NONBLOCK);
    event_base_free(house->base);
    remove_directory(house->directory);
    free(house);
    return 0;
}

struct house *house_new(void)
{
    void *state;
    house_set_up(&state);
    return state;
}

void house_leave(struct house *house)
{
    void *state = house;
    house_tear_down(&state);
}

/* ---- looking into answers ---- */

char *house_text(json_t *map, const char *key)
{
    return (char *)(uintptr_t)json_string_value(json_object_get(map, key));
}

json_int_t house_number(json_t *map, const char *key)
{
    assert_true(json_is_integer(json_object_get(map, key)));
    return json_integer_value(json_object_get(map, key));
}

void house_expect_text(struct talk *talk, const char *method, const char *params, const char *key,
                       const char *value)
{
    json_t *result = talk_result(talk, method, params);
    assert_string_equal(house_text(result, key), value);
    json_decref(result);
}

void house_expect_number(struct talk *talk, const char *method, const char *params, const char *key,
                         json_int_t value)
{
    json_t *result = talk_result(talk, method, params);
    assert_int_equal(house_number(result, key), value);
    json_decref(result);
}

void house_do(struct talk *talk, const char *method, const char *params)
{
    json_decref(talk_result(talk, method, params));
}

struct session *house_take_out(struct kv_txn *txn, const char *name)
{
    uint8_t id[SESSION_ID_BYTES];
    struct session *session;
    assert_int_equal(store_find(txn, name, id), KV_OK);
    assert_int_equal(store_get_session(txn, id, &session), KV_OK);
    return session;
}

void house_put_back(struct kv_txn *txn, struct session *session)
{
    assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
    assert_int_equal(kv_commit(txn), KV_OK);
    session_free(session);
}

void house_deliver(struct house *house, const char *name, uint32_t number, const char *text)
{
    struct kv_txn *txn = kv_write(house->rpc.store, 1 << 20);
    struct session *session = house_take_out(txn, name);
    store_put_message(txn, STORE_INBOX, session->id, number, (const uint8_t *)text, strlen(text));
    session->received = number + 1;
    session->unread++;
    session->unread_bytes += strlen(text);
    house_put_back(txn, session);
}

void house_prove(struct house *house, const char *name)
{
    struct kv_txn *txn = kv_write(house->rpc.store, 1 << 20);
    struct session *session = house_take_out(txn, name);
    session->state = SESSION_ESTABLISHED;
    session->peer_side = strdup("0123456789");
    session->peer_versions = strdup("{}");
    memset(session->key, HOUSE_PROVEN_KEY, sizeof(session->key));
    for (int i = 0; i < KEY_BYTES; i++)
        session->verifier[i] = (uint8_t)(255 - i);
    house_put_back(txn, session);
}
