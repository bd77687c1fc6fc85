#include "config.h"

#include "state/row.h"

#include <string.h>

#define SIGN_BIT ((uint64_t)1 << 63)

static void append_bytes(struct row_key *key, const void *bytes, size_t length)
{
    memcpy(key->bytes + key->length, bytes, length);
    key->length += length;
}

static void append_number(struct row_key *key, uint64_t number, unsigned width)
{
    while (width-- > 0)
        key->bytes[key->length++] = (uint8_t)(number >> 8 * width);
}

struct row_key row_id(const uint8_t id[SESSION_ID_BYTES])
{
    struct row_key key = {0};
    append_bytes(&key, id, SESSION_ID_BYTES);
    return key;
}

struct row_key row_message(const uint8_t id[SESSION_ID_BYTES], uint32_t number)
{
    struct row_key key = row_id(id);
    append_number(&key, number, 4);
    return key;
}

struct row_key row_due(int64_t wake, const uint8_t id[SESSION_ID_BYTES])
{
    struct row_key key = row_number((uint64_t)wake ^ SIGN_BIT);
    append_bytes(&key, id, SESSION_ID_BYTES);
    return key;
}

struct row_key row_number(uint64_t number)
{
    struct row_key key = {0};
    append_number(&key, number, ROW_NUMBER_BYTES);
    return key;
}

struct row_key row_free(uint8_t state, uint32_t slot)
{
    struct row_key key = {0};
    append_number(&key, state, 1);
    append_number(&key, slot, ROW_SLOT_BYTES);
    return key;
}

struct row_key row_text(const char *text)
{
    struct row_key key = {0};
    append_bytes(&key, text, strnlen(text, NAME_MAX_BYTES));
    return key;
}

uint64_t row_read_number(const uint8_t bytes[ROW_NUMBER_BYTES])
{
    uint64_t number = 0;
    for (unsigned i = 0; i < ROW_NUMBER_BYTES; i++)
        number = number << 8 | bytes[i];
    return number;
}

int64_t row_read_wake(const uint8_t bytes[ROW_DUE_BYTES])
{
    return (int64_t)(row_read_number(bytes) ^ SIGN_BIT);
}

uint32_t row_read_slot(const uint8_t bytes[ROW_SLOT_BYTES])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void row_write_slot(uint32_t slot, uint8_t ret_bytes[ROW_SLOT_BYTES])
{
    for (unsigned i = 0; i < ROW_SLOT_BYTES; i++)
        ret_bytes[i] = (uint8_t)(slot >> 8 * (ROW_SLOT_BYTES - 1 - i));
}
