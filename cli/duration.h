/* Durations as people write them: "90s", "10m", "2h", "14d", "1w", "1.5h", or plain seconds. */
#ifndef CLI_DURATION_H
#define CLI_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* Longest duration in ms: a hundred years. More is a slip of the finger, and sums stay far from
 * overflow. */
#define DURATION_MAX ((int64_t)36525 * 24 * 3600 * 1000)

/*
 * Reads a whole string: digits, decimals if wanted (a dot and up to 9 digits, in any locale), and
 * one letter of s, m, h, d, w; no sign, no blank, no exponent. False if it is anything else, or
 * over DURATION_MAX. What is under a millisecond is cut off.
 */
bool duration_parse(const char *text, int64_t *ret_ms);

#endif
