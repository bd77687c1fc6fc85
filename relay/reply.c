#include "config.h"

#include "relay/reply.h"

#include "wormhole/document.h"

/* Takes the message over, and gives it its time. */
static char *finish(json_t *message, int64_t now)
{
    char *text = NULL;

    if (message && json_object_set_new(message, "server_tx", json_real((double)now / 1000)) == 0)
        text = document_text(message, JSON_COMPACT);
    json_decref(message);
    return text;
}

/* {"type": type, key: value}, where value is taken over. */
static char *simple(const char *type, const char *key, json_t *value, int64_t now)
{
    return finish(json_pack("{s:s, s:o}", "type", type, key, value), now);
}

static json_t *permission_required(const struct reply_welcome *welcome)
{
    return json_pack("{s:{s:i, s:s}}", "hashcash", "bits", (int)welcome->hashcash_bits, "resource",
                     welcome->resource);
}

static json_t *relayd(const struct reply_welcome *welcome)
{
    return json_pack("{s:I, s:I}", "retention", (json_int_t)(welcome->retention / 1000),
                     "max_message", (json_int_t)welcome->message_max);
}

char *reply_welcome(const struct reply_welcome *welcome, int64_t now)
{
    json_t *inner = json_pack("{s:s*, s:s*, s:o}", "motd", welcome->motd, "error", welcome->error,
                              "relayd", relayd(welcome));

    if (inner && welcome->hashcash_bits > 0 &&
        json_object_set_new(inner, "permission-required", permission_required(welcome))) {
        json_decref(inner);
        return NULL;
    }
    return simple("welcome", "welcome", inner, now);
}

/* The cast: jansson counts references in the value, which is not changed otherwise. */
static json_t *quote(const json_t *value)
{
    return value ? json_incref((json_t *)value) : json_null();
}

char *reply_ack(const json_t *id, int64_t now)
{
    return simple("ack", "id", quote(id), now);
}

char *reply_pong(const json_t *ping, int64_t now)
{
    return simple("pong", "pong", quote(ping), now);
}

char *reply_nameplates(const char *const *nameplates, size_t count, int64_t now)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < count; i++) {
        if (json_array_append_new(list, json_pack("{s:s}", "id", nameplates[i]))) {
            json_decref(list);
            list = NULL;
        }
    }
    return simple("nameplates", "nameplates", list, now);
}

char *reply_allocated(const char *nameplate, int64_t now)
{
    return simple("allocated", "nameplate", json_string(nameplate), now);
}

char *reply_claimed(const char *mailbox, int64_t now)
{
    return simple("claimed", "mailbox", json_string(mailbox), now);
}

char *reply_released(int64_t now)
{
    return finish(json_pack("{s:s}", "type", "released"), now);
}

char *reply_closed(int64_t now)
{
    return finish(json_pack("{s:s}", "type", "closed"), now);
}

char *reply_message(const struct relay_message *message, int64_t now)
{
    json_t *body = json_stringn_nocheck(message->body, message->body_length); /* hex */

    return finish(json_pack("{s:s, s:s, s:s, s:o, s:f, s:s?}", "type", "message", "side",
                            message->side, "phase", message->phase, "body", body, "server_rx",
                            (double)message->server_rx / 1000, "id", message->id),
                  now);
}

char *reply_error(const char *error, const json_t *orig, int64_t now)
{
    return finish(
        json_pack("{s:s, s:s, s:o}", "type", "error", "error", error, "orig", quote(orig)), now);
}
