#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded_json.h"
#include "base/wipe.h"
#include "cli/offer.h"

/* Copies a JSON string; anything else is OFFER_BAD. */
static bool read_string(const json_t *string, enum offer_kind kind, struct offer *ret_offer)
{
    if (!json_is_string(string)) {
        *ret_offer = (struct offer){.kind = OFFER_BAD};
        return true;
    }
    ret_offer->kind = kind;
    ret_offer->length = json_string_length(string);
    ret_offer->text = malloc(ret_offer->length + 1);
    if (ret_offer->text == NULL)
        return false;
    memcpy(ret_offer->text, json_string_value(string), ret_offer->length + 1);
    return true;
}

/* Most bytes of a file name that are shown: no file system has longer ones. */
#define NAME_SHOWN_MAX 255

/* What a file or directory looks like in an offer. */
static const struct offer_file_kind {
    const char *key, *name_key, *size_key, *word;
} kinds[] = {
    {"file", "filename", "filesize", "a file"},
    {"directory", "dirname", "numbytes", "a directory"},
};

/* "a file (notes.txt, 12 bytes)". New; free(); NULL: out of memory. */
static char *describe(const json_t *value, const struct offer_file_kind *kind)
{
    const char *name = json_string_value(json_object_get(value, kind->name_key));
    const json_t *size = json_object_get(value, kind->size_key);
    char *text;
    int length;

    if (name == NULL)
        length = asprintf(&text, "%s", kind->word);
    else if (!json_is_integer(size))
        length = asprintf(&text, "%s (%.*s)", kind->word, NAME_SHOWN_MAX, name);
    else
        length = asprintf(&text, "%s (%.*s, %" JSON_INTEGER_FORMAT " bytes)", kind->word,
                          NAME_SHOWN_MAX, name, json_integer_value(size));
    return length >= 0 ? text : NULL;
}

/* An object with neither is the offer of something that we do not know. */
static bool read_file(const json_t *value, struct offer *ret_offer)
{
    ret_offer->kind = OFFER_FILE;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && ret_offer->text == NULL; i++) {
        const json_t *file = json_object_get(value, kinds[i].key);

        if (file != NULL && (ret_offer->text = describe(file, &kinds[i])) == NULL)
            return false;
    }
    if (ret_offer->text == NULL)
        ret_offer->text = strdup("something other than a text");
    ret_offer->length = ret_offer->text != NULL ? strlen(ret_offer->text) : 0;
    return ret_offer->text != NULL;
}

static bool read_offer(const json_t *value, struct offer *ret_offer)
{
    const json_t *message = json_object_get(value, "message");

    if (message != NULL)
        return read_string(message, OFFER_TEXT, ret_offer);
    if (json_is_object(value))
        return read_file(value, ret_offer);
    ret_offer->kind = OFFER_BAD;
    return true;
}

static bool read_transit(const json_t *value, struct offer *ret_offer)
{
    (void)value;
    ret_offer->kind = OFFER_TRANSIT;
    return true;
}

static bool read_error(const json_t *value, struct offer *ret_offer)
{
    return read_string(value, OFFER_ERROR, ret_offer);
}

/* In order: an error outweighs anything else that a message may hold. */
static const struct offer_key {
    const char *name;
    bool (*read)(const json_t *value, struct offer *ret_offer);
} keys[] = {
    {"error", read_error},
    {"offer", read_offer},
    {"transit", read_transit},
};

bool offer_read(const void *data, size_t length, struct offer *ret_offer)
{
    struct offer offer = {.kind = OFFER_OTHER};
    json_t *object = json_loadb(data, length, JSON_ALLOW_NUL, NULL), *value = NULL;
    bool done = true;

    if (!json_is_object(object))
        offer.kind = OFFER_BAD;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && value == NULL; i++) {
        value = json_object_get(object, keys[i].name);
        if (value != NULL)
            done = keys[i].read(value, &offer);
    }
    json_decref(object);
    if (done)
        *ret_offer = offer;
    return done;
}

void offer_clear(struct offer *offer)
{
    wipe_free(offer->text);
    *offer = (struct offer){.kind = OFFER_OTHER};
}

/* Takes over `object`, which may be NULL. */
static char *dump(json_t *object)
{
    char *text = object != NULL ? bounded_json_text(object, 0) : NULL;

    json_decref(object);
    return text;
}

char *offer_make_text(const char *text, size_t length)
{
    return dump(json_pack("{s:{s:s%}}", "offer", "message", text, length));
}

char *offer_make_ack(void)
{
    return dump(json_pack("{s:{s:s}}", "answer", "message_ack", "ok"));
}

char *offer_make_error(const char *reason)
{
    return dump(json_pack("{s:s}", "error", reason));
}

json_t *offer_report(const struct offer *offer, const char *session)
{
    return json_pack("{s:s, s:s%}", "session", session, "text", offer->text, offer->length);
}
