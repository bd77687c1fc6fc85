#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/writer.h"
#include "ipc/params.h"
#include "ipc/message.h"
#include "libclient/client.h"

static const msgpack_object *object_of(const struct wormclient_value *value)
{
    return (const msgpack_object *)value;
}

/* A value that owns its parts. */
struct value_copy {
    msgpack_unpacked tree; /* borrows from bytes */
    struct buffer bytes;
};

const struct wormclient_value *wormclient_value_get(const struct wormclient_value *map,
                                                    const char *key)
{
    return wormclient__value(params_find(object_of(map), key));
}

enum wormclient_type wormclient_value_type(const struct wormclient_value *value)
{
    const msgpack_object *object = object_of(value);
    if (object == NULL)
        return WORMCLIENT_TYPE_NIL;
    switch (object->type) {
    case MSGPACK_OBJECT_NIL:
        return WORMCLIENT_TYPE_NIL;
    case MSGPACK_OBJECT_BOOLEAN:
        return WORMCLIENT_TYPE_FLAG;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return WORMCLIENT_TYPE_NUMBER;
    case MSGPACK_OBJECT_STR:
        return WORMCLIENT_TYPE_TEXT;
    case MSGPACK_OBJECT_BIN:
        return WORMCLIENT_TYPE_DATA;
    case MSGPACK_OBJECT_ARRAY:
        return WORMCLIENT_TYPE_ARRAY;
    case MSGPACK_OBJECT_MAP:
        return WORMCLIENT_TYPE_MAP;
    default:
        return WORMCLIENT_TYPE_OTHER;
    }
}

size_t wormclient_value_count(const struct wormclient_value *value)
{
    const msgpack_object *object = object_of(value);
    if (object != NULL && object->type == MSGPACK_OBJECT_ARRAY)
        return object->via.array.size;
    return object != NULL && object->type == MSGPACK_OBJECT_MAP ? object->via.map.size : 0;
}

const struct wormclient_value *wormclient_value_at(const struct wormclient_value *value,
                                                   size_t index)
{
    const msgpack_object *object = object_of(value);
    if (index >= wormclient_value_count(value))
        return NULL;
    return wormclient__value(object->type == MSGPACK_OBJECT_ARRAY
                                 ? &object->via.array.ptr[index]
                                 : &object->via.map.ptr[index].val);
}

const char *wormclient_value_key(const struct wormclient_value *map, size_t index)
{
    const msgpack_object *object = object_of(map);
    if (object == NULL || object->type != MSGPACK_OBJECT_MAP || index >= object->via.map.size)
        return NULL;
    return wormclient_value_text(wormclient__value(&object->via.map.ptr[index].key), NULL);
}

/* The value of a key (NULL: the value itself) if it has this type, otherwise NULL. */
static const msgpack_object *typed(const struct wormclient_value *map, const char *key,
                                   msgpack_object_type type)
{
    const msgpack_object *object = object_of(map);
    const msgpack_object *value = key == NULL ? object : params_find(object, key);
    return value != NULL && value->type == type ? value : NULL;
}

const char *wormclient_value_text(const struct wormclient_value *map, const char *key)
{
    const msgpack_object *value = typed(map, key, MSGPACK_OBJECT_STR);
    if (value == NULL || strlen(value->via.str.ptr) != value->via.str.size)
        return NULL;
    return value->via.str.ptr;
}

const void *wormclient_value_data(const struct wormclient_value *map, const char *key,
                                  size_t *ret_length)
{
    const msgpack_object *value = typed(map, key, MSGPACK_OBJECT_BIN);
    if (value == NULL)
        return NULL;
    *ret_length = value->via.bin.size;
    return value->via.bin.size == 0 ? "" : value->via.bin.ptr;
}

int64_t wormclient_value_number(const struct wormclient_value *map, const char *key,
                                int64_t fallback)
{
    const msgpack_object *positive = typed(map, key, MSGPACK_OBJECT_POSITIVE_INTEGER);
    if (positive != NULL)
        return positive->via.u64 <= INT64_MAX ? (int64_t)positive->via.u64 : fallback;
    const msgpack_object *negative = typed(map, key, MSGPACK_OBJECT_NEGATIVE_INTEGER);
    return negative == NULL ? fallback : negative->via.i64;
}

bool wormclient_value_flag(const struct wormclient_value *map, const char *key, bool fallback)
{
    const msgpack_object *value = typed(map, key, MSGPACK_OBJECT_BOOLEAN);
    return value == NULL ? fallback : value->via.boolean;
}

static int append_packed(void *arg, const char *data, size_t length)
{
    return buffer_append(arg, data, length) ? 0 : -1;
}

static struct value_copy *copy_free(struct value_copy *copy)
{
    buffer_free(&copy->bytes);
    free(copy);
    return NULL;
}

struct wormclient_value *wormclient__value_dup(const struct wormclient_value *value)
{
    struct value_copy *copy = calloc(1, sizeof(*copy));
    if (copy == NULL)
        return NULL;
    msgpack_packer packer;
    msgpack_packer_init(&packer, &copy->bytes, append_packed);
    if (msgpack_pack_object(&packer, *object_of(value)) != 0 ||
        tree_decode(copy->bytes.data, copy->bytes.size, &copy->tree) != TREE_OK)
        copy = copy_free(copy);
    return copy == NULL ? NULL : (struct wormclient_value *)&copy->tree.data;
}

void wormclient_result_free(struct wormclient_value *result)
{
    if (result == NULL)
        return;
    struct value_copy *copy =
        (struct value_copy *)((char *)result - offsetof(struct value_copy, tree.data));
    msgpack_unpacked_destroy(&copy->tree);
    copy_free(copy);
}
