#include "config.h"

#include "wormhole/text.h"

#include <assert.h>
#include <stdint.h>

/* RFC 3629 section 4: which bytes may follow which. The second byte carries all of the rules
 * against long forms, surrogates and what lies beyond U+10FFFF; further ones are always 80–BF. */
static const struct sequence {
    uint8_t first_min, first_max;
    uint8_t second_min, second_max;
    uint8_t length;
} sequences[] = {
    {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static const struct sequence *find_sequence(uint8_t first)
{
    for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++) {
        if (first >= sequences[i].first_min && first <= sequences[i].first_max)
            return &sequences[i];
    }
    return NULL;
}

/* Length in bytes of the character at `text`, 0 if there is none. Never looks beyond a NUL, which
 * is in no range of further bytes. */
static size_t character_length(const uint8_t *text)
{
    const struct sequence *sequence = find_sequence(text[0]);

    if (!sequence)
        return 0;
    if (sequence->length > 1 && (text[1] < sequence->second_min || text[1] > sequence->second_max))
        return 0;
    for (size_t i = 2; i < sequence->length; i++) {
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    }
    return sequence->length;
}

/* U+0080–009F, the second set of controls, is C2 80 – C2 9F. */
static bool is_control(const uint8_t *character)
{
    return character[0] < 0x20 || character[0] == 0x7f ||
           (character[0] == 0xc2 && character[1] < 0xa0);
}

bool text_utf8_valid(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;

    while (*at) {
        size_t length = character_length(at);

        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

bool text_has_control(const char *text)
{
    for (const uint8_t *at = (const uint8_t *)text; *at; at++) {
        if (is_control(at))
            return true;
    }
    return false;
}

void text_clean(const char *text, char *ret_clean, size_t size)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t used = 0;

    assert(size > 0);
    while (*at) {
        bool replace = is_control(at) && *at != '\n' && *at != '\t';
        size_t length = character_length(at);

        assert(length > 0);
        if (used + (replace ? 1 : length) >= size)
            break;
        for (size_t i = 0; !replace && i < length; i++)
            ret_clean[used++] = (char)at[i];
        if (replace)
            ret_clean[used++] = '?';
        at += length;
    }
    ret_clean[used] = '\0';
}
