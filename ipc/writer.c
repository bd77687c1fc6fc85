#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "ipc/writer.h"

#include "base/large.h"

/* ---- bytes that grow ---- */

/* Most messages fit; from here, growing by half takes few steps for those that do not. */
#define CAPACITY_MIN 256

static size_t larger_capacity(const struct buffer *buffer, size_t needed)
{
    size_t half = buffer->capacity / 2;
    size_t larger = buffer->capacity > SIZE_MAX - half ? SIZE_MAX : buffer->capacity + half;
    if (larger < CAPACITY_MIN)
        larger = CAPACITY_MIN;
    return larger > needed ? larger : needed;
}

/* Not realloc(), which would leave behind a copy that cannot be wiped. */
bool buffer_reserve(struct buffer *buffer, size_t extra)
{
    if (extra <= buffer->capacity - buffer->size)
        return true;
    if (extra > SIZE_MAX - buffer->size)
        return false;
    size_t capacity = larger_capacity(buffer, buffer->size + extra);
    uint8_t *data = large_pages(malloc(capacity), capacity);
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

/* ---- writing ---- */

/* Room for the head of an open map or array: the longest form for WRITER_ENTRIES_MAX. */
#define OPEN_HEAD_SIZE 3

void writer_init(struct writer *writer)
{
    *writer = (struct writer){.failed = false};
}

void writer_free(struct writer *writer)
{
    buffer_free(&writer->buffer);
    writer_init(writer);
}

bool writer_ok(const struct writer *writer)
{
    return !writer->failed && writer->depth == 0;
}

static void append(struct writer *writer, const void *data, size_t length)
{
    if (!writer->failed && !buffer_append(&writer->buffer, data, length))
        writer->failed = true;
}

/* The write function that msgpack-c calls. */
static int append_packed(void *arg, const char *data, size_t length)
{
    struct writer *writer = arg;
    append(writer, data, length);
    return writer->failed ? -1 : 0;
}

static msgpack_packer packer_for(struct writer *writer)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, writer, append_packed);
    return packer;
}

static void append_text(struct writer *writer, const char *text)
{
    msgpack_packer packer = packer_for(writer);
    size_t length = strlen(text);
    if (length > UINT32_MAX)
        writer->failed = true;
    else if (msgpack_pack_str(&packer, length) == 0)
        msgpack_pack_str_body(&packer, text, length);
}

/* Counts a new entry of the open map or array, and writes its key. */
static void enter(struct writer *writer, const char *key)
{
    if (writer->failed)
        return;
    bool in_map = writer->depth > 0 && writer->levels[writer->depth - 1].map;
    assert((key != NULL) == in_map);
    if (writer->depth > 0)
        writer->levels[writer->depth - 1].count++;
    if (in_map)
        append_text(writer, key);
}

static void open_level(struct writer *writer, const char *key, bool map)
{
    enter(writer, key);
    if (writer->failed)
        return;
    assert(writer->depth < WRITER_DEPTH_MAX);
    writer->levels[writer->depth++] =
        (struct writer_level){.header = writer->buffer.size, .map = map};
    append(writer, (const uint8_t[OPEN_HEAD_SIZE]){0}, OPEN_HEAD_SIZE);
}

void writer_map(struct writer *writer, const char *key)
{
    open_level(writer, key, true);
}

void writer_array(struct writer *writer, const char *key)
{
    open_level(writer, key, false);
}

/* Holds a head while msgpack-c writes it. */
struct writer_head {
    uint8_t bytes[OPEN_HEAD_SIZE];
    size_t size;
};

static int append_head(void *arg, const char *data, size_t length)
{
    struct writer_head *head = arg;
    assert(head->size + length <= sizeof(head->bytes));
    memcpy(head->bytes + head->size, data, length);
    head->size += length;
    return 0;
}

/* Puts the head in its place, and closes the gap if the head is shorter. */
void writer_end(struct writer *writer)
{
    if (writer->failed)
        return;
    assert(writer->depth > 0);
    const struct writer_level *level = &writer->levels[--writer->depth];
    if (level->count > WRITER_ENTRIES_MAX) {
        writer->failed = true;
        return;
    }
    struct writer_head head = {.size = 0};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &head, append_head);
    if (level->map)
        msgpack_pack_map(&packer, level->count);
    else
        msgpack_pack_array(&packer, level->count);
    struct buffer *buffer = &writer->buffer;
    uint8_t *start = buffer->data + level->header, *content = start + OPEN_HEAD_SIZE;
    memcpy(start, head.bytes, head.size);
    memmove(start + head.size, content, (size_t)(buffer->data + buffer->size - content));
    buffer->size -= OPEN_HEAD_SIZE - head.size;
}

void writer_text(struct writer *writer, const char *key, const char *text)
{
    if (text == NULL) {
        writer_nil(writer, key);
        return;
    }
    enter(writer, key);
    append_text(writer, text);
}

void writer_data(struct writer *writer, const char *key, const void *data, size_t length)
{
    enter(writer, key);
    msgpack_packer packer = packer_for(writer);
    if (length > UINT32_MAX)
        writer->failed = true;
    else if (msgpack_pack_bin(&packer, length) == 0)
        append(writer, data, length);
}

void writer_number(struct writer *writer, const char *key, int64_t number)
{
    enter(writer, key);
    msgpack_packer packer = packer_for(writer);
    msgpack_pack_int64(&packer, number);
}

void writer_unsigned(struct writer *writer, const char *key, uint64_t number)
{
    enter(writer, key);
    msgpack_packer packer = packer_for(writer);
    msgpack_pack_uint64(&packer, number);
}

void writer_flag(struct writer *writer, const char *key, bool flag)
{
    enter(writer, key);
    msgpack_packer packer = packer_for(writer);
    if (flag)
        msgpack_pack_true(&packer);
    else
        msgpack_pack_false(&packer);
}

void writer_nil(struct writer *writer, const char *key)
{
    enter(writer, key);
    msgpack_packer packer = packer_for(writer);
    msgpack_pack_nil(&packer);
}

void writer_object(struct writer *writer, const char *key, const void *data, size_t length)
{
    enter(writer, key);
    append(writer, data, length);
}
