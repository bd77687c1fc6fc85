#include "config.h"

#include "state/field.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "wormhole/schedule.h"

/* A head of MessagePack is at most a byte and a 64-bit number. */
#define HEAD_MAX 9

/* What is to be known of a kind. `place` is where the value is in memory. */
struct field_type {
    bool (*valid)(const struct field *field, const void *place);
    bool (*absent)(const struct field *field, const void *place);  /* NULL: never */
    size_t (*extra)(const struct field *field, const void *place); /* bytes behind the head */
    void (*pack)(const struct field *field, const void *place, msgpack_packer *packer);
    enum field_fault (*unpack)(const struct field *field, const msgpack_object *object,
                               void *place);
};

/* ---- strings ---- */

static const char *string_of(const void *place)
{
    return *(char *const *)place;
}

static bool length_valid(const struct field *field, size_t length)
{
    return length >= field->least && length <= field->limit;
}

static bool string_absent(const struct field *field, const void *place)
{
    (void)field;
    return string_of(place) == NULL;
}

static bool string_valid(const struct field *field, const void *place)
{
    const char *string = string_of(place);
    return string == NULL ? !field->required : length_valid(field, strlen(string));
}

static size_t string_extra(const struct field *field, const void *place)
{
    (void)field;
    return strlen(string_of(place));
}

static void pack_text(const char *text, msgpack_packer *packer)
{
    size_t length = strlen(text);
    msgpack_pack_str(packer, length);
    msgpack_pack_str_body(packer, text, length);
}

static void string_pack(const struct field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    pack_text(string_of(place), packer);
}

/* A str of allowed length without a NUL in it. */
static bool str_valid(const struct field *field, const msgpack_object *object)
{
    return object->type == MSGPACK_OBJECT_STR && length_valid(field, object->via.str.size) &&
           (object->via.str.size == 0 ||
            memchr(object->via.str.ptr, 0, object->via.str.size) == NULL);
}

static enum field_fault string_unpack(const struct field *field, const msgpack_object *object,
                                      void *place)
{
    if (!str_valid(field, object))
        return FIELD_WRONG;
    char *string = calloc((size_t)object->via.str.size + 1, 1);
    if (string == NULL)
        return FIELD_NO_MEMORY;
    if (object->via.str.size > 0)
        memcpy(string, object->via.str.ptr, object->via.str.size);
    *(char **)place = string;
    return FIELD_OK;
}

static bool text_absent(const struct field *field, const void *place)
{
    (void)field;
    return *(const char *)place == '\0';
}

static bool text_valid(const struct field *field, const void *place)
{
    return text_absent(field, place) ? !field->required
                                     : length_valid(field, strnlen(place, field->limit + 1));
}

static size_t text_extra(const struct field *field, const void *place)
{
    return strnlen(place, field->limit);
}

static void text_pack(const struct field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    pack_text(place, packer);
}

static enum field_fault text_unpack(const struct field *field, const msgpack_object *object,
                                    void *place)
{
    if (!str_valid(field, object))
        return FIELD_WRONG;
    memset(place, 0, field->limit + 1);
    memcpy(place, object->via.str.ptr, object->via.str.size);
    return FIELD_OK;
}

/* ---- bytes ---- */

static bool bytes_absent(const struct field *field, const void *place)
{
    return sodium_is_zero(place, field->limit);
}

static bool bytes_valid(const struct field *field, const void *place)
{
    return !field->required || !bytes_absent(field, place);
}

static size_t bytes_extra(const struct field *field, const void *place)
{
    (void)place;
    return field->limit;
}

static void bytes_pack(const struct field *field, const void *place, msgpack_packer *packer)
{
    msgpack_pack_bin(packer, field->limit);
    msgpack_pack_bin_body(packer, place, field->limit);
}

static enum field_fault bytes_unpack(const struct field *field, const msgpack_object *object,
                                     void *place)
{
    if (object->type != MSGPACK_OBJECT_BIN || object->via.bin.size != field->limit)
        return FIELD_WRONG;
    memcpy(place, object->via.bin.ptr, field->limit);
    return FIELD_OK;
}

/* ---- numbers ---- */

static bool any_valid(const struct field *field, const void *place)
{
    (void)field;
    (void)place;
    return true;
}

static size_t no_extra(const struct field *field, const void *place)
{
    (void)field;
    (void)place;
    return 0;
}

static bool object_signed(const msgpack_object *object, int64_t *ret_value)
{
    if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *ret_value = object->via.i64;
    else if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 <= INT64_MAX)
        *ret_value = (int64_t)object->via.u64;
    else
        return false;
    return true;
}

static void signed_pack(const struct field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    msgpack_pack_int64(packer, *(const int64_t *)place);
}

static enum field_fault signed_unpack(const struct field *field, const msgpack_object *object,
                                      void *place)
{
    (void)field;
    return object_signed(object, place) ? FIELD_OK : FIELD_WRONG;
}

static void unsigned_pack(const struct field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    msgpack_pack_uint64(packer, *(const uint64_t *)place);
}

static enum field_fault unsigned_unpack(const struct field *field, const msgpack_object *object,
                                        void *place)
{
    (void)field;
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return FIELD_WRONG;
    *(uint64_t *)place = object->via.u64;
    return FIELD_OK;
}

static bool count_valid(const struct field *field, const void *place)
{
    return *(const uint32_t *)place <= field->limit;
}

static void count_pack(const struct field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    msgpack_pack_uint32(packer, *(const uint32_t *)place);
}

static enum field_fault count_unpack(const struct field *field, const msgpack_object *object,
                                     void *place)
{
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER || object->via.u64 > field->limit)
        return FIELD_WRONG;
    *(uint32_t *)place = (uint32_t)object->via.u64;
    return FIELD_OK;
}

static void bool_pack(const struct field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    if (*(const bool *)place)
        msgpack_pack_true(packer);
    else
        msgpack_pack_false(packer);
}

static enum field_fault bool_unpack(const struct field *field, const msgpack_object *object,
                                    void *place)
{
    (void)field;
    if (object->type != MSGPACK_OBJECT_BOOLEAN)
        return FIELD_WRONG;
    *(bool *)place = object->via.boolean;
    return FIELD_OK;
}

/* ---- the rules of a schedule ---- */

static bool time_valid(int64_t time)
{
    return time >= 0 && time <= SCHEDULE_TIME_MAX;
}

/* Each `when` is later than the one before, and the first is 0, as schedule_rule_at needs it. */
static bool rules_valid(const struct field *field, const void *place)
{
    const struct schedule *schedule = place;
    (void)field;

    if (schedule->count < 1 || schedule->count > SCHEDULE_RULES_MAX || schedule->rules[0].when != 0)
        return false;
    for (unsigned i = 0; i < schedule->count; i++) {
        const struct schedule_rule *rule = &schedule->rules[i];
        if (!time_valid(rule->when) || !time_valid(rule->interval) ||
            (i > 0 && rule->when <= rule[-1].when))
            return false;
    }
    return true;
}

static size_t rules_extra(const struct field *field, const void *place)
{
    const struct schedule *schedule = place;
    (void)field;
    return (size_t)schedule->count * 2 * HEAD_MAX;
}

static void rules_pack(const struct field *field, const void *place, msgpack_packer *packer)
{
    const struct schedule *schedule = place;
    (void)field;

    msgpack_pack_array(packer, (size_t)schedule->count * 2);
    for (unsigned i = 0; i < schedule->count; i++) {
        msgpack_pack_int64(packer, schedule->rules[i].when);
        msgpack_pack_int64(packer, schedule->rules[i].interval);
    }
}

static enum field_fault rules_unpack(const struct field *field, const msgpack_object *object,
                                     void *place)
{
    struct schedule *schedule = place;
    const msgpack_object_array *array = &object->via.array;

    if (object->type != MSGPACK_OBJECT_ARRAY || array->size % 2 != 0 ||
        array->size > 2 * SCHEDULE_RULES_MAX)
        return FIELD_WRONG;
    schedule->count = array->size / 2;
    for (unsigned i = 0; i < schedule->count; i++) {
        struct schedule_rule *rule = &schedule->rules[i];
        if (!object_signed(&array->ptr[2 * i], &rule->when) ||
            !object_signed(&array->ptr[2 * i + 1], &rule->interval))
            return FIELD_WRONG;
    }
    return rules_valid(field, schedule) ? FIELD_OK : FIELD_WRONG;
}

/* ---- the kinds ---- */

_Static_assert(sizeof(enum field_kind) == sizeof(uint32_t), "an enum is stored as a count");

static const struct field_type field_types[FIELD_KINDS] = {
    [FIELD_STRING] = {string_valid, string_absent, string_extra, string_pack, string_unpack},
    [FIELD_TEXT] = {text_valid, text_absent, text_extra, text_pack, text_unpack},
    [FIELD_BYTES] = {bytes_valid, bytes_absent, bytes_extra, bytes_pack, bytes_unpack},
    [FIELD_SIGNED] = {any_valid, NULL, no_extra, signed_pack, signed_unpack},
    [FIELD_UNSIGNED] = {any_valid, NULL, no_extra, unsigned_pack, unsigned_unpack},
    [FIELD_COUNT] = {count_valid, NULL, no_extra, count_pack, count_unpack},
    [FIELD_ENUM] = {count_valid, NULL, no_extra, count_pack, count_unpack},
    [FIELD_BOOL] = {any_valid, NULL, no_extra, bool_pack, bool_unpack},
    [FIELD_RULES] = {rules_valid, NULL, rules_extra, rules_pack, rules_unpack},
};

static const void *place_of(const struct field *field, const void *base)
{
    return (const char *)base + field->offset;
}

bool field_valid(const struct field *field, const void *base)
{
    return field_types[field->kind].valid(field, place_of(field, base));
}

bool field_absent(const struct field *field, const void *base)
{
    const struct field_type *type = &field_types[field->kind];
    return type->absent != NULL && type->absent(field, place_of(field, base));
}

size_t field_bound(const struct field *field, const void *base)
{
    return HEAD_MAX + field_types[field->kind].extra(field, place_of(field, base));
}

void field_pack(const struct field *field, const void *base, msgpack_packer *packer)
{
    field_types[field->kind].pack(field, place_of(field, base), packer);
}

enum field_fault field_unpack(const struct field *field, const msgpack_object *object, void *base)
{
    return field_types[field->kind].unpack(field, object, (char *)base + field->offset);
}
