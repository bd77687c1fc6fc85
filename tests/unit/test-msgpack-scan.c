/* Bytes of strangers are measured before they are decoded, however they arrive in pieces. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "base/msgpack_scan.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static const struct scan_limits wide = {
    .bytes = 1000,
    .depth = 8,
    .elements = 100,
};

struct bytes {
    const char *text;
    size_t length;
};

#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* One of each head, and of each way to hold others. */
static const struct bytes wholes[] = {
    BYTES("\x00"),
    BYTES("\x7f"),
    BYTES("\xff"),
    BYTES("\xe0"),
    BYTES("\xc0"),
    BYTES("\xc2"),
    BYTES("\xc3"),
    BYTES("\xcc\xff"),
    BYTES("\xcd\xff\xff"),
    BYTES("\xce\xff\xff\xff\xff"),
    BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
    BYTES("\xd0\x80"),
    BYTES("\xd1\x80\x00"),
    BYTES("\xd2\x80\x00\x00\x00"),
    BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
    BYTES("\xca\x00\x00\x00\x00"),
    BYTES("\xcb\x00\x00\x00\x00\x00\x00\x00\x00"),
    BYTES("\xa0"),
    BYTES("\xa3xyz"),
    BYTES("\xd9\x00"),
    BYTES("\xd9\x03xyz"),
    BYTES("\xda\x00\x03xyz"),
    BYTES("\xdb\x00\x00\x00\x03xyz"),
    BYTES("\xc4\x03xyz"),
    BYTES("\xc5\x00\x03xyz"),
    BYTES("\xc6\x00\x00\x00\x03xyz"),
    BYTES("\x90"),
    BYTES("\x80"),
    BYTES("\x93\x01\xa1x\x90"),
    BYTES("\xdc\x00\x02\x01\x02"),
    BYTES("\xdc\x00\x00"),
    BYTES("\xdd\x00\x00\x00\x02\x01\x02"),
    BYTES("\x82\x01\x02\x03\x80"),
    BYTES("\xde\x00\x01\x01\x02"),
    BYTES("\xdf\x00\x00\x00\x01\x01\x02"),
    BYTES("\x91\x91\x91\x92\x01\x81\x02\x91\xc4\x02xx"),
    BYTES("\x94\x00\x05\xa4send\x91\x82\xa7session\xa6laptop\xa4"
          "data\xc4\x05hello"),
};

/* Looks at the first `length` bytes in memory of exactly that size, where one step too far shows.
 */
static enum scan_result scan_exactly(struct scan *scan, const struct scan_limits *limits,
                                     const struct bytes *bytes, size_t length, size_t *ret_size)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, bytes->text, length);
    enum scan_result result = scan_object(scan, limits, copy, length, ret_size);
    free(copy);
    return result;
}

static enum scan_result scan_at_once(const struct scan_limits *limits, const struct bytes *bytes)
{
    struct scan scan = {0};
    size_t size = 0;
    return scan_exactly(&scan, limits, bytes, bytes->length, &size);
}

static void test_whole_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(wholes); i++) {
        for (size_t piece = 1; piece <= 10; piece++) {
            struct scan scan = {0};
            size_t size = 0;
            for (size_t length = 0; length < wholes[i].length; length += piece)
                assert_int_equal(scan_exactly(&scan, &wide, &wholes[i], length, &size),
                                 SCAN_PARTIAL);
            assert_int_equal(scan_exactly(&scan, &wide, &wholes[i], wholes[i].length, &size),
                             SCAN_WHOLE);
            assert_int_equal(size, wholes[i].length);
        }
    }
}

static void test_what_follows_is_left(void **state)
{
    (void)state;
    struct scan scan = {0};
    size_t size = 0;
    const uint8_t two[] = {0x92, 0x01, 0x02, 0xc1, 0xc1};
    assert_int_equal(scan_object(&scan, &wide, two, sizeof(two), &size), SCAN_WHOLE);
    assert_int_equal(size, 3);

    scan_reset(&scan);
    assert_int_equal(scan_object(&scan, &wide, two + 1, 1, &size), SCAN_WHOLE);
    assert_int_equal(size, 1);
}

static void test_bad(void **state)
{
    static const uint8_t firsts[] = {0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};
    (void)state;
    for (size_t i = 0; i < LENGTH(firsts); i++) {
        const uint8_t data[] = {0x92, 0x01, firsts[i], 0, 0, 0, 0, 0, 0, 0};
        struct scan scan = {0};
        size_t size = 0;
        assert_int_equal(scan_object(&scan, &wide, data, sizeof(data), &size), SCAN_BAD);
        scan_reset(&scan);
        assert_int_equal(scan_object(&scan, &wide, data + 2, 1, &size), SCAN_BAD);
        assert_int_equal(size, 0);
    }
}

static void test_depth(void **state)
{
    const struct scan_limits two = {.bytes = 100, .depth = 2, .elements = 100};
    const struct scan_limits deepest = {.bytes = 100, .depth = 1000, .elements = 100};
    const struct bytes at_limit = BYTES("\x92\x91\x01\x91\x02");
    const struct bytes beyond = BYTES("\x91\x91\x91\x01");
    const struct bytes empty_ones = BYTES("\x91\x91\x90");
    (void)state;

    assert_int_equal(scan_at_once(&two, &at_limit), SCAN_WHOLE);
    assert_int_equal(scan_at_once(&two, &beyond), SCAN_TOO_DEEP);
    assert_int_equal(scan_at_once(&two, &empty_ones), SCAN_WHOLE);

    char nested[SCAN_DEPTH_MAX + 2];
    memset(nested, 0x91, sizeof(nested));
    nested[SCAN_DEPTH_MAX] = 0x01;
    const struct bytes allowed = {nested, SCAN_DEPTH_MAX + 1};
    assert_int_equal(scan_at_once(&deepest, &allowed), SCAN_WHOLE);
    nested[SCAN_DEPTH_MAX] = (char)0x91;
    const struct bytes too_deep = {nested, SCAN_DEPTH_MAX + 2};
    assert_int_equal(scan_at_once(&deepest, &too_deep), SCAN_TOO_DEEP);
}

/* What cannot be within the limits is refused at its announcement, before any of it has come. */
static void test_announcements(void **state)
{
    static const struct bytes large[] = {
        BYTES("\xc6\xff\xff\xff\xff"), BYTES("\xdb\xff\xff\xff\xff"), BYTES("\xda\x03\xe6"),
        BYTES("\xdd\xff\xff\xff\xff"), BYTES("\xdf\xff\xff\xff\xff"), BYTES("\xdc\x00\x65"),
        BYTES("\xde\x00\x33"),         BYTES("\xdf\x80\x00\x00\x00"),
    };
    const struct bytes blob_at_limit = BYTES("\xda\x03\xe5");
    const struct bytes array_at_limit = BYTES("\xdc\x00\x64");
    const struct bytes map_at_limit = BYTES("\xde\x00\x32");
    (void)state;

    for (size_t i = 0; i < LENGTH(large); i++)
        assert_int_equal(scan_at_once(&wide, &large[i]), SCAN_TOO_LARGE);
    const struct scan_limits short_one = {.bytes = 12, .depth = 8, .elements = 100};
    const struct bytes just_fits = BYTES("\xdc\x00\x09"), does_not = BYTES("\xdc\x00\x0a");
    assert_int_equal(scan_at_once(&short_one, &just_fits), SCAN_PARTIAL);
    assert_int_equal(scan_at_once(&short_one, &does_not), SCAN_TOO_LARGE);
    assert_int_equal(scan_at_once(&wide, &blob_at_limit), SCAN_PARTIAL);
    assert_int_equal(scan_at_once(&wide, &array_at_limit), SCAN_PARTIAL);
    assert_int_equal(scan_at_once(&wide, &map_at_limit), SCAN_PARTIAL);
}

static void test_limits_of_the_whole(void **state)
{
    const struct scan_limits tight = {.bytes = 6, .depth = 4, .elements = 4};
    const struct bytes full = BYTES("\x92\x92\x01\x02\xa1x");
    const struct bytes one_byte_more = BYTES("\x92\x92\x01\x02\xa2xy");
    const struct bytes one_element_more = BYTES("\x93\x92\x01\x02\x03\x04");
    const struct bytes wider_than_it_can = BYTES("\x92\xa3xyz");
    (void)state;

    assert_int_equal(scan_at_once(&tight, &full), SCAN_WHOLE);
    assert_int_equal(scan_at_once(&tight, &one_byte_more), SCAN_TOO_LARGE);
    assert_int_equal(scan_at_once(&tight, &one_element_more), SCAN_TOO_LARGE);
    assert_int_equal(scan_at_once(&tight, &wider_than_it_can), SCAN_PARTIAL);

    const struct scan_limits nothing = {0};
    const struct bytes nil = BYTES("\xc0");
    assert_int_equal(scan_at_once(&nothing, &nil), SCAN_TOO_LARGE);
}

/* A refusal stays one when more bytes come. */
static void test_refusal_stays(void **state)
{
    const uint8_t data[] = {0x92, 0xc1, 0x01, 0x02};
    struct scan scan = {0};
    size_t size = 0;
    (void)state;
    assert_int_equal(scan_object(&scan, &wide, data, 2, &size), SCAN_BAD);
    assert_int_equal(scan_object(&scan, &wide, data, 3, &size), SCAN_BAD);
    assert_int_equal(scan_object(&scan, &wide, data, 4, &size), SCAN_BAD);
}

/* Whatever is called whole, msgpack-c takes, and finds to be as long. */
static void test_agrees_with_msgpack(void **state)
{
    uint32_t random = 1;
    unsigned agreed = 0;
    (void)state;

    for (unsigned round = 0; round < 100000; round++) {
        uint8_t data[24];
        for (size_t i = 0; i < sizeof(data); i++) {
            random = random * 1664525 + 1013904223;
            /* Half of them heads of the small kinds, so that things nest. */
            data[i] = (uint8_t)(random & 0x10000 ? random >> 24 : 0x80 | (random >> 24 & 0x13));
        }
        struct scan scan = {0};
        size_t size = 0, offset = 0;
        if (scan_object(&scan, &wide, data, sizeof(data), &size) != SCAN_WHOLE)
            continue;
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        assert_int_equal(msgpack_unpack_next(&unpacked, (const char *)data, size, &offset),
                         MSGPACK_UNPACK_SUCCESS);
        assert_int_equal(offset, size);
        msgpack_unpacked_destroy(&unpacked);
        agreed++;
    }
    assert_in_range(agreed, 10000, 100000);
}

/* Heads by themselves: integers in all their forms, and what is not here yet. */
static void heads(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        enum scan_result result;
        struct msgpack_head head;
    } rows[] = {
        {"\x05", 1, SCAN_WHOLE, {MSGPACK_HEAD_INTEGER, 1, 5, false}},
        {"\xff", 1, SCAN_WHOLE, {MSGPACK_HEAD_INTEGER, 1, 0, true}},
        {"\xcd\x01\x02", 3, SCAN_WHOLE, {MSGPACK_HEAD_INTEGER, 3, 258, false}},
        {"\xd1\x01\x02", 3, SCAN_WHOLE, {MSGPACK_HEAD_INTEGER, 3, 258, false}},
        {"\xd1\x81\x02", 3, SCAN_WHOLE, {MSGPACK_HEAD_INTEGER, 3, 0, true}},
        {"\xcf\x01", 2, SCAN_WHOLE, {MSGPACK_HEAD_INTEGER, 9, 0, false}}, /* not all here */
        {"\xa3", 1, SCAN_WHOLE, {MSGPACK_HEAD_BLOB, 1, 3, false}},
        {"\xda\x01\x00", 3, SCAN_WHOLE, {MSGPACK_HEAD_BLOB, 3, 256, false}},
        {"\xda\x01", 2, SCAN_PARTIAL, {MSGPACK_HEAD_BAD, 0, 0, false}},
        {"\x93", 1, SCAN_WHOLE, {MSGPACK_HEAD_ARRAY, 1, 3, false}},
        {"\xdd\x00\x01\x00\x00", 5, SCAN_WHOLE, {MSGPACK_HEAD_ARRAY, 5, 65536, false}},
        {"\x82", 1, SCAN_WHOLE, {MSGPACK_HEAD_MAP, 1, 2, false}},
        {"\xde\x00\x10", 3, SCAN_WHOLE, {MSGPACK_HEAD_MAP, 3, 16, false}},
        {"\xcb", 1, SCAN_WHOLE, {MSGPACK_HEAD_SIMPLE, 9, 0, false}},
        {"\xc1", 1, SCAN_BAD, {MSGPACK_HEAD_BAD, 0, 0, false}},
        {"\xd4", 1, SCAN_BAD, {MSGPACK_HEAD_BAD, 0, 0, false}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct msgpack_head head = {.kind = MSGPACK_HEAD_BAD};
        assert_int_equal(msgpack_head_read((const uint8_t *)rows[i].bytes, rows[i].length, &head),
                         rows[i].result);
        if (rows[i].result != SCAN_WHOLE)
            continue;
        assert_int_equal(head.kind, rows[i].head.kind);
        assert_int_equal(head.size, rows[i].head.size);
        assert_int_equal(head.negative, rows[i].head.negative);
        if (!head.negative)
            assert_int_equal(head.number, rows[i].head.number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads),
        cmocka_unit_test(test_whole_in_pieces),
        cmocka_unit_test(test_what_follows_is_left),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_announcements),
        cmocka_unit_test(test_limits_of_the_whole),
        cmocka_unit_test(test_refusal_stays),
        cmocka_unit_test(test_agrees_with_msgpack),
    };
    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
