/* Parameters: right ones are read, the first wrong one is named. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/params.h"
#include "ipc/message.h"
#include "ipc/writer.h"

/* A decoded map, with the bytes that it borrows from. */
struct map {
    struct writer writer;
    msgpack_unpacked tree;
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
}

static void map_free(struct map *map)
{
    msgpack_unpacked_destroy(&map->tree);
    writer_free(&map->writer);
}

static struct ipc_params read_right(enum ipc_method method, const struct map *map)
{
    struct ipc_params params;
    char wrong[PARAMS_WRONG_SIZE];
    if (!params_read(method, &map->tree.data, &params, wrong))
        fail_msg("%s: %s", methods_name(method), wrong);
    return params;
}

static void right_ones(void **state)
{
    (void)state;
    struct map map;
    map_open(&map);
    writer_text(&map.writer, "name", "h\xc3\xa4t");
    writer_unsigned(&map.writer, "words", 16);
    writer_number(&map.writer, "timeout", 1000);
    writer_unsigned(&map.writer, "since", INT64_MAX);
    writer_flag(&map.writer, "verify", true);
    writer_flag(&map.writer, "once", true);
    writer_flag(&map.writer, "force", true);
    writer_nil(&map.writer, "relay");
    writer_nil(&map.writer, "inbox_bytes");
    writer_nil(&map.writer, "limit");
    writer_text(&map.writer, "session", "s");
    writer_data(&map.writer, "data", "\0\1", 2);
    writer_number(&map.writer, "ahead", -5); /* of a later day */
    writer_text(&map.writer, "name", "again");
    map_close(&map);

    struct ipc_params params = read_right(METHOD_INVITE, &map);
    assert_string_equal(params.name, "h\xc3\xa4t");
    assert_int_equal(params.words, 16);
    assert_int_equal(params.timeout, 1000);
    assert_true(params.verify);
    assert_true(params.once);
    assert_null(params.relay);
    assert_int_equal(params.inbox_bytes, 0);
    assert_null(params.appid);
    assert_ptr_equal(params_text(&params, PARAM_NAME), params.name);
    assert_null(params_text(&params, PARAM_APPID));
    /* Of other methods. */
    assert_null(params.session);
    assert_false(params.force);
    assert_int_equal(params.since, 0);

    params = read_right(METHOD_CHANGES, &map);
    assert_int_equal(params.since, INT64_MAX);
    assert_int_equal(params.limit, 100);
    assert_true(read_right(METHOD_FORGET, &map).force);
    params = read_right(METHOD_SEND, &map);
    assert_memory_equal(params.data.bytes, "\0\1", 2);
    assert_int_equal(params.data.length, 2);
    assert_string_equal(params.session, "s");
    map_free(&map);
}

/* Some libraries have no bin; and no bytes are bytes. */
static void data_of_all_kinds(void **state)
{
    (void)state;
    struct map map;
    map_open(&map);
    writer_text(&map.writer, "session", "s");
    writer_text(&map.writer, "data", "old");
    map_close(&map);
    struct ipc_params params = read_right(METHOD_SEND, &map);
    assert_memory_equal(params.data.bytes, "old", 3);
    assert_int_equal(params.data.length, 3);
    map_free(&map);

    map_open(&map);
    writer_text(&map.writer, "session", "s");
    writer_data(&map.writer, "data", NULL, 0);
    map_close(&map);
    params = read_right(METHOD_SEND, &map);
    assert_non_null(params.data.bytes);
    assert_int_equal(params.data.length, 0);
    map_free(&map);
}

#define BYTES(text)   text, sizeof(text) - 1
#define MISSING(key)  "parameter \"" key "\" is missing"
#define TEXT(key)     "parameter \"" key "\" must be text in UTF-8"
#define RANGE         "parameter \"words\" must be a whole number from 1 to 16"
#define LARGE         "parameter \"since\" must be a whole number, 0 or more"
#define FLAG(key)     "parameter \"" key "\" must be true or false"
#define DATA          "parameter \"data\" must be binary data"
#define BYTES_1_TO_64 "parameter \"name\" must be 1 to 64 bytes long"

static const struct {
    const char *key, *value; /* value NULL: it is not there */
    size_t size;
    enum ipc_method method;
    const char *wrong;
} wrong_rows[] = {
    {"session", NULL, 0, METHOD_SHOW, MISSING("session")},
    {"session", BYTES("\xc0"), METHOD_SHOW, MISSING("session")},
    {"session", BYTES("\x01"), METHOD_SHOW, TEXT("session")},
    {"session", BYTES("\xc4\x01x"), METHOD_SHOW, TEXT("session")},
    {"session", BYTES("\xa2x\0"), METHOD_SHOW, TEXT("session")},
    {"name", BYTES("\xa1\xff"), METHOD_INVITE, TEXT("name")},
    {"name", BYTES("\x80"), METHOD_INVITE, TEXT("name")},
    {"name", BYTES("\xa0"), METHOD_INVITE, BYTES_1_TO_64},
    {"name",
     BYTES("\xd9\x41"
           "1234567890123456789012345678901234567890123456789012345678901234x"),
     METHOD_INVITE, BYTES_1_TO_64},
    {"number", NULL, 0, METHOD_ACK, MISSING("session")},
    {"since", NULL, 0, METHOD_CHANGES, MISSING("since")},
    {"words", BYTES("\x00"), METHOD_INVITE, RANGE},
    {"words", BYTES("\x11"), METHOD_INVITE, RANGE},
    {"words", BYTES("\xff"), METHOD_INVITE, RANGE},
    {"words", BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), METHOD_INVITE, RANGE},
    {"words", BYTES("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), METHOD_INVITE, RANGE},
    {"words", BYTES("\xa1\x31"), METHOD_INVITE, RANGE},
    {"since", BYTES("\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), METHOD_CHANGES, LARGE},
    {"since", BYTES("\xff"), METHOD_CHANGES, LARGE},
    {"verify", BYTES("\x01"), METHOD_INVITE, FLAG("verify")},
};

static void wrong_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong_rows) / sizeof(wrong_rows[0]); i++) {
        struct map map;
        struct ipc_params params;
        char wrong[PARAMS_WRONG_SIZE];
        map_open(&map);
        if (wrong_rows[i].value != NULL)
            writer_object(&map.writer, wrong_rows[i].key, wrong_rows[i].value, wrong_rows[i].size);
        map_close(&map);
        assert_false(params_read(wrong_rows[i].method, &map.tree.data, &params, wrong));
        assert_string_equal(wrong, wrong_rows[i].wrong);
        map_free(&map);
    }
}

/* Beside a session that is as it should be. */
static void wrong_ones_of_a_session(void **state)
{
    static const struct {
        const char *key, *value;
        enum ipc_method method;
        const char *wrong;
    } rows[] = {
        {"none", "\xc0", METHOD_VERIFY, MISSING("ok")},  {"ok", "\x01", METHOD_VERIFY, FLAG("ok")},
        {"none", "\xc0", METHOD_SEND, MISSING("data")},  {"data", "\x90", METHOD_SEND, DATA},
        {"none", "\xc0", METHOD_ACK, MISSING("number")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct map map;
        struct ipc_params params;
        char wrong[PARAMS_WRONG_SIZE];
        map_open(&map);
        writer_text(&map.writer, "session", "s");
        writer_object(&map.writer, rows[i].key, rows[i].value, 1);
        map_close(&map);
        assert_false(params_read(rows[i].method, &map.tree.data, &params, wrong));
        assert_string_equal(wrong, rows[i].wrong);
        map_free(&map);
    }
}

static void the_first_wrong_one_is_told(void **state)
{
    (void)state;
    struct map map;
    struct ipc_params params;
    char wrong[PARAMS_WRONG_SIZE];
    map_open(&map);
    writer_number(&map.writer, "session", 1);
    map_close(&map);
    assert_false(params_read(METHOD_ACK, &map.tree.data, &params, wrong));
    assert_string_equal(wrong, TEXT("session"));
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
    assert_null(params_find(&tree.data, "k"));
    assert_null(params_find(&tree.data.via.map.ptr[0].key, "k"));
    assert_null(params_find(NULL, "k"));
    msgpack_unpacked_destroy(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_ones),
        cmocka_unit_test(data_of_all_kinds),
        cmocka_unit_test(wrong_ones),
        cmocka_unit_test(wrong_ones_of_a_session),
        cmocka_unit_test(the_first_wrong_one_is_told),
        cmocka_unit_test(odd_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
