/* Messages between a client and a rendezvous relay: JSON objects, one per WebSocket message. This
 * is the client's half. */
#ifndef WORMHOLE_WIRE_H
#define WORMHOLE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest side, phase or mailbox id that is accepted; the stock ones have 10, 7 and 13 bytes. */
#define WIRE_NAME_MAX 128
/* Longest text (motd, error) kept from a relay: a few lines on a terminal. Longer ones are cut at a
 * character's end. */
#define WIRE_TEXT_MAX 1024

/* Longest token of a place in a mailbox. */
#define WIRE_POSITION_MAX 64

enum wire_type {
    WIRE_UNKNOWN = 0, /* a well-formed message of a type that we do not know: ignored */
    WIRE_WELCOME,
    WIRE_NAMEPLATES,
    WIRE_ALLOCATED,
    WIRE_CLAIMED,
    WIRE_RELEASED,
    WIRE_MESSAGE,
    WIRE_CLOSED,
    WIRE_ACK,
    WIRE_PONG,
    WIRE_ERROR,
    WIRE_RESUMED, /* the replay begins where `open` asked for (doc/relay-extensions.md) */
    WIRE_LEFT,    /* of a channel of a shared connection: it has ended (doc/relay-extensions.md) */
    WIRE_TYPES,   /* the number of types */
};

struct wire_message {
    enum wire_type type;
    const char *nameplate; /* allocated */
    const char *mailbox;   /* claimed */
    const char *side;      /* message */
    const char *phase;     /* message */
    uint8_t *body;         /* message: the bytes encoded as hex; not NULL even if empty */
    size_t body_length;
    int64_t pong;         /* pong */
    const char *position; /* pong: a token of the place up to which the mailbox was told, or NULL */
    const char *error;    /* error: its text; welcome: the relay's refusal, or NULL */
    const char *orig_type; /* error: the type of the message that it answers, or NULL */
    const char *motd;      /* welcome, or NULL */
    int64_t retention; /* welcome: seconds for which the relay keeps an unvisited mailbox; 0 if it
                          does not say */
    bool permission_needed; /* welcome: permission-required is present, and offers a hashcash that
                               we can make, or does not list "none" */
    bool permission_none; /* … it lists "none": without a stamp, the rest may work nevertheless */
    unsigned hashcash_bits; /* welcome: what a stamp must have to earn that permission; 0 if none
                               would do */
    const char *hashcash_resource;
    bool resumes;               /* welcome: `open` may say behind which place the replay begins */
    unsigned channels;          /* welcome: how many sessions may share the connection; 0: none */
    size_t channel_message_max; /* welcome: the longest text of one of those, bytes */
    int64_t channel;            /* the channel that it is for; 0: it is for the connection */
    const char *reason;         /* left: a sentence, or NULL */
    bool alone;                 /* left: the session needs a connection of its own */
    bool odd;          /* message: of a phase, side or body that none of ours can be; it has
                          none of them ("", no bytes) */
    size_t length;     /* of its text, bytes */
    int64_t server_tx; /* when the relay sent it, by its own clock, ms since the epoch; 0 if it does
                          not say */
    struct json_t *root; /* owns all of the strings above */
};

enum wire_fault {
    WIRE_OK = 0,
    WIRE_NOT_JSON,   /* not one JSON object in UTF-8, or beyond the bounds of document.h */
    WIRE_INCOMPLETE, /* a key that its type needs is absent, of the wrong type, too long, or not hex
                      */
    WIRE_NO_MEMORY,
};

/* Parses one message from the relay. On success the caller owns *ret_message and calls
 * wire_free(). A peer chooses phase and body: WIRE_MESSAGE that lacks a proper one is WIRE_OK for
 * whoever asks with wire_parse_odd(), and `odd`; for others it is WIRE_INCOMPLETE. */
enum wire_fault wire_parse(const char *text, size_t length, struct wire_message *ret_message);
enum wire_fault wire_parse_odd(const char *text, size_t length, struct wire_message *ret_message);

/* The nameplates that WIRE_NAMEPLATES lists, one after the other: set *index to 0 at first; it then
 * keeps the place. Invalid nameplates are left out. Borrowed; NULL at the end. */
const char *wire_next_nameplate(const struct wire_message *message, size_t *index);

/* For a welcome whose permission was not obtained: one sentence for a person, which names the kinds
 * of permission that the relay takes. At most size - 1 bytes. */
void wire_permission_text(const struct wire_message *welcome, char *ret_text, size_t size);

/* The same message again, which shares the strings; not for one with a body. wire_free(). */
struct wire_message wire_again(const struct wire_message *message);

/* Frees what the message holds, including the body. A zeroed message is fine. */
void wire_free(struct wire_message *message);

/* One sentence for a log. Borrowed. */
const char *wire_fault_text(enum wire_fault fault);

/*
 * What a client says. Each returns new JSON text, to be freed with free(), or NULL when out of
 * memory. The optional `id` is left out: acks prove nothing, so nothing here would look at it.
 */
char *wire_encode_bind(const char *appid, const char *side, const char *version);
char *wire_encode_submit_permission(const char *stamp); /* before bind */
char *wire_encode_list(void);
char *wire_encode_allocate(void);
char *wire_encode_claim(const char *nameplate);
char *wire_encode_release(const char *nameplate); /* NULL: the claimed one */
/* `after`: a token, "" for none, or NULL where the relay does not resume. */
char *wire_encode_open(const char *mailbox, const char *after);
char *wire_encode_add(const char *phase, const uint8_t *body, size_t length);
char *wire_encode_close(const char *mailbox, const char *mood);
char *wire_encode_ping(int64_t number);
char *wire_encode_leave(void); /* on a channel */

/* A copy of what a client says, for this channel of a shared connection. */
char *wire_on_channel(const char *text, int64_t channel);

#endif
