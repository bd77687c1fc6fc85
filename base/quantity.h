/*
 * Durations and sizes as people write them, on the command line, in the environment and in files:
 *
 *     NUMBER[.DECIMALS][UNIT]
 *
 * NUMBER has at least one digit, DECIMALS have one to nine, and UNIT is one letter. There is no
 * sign, no blank, no exponent and no second unit; a dot is a dot in any locale. What is below the
 * smallest unit (a millisecond, a byte) is cut off.
 *
 * Durations: s (also meant without a letter), m, h, d, w. "90s", "1.5h", "14d", "1w".
 * Sizes, in powers of 1024, in small or capital letters: none (bytes), K, M, G, T. "65536", "1.5g".
 */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* The longest duration, ms: a hundred years of 365 days. More is a slip of the finger, and this
 * keeps sums far from overflow. */
#define DURATION_MAX (INT64_C(36500) * 24 * 3600 * 1000)
/* The largest size, bytes: 64 TiB. */
#define SIZE_PARSE_MAX (INT64_C(1) << 46)

/* Follows "expected" in the message about a wrong value: every program uses these words. */
#define DURATION_EXPECTED "a duration such as 90s, 15m, 1.5h, 14d or 1w"
#define SIZE_EXPECTED     "a size such as 65536, 512K, 16M or 1.5G"

/* Room for formatted text, including the NUL. */
#define QUANTITY_TEXT_SIZE 32

/* Reads a whole string. False, and *ret_ms is untouched, if it is anything but a duration of at
 * most DURATION_MAX. */
bool duration_parse(const char *text, int64_t *ret_ms);

/* The same for a size of at most SIZE_PARSE_MAX. */
bool size_parse(const char *text, int64_t *ret_bytes);

/* Writes a value, which must not be negative, as text that is read as the same value: in the
 * largest unit that needs no decimals (days at most), "90s", "14d", "512M"; fractions of a second
 * as "0.25s". */
void duration_format(int64_t ms, char ret_text[QUANTITY_TEXT_SIZE]);
void size_format(int64_t bytes, char ret_text[QUANTITY_TEXT_SIZE]);

#endif
