/*
 * What stock clients say to each other when they transfer a text (protocol: appid OFFER_APPID, JSON
 * objects as messages): {"offer": {"message": "text"}}, {"answer": {"message_ack": "ok"}},
 * {"error": "why"}. Files and directories are offered alike, with a "transit" message before.
 */
#ifndef CLI_OFFER_H
#define CLI_OFFER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define OFFER_APPID "lothar.com/wormhole/text-or-file-xfer"

enum offer_kind {
    OFFER_OTHER = 0, /* an object that means nothing to us: ignored by all */
    OFFER_BAD,       /* no JSON object, or one of wrong types */
    OFFER_TEXT,
    OFFER_FILE, /* or a directory */
    OFFER_TRANSIT,
    OFFER_ACK,
    OFFER_ERROR,
    OFFER_KINDS,
};

struct offer {
    enum offer_kind kind;
    /* OFFER_TEXT, OFFER_ERROR: what it says; OFFER_FILE: a description for people. New, with a NUL
     * behind it; otherwise NULL. */
    char *text;
    size_t length;
};

/* Reads a message; offer_clear() the result. False: out of memory. */
bool offer_read(const void *data, size_t length, struct offer *ret_offer);
void offer_clear(struct offer *offer);

/* Each makes a message as JSON text. New; free(). NULL if out of memory, or if the text is no
 * UTF-8. */
char *offer_make_text(const char *text, size_t length);
char *offer_make_ack(void);
char *offer_make_error(const char *why);

/* {"session": id, "text": text}, as text receive --json prints it. New; json_decref(); NULL: out of
 * memory. */
json_t *offer_report(const struct offer *offer, const char *session);

#endif
