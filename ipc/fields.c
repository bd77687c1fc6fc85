#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ipc/fields.h"
#include "ipc/utf8.h"

/* Only the first thing wrong is told. */
__attribute__((format(printf, 2, 3))) static void blame(struct fields *fields, const char *format,
                                                        ...)
{
    if (fields->wrong[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(fields->wrong, sizeof(fields->wrong), format, args);
    va_end(args);
}

void fields_init(struct fields *fields, const msgpack_object *map)
{
    *fields = (struct fields){.map = map};
    if (map == NULL)
        blame(fields, "the params must be an array that holds one map");
}

const char *fields_wrong(const struct fields *fields)
{
    return fields->wrong[0] == '\0' ? NULL : fields->wrong;
}

static bool key_is(const msgpack_object *object, const char *key, size_t length)
{
    return object->type == MSGPACK_OBJECT_STR && object->via.str.size == length &&
           memcmp(object->via.str.ptr, key, length) == 0;
}

const msgpack_object *fields_find(const msgpack_object *map, const char *key)
{
    if (map == NULL || map->type != MSGPACK_OBJECT_MAP)
        return NULL;
    size_t length = strlen(key);
    for (uint32_t i = 0; i < map->via.map.size; i++)
        if (key_is(&map->via.map.ptr[i].key, key, length))
            return &map->via.map.ptr[i].val;
    return NULL;
}

/* NULL also for nil. */
static const msgpack_object *find(const struct fields *fields, const char *key)
{
    const msgpack_object *value = fields_find(fields->map, key);
    return value == NULL || value->type == MSGPACK_OBJECT_NIL ? NULL : value;
}

static const msgpack_object *find_required(struct fields *fields, const char *key)
{
    const msgpack_object *value = find(fields, key);
    if (value == NULL)
        blame(fields, "parameter \"%s\" is missing", key);
    return value;
}

static const char *as_text(struct fields *fields, const char *key, const msgpack_object *value)
{
    if (value->type == MSGPACK_OBJECT_STR &&
        memchr(value->via.str.ptr, '\0', value->via.str.size) == NULL &&
        utf8_valid(value->via.str.ptr, value->via.str.size))
        return value->via.str.ptr;
    blame(fields, "parameter \"%s\" must be text in UTF-8", key);
    return NULL;
}

const char *fields_text(struct fields *fields, const char *key)
{
    const msgpack_object *value = find_required(fields, key);
    return value == NULL ? NULL : as_text(fields, key, value);
}

const char *fields_text_or(struct fields *fields, const char *key, const char *fallback)
{
    const msgpack_object *value = find(fields, key);
    return value == NULL ? fallback : as_text(fields, key, value);
}

static bool is_between(const msgpack_object *value, int64_t min, int64_t max)
{
    if (value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        return value->via.i64 >= min && value->via.i64 <= max;
    return value->type == MSGPACK_OBJECT_POSITIVE_INTEGER && value->via.u64 <= INT64_MAX &&
           (int64_t)value->via.u64 >= min && (int64_t)value->via.u64 <= max;
}

static int64_t as_number(struct fields *fields, const char *key, const msgpack_object *value,
                         int64_t min, int64_t max)
{
    if (is_between(value, min, max))
        return value->via.i64;
    if (max == INT64_MAX)
        blame(fields, "parameter \"%s\" must be a whole number, %" PRId64 " or more", key, min);
    else
        blame(fields, "parameter \"%s\" must be a whole number from %" PRId64 " to %" PRId64, key,
              min, max);
    return 0;
}

int64_t fields_number(struct fields *fields, const char *key, int64_t min, int64_t max)
{
    const msgpack_object *value = find_required(fields, key);
    return value == NULL ? 0 : as_number(fields, key, value, min, max);
}

int64_t fields_number_or(struct fields *fields, const char *key, int64_t fallback, int64_t min,
                         int64_t max)
{
    const msgpack_object *value = find(fields, key);
    return value == NULL ? fallback : as_number(fields, key, value, min, max);
}

static bool as_flag(struct fields *fields, const char *key, const msgpack_object *value,
                    bool fallback)
{
    if (value->type == MSGPACK_OBJECT_BOOLEAN)
        return value->via.boolean;
    blame(fields, "parameter \"%s\" must be true or false", key);
    return fallback;
}

bool fields_flag(struct fields *fields, const char *key)
{
    const msgpack_object *value = find_required(fields, key);
    return value == NULL ? false : as_flag(fields, key, value, false);
}

bool fields_flag_or(struct fields *fields, const char *key, bool fallback)
{
    const msgpack_object *value = find(fields, key);
    return value == NULL ? fallback : as_flag(fields, key, value, fallback);
}

const void *fields_data(struct fields *fields, const char *key, size_t *ret_length)
{
    const msgpack_object *value = find_required(fields, key);
    if (value == NULL)
        return NULL;
    if (value->type != MSGPACK_OBJECT_BIN && value->type != MSGPACK_OBJECT_STR) {
        blame(fields, "parameter \"%s\" must be binary data", key);
        return NULL;
    }
    /* str and bin have the same layout in msgpack-c, but that is nobody's promise. */
    bool is_text = value->type == MSGPACK_OBJECT_STR;
    *ret_length = is_text ? value->via.str.size : value->via.bin.size;
    const char *data = is_text ? value->via.str.ptr : value->via.bin.ptr;
    return *ret_length == 0 ? "" : data;
}
