/* A relay without sockets: the rules over the memory store, and what each connection was told. JSON
 * is written with single quotes. */
#ifndef TESTS_RELAY_DESK_H
#define TESTS_RELAY_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "tests/doubles/memory_store.h"
#include "relay/rules.h"

/* The desk's clock, when it opens. */
#define DESK_START ((int64_t)1700000000000)

struct desk {
    struct memory_store *memory;
    const struct relay_store *store;
    struct rules *rules;
    int64_t now;
    const char *refusals[RULES_RATIONS]; /* what the rations say */
    unsigned rations[RULES_RATIONS];     /* how often each was asked for */
};

struct caller {
    struct desk *desk;
    struct client *client;
    json_t *told; /* an array of what was not looked at yet */
    const char *dropped;
    unsigned eased;
    bool behind; /* in taking what it was told */
};

/* Message_max 100000, retention an hour, list, neither motd nor hashcash. */
extern const struct rules_settings desk_settings;

void desk_open(struct desk *desk, const struct rules_settings *settings);
void desk_close(struct desk *desk);

/* A piece of a replay is so many bytes: a message or two. */
#define DESK_PIECE 4

/* Lets everything that was asked for happen. */
void desk_run(struct desk *desk);

/* Connects, and takes the welcome. */
void caller_enter(struct caller *caller, struct desk *desk);
/* The same, and binds. */
void caller_bind(struct caller *caller, struct desk *desk, const char *appid, const char *side);
void caller_leave(struct caller *caller);

/* It is not behind any more. */
void caller_catch_up(struct caller *caller);

/* Says something. */
void caller_say(struct caller *caller, const char *text);
/* Says something of a type, and takes the `ack`. */
void caller_do(struct caller *caller, const char *text);
/* The same, and lets it happen. */
void caller_run(struct caller *caller, const char *text);

/* Takes the next message, which must be there, without its server_tx. New. */
json_t *caller_next(struct caller *caller);
/* Takes the next message, which must be this one. */
void caller_expect(struct caller *caller, const char *text);
/* Takes the next message, which must be an error with this text. */
void caller_expect_error(struct caller *caller, const char *error);
/* Takes the next message, which must be a `message` of this side and phase. */
void caller_expect_message(struct caller *caller, const char *side, const char *phase);
/* There must be no more. */
void caller_expect_nothing(const struct caller *caller);

/* Says something; after its ack there must be exactly this error. */
void caller_fail(struct caller *caller, const char *text, const char *error);

#endif
