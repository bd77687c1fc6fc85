/*
 * A stored record: a MessagePack map {tag: value}, written and read by one constant table of
 * fields.
 *
 * Tags are never reused. What a field's type calls absent is left out, and a missing tag leaves the
 * struct as it was before decoding. Unknown tags are kept and written back unchanged, after the
 * known ones: an older program may continue with a store in which a newer one of the same format
 * has worked.
 *
 *     static const struct kv_field fields[] = {
 *         [1] = KV_FIELD(struct thing, name, kv_type_string, KV_REQUIRED, 1, 64),
 *         [2] = KV_FIELD(struct thing, count, kv_type_count, KV_OPTIONAL, 0, UINT32_MAX),
 *     };
 *
 * The index is the tag: two fields cannot have the same one, and the bytes are in the order of the
 * tags. Tags may be left out.
 */
#ifndef KV_RECORD_H
#define KV_RECORD_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/msgpack_scan.h"
#include "kv/kv.h"

/* Largest tag plus 1: each tag that came is noted in a bit. */
#define KV_TAGS_MAX 1024

struct kv_field_type;

struct kv_field {
    const struct kv_field_type *type; /* NULL: there is no such tag */
    bool required;
    size_t least; /* shortest string or text, bytes */
    size_t limit; /* longest string or text, bytes of a kv_type_bytes, or largest value */
    size_t offset;
    const char *name;
};

#define KV_OPTIONAL false
#define KV_REQUIRED true
#define KV_FIELD(record, member, type, required, least, limit)                                     \
    {                                                                                              \
        &(type), required, least, limit, offsetof(record, member), #member                         \
    }

/* What must be known about a type of field; `place` is the member. */
struct kv_field_type {
    /* True if the value is one that unpack() takes, or is absent and may be. NULL: any. */
    bool (*valid)(const struct kv_field *field, const void *place);
    /* True if there is nothing to write. NULL: never. */
    bool (*absent)(const struct kv_field *field, const void *place);
    /* Most bytes after the value's head. NULL: none. */
    size_t (*extra)(const struct kv_field *field, const void *place);
    void (*pack)(const struct kv_field *field, const void *place, msgpack_packer *packer);
    /* KV_OK, KV_DAMAGED or KV_MEMORY. */
    enum kv_status (*unpack)(const struct kv_field *field, const msgpack_object *object,
                             void *place);
    size_t size; /* of a number or a flag, which a sparse tag leaves out if it is zero; 0: other */
    /* True if both are packed alike; for types without a size. NULL: they cannot be compared. */
    bool (*same)(const struct kv_field *field, const void *one, const void *other);
};

/* The types of members that every store has. Users add their own. */
extern const struct kv_field_type kv_type_string; /* char *, owned; NULL is left out */
extern const struct kv_field_type kv_type_text; /* char[limit + 1]; an empty one is left out unless
                                              it is required */
extern const struct kv_field_type kv_type_borrowed; /* struct kv_borrowed_text; NULL is left out */
extern const struct kv_field_type kv_type_bytes;    /* uint8_t[limit]; all zero is left out */
extern const struct kv_field_type kv_type_signed;   /* int64_t */
extern const struct kv_field_type kv_type_unsigned; /* uint64_t */
extern const struct kv_field_type kv_type_count;    /* uint32_t or an enum, at most `limit` */
extern const struct kv_field_type kv_type_bool;

/* Text in the record's own bytes, without a NUL after it: valid as long as those are. */
struct kv_borrowed_text {
    const char *data;
    size_t length;
};

/* A MessagePack head is at most a byte and a 64-bit number; for extra(). */
#define KV_FIELD_HEAD_MAX 9

/* For other types of fields: an int64_t; a str of at most `limit` bytes without a NUL in it, as
 * char[limit + 1]. False if the object is not of that kind. */
bool kv_field_signed(const msgpack_object *object, int64_t *ret_number);
bool kv_field_text(const msgpack_object *object, size_t least, size_t limit, char *ret_text);
void kv_field_pack_text(const char *text, msgpack_packer *packer);

/* True if the field has the same value in both records; false, too, if its type cannot tell. */
bool kv_field_same(const struct kv_field *field, const void *one, const void *other);

/* ---- records ---- */

struct kv_record_kind {
    const struct kv_field *fields; /* by tag */
    size_t tags;                   /* number of elements of the array; at most KV_TAGS_MAX */
    /* Optional numbers and flags of this tag and above are left out if they are zero, so that
     * records that were written before there was such a tag stay as they are. 0: none. */
    size_t sparse_from;
    struct scan_limits limits; /* of the record */
    /* Offsets of the struct's `void *` and `size_t` for unknown tags: pairs as they came, in new
     * memory that belongs to the struct; NULL and 0 if there were none. */
    size_t unknown, unknown_length;
};

struct kv_record {
    uint8_t *data; /* new; may contain secrets: kv_record_clear() */
    size_t length;
};

/*
 * KV_MEMORY, or KV_FAILED if kv_record_decode() would not accept a field, or the record is too
 * long: what is written can be read. The memory is measured first, so that no secret is left behind
 * in a buffer that was outgrown.
 */
enum kv_status kv_record_encode(const struct kv_record_kind *kind, const void *record,
                                struct kv_record *ret_bytes);

/* True if both are encoded alike. */
bool kv_record_same(const struct kv_record_kind *kind, const void *one, const void *other);

/* Wipes and frees. A zeroed one is fine. */
void kv_record_clear(struct kv_record *bytes);

/*
 * Fills in the struct, whose strings and unknown tags must be NULL beforehand. KV_MEMORY, or
 * KV_DAMAGED if anything is wrong: cut short, followed by other bytes, a value of the wrong type or
 * out of range, a tag that occurs twice or that is required and missing, a key that is not a tag.
 * What the struct has been given so far must then still be freed.
 */
enum kv_status kv_record_decode(const struct kv_record_kind *kind, const uint8_t *data,
                                size_t length, void *record);

#endif
