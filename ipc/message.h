/*
 * The messages of MessagePack-RPC (doc/ipc.md): one object decoded into its parts, and the outer
 * shell of what is sent.
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

#include "ipc/methods.h"
#include "ipc/writer.h"

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

/* Decodes one whole object that came from frame_next, as tree_decode does: `data` is written to,
 * strings are NUL-terminated. Free with message_free, before the bytes go. */
enum message_result message_decode(uint8_t *data, size_t size, struct message *ret_message);

void message_free(struct message *message);

/* The id of a request that cannot be decoded, as far as its first bytes tell; 0 if they do not. */
uint32_t message_peek_id(const uint8_t *data, size_t length);

/* Each of these writes the shell; the caller then writes exactly one object, with key NULL:
 * a map of parameters, or the result. */
void message_begin_request(struct writer *writer, uint32_t id, const char *method);
void message_begin_response(struct writer *writer, uint32_t id);
void message_begin_notification(struct writer *writer, const char *method);

/* A whole error response. `text` is one sentence for a person. */
void message_error(struct writer *writer, uint32_t id, enum ipc_error code, const char *text);

#endif
