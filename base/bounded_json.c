#include "config.h"

#include "base/bounded_json.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

/* Scans the text for its size. Does not check syntax: jansson does that afterwards. */
static bool within_bounds(const char *text, size_t length)
{
    const char *at = text, *end = text + length;
    unsigned depth = 0, items = 0;

    while (at < end) {
        char c = *at++;

        if (c == '"')
            at = string_end(at, end);
        else if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
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
    void *memory = malloc(size);
    starved |= memory == NULL;
    return memory;
}

enum bounded_json_fault bounded_json_load(const char *text, size_t length, json_t **ret_root)
{
    void *volatile probe = NULL; /* clang omits a malloc() whose result is unused */
    json_t *root;

    if (!within_bounds(text, length))
        return BOUNDED_JSON_REFUSED;
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
