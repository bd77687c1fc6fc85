#include "config.h"

#include "base/worker.h"
#include "tests/unit/rpc-fixture.h"

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

#include "daemon/backups.h"
#include "daemon/nameplates.h"
#include "daemon/hashcash_worker.h"
#include "daemon/relays.h"
#include "daemon/relay_dialer.h"
#include "daemon/ipc_server.h"
#include "daemon/leases.h"
#include "daemon/subscribers.h"
#include "daemon/turn.h"
#include "state/store.h"
#include "tests/unit/talk.h"

/* ---- the daemon without its visits ---- */

static void on_changed(void *arg, uint64_t change, const uint8_t id[SESSION_ID_BYTES])
{
    struct rpc_fixture *fixture = arg;
    leases_changed(fixture->rpc.leases, id);
    subscribers_changed(fixture->rpc.subscribers, change, id);
}

static bool is_watched(void *arg, const uint8_t id[SESSION_ID_BYTES])
{
    (void)arg;
    (void)id;
    return false;
}

static void on_due_changed(void *arg)
{
    (void)arg;
}

struct talk *rpc_fixture_come_in(struct rpc_fixture *fixture)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ipc_server_accept(fixture->server, ends[0]);
    return talk_new(fixture->base, ends[1]);
}

static void make_nameplates(struct rpc_fixture *fixture)
{
    char why[256];
    fixture->routes = relay_dialer_new(fixture->base, &fixture->settings, why, sizeof(why));
    fixture->hashcash_worker = hashcash_worker_new(fixture->base);
    fixture->rpc.nameplates = nameplates_new(&(struct nameplates_parts){
        fixture->base, fixture->routes, fixture->rpc.relays, fixture->hashcash_worker});
    assert_non_null(fixture->rpc.nameplates);
}

int rpc_fixture_set_up(void **state)
{
    struct rpc_fixture *fixture = calloc(1, sizeof(*fixture));
    char why[256];
    strcpy(fixture->directory, "/tmp/test-rpc-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    fixture->base = event_base_new();
    assert_true(settings_init(&fixture->settings));
    assert_true(settings_set(settings_find(settings_options.table, "relay"), &fixture->settings,
                             "ws://127.0.0.1:1/v1", why, 256));
    fixture->settings.state = strdup(fixture->directory);
    fixture->settings.socket = strdup("/nowhere");
    fixture->rpc.settings = &fixture->settings;
    fixture->rpc.sandbox = &fixture->sandbox;
    fixture->rpc.started = 12345;
    if (store_open(fixture->directory, 0, &fixture->rpc.store, why, sizeof(why)) != KV_OK)
        fail_msg("%s", why);
    fixture->rpc.relays = relays_new();
    fixture->rpc.subscribers = subscribers_new(fixture->base);
    fixture->rpc.leases = leases_new(fixture->rpc.store, fixture->rpc.subscribers);
    fixture->rpc.backups = backups_new(fixture->base, fixture->rpc.store);
    const struct turn_observer observer = {.changed = on_changed,
                                           .due_changed = on_due_changed,
                                           .watched = is_watched,
                                           .arg = fixture};
    const struct turn_settings turn_settings = {.keep = 1000, .max_held = 1};
    fixture->rpc.turns = turns_new(&(struct visits_parts){.base = fixture->base,
                                                          .store = fixture->rpc.store,
                                                          .relays = fixture->rpc.relays},
                                   &observer, &turn_settings);
    make_nameplates(fixture);
    fixture->server = ipc_server_new(fixture->base, &fixture->rpc);
    fixture->talk = rpc_fixture_come_in(fixture);
    json_decref(talk_result(fixture->talk, "hello", "{'api': 1, 'client': 'test'}"));
    *state = fixture;
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

int rpc_fixture_tear_down(void **state)
{
    struct rpc_fixture *fixture = *state;
    turn_flush(fixture->rpc.turns);
    ipc_server_free(fixture->server);
    talk_free(fixture->talk);
    nameplates_free(fixture->rpc.nameplates);
    worker_free(fixture->hashcash_worker);
    turns_free(fixture->rpc.turns);
    leases_free(fixture->rpc.leases);
    backups_free(fixture->rpc.backups);
    subscribers_free(fixture->rpc.subscribers);
    relays_free(fixture->rpc.relays);
    kv_close(fixture->rpc.store);
    settings_clear(&fixture->settings);
    relay_dialer_free(fixture->routes);
    event_base_loop(fixture->base, EVLOOP_NONBLOCK);
    event_base_free(fixture->base);
    remove_directory(fixture->directory);
    free(fixture);
    return 0;
}

struct rpc_fixture *rpc_fixture_new(void)
{
    void *state;
    rpc_fixture_set_up(&state);
    return state;
}

void rpc_fixture_leave(struct rpc_fixture *fixture)
{
    void *state = fixture;
    rpc_fixture_tear_down(&state);
}

/* ---- looking into answers ---- */

char *rpc_fixture_text(json_t *map, const char *key)
{
    return (char *)(uintptr_t)json_string_value(json_object_get(map, key));
}

json_int_t rpc_fixture_number(json_t *map, const char *key)
{
    assert_true(json_is_integer(json_object_get(map, key)));
    return json_integer_value(json_object_get(map, key));
}

void rpc_fixture_expect_text(struct talk *talk, const char *method, const char *params,
                             const char *key, const char *value)
{
    json_t *result = talk_result(talk, method, params);
    assert_string_equal(rpc_fixture_text(result, key), value);
    json_decref(result);
}

void rpc_fixture_expect_number(struct talk *talk, const char *method, const char *params,
                               const char *key, json_int_t value)
{
    json_t *result = talk_result(talk, method, params);
    assert_int_equal(rpc_fixture_number(result, key), value);
    json_decref(result);
}

void rpc_fixture_do(struct talk *talk, const char *method, const char *params)
{
    json_decref(talk_result(talk, method, params));
}

struct session *rpc_fixture_take_out(struct kv_txn *txn, const char *name)
{
    uint8_t id[SESSION_ID_BYTES];
    struct session *session;
    assert_int_equal(store_find(txn, name, id), KV_OK);
    assert_int_equal(store_get_session(txn, id, &session), KV_OK);
    return session;
}

void rpc_fixture_put_back(struct kv_txn *txn, struct session *session)
{
    assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
    assert_int_equal(kv_commit(txn), KV_OK);
    session_free(session);
}

void rpc_fixture_deliver(struct rpc_fixture *fixture, const char *name, uint32_t number,
                         const char *text)
{
    struct kv_txn *txn = kv_write(fixture->rpc.store, 1 << 20);
    struct session *session = rpc_fixture_take_out(txn, name);
    store_put_message(txn, STORE_INBOX, session->id, number, (const uint8_t *)text, strlen(text));
    session->received = number + 1;
    session->unread++;
    session->unread_bytes += strlen(text);
    rpc_fixture_put_back(txn, session);
}

void rpc_fixture_prove(struct rpc_fixture *fixture, const char *name)
{
    struct kv_txn *txn = kv_write(fixture->rpc.store, 1 << 20);
    struct session *session = rpc_fixture_take_out(txn, name);
    session->state = SESSION_ESTABLISHED;
    session->peer_side = strdup("0123456789");
    session->peer_versions = strdup("{}");
    memset(session->key, HOUSE_PROVEN_KEY, sizeof(session->key));
    for (int i = 0; i < KEY_BYTES; i++)
        session->verifier[i] = (uint8_t)(255 - i);
    rpc_fixture_put_back(txn, session);
}
