/*
 * The messages of MessagePack-RPC (doc/ipc.md), both ways. From a socket: bytes come in pieces, a
 * frame_reader yields whole objects that keep within the limits, message_decode() takes one apart.
 * To a socket: the outer shell of what is sent. None of it does I/O.
 *
 *     request       [0, id, method, [params]]
 *     response      [1, id, error, result]
 *     notification  [2, method, [params]]
 */
#ifndef IPC_MESSAGE_H
#define IPC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <msgpack.h>

#include "base/msgpack_scan.h"
#include "ipc/methods.h"
#include "ipc/writer.h"

/* ---- whole objects ---- */

/* A reader holds no more memory than one object of the largest size, plus what was fed at once. */

/* 16 MiB of application data, and a mebibyte for what surrounds it. */
#define FRAME_BYTES_MAX ((size_t)17 * 1024 * 1024)

/* Our own messages nest 6 deep. */
#define FRAME_DEPTH_MAX 16

/* The largest message that we send has 1000 views of some 45 keys. A decoded element takes 24
 * bytes, so no message can make us use more than 6 MiB beyond its own size. */
#define FRAME_ELEMENTS_MAX ((uint32_t)256 * 1024)

enum frame_result {
    FRAME_WHOLE = 0, /* an object is complete */
    FRAME_PARTIAL,   /* more bytes are needed */
    FRAME_BAD,       /* not MessagePack, or of a type that the RPC does not use */
    FRAME_TOO_LARGE, /* over one of the limits above */
};

struct frame_reader {
    struct buffer fed; /* what was fed */
    size_t start;      /* how much of it has been taken */
    struct scan scan;
    enum frame_result broken; /* FRAME_BAD and FRAME_TOO_LARGE are final */
};

void frame_init(struct frame_reader *reader);

/* Wipes and frees the buffer, since messages hold codes. */
void frame_free(struct frame_reader *reader);

/* Room to read `size` bytes into, borrowed until the next call for this reader; frame_filled then
 * says how many were read. NULL when out of memory, or once the reader is broken. */
void *frame_room(struct frame_reader *reader, size_t size);
void frame_filled(struct frame_reader *reader, size_t length);

/* Appends bytes; they are dropped once the reader is broken. False when out of memory. */
bool frame_feed(struct frame_reader *reader, const void *data, size_t length);

/*
 * Takes the next whole object. FRAME_WHOLE: *ret_data and *ret_size are its bytes, borrowed until
 * the next call for this reader, and writable (as message_decode requires). FRAME_BAD and
 * FRAME_TOO_LARGE are final: there is no telling where the next object would begin.
 */
enum frame_result frame_next(struct frame_reader *reader, uint8_t **ret_data, size_t *ret_size);

/* The bytes not yet taken, for message_peek_id after FRAME_BAD or FRAME_TOO_LARGE. Borrowed as
 * above. */
const uint8_t *frame_rest(const struct frame_reader *reader, size_t *ret_length);

/* ---- decoding ---- */

enum tree_result {
    TREE_OK = 0,
    TREE_BAD,    /* not exactly one object */
    TREE_MEMORY, /* out of memory */
};

/*
 * Decodes one whole object whose nesting and announced sizes have been checked (by frame_next, or
 * because we wrote it). `data` is written to: strings and binary data are moved down by a byte,
 * over their headers, which makes room for a NUL after each, so that all are NUL-terminated without
 * a copy. *ret_tree borrows strings and binary data from `data`; call msgpack_unpacked_destroy() on
 * it first.
 */
enum tree_result tree_decode(uint8_t *data, size_t size, msgpack_unpacked *ret_tree);

enum message_kind {
    MESSAGE_REQUEST = 0,
    MESSAGE_RESPONSE = 1,
    MESSAGE_NOTIFICATION = 2,
};

/* Parts that a kind does not have are 0 or NULL. All pointers are borrowed: from the message and
 * from the bytes that it was decoded from. */
struct message {
    enum message_kind kind;
    uint32_t id;                  /* request, response */
    const char *method;           /* request, notification; NUL-terminated, "" if it held a NUL */
    const msgpack_object *params; /* request, notification: the map, or an empty one for []; NULL
                                     if the params were anything else: see fields_init */
    const msgpack_object *error;  /* response: NULL if nil */
    const msgpack_object *result; /* response: NULL if there was an error */
    msgpack_unpacked tree;        /* owns the objects */
};

enum message_result {
    MESSAGE_OK = 0,
    MESSAGE_BAD,    /* not one of the three kinds */
    MESSAGE_MEMORY, /* out of memory */
};

/* Decodes one whole object from frame_next, as tree_decode does: `data` is written to, and strings
 * are NUL-terminated. Call message_free before the bytes are freed. */
enum message_result message_decode(uint8_t *data, size_t size, struct message *ret_message);

void message_free(struct message *message);

/* The id of a request that cannot be decoded, as far as its first bytes reveal it; 0 if they do
 * not. */
uint32_t message_peek_id(const uint8_t *data, size_t length);

/* Each of these writes the shell; the caller then writes exactly one object with key NULL: a map of
 * parameters, or the result. */
void message_begin_request(struct writer *writer, uint32_t id, const char *method);
void message_begin_response(struct writer *writer, uint32_t id);
void message_begin_notification(struct writer *writer, const char *method);

/* A whole error response. `text` is one sentence for people. */
void message_error(struct writer *writer, uint32_t id, enum ipc_error code, const char *text);

#endif
