#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cli/escape.h"

/* Longest escape, "\u202e", with its NUL. */
#define ESCAPE_MAX 7
/* No text grows more than a single byte does, which becomes "\x1b". */
#define ESCAPE_GROWTH 4

/* Characters that are never printed as they are: controls, and marks that reorder or hide. */
static const struct unsafe_range {
    uint32_t first, last;
} unsafe[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c}, {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
};

/* Lead bytes of UTF-8 (RFC 3629): by length, the bits that mark it and the least character. */
static const struct utf8_lead {
    unsigned char mask, mark;
    uint32_t least;
} leads[] = {
    {0x80, 0x00, 0},
    {0xe0, 0xc0, 0x80},
    {0xf0, 0xe0, 0x800},
    {0xf8, 0xf0, 0x10000},
};

/* Reads one character; returns its length in bytes, 0 if there is none (invalid, cut off). */
static size_t read_character(const unsigned char *text, size_t length, uint32_t *ret_character)
{
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        uint32_t character;

        if ((text[0] & leads[i].mask) != leads[i].mark)
            continue;
        if (i >= length)
            return 0;
        character = text[0] & (unsigned char)~leads[i].mask;
        for (size_t j = 1; j <= i; j++) {
            if ((text[j] & 0xc0) != 0x80)
                return 0;
            character = character << 6 | (text[j] & 0x3f);
        }
        if (character < leads[i].least || character > 0x10ffff ||
            (character >= 0xd800 && character <= 0xdfff))
            return 0;
        *ret_character = character;
        return i + 1;
    }
    return 0;
}

static bool is_unsafe(uint32_t character)
{
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
        if (character >= unsafe[i].first && character <= unsafe[i].last)
            return true;
    return false;
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
    const unsigned char *from = (const unsigned char *)text;
    char *result, *to;

    if (length > (SIZE_MAX - ESCAPE_MAX) / ESCAPE_GROWTH)
        return NULL;
    result = to = malloc(length * ESCAPE_GROWTH + ESCAPE_MAX);
    if (result == NULL)
        return NULL;
    while (length > 0) {
        uint32_t character = from[0];
        size_t used = read_character(from, length, &character);
        bool keep = used > 0 &&
                    (!is_unsafe(character) || (lines && (character == '\n' || character == '\t')));

        used = used > 0 ? used : 1;
        if (keep) {
            memcpy(to, from, used);
            to += used;
        } else {
            format_escape(character, to);
            to += strlen(to);
        }
        from += used;
        length -= used;
    }
    *to = '\0';
    return result;
}

size_t escape_width(const char *text)
{
    const unsigned char *from = (const unsigned char *)text;
    size_t left = strlen(text), width = 0;

    while (left > 0) {
        uint32_t character = from[0];
        size_t used = read_character(from, left, &character);
        int columns = used > 0 ? wcwidth((wchar_t)character) : 1;

        used = used > 0 ? used : 1;
        width += columns >= 0 ? (size_t)columns : 1;
        from += used;
        left -= used;
    }
    return width;
}
