/* Numbers of bytes as people write them: "64M", "512K", "1G", "1048576". */
#ifndef CLI_SIZE_H
#define CLI_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Largest size: 1 TiB. Nothing here is near it, and sums stay far from overflow. */
#define SIZE_PARSE_MAX ((int64_t)1 << 40)

/* Reads a whole string: digits, and perhaps one letter of K, M, G (also small ones), which are
 * powers of 1024. False if it is anything else, or over SIZE_PARSE_MAX. */
bool size_parse(const char *text, int64_t *ret_bytes);

#endif
