/* Values, sessions and JSON, as a callback gets them and as copies. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/message.h"
#include "libclient/client.h"
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
    return wormclient__value(&tree->unpacked.data);
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
    assert_int_equal(wormclient_value_count(map), 8);
    assert_null(wormclient_value_at(map, 8));
    assert_int_equal(wormclient_value_count(wormclient_value_get(map, "num")), 0);
    assert_null(wormclient_value_at(wormclient_value_get(map, "num"), 0));
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
    struct wormclient_value *copy = wormclient__value_dup(tree_from(&tree, BYTES(MAP)));
    tree_free(&tree);
    assert_non_null(copy);
    check_map(copy);
    wormclient_result_free(copy);
}

static void types(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        enum wormclient_type type;
    } values[] = {
        {BYTES("\xc0"), WORMCLIENT_TYPE_NIL},
        {BYTES("\xc2"), WORMCLIENT_TYPE_FLAG},
        {BYTES("\x01"), WORMCLIENT_TYPE_NUMBER},
        {BYTES("\xff"), WORMCLIENT_TYPE_NUMBER},
        {BYTES("\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"), WORMCLIENT_TYPE_OTHER},
        {BYTES("\xa1x"), WORMCLIENT_TYPE_TEXT},
        {BYTES("\xc4\x01x"), WORMCLIENT_TYPE_DATA},
        {BYTES("\x90"), WORMCLIENT_TYPE_ARRAY},
        {BYTES("\x80"), WORMCLIENT_TYPE_MAP},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct tree tree;
        const struct wormclient_value *value = tree_from(&tree, values[i].bytes, values[i].size);
        assert_int_equal(wormclient_value_type(value), values[i].type);
        tree_free(&tree);
    }
    assert_int_equal(wormclient_value_type(NULL), WORMCLIENT_TYPE_NIL);
}

/* A map can be walked through, whatever is in it. */
static void entries(void **state)
{
    (void)state;
    struct tree tree;
    const struct wormclient_value *map =
        tree_from(&tree, BYTES("\x83\xa1z\x05\x01\x02\xa1k\x91\x07"));
    assert_int_equal(wormclient_value_count(map), 3);
    assert_string_equal(wormclient_value_key(map, 0), "z");
    assert_int_equal(wormclient_value_number(wormclient_value_at(map, 0), NULL, 0), 5);
    assert_null(wormclient_value_key(map, 1));
    assert_string_equal(wormclient_value_key(map, 2), "k");
    const struct wormclient_value *array = wormclient_value_at(map, 2);
    assert_int_equal(wormclient_value_count(array), 1);
    assert_null(wormclient_value_key(array, 0));
    assert_null(wormclient_value_key(map, 3));
    assert_null(wormclient_value_at(map, 3));
    assert_null(wormclient_value_key(NULL, 0));
    tree_free(&tree);
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
        struct wormclient_error error = WORMCLIENT_ERROR_INIT;
        assert_null(
            wormclient_session_from(tree_from(&tree, views[i].bytes, views[i].size), &error));
        assert_int_equal(error.code, WORMCLIENT_ERROR_PROTOCOL);
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
        cmocka_unit_test(types),
        cmocka_unit_test(entries),
        cmocka_unit_test(session),
        cmocka_unit_test(no_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
