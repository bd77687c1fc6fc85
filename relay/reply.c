#include "config.h"

#include "relay/reply.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/large.h"

/*
 * JSON. An object is written member by member, directly as text: most replies are small and of a
 * known shape, and a tree of values would cost more than everything else that is done for them.
 */

/* Enough for most replies. */
#define FIRST_SIZE 256
/* Room for a time, or for an escaped character. */
#define NUMBER_SIZE 32
#define ESCAPE_SIZE 8

struct json_text {
    char *data; /* NULL: memory ran out, and everything written is lost */
    size_t length, size;
};

/* Makes room for `more` bytes and a NUL. */
static bool make_room(struct json_text *text, size_t more)
{
    size_t needed = text->length + more + 1;
    size_t size = needed > 2 * text->size ? needed : 2 * text->size;
    char *grown;

    if (text->data == NULL || needed <= text->size)
        return text->data != NULL;
    grown = realloc(text->data, size);
    if (grown == NULL)
        free(text->data);
    text->data = large_pages(grown, size);
    text->size = size;
    return grown != NULL;
}

static void put(struct json_text *text, const char *data, size_t length)
{
    if (!make_room(text, length))
        return;
    memcpy(text->data + text->length, data, length);
    text->length += length;
}

static void put_key(struct json_text *text, const char *key)
{
    if (text->data != NULL && text->data[text->length - 1] != '{')
        put(text, ",", 1);
    put(text, "\"", 1);
    put(text, key, strlen(key));
    put(text, "\":", 2);
}

static bool must_escape(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

static void put_escaped(struct json_text *text, char c)
{
    char escape[ESCAPE_SIZE] = {'\\', c};

    if ((unsigned char)c < 0x20)
        snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c);
    put(text, escape, strlen(escape));
}

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

/* True if a byte of these eight may have to be escaped. ("Bit Twiddling Hacks", haszero and
 * hasless.) */
static bool may_escape(const char *eight)
{
    uint64_t bytes, quote, backslash;

    memcpy(&bytes, eight, sizeof(bytes));
    quote = bytes ^ EACH_BYTE * '"';
    backslash = bytes ^ EACH_BYTE * '\\';
    return (((bytes - EACH_BYTE * 0x20) & ~bytes) | ((quote - EACH_BYTE) & ~quote) |
            ((backslash - EACH_BYTE) & ~backslash)) &
           HIGH_BITS;
}

static void put_stringn(struct json_text *text, const char *key, const char *string, size_t length)
{
    size_t run;

    put_key(text, key);
    make_room(text, length + 2);
    put(text, "\"", 1);
    for (; length > 0; string += run, length -= run) {
        for (run = 0; run + 8 <= length && !may_escape(string + run);)
            run += 8;
        while (run < length && !must_escape(string[run]))
            run++;
        put(text, string, run);
        if (run < length)
            put_escaped(text, string[run++]);
    }
    put(text, "\"", 1);
}

/* jansson returns how much it would write, and writes it if there is room. */
static size_t dump(struct json_text *text, const json_t *value)
{
    return json_dumpb(value, text->data + text->length, text->size - text->length - 1,
                      JSON_COMPACT | JSON_ENCODE_ANY);
}

static void put_value(struct json_text *text, const char *key, const json_t *value)
{
    size_t length;

    put_key(text, key);
    if (value == NULL)
        put(text, "null", 4);
    if (value == NULL || text->data == NULL)
        return;
    length = dump(text, value);
    if (length >= text->size - text->length && make_room(text, length))
        length = dump(text, value);
    if (text->data == NULL)
        return;
    text->length += length;
    if (length == 0) {
        free(text->data);
        text->data = NULL;
    }
}

static void put_string(struct json_text *text, const char *key, const char *string)
{
    if (string != NULL)
        put_stringn(text, key, string, strlen(string));
    else
        put_value(text, key, NULL);
}

static void put_integer(struct json_text *text, const char *key, int64_t integer)
{
    char number[NUMBER_SIZE];
    int length = snprintf(number, sizeof(number), "%" PRId64, integer);

    put_key(text, key);
    put(text, number, (size_t)length);
}

/* No time of ours is before 1970. */
static void put_time(struct json_text *text, const char *key, int64_t ms)
{
    char number[NUMBER_SIZE];
    int64_t time = ms > 0 ? ms : 0;
    int length =
        snprintf(number, sizeof(number), "%" PRId64 ".%03d", time / 1000, (int)(time % 1000));

    put_key(text, key);
    put(text, number, (size_t)length);
}

static void open_member(struct json_text *text, const char *key)
{
    put_key(text, key);
    put(text, "{", 1);
}

static void close_member(struct json_text *text)
{
    put(text, "}", 1);
}

/* ---- replies ---- */

static struct json_text begin(const char *type)
{
    struct json_text text = {.data = malloc(FIRST_SIZE), .size = FIRST_SIZE};

    put(&text, "{", 1);
    put_string(&text, "type", type);
    return text;
}

/* The text, new. NULL if memory ran out. */
static char *finish(struct json_text *text, int64_t now)
{
    put_time(text, "server_tx", now);
    put(text, "}", 1);
    if (text->data != NULL)
        text->data[text->length] = '\0';
    return text->data;
}

/* {"type": type, key: string} */
static char *simple(const char *type, const char *key, const char *string, int64_t now)
{
    struct json_text text = begin(type);

    put_string(&text, key, string);
    return finish(&text, now);
}

/* {"type": type, key: value}; NULL: null */
static char *quoting(const char *type, const char *key, const json_t *value, int64_t now)
{
    struct json_text text = begin(type);

    put_value(&text, key, value);
    return finish(&text, now);
}

static void put_permission_required(struct json_text *text, const struct reply_welcome *welcome)
{
    open_member(text, "permission-required");
    put_value(text, "none", NULL); /* magic-wormhole.rs 0.8.1 wants it; null: this is no way in */
    open_member(text, "hashcash");
    put_integer(text, "bits", welcome->hashcash_bits);
    put_string(text, "resource", welcome->resource);
    close_member(text);
    close_member(text);
}

static void put_relayd(struct json_text *text, const struct reply_welcome *welcome)
{
    open_member(text, "relayd");
    put_integer(text, "retention", welcome->retention / 1000);
    put_integer(text, "max_message", (int64_t)welcome->message_max);
    close_member(text);
}

static void put_extensions(struct json_text *text, const struct reply_welcome *welcome)
{
    open_member(text, "extensions");
    if (welcome->channels > 0) {
        open_member(text, "shared-connection");
        put_integer(text, "version", 1);
        put_integer(text, "channels", welcome->channels);
        put_integer(text, "max_message", (int64_t)welcome->channel_message_max);
        close_member(text);
    }
    open_member(text, "resume");
    put_integer(text, "version", 1);
    close_member(text);
    close_member(text);
}

char *reply_welcome(const struct reply_welcome *welcome, int64_t now)
{
    struct json_text text = begin("welcome");

    open_member(&text, "welcome");
    if (welcome->motd != NULL)
        put_string(&text, "motd", welcome->motd);
    if (welcome->error != NULL)
        put_string(&text, "error", welcome->error);
    if (welcome->version != NULL)
        put_string(&text, "current_cli_version", welcome->version);
    if (welcome->address != NULL) {
        open_member(&text, "your-address");
        put_string(&text, strchr(welcome->address, ':') != NULL ? "ipv6" : "ipv4",
                   welcome->address);
        put_integer(&text, "port", welcome->port);
        close_member(&text);
    }
    put_relayd(&text, welcome);
    put_extensions(&text, welcome);
    if (welcome->hashcash_bits > 0)
        put_permission_required(&text, welcome);
    close_member(&text);
    return finish(&text, now);
}

char *reply_ack(const json_t *id, int64_t now)
{
    return quoting("ack", "id", id, now);
}

char *reply_pong(const json_t *ping, const char *position, int64_t now)
{
    struct json_text text = begin("pong");

    put_value(&text, "pong", ping);
    if (position != NULL)
        put_string(&text, "position", position);
    return finish(&text, now);
}

char *reply_resumed(int64_t now)
{
    struct json_text text = begin("resumed");

    return finish(&text, now);
}

char *reply_nameplates(const char *const *nameplates, size_t count, int64_t now)
{
    struct json_text text = begin("nameplates");

    put_key(&text, "nameplates");
    put(&text, "[", 1);
    for (size_t i = 0; i < count; i++) {
        put(&text, i == 0 ? "{" : ",{", i == 0 ? 1 : 2);
        put_string(&text, "id", nameplates[i]);
        put(&text, "}", 1);
    }
    put(&text, "]", 1);
    return finish(&text, now);
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

    put_string(&text, "side", message->side);
    put_string(&text, "phase", message->phase);
    put_stringn(&text, "body", message->body, message->body_length);
    put_time(&text, "server_rx", message->server_rx);
    put_string(&text, "id", message->id);
    return finish(&text, now);
}

/* Members of a message that are quoted of a long one, and the longest of them. */
#define QUOTED_MEMBERS 8
#define QUOTED_BYTES   64

static int count_bytes(const char *data, size_t length, void *left)
{
    (void)data;
    if (length > *(size_t *)left)
        return -1; /* ends the dump */
    *(size_t *)left -= length;
    return 0;
}

/* Does not look at more than is quoted. */
static bool is_short(const json_t *orig)
{
    size_t left = REPLY_ORIG_MAX;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)orig, key, value)
    {
        if (json_string_length(value) > REPLY_ORIG_MAX)
            return false;
    }
    return json_dump_callback(orig, count_bytes, &left, JSON_COMPACT) == 0;
}

static void put_short_members(struct json_text *text, const json_t *orig)
{
    unsigned quoted = 0;
    const char *key;
    json_t *value;

    open_member(text, "orig");
    json_object_foreach((json_t *)orig, key, value)
    {
        /* Names that need an escape are nobody's. */
        if (json_is_object(value) || json_is_array(value) ||
            json_string_length(value) > QUOTED_BYTES || strlen(key) > QUOTED_BYTES ||
            strspn(key, "abcdefghijklmnopqrstuvwxyz_-") != strlen(key))
            continue;
        if (quoted++ < QUOTED_MEMBERS)
            put_value(text, key, value);
    }
    close_member(text);
    put_value(text, "orig_cut", json_true());
}

char *reply_error(const char *error, const json_t *orig, int64_t now)
{
    struct json_text text = begin("error");

    put_string(&text, "error", error);
    if (orig == NULL || is_short(orig))
        put_value(&text, "orig", orig);
    else
        put_short_members(&text, orig);
    return finish(&text, now);
}

char *reply_left(const char *reason, bool alone, int64_t now)
{
    struct json_text text = begin("left");

    put_string(&text, "reason", reason);
    if (alone)
        put_value(&text, "alone", json_true());
    return finish(&text, now);
}

char *reply_on_channel(char *reply, int64_t channel)
{
    char key[2 * NUMBER_SIZE];
    size_t length = reply != NULL ? strlen(reply) : 0;
    size_t more = (size_t)snprintf(key, sizeof(key), ",\"channel\":%" PRId64 "}", channel);
    char *grown = reply != NULL ? realloc(reply, length + more) : NULL;

    if (grown == NULL)
        free(reply);
    else
        memcpy(grown + length - 1, key, more + 1); /* over its last brace */
    return grown;
}
