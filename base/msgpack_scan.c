#include "config.h"

#include "base/msgpack_scan.h"

#include <stdbool.h>
#include <string.h>

/* What a first byte announces (https://github.com/msgpack/msgpack/blob/master/spec.md). */
enum head_kind {
    HEAD_BAD = 0,
    HEAD_VALUE, /* `width` bytes follow */
    HEAD_BLOB,  /* a length of `width` bytes follows, then that many bytes */
    HEAD_ARRAY, /* a count of `width` bytes follows, then that many objects */
    HEAD_MAP,   /* the same, with two objects each */
};

struct head_type {
    enum head_kind kind;
    unsigned width;
};

/* First bytes 0xc0 to 0xdf. Extension types are missing: they are nothing that we speak. */
static const struct head_type head_types[0x20] = {
    [0x00] = {HEAD_VALUE, 0}, /* nil */
    [0x02] = {HEAD_VALUE, 0}, /* false */
    [0x03] = {HEAD_VALUE, 0}, /* true */
    [0x04] = {HEAD_BLOB, 1},  /* bin 8 */
    [0x05] = {HEAD_BLOB, 2},  /* bin 16 */
    [0x06] = {HEAD_BLOB, 4},  /* bin 32 */
    [0x0a] = {HEAD_VALUE, 4}, /* float 32 */
    [0x0b] = {HEAD_VALUE, 8}, /* float 64 */
    [0x0c] = {HEAD_VALUE, 1}, /* uint 8 */
    [0x0d] = {HEAD_VALUE, 2}, /* uint 16 */
    [0x0e] = {HEAD_VALUE, 4}, /* uint 32 */
    [0x0f] = {HEAD_VALUE, 8}, /* uint 64 */
    [0x10] = {HEAD_VALUE, 1}, /* int 8 */
    [0x11] = {HEAD_VALUE, 2}, /* int 16 */
    [0x12] = {HEAD_VALUE, 4}, /* int 32 */
    [0x13] = {HEAD_VALUE, 8}, /* int 64 */
    [0x19] = {HEAD_BLOB, 1},  /* str 8 */
    [0x1a] = {HEAD_BLOB, 2},  /* str 16 */
    [0x1b] = {HEAD_BLOB, 4},  /* str 32 */
    [0x1c] = {HEAD_ARRAY, 2}, /* array 16 */
    [0x1d] = {HEAD_ARRAY, 4}, /* array 32 */
    [0x1e] = {HEAD_MAP, 2},   /* map 16 */
    [0x1f] = {HEAD_MAP, 4},   /* map 32 */
};

/* The head of one object: what comes before its bytes or elements. */
struct head {
    uint64_t bytes;    /* of the head, and of a value or blob behind it */
    uint64_t elements; /* of an array or map */
};

static bool head_short(uint8_t first, struct head *ret_head)
{
    struct head head = {.bytes = 1};

    if (first >= 0xa0 && first < 0xc0)
        head.bytes += first & 0x1f;
    else if (first >= 0x90 && first < 0xa0)
        head.elements = first & 0x0f;
    else if (first >= 0x80 && first < 0x90)
        head.elements = 2 * (uint64_t)(first & 0x0f);
    else if (first >= 0xc0 && first < 0xe0)
        return false;
    *ret_head = head;
    return true;
}

/* Reads the head at `data`, of which `length` (at least 1) bytes are here. */
static enum scan_result head_read(const uint8_t *data, size_t length, struct head *ret_head)
{
    if (head_short(data[0], ret_head))
        return SCAN_WHOLE;

    const struct head_type *type = &head_types[data[0] - 0xc0];
    if (type->kind == HEAD_BAD)
        return SCAN_BAD;
    struct head head = {.bytes = 1 + type->width};
    if (type->kind != HEAD_VALUE) {
        uint64_t number = 0;
        if (length < head.bytes)
            return SCAN_PARTIAL;
        for (unsigned i = 1; i <= type->width; i++)
            number = number << 8 | data[i];
        if (type->kind == HEAD_BLOB)
            head.bytes += number;
        else
            head.elements = type->kind == HEAD_MAP ? 2 * number : number;
    }
    *ret_head = head;
    return SCAN_WHOLE;
}

/* Goes down into an array or map of `elements`, or past an object that is complete. */
static enum scan_result scan_move(struct scan *scan, const struct scan_limits *limits,
                                  uint64_t elements)
{
    if (elements > 0) {
        if (scan->depth >= limits->depth || scan->depth >= SCAN_DEPTH_MAX)
            return SCAN_TOO_DEEP;
        scan->pending[++scan->depth] = elements;
        return SCAN_PARTIAL;
    }
    while (scan->depth > 0 && --scan->pending[scan->depth] == 0)
        scan->depth--;
    return scan->depth == 0 ? SCAN_WHOLE : SCAN_PARTIAL;
}

void scan_reset(struct scan *scan)
{
    memset(scan, 0, sizeof(*scan));
}

/* Takes the head at the scanner's place into account; moves on only if it is here with all of its
 * bytes. */
static enum scan_result scan_one(struct scan *scan, const struct scan_limits *limits,
                                 const uint8_t *data, size_t length)
{
    struct head head;
    enum scan_result result = head_read(data + scan->offset, length - scan->offset, &head);
    if (result != SCAN_WHOLE)
        return result;

    /* Each element takes a byte at least: what cannot fit is refused when it is announced. */
    if (head.bytes > limits->bytes - scan->offset ||
        head.elements > limits->bytes - scan->offset - head.bytes ||
        head.elements > limits->elements - scan->elements)
        return SCAN_TOO_LARGE;
    if (head.bytes > length - scan->offset)
        return SCAN_PARTIAL;

    result = scan_move(scan, limits, head.elements);
    if (result == SCAN_WHOLE || result == SCAN_PARTIAL) {
        scan->offset += (size_t)head.bytes;
        scan->elements += (uint32_t)head.elements;
    }
    return result;
}

enum scan_result scan_object(struct scan *scan, const struct scan_limits *limits,
                             const uint8_t *data, size_t length, size_t *ret_size)
{
    while (scan->offset < length) {
        size_t before = scan->offset;
        enum scan_result result = scan_one(scan, limits, data, length);
        if (result == SCAN_WHOLE)
            *ret_size = scan->offset;
        if (result != SCAN_PARTIAL || scan->offset == before)
            return result;
    }
    return scan->offset < limits->bytes ? SCAN_PARTIAL : SCAN_TOO_LARGE;
}
