#include "config.h"

#include "kv/row.h"

#include <string.h>

#define SIGN_BIT ((uint64_t)1 << 63)

void row_append(struct row_key *key, const void *bytes, size_t length)
{
    memcpy(key->bytes + key->length, bytes, length);
    key->length += length;
}

void row_append_number(struct row_key *key, uint64_t number, unsigned width)
{
    while (width-- > 0)
        key->bytes[key->length++] = (uint8_t)(number >> 8 * width);
}

struct row_key row_number(uint64_t number)
{
    struct row_key key = {0};
    row_append_number(&key, number, ROW_NUMBER_BYTES);
    return key;
}

struct row_key row_signed(int64_t number)
{
    return row_number((uint64_t)number ^ SIGN_BIT);
}

uint64_t row_read_number(const uint8_t bytes[ROW_NUMBER_BYTES])
{
    uint64_t number = 0;
    for (unsigned i = 0; i < ROW_NUMBER_BYTES; i++)
        number = number << 8 | bytes[i];
    return number;
}

int64_t row_read_signed(const uint8_t bytes[ROW_NUMBER_BYTES])
{
    return (int64_t)(row_read_number(bytes) ^ SIGN_BIT);
}
