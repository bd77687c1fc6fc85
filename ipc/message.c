#include "config.h"

#include <string.h>

#include "ipc/message.h"
#include "base/msgpack_scan.h"
#include "ipc/tree.h"

static const msgpack_object NO_PARAMS = {.type = MSGPACK_OBJECT_MAP};

/* ---- decoding ---- */

static bool read_id(const msgpack_object *object, struct message *message)
{
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER || object->via.u64 > UINT32_MAX)
        return false;
    message->id = (uint32_t)object->via.u64;
    return true;
}

static bool read_method(const msgpack_object *object, struct message *message)
{
    if (object->type != MSGPACK_OBJECT_STR)
        return false;
    bool whole = strlen(object->via.str.ptr) == object->via.str.size;
    message->method = whole ? object->via.str.ptr : "";
    return true;
}

static void read_params(const msgpack_object *object, struct message *message)
{
    if (object->type != MSGPACK_OBJECT_ARRAY)
        return;
    const msgpack_object_array *params = &object->via.array;
    if (params->size == 0)
        message->params = &NO_PARAMS;
    else if (params->size == 1 && params->ptr[0].type == MSGPACK_OBJECT_MAP)
        message->params = &params->ptr[0];
}

static bool read_request(const msgpack_object *parts, struct message *message)
{
    read_params(&parts[3], message);
    return read_id(&parts[1], message) && read_method(&parts[2], message);
}

static bool read_response(const msgpack_object *parts, struct message *message)
{
    if (parts[2].type != MSGPACK_OBJECT_NIL)
        message->error = &parts[2];
    else
        message->result = &parts[3];
    return read_id(&parts[1], message);
}

static bool read_notification(const msgpack_object *parts, struct message *message)
{
    read_params(&parts[2], message);
    return read_method(&parts[1], message);
}

static const struct shape {
    uint32_t parts;
    bool (*read)(const msgpack_object *parts, struct message *message);
} SHAPES[] = {
    [MESSAGE_REQUEST] = {4, read_request},
    [MESSAGE_RESPONSE] = {4, read_response},
    [MESSAGE_NOTIFICATION] = {3, read_notification},
};

static bool read_message(const msgpack_object *object, struct message *message)
{
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size == 0)
        return false;
    const msgpack_object *kind = &object->via.array.ptr[0];
    if (kind->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
        kind->via.u64 >= sizeof(SHAPES) / sizeof(SHAPES[0]))
        return false;
    message->kind = (enum message_kind)kind->via.u64;
    const struct shape *shape = &SHAPES[message->kind];
    return object->via.array.size == shape->parts && shape->read(object->via.array.ptr, message);
}

enum message_result message_decode(uint8_t *data, size_t size, struct message *ret_message)
{
    struct message message = {.kind = MESSAGE_REQUEST};
    enum tree_result decoded = tree_decode(data, size, &message.tree);
    if (decoded != TREE_OK)
        return decoded == TREE_MEMORY ? MESSAGE_MEMORY : MESSAGE_BAD;
    if (!read_message(&message.tree.data, &message)) {
        message_free(&message);
        return MESSAGE_BAD;
    }
    *ret_message = message;
    return MESSAGE_OK;
}

void message_free(struct message *message)
{
    msgpack_unpacked_destroy(&message->tree);
}

/* ---- the id of something broken ---- */

struct message_cursor {
    const uint8_t *data;
    size_t left;
};

static bool skip_array_header(struct message_cursor *cursor)
{
    struct msgpack_head head;
    if (cursor->left == 0 || msgpack_head_read(cursor->data, cursor->left, &head) != SCAN_WHOLE ||
        head.kind != MSGPACK_HEAD_ARRAY)
        return false;
    cursor->data += head.size;
    cursor->left -= head.size;
    return true;
}

/* Some libraries write every number as a signed one. */
static bool take_unsigned(struct message_cursor *cursor, uint64_t *ret_number)
{
    struct msgpack_head head;
    if (cursor->left == 0 || msgpack_head_read(cursor->data, cursor->left, &head) != SCAN_WHOLE ||
        head.kind != MSGPACK_HEAD_INTEGER || head.negative || head.size > cursor->left)
        return false;
    cursor->data += head.size;
    cursor->left -= head.size;
    *ret_number = head.number;
    return true;
}

uint32_t message_peek_id(const uint8_t *data, size_t length)
{
    struct message_cursor cursor = {data, length};
    uint64_t kind, id;
    if (!skip_array_header(&cursor) || !take_unsigned(&cursor, &kind) || kind != MESSAGE_REQUEST ||
        !take_unsigned(&cursor, &id) || id > UINT32_MAX)
        return 0;
    return (uint32_t)id;
}

/* ---- encoding ---- */

void message_begin_request(struct writer *writer, uint32_t id, const char *method)
{
    writer_object(writer, NULL, "\x94", 1);
    writer_unsigned(writer, NULL, MESSAGE_REQUEST);
    writer_unsigned(writer, NULL, id);
    writer_text(writer, NULL, method);
    writer_object(writer, NULL, "\x91", 1);
}

void message_begin_response(struct writer *writer, uint32_t id)
{
    writer_object(writer, NULL, "\x94", 1);
    writer_unsigned(writer, NULL, MESSAGE_RESPONSE);
    writer_unsigned(writer, NULL, id);
    writer_nil(writer, NULL);
}

void message_begin_notification(struct writer *writer, const char *method)
{
    writer_object(writer, NULL, "\x93", 1);
    writer_unsigned(writer, NULL, MESSAGE_NOTIFICATION);
    writer_text(writer, NULL, method);
    writer_object(writer, NULL, "\x91", 1);
}

void message_error(struct writer *writer, uint32_t id, enum ipc_error code, const char *text)
{
    writer_object(writer, NULL, "\x94", 1);
    writer_unsigned(writer, NULL, MESSAGE_RESPONSE);
    writer_unsigned(writer, NULL, id);
    writer_map(writer, NULL);
    writer_text(writer, "code", errors_name(code));
    writer_text(writer, "message", text);
    writer_end(writer);
    writer_nil(writer, NULL);
}
