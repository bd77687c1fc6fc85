/*
 * Bytes as hex digits, and back, at the speed of what surrounds it: a message of 16 MiB is hex in
 * the relay's protocol. By table, so its time depends on the bytes: not for secrets, for which
 * libsodium has functions that take four times as long.
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2 × length lower-case digits, without a NUL. */
void hex_write(char *text, const uint8_t *bytes, size_t length);

/* Reads 2 × length digits of either case. False if others are among them; *bytes is undefined
 * then. */
bool hex_read(uint8_t *bytes, const char *text, size_t length);

#endif
