/* A relay without sockets: the rules over the memory store, and what each connection was told. JSON
 * is written with single quotes. */
#ifndef TESTS_RELAY_RULES_FIXTURE_H
#define TESTS_RELAY_RULES_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "tests/doubles/memory_store.h"
#include "relay/rules.h"

/* The fixture's clock, when it opens. */
#define RULES_FIXTURE_START ((int64_t)1700000000000)

struct rules_fixture {
    struct memory_store *memory;
    const struct relay_store *store;
    struct rules *rules;
    int64_t now;
    const char *limit_errors[RULES_RATES]; /* what the rate limits answer */
    unsigned limit_asked[RULES_RATES];     /* how often each was asked */
};

struct test_client {
    struct rules_fixture *fixture;
    struct rules_client *rules;
    json_t *told; /* an array of what was not looked at yet */
    const char *dropped;
    unsigned busy_changes;
    bool backlogged;      /* takes nothing more now */
    int channels, places; /* how many it has, and may have */
};

/* Message_max 100000, retention an hour, list, neither motd nor hashcash. */
extern const struct rules_settings rules_fixture_settings;

void rules_fixture_open(struct rules_fixture *fixture, const struct rules_settings *settings);
/* Rules with the usual settings, over another store. New; rules_free(). */
struct rules *rules_fixture_rules(const struct relay_store *store);
void rules_fixture_close(struct rules_fixture *fixture);

/* A piece of a replay is so many bytes: a message or two. */
#define RULES_FIXTURE_PIECE 4

/* Lets everything that was asked for happen. */
void rules_fixture_run(struct rules_fixture *fixture);

/* Connects, and takes the welcome. */
void client_enter(struct test_client *client, struct rules_fixture *fixture);
/* The same, and binds. */
void client_bind(struct test_client *client, struct rules_fixture *fixture, const char *appid,
                 const char *side);
void client_leave(struct test_client *client);

/* It takes all that waits for it. */
void client_catch_up(struct test_client *client);

/* Says something. */
void client_say(struct test_client *client, const char *text);
/* Says something of a type, and takes the `ack`. */
void client_do(struct test_client *client, const char *text);
/* The same, and lets it happen. */
void client_run(struct test_client *client, const char *text);

/* Takes the next message, which must be there, without its server_tx. New. */
json_t *client_next(struct test_client *client);
/* Takes the next message, which must be this one. */
void client_expect(struct test_client *client, const char *text);
/* Takes the next message, which must be an error with this text. */
void client_expect_error(struct test_client *client, const char *error);
/* Takes the next message, which must be a `message` of this side and phase. */
void client_expect_message(struct test_client *client, const char *side, const char *phase);
/* There must be no more. */
void client_expect_nothing(const struct test_client *client);

/* Says something; after its ack there must be exactly this error. */
void client_fail(struct test_client *client, const char *text, const char *error);

#endif
