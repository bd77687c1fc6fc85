/* What two clients tell each other inside the body of a relay message. */
#ifndef WORMHOLE_PAYLOAD_H
#define WORMHOLE_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wormhole/epoch.h"
#include "wormhole/pake.h"

/* Longest app_versions JSON text, ours or a peer's, that is kept. It names features; it is not a
 * channel for data. */
#define PAYLOAD_VERSIONS_MAX 4096

/* {"pake_v1": "<hex>"}. New, free(), NULL when out of memory. */
char *payload_pake(const uint8_t message[PAKE_MESSAGE_BYTES]);

enum payload_fault {
    PAYLOAD_OK = 0,
    PAYLOAD_MALFORMED, /* not such JSON, not hex, or too long */
    PAYLOAD_NO_MEMORY,
};

/*
 * Reads a peer's pake. `ret_message` receives at most PAKE_MESSAGE_BYTES bytes, *ret_length their
 * number: one that is too short is not rejected here.
 */
enum payload_fault payload_read_pake(const uint8_t *body, size_t length,
                                     uint8_t ret_message[PAKE_MESSAGE_BYTES], size_t *ret_length);

/* Relays that an end wants besides that of the introduction, at most, and the longest URL. */
#define PAYLOAD_ROUTES_WANTED 2
#define PAYLOAD_ROUTE_MAX     128
#define PAYLOAD_ROUTES_MAX    3
/* Larger versions, and numbers, are none. */
#define PAYLOAD_ROUTES_VERSION_MAX ((uint32_t)1 << 28)

/* A list of routes; all URLs are as session_route_fits() wants them. */
struct payload_routes {
    uint32_t version;
    bool by_b;
    uint32_t count; /* 0: nothing is said */
    struct payload_route {
        uint32_t number;
        char url[PAYLOAD_ROUTE_MAX + 1]; /* number 0, that of the introduction, needs none */
    } list[PAYLOAD_ROUTES_MAX];
};

/* What an end says that can make the session last. */
struct payload_lasting {
    uint8_t public[EPOCH_PUBLIC_BYTES];
    bool routes; /* it knows of them, and wants these: */
    uint32_t wanted;
    char urls[PAYLOAD_ROUTES_WANTED][PAYLOAD_ROUTE_MAX + 1];
    int64_t expire; /* ms without news after which it is to end; 0: never */
};

/* Others than these are taken for none, ms: those that a user can ask for. */
#define PAYLOAD_EXPIRE_MIN ((int64_t)1000)
#define PAYLOAD_EXPIRE_MAX ((int64_t)366 * 24 * 3600 * 1000)

/* {"app_versions": {...}, "abilities": [...]} from an app_versions object as JSON text (NULL: {}).
 * The abilities are our own: that for receipts and, unless `lasting` is NULL, that for lasting
 * sessions. Other clients ignore what they do not know. New, free().
 * NULL if the text is not a JSON object or is too long, or when out of memory. */
char *payload_version(const char *app_versions, const struct payload_lasting *lasting);

/* What a version says of its sender. */
struct payload_abilities {
    bool receipts;
    bool can_last; /* it can make the session last, and has receipts, too: */
    struct payload_lasting lasting;
};

/* The peer's app_versions as compact JSON text; "{}" if there is nothing usable: it is only a hint,
 * and the message has proven itself by decrypting. New, free(). NULL when out of memory. */
char *payload_read_version(const uint8_t *plain, size_t length,
                           struct payload_abilities *ret_abilities);

/* Longest receipt, and longest name of its phase, with the NUL. */
#define PAYLOAD_RECEIPT_TEXT       1024
#define PAYLOAD_RECEIPT_PHASE_TEXT 32

/* A receipt; in a lasting session, a statement (doc/lasting.md), which has `next`. */
struct payload_receipt {
    uint32_t delivered;
    uint32_t read;
    bool has_next; /* else nothing below is said */
    uint8_t next[EPOCH_PUBLIC_BYTES];
    bool moved;
    bool bye;
    uint32_t bye_sent;
    char bye_result[8]; /* a word of session_result_name(); anything, from a peer */
    struct payload_routes routes;
};

/* {"delivered": n, "read": m, …}: the same facts always give the same text. */
void payload_receipt_text(const struct payload_receipt *receipt,
                          char ret_text[PAYLOAD_RECEIPT_TEXT]);

/* Reads a peer's receipt. Counts larger than any possible number of messages become UINT32_MAX. */
enum payload_fault payload_read_receipt(const uint8_t *plain, size_t length,
                                        struct payload_receipt *ret_receipt);

/* What the peer of somebody who offers a text says to that. */
enum payload_answer {
    PAYLOAD_ANSWER_NONE = 0, /* nothing that matters: "transit", or unknown */
    PAYLOAD_ANSWER_TAKEN,
    PAYLOAD_ANSWER_REFUSED, /* or the peer has met with an error */
    PAYLOAD_ANSWER_OFFER,   /* it wants to send, too */
    PAYLOAD_ANSWER_BAD,     /* no such message */
    PAYLOAD_ANSWER_NO_MEMORY,
};

/* Reads such a message of the text and file transfer. *ret_reason: what the peer gives as its
 * reason to refuse, a stranger's text; new, free(); otherwise NULL. */
enum payload_answer payload_read_answer(const uint8_t *plain, size_t length, char **ret_reason);

/* The phase of a receipt, "wormholed-receipt-0", "-1", …: numbered as in the phases of messages. */
bool payload_receipt_number(const char *phase, uint32_t *ret_number);
void payload_receipt_phase(uint32_t number, char ret_phase[PAYLOAD_RECEIPT_PHASE_TEXT]);

/* Application phases are "0", "1", "2", …: no sign, no leading zero, at most 2^32 - 2. False for
 * any other name. */
bool payload_phase_number(const char *phase, uint32_t *ret_number);

/* The phase name of a number. Writes at most 11 bytes. */
void payload_phase_name(uint32_t number, char ret_phase[11]);

#endif
