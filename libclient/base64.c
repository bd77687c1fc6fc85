#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "libclient/base64.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Up to three bytes become four characters. */
static void encode_group(const uint8_t *bytes, size_t count, char *out)
{
    uint32_t group = (uint32_t)bytes[0] << 16;
    if (count > 1)
        group |= (uint32_t)bytes[1] << 8;
    if (count > 2)
        group |= bytes[2];
    out[0] = ALPHABET[group >> 18];
    out[1] = ALPHABET[group >> 12 & 63];
    out[2] = (char)(count > 1 ? ALPHABET[group >> 6 & 63] : '=');
    out[3] = (char)(count > 2 ? ALPHABET[group & 63] : '=');
}

char *base64_encode(const void *data, size_t length)
{
    const uint8_t *bytes = data;
    char *text = malloc(length / 3 * 4 + 5);
    if (text == NULL)
        return NULL;
    char *out = text;
    for (size_t i = 0; i < length; i += 3, out += 4)
        encode_group(bytes + i, length - i < 3 ? length - i : 3, out);
    *out = '\0';
    return text;
}
