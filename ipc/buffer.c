#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/buffer.h"

/* Most messages fit; growing from here by half takes few steps for those that do not. */
#define CAPACITY_MIN 256

static size_t larger_capacity(const struct buffer *buffer, size_t needed)
{
    size_t half = buffer->capacity / 2;
    size_t larger = buffer->capacity > SIZE_MAX - half ? SIZE_MAX : buffer->capacity + half;
    if (larger < CAPACITY_MIN)
        larger = CAPACITY_MIN;
    return larger > needed ? larger : needed;
}

/* Not realloc(): it would leave a copy behind that nobody can wipe. */
bool buffer_reserve(struct buffer *buffer, size_t extra)
{
    if (extra <= buffer->capacity - buffer->size)
        return true;
    if (extra > SIZE_MAX - buffer->size)
        return false;
    size_t capacity = larger_capacity(buffer, buffer->size + extra);
    uint8_t *data = malloc(capacity);
    if (data == NULL)
        return false;
    size_t size = buffer->size;
    if (size > 0)
        memcpy(data, buffer->data, size);
    buffer_free(buffer);
    *buffer = (struct buffer){.data = data, .size = size, .capacity = capacity};
    return true;
}

bool buffer_append(struct buffer *buffer, const void *data, size_t length)
{
    if (!buffer_reserve(buffer, length))
        return false;
    if (length > 0)
        memcpy(buffer->data + buffer->size, data, length);
    buffer->size += length;
    return true;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    if (length > buffer->size)
        length = buffer->size;
    if (length == 0)
        return;
    buffer->size -= length;
    memmove(buffer->data, buffer->data + length, buffer->size);
}

void buffer_free(struct buffer *buffer)
{
    if (buffer->data != NULL)
        explicit_bzero(buffer->data, buffer->capacity);
    free(buffer->data);
    *buffer = (struct buffer){0};
}
