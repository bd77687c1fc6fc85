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

size_t utf8_character(const char *text, size_t length, uint32_t *ret_character)
{
    const struct utf8_sequence *sequence = sequences;
    const struct utf8_sequence *end = sequences + sizeof(sequences) / sizeof(*sequences);

    if (length == 0)
        return 0;
    uint32_t character = (uint8_t)text[0];
    while (sequence < end && (character < sequence->first || character > sequence->last))
        sequence++;
    if (sequence == end || sequence->tail >= length)
        return 0;
    if (sequence->tail > 0) {
        uint8_t second = (uint8_t)text[1];

        if (second < sequence->second_min || second > sequence->second_max)
            return 0;
        /* In the first of n bytes, n ones and a zero precede its part of the number. */
        character &= 0x3fU >> sequence->tail;
    }
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

/* ---- kinds of characters ---- */

struct utf8_range {
    uint32_t first, last;
};

static const struct utf8_range blanks[] = {
    {0x0009, 0x000d}, {0x0020, 0x0020}, {0x0085, 0x0085}, {0x00a0, 0x00a0}, {0x1680, 0x1680},
    {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

/* Unicode's Default_Ignorable_Code_Point without the variation selectors, which are part of the
 * picture before them; and marks of interlinear annotation. */
static const struct utf8_range invisible[] = {
    {0x00ad, 0x00ad},   {0x034f, 0x034f},   {0x061c, 0x061c},   {0x115f, 0x1160},
    {0x17b4, 0x17b5},   {0x180e, 0x180e},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f},   {0x3164, 0x3164},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
    {0xfff0, 0xfffb},   {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe00ff},
    {0xe01f0, 0xe0fff},
};

/* Unicode's Dash, without the wavy ones and those of other scripts' punctuation that is read as
 * something else. */
static const struct utf8_range dashes[] = {
    {0x002d, 0x002d}, {0x02d7, 0x02d7}, {0x058a, 0x058a}, {0x05be, 0x05be}, {0x1400, 0x1400},
    {0x1806, 0x1806}, {0x2010, 0x2015}, {0x2043, 0x2043}, {0x2053, 0x2053}, {0x207b, 0x207b},
    {0x208b, 0x208b}, {0x2212, 0x2212}, {0x2796, 0x2796}, {0x2e17, 0x2e17}, {0x2e1a, 0x2e1a},
    {0x2e3a, 0x2e3b}, {0x2e40, 0x2e40}, {0xfe31, 0xfe32}, {0xfe58, 0xfe58}, {0xfe63, 0xfe63},
    {0xff0d, 0xff0d},
};

static bool is_within(const struct utf8_range *ranges, size_t count, uint32_t character)
{
    for (size_t i = 0; i < count; i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

bool utf8_is_blank(uint32_t character)
{
    return is_within(blanks, sizeof(blanks) / sizeof(*blanks), character);
}

bool utf8_is_invisible(uint32_t character)
{
    return is_within(invisible, sizeof(invisible) / sizeof(*invisible), character);
}

bool utf8_is_dash(uint32_t character)
{
    return is_within(dashes, sizeof(dashes) / sizeof(*dashes), character);
}

const char *utf8_trim(const char *text, size_t *length)
{
    size_t at = 0, size, first = *length, end = *length;

    for (; at < *length; at += size) {
        uint32_t character = 'x'; /* what is malformed is left */
        size = utf8_character(text + at, *length - at, &character);
        size += size == 0;
        if (utf8_is_control(character) || utf8_is_blank(character) || utf8_is_invisible(character))
            continue;
        if (first == *length)
            first = at;
        end = at + size;
    }
    *length = end - first;
    return text + first;
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
