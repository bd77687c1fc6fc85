/* What a client says to a relay: JSON objects, one per WebSocket message, read within bounds. The
 * relay's counterpart of wormhole/wire.h. */
#ifndef RELAY_COMMAND_H
#define RELAY_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/bounded_json.h"
#include "relay/position.h"

/* Longest hashcash stamp, and name of a method; stamps are about 60. */
#define RELAY_COMMAND_STAMP_MAX  512
#define RELAY_COMMAND_METHOD_MAX 32
/* Greatest number of a channel. */
#define RELAY_COMMAND_CHANNEL_MAX INT32_MAX
/* Longest message, besides the hex of a body: what anything but an add may have. It must be more
 * than bounded_json_load_apart() takes for a long body. */
#define RELAY_COMMAND_REST_MAX ((size_t)128 * 1024)
/* Room for the longest sentence of command.fault. */
#define RELAY_COMMAND_FAULT_SIZE 64

enum relay_command_type {
    RELAY_COMMAND_UNKNOWN = 0, /* always with a fault */
    RELAY_COMMAND_ADD,
    RELAY_COMMAND_ALLOCATE,
    RELAY_COMMAND_BIND,
    RELAY_COMMAND_CLAIM,
    RELAY_COMMAND_CLOSE,
    RELAY_COMMAND_LEAVE, /* ends a channel: doc/relay-extensions.md */
    RELAY_COMMAND_LIST,
    RELAY_COMMAND_OPEN,
    RELAY_COMMAND_PERMIT, /* submit-permissions, submit-permission */
    RELAY_COMMAND_PING,
    RELAY_COMMAND_RELEASE,
    RELAY_COMMAND_TYPES, /* number of types */
};

struct relay_command {
    enum relay_command_type type;
    char fault[RELAY_COMMAND_FAULT_SIZE]; /* why it cannot be obeyed, one sentence for the `error`;
                                       "" if it can */
    const char *appid, *side;             /* bind */
    const char *nameplate;                /* claim; release, or NULL */
    const char *mailbox;                  /* open; close, or NULL */
    bool resumes;                         /* open: it has `after`, … */
    struct relay_position after;          /* … which is this place, or anything else */
    const char *phase, *body;             /* add; the body is hex, and see `apart` */
    size_t body_length;                   /* of the hex */
    const char *mood;                     /* close, or NULL */
    const char *method, *stamp;           /* permit; the stamp may be NULL */
    const json_t *ping;                   /* ping: a number */
    const char *id;                       /* or NULL */
    int64_t channel; /* that it is for; 0: none is named, -1: what is named cannot be one */
    json_t *root;    /* owns all of the above; NULL if it is not a JSON object */
    struct bounded_json_body apart; /* a long body is still in the text, which owns it */
};

/*
 * Reads one message. Whatever a stranger sends yields a command; a bad one has a fault. False only
 * when out of memory. On success the caller calls relay_command_free().
 */
bool relay_command_parse(const char *text, size_t length, struct relay_command *ret_command);

/* True if the command has a type, known or not: it is then acknowledged, with the `id` as
 * received. */
bool relay_command_has_type(const struct relay_command *command);

/* For a command that outlives the text that it was read from. False when out of memory: it then has
 * no body, and a fault. */
bool relay_command_keep(struct relay_command *command);

/* Takes the body out and leaves an empty one, for a command that waits for the store: an `error`
 * can still quote the command, without the weight. New, json_decref(); command.body stays valid
 * until then, or as long as the text if it is still there. */
json_t *relay_command_take_body(struct relay_command *command);

/* Frees what the command holds. A zeroed one is fine. */
void relay_command_free(struct relay_command *command);

#endif
