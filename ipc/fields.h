/*
 * Reads the map of a request's parameters. What is missing or wrong is remembered (the first of it)
 * as a sentence for `bad-params`, so that a handler reads all its parameters in straight lines and
 * asks once:
 *
 *     struct fields fields;
 *     fields_init(&fields, message->params);
 *     const char *session = fields_text(&fields, "session");
 *     int64_t words = fields_number_or(&fields, "words", 2, 1, 16);
 *     if (fields_wrong(&fields) != NULL)
 *         return refuse(call, IPC_BAD_PARAMS, fields_wrong(&fields));
 *
 * A parameter that is nil counts as absent. Unknown keys are ignored. Of a key that comes twice the
 * first counts.
 */
#ifndef IPC_FIELDS_H
#define IPC_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <msgpack.h>

struct fields {
    const msgpack_object *map; /* borrowed */
    char wrong[160];           /* "" while nothing is wrong */
};

/* `map` as in struct message: NULL if the params were not an array of one map, which is then what
 * is wrong. */
void fields_init(struct fields *fields, const msgpack_object *map);

/* The sentence about the first thing wrong, borrowed from `fields`; NULL if all is well. */
const char *fields_wrong(const struct fields *fields);

/* Text: UTF-8, without NUL in it, NUL-terminated, borrowed from the message. Without fallback it
 * must be there: otherwise NULL, and wrong. The fallback is only for absence. */
const char *fields_text(struct fields *fields, const char *key);
const char *fields_text_or(struct fields *fields, const char *key, const char *fallback);

/* A whole number from min to max; 0 and wrong otherwise. */
int64_t fields_number(struct fields *fields, const char *key, int64_t min, int64_t max);
int64_t fields_number_or(struct fields *fields, const char *key, int64_t fallback, int64_t min,
                         int64_t max);

/* True or false. Without fallback it must be there: otherwise false, and wrong. */
bool fields_flag(struct fields *fields, const char *key);
bool fields_flag_or(struct fields *fields, const char *key, bool fallback);

/* Bytes: bin, or str for those libraries that know no bin. Must be there; NULL and wrong
 * otherwise (never NULL for data of length 0). Borrowed from the message. */
const void *fields_data(struct fields *fields, const char *key, size_t *ret_length);

/* The value of a key, or NULL if there is none or `map` is NULL or no map. Borrowed. */
const msgpack_object *fields_find(const msgpack_object *map, const char *key);

#endif
