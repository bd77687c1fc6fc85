#include "config.h"

#include "relay/lmdb_record.h"

#include <stdlib.h>
#include <string.h>

#include "kv/record.h"

/* ---- struct lmdb_sides: an array of [name, active, mood] ---- */

#define SIDE_PARTS 3
/* Most bytes of one: heads, a bool, two texts. */
#define SIDE_BOUND (3 * KV_FIELD_HEAD_MAX + 1 + RELAY_SIDE_MAX + RELAY_MOOD_MAX)

static bool sides_valid(const struct kv_field *field, const void *place)
{
    (void)field;
    return ((const struct lmdb_sides *)place)->count <= LMDB_SIDES_MAX;
}

static size_t sides_extra(const struct kv_field *field, const void *place)
{
    (void)field;
    return ((const struct lmdb_sides *)place)->count * (size_t)SIDE_BOUND;
}

static void sides_pack(const struct kv_field *field, const void *place, msgpack_packer *packer)
{
    const struct lmdb_sides *sides = place;
    (void)field;

    msgpack_pack_array(packer, sides->count);
    for (uint32_t i = 0; i < sides->count; i++) {
        const struct lmdb_side *side = &sides->all[i];
        msgpack_pack_array(packer, SIDE_PARTS);
        kv_field_pack_text(side->name, packer);
        if (side->active)
            msgpack_pack_true(packer);
        else
            msgpack_pack_false(packer);
        kv_field_pack_text(side->mood, packer);
    }
}

static bool unpack_side(const msgpack_object *object, struct lmdb_side *ret_side)
{
    const msgpack_object_array *parts = &object->via.array;
    if (object->type != MSGPACK_OBJECT_ARRAY || parts->size < SIDE_PARTS ||
        parts->ptr[1].type != MSGPACK_OBJECT_BOOLEAN)
        return false;
    ret_side->active = parts->ptr[1].via.boolean;
    return kv_field_text(&parts->ptr[0], 0, RELAY_SIDE_MAX, ret_side->name) &&
           kv_field_text(&parts->ptr[2], 0, RELAY_MOOD_MAX, ret_side->mood);
}

static enum kv_status sides_unpack(const struct kv_field *field, const msgpack_object *object,
                                   void *place)
{
    struct lmdb_sides *sides = place;
    (void)field;
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size > LMDB_SIDES_MAX)
        return KV_DAMAGED;
    sides->count = object->via.array.size;
    for (uint32_t i = 0; i < sides->count; i++)
        if (!unpack_side(&object->via.array.ptr[i], &sides->all[i]))
            return KV_DAMAGED;
    return KV_OK;
}

static const struct kv_field_type sides_type = {sides_valid,  NULL, sides_extra, sides_pack,
                                                sides_unpack, 0,    NULL};

/* ---- the tables; a new field takes the next free tag, and a tag is never used again ---- */

#define FIELD(record, member, type, required, limit)                                               \
    KV_FIELD(struct record, member, type, KV_##required, 0, limit)

static const struct kv_field nameplate_fields[] = {
    [1] = FIELD(lmdb_nameplate, mailbox, kv_type_text, REQUIRED, RELAY_MAILBOX_MAX),
    [2] = FIELD(lmdb_nameplate, sides, sides_type, REQUIRED, 0),
};

static const struct kv_field mailbox_fields[] = {
    [1] = FIELD(lmdb_mailbox, serial, kv_type_unsigned, REQUIRED, 0),
    [2] = FIELD(lmdb_mailbox, next, kv_type_unsigned, REQUIRED, 0),
    [3] = FIELD(lmdb_mailbox, count, kv_type_unsigned, REQUIRED, 0),
    [4] = FIELD(lmdb_mailbox, bytes, kv_type_unsigned, REQUIRED, 0),
    [5] = FIELD(lmdb_mailbox, updated, kv_type_signed, REQUIRED, 0),
    [6] = FIELD(lmdb_mailbox, sides, sides_type, REQUIRED, 0),
    [7] = FIELD(lmdb_mailbox, nameplate, kv_type_text, OPTIONAL, RELAY_NAMEPLATE_MAX),
    [8] = FIELD(lmdb_mailbox, owner, kv_type_unsigned, OPTIONAL, 0),
    [9] = FIELD(lmdb_mailbox, began, kv_type_signed, OPTIONAL, 0),
    [10] = FIELD(lmdb_mailbox, joined, kv_type_signed, OPTIONAL, 0),
    [11] = FIELD(lmdb_mailbox, crowded, kv_type_bool, OPTIONAL, 0),
};

static const struct kv_field message_fields[] = {
    [1] = FIELD(lmdb_message, side, kv_type_borrowed, REQUIRED, 0),
    [2] = FIELD(lmdb_message, phase, kv_type_borrowed, REQUIRED, 0),
    [3] = FIELD(lmdb_message, body, kv_type_borrowed, REQUIRED, 0),
    [4] = FIELD(lmdb_message, id, kv_type_borrowed, OPTIONAL, 0),
    [5] = FIELD(lmdb_message, server_rx, kv_type_signed, REQUIRED, 0),
    [6] = FIELD(lmdb_message, mark, kv_type_unsigned, OPTIONAL, 0),
};

/* Small maps of short arrays; texts may be as long as a row. */
#define KIND(record, table)                                                                        \
    {                                                                                              \
        .fields = (table), .tags = sizeof(table) / sizeof((table)[0]),                             \
        .limits = {.bytes = SIZE_MAX, .depth = 4, .elements = 64},                                 \
        .unknown = offsetof(struct record, unknown),                                               \
        .unknown_length = offsetof(struct record, unknown_length)                                  \
    }

static const struct kv_record_kind kinds[LMDB_RECORDS] = {
    [LMDB_NAMEPLATE] = KIND(lmdb_nameplate, nameplate_fields),
    [LMDB_MAILBOX] = KIND(lmdb_mailbox, mailbox_fields),
    [LMDB_MESSAGE] = KIND(lmdb_message, message_fields),
};

static const size_t sizes[LMDB_RECORDS] = {
    [LMDB_NAMEPLATE] = sizeof(struct lmdb_nameplate),
    [LMDB_MAILBOX] = sizeof(struct lmdb_mailbox),
    [LMDB_MESSAGE] = sizeof(struct lmdb_message),
};

enum kv_status lmdb_record_encode(enum lmdb_record kind, const void *record,
                                  struct kv_record *ret_bytes)
{
    return kv_record_encode(&kinds[kind], record, ret_bytes);
}

enum kv_status lmdb_record_decode(enum lmdb_record kind, const void *data, size_t length,
                                  void *ret_record)
{
    memset(ret_record, 0, sizes[kind]);
    enum kv_status status = kv_record_decode(&kinds[kind], data, length, ret_record);
    if (status != KV_OK)
        free(lmdb_record_unknown(kind, ret_record));
    return status;
}

void *lmdb_record_unknown(enum lmdb_record kind, const void *record)
{
    return *(void *const *)((const char *)record + kinds[kind].unknown);
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
