/*
 * Keys of the store's rows. Numbers are big-endian, and signed ones have their sign bit flipped, so
 * that LMDB's byte order is theirs. Which keys there are is the business of those who have tables.
 */
#ifndef KV_ROW_H
#define KV_ROW_H

#include <stddef.h>
#include <stdint.h>

/* As long as the longest key of any store; LMDB itself takes 511. */
#define ROW_KEY_MAX 256

struct row_key {
    size_t length;
    uint8_t bytes[ROW_KEY_MAX];
};

#define ROW_NUMBER_BYTES 8

struct row_key row_number(uint64_t number);
struct row_key row_signed(int64_t number);
uint64_t row_read_number(const uint8_t bytes[ROW_NUMBER_BYTES]);
int64_t row_read_signed(const uint8_t bytes[ROW_NUMBER_BYTES]);

/* At the end of a key, which has room for it; `width` bytes of a number. */
void row_append(struct row_key *key, const void *bytes, size_t length);
void row_append_number(struct row_key *key, uint64_t number, unsigned width);

#endif
