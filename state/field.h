/* One field of a stored struct: how its value becomes MessagePack, and how it comes back. */
#ifndef STATE_FIELD_H
#define STATE_FIELD_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
    FIELD_STRING = 0, /* char *, owned; NULL is left out */
    FIELD_TEXT,       /* char[limit + 1] within the struct; an empty one is left out */
    FIELD_BYTES,      /* uint8_t[limit]; all zero is left out */
    FIELD_SIGNED,     /* int64_t */
    FIELD_UNSIGNED,   /* uint64_t */
    FIELD_COUNT,      /* uint32_t, at most `limit` */
    FIELD_ENUM,       /* at most `limit` */
    FIELD_BOOL,
    FIELD_RULES, /* struct schedule's rules: [when, interval, when, interval, ...] */
    FIELD_KINDS
};

struct field {
    uint32_t tag;
    enum field_kind kind;
    bool required;
    size_t least; /* shortest string or text, bytes */
    size_t limit; /* longest string or text, or largest value */
    size_t offset;
    const char *name;
};

/* True if the value is one that field_unpack takes; a string that is left out is. */
bool field_valid(const struct field *field, const void *base);

/* True if there is nothing to write. */
bool field_absent(const struct field *field, const void *base);

/* Most bytes that field_pack writes. */
size_t field_bound(const struct field *field, const void *base);

void field_pack(const struct field *field, const void *base, msgpack_packer *packer);

enum field_fault { FIELD_OK = 0, FIELD_WRONG, FIELD_NO_MEMORY };

/* Sets the field of `base`, whose strings are still NULL. */
enum field_fault field_unpack(const struct field *field, const msgpack_object *object, void *base);

#endif
