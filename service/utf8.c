#include "config.h"

#include "service/utf8.h"

#include <stdbool.h>
#include <stdint.h>

/* RFC 3629 §4: which first bytes ask for how many more, and what the second one may be; the others
 * are 80 to BF. */
static const struct form {
    uint8_t first, last;
    uint8_t more;
    uint8_t second_first, second_last;
} forms[] = {
    {0x01, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

static bool is_within(uint8_t byte, uint8_t first, uint8_t last)
{
    return byte >= first && byte <= last;
}

static bool fits(const struct form *form, const uint8_t *bytes, size_t length)
{
    if (!is_within(bytes[0], form->first, form->last) || form->more >= length)
        return false;
    if (form->more > 0 && !is_within(bytes[1], form->second_first, form->second_last))
        return false;
    for (size_t i = 2; i <= form->more; i++)
        if (!is_within(bytes[i], 0x80, 0xbf))
            return false;
    return true;
}

/* How many bytes the character has that stands there; 0 if there is none. */
static size_t character(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (fits(&forms[i], bytes, length))
            return (size_t)forms[i].more + 1;
    return 0;
}

size_t utf8_span(const char *text, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t at = 0, next;
    while (at < length && (next = character(bytes + at, length - at)) > 0)
        at += next;
    return at;
}
