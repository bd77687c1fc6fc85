/*
 * Keys of the store's rows. Numbers are big-endian, and signed ones have their sign bit flipped, so
 * that LMDB's byte order is theirs.
 */
#ifndef STATE_ROW_H
#define STATE_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "wormhole/session.h"

/* As long as the longest key of any store; LMDB itself takes 511. */
#define ROW_KEY_MAX 256

struct row_key {
    size_t length;
    uint8_t bytes[ROW_KEY_MAX];
};

#define ROW_NUMBER_BYTES 8
#define ROW_DUE_BYTES    (8 + SESSION_ID_BYTES)
#define ROW_SLOT_BYTES   4
#define ROW_FREE_BYTES   (1 + ROW_SLOT_BYTES)

struct row_key row_id(const uint8_t id[SESSION_ID_BYTES]);
struct row_key row_message(const uint8_t id[SESSION_ID_BYTES], uint32_t number);
struct row_key row_due(int64_t wake, const uint8_t id[SESSION_ID_BYTES]);
struct row_key row_number(uint64_t number);

/* (state, slot) in the table of the slots that are nobody's. */
struct row_key row_free(uint8_t state, uint32_t slot);

/* `text` is cut at NAME_MAX_BYTES. */
struct row_key row_text(const char *text);

uint64_t row_read_number(const uint8_t bytes[ROW_NUMBER_BYTES]);
int64_t row_read_wake(const uint8_t bytes[ROW_DUE_BYTES]);
uint32_t row_read_slot(const uint8_t bytes[ROW_SLOT_BYTES]);
void row_write_slot(uint32_t slot, uint8_t ret_bytes[ROW_SLOT_BYTES]);

#endif
