#include "config.h"

#include "relay/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most replies fit. */
#define FIRST_SIZE 256
/* Room for a time, or for an escaped character. */
#define NUMBER_SIZE 32
#define ESCAPE_SIZE 8

/* Room for so many bytes and a NUL. */
static bool make_room(struct json_text *text, size_t more)
{
    size_t needed = text->length + more + 1;
    size_t size = needed > 2 * text->size ? needed : 2 * text->size;
    char *grown;

    if (!text->data || needed <= text->size)
        return text->data;
    grown = realloc(text->data, size);
    if (!grown)
        free(text->data);
    text->data = grown;
    text->size = size;
    return grown;
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
    if (text->data && text->data[text->length - 1] != '{')
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

void json_text_begin(struct json_text *text)
{
    *text = (struct json_text){.data = malloc(FIRST_SIZE), .size = FIRST_SIZE};
    put(text, "{", 1);
}

void json_text_stringn(struct json_text *text, const char *key, const char *string, size_t length)
{
    size_t run;

    put_key(text, key);
    put(text, "\"", 1);
    for (; length > 0; string += run, length -= run) {
        for (run = 0; run < length && !must_escape(string[run]);)
            run++;
        put(text, string, run);
        if (run < length)
            put_escaped(text, string[run++]);
    }
    put(text, "\"", 1);
}

void json_text_string(struct json_text *text, const char *key, const char *string)
{
    if (string)
        json_text_stringn(text, key, string, strlen(string));
    else
        json_text_value(text, key, NULL);
}

/* jansson says how much it would write, and writes it if there is room. */
static size_t dump(struct json_text *text, const json_t *value)
{
    return json_dumpb(value, text->data + text->length, text->size - text->length - 1,
                      JSON_COMPACT | JSON_ENCODE_ANY);
}

static void lose(struct json_text *text)
{
    free(text->data);
    text->data = NULL;
}

void json_text_value(struct json_text *text, const char *key, const json_t *value)
{
    size_t length;

    put_key(text, key);
    if (!value)
        put(text, "null", 4);
    if (!value || !text->data)
        return;
    length = dump(text, value);
    if (length >= text->size - text->length && make_room(text, length))
        length = dump(text, value);
    if (length == 0 || !text->data)
        lose(text);
    else
        text->length += length;
}

void json_text_integer(struct json_text *text, const char *key, int64_t integer)
{
    char number[NUMBER_SIZE];
    int length = snprintf(number, sizeof(number), "%" PRId64, integer);

    put_key(text, key);
    put(text, number, (size_t)length);
}

/* No time of ours is before 1970. */
void json_text_time(struct json_text *text, const char *key, int64_t ms)
{
    char number[NUMBER_SIZE];
    int64_t time = ms > 0 ? ms : 0;
    int length =
        snprintf(number, sizeof(number), "%" PRId64 ".%03d", time / 1000, (int)(time % 1000));

    put_key(text, key);
    put(text, number, (size_t)length);
}

void json_text_open(struct json_text *text, const char *key)
{
    put_key(text, key);
    put(text, "{", 1);
}

void json_text_close(struct json_text *text)
{
    put(text, "}", 1);
}

char *json_text_end(struct json_text *text)
{
    json_text_close(text);
    if (text->data)
        text->data[text->length] = '\0';
    return text->data;
}
