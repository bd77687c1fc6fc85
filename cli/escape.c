#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/utf8.h"
#include "cli/escape.h"

/* Longest escape, "\udb40\udc01", with its NUL. */
#define ESCAPE_MAX 13
/* No text grows more than a single byte does, which becomes "\u007f". */
#define ESCAPE_GROWTH 6

/* Marks that reorder or hide text: like control characters, they are never printed as they are. */
static bool is_unsafe(uint32_t character)
{
    return utf8_is_control(character) || utf8_is_invisible(character);
}

typedef void escape_format(uint32_t character, char ret_escape[ESCAPE_MAX]);

static void format_text(uint32_t character, char ret_escape[ESCAPE_MAX])
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

/* RFC 8259 section 7: characters beyond 16 bits are two surrogates. */
static void format_json(uint32_t character, char ret_escape[ESCAPE_MAX])
{
    if (character < 0x10000)
        snprintf(ret_escape, ESCAPE_MAX, "\\u%04x", character & 0xffff);
    else
        snprintf(ret_escape, ESCAPE_MAX, "\\u%04x\\u%04x",
                 0xd800 + ((character - 0x10000) >> 10 & 0x3ff),
                 0xdc00 + ((character - 0x10000) & 0x3ff));
}

/* `keep`: characters that are safe here. */
static char *escape_with(escape_format *format, const char *text, size_t length, const char *keep)
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
        bool safe = used > 0 && (!is_unsafe(character) || (character != '\0' && character < 0x80 &&
                                                           strchr(keep, (int)character) != NULL));

        used = used > 0 ? used : 1;
        if (safe) {
            memcpy(to, text, used);
            to += used;
        } else {
            format(character, to);
            to += strlen(to);
        }
        text += used;
        length -= used;
    }
    *to = '\0';
    return result;
}

char *escape_text(const char *text, size_t length, bool lines)
{
    return escape_with(format_text, text, length, lines ? "\n\t" : "");
}

char *escape_json(const char *json)
{
    return escape_with(format_json, json, strlen(json), "");
}

/* The columns of the character at `text`, which is not at its end; *ret_used is its length. */
static size_t character_width(const char *text, size_t *ret_used)
{
    uint32_t character = (unsigned char)text[0];
    size_t used = utf8_character(text, strlen(text), &character);
    int columns = used > 0 ? wcwidth((wchar_t)character) : 1;

    *ret_used = used > 0 ? used : 1;
    return columns >= 0 ? (size_t)columns : 1;
}

size_t escape_width(const char *text)
{
    size_t width = 0, used;

    for (; *text != '\0'; text += used)
        width += character_width(text, &used);
    return width;
}

void escape_cut(char *text, size_t columns)
{
    const char *mark = wcwidth(L'\u2026') == 1 ? "\u2026" : ".";
    size_t width = 0, used;

    if (escape_width(text) <= columns)
        return;
    while (width + character_width(text, &used) < columns) {
        width += character_width(text, &used);
        text += used;
    }
    strcpy(text, mark);
}
