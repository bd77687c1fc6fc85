/* A JSON object, written member by member straight into text: what a relay says most is small and
 * of known spec, and a tree of values costs more than all else that is done for it. */
#ifndef RELAY_JSON_TEXT_H
#define RELAY_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* Nothing of it is the caller's but the object as a whole. */
struct json_text {
    char *data; /* NULL: memory ran out; then all that is written is lost */
    size_t length, size;
};

/* Begins; json_text_end() must follow. */
void json_text_begin(struct json_text *text);

/* The members. Keys need no escaping. Strings are UTF-8; NULL becomes null. */
void json_text_string(struct json_text *text, const char *key, const char *string);
void json_text_stringn(struct json_text *text, const char *key, const char *string, size_t length);
void json_text_value(struct json_text *text, const char *key, const json_t *value);
void json_text_integer(struct json_text *text, const char *key, int64_t integer);
/* `ms` (since the epoch) as seconds with a fraction. */
void json_text_time(struct json_text *text, const char *key, int64_t ms);

/* A member that is itself an object: what is written until the close belongs to it. */
void json_text_open(struct json_text *text, const char *key);
void json_text_close(struct json_text *text);

/* The text, new, free(). NULL when out of memory. */
char *json_text_end(struct json_text *text);

#endif
