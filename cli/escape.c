#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/utf8.h"
#include "cli/escape.h"

/* Longest escape, "\u202e", with its NUL. */
#define ESCAPE_MAX 7
/* No text grows more than a single byte does, which becomes "\x1b". */
#define ESCAPE_GROWTH 4

/* Marks that reorder or hide text: like control characters, they are never printed as they are. */
static const struct unsafe_range {
    uint32_t first, last;
} marks[] = {
    {0x061c, 0x061c}, {0x200b, 0x200f}, {0x2028, 0x202e},
    {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
};

static bool is_unsafe(uint32_t character)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (character >= marks[i].first && character <= marks[i].last)
            return true;
    return utf8_is_control(character);
}

static void format_escape(uint32_t character, char ret_escape[ESCAPE_MAX])
{
    if (character == '\n' || character == '\t') {
        snprintf(ret_escape, ESCAPE_MAX, "\\%c", character == '\n' ? 'n' : 't');
    } else {
        snprintf(ret_escape, ESCAPE_MAX, character < 0x100 ? "\\x%02x" : "\\u%04x",
                 (unsigned)character & 0xffff);
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
