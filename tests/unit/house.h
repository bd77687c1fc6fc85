/* A daemon without visits, for tests: real methods, turns and store, a client, and no relay. */
#ifndef TESTS_HOUSE_H
#define TESTS_HOUSE_H

#include <stdint.h>

#include <jansson.h>

#include "daemon/rpc.h"
#include "daemon/settings.h"
#include "wormhole/session.h"

struct worker;
struct relay_dialer;
struct ipc_server;
struct kv_txn;
struct talk;

struct house {
    char directory[32];
    struct event_base *base;
    struct settings settings;
    struct relay_dialer *routes;
    struct worker *hashcash_worker;
    struct rpc rpc;
    struct ipc_server *server;
    struct talk *talk; /* a client that has said hello */
};

/* For cmocka: the state is a house. */
int house_set_up(void **state);
int house_tear_down(void **state);

/* One more house. house_leave(). */
struct house *house_new(void);
void house_leave(struct house *house);

/* One more client, who has said nothing yet. talk_free(). */
struct talk *house_come_in(struct house *house);

/* ---- looking into answers ---- */

/* NULL if it is no text. Borrowed. */
char *house_text(json_t *map, const char *key);
json_int_t house_number(json_t *map, const char *key);

/* Asks, and expects this value in the result. */
void house_expect_text(struct talk *talk, const char *method, const char *params, const char *key,
                       const char *value);
void house_expect_number(struct talk *talk, const char *method, const char *params, const char *key,
                         json_int_t value);

/* Asks, and expects a result, whatever it is. */
void house_do(struct talk *talk, const char *method, const char *params);

/* ---- behind the daemon's back ---- */

/* A session; session_free(), or house_put_back(), which commits as well. */
struct session *house_take_out(struct kv_txn *txn, const char *name);
void house_put_back(struct kv_txn *txn, struct session *session);

/* What a peer would have sent. */
void house_deliver(struct house *house, const char *name, uint32_t number, const char *text);

/* Each byte of the key of a peer who … */
#define HOUSE_PROVEN_KEY 0x4b
/* … came, and is proven. Its verifier is 255, 254, 253, … */
void house_prove(struct house *house, const char *name);

#endif
