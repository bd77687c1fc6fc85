/* Parameters: right ones are read, the first wrong one is named. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/fields.h"
#include "ipc/tree.h"
#include "ipc/utf8.h"
#include "ipc/writer.h"

/* A decoded map, with the bytes that it borrows from. */
struct map {
    struct writer writer;
    msgpack_unpacked tree;
    struct fields fields;
};

static void map_open(struct map *map)
{
    writer_init(&map->writer);
    writer_map(&map->writer, NULL);
}

static void map_close(struct map *map)
{
    writer_end(&map->writer);
    assert_true(writer_ok(&map->writer));
    assert_int_equal(tree_decode(map->writer.buffer.data, map->writer.buffer.size, &map->tree),
                     TREE_OK);
    fields_init(&map->fields, &map->tree.data);
}

static void map_free(struct map *map)
{
    msgpack_unpacked_destroy(&map->tree);
    writer_free(&map->writer);
}

static void right_ones(void **state)
{
    (void)state;
    struct map map;
    map_open(&map);
    writer_text(&map.writer, "text", "h\xc3\xa4t");
    writer_number(&map.writer, "low", -5);
    writer_unsigned(&map.writer, "high", INT64_MAX);
    writer_flag(&map.writer, "flag", true);
    writer_data(&map.writer, "bin", "\0\1", 2);
    writer_data(&map.writer, "empty", NULL, 0);
    writer_text(&map.writer, "str", "old");
    writer_nil(&map.writer, "nil");
    writer_text(&map.writer, "text", "again");
    map_close(&map);
    struct fields *fields = &map.fields;
    size_t length = 9;
    assert_string_equal(fields_text(fields, "text"), "h\xc3\xa4t");
    assert_int_equal(fields_number(fields, "low", -5, 5), -5);
    assert_int_equal(fields_number(fields, "high", 0, INT64_MAX), INT64_MAX);
    assert_true(fields_flag_or(fields, "flag", false));
    assert_true(fields_flag(fields, "flag"));
    assert_memory_equal(fields_data(fields, "bin", &length), "\0\1", 2);
    assert_int_equal(length, 2);
    assert_memory_equal(fields_data(fields, "str", &length), "old", 3);
    assert_int_equal(length, 3);
    assert_non_null(fields_data(fields, "empty", &length));
    assert_int_equal(length, 0);
    assert_null(fields_text_or(fields, "nil", NULL));
    assert_string_equal(fields_text_or(fields, "none", "fallback"), "fallback");
    assert_int_equal(fields_number_or(fields, "nil", -1, 1, 2), -1);
    assert_true(fields_flag_or(fields, "none", true));
    assert_null(fields_wrong(fields));
    map_free(&map);
}

static void read_text(struct fields *fields)
{
    assert_null(fields_text(fields, "key"));
}

static void read_optional_text(struct fields *fields)
{
    assert_null(fields_text_or(fields, "key", "fallback"));
}

static void read_number(struct fields *fields)
{
    assert_int_equal(fields_number(fields, "key", 1, 16), 0);
}

static void read_large_number(struct fields *fields)
{
    assert_int_equal(fields_number_or(fields, "key", 7, 1, INT64_MAX), 0);
}

static void read_required_flag(struct fields *fields)
{
    assert_false(fields_flag(fields, "key"));
}

static void read_flag(struct fields *fields)
{
    assert_true(fields_flag_or(fields, "key", true));
}

static void read_data(struct fields *fields)
{
    size_t length;
    assert_null(fields_data(fields, "key", &length));
}

#define BYTES(text) text, sizeof(text) - 1
#define MISSING     "parameter \"key\" is missing"
#define TEXT        "parameter \"key\" must be text in UTF-8"
#define RANGE       "parameter \"key\" must be a whole number from 1 to 16"
#define LARGE       "parameter \"key\" must be a whole number, 1 or more"
#define FLAG        "parameter \"key\" must be true or false"
#define DATA        "parameter \"key\" must be binary data"

static const struct {
    const char *value; /* of "key"; NULL: it is not there */
    size_t size;
    void (*read)(struct fields *fields);
    const char *wrong;
} WRONG[] = {
    {NULL, 0, read_text, MISSING},
    {BYTES("\xc0"), read_text, MISSING},
    {BYTES("\x01"), read_text, TEXT},
    {BYTES("\xc4\x01x"), read_text, TEXT},
    {BYTES("\xa2x\0"), read_text, TEXT},
    {BYTES("\xa1\xff"), read_optional_text, TEXT},
    {BYTES("\x80"), read_optional_text, TEXT},
    {NULL, 0, read_number, MISSING},
    {BYTES("\x00"), read_number, RANGE},
    {BYTES("\x11"), read_number, RANGE},
    {BYTES("\xff"), read_number, RANGE},
    {BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), read_number, RANGE},
    {BYTES("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), read_number, RANGE},
    {BYTES("\xa1\x31"), read_number, RANGE},
    {BYTES("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), read_large_number, LARGE},
    {BYTES("\x00"), read_large_number, LARGE},
    {BYTES("\x01"), read_flag, FLAG},
    {NULL, 0, read_required_flag, MISSING},
    {BYTES("\x01"), read_required_flag, FLAG},
    {NULL, 0, read_data, MISSING},
    {BYTES("\x90"), read_data, DATA},
};

static void wrong_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        struct map map;
        map_open(&map);
        if (WRONG[i].value != NULL)
            writer_object(&map.writer, "key", WRONG[i].value, WRONG[i].size);
        map_close(&map);
        WRONG[i].read(&map.fields);
        assert_non_null(fields_wrong(&map.fields));
        assert_string_equal(fields_wrong(&map.fields), WRONG[i].wrong);
        map_free(&map);
    }
}

static void the_first_wrong_one_is_told(void **state)
{
    (void)state;
    struct map map;
    map_open(&map);
    writer_number(&map.writer, "session", 1);
    map_close(&map);
    assert_null(fields_text(&map.fields, "session"));
    assert_int_equal(fields_number(&map.fields, "number", 0, 1), 0);
    assert_string_equal(fields_wrong(&map.fields), "parameter \"session\" must be text in UTF-8");
    map_free(&map);
}

/* Keys that are no text, and no map at all, hold nothing. */
static void odd_maps(void **state)
{
    (void)state;
    static const char bytes[] = "\x83\x01\x02\xc4\x01k\x03\xc0\x04";
    uint8_t data[sizeof(bytes) - 1];
    memcpy(data, bytes, sizeof(data));
    msgpack_unpacked tree;
    assert_int_equal(tree_decode(data, sizeof(data), &tree), TREE_OK);
    assert_null(fields_find(&tree.data, "k"));
    assert_null(fields_find(&tree.data.via.map.ptr[0].key, "k"));
    assert_null(fields_find(NULL, "k"));
    msgpack_unpacked_destroy(&tree);
}

static const struct {
    const char *text;
    size_t length;
    bool valid;
} TEXTS[] = {
    {BYTES(""), true},
    {BYTES("plain\n\x7f"), true},
    {BYTES("\xc2\x80\xdf\xbf"), true},
    {BYTES("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), true},
    {BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true},
    {BYTES("\x80"), false},
    {BYTES("\xc0\x80"), false},         /* NUL in two bytes */
    {BYTES("\xc1\xbf"), false},         /* longer than needed */
    {BYTES("\xe0\x9f\xbf"), false},     /* longer than needed */
    {BYTES("\xed\xa0\x80"), false},     /* a surrogate */
    {BYTES("\xf0\x8f\xbf\xbf"), false}, /* longer than needed */
    {BYTES("\xf4\x90\x80\x80"), false}, /* beyond U+10FFFF */
    {BYTES("\xf5\x80\x80\x80"), false},
    {BYTES("\xc3"), false}, /* cut off */
    {BYTES("\xe2\x82"), false},
    {BYTES("\xe2\x82\x41"), false},
    {BYTES("\xf0\x9f\x98\xc0"), false},
    {BYTES("a\xff"), false},
};

static void utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++)
        if (utf8_valid(TEXTS[i].text, TEXTS[i].length) != TEXTS[i].valid)
            fail_msg("text %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_ones),
        cmocka_unit_test(wrong_ones),
        cmocka_unit_test(the_first_wrong_one_is_told),
        cmocka_unit_test(odd_maps),
        cmocka_unit_test(utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
