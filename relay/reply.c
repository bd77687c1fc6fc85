#include "config.h"

#include "relay/reply.h"

#include "relay/json_text.h"

static struct json_text begin(const char *type)
{
    struct json_text text;

    json_text_begin(&text);
    json_text_string(&text, "type", type);
    return text;
}

static char *finish(struct json_text *text, int64_t now)
{
    json_text_time(text, "server_tx", now);
    return json_text_end(text);
}

/* {"type": type, key: string} */
static char *simple(const char *type, const char *key, const char *string, int64_t now)
{
    struct json_text text = begin(type);

    json_text_string(&text, key, string);
    return finish(&text, now);
}

/* {"type": type, key: value}; NULL: null */
static char *quoting(const char *type, const char *key, const json_t *value, int64_t now)
{
    struct json_text text = begin(type);

    json_text_value(&text, key, value);
    return finish(&text, now);
}

static void put_permission_required(struct json_text *text, const struct reply_welcome *welcome)
{
    json_text_open(text, "permission-required");
    json_text_open(text, "hashcash");
    json_text_integer(text, "bits", welcome->hashcash_bits);
    json_text_string(text, "resource", welcome->resource);
    json_text_close(text);
    json_text_close(text);
}

static void put_relayd(struct json_text *text, const struct reply_welcome *welcome)
{
    json_text_open(text, "relayd");
    json_text_integer(text, "retention", welcome->retention / 1000);
    json_text_integer(text, "max_message", (int64_t)welcome->message_max);
    json_text_close(text);
}

char *reply_welcome(const struct reply_welcome *welcome, int64_t now)
{
    struct json_text text = begin("welcome");

    json_text_open(&text, "welcome");
    if (welcome->motd)
        json_text_string(&text, "motd", welcome->motd);
    if (welcome->error)
        json_text_string(&text, "error", welcome->error);
    put_relayd(&text, welcome);
    if (welcome->hashcash_bits > 0)
        put_permission_required(&text, welcome);
    json_text_close(&text);
    return finish(&text, now);
}

char *reply_ack(const json_t *id, int64_t now)
{
    return quoting("ack", "id", id, now);
}

char *reply_pong(const json_t *ping, int64_t now)
{
    return quoting("pong", "pong", ping, now);
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
    char *reply = list ? quoting("nameplates", "nameplates", list, now) : NULL;
    json_decref(list);
    return reply;
}

char *reply_allocated(const char *nameplate, int64_t now)
{
    return simple("allocated", "nameplate", nameplate, now);
}

char *reply_claimed(const char *mailbox, int64_t now)
{
    return simple("claimed", "mailbox", mailbox, now);
}

char *reply_released(int64_t now)
{
    struct json_text text = begin("released");

    return finish(&text, now);
}

char *reply_closed(int64_t now)
{
    struct json_text text = begin("closed");

    return finish(&text, now);
}

char *reply_message(const struct relay_message *message, int64_t now)
{
    struct json_text text = begin("message");

    json_text_string(&text, "side", message->side);
    json_text_string(&text, "phase", message->phase);
    json_text_stringn(&text, "body", message->body, message->body_length);
    json_text_time(&text, "server_rx", message->server_rx);
    json_text_string(&text, "id", message->id);
    return finish(&text, now);
}

char *reply_error(const char *error, const json_t *orig, int64_t now)
{
    struct json_text text = begin("error");

    json_text_string(&text, "error", error);
    json_text_value(&text, "orig", orig);
    return finish(&text, now);
}
