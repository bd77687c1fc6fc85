#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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

static bool read_offer(const json_t *value, struct offer *ret_offer)
{
    const json_t *message = json_object_get(value, "message");

    if (message != NULL)
        return read_string(message, OFFER_TEXT, ret_offer);
    ret_offer->kind = json_is_object(value) ? OFFER_FILE : OFFER_BAD;
    return true;
}

static bool read_answer(const json_t *value, struct offer *ret_offer)
{
    const char *ack = json_string_value(json_object_get(value, "message_ack"));

    ret_offer->kind = ack != NULL && strcmp(ack, "ok") == 0 ? OFFER_ACK : OFFER_BAD;
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

/* An error outweighs all else that a message may hold. */
static const struct key {
    const char *name;
    bool (*read)(const json_t *value, struct offer *ret_offer);
} keys[] = {
    {"error", read_error},
    {"offer", read_offer},
    {"answer", read_answer},
    {"transit", read_transit},
};

static bool read_object(const json_t *object, struct offer *ret_offer)
{
    if (!json_is_object(object)) {
        ret_offer->kind = OFFER_BAD;
        return true;
    }
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *value = json_object_get(object, keys[i].name);

        if (value != NULL)
            return keys[i].read(value, ret_offer);
    }
    return true;
}

bool offer_read(const void *data, size_t length, struct offer *ret_offer)
{
    struct offer offer = {.kind = OFFER_OTHER};
    json_t *object = json_loadb(data, length, JSON_ALLOW_NUL, NULL);
    bool done = read_object(object, &offer);

    json_decref(object);
    if (done)
        *ret_offer = offer;
    return done;
}

void offer_clear(struct offer *offer)
{
    free(offer->text);
    *offer = (struct offer){.kind = OFFER_OTHER};
}

/* Takes over `object`, which may be NULL. */
static char *dump(json_t *object)
{
    char *text = object != NULL ? json_dumps(object, 0) : NULL;

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

char *offer_make_error(const char *why)
{
    return dump(json_pack("{s:s}", "error", why));
}

char *offer_report(const struct offer *offer, const char *session)
{
    return dump(json_pack("{s:s, s:s%}", "session", session, "text", offer->text, offer->length));
}
