/*
 * Bytes from a socket come in pieces; this puts them together and yields whole MessagePack objects
 * that keep within the limits of doc/ipc.md. It does no I/O, and holds no more memory than one
 * object of the largest size plus what was fed at once.
 */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/buffer.h"
#include "base/msgpack_scan.h"

/* 16 MiB of application data, and a mebibyte for what stands around it. */
#define FRAME_BYTES_MAX ((size_t)17 * 1024 * 1024)

/* Our own messages nest 6 deep. */
#define FRAME_DEPTH_MAX 16

/* 1000 views of some 45 keys are the most that we send; a decoded element takes 24 bytes, so that
 * no message can make us use more than 6 MiB beyond its own size. */
#define FRAME_ELEMENTS_MAX ((uint32_t)256 * 1024)

enum frame_result {
    FRAME_WHOLE = 0, /* an object is complete */
    FRAME_PARTIAL,   /* more bytes are needed */
    FRAME_BAD,       /* not MessagePack, or of a type that the RPC does not have */
    FRAME_TOO_LARGE, /* over one of the limits above */
};

struct frame_reader {
    struct buffer fed; /* what was fed */
    size_t start;      /* how much of it was taken */
    struct scan scan;
    enum frame_result broken; /* FRAME_BAD and FRAME_TOO_LARGE are for good */
};

void frame_init(struct frame_reader *reader);

/* Wipes and frees the buffer: messages hold codes. */
void frame_free(struct frame_reader *reader);

/* Room for `size` bytes to be read into, borrowed until the next call for this reader; frame_filled
 * then says how many came. NULL when out of memory, or once the reader is broken. */
void *frame_room(struct frame_reader *reader, size_t size);
void frame_filled(struct frame_reader *reader, size_t length);

/* Appends bytes; once the reader is broken they are dropped. False when out of memory. */
bool frame_feed(struct frame_reader *reader, const void *data, size_t length);

/*
 * Takes the next whole object. FRAME_WHOLE: *ret_data and *ret_size are its bytes, borrowed until
 * the next call for this reader, and writable (message_decode wants that). FRAME_BAD and
 * FRAME_TOO_LARGE stay: nobody can tell where the next object would begin.
 */
enum frame_result frame_next(struct frame_reader *reader, uint8_t **ret_data, size_t *ret_size);

/* The bytes that are not yet taken, for message_peek_id after FRAME_BAD or FRAME_TOO_LARGE.
 * Borrowed as above. */
const uint8_t *frame_rest(const struct frame_reader *reader, size_t *ret_length);

#endif
