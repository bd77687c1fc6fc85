/* Whole files, for tests that look at bytes. */
#ifndef TESTS_CONTENT_H
#define TESTS_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct content {
    uint8_t *data; /* new; free() */
    size_t length;
};

struct content content_read(const char *path);

/* Makes the file, or replaces what is in it. */
void content_write(const char *path, const void *data, size_t length);

/* Fails the test unless this is what is in it. */
void content_assert(const char *path, const void *data, size_t length);

/* True if the bytes stand anywhere in it. */
bool content_has(const struct content *content, const void *bytes, size_t length);

#endif
