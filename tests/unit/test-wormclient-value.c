/* Values, sessions and JSON, as a callback gets them and as copies. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/tree.h"
#include "libclient/value.h"
#include "libclient/wormclient.h"
#include "wormclient-peer.h"

/* A value out of bytes; free with tree_free. */
struct tree {
    uint8_t *data;
    msgpack_unpacked unpacked;
};

static const struct wormclient_value *tree_from(struct tree *tree, const char *bytes, size_t size)
{
    tree->data = malloc(size);
    assert_non_null(tree->data);
    memcpy(tree->data, bytes, size);
    assert_int_equal(tree_decode(tree->data, size, &tree->unpacked), TREE_OK);
    return value_from(&tree->unpacked.data);
}

static void tree_free(struct tree *tree)
{
    msgpack_unpacked_destroy(&tree->unpacked);
    free(tree->data);
}

static const char MAP[] = "\x88\xa4text\xa2hi"
                          "\xa4"
                          "data\xc4\x02\x00\x01"
                          "\xa3num\xfb"
                          "\xa3"
                          "big\xcf\xff\xff\xff\xff\xff\xff\xff\xff"
                          "\xa4"
                          "flag\xc3"
                          "\xa3nil\xc0"
                          "\xa5"
                          "array\x92\x01\x81\xa1k\xa1v"
                          "\xa3nul\xa3"
                          "a\0b";

static void check_map(const struct wormclient_value *map)
{
    size_t length = 0;
    assert_string_equal(wormclient_value_text(map, "text"), "hi");
    assert_memory_equal(wormclient_value_data(map, "data", &length), "\0\1", 2);
    assert_int_equal(length, 2);
    assert_int_equal(wormclient_value_number(map, "num", 0), -5);
    assert_true(wormclient_value_flag(map, "flag", false));
    const struct wormclient_value *array = wormclient_value_get(map, "array");
    assert_int_equal(wormclient_value_count(array), 2);
    assert_string_equal(wormclient_value_text(wormclient_value_at(array, 1), "k"), "v");
    assert_null(wormclient_value_at(array, 2));
}

static void right_types(void **state)
{
    (void)state;
    struct tree tree;
    check_map(tree_from(&tree, BYTES(MAP)));
    tree_free(&tree);
}

/* Without a key it is the value itself that is looked at. */
static void elements(void **state)
{
    (void)state;
    struct tree tree;
    size_t length = 0;
    const struct wormclient_value *array =
        tree_from(&tree, BYTES("\x94\xa2hi\xc4\x01\x07\xfb\xc3"));
    assert_string_equal(wormclient_value_text(wormclient_value_at(array, 0), NULL), "hi");
    assert_memory_equal(wormclient_value_data(wormclient_value_at(array, 1), NULL, &length), "\7",
                        1);
    assert_int_equal(length, 1);
    assert_int_equal(wormclient_value_number(wormclient_value_at(array, 2), NULL, 0), -5);
    assert_true(wormclient_value_flag(wormclient_value_at(array, 3), NULL, false));
    assert_null(wormclient_value_text(wormclient_value_at(array, 3), NULL));
    assert_null(wormclient_value_text(wormclient_value_at(array, 4), NULL));
    tree_free(&tree);
}

static void other_types(void **state)
{
    (void)state;
    struct tree tree;
    const struct wormclient_value *map = tree_from(&tree, BYTES(MAP));
    size_t length = 9;
    assert_null(wormclient_value_text(map, "data"));
    assert_null(wormclient_value_text(map, "nil"));
    assert_null(wormclient_value_text(map, "absent"));
    assert_null(wormclient_value_text(map, "nul")); /* it would end early */
    assert_null(wormclient_value_data(map, "text", &length));
    assert_int_equal(length, 9);
    assert_int_equal(wormclient_value_number(map, "text", -7), -7);
    assert_int_equal(wormclient_value_number(map, "big", -7), -7);
    assert_false(wormclient_value_flag(map, "num", false));
    assert_non_null(wormclient_value_get(map, "nil"));
    assert_null(wormclient_value_get(map, "absent"));
    assert_int_equal(wormclient_value_count(map), 0);
    assert_null(wormclient_value_at(map, 0));
    tree_free(&tree);
}

/* Chains of calls need no check in between. */
static void no_value_at_all(void **state)
{
    (void)state;
    size_t length;
    assert_null(wormclient_value_get(NULL, "k"));
    assert_null(wormclient_value_text(NULL, "k"));
    assert_null(wormclient_value_data(NULL, "k", &length));
    assert_int_equal(wormclient_value_number(NULL, "k", 3), 3);
    assert_true(wormclient_value_flag(NULL, "k", true));
    assert_int_equal(wormclient_value_count(NULL), 0);
    assert_null(wormclient_value_at(NULL, 0));
    wormclient_result_free(NULL);
    wormclient_session_free(NULL);
    wormclient_params_free(NULL);
}

static void copies_stand_alone(void **state)
{
    (void)state;
    struct tree tree;
    struct wormclient_value *copy = value_copy(tree_from(&tree, BYTES(MAP)));
    tree_free(&tree);
    assert_non_null(copy);
    check_map(copy);
    wormclient_result_free(copy);
}

static const struct {
    const char *bytes;
    size_t size;
    const char *json; /* NULL: there is none */
} JSON[] = {
    {BYTES("\xc0"), "null"},
    {BYTES("\xc2"), "false"},
    {BYTES("\x93\x01\xff\xc3"), "[1,-1,true]"},
    {BYTES("\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"), "1.5"},
    {BYTES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), "9223372036854775807"},
    {BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "1.8446744073709552e19"},
    {BYTES("\xa7\xc3\xa4\"\n\\\0x"), "\"\xc3\xa4\\\"\\n\\\\\\u0000x\""},
    {BYTES("\x82\xa1z\xc4\x01\xff\xa1"
           "a\xa0"),
     "{\"z\":\"/w==\",\"a\":\"\"}"},
    {BYTES("\x82\x01\x02\xa1k\x90"), "{\"k\":[]}"},
    /* base64: RFC 4648, section 10 */
    {BYTES("\xc4\x00"), "\"\""},
    {BYTES("\xc4\x01"
           "f"),
     "\"Zg==\""},
    {BYTES("\xc4\x02"
           "fo"),
     "\"Zm8=\""},
    {BYTES("\xc4\x06"
           "foobar"),
     "\"Zm9vYmFy\""},
    {BYTES("\xc4\x04\xfb\xef\xff\x00"), "\"++//AA==\""},
    {BYTES("\xa1\xff"), NULL},
    {BYTES("\x81\xa1k\x91\xa1\xff"), NULL},
};

static void json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(JSON) / sizeof(JSON[0]); i++) {
        struct tree tree;
        char *text = wormclient_value_json(tree_from(&tree, JSON[i].bytes, JSON[i].size));
        if (JSON[i].json == NULL)
            assert_null(text);
        else
            assert_string_equal(text, JSON[i].json);
        free(text);
        tree_free(&tree);
    }
}

static void session(void **state)
{
    (void)state;
    struct tree tree;
    struct wormclient_session *session =
        wormclient_session_from(tree_from(&tree, BYTES("\x86\xa2id\xa2"
                                                       "00\xa5state\xa6"
                                                       "closed\xa4name\xc0\xa4"
                                                       "code\xa3"
                                                       "1-x\xa6result\xa5happy\xa6unread\x03")),
                                NULL);
    tree_free(&tree);
    assert_non_null(session);
    assert_string_equal(wormclient_session_id(session), "00");
    assert_string_equal(wormclient_session_state(session), "closed");
    assert_null(wormclient_session_name(session));
    assert_string_equal(wormclient_session_code(session), "1-x");
    assert_string_equal(wormclient_session_result(session), "happy");
    assert_int_equal(wormclient_value_number(wormclient_session_view(session), "unread", 0), 3);
    wormclient_session_free(session);
}

static void no_session(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } views[] = {
        {BYTES("\xc0")},
        {BYTES("\x80")},
        {BYTES("\x81\xa2id\xa1x")},
        {BYTES("\x82\xa2id\x01\xa5state\xa1x")},
        {BYTES("\x82\xa2id\xa1x\xa5state\xc0")},
    };
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        struct tree tree;
        struct wormclient_error error;
        assert_null(
            wormclient_session_from(tree_from(&tree, views[i].bytes, views[i].size), &error));
        assert_int_equal(error.code, WORMCLIENT_PROTOCOL);
        tree_free(&tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_types),
        cmocka_unit_test(elements),
        cmocka_unit_test(other_types),
        cmocka_unit_test(no_value_at_all),
        cmocka_unit_test(copies_stand_alone),
        cmocka_unit_test(json),
        cmocka_unit_test(session),
        cmocka_unit_test(no_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
