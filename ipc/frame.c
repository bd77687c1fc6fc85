#include "config.h"

#include <assert.h>

#include "ipc/frame.h"

/* An idle connection keeps a buffer of at most this size: the largest message is rare. */
#define IDLE_CAPACITY_MAX ((size_t)64 * 1024)

static const struct scan_limits LIMITS = {
    .bytes = FRAME_BYTES_MAX,
    .depth = FRAME_DEPTH_MAX,
    .elements = FRAME_ELEMENTS_MAX,
};

void frame_init(struct frame_reader *reader)
{
    *reader = (struct frame_reader){.broken = FRAME_WHOLE};
    scan_reset(&reader->scan);
}

void frame_free(struct frame_reader *reader)
{
    buffer_free(&reader->fed);
    frame_init(reader);
}

/* Drops what was taken: now, not when it is taken, because the caller still looks at it then. */
static void drop_taken(struct frame_reader *reader)
{
    buffer_consume(&reader->fed, reader->start);
    reader->start = 0;
    if (reader->fed.size == 0 && reader->fed.capacity > IDLE_CAPACITY_MAX)
        buffer_free(&reader->fed);
}

void *frame_room(struct frame_reader *reader, size_t size)
{
    if (reader->broken != FRAME_WHOLE)
        return NULL;
    drop_taken(reader);
    return buffer_reserve(&reader->fed, size) ? reader->fed.data + reader->fed.size : NULL;
}

void frame_filled(struct frame_reader *reader, size_t length)
{
    assert(length <= reader->fed.capacity - reader->fed.size);
    reader->fed.size += length;
}

bool frame_feed(struct frame_reader *reader, const void *data, size_t length)
{
    if (reader->broken != FRAME_WHOLE)
        return true;
    drop_taken(reader);
    return buffer_append(&reader->fed, data, length);
}

static enum frame_result take(struct frame_reader *reader, size_t size, uint8_t **ret_data,
                              size_t *ret_size)
{
    *ret_data = reader->fed.data + reader->start;
    *ret_size = size;
    reader->start += size;
    scan_reset(&reader->scan);
    return FRAME_WHOLE;
}

enum frame_result frame_next(struct frame_reader *reader, uint8_t **ret_data, size_t *ret_size)
{
    if (reader->broken != FRAME_WHOLE)
        return reader->broken;
    if (reader->start == reader->fed.size) {
        drop_taken(reader);
        return FRAME_PARTIAL;
    }
    size_t size = 0;
    switch (scan_object(&reader->scan, &LIMITS, reader->fed.data + reader->start,
                        reader->fed.size - reader->start, &size)) {
    case SCAN_WHOLE:
        return take(reader, size, ret_data, ret_size);
    case SCAN_PARTIAL:
        return FRAME_PARTIAL;
    case SCAN_TOO_DEEP:
    case SCAN_TOO_LARGE:
        return reader->broken = FRAME_TOO_LARGE;
    case SCAN_BAD:
    default:
        return reader->broken = FRAME_BAD;
    }
}

const uint8_t *frame_rest(const struct frame_reader *reader, size_t *ret_length)
{
    *ret_length = reader->fed.size - reader->start;
    return reader->fed.data == NULL ? NULL : reader->fed.data + reader->start;
}
