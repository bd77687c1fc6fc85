#include "config.h"

#include "wormhole/document.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Where a look over the text for its size is. It judges no syntax: jansson does that after it. */
struct scan {
    unsigned depth;
    unsigned items;
    bool in_string;
    bool escaped;
};

static void scan_in_string(struct scan *scan, char c)
{
    if (scan->escaped)
        scan->escaped = false;
    else if (c == '\\')
        scan->escaped = true;
    else if (c == '"')
        scan->in_string = false;
}

static void scan_outside(struct scan *scan, char c)
{
    if (c == '"')
        scan->in_string = true;
    if (c == '[' || c == '{')
        scan->depth++;
    if ((c == ']' || c == '}') && scan->depth > 0)
        scan->depth--;
    if (c == '[' || c == '{' || c == ',' || c == ':')
        scan->items++;
}

static bool within_bounds(const char *text, size_t length)
{
    struct scan scan = {0};

    for (size_t i = 0; i < length; i++) {
        if (scan.in_string)
            scan_in_string(&scan, text[i]);
        else
            scan_outside(&scan, text[i]);
        if (scan.depth > DOCUMENT_DEPTH_MAX || scan.items > DOCUMENT_ITEMS_MAX)
            return false;
    }
    return true;
}

/*
 * jansson (2.14, lex_save in load.c) does not notice when it cannot grow its token buffer, and then
 * runs over its end. While it grows, the buffer takes up to three times the longest string, and the
 * value the same again: see that so much can be had before it begins.
 */
static bool memory_at_hand(size_t length)
{
    void *volatile probe; /* clang leaves out a malloc() that nobody looks at */

    if (length > SIZE_MAX / 4 - 1)
        return false;
    probe = malloc(4 * (length + 1));
    free(probe);
    return probe != NULL;
}

enum document_fault document_load(const char *text, size_t length, json_t **ret_root)
{
    json_error_t error = {.text = ""};
    json_t *root;

    if (!within_bounds(text, length))
        return DOCUMENT_REFUSED;
    if (!memory_at_hand(length))
        return DOCUMENT_NO_MEMORY;
    root = json_loadb(text, length, 0, &error);
    if (!root) /* where memory ran out jansson has nothing to say, mostly */
        return error.text[0] ? DOCUMENT_REFUSED : DOCUMENT_NO_MEMORY;
    if (!json_is_object(root)) {
        json_decref(root);
        return DOCUMENT_REFUSED;
    }
    *ret_root = root;
    return DOCUMENT_OK;
}

/* Not json_dumps: where it cannot grow its buffer (2.14, dump_string of an object's keys) it leaves
 * out a part and says nothing. Into a buffer of the right size it writes all or fails. */
char *document_text(const json_t *root, size_t flags)
{
    size_t length = json_dumpb(root, NULL, 0, flags);
    char *text = length ? malloc(length + 1) : NULL;

    if (!text)
        return NULL;
    if (json_dumpb(root, text, length, flags) != length) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}
