#include "config.h"

#include <stdint.h>

#include "ipc/utf8.h"

/* RFC 3629, section 4: by first byte, how many bytes follow and what the first of those may be. All
 * further ones are 80..BF. */
static const struct sequence {
    uint8_t first_min, first_max;
    uint8_t following;
    uint8_t second_min, second_max;
} SEQUENCES[] = {
    {0x00, 0x7f, 0, 0x00, 0x00}, {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

static const struct sequence *sequence_of(uint8_t first)
{
    for (size_t i = 0; i < sizeof(SEQUENCES) / sizeof(SEQUENCES[0]); i++)
        if (first >= SEQUENCES[i].first_min && first <= SEQUENCES[i].first_max)
            return &SEQUENCES[i];
    return NULL;
}

static bool follows(const struct sequence *sequence, const uint8_t *following)
{
    if (sequence->following > 0 &&
        (following[0] < sequence->second_min || following[0] > sequence->second_max))
        return false;
    for (size_t i = 1; i < sequence->following; i++)
        if ((following[i] & 0xc0) != 0x80)
            return false;
    return true;
}

bool utf8_valid(const char *text, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;
    for (size_t i = 0; i < length;) {
        const struct sequence *sequence = sequence_of(bytes[i++]);
        if (sequence == NULL || sequence->following > length - i || !follows(sequence, bytes + i))
            return false;
        i += sequence->following;
    }
    return true;
}
