/* For the tests of wormhole/: the files of tests/vectors, and bytes from hex. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* Opens a file of tests/vectors for reading. Fails the test if it is not there. */
FILE *vectors_open(const char *name);

/* The array `vectors` of pake-and-keys.json. A new reference to its owner in *ret_root. */
json_t *vectors_load(json_t **ret_root);

/* A string of a vector. Borrowed. Fails the test if it is absent. */
const char *vectors_text(const json_t *vector, const char *key);

/* Decodes hex of any length up to `size`; returns how many bytes. Fails the test if it is no hex.
 */
size_t vectors_bytes(const char *hex, uint8_t *ret_bytes, size_t size);

/* Decodes the string of a vector, which must be `size` bytes in hex. */
void vectors_hex(const json_t *vector, const char *key, uint8_t *ret_bytes, size_t size);

#endif
