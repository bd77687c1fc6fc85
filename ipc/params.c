#include "config.h"

#include "ipc/params.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* The place of each in struct ipc_params. */
static const size_t offsets[PARAM_COUNT] = {
#define PARAM(ID, key, type, min, max, fallback) [PARAM_##ID] = offsetof(struct ipc_params, key),
#include "ipc/methods.def"
};

const msgpack_object *params_find(const msgpack_object *map, const char *key)
{
    if (map == NULL || map->type != MSGPACK_OBJECT_MAP)
        return NULL;
    size_t length = strlen(key);
    for (uint32_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *entry = &map->via.map.ptr[i];
        if (entry->key.type == MSGPACK_OBJECT_STR && entry->key.via.str.size == length &&
            memcmp(entry->key.via.str.ptr, key, length) == 0)
            return &entry->val;
    }
    return NULL;
}

/* ---- a value of each type ---- */

/* Each of these fills in the member, or writes a sentence. */
typedef bool params_reader(const struct ipc_param_row *row, const msgpack_object *value,
                           void *ret_member, char ret_wrong[PARAMS_WRONG_SIZE]);

static bool read_text(const struct ipc_param_row *row, const msgpack_object *value,
                      void *ret_member, char ret_wrong[PARAMS_WRONG_SIZE])
{
    if (value->type != MSGPACK_OBJECT_STR ||
        memchr(value->via.str.ptr, '\0', value->via.str.size) != NULL ||
        !utf8_valid(value->via.str.ptr, value->via.str.size)) {
        snprintf(ret_wrong, PARAMS_WRONG_SIZE, "parameter \"%s\" must be text in UTF-8", row->key);
        return false;
    }
    if (row->max > 0 && (value->via.str.size < row->min || value->via.str.size > row->max)) {
        snprintf(ret_wrong, PARAMS_WRONG_SIZE,
                 "parameter \"%s\" must be %" PRId64 " to %" PRId64 " bytes long", row->key,
                 row->min, row->max);
        return false;
    }
    *(const char **)ret_member = value->via.str.ptr;
    return true;
}

static bool is_between(const msgpack_object *value, int64_t min, int64_t max)
{
    if (value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        return value->via.i64 >= min && value->via.i64 <= max;
    return value->type == MSGPACK_OBJECT_POSITIVE_INTEGER && value->via.u64 <= INT64_MAX &&
           (int64_t)value->via.u64 >= min && (int64_t)value->via.u64 <= max;
}

static bool read_number(const struct ipc_param_row *row, const msgpack_object *value,
                        void *ret_member, char ret_wrong[PARAMS_WRONG_SIZE])
{
    if (is_between(value, row->min, row->max)) {
        *(int64_t *)ret_member = value->via.i64;
        return true;
    }
    if (row->max == INT64_MAX)
        snprintf(ret_wrong, PARAMS_WRONG_SIZE,
                 "parameter \"%s\" must be a whole number, %" PRId64 " or more", row->key,
                 row->min);
    else
        snprintf(ret_wrong, PARAMS_WRONG_SIZE,
                 "parameter \"%s\" must be a whole number from %" PRId64 " to %" PRId64, row->key,
                 row->min, row->max);
    return false;
}

static bool read_flag(const struct ipc_param_row *row, const msgpack_object *value,
                      void *ret_member, char ret_wrong[PARAMS_WRONG_SIZE])
{
    if (value->type == MSGPACK_OBJECT_BOOLEAN) {
        *(bool *)ret_member = value->via.boolean;
        return true;
    }
    snprintf(ret_wrong, PARAMS_WRONG_SIZE, "parameter \"%s\" must be true or false", row->key);
    return false;
}

/* str is accepted for libraries that have no bin. */
static bool read_data(const struct ipc_param_row *row, const msgpack_object *value,
                      void *ret_member, char ret_wrong[PARAMS_WRONG_SIZE])
{
    struct ipc_data data;
    if (value->type == MSGPACK_OBJECT_BIN) {
        data = (struct ipc_data){value->via.bin.ptr, value->via.bin.size};
    } else if (value->type == MSGPACK_OBJECT_STR) {
        data = (struct ipc_data){value->via.str.ptr, value->via.str.size};
    } else {
        snprintf(ret_wrong, PARAMS_WRONG_SIZE, "parameter \"%s\" must be binary data", row->key);
        return false;
    }
    if (data.length == 0)
        data.bytes = "";
    *(struct ipc_data *)ret_member = data;
    return true;
}

static params_reader *const readers[] = {
    [IPC_TYPE_TEXT] = read_text,
    [IPC_TYPE_NUMBER] = read_number,
    [IPC_TYPE_FLAG] = read_flag,
    [IPC_TYPE_DATA] = read_data,
};

/* ---- all ---- */

bool params_read(enum ipc_method method, const msgpack_object *map, struct ipc_params *ret_params,
                 char ret_wrong[PARAMS_WRONG_SIZE])
{
    static const struct ipc_params absent = {
#define DEFAULT_text(fallback)   NULL
#define DEFAULT_number(fallback) fallback
#define DEFAULT_flag(fallback)   fallback
#define DEFAULT_data(fallback)                                                                     \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define PARAM(ID, key, type, min, max, fallback) .key = DEFAULT_##type(fallback),
#include "ipc/methods.def"
    };
    const struct ipc_method_row *called = methods_row(method);
    struct ipc_params params = absent;
    if (map == NULL) {
        snprintf(ret_wrong, PARAMS_WRONG_SIZE, "the params must be an array that holds one map");
        return false;
    }
    for (size_t i = 0; i < called->param_count; i++) {
        const struct ipc_method_param *wanted = &called->params[i];
        const struct ipc_param_row *row = methods_param(wanted->param);
        const msgpack_object *value = params_find(map, row->key);
        if (value != NULL && value->type != MSGPACK_OBJECT_NIL) {
            void *member = (char *)&params + offsets[wanted->param];
            if (!readers[row->type](row, value, member, ret_wrong))
                return false;
        } else if (wanted->required) {
            snprintf(ret_wrong, PARAMS_WRONG_SIZE, "parameter \"%s\" is missing", row->key);
            return false;
        }
    }
    *ret_params = params;
    return true;
}

const char *params_text(const struct ipc_params *params, enum ipc_param param)
{
    assert(methods_param(param)->type == IPC_TYPE_TEXT);
    return *(const char *const *)((const char *)params + offsets[param]);
}
