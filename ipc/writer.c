#include "config.h"

#include <assert.h>
#include <string.h>

#include <msgpack.h>

#include "ipc/writer.h"

/* Headers of maps and arrays: while open, the form with a 16-bit count; a short one gets the
 * one-byte form when it ends. */
#define OPEN_HEADER_SIZE  3
#define SHORT_ENTRIES_MAX 15

static const struct header {
    uint8_t wide;  /* a 16-bit count follows */
    uint8_t brief; /* the count is in the low four bits */
} MAP = {0xde, 0x80}, ARRAY = {0xdc, 0x90};

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

/* What msgpack-c calls to write. */
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

/* Counts a new entry of what is open, and writes its key. */
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
    append(writer, (const uint8_t[OPEN_HEADER_SIZE]){0}, OPEN_HEADER_SIZE);
}

void writer_map(struct writer *writer, const char *key)
{
    open_level(writer, key, true);
}

void writer_array(struct writer *writer, const char *key)
{
    open_level(writer, key, false);
}

static void write_brief_header(struct buffer *buffer, const struct writer_level *level)
{
    uint8_t *header = buffer->data + level->header;
    header[0] = (uint8_t)((level->map ? MAP : ARRAY).brief | level->count);
    memmove(header + 1, header + OPEN_HEADER_SIZE, buffer->size - level->header - OPEN_HEADER_SIZE);
    buffer->size -= OPEN_HEADER_SIZE - 1;
}

static void write_wide_header(struct buffer *buffer, const struct writer_level *level)
{
    uint8_t *header = buffer->data + level->header;
    header[0] = (level->map ? MAP : ARRAY).wide;
    header[1] = (uint8_t)(level->count >> 8);
    header[2] = (uint8_t)level->count;
}

void writer_end(struct writer *writer)
{
    if (writer->failed)
        return;
    assert(writer->depth > 0);
    const struct writer_level *level = &writer->levels[--writer->depth];
    if (level->count <= SHORT_ENTRIES_MAX)
        write_brief_header(&writer->buffer, level);
    else if (level->count <= WRITER_ENTRIES_MAX)
        write_wide_header(&writer->buffer, level);
    else
        writer->failed = true;
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
