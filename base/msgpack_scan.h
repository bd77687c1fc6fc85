/*
 * Checks MessagePack bytes before they are decoded: where the first object ends, and whether it
 * stays within limits. msgpack-c trusts announced sizes; bytes from a socket or a file must be
 * scanned first.
 */
#ifndef BASE_MSGPACK_SCAN_H
#define BASE_MSGPACK_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scan_result {
    SCAN_WHOLE = 0, /* an object is complete */
    SCAN_PARTIAL,   /* so far well-formed; more bytes are needed */
    SCAN_BAD,       /* 0xc1, an extension type, or the like: nothing that we use */
    SCAN_TOO_DEEP,
    SCAN_TOO_LARGE, /* it announces more bytes or elements than allowed */
};

struct scan_limits {
    size_t bytes;      /* of the whole object */
    unsigned depth;    /* of nesting; at most SCAN_DEPTH_MAX */
    uint32_t elements; /* of all arrays and maps together */
};

#define SCAN_DEPTH_MAX 32

/* What a head announces (https://github.com/msgpack/msgpack/blob/master/spec.md). */
enum msgpack_head_kind {
    MSGPACK_HEAD_BAD = 0, /* an extension type, or never used */
    MSGPACK_HEAD_SIMPLE,  /* nil, a boolean or a float */
    MSGPACK_HEAD_INTEGER,
    MSGPACK_HEAD_BLOB,  /* str or bin: `number` bytes follow */
    MSGPACK_HEAD_ARRAY, /* `number` objects follow */
    MSGPACK_HEAD_MAP,   /* `number` pairs follow */
};

/* What precedes the bytes or elements of one object, or all of an object that has none. */
struct msgpack_head {
    enum msgpack_head_kind kind;
    unsigned size;   /* bytes of the head, with the number in it: 1 to 9 */
    uint64_t number; /* the integer, length or count. Of an integer only if all bytes are here */
    bool negative;   /* an integer below 0; then `number` means nothing */
};

/* Reads the head at `data`, of which `length` (at least 1) bytes are here: SCAN_WHOLE, SCAN_PARTIAL
 * if a length or count is not here yet, or SCAN_BAD. */
enum scan_result msgpack_head_read(const uint8_t *data, size_t length,
                                   struct msgpack_head *ret_head);

/*
 * Resumable scanner: remembers its position, so that a message that arrives in many pieces is
 * scanned only once. Zero it (or scan_reset()) before each object.
 */
struct scan {
    size_t offset; /* bytes scanned so far */
    unsigned depth;
    uint32_t elements;
    uint64_t pending[SCAN_DEPTH_MAX + 1]; /* elements still to come at each level */
};

void scan_reset(struct scan *scan);

/*
 * Scans `data`, which begins with the object's first byte and is now `length` bytes long (each call
 * passes all bytes so far). SCAN_WHOLE: *ret_size is the object's size.
 */
enum scan_result scan_object(struct scan *scan, const struct scan_limits *limits,
                             const uint8_t *data, size_t length, size_t *ret_size);

#endif
