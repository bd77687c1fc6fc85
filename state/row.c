#include "config.h"

#include "state/row.h"

#include <string.h>

struct row_key row_id(const uint8_t id[SESSION_ID_BYTES])
{
    struct row_key key = {0};
    row_append(&key, id, SESSION_ID_BYTES);
    return key;
}

struct row_key row_message(const uint8_t id[SESSION_ID_BYTES], uint32_t number)
{
    struct row_key key = row_id(id);
    row_append_number(&key, number, 4);
    return key;
}

struct row_key row_due(int64_t wake, const uint8_t id[SESSION_ID_BYTES])
{
    struct row_key key = row_signed(wake);
    row_append(&key, id, SESSION_ID_BYTES);
    return key;
}

struct row_key row_free(uint8_t state, uint32_t slot)
{
    struct row_key key = {0};
    row_append_number(&key, state, 1);
    row_append_number(&key, slot, ROW_SLOT_BYTES);
    return key;
}

struct row_key row_text(const char *text)
{
    struct row_key key = {0};
    row_append(&key, text, strnlen(text, NAME_MAX_BYTES));
    return key;
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
