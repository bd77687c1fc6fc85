/*
 * The codec of stored records: every type of field comes back as it was, tags may be any number of
 * any size, and what is not known is written back as it came. (What a session's record refuses is
 * in test-record.c, the relay's in test-relay-store-turns.c.)
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv/record.h"

struct sample_record {
    char *string;
    char text[9];
    char required[9];
    struct kv_borrowed_text borrowed;
    uint8_t bytes[4];
    int64_t number;
    uint64_t large;
    uint32_t count;
    bool flag;
    void *unknown;
    size_t unknown_length;
};

#define LIMITS                                                                                     \
    {                                                                                              \
        .bytes = 4096, .depth = 8, .elements = 2048                                                \
    }

/* Tags with holes between them, the last one longer than a byte. */
static const struct kv_field sample_fields[] = {
    [1] = KV_FIELD(struct sample_record, string, kv_type_string, KV_OPTIONAL, 1, 8),
    [2] = KV_FIELD(struct sample_record, text, kv_type_text, KV_OPTIONAL, 2, 8),
    [3] = KV_FIELD(struct sample_record, required, kv_type_text, KV_REQUIRED, 0, 8),
    [5] = KV_FIELD(struct sample_record, borrowed, kv_type_borrowed, KV_OPTIONAL, 0, 0),
    [7] = KV_FIELD(struct sample_record, bytes, kv_type_bytes, KV_OPTIONAL, 0, 4),
    [64] = KV_FIELD(struct sample_record, number, kv_type_signed, KV_OPTIONAL, 0, 0),
    [65] = KV_FIELD(struct sample_record, large, kv_type_unsigned, KV_OPTIONAL, 0, 0),
    [130] = KV_FIELD(struct sample_record, count, kv_type_count, KV_OPTIONAL, 0, 1000),
    [300] = KV_FIELD(struct sample_record, flag, kv_type_bool, KV_REQUIRED, 0, 0),
};

static const struct kv_record_kind sample_kind = {
    .fields = sample_fields,
    .tags = sizeof(sample_fields) / sizeof(sample_fields[0]),
    .limits = LIMITS,
    .unknown = offsetof(struct sample_record, unknown),
    .unknown_length = offsetof(struct sample_record, unknown_length),
};

static struct kv_record encode(const struct sample_record *record)
{
    struct kv_record bytes;
    assert_int_equal(kv_record_encode(&sample_kind, record, &bytes), KV_OK);
    return bytes;
}

static void clear(struct sample_record *record)
{
    free(record->string);
    free(record->unknown);
    *record = (struct sample_record){0};
}

static void test_every_type(void **state)
{
    const struct sample_record record = {
        .string = (char *)"string",
        .text = "text",
        .required = "r",
        .borrowed = {"\0long", 5},
        .bytes = {1, 2, 3, 4},
        .number = INT64_MIN,
        .large = UINT64_MAX,
        .count = 1000,
        .flag = true,
    };
    struct sample_record back = {0};
    struct kv_record bytes = encode(&record);
    (void)state;
    assert_int_equal(kv_record_decode(&sample_kind, bytes.data, bytes.length, &back), KV_OK);
    assert_string_equal(back.string, record.string);
    assert_string_equal(back.text, record.text);
    assert_string_equal(back.required, record.required);
    assert_int_equal(back.borrowed.length, 5);
    assert_memory_equal(back.borrowed.data, record.borrowed.data, 5);
    assert_in_range((uintptr_t)back.borrowed.data, (uintptr_t)bytes.data,
                    (uintptr_t)bytes.data + bytes.length);
    assert_memory_equal(back.bytes, record.bytes, 4);
    assert_true(back.number == INT64_MIN && back.large == UINT64_MAX);
    assert_int_equal(back.count, 1000);
    assert_true(back.flag);
    assert_null(back.unknown);
    clear(&back);
    kv_record_clear(&bytes);
    assert_null(bytes.data);
}

/* The bytes of stores do not change: by tag, in the shortest form of each number. */
static void test_bytes(void **state)
{
    static const char expected[] = "\x86\x02\xa2hi\x03\xa0\x40\x00\x41\x05\xcc\x82\x07"
                                   "\xcd\x01\x2c\xc2";
    const struct sample_record record = {.text = "hi", .large = 5, .count = 7};
    struct kv_record bytes = encode(&record);
    (void)state;
    assert_int_equal(bytes.length, sizeof(expected) - 1);
    assert_memory_equal(bytes.data, expected, bytes.length);
    kv_record_clear(&bytes);
}

static void test_not_encoded(void **state)
{
    static const struct sample_record bad[] = {
        {.string = (char *)""},
        {.string = (char *)"too long 9"},
        {.text = "x"},
        {.count = 1001},
        {.unknown = (void *)"\x7f", .unknown_length = 1},
    };
    struct kv_record bytes = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(kv_record_encode(&sample_kind, &bad[i], &bytes), KV_FAILED);
    assert_null(bytes.data);
}

static enum kv_status decode(const char *data, size_t length)
{
    struct sample_record record = {0};
    enum kv_status status = kv_record_decode(&sample_kind, (const uint8_t *)data, length, &record);
    clear(&record);
    return status;
}

static void test_refused(void **state)
{
#define DECODE(data) decode(data, sizeof(data) - 1)
    (void)state;
    assert_int_equal(DECODE("\x82\x03\xa0\xcd\x01\x2c\xc2"), KV_OK);
    assert_int_equal(DECODE("\x81\x03\xa0"), KV_DAMAGED);                         /* no flag */
    assert_int_equal(DECODE("\x83\x03\xa0\xcd\x01\x2c\xc2\x03\xa0"), KV_DAMAGED); /* twice */
    assert_int_equal(DECODE("\x83\x03\xa0\xcd\x01\x2c\xc2\xcd\x01\x2c\xc2"), KV_DAMAGED);
    assert_int_equal(DECODE("\x83\x03\xa0\xcd\x01\x2c\xc2\xa1x\x00"), KV_DAMAGED); /* no tag */
    assert_int_equal(DECODE("\x83\x03\xa0\xcd\x01\x2c\xc2\xff\x00"), KV_DAMAGED);
    assert_int_equal(DECODE("\x82\x03\xa0\xcd\x01\x2c\xc2\x00"), KV_DAMAGED); /* more behind */
    assert_int_equal(DECODE("\x83\x03\xa0\xcd\x01\x2c\xc2\x01\xa3k\0x"), KV_DAMAGED);
    assert_int_equal(DECODE("\x90"), KV_DAMAGED);
    assert_int_equal(DECODE(""), KV_DAMAGED);
}

/* A tag in a hole of the table, one behind it, and one that no table can have. */
static void test_unknown_tags_survive(void **state)
{
    static const char given[] = "\x85\x04\x93\x01\xa1x\xc0\x03\xa1r\xcd\x03\xe8\xc4\x01y"
                                "\xcd\x01\x2c\xc3\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x80";
    static const char kept[] = "\x04\x93\x01\xa1x\xc0\xcd\x03\xe8\xc4\x01y"
                               "\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x80";
    struct sample_record record = {0}, again = {0};
    (void)state;
    assert_int_equal(
        kv_record_decode(&sample_kind, (const uint8_t *)given, sizeof(given) - 1, &record), KV_OK);
    assert_int_equal(record.unknown_length, sizeof(kept) - 1);
    assert_memory_equal(record.unknown, kept, sizeof(kept) - 1);
    record.count = 3;
    struct kv_record bytes = encode(&record);
    assert_memory_equal(bytes.data + bytes.length - (sizeof(kept) - 1), kept, sizeof(kept) - 1);
    assert_int_equal(kv_record_decode(&sample_kind, bytes.data, bytes.length, &again), KV_OK);
    assert_int_equal(again.count, 3);
    assert_int_equal(again.unknown_length, sizeof(kept) - 1);
    kv_record_clear(&bytes);
    clear(&record);
    clear(&again);
}

/* ---- as many fields as there may be ---- */

struct many {
    uint32_t numbers[KV_TAGS_MAX];
    void *unknown;
    size_t unknown_length;
};

static void test_many_fields(void **state)
{
    static struct kv_field fields[KV_TAGS_MAX];
    static struct many record, back;
    const struct kv_record_kind kind = {
        .fields = fields,
        .tags = KV_TAGS_MAX,
        .limits = {.bytes = 65536, .depth = 2, .elements = 4096},
        .unknown = offsetof(struct many, unknown),
        .unknown_length = offsetof(struct many, unknown_length),
    };
    struct kv_record bytes;
    (void)state;
    for (uint32_t tag = 0; tag < KV_TAGS_MAX; tag++) {
        fields[tag] = (struct kv_field){
            &kv_type_count, true, 0, UINT32_MAX, offsetof(struct many, numbers[tag]), "number"};
        record.numbers[tag] = tag * 7;
    }
    assert_int_equal(kv_record_encode(&kind, &record, &bytes), KV_OK);
    assert_int_equal(kv_record_decode(&kind, bytes.data, bytes.length, &back), KV_OK);
    assert_memory_equal(back.numbers, record.numbers, sizeof(record.numbers));
    kv_record_clear(&bytes);
}

/* ---- tags that are left out if they are zero ---- */

static void assert_pairs(const struct kv_record_kind *kind, const struct sample_record *record,
                         unsigned pairs)
{
    struct sample_record back = {0};
    struct kv_record bytes;
    assert_int_equal(kv_record_encode(kind, record, &bytes), KV_OK);
    assert_int_equal(bytes.data[0], 0x80 | pairs);
    assert_int_equal(kv_record_decode(kind, bytes.data, bytes.length, &back), KV_OK);
    assert_int_equal(back.number, record->number);
    assert_int_equal(back.large, record->large);
    assert_int_equal(back.count, record->count);
    assert_int_equal(back.flag, record->flag);
    kv_record_clear(&bytes);
    clear(&back);
}

/* Text and flag are required, and numbers of lower tags are written as ever. */
static void test_sparse_tags(void **state)
{
    struct kv_record_kind kind = sample_kind;
    struct sample_record record = {.required = "r"};
    (void)state;
    assert_pairs(&kind, &record, 5);
    kind.sparse_from = 65;
    assert_pairs(&kind, &record, 3);
    record.large = 1;
    record.count = 1;
    assert_pairs(&kind, &record, 5);
    kind.sparse_from = 1;
    assert_pairs(&kind, &record, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type),           cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_not_encoded),          cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unknown_tags_survive), cmocka_unit_test(test_many_fields),
        cmocka_unit_test(test_sparse_tags),
    };
    return cmocka_run_group_tests_name("kv-record", tests, NULL, NULL);
}
