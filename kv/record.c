#include "config.h"

#include "kv/record.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/large.h"

/* ---- texts ---- */

static bool length_valid(const struct kv_field *field, size_t length)
{
    return length >= field->least && length <= field->limit;
}

void kv_field_pack_text(const char *text, msgpack_packer *packer)
{
    size_t length = strlen(text);
    msgpack_pack_str(packer, length);
    msgpack_pack_str_body(packer, text, length);
}

/* A str of allowed length without a NUL in it. */
static bool str_valid(const msgpack_object *object, size_t least, size_t limit)
{
    const msgpack_object_str *str = &object->via.str;
    return object->type == MSGPACK_OBJECT_STR && str->size >= least && str->size <= limit &&
           (str->size == 0 || memchr(str->ptr, 0, str->size) == NULL);
}

static const char *string_of(const void *place)
{
    return *(char *const *)place;
}

static bool string_absent(const struct kv_field *field, const void *place)
{
    (void)field;
    return string_of(place) == NULL;
}

static bool string_valid(const struct kv_field *field, const void *place)
{
    const char *string = string_of(place);
    return string == NULL ? !field->required : length_valid(field, strlen(string));
}

static size_t string_extra(const struct kv_field *field, const void *place)
{
    (void)field;
    return strlen(string_of(place));
}

static void string_pack(const struct kv_field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    kv_field_pack_text(string_of(place), packer);
}

static enum kv_status string_unpack(const struct kv_field *field, const msgpack_object *object,
                                    void *place)
{
    if (!str_valid(object, field->least, field->limit))
        return KV_DAMAGED;
    char *string = calloc((size_t)object->via.str.size + 1, 1);
    if (string == NULL)
        return KV_MEMORY;
    if (object->via.str.size > 0)
        memcpy(string, object->via.str.ptr, object->via.str.size);
    *(char **)place = string;
    return KV_OK;
}

static bool string_same(const struct kv_field *field, const void *one, const void *other)
{
    const char *first = string_of(one), *second = string_of(other);
    (void)field;
    return first == second || (first != NULL && second != NULL && strcmp(first, second) == 0);
}

const struct kv_field_type kv_type_string = {
    string_valid, string_absent, string_extra, string_pack, string_unpack, 0, string_same};

static bool text_absent(const struct kv_field *field, const void *place)
{
    return !field->required && *(const char *)place == '\0';
}

static bool text_valid(const struct kv_field *field, const void *place)
{
    return text_absent(field, place) ||
           length_valid(field, strnlen((const char *)place, field->limit + 1));
}

static size_t text_extra(const struct kv_field *field, const void *place)
{
    return strnlen(place, field->limit);
}

static void text_pack(const struct kv_field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    kv_field_pack_text(place, packer);
}

bool kv_field_text(const msgpack_object *object, size_t least, size_t limit, char *ret_text)
{
    if (!str_valid(object, least, limit))
        return false;
    memset(ret_text, 0, limit + 1);
    if (object->via.str.size > 0)
        memcpy(ret_text, object->via.str.ptr, object->via.str.size);
    return true;
}

static enum kv_status text_unpack(const struct kv_field *field, const msgpack_object *object,
                                  void *place)
{
    return kv_field_text(object, field->least, field->limit, place) ? KV_OK : KV_DAMAGED;
}

static bool text_same(const struct kv_field *field, const void *one, const void *other)
{
    return strncmp(one, other, field->limit + 1) == 0;
}

const struct kv_field_type kv_type_text = {text_valid,  text_absent, text_extra, text_pack,
                                           text_unpack, 0,           text_same};

static bool borrowed_absent(const struct kv_field *field, const void *place)
{
    (void)field;
    return ((const struct kv_borrowed_text *)place)->data == NULL;
}

static bool borrowed_valid(const struct kv_field *field, const void *place)
{
    return !field->required || !borrowed_absent(field, place);
}

static size_t borrowed_extra(const struct kv_field *field, const void *place)
{
    (void)field;
    return ((const struct kv_borrowed_text *)place)->length;
}

static void borrowed_pack(const struct kv_field *field, const void *place, msgpack_packer *packer)
{
    const struct kv_borrowed_text *text = place;
    (void)field;
    msgpack_pack_str(packer, text->length);
    msgpack_pack_str_body(packer, text->data, text->length);
}

static enum kv_status borrowed_unpack(const struct kv_field *field, const msgpack_object *object,
                                      void *place)
{
    (void)field;
    if (object->type != MSGPACK_OBJECT_STR)
        return KV_DAMAGED;
    *(struct kv_borrowed_text *)place =
        (struct kv_borrowed_text){object->via.str.ptr, object->via.str.size};
    return KV_OK;
}

const struct kv_field_type kv_type_borrowed = {
    borrowed_valid, borrowed_absent, borrowed_extra, borrowed_pack, borrowed_unpack, 0, NULL};

/* ---- bytes ---- */

/* Whether a member is left out can be seen from the record's length: it is no secret. */
static bool is_zero(const void *place, size_t size)
{
    const uint8_t *bytes = place;
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static bool bytes_absent(const struct kv_field *field, const void *place)
{
    return is_zero(place, field->limit);
}

static bool bytes_valid(const struct kv_field *field, const void *place)
{
    return !field->required || !bytes_absent(field, place);
}

static size_t bytes_extra(const struct kv_field *field, const void *place)
{
    (void)place;
    return field->limit;
}

static void bytes_pack(const struct kv_field *field, const void *place, msgpack_packer *packer)
{
    msgpack_pack_bin(packer, field->limit);
    msgpack_pack_bin_body(packer, place, field->limit);
}

static enum kv_status bytes_unpack(const struct kv_field *field, const msgpack_object *object,
                                   void *place)
{
    if (object->type != MSGPACK_OBJECT_BIN || object->via.bin.size != field->limit)
        return KV_DAMAGED;
    memcpy(place, object->via.bin.ptr, field->limit);
    return KV_OK;
}

static bool bytes_same(const struct kv_field *field, const void *one, const void *other)
{
    return memcmp(one, other, field->limit) == 0;
}

const struct kv_field_type kv_type_bytes = {
    bytes_valid, bytes_absent, bytes_extra, bytes_pack, bytes_unpack, 0, bytes_same};

/* ---- numbers ---- */

bool kv_field_signed(const msgpack_object *object, int64_t *ret_number)
{
    if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *ret_number = object->via.i64;
    else if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 <= INT64_MAX)
        *ret_number = (int64_t)object->via.u64;
    else
        return false;
    return true;
}

static void signed_pack(const struct kv_field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    msgpack_pack_int64(packer, *(const int64_t *)place);
}

static enum kv_status signed_unpack(const struct kv_field *field, const msgpack_object *object,
                                    void *place)
{
    (void)field;
    return kv_field_signed(object, place) ? KV_OK : KV_DAMAGED;
}

const struct kv_field_type kv_type_signed = {
    NULL, NULL, NULL, signed_pack, signed_unpack, sizeof(int64_t), NULL};

static void unsigned_pack(const struct kv_field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    msgpack_pack_uint64(packer, *(const uint64_t *)place);
}

static enum kv_status unsigned_unpack(const struct kv_field *field, const msgpack_object *object,
                                      void *place)
{
    (void)field;
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return KV_DAMAGED;
    *(uint64_t *)place = object->via.u64;
    return KV_OK;
}

const struct kv_field_type kv_type_unsigned = {
    NULL, NULL, NULL, unsigned_pack, unsigned_unpack, sizeof(uint64_t), NULL};

static bool count_valid(const struct kv_field *field, const void *place)
{
    return *(const uint32_t *)place <= field->limit;
}

static void count_pack(const struct kv_field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    msgpack_pack_uint32(packer, *(const uint32_t *)place);
}

static enum kv_status count_unpack(const struct kv_field *field, const msgpack_object *object,
                                   void *place)
{
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER || object->via.u64 > field->limit)
        return KV_DAMAGED;
    *(uint32_t *)place = (uint32_t)object->via.u64;
    return KV_OK;
}

const struct kv_field_type kv_type_count = {count_valid,      NULL, NULL, count_pack, count_unpack,
                                            sizeof(uint32_t), NULL};

static void bool_pack(const struct kv_field *field, const void *place, msgpack_packer *packer)
{
    (void)field;
    if (*(const bool *)place)
        msgpack_pack_true(packer);
    else
        msgpack_pack_false(packer);
}

static enum kv_status bool_unpack(const struct kv_field *field, const msgpack_object *object,
                                  void *place)
{
    (void)field;
    if (object->type != MSGPACK_OBJECT_BOOLEAN)
        return KV_DAMAGED;
    *(bool *)place = object->via.boolean;
    return KV_OK;
}

const struct kv_field_type kv_type_bool = {NULL,        NULL,         NULL, bool_pack,
                                           bool_unpack, sizeof(bool), NULL};

/* ---- encoding ---- */

/* What a record keeps of unknown tags. */
struct kv_unknown {
    void **data;
    size_t *length;
};

static struct kv_unknown unknown_of(const struct kv_record_kind *kind, const void *record)
{
    return (struct kv_unknown){(void **)((char *)record + kind->unknown),
                               (size_t *)((char *)record + kind->unknown_length)};
}

/* How many pairs there are; false if they are malformed. */
static bool count_unknown(const struct kv_record_kind *kind, const void *record, size_t *ret_pairs)
{
    struct kv_unknown unknown = unknown_of(kind, record);
    const uint8_t *data = *unknown.data;
    size_t objects = 0;

    for (size_t offset = 0; offset < *unknown.length; objects++) {
        struct scan scan = {0};
        size_t size;
        if (scan_object(&scan, &kind->limits, data + offset, *unknown.length - offset, &size) !=
            SCAN_WHOLE)
            return false;
        offset += size;
    }
    *ret_pairs = objects / 2;
    return objects % 2 == 0;
}

static const void *place_of(const struct kv_field *field, const void *record)
{
    return (const char *)record + field->offset;
}

bool kv_field_same(const struct kv_field *field, const void *one, const void *other)
{
    const struct kv_field_type *type = field->type;
    const void *first = place_of(field, one), *second = place_of(field, other);
    return type->size > 0 ? memcmp(first, second, type->size) == 0
                          : type->same != NULL && type->same(field, first, second);
}

bool kv_record_same(const struct kv_record_kind *kind, const void *one, const void *other)
{
    struct kv_unknown first = unknown_of(kind, one), second = unknown_of(kind, other);
    for (size_t tag = 0; tag < kind->tags; tag++)
        if (kind->fields[tag].type != NULL && !kv_field_same(&kind->fields[tag], one, other))
            return false;
    return *first.length == *second.length &&
           (*first.length == 0 || memcmp(*first.data, *second.data, *first.length) == 0);
}

/* True if the field is written. */
static bool is_written(const struct kv_record_kind *kind, size_t tag, const void *record)
{
    const struct kv_field *field = &kind->fields[tag];
    const struct kv_field_type *type = field->type;
    if (type == NULL)
        return false;
    if (kind->sparse_from > 0 && tag >= kind->sparse_from && !field->required && type->size > 0)
        return !is_zero(place_of(field, record), type->size);
    return type->absent == NULL || !type->absent(field, place_of(field, record));
}

/* A tag and the map's own head take 5 bytes at most. */
#define TAG_BOUND 5

/* Counts the pairs and bounds the bytes of the record. False if a field is not valid. */
static bool measure(const struct kv_record_kind *kind, const void *record, size_t *ret_pairs,
                    size_t *ret_bound)
{
    size_t pairs, bound = TAG_BOUND + *unknown_of(kind, record).length;

    if (!count_unknown(kind, record, &pairs))
        return false;
    for (size_t tag = 0; tag < kind->tags; tag++) {
        const struct kv_field *field = &kind->fields[tag];
        const struct kv_field_type *type = field->type;
        const void *place = place_of(field, record);
        if (type != NULL && type->valid != NULL && !type->valid(field, place))
            return false;
        if (!is_written(kind, tag, record))
            continue;
        pairs++;
        bound +=
            TAG_BOUND + KV_FIELD_HEAD_MAX + (type->extra != NULL ? type->extra(field, place) : 0);
    }
    *ret_pairs = pairs;
    *ret_bound = bound;
    return true;
}

/* msgpack's output function: writes into memory that was measured. */
static int append(void *arg, const char *data, size_t length)
{
    struct kv_record *bytes = arg;
    if (length > 0)
        memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
    return 0;
}

enum kv_status kv_record_encode(const struct kv_record_kind *kind, const void *record,
                                struct kv_record *ret_bytes)
{
    size_t pairs, bound;
    if (!measure(kind, record, &pairs, &bound))
        return KV_FAILED;
    struct kv_record bytes = {.data = large_pages(malloc(bound), bound)};
    if (bytes.data == NULL)
        return KV_MEMORY;

    msgpack_packer packer;
    msgpack_packer_init(&packer, &bytes, append);
    msgpack_pack_map(&packer, pairs);
    for (size_t tag = 0; tag < kind->tags; tag++) {
        const struct kv_field *field = &kind->fields[tag];
        if (!is_written(kind, tag, record))
            continue;
        msgpack_pack_uint32(&packer, (uint32_t)tag);
        field->type->pack(field, place_of(field, record), &packer);
    }
    struct kv_unknown unknown = unknown_of(kind, record);
    append(&bytes, *unknown.data, *unknown.length);

    if (bytes.length > kind->limits.bytes) {
        kv_record_clear(&bytes);
        return KV_FAILED;
    }
    *ret_bytes = bytes;
    return KV_OK;
}

void kv_record_clear(struct kv_record *bytes)
{
    if (bytes->data != NULL)
        sodium_memzero(bytes->data, bytes->length);
    free(bytes->data);
    *bytes = (struct kv_record){0};
}

/* ---- decoding ---- */

/* A walk over the pairs of a record. */
struct kv_record_reader {
    const struct kv_record_kind *kind;
    const uint8_t *data;
    size_t length;
    size_t offset;
    uint8_t seen[KV_TAGS_MAX / 8]; /* a bit for each tag that came */
    void *record;
};

static bool has_seen(const struct kv_record_reader *reader, size_t tag)
{
    return reader->seen[tag / 8] >> tag % 8 & 1;
}

static enum kv_status read_next(struct kv_record_reader *reader, msgpack_unpacked *unpacked)
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

static enum kv_status keep_unknown(struct kv_record_reader *reader, size_t start)
{
    struct kv_unknown unknown = unknown_of(reader->kind, reader->record);
    size_t length = reader->offset - start;
    uint8_t *data = realloc(*unknown.data, *unknown.length + length);
    if (data == NULL)
        return KV_MEMORY;
    memcpy(data + *unknown.length, reader->data + start, length);
    *unknown.data = data;
    *unknown.length += length;
    return KV_OK;
}

static enum kv_status read_pair(struct kv_record_reader *reader, msgpack_unpacked *unpacked)
{
    size_t start = reader->offset;
    struct msgpack_head head;
    if (msgpack_head_read(reader->data + start, reader->length - start, &head) != SCAN_WHOLE ||
        head.kind != MSGPACK_HEAD_INTEGER || head.negative)
        return KV_DAMAGED;
    uint64_t tag = head.number;
    reader->offset += head.size;
    enum kv_status status = read_next(reader, unpacked);
    if (status != KV_OK)
        return status;
    if (tag >= reader->kind->tags || reader->kind->fields[tag].type == NULL)
        return keep_unknown(reader, start);
    if (has_seen(reader, tag))
        return KV_DAMAGED;
    reader->seen[tag / 8] |= (uint8_t)(1 << tag % 8);
    const struct kv_field *field = &reader->kind->fields[tag];
    return field->type->unpack(field, &unpacked->data, (char *)reader->record + field->offset);
}

enum kv_status kv_record_decode(const struct kv_record_kind *kind, const uint8_t *data,
                                size_t length, void *record)
{
    struct scan scan = {0};
    struct msgpack_head head;
    size_t size;
    assert(kind->tags <= KV_TAGS_MAX);
    if (scan_object(&scan, &kind->limits, data, length, &size) != SCAN_WHOLE || size != length ||
        msgpack_head_read(data, length, &head) != SCAN_WHOLE || head.kind != MSGPACK_HEAD_MAP)
        return KV_DAMAGED;

    struct kv_record_reader reader = {
        .kind = kind, .data = data, .length = length, .offset = head.size, .record = record};
    enum kv_status status = KV_OK;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    for (uint64_t i = 0; i < head.number && status == KV_OK; i++)
        status = read_pair(&reader, &unpacked);
    msgpack_unpacked_destroy(&unpacked);

    for (size_t tag = 0; tag < kind->tags && status == KV_OK; tag++)
        if (kind->fields[tag].required && !has_seen(&reader, tag))
            status = KV_DAMAGED;
    return status;
}
