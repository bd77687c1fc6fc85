/* JSON objects from strangers, read within bounds. */
#ifndef BASE_BOUNDED_JSON_H
#define BASE_BOUNDED_JSON_H

#include <stddef.h>

#include <jansson.h>

/* Deepest nesting: an `error` of a relay carries our message as `orig`; nothing legitimate goes
 * beyond a few levels, and jansson's own limit of 2048 costs a lot of stack. */
#define BOUNDED_JSON_DEPTH_MAX 32
/* Most values, names and separators outside strings. Three bytes of text can cost 140 of memory;
 * this keeps it under 10 MB, and is 20,000 nameplates in a relay's list. */
#define BOUNDED_JSON_ITEMS_MAX 65536

enum bounded_json_fault {
    BOUNDED_JSON_OK = 0,
    BOUNDED_JSON_REFUSED, /* not one JSON object in UTF-8, a NUL in a string, or beyond the bounds
                           */
    BOUNDED_JSON_NO_MEMORY,
};

/* Reads one JSON object; of repeated names the last one counts. The caller owns the reference. */
enum bounded_json_fault bounded_json_load(const char *text, size_t length, json_t **ret_root);

/* The hex of a long "body", in the text; NULL: there is none. */
struct bounded_json_body {
    const char *hex;
    size_t length;
};

/* The same for what relays and clients say, whose one large part is a top-level "body" of hex. If
 * that is long, it is neither copied nor read byte by byte: it stays in the text, and an empty one
 * is in its place. Refuses a text of more than `rest_max` bytes besides such a body: jansson takes
 * seconds for the longest ones, whatever comes of them. */
enum bounded_json_fault bounded_json_load_apart(const char *text, size_t length, size_t rest_max,
                                                json_t **ret_root,
                                                struct bounded_json_body *ret_body);

/* Writes a value as text, all of it or nothing: json_dumps() leaves out what it has no memory for.
 * New, free(); NULL when out of memory. `flags` are those of json_dumps(). */
char *bounded_json_text(const json_t *root, size_t flags);

#endif
