#include "config.h"

#include "ipc/message.h"

#include <assert.h>
#include <string.h>

/* ---- whole objects ---- */

/* An idle connection keeps a buffer of at most this size, since large messages are rare. */
#define IDLE_CAPACITY_MAX ((size_t)64 * 1024)

static const struct scan_limits frame_limits = {
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

/* Drops what was taken: now, and not when it is taken, because the caller still uses it then. */
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

enum frame_result frame_next(struct frame_reader *reader, uint8_t **ret_data, size_t *ret_size)
{
    if (reader->broken != FRAME_WHOLE)
        return reader->broken;
    if (reader->start == reader->fed.size) {
        drop_taken(reader);
        return FRAME_PARTIAL;
    }
    size_t size = 0;
    switch (scan_object(&reader->scan, &frame_limits, reader->fed.data + reader->start,
                        reader->fed.size - reader->start, &size)) {
    case SCAN_WHOLE:
        *ret_data = reader->fed.data + reader->start;
        *ret_size = size;
        reader->start += size;
        scan_reset(&reader->scan);
        return FRAME_WHOLE;
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

/* ---- trees ---- */

/* The byte before the data belongs to its header, which has already been read. */
static const char *terminate(const char *bytes, uint32_t size)
{
    if (size == 0)
        return "";
    char *moved = (char *)bytes - 1;
    memmove(moved, bytes, size);
    moved[size] = '\0';
    return moved;
}

/* The recursion is as deep as the caller's limits let objects nest. */
static void terminate_strings(msgpack_object *object)
{
    const msgpack_object_array *array = &object->via.array;
    const msgpack_object_map *map = &object->via.map;

    switch (object->type) {
    case MSGPACK_OBJECT_STR:
        object->via.str.ptr = terminate(object->via.str.ptr, object->via.str.size);
        break;
    case MSGPACK_OBJECT_BIN:
        object->via.bin.ptr = terminate(object->via.bin.ptr, object->via.bin.size);
        break;
    case MSGPACK_OBJECT_ARRAY:
        for (uint32_t i = 0; i < array->size; i++)
            terminate_strings(&array->ptr[i]);
        break;
    case MSGPACK_OBJECT_MAP:
        for (uint32_t i = 0; i < map->size; i++) {
            terminate_strings(&map->ptr[i].key);
            terminate_strings(&map->ptr[i].val);
        }
        break;
    default:
        break;
    }
}

enum tree_result tree_decode(uint8_t *data, size_t size, msgpack_unpacked *ret_tree)
{
    msgpack_unpacked tree;
    msgpack_unpacked_init(&tree);
    size_t used = 0;
    msgpack_unpack_return unpacked = msgpack_unpack_next(&tree, (const char *)data, size, &used);
    if (unpacked != MSGPACK_UNPACK_SUCCESS || used != size) {
        msgpack_unpacked_destroy(&tree);
        return unpacked == MSGPACK_UNPACK_NOMEM_ERROR ? TREE_MEMORY : TREE_BAD;
    }
    terminate_strings(&tree.data);
    *ret_tree = tree;
    return TREE_OK;
}

/* ---- messages ---- */

static const msgpack_object no_params = {.type = MSGPACK_OBJECT_MAP};

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

/* In some languages, as Lua and PHP, an empty map and an empty array are the same. */
static bool is_empty(const msgpack_object *object)
{
    return (object->type == MSGPACK_OBJECT_ARRAY && object->via.array.size == 0) ||
           (object->type == MSGPACK_OBJECT_MAP && object->via.map.size == 0);
}

static void read_params(const msgpack_object *object, struct message *message)
{
    if (object->type == MSGPACK_OBJECT_ARRAY && object->via.array.size == 1)
        object = object->via.array.ptr;
    else if (!is_empty(object))
        return;
    if (is_empty(object))
        message->params = &no_params;
    else if (object->type == MSGPACK_OBJECT_MAP)
        message->params = object;
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

static const struct message_shape {
    uint32_t parts;
    bool (*read)(const msgpack_object *parts, struct message *message);
} message_shapes[] = {
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
        kind->via.u64 >= sizeof(message_shapes) / sizeof(message_shapes[0]))
        return false;
    message->kind = (enum message_kind)kind->via.u64;
    const struct message_shape *shape = &message_shapes[message->kind];
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
