/*
 * The messages with which stock clients transfer a text (appid OFFER_APPID, JSON objects):
 * {"offer": {"message": "text"}}, {"answer": {"message_ack": "ok"}},
 * {"error": "why"}. Files and directories are offered likewise, after a "transit" message.
 */
#ifndef CLI_OFFER_H
#define CLI_OFFER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define OFFER_APPID "lothar.com/wormhole/text-or-file-xfer"

enum offer_kind {
    OFFER_OTHER = 0, /* an object with nothing that we know: ignored */
    OFFER_BAD,       /* not a JSON object, or one with wrong types */
    OFFER_TEXT,
    OFFER_FILE, /* or a directory */
    OFFER_TRANSIT,
    OFFER_ERROR,
    OFFER_KINDS,
};

struct offer {
    enum offer_kind kind;
    /* OFFER_TEXT, OFFER_ERROR: the text; OFFER_FILE: a description for people; otherwise NULL. New,
     * with a NUL after it. */
    char *text;
    size_t length;
};

/* Reads a message; offer_clear() the result. False: out of memory. */
bool offer_read(const void *data, size_t length, struct offer *ret_offer);
void offer_clear(struct offer *offer);

/* Each makes a message as JSON text. New; free(). NULL if out of memory, or if the text is
 * not UTF-8. */
char *offer_make_text(const char *text, size_t length);
char *offer_make_ack(void);
char *offer_make_error(const char *reason);

/* {"session": id, "text": text}, as text receive --json prints it. New; json_decref(); NULL: out of
 * memory. */
json_t *offer_report(const struct offer *offer, const char *session);

#endif
