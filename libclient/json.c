#include "config.h"

#include <stdlib.h>

#include <jansson.h>
#include <sodium.h>

#include "libclient/value.h"

#define BASE64 sodium_base64_VARIANT_ORIGINAL

static json_t *convert(const msgpack_object *object);

static json_t *convert_data(const msgpack_object_bin *data)
{
    size_t size = sodium_base64_ENCODED_LEN(data->size, BASE64);
    char *text = malloc(size);
    json_t *json = NULL;
    if (text != NULL) {
        sodium_bin2base64(text, size, (const uint8_t *)data->ptr, data->size, BASE64);
        json = json_string(text);
        free(text);
    }
    return json;
}

static json_t *convert_unsigned(uint64_t number)
{
    return number <= INT64_MAX ? json_integer((json_int_t)number) : json_real((double)number);
}

static json_t *convert_array(const msgpack_object_array *array)
{
    json_t *json = json_array();
    for (uint32_t i = 0; json != NULL && i < array->size; i++)
        if (json_array_append_new(json, convert(&array->ptr[i])) != 0) {
            json_decref(json);
            json = NULL;
        }
    return json;
}

/* JSON's keys are strings: what stands under any other is left out. */
static json_t *convert_map(const msgpack_object_map *map)
{
    json_t *json = json_object();
    for (uint32_t i = 0; json != NULL && i < map->size; i++)
        if (map->ptr[i].key.type == MSGPACK_OBJECT_STR &&
            json_object_set_new(json, map->ptr[i].key.via.str.ptr, convert(&map->ptr[i].val)) !=
                0) {
            json_decref(json);
            json = NULL;
        }
    return json;
}

/* NULL when out of memory, or where there is a text that is not UTF-8. */
static json_t *convert(const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        return json_boolean(object->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return convert_unsigned(object->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        return json_integer(object->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        return json_real(object->via.f64);
    case MSGPACK_OBJECT_STR:
        return json_stringn(object->via.str.ptr, object->via.str.size);
    case MSGPACK_OBJECT_BIN:
        return convert_data(&object->via.bin);
    case MSGPACK_OBJECT_ARRAY:
        return convert_array(&object->via.array);
    case MSGPACK_OBJECT_MAP:
        return convert_map(&object->via.map);
    default:
        return json_null();
    }
}

/* Not json_dumps(): jansson 2.14 leaves out keys that it has no memory for, without a word. */
static char *print(const json_t *json)
{
    size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    size_t size = json_dumpb(json, NULL, 0, flags);
    char *text = size == 0 ? NULL : malloc(size + 1);
    if (text == NULL)
        return NULL;
    if (json_dumpb(json, text, size, flags) != size) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}

char *wormclient_value_json(const struct wormclient_value *value)
{
    json_t *json = convert(value_object(value));
    if (json == NULL)
        return NULL;
    char *text = print(json);
    json_decref(json);
    return text;
}
