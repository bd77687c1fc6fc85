#include "config.h"

#include "state/record.h"

#include <stdlib.h>
#include <string.h>

#include "wormhole/payload.h"
#include "wormhole/wire.h"

/* Our version payload is app_versions, rewritten, in a wrapper of a few words. */
#define VERSION_MAX ((size_t)2 * PAYLOAD_VERSIONS_MAX)

/* ---- the rules of a schedule ---- */

static bool time_valid(int64_t time)
{
    return time >= 0 && time <= SCHEDULE_TIME_MAX;
}

/* Each `when` is later than the one before, and the first is 0, as schedule_rule_at requires. */
static bool rules_valid(const struct kv_field *field, const void *place)
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

static size_t rules_extra(const struct kv_field *field, const void *place)
{
    const struct schedule *schedule = place;
    (void)field;
    return (size_t)schedule->count * 2 * KV_FIELD_HEAD_MAX;
}

static void rules_pack(const struct kv_field *field, const void *place, msgpack_packer *packer)
{
    const struct schedule *schedule = place;
    (void)field;

    msgpack_pack_array(packer, (size_t)schedule->count * 2);
    for (unsigned i = 0; i < schedule->count; i++) {
        msgpack_pack_int64(packer, schedule->rules[i].when);
        msgpack_pack_int64(packer, schedule->rules[i].interval);
    }
}

static enum kv_status rules_unpack(const struct kv_field *field, const msgpack_object *object,
                                   void *place)
{
    struct schedule *schedule = place;
    const msgpack_object_array *array = &object->via.array;

    if (object->type != MSGPACK_OBJECT_ARRAY || array->size % 2 != 0 ||
        array->size > 2 * SCHEDULE_RULES_MAX)
        return KV_DAMAGED;
    schedule->count = array->size / 2;
    for (unsigned i = 0; i < schedule->count; i++) {
        struct schedule_rule *rule = &schedule->rules[i];
        if (!kv_field_signed(&array->ptr[2 * i], &rule->when) ||
            !kv_field_signed(&array->ptr[2 * i + 1], &rule->interval))
            return KV_DAMAGED;
    }
    return rules_valid(field, schedule) ? KV_OK : KV_DAMAGED;
}

static bool rules_same(const struct kv_field *field, const void *one, const void *other)
{
    const struct schedule *first = one, *second = other;
    (void)field;
    return first->count == second->count &&
           memcmp(first->rules, second->rules, first->count * sizeof(first->rules[0])) == 0;
}

const struct kv_field_type session_record_rules = {rules_valid,  NULL, rules_extra, rules_pack,
                                                   rules_unpack, 0,    rules_same};

/* ---- the journal ---- */

static bool journal_absent(const struct kv_field *field, const void *place)
{
    (void)field;
    return ((const struct journal *)place)->length == 0;
}

static size_t journal_extra(const struct kv_field *field, const void *place)
{
    (void)field;
    return ((const struct journal *)place)->length;
}

static void journal_pack(const struct kv_field *field, const void *place, msgpack_packer *packer)
{
    const struct journal *journal = place;
    (void)field;
    msgpack_pack_bin(packer, journal->length);
    msgpack_pack_bin_body(packer, journal->bytes, journal->length);
}

/* A session is worth more than its journal: whatever is wrong with that costs only the journal. */
static enum kv_status journal_unpack(const struct kv_field *field, const msgpack_object *object,
                                     void *place)
{
    struct journal *journal = place;
    (void)field;
    if (object->type != MSGPACK_OBJECT_BIN || object->via.bin.size == 0)
        return KV_OK;
    journal->bytes = malloc(object->via.bin.size);
    if (journal->bytes == NULL)
        return KV_MEMORY;
    memcpy(journal->bytes, object->via.bin.ptr, object->via.bin.size);
    journal->length = object->via.bin.size;
    return KV_OK;
}

static bool journal_same(const struct kv_field *field, const void *one, const void *other)
{
    const struct journal *first = one, *second = other;
    (void)field;
    return first->length == second->length &&
           (first->length == 0 || memcmp(first->bytes, second->bytes, first->length) == 0);
}

const struct kv_field_type session_record_journal = {
    NULL, journal_absent, journal_extra, journal_pack, journal_unpack, 0, journal_same};

/* ---- the table ---- */

#define TYPE_STRING   kv_type_string
#define TYPE_TEXT     kv_type_text
#define TYPE_BYTES    kv_type_bytes
#define TYPE_SIGNED   kv_type_signed
#define TYPE_UNSIGNED kv_type_unsigned
#define TYPE_COUNT    kv_type_count
#define TYPE_BOOL     kv_type_bool
#define TYPE_RULES    session_record_rules
#define TYPE_JOURNAL  session_record_journal

static const struct kv_field fields[] = {
#define SESSION_STORED(tag, type, required, least, limit, member, exported)                        \
    [tag] = KV_FIELD(struct session, member, TYPE_##type, KV_##required, least, limit),
#include "wormhole/session_attributes.def"
};

#define TAGS (sizeof(fields) / sizeof(fields[0]))

_Static_assert(TAGS <= KV_TAGS_MAX, "each tag has a bit");
_Static_assert(sizeof(enum session_state) == sizeof(uint32_t) &&
                   sizeof(enum session_result) == sizeof(uint32_t) &&
                   sizeof(enum nameplate_state) == sizeof(uint32_t) &&
                   sizeof(enum verification) == sizeof(uint32_t),
               "kv_type_count reads 32 bits");

const struct kv_record_kind session_record_kind = {
    .fields = fields,
    .tags = TAGS,
    .sparse_from = 64,
    /* Nothing that we write is nested more deeply than a schedule; unknown tags may be,
     * slightly. */
    .limits = {.bytes = SESSION_RECORD_MAX, .depth = 8, .elements = 16384},
    .unknown = offsetof(struct session, unknown),
    .unknown_length = offsetof(struct session, unknown_length),
};

enum kv_status session_record_encode(const struct session *session, struct kv_record *ret_record)
{
    return kv_record_encode(&session_record_kind, session, ret_record);
}

enum kv_status session_record_decode(const uint8_t id[SESSION_ID_BYTES], const uint8_t *data,
                                     size_t length, struct session **ret_session)
{
    struct session *session = session_blank();
    if (session == NULL)
        return KV_MEMORY;
    memcpy(session->id, id, SESSION_ID_BYTES);
    enum kv_status status = kv_record_decode(&session_record_kind, data, length, session);
    if (status == KV_OK)
        *ret_session = session;
    else
        session_free(session);
    return status;
}

/* ---- what has changed ---- */

static enum change_urgency urgency_of(size_t tag, const struct session *was,
                                      const struct session *is)
{
    switch (tag) {
#define SESSION_DEFERRED(tag, member, urgency, condition)                                          \
    case tag:                                                                                      \
        return (condition) ? CHANGE_##urgency : CHANGE_FIRST;
#include "wormhole/session_attributes.def"
    default:
        return CHANGE_FIRST;
    }
}

/* The result has been told, and why is durable: that it was told is found out again. */
static bool has_just_closed(const struct session *was, const struct session *is)
{
    return was->state == SESSION_CLOSING && is->state == SESSION_CLOSED;
}

enum change_urgency session_record_compare(const struct session *was, const struct session *is)
{
    enum change_urgency most = CHANGE_NONE;
    if (has_just_closed(was, is))
        return CHANGE_SOON;
    for (size_t tag = 0; tag < TAGS; tag++) {
        if (fields[tag].type == NULL || kv_field_same(&fields[tag], was, is))
            continue;
        enum change_urgency urgency = urgency_of(tag, was, is);
        if (urgency > most)
            most = urgency;
    }
    return most;
}
