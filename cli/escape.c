#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/utf8.h"
#include "cli/escape.h"

/* Longest escape, "\U000e0001", with its NUL. */
#define ESCAPE_MAX 11
/* No text grows more than a single byte does, which becomes "\x1b". */
#define ESCAPE_GROWTH 4

/* Marks that reorder or hide text: like control characters, they are never printed as they are. */
static bool is_unsafe(uint32_t character)
{
    return utf8_is_control(character) || utf8_is_invisible(character);
}

static void format_escape(uint32_t character, char ret_escape[ESCAPE_MAX])
{
    if (character == '\n' || character == '\t') {
        snprintf(ret_escape, ESCAPE_MAX, "\\%c", character == '\n' ? 'n' : 't');
    } else {
        snprintf(ret_escape, ESCAPE_MAX,
                 character < 0x100     ? "\\x%02x"
                 : character < 0x10000 ? "\\u%04x"
                                       : "\\U%08x",
                 (unsigned)character);
    }
}

char *escape_text(const char *text, size_t length, bool lines)
{
    char *result, *to;

    if (length > (SIZE_MAX - ESCAPE_MAX) / ESCAPE_GROWTH)
        return NULL;
    result = to = malloc(length * ESCAPE_GROWTH + ESCAPE_MAX);
    if (result == NULL)
        return NULL;
    while (length > 0) {
        uint32_t character = (unsigned char)text[0];
        size_t used = utf8_character(text, length, &character);
        bool keep = used > 0 &&
                    (!is_unsafe(character) || (lines && (character == '\n' || character == '\t')));

        used = used > 0 ? used : 1;
        if (keep) {
            memcpy(to, text, used);
            to += used;
        } else {
            format_escape(character, to);
            to += strlen(to);
        }
        text += used;
        length -= used;
    }
    *to = '\0';
    return result;
}

size_t escape_width(const char *text)
{
    size_t left = strlen(text), width = 0;

    while (left > 0) {
        uint32_t character = (unsigned char)text[0];
        size_t used = utf8_character(text, left, &character);
        int columns = used > 0 ? wcwidth((wchar_t)character) : 1;

        used = used > 0 ? used : 1;
        width += columns >= 0 ? (size_t)columns : 1;
        text += used;
        left -= used;
    }
    return width;
}
