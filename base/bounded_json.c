#include "config.h"

#include "base/bounded_json.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/large.h"

/* Where a string ends: after the first quote that an even number of backslashes precedes. */
static const char *string_end(const char *start, const char *end)
{
    const char *at = start;

    while (((at = memchr(at, '"', (size_t)(end - at))) != NULL)) {
        const char *run = at;

        while (run > start && run[-1] == '\\')
            run--;
        if ((at++ - run) % 2 == 0)
            return at;
    }
    return end;
}

/* A string from which on jansson, which takes tens of nanoseconds for each byte and copies it four
 * times, would hold up an event loop for longer than a millisecond. */
#define LONG_STRING ((size_t)64 << 10)

/*
 * Looks at a string of the outermost object, with its quotes. `*named`: the one before it was
 * "body", with no more than a colon and space between. Of repeated names the last one counts: a
 * string that may be the name once more ends what was found, and jansson reads everything.
 */
static void look_for_body(const char *string, size_t length, bool *named,
                          struct bounded_json_body *body)
{
    static const char name[] = "\"body\"";
    size_t hex = 1;

    if (*named && length > LONG_STRING && string[length - 1] == '"')
        while (isxdigit((unsigned char)string[hex])) /* ends at the quote */
            hex++;
    if (hex > LONG_STRING && hex == length - 1) {
        *body = (struct bounded_json_body){.hex = string + 1, .length = length - 2};
        *named = false;
        return;
    }
    *named = length == sizeof(name) - 1 && memcmp(string, name, length) == 0;
    if (*named || memchr(string, '\\', length) != NULL)
        body->hex = NULL;
}

/* Scans the text for its size. Does not check syntax: jansson does that afterwards. */
static bool within_bounds(const char *text, size_t length, struct bounded_json_body *ret_body)
{
    const char *at = text, *end = text + length;
    unsigned depth = 0, items = 0;
    bool named = false;

    *ret_body = (struct bounded_json_body){.hex = NULL};
    while (at < end) {
        char c = *at++;

        if (c == '"') {
            const char *string = at - 1;
            at = string_end(at, end);
            if (depth == 1)
                look_for_body(string, (size_t)(at - string), &named, ret_body);
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
        if (c == '[' || c == '{' || c == ',')
            named = false;
        if (c == '[' || c == '{' || c == ',' || c == ':')
            items++;
        if (depth > BOUNDED_JSON_DEPTH_MAX || items > BOUNDED_JSON_ITEMS_MAX)
            return false;
    }
    return true;
}

/* When memory runs out, jansson says nothing, or that the text is wrong, or leaves something out;
 * so its allocations are watched while it reads. */
static bool starved;

static void *watched(size_t size)
{
    void *memory = large_pages(malloc(size), size);
    starved |= memory == NULL;
    return memory;
}

static enum bounded_json_fault load_all(const char *text, size_t length, json_t **ret_root)
{
    void *volatile probe = NULL; /* clang omits a malloc() whose result is unused */
    json_t *root;

    /* jansson (2.14, lex_save in load.c) does not notice when it cannot grow its token buffer, and
     * then overruns it. While it grows, the buffer takes up to three times the longest string, and
     * the value the same again: check that this much memory is available before jansson begins. */
    if (length <= SIZE_MAX / 4 - 1)
        probe = malloc(4 * (length + 1));
    if (probe == NULL)
        return BOUNDED_JSON_NO_MEMORY;
    free(probe);
    json_set_alloc_funcs(watched, free);
    starved = false;
    root = json_loadb(text, length, 0, NULL);
    if (starved || root == NULL) {
        json_decref(root);
        return starved ? BOUNDED_JSON_NO_MEMORY : BOUNDED_JSON_REFUSED;
    }
    if (!json_is_object(root)) {
        json_decref(root);
        return BOUNDED_JSON_REFUSED;
    }
    *ret_root = root;
    return BOUNDED_JSON_OK;
}

/* Has jansson read everything around the body, with an empty string in its place: what is JSON, and
 * what it says, remains for jansson to judge. */
static enum bounded_json_fault load_around(const char *text, size_t length,
                                           const struct bounded_json_body *body, json_t **ret_root)
{
    size_t before = (size_t)(body->hex - text), after = length - before - body->length;
    char *around = malloc(before + after);
    enum bounded_json_fault fault;

    if (around == NULL)
        return BOUNDED_JSON_NO_MEMORY;
    memcpy(around, text, before);
    memcpy(around + before, body->hex + body->length, after);
    fault = load_all(around, before + after, ret_root);
    free(around);
    return fault;
}

enum bounded_json_fault bounded_json_load(const char *text, size_t length, json_t **ret_root)
{
    struct bounded_json_body ignored;

    return within_bounds(text, length, &ignored) ? load_all(text, length, ret_root)
                                                 : BOUNDED_JSON_REFUSED;
}

enum bounded_json_fault bounded_json_load_apart(const char *text, size_t length, size_t rest_max,
                                                json_t **ret_root,
                                                struct bounded_json_body *ret_body)
{
    struct bounded_json_body body;
    enum bounded_json_fault fault = BOUNDED_JSON_REFUSED;

    if (within_bounds(text, length, &body) &&
        length - (body.hex != NULL ? body.length : 0) <= rest_max)
        fault = body.hex != NULL ? load_around(text, length, &body, ret_root)
                                 : load_all(text, length, ret_root);
    if (fault == BOUNDED_JSON_OK)
        *ret_body = body;
    return fault;
}

/* Not json_dumps: if it cannot grow its buffer (2.14, dump_string of an object's keys), it silently
 * leaves out a part. Into a buffer of the right size it writes everything or fails. */
char *bounded_json_text(const json_t *root, size_t flags)
{
    size_t length = json_dumpb(root, NULL, 0, flags);
    char *text = length ? malloc(length + 1) : NULL;

    if (text == NULL)
        return NULL;
    if (json_dumpb(root, text, length, flags) != length) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}
