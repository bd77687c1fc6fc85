/* Bytes that were scanned, as a tree of MessagePack objects. */
#ifndef IPC_TREE_H
#define IPC_TREE_H

#include <stddef.h>
#include <stdint.h>

#include <msgpack.h>

enum tree_result {
    TREE_OK = 0,
    TREE_BAD,    /* not exactly one object */
    TREE_MEMORY, /* out of memory */
};

/*
 * Decodes one whole object whose nesting and announced sizes were checked before (frame_next, or we
 * wrote it). `data` is written to: strings and binary data are moved down by a byte, over their
 * headers, which makes room for a NUL behind each, so that all are NUL-terminated without a copy.
 * *ret_tree borrows strings and binary data from `data`; msgpack_unpacked_destroy() it first.
 */
enum tree_result tree_decode(uint8_t *data, size_t size, msgpack_unpacked *ret_tree);

#endif
