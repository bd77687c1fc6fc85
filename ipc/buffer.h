/* Bytes that grow. Memory that held any is wiped before it is given back: messages hold codes. */
#ifndef IPC_BUFFER_H
#define IPC_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `= {0}` is an empty buffer. */
struct buffer {
    uint8_t *data; /* NULL while nothing was allocated */
    size_t size;
    size_t capacity;
};

/* Makes room for `extra` bytes after the `size` that are there. False when out of memory. */
bool buffer_reserve(struct buffer *buffer, size_t extra);

/* False when out of memory: nothing was appended. */
bool buffer_append(struct buffer *buffer, const void *data, size_t length);

/* Removes bytes at the front, at most all. */
void buffer_consume(struct buffer *buffer, size_t length);

/* Wipes and frees; the buffer is empty then, and can be used again. */
void buffer_free(struct buffer *buffer);

#endif
