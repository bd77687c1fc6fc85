#include "config.h"

#include "base/hex.h"

/* The value of a digit, with a mark; 0 for what is none. */
#define MARK 0x10
static const uint8_t values[256] = {
    ['0'] = 0x10, ['1'] = 0x11, ['2'] = 0x12, ['3'] = 0x13, ['4'] = 0x14, ['5'] = 0x15,
    ['6'] = 0x16, ['7'] = 0x17, ['8'] = 0x18, ['9'] = 0x19, ['A'] = 0x1a, ['B'] = 0x1b,
    ['C'] = 0x1c, ['D'] = 0x1d, ['E'] = 0x1e, ['F'] = 0x1f, ['a'] = 0x1a, ['b'] = 0x1b,
    ['c'] = 0x1c, ['d'] = 0x1d, ['e'] = 0x1e, ['f'] = 0x1f,
};

void hex_write(char *text, const uint8_t *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 0xf];
    }
}

bool hex_read(uint8_t *bytes, const char *text, size_t length)
{
    const uint8_t *digits = (const uint8_t *)text;
    uint8_t marks = MARK;
    for (size_t i = 0; i < length; i++) {
        uint8_t high = values[digits[2 * i]], low = values[digits[2 * i + 1]];
        marks &= high & low;
        bytes[i] = (uint8_t)(high << 4 | (low & 0xf));
    }
    return (marks & MARK) != 0;
}
