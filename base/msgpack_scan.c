#include "config.h"

#include "base/msgpack_scan.h"

#include <stdbool.h>
#include <string.h>

/* First bytes 0xc0 to 0xdf. Extension types are missing: we do not use them. */
static const struct msgpack_head_type {
    enum msgpack_head_kind kind;
    unsigned width; /* bytes of the number, or of a float */
} head_types[0x20] = {
    [0x00] = {MSGPACK_HEAD_SIMPLE, 0},  /* nil */
    [0x02] = {MSGPACK_HEAD_SIMPLE, 0},  /* false */
    [0x03] = {MSGPACK_HEAD_SIMPLE, 0},  /* true */
    [0x04] = {MSGPACK_HEAD_BLOB, 1},    /* bin 8 */
    [0x05] = {MSGPACK_HEAD_BLOB, 2},    /* bin 16 */
    [0x06] = {MSGPACK_HEAD_BLOB, 4},    /* bin 32 */
    [0x0a] = {MSGPACK_HEAD_SIMPLE, 4},  /* float 32 */
    [0x0b] = {MSGPACK_HEAD_SIMPLE, 8},  /* float 64 */
    [0x0c] = {MSGPACK_HEAD_INTEGER, 1}, /* uint 8 */
    [0x0d] = {MSGPACK_HEAD_INTEGER, 2}, /* uint 16 */
    [0x0e] = {MSGPACK_HEAD_INTEGER, 4}, /* uint 32 */
    [0x0f] = {MSGPACK_HEAD_INTEGER, 8}, /* uint 64 */
    [0x10] = {MSGPACK_HEAD_INTEGER, 1}, /* int 8 */
    [0x11] = {MSGPACK_HEAD_INTEGER, 2}, /* int 16 */
    [0x12] = {MSGPACK_HEAD_INTEGER, 4}, /* int 32 */
    [0x13] = {MSGPACK_HEAD_INTEGER, 8}, /* int 64 */
    [0x19] = {MSGPACK_HEAD_BLOB, 1},    /* str 8 */
    [0x1a] = {MSGPACK_HEAD_BLOB, 2},    /* str 16 */
    [0x1b] = {MSGPACK_HEAD_BLOB, 4},    /* str 32 */
    [0x1c] = {MSGPACK_HEAD_ARRAY, 2},   /* array 16 */
    [0x1d] = {MSGPACK_HEAD_ARRAY, 4},   /* array 32 */
    [0x1e] = {MSGPACK_HEAD_MAP, 2},     /* map 16 */
    [0x1f] = {MSGPACK_HEAD_MAP, 4},     /* map 32 */
};

/* First bytes of signed integers. */
#define SIGNED_FIRST 0xd0
#define SIGNED_LAST  0xd3

enum scan_result msgpack_head_read(const uint8_t *data, size_t length,
                                   struct msgpack_head *ret_head)
{
    uint8_t first = data[0];

    if (first < 0xc0 || first >= 0xe0) { /* one byte, which contains its number */
        struct msgpack_head head = {.kind = MSGPACK_HEAD_INTEGER, .size = 1, .number = first};

        if (first >= 0xe0) {
            head.negative = true;
        } else if (first >= 0xa0) {
            head.kind = MSGPACK_HEAD_BLOB;
            head.number = first & 0x1f;
        } else if (first >= 0x80) {
            head.kind = first >= 0x90 ? MSGPACK_HEAD_ARRAY : MSGPACK_HEAD_MAP;
            head.number = first & 0x0f;
        }
        *ret_head = head;
        return SCAN_WHOLE;
    }

    const struct msgpack_head_type *type = &head_types[first - 0xc0];
    struct msgpack_head head = {.kind = type->kind, .size = 1 + type->width};
    if (type->kind == MSGPACK_HEAD_BAD)
        return SCAN_BAD;
    if (length < head.size && type->kind >= MSGPACK_HEAD_BLOB)
        return SCAN_PARTIAL;
    if (length >= head.size && type->kind != MSGPACK_HEAD_SIMPLE) {
        for (unsigned i = 1; i <= type->width; i++)
            head.number = head.number << 8 | data[i];
        head.negative = first >= SIGNED_FIRST && first <= SIGNED_LAST && data[1] > 0x7f;
    }
    *ret_head = head;
    return SCAN_WHOLE;
}

void scan_reset(struct scan *scan)
{
    memset(scan, 0, sizeof(*scan));
}

/* Accounts for the head at the scanner's position; moves on only if all of its bytes are here. */
static enum scan_result scan_one(struct scan *scan, const struct scan_limits *limits,
                                 const uint8_t *data, size_t length)
{
    struct msgpack_head head;
    enum scan_result result = msgpack_head_read(data + scan->offset, length - scan->offset, &head);
    if (result != SCAN_WHOLE)
        return result;
    uint64_t bytes = head.size + (head.kind == MSGPACK_HEAD_BLOB ? head.number : 0);
    uint64_t elements = head.kind == MSGPACK_HEAD_ARRAY ? head.number
                        : head.kind == MSGPACK_HEAD_MAP ? 2 * head.number
                                                        : 0;

    /* Each element takes at least a byte: what cannot fit is refused when it is announced. */
    if (bytes > limits->bytes - scan->offset || elements > limits->bytes - scan->offset - bytes ||
        elements > limits->elements - scan->elements)
        return SCAN_TOO_LARGE;
    if (bytes > length - scan->offset)
        return SCAN_PARTIAL;
    if (elements > 0 && (scan->depth >= limits->depth || scan->depth >= SCAN_DEPTH_MAX))
        return SCAN_TOO_DEEP;

    scan->offset += (size_t)bytes;
    scan->elements += (uint32_t)elements;
    if (elements > 0) {
        scan->pending[++scan->depth] = elements;
        return SCAN_PARTIAL;
    }
    /* Complete, and with it every array or map of which it was the last element. */
    while (scan->depth > 0 && --scan->pending[scan->depth] == 0)
        scan->depth--;
    return scan->depth == 0 ? SCAN_WHOLE : SCAN_PARTIAL;
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
