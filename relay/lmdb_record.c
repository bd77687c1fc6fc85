#include "config.h"

#include "relay/lmdb_record.h"

#include <string.h>

#include "base/msgpack_scan.h"

/* ---- the tables ---- */

struct field;

struct field_type {
    bool (*absent)(const struct field *field, const void *value);
    int (*pack)(const void *value, msgpack_packer *packer);
    bool (*unpack)(const struct field *field, const msgpack_object *object, void *ret_value);
};

struct field {
    uint8_t tag; /* never given to another field */
    bool required;
    const struct field_type *type;
    size_t offset;
    size_t size; /* of the member */
};

static bool never_absent(const struct field *field, const void *value)
{
    (void)field;
    (void)value;
    return false;
}

/* char[] with a NUL. */

static bool text_absent(const struct field *field, const void *value)
{
    return !field->required && *(const char *)value == 0;
}

static int pack_text(const void *value, msgpack_packer *packer)
{
    size_t length = strlen(value);
    return msgpack_pack_str(packer, length) || msgpack_pack_str_body(packer, value, length);
}

static bool copy_text(const msgpack_object *object, char *text, size_t size)
{
    const msgpack_object_str *str = &object->via.str;
    if (object->type != MSGPACK_OBJECT_STR || str->size >= size)
        return false;
    memcpy(text, str->ptr, str->size);
    text[str->size] = 0;
    return strlen(text) == str->size;
}

static bool unpack_text(const struct field *field, const msgpack_object *object, void *ret_value)
{
    return copy_text(object, ret_value, field->size);
}

static const struct field_type text_type = {text_absent, pack_text, unpack_text};

/* struct lmdb_text. */

static bool long_text_absent(const struct field *field, const void *value)
{
    (void)field;
    return ((const struct lmdb_text *)value)->data == NULL;
}

static int pack_long_text(const void *value, msgpack_packer *packer)
{
    const struct lmdb_text *text = value;
    return msgpack_pack_str(packer, text->length) ||
           msgpack_pack_str_body(packer, text->data, text->length);
}

static bool unpack_long_text(const struct field *field, const msgpack_object *object,
                             void *ret_value)
{
    (void)field;
    if (object->type != MSGPACK_OBJECT_STR)
        return false;
    *(struct lmdb_text *)ret_value = (struct lmdb_text){object->via.str.ptr, object->via.str.size};
    return true;
}

static const struct field_type long_text_type = {long_text_absent, pack_long_text,
                                                 unpack_long_text};

/* uint64_t and int64_t. */

static int pack_unsigned(const void *value, msgpack_packer *packer)
{
    return msgpack_pack_uint64(packer, *(const uint64_t *)value);
}

static bool unpack_unsigned(const struct field *field, const msgpack_object *object,
                            void *ret_value)
{
    (void)field;
    *(uint64_t *)ret_value = object->via.u64;
    return object->type == MSGPACK_OBJECT_POSITIVE_INTEGER;
}

static const struct field_type unsigned_type = {never_absent, pack_unsigned, unpack_unsigned};

static int pack_signed(const void *value, msgpack_packer *packer)
{
    return msgpack_pack_int64(packer, *(const int64_t *)value);
}

static bool unpack_signed(const struct field *field, const msgpack_object *object, void *ret_value)
{
    (void)field;
    *(int64_t *)ret_value = object->via.i64;
    return object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ||
           (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 <= INT64_MAX);
}

static const struct field_type signed_type = {never_absent, pack_signed, unpack_signed};

/* struct lmdb_sides: an array of [name, active, mood]. */

#define SIDE_PARTS 3

static int pack_sides(const void *value, msgpack_packer *packer)
{
    const struct lmdb_sides *sides = value;
    int failed = msgpack_pack_array(packer, sides->count);

    for (uint32_t i = 0; i < sides->count && !failed; i++) {
        const struct lmdb_side *side = &sides->all[i];
        failed = msgpack_pack_array(packer, SIDE_PARTS) || pack_text(side->name, packer) ||
                 (side->active ? msgpack_pack_true(packer) : msgpack_pack_false(packer)) ||
                 pack_text(side->mood, packer);
    }
    return failed;
}

static bool unpack_side(const msgpack_object *object, struct lmdb_side *ret_side)
{
    const msgpack_object_array *parts = &object->via.array;
    if (object->type != MSGPACK_OBJECT_ARRAY || parts->size < SIDE_PARTS ||
        parts->ptr[1].type != MSGPACK_OBJECT_BOOLEAN)
        return false;
    ret_side->active = parts->ptr[1].via.boolean;
    return copy_text(&parts->ptr[0], ret_side->name, sizeof(ret_side->name)) &&
           copy_text(&parts->ptr[2], ret_side->mood, sizeof(ret_side->mood));
}

static bool unpack_sides(const struct field *field, const msgpack_object *object, void *ret_value)
{
    struct lmdb_sides *sides = ret_value;
    (void)field;
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size > LMDB_SIDES_MAX)
        return false;
    sides->count = object->via.array.size;
    for (uint32_t i = 0; i < sides->count; i++)
        if (!unpack_side(&object->via.array.ptr[i], &sides->all[i]))
            return false;
    return true;
}

static const struct field_type sides_type = {never_absent, pack_sides, unpack_sides};

#define FIELD(tag, required, type, record, member)                                                 \
    {                                                                                              \
        tag, required, &type##_type, offsetof(struct record, member),                              \
            sizeof(((struct record *)NULL)->member)                                                \
    }

static const struct field nameplate_fields[] = {
    FIELD(1, true, text, lmdb_nameplate, mailbox),
    FIELD(2, true, sides, lmdb_nameplate, sides),
};

static const struct field mailbox_fields[] = {
    FIELD(1, true, unsigned, lmdb_mailbox, serial), FIELD(2, true, unsigned, lmdb_mailbox, next),
    FIELD(3, true, unsigned, lmdb_mailbox, count),  FIELD(4, true, unsigned, lmdb_mailbox, bytes),
    FIELD(5, true, signed, lmdb_mailbox, updated),  FIELD(6, true, sides, lmdb_mailbox, sides),
    FIELD(7, false, text, lmdb_mailbox, nameplate),
};

static const struct field message_fields[] = {
    FIELD(1, true, long_text, lmdb_message, side),   FIELD(2, true, long_text, lmdb_message, phase),
    FIELD(3, true, long_text, lmdb_message, body),   FIELD(4, false, long_text, lmdb_message, id),
    FIELD(5, true, signed, lmdb_message, server_rx),
};

#define TABLE(record, fields)                                                                      \
    {                                                                                              \
        sizeof(struct record), fields, sizeof(fields) / sizeof((fields)[0])                        \
    }

static const struct record {
    size_t size;
    const struct field *fields;
    size_t count;
} records[LMDB_RECORDS] = {
    [LMDB_NAMEPLATE] = TABLE(lmdb_nameplate, nameplate_fields),
    [LMDB_MAILBOX] = TABLE(lmdb_mailbox, mailbox_fields),
    [LMDB_MESSAGE] = TABLE(lmdb_message, message_fields),
};

/* ---- encoding ---- */

static bool absent(const struct field *field, const void *record)
{
    return field->type->absent(field, (const char *)record + field->offset);
}

bool lmdb_record_encode(enum lmdb_record kind, const void *record, msgpack_sbuffer *buffer)
{
    const struct record *table = &records[kind];
    msgpack_packer packer;
    size_t pairs = 0;

    for (size_t i = 0; i < table->count; i++)
        pairs += !absent(&table->fields[i], record);
    msgpack_packer_init(&packer, buffer, msgpack_sbuffer_write);
    bool failed = msgpack_pack_map(&packer, pairs);
    for (size_t i = 0; i < table->count && !failed; i++) {
        const struct field *field = &table->fields[i];
        if (!absent(field, record))
            failed = msgpack_pack_uint8(&packer, field->tag) ||
                     field->type->pack((const char *)record + field->offset, &packer);
    }
    return !failed;
}

/* ---- decoding ---- */

/* Small maps of short arrays; texts may be as long as a row. */
#define RECORD_DEPTH    4
#define RECORD_ELEMENTS 64

static const struct field *find_field(const struct record *table, const msgpack_object *tag)
{
    for (size_t i = 0; i < table->count; i++)
        if (tag->type == MSGPACK_OBJECT_POSITIVE_INTEGER && tag->via.u64 == table->fields[i].tag)
            return &table->fields[i];
    return NULL;
}

static bool read_map(const struct record *table, const msgpack_object_map *map, void *record)
{
    uint32_t seen = 0;

    memset(record, 0, table->size);
    for (uint32_t i = 0; i < map->size; i++) {
        const struct field *field = find_field(table, &map->ptr[i].key);
        if (field == NULL)
            continue;
        if (!field->type->unpack(field, &map->ptr[i].val, (char *)record + field->offset))
            return false;
        seen |= (uint32_t)1 << (field - table->fields);
    }
    for (size_t i = 0; i < table->count; i++)
        if (table->fields[i].required && !(seen >> i & 1))
            return false;
    return true;
}

bool lmdb_record_decode(enum lmdb_record kind, const void *data, size_t length, void *ret_record)
{
    const struct scan_limits limits = {length, RECORD_DEPTH, RECORD_ELEMENTS};
    struct scan scan = {0};
    size_t size, offset = 0;
    if (scan_object(&scan, &limits, data, length, &size) != SCAN_WHOLE || size != length)
        return false;

    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    /* Texts stay where they are, in `data`. */
    bool good = msgpack_unpack_next(&unpacked, data, length, &offset) == MSGPACK_UNPACK_SUCCESS &&
                unpacked.data.type == MSGPACK_OBJECT_MAP &&
                read_map(&records[kind], &unpacked.data.via.map, ret_record);
    msgpack_unpacked_destroy(&unpacked);
    return good;
}

/* ---- sides ---- */

struct lmdb_side *lmdb_sides_find(struct lmdb_sides *sides, const char *name)
{
    for (uint32_t i = 0; i < sides->count; i++)
        if (strcmp(sides->all[i].name, name) == 0)
            return &sides->all[i];
    return NULL;
}

bool lmdb_sides_add(struct lmdb_sides *sides, const char *name)
{
    if (sides->count == LMDB_SIDES_MAX)
        return false;
    struct lmdb_side *side = &sides->all[sides->count++];
    *side = (struct lmdb_side){.active = true};
    memcpy(side->name, name, strnlen(name, RELAY_SIDE_MAX));
    return true;
}

bool lmdb_sides_active(const struct lmdb_sides *sides)
{
    for (uint32_t i = 0; i < sides->count; i++)
        if (sides->all[i].active)
            return true;
    return false;
}
