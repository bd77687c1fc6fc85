/* Keys of the rows of sessions; see kv/row.h. */
#ifndef STATE_ROW_H
#define STATE_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "kv/row.h"
#include "wormhole/session.h"

#define ROW_DUE_BYTES  (ROW_NUMBER_BYTES + SESSION_ID_BYTES)
#define ROW_SLOT_BYTES 4
#define ROW_FREE_BYTES (1 + ROW_SLOT_BYTES)

struct row_key row_id(const uint8_t id[SESSION_ID_BYTES]);
struct row_key row_message(const uint8_t id[SESSION_ID_BYTES], uint32_t number);
struct row_key row_due(int64_t wake, const uint8_t id[SESSION_ID_BYTES]);

/* (state, slot) in the table of the slots that are nobody's. */
struct row_key row_free(uint8_t state, uint32_t slot);

/* `text` is cut at NAME_MAX_BYTES. */
struct row_key row_text(const char *text);

uint32_t row_read_slot(const uint8_t bytes[ROW_SLOT_BYTES]);
void row_write_slot(uint32_t slot, uint8_t ret_bytes[ROW_SLOT_BYTES]);

#endif
