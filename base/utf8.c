#include "config.h"

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

/* Bytes of a character after its first. */
#define TAIL_MAX 3

/* RFC 3629 section 4: for each range of first bytes, how many bytes follow, and which range the
 * first of these is in. All others are 80–BF. */
static const struct utf8_sequence {
    uint8_t first, last;
    uint8_t tail;
    uint8_t second_min, second_max;
} sequences[] = {
    {0x00, 0x7f, 0, 0x00, 0x00}, {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

static bool is_tail(char byte)
{
    return ((uint8_t)byte & 0xc0) == 0x80;
}

static const struct utf8_sequence *find_sequence(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++) {
        const struct utf8_sequence *sequence = &sequences[i];
        uint8_t first = (uint8_t)text[0];

        if (first < sequence->first || first > sequence->last)
            continue;
        if (sequence->tail >= length ||
            (sequence->tail > 0 &&
             ((uint8_t)text[1] < sequence->second_min || (uint8_t)text[1] > sequence->second_max)))
            return NULL;
        return sequence;
    }
    return NULL;
}

size_t utf8_character(const char *text, size_t length, uint32_t *ret_character)
{
    const struct utf8_sequence *sequence = length > 0 ? find_sequence(text, length) : NULL;

    if (sequence == NULL)
        return 0;
    /* In the first of n bytes, n ones and a zero precede its part of the number. */
    uint32_t character = (uint8_t)text[0];
    if (sequence->tail > 0)
        character &= 0x3fU >> sequence->tail;
    for (size_t i = 1; i <= sequence->tail; i++) {
        if (!is_tail(text[i]))
            return 0;
        character = character << 6 | ((uint8_t)text[i] & 0x3f);
    }
    *ret_character = character;
    return (size_t)sequence->tail + 1;
}

size_t utf8_span(const char *text, size_t length)
{
    size_t at = 0, size;
    uint32_t character;

    while ((size = utf8_character(text + at, length - at, &character)) > 0)
        at += size;
    return at;
}

bool utf8_valid(const char *text, size_t length)
{
    return utf8_span(text, length) == length;
}

size_t utf8_cut(const char *text, size_t limit)
{
    size_t length = strnlen(text, limit);

    if (text[length] == '\0')
        return length;
    for (size_t back = 0; back <= TAIL_MAX && back < length; back++)
        if (!is_tail(text[length - back]))
            return length - back;
    return length;
}

bool utf8_is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

bool utf8_has_control(const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        uint32_t character = 'x';
        size_t size = utf8_character(text, left, &character);

        if (utf8_is_control(character))
            return true;
        size += size == 0;
        text += size;
        left -= size;
    }
    return false;
}

void utf8_clean(const char *text, const char *keep, char *ret_clean, size_t size)
{
    size_t left = strlen(text), used = 0;

    assert(size > 0);
    while (left > 0) {
        uint32_t character;
        size_t length = utf8_character(text, left, &character);
        bool replace =
            length == 0 || (utf8_is_control(character) && strchr(keep, (int)character) == NULL);
        size_t written = replace ? 1 : length;

        if (used + written >= size)
            break;
        memmove(ret_clean + used, replace ? "?" : text, written);
        used += written;
        length += length == 0;
        text += length;
        left -= length;
    }
    ret_clean[used] = '\0';
}
