/* Something that is to happen to a session in the next turn. */
#ifndef DAEMON_REQUEST_H
#define DAEMON_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/turn.h"
#include "wormhole/wire.h"

struct request;
struct turns;

struct request {
    struct request *next;
    /* Carries it out inside the turn's transaction. */
    enum turn_code (*run)(struct turns *turns, struct request *request);
    turn_done done; /* NULL: nobody waits for an answer */
    void *arg;

    uint8_t id[SESSION_ID_BYTES];
    struct session_event event; /* for an event; its pointers lead into this struct */
    struct wire_message relay;
    void *data; /* a copy of what event.data or event.text points at; wiped when freed */
    size_t length;
    struct session *created; /* for a creation */
    enum turn_forgetting forgetting;

    /* What came of it. */
    struct outcome outcome;
    struct turn_answer answer;
};

/* A new request for a session; NULL when out of memory. request_free(). */
struct request *request_new(const uint8_t id[SESSION_ID_BYTES]);

/* Copies the event and what it points at. False when out of memory. */
bool request_set_event(struct request *request, const struct session_event *event);

void request_free(struct request *request);

/* Bytes that it may add to the store. None for what brings no data (acknowledging, closing,
 * forgetting): a full store must be able to become less full, and keeps a reserve for that. */
size_t request_room(const struct request *request);

/* True if a client asked for it, so that it is worth another try after a failed commit. */
bool request_is_wanted(const struct request *request);

#endif
