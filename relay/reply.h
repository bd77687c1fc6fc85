/*
 * What a relay says to a client. Each function returns new JSON text, to be freed with free(), or
 * NULL when out of memory. `now` (ms) becomes `server_tx`, in seconds with a fraction, which a
 * stock relay puts into every message.
 */
#ifndef RELAY_REPLY_H
#define RELAY_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "relay/store.h"

struct reply_welcome {
    const char *motd;           /* or NULL */
    const char *error;          /* or NULL */
    const char *version;        /* of clients, that is recommended; or NULL */
    const char *address;        /* the client's own IP address, or NULL … */
    unsigned port;              /* … and port */
    unsigned hashcash_bits;     /* 0: no permission is required */
    const char *resource;       /* of the stamp */
    int64_t retention;          /* ms */
    size_t message_max;         /* bytes */
    unsigned channels;          /* 0: shared connections are not offered */
    size_t channel_message_max; /* bytes */
};

char *reply_welcome(const struct reply_welcome *welcome, int64_t now);
char *reply_ack(const json_t *id, int64_t now); /* NULL: null */
char *reply_nameplates(const char *const *nameplates, size_t count, int64_t now);
char *reply_allocated(const char *nameplate, int64_t now);
char *reply_claimed(const char *mailbox, int64_t now);
char *reply_released(int64_t now);
char *reply_message(const struct relay_message *message, int64_t now);
char *reply_closed(int64_t now);
/* `position`: a token, or NULL. */
char *reply_pong(const json_t *ping, const char *position, int64_t now);
char *reply_resumed(int64_t now);
/* The relay has ended a channel, or there is none; `reason` is a sentence. `alone`: what the client
 * asked for needs a connection of its own. */
char *reply_left(const char *reason, bool alone, int64_t now);
/* `orig` NULL: null. Of one that would take more than REPLY_ORIG_MAX bytes only the short members
 * are quoted, and `orig_cut` is true. */
#define REPLY_ORIG_MAX ((size_t)1024)
char *reply_error(const char *error, const json_t *orig, int64_t now);

/* Adds the number of a channel to a reply, which is consumed. New; NULL for NULL, or when out of
 * memory. */
char *reply_on_channel(char *reply, int64_t channel);

#endif
