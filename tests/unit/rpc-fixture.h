/* A daemon without visits, for tests: real methods, turns and store, a client, and no relay. */
#ifndef TESTS_UNIT_RPC_FIXTURE_H
#define TESTS_UNIT_RPC_FIXTURE_H

#include <stdint.h>

#include <jansson.h>

#include "daemon/rpc.h"
#include "service/sandbox.h"
#include "daemon/settings.h"
#include "wormhole/session.h"

struct worker;
struct relay_dialer;
struct ipc_server;
struct kv_txn;
struct talk;

struct rpc_fixture {
    char directory[32];
    struct event_base *base;
    struct settings settings;
    struct relay_dialer *routes;
    struct worker *hashcash_worker;
    struct sandbox sandbox;
    struct rpc rpc;
    struct ipc_server *server;
    struct talk *talk; /* a client that has said hello */
};

/* For cmocka: the state is a fixture. */
int rpc_fixture_set_up(void **state);
int rpc_fixture_tear_down(void **state);

/* One more fixture. rpc_fixture_leave(). */
struct rpc_fixture *rpc_fixture_new(void);
void rpc_fixture_leave(struct rpc_fixture *fixture);

/* One more client, who has said nothing yet. talk_free(). */
struct talk *rpc_fixture_come_in(struct rpc_fixture *fixture);

/* ---- looking into answers ---- */

/* NULL if it is no text. Borrowed. */
char *rpc_fixture_text(json_t *map, const char *key);
json_int_t rpc_fixture_number(json_t *map, const char *key);

/* Asks, and expects this value in the result. */
void rpc_fixture_expect_text(struct talk *talk, const char *method, const char *params,
                             const char *key, const char *value);
void rpc_fixture_expect_number(struct talk *talk, const char *method, const char *params,
                               const char *key, json_int_t value);

/* Asks, and expects a result, whatever it is. */
void rpc_fixture_do(struct talk *talk, const char *method, const char *params);

/* ---- behind the daemon's back ---- */

/* A session; session_free(), or rpc_fixture_put_back(), which commits as well. */
struct session *rpc_fixture_take_out(struct kv_txn *txn, const char *name);
void rpc_fixture_put_back(struct kv_txn *txn, struct session *session);

/* What a peer would have sent. */
void rpc_fixture_deliver(struct rpc_fixture *fixture, const char *name, uint32_t number,
                         const char *text);

/* Each byte of the key of a peer who … */
#define HOUSE_PROVEN_KEY 0x4b
/* … came, and is proven. Its verifier is 255, 254, 253, … */
void rpc_fixture_prove(struct rpc_fixture *fixture, const char *name);

#endif
