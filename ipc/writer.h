/*
 * Writes MessagePack. Keys come first in every call: the key of the map that is open, or NULL
 * inside an array and at the top. Maps and arrays count for themselves. The first failure (memory)
 * is remembered and all later calls do nothing, so that callers read as straight lines and ask
 * once, at the end.
 *
 *     writer_map(&writer, NULL);
 *     writer_text(&writer, "name", name);       // nil if name is NULL
 *     writer_array(&writer, "relays");
 *     writer_text(&writer, NULL, url);
 *     writer_end(&writer);
 *     writer_end(&writer);
 */
#ifndef IPC_WRITER_H
#define IPC_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- bytes that grow ---- */

/* Memory that held any bytes is wiped before it is given back, since messages hold codes. */

/* `= {0}` is an empty buffer. */
struct buffer {
    uint8_t *data; /* NULL until something is allocated */
    size_t size;
    size_t capacity;
};

/* Makes room for `extra` bytes after the `size` already there. False when out of memory. */
bool buffer_reserve(struct buffer *buffer, size_t extra);

/* False when out of memory: nothing was appended. */
bool buffer_append(struct buffer *buffer, const void *data, size_t length);

/* Removes bytes from the front, at most all of them. */
void buffer_consume(struct buffer *buffer, size_t length);

/* Wipes and frees; the buffer is then empty, and can be used again. */
void buffer_free(struct buffer *buffer);

/* ---- writing ---- */

/* Maps and arrays that may be open at once. */
#define WRITER_DEPTH_MAX 16

/* Limit on the entries of one map or array: the count is written in 16 bits. */
#define WRITER_ENTRIES_MAX UINT16_MAX

struct writer {
    struct buffer buffer; /* what was written */
    bool failed;
    unsigned depth;
    struct writer_level {
        size_t header;  /* where its header is in the buffer */
        uint32_t count; /* entries so far */
        bool map;
    } levels[WRITER_DEPTH_MAX];
};

void writer_init(struct writer *writer);

/* Wipes and frees what was written, since messages hold codes. May be called again. */
void writer_free(struct writer *writer);

/* True if everything asked for was written and every map and array has been ended. The bytes are
 * then writer->buffer.data[0 .. writer->buffer.size). */
bool writer_ok(const struct writer *writer);

/* Open a map or an array, to be ended by writer_end. */
void writer_map(struct writer *writer, const char *key);
void writer_array(struct writer *writer, const char *key);
void writer_end(struct writer *writer);

void writer_text(struct writer *writer, const char *key, const char *text); /* NULL: nil */
void writer_data(struct writer *writer, const char *key, const void *data, size_t length);
void writer_number(struct writer *writer, const char *key, int64_t number);
void writer_unsigned(struct writer *writer, const char *key, uint64_t number);
void writer_flag(struct writer *writer, const char *key, bool flag);
void writer_nil(struct writer *writer, const char *key);

/* A value that another writer has already written: one whole object. */
void writer_object(struct writer *writer, const char *key, const void *data, size_t length);

#endif
