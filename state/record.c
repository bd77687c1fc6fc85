#include "config.h"

#include "state/record.h"

#include <msgpack.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/msgpack_scan.h"
#include "wormhole/payload.h"
#include "wormhole/wire.h"

/* Our version payload is app_versions, written anew, in a wrapper of a few words. */
#define VERSION_MAX ((size_t)2 * PAYLOAD_VERSIONS_MAX)

#define OPTIONAL false
#define REQUIRED true

#define FIELD(tag, kind, required, least, limit, member)                                           \
    {                                                                                              \
        tag, FIELD_##kind, required, least, limit, offsetof(struct session, member), #member       \
    }
#define NUMBER(tag, kind, member) FIELD(tag, kind, OPTIONAL, 0, UINT32_MAX, member)

/* Sorted by tag. A new field takes the next free tag; a tag is never used again. */
const struct field record_fields[] = {
    NUMBER(1, UNSIGNED, change),
    FIELD(2, SIGNED, REQUIRED, 0, 0, wake),
    FIELD(3, STRING, OPTIONAL, 1, NAME_MAX_BYTES, name),
    FIELD(4, STRING, REQUIRED, 0, APPID_MAX, appid),
    FIELD(5, STRING, REQUIRED, 1, RELAY_MAX, relay),
    FIELD(6, TEXT, REQUIRED, SIDE_TEXT - 1, SIDE_TEXT - 1, side),
    FIELD(7, SIGNED, REQUIRED, 0, 0, created),
    NUMBER(8, SIGNED, timeout),
    NUMBER(9, SIGNED, last_activity),
    NUMBER(10, SIGNED, schedule_start),
    FIELD(11, RULES, REQUIRED, 0, 0, schedule),
    NUMBER(12, BOOL, schedule.preset),
    FIELD(13, COUNT, OPTIONAL, 0, CODE_WORDS_MAX, words),

    FIELD(14, ENUM, REQUIRED, 0, SESSION_STATES - 1, state),
    FIELD(15, ENUM, OPTIONAL, 0, SESSION_RESULTS - 1, result),
    FIELD(16, STRING, OPTIONAL, 0, REASON_MAX, reason),
    NUMBER(17, SIGNED, ended),
    NUMBER(18, BOOL, flush),

    FIELD(19, TEXT, OPTIONAL, 1, CODE_MAX, code),
    FIELD(20, ENUM, OPTIONAL, 0, NAMEPLATE_STATES - 1, nameplate),
    FIELD(21, STRING, OPTIONAL, 1, WIRE_NAME_MAX, mailbox),
    NUMBER(22, BOOL, mailbox_lost),
    NUMBER(23, BOOL, reclaim_nameplate),
    NUMBER(24, COUNT, heals),
    NUMBER(25, COUNT, crowded),

    FIELD(26, BYTES, OPTIONAL, 0, PAKE_SCALAR_BYTES, scalar),
    FIELD(27, BYTES, OPTIONAL, 0, PAKE_MESSAGE_BYTES, pake),
    FIELD(28, BYTES, OPTIONAL, 0, KEY_BYTES, key),
    FIELD(29, BYTES, OPTIONAL, 0, KEY_BYTES, verifier),
    FIELD(30, BYTES, OPTIONAL, 0, KEYS_NONCE_BYTES, version_nonce),
    FIELD(31, STRING, OPTIONAL, 0, VERSION_MAX, version),
    FIELD(32, STRING, OPTIONAL, 0, WIRE_NAME_MAX, peer_side),
    FIELD(33, STRING, OPTIONAL, 0, PAYLOAD_VERSIONS_MAX, peer_versions),
    NUMBER(34, BOOL, pake_stored),
    NUMBER(35, BOOL, version_stored),

    NUMBER(36, COUNT, sent),
    NUMBER(37, COUNT, stored),
    NUMBER(38, UNSIGNED, sent_bytes),
    NUMBER(39, COUNT, received),
    NUMBER(40, UNSIGNED, ahead),
    NUMBER(41, COUNT, acked),
    NUMBER(42, COUNT, unread),
    NUMBER(43, UNSIGNED, unread_bytes),
    NUMBER(44, BOOL, inbox_full),

    NUMBER(45, SIGNED, last_visit),
    NUMBER(46, COUNT, failures),
    FIELD(47, STRING, OPTIONAL, 0, REASON_MAX, last_error),

    FIELD(48, ENUM, OPTIONAL, 0, VERIFICATIONS - 1, verification),
    NUMBER(49, COUNT, exports),
    NUMBER(50, COUNT, inbox_messages),
    NUMBER(51, UNSIGNED, inbox_bytes),

    NUMBER(52, BOOL, peer_receipts),
    NUMBER(53, COUNT, delivered),
    NUMBER(54, COUNT, read),
    NUMBER(55, COUNT, receipts),
    NUMBER(56, COUNT, receipt_delivered),
    NUMBER(57, COUNT, receipt_read),
    FIELD(58, BYTES, OPTIONAL, 0, KEYS_NONCE_BYTES, receipt_nonce),
    NUMBER(59, BOOL, receipt_stored),

    FIELD(60, STRING, OPTIONAL, 1, WIRE_NAME_MAX, fallback_mailboxes[0]),
    FIELD(61, STRING, OPTIONAL, 1, WIRE_NAME_MAX, fallback_mailboxes[1]),
    FIELD(62, STRING, OPTIONAL, 1, WIRE_NAME_MAX, fallback_mailboxes[2]),
    FIELD(63, COUNT, OPTIONAL, 0, SESSION_FALLBACK_MAILBOXES - 1, fallback_index),
};

#define FIELD_COUNT_ALL (sizeof(record_fields) / sizeof(record_fields[0]))
const size_t record_field_count = FIELD_COUNT_ALL;

_Static_assert(FIELD_COUNT_ALL <= 64, "the fields that were seen are a 64-bit set");
_Static_assert(sizeof(enum session_state) == sizeof(uint32_t) &&
                   sizeof(enum session_result) == sizeof(uint32_t) &&
                   sizeof(enum nameplate_state) == sizeof(uint32_t) &&
                   sizeof(enum verification) == sizeof(uint32_t),
               "FIELD_ENUM reads 32 bits");

/* Nothing that we write is nested deeper than a schedule; unknown tags may be, a little. */
static const struct scan_limits record_limits = {
    .bytes = RECORD_MAX,
    .depth = 8,
    .elements = 16384,
};

/* ---- encoding ---- */

/* The pairs of `session->unknown`; false if they are none. */
static bool count_unknown(const struct session *session, size_t *ret_pairs)
{
    const uint8_t *data = session->unknown;
    size_t objects = 0;

    for (size_t offset = 0; offset < session->unknown_length; objects++) {
        struct scan scan = {0};
        size_t size;
        if (scan_object(&scan, &record_limits, data + offset, session->unknown_length - offset,
                        &size) != SCAN_WHOLE)
            return false;
        offset += size;
    }
    *ret_pairs = objects / 2;
    return objects % 2 == 0;
}

/* A tag and the map's own head take 5 bytes at most. */
#define TAG_BOUND 5

/* Counts the pairs and bounds the bytes of the record. False if a field is not valid. */
static bool measure(const struct session *session, size_t *ret_pairs, size_t *ret_bound)
{
    size_t pairs;
    size_t bound = TAG_BOUND + session->unknown_length;

    if (!count_unknown(session, &pairs))
        return false;
    for (size_t i = 0; i < record_field_count; i++) {
        const struct field *field = &record_fields[i];
        if (!field_valid(field, session))
            return false;
        if (field_absent(field, session))
            continue;
        pairs++;
        bound += TAG_BOUND + field_bound(field, session);
    }
    *ret_pairs = pairs;
    *ret_bound = bound;
    return true;
}

/* msgpack's way out. The room was measured; growing would leave secrets behind in freed memory. */
static int append(void *arg, const char *data, size_t length)
{
    struct record *record = arg;
    if (length > 0)
        memcpy(record->data + record->length, data, length);
    record->length += length;
    return 0;
}

enum kv_status record_encode(const struct session *session, struct record *ret_record)
{
    size_t pairs, bound;
    if (!measure(session, &pairs, &bound))
        return KV_FAILED;
    struct record record = {.data = malloc(bound)};
    if (record.data == NULL)
        return KV_MEMORY;

    msgpack_packer packer;
    msgpack_packer_init(&packer, &record, append);
    msgpack_pack_map(&packer, pairs);
    for (size_t i = 0; i < record_field_count; i++) {
        const struct field *field = &record_fields[i];
        if (field_absent(field, session))
            continue;
        msgpack_pack_uint32(&packer, field->tag);
        field_pack(field, session, &packer);
    }
    append(&record, session->unknown, session->unknown_length);

    if (record.length > RECORD_MAX) {
        record_clear(&record);
        return KV_FAILED;
    }
    *ret_record = record;
    return KV_OK;
}

void record_clear(struct record *record)
{
    if (record->data != NULL)
        sodium_memzero(record->data, record->length);
    free(record->data);
    *record = (struct record){0};
}

/* ---- decoding ---- */

/* A walk over the pairs of a record. */
struct reader {
    const uint8_t *data;
    size_t length;
    size_t offset;
    uint64_t seen; /* bit i: record_fields[i] came */
    struct session *session;
};

/* How many pairs the map at the start has; moves behind its head. The record is known to be well
 * formed. */
static bool read_head(struct reader *reader, uint32_t *ret_pairs)
{
    const uint8_t *data = reader->data;

    if (data[0] >= 0x80 && data[0] < 0x90) {
        *ret_pairs = data[0] & 0x0f;
        reader->offset = 1;
    } else if (data[0] == 0xde) {
        *ret_pairs = (uint32_t)data[1] << 8 | data[2];
        reader->offset = 3;
    } else if (data[0] == 0xdf) {
        *ret_pairs =
            (uint32_t)data[1] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 8 | data[4];
        reader->offset = 5;
    } else {
        return false;
    }
    return true;
}

static const struct field *find_field(uint64_t tag)
{
    for (size_t i = 0; i < record_field_count; i++)
        if (record_fields[i].tag == tag)
            return &record_fields[i];
    return NULL;
}

static enum kv_status read_next(struct reader *reader, msgpack_unpacked *unpacked)
{
    switch (msgpack_unpack_next(unpacked, (const char *)reader->data, reader->length,
                                &reader->offset)) {
    case MSGPACK_UNPACK_SUCCESS:
        return KV_OK;
    case MSGPACK_UNPACK_NOMEM_ERROR:
        return KV_MEMORY;
    default:
        return KV_DAMAGED;
    }
}

static enum kv_status keep_unknown(struct session *session, const uint8_t *data, size_t length)
{
    uint8_t *unknown = realloc(session->unknown, session->unknown_length + length);
    if (unknown == NULL)
        return KV_MEMORY;
    memcpy(unknown + session->unknown_length, data, length);
    session->unknown = unknown;
    session->unknown_length += length;
    return KV_OK;
}

static enum kv_status read_field(struct reader *reader, const struct field *field,
                                 const msgpack_object *value)
{
    static const enum kv_status status[] = {
        [FIELD_OK] = KV_OK,
        [FIELD_WRONG] = KV_DAMAGED,
        [FIELD_NO_MEMORY] = KV_MEMORY,
    };
    uint64_t bit = (uint64_t)1 << (field - record_fields);

    if (reader->seen & bit)
        return KV_DAMAGED;
    reader->seen |= bit;
    return status[field_unpack(field, value, reader->session)];
}

static enum kv_status read_pair(struct reader *reader, msgpack_unpacked *unpacked)
{
    size_t start = reader->offset;
    enum kv_status status = read_next(reader, unpacked);
    if (status != KV_OK)
        return status;
    if (unpacked->data.type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return KV_DAMAGED;
    const struct field *field = find_field(unpacked->data.via.u64);

    status = read_next(reader, unpacked);
    if (status != KV_OK)
        return status;
    if (field != NULL)
        return read_field(reader, field, &unpacked->data);
    return keep_unknown(reader->session, reader->data + start, reader->offset - start);
}

static enum kv_status read_pairs(struct reader *reader)
{
    enum kv_status status = KV_OK;
    uint32_t pairs;
    if (!read_head(reader, &pairs))
        return KV_DAMAGED;

    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    for (uint32_t i = 0; i < pairs && status == KV_OK; i++)
        status = read_pair(reader, &unpacked);
    msgpack_unpacked_destroy(&unpacked);

    for (size_t i = 0; i < record_field_count && status == KV_OK; i++)
        if (record_fields[i].required && !(reader->seen >> i & 1))
            status = KV_DAMAGED;
    return status;
}

enum kv_status record_decode(const uint8_t id[SESSION_ID_BYTES], const uint8_t *data, size_t length,
                             struct session **ret_session)
{
    struct scan scan = {0};
    size_t size;
    if (scan_object(&scan, &record_limits, data, length, &size) != SCAN_WHOLE || size != length)
        return KV_DAMAGED;

    struct session *session = session_blank();
    if (session == NULL)
        return KV_MEMORY;
    memcpy(session->id, id, SESSION_ID_BYTES);
    struct reader reader = {.data = data, .length = length, .session = session};
    enum kv_status status = read_pairs(&reader);
    if (status != KV_OK) {
        session_free(session);
        return status;
    }
    *ret_session = session;
    return KV_OK;
}
