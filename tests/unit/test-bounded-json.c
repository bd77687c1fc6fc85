/* A stranger's JSON costs neither stack nor memory beyond its bounds. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bounded_json.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* Loads from memory of exactly this size, where a look beyond the end is seen. */
static enum bounded_json_fault load(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);
    json_t *root = NULL;
    enum bounded_json_fault fault;

    assert_non_null(copy);
    memcpy(copy, text, length);
    fault = bounded_json_load(copy, length, &root);
    assert_int_equal(root != NULL, fault == BOUNDED_JSON_OK);
    json_decref(root);
    free(copy);
    return fault;
}

static void expect(const char *text, enum bounded_json_fault fault)
{
    if (load(text, strlen(text)) != fault)
        fail_msg("not fault %d: %.60s", fault, text);
}

static void test_good(void **state)
{
    (void)state;
    expect("{}", BOUNDED_JSON_OK);
    expect(" \t\r\n{\"a\": [1, -2.5e3, true, false, null, {}]} \n", BOUNDED_JSON_OK);
    expect("{\"a\": \"\\u00fc\\ud83d\\udc22\\\"\\\\\", \"\xc3\xbc\": \"\xf0\x9f\x90\xa2\"}",
           BOUNDED_JSON_OK);
    expect("{\"a\": 9223372036854775807, \"b\": -9223372036854775808}", BOUNDED_JSON_OK);
}

static void test_last_one_counts(void **state)
{
    static const char text[] = "{\"a\": 1, \"a\": 2}";
    json_t *root;

    (void)state;
    assert_int_equal(bounded_json_load(text, strlen(text), &root), BOUNDED_JSON_OK);
    assert_int_equal(json_integer_value(json_object_get(root, "a")), 2);
    json_decref(root);
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "[]",
        "[{}]",
        "1",
        "\"a\"",
        "null",
        "true",
        "nonsense",
        "{}{}",
        "{} x",
        "{}]",
        "{},",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":[1,]}",
        "{\"a\":[1}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":-}",
        "{\"a\":0x1}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        /* numbers that no type holds */
        "{\"a\":9223372036854775808}",
        "{\"a\":-9223372036854775809}",
        "{\"a\":1e999}",
        "{\"a\":-1e999}",
        "{\"a\":123456789012345678901234567890}",
        /* strings */
        "{\"a\":\"}",
        "{\"a\":\"\\\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"\\u0000\":1}",
        "{\"a\\u0000b\":1}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\\ud800\\ud800\"}",
        /* no UTF-8 */
        "\xef\xbb\xbf{}",
        "{\"a\":\"\x80\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\xaf\"}",
        "{\"a\":\"\xe0\x80\x80\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"a\":\"\xf4\x90\x80\x80\"}",
        "{\"a\":\"\xc3\"}",
        "{\"a\":\"\xc3",
        "{\"\xe2\x82\":1}",
        "{\xa0}",
        /* comments are no JSON */
        "{/**/}",
        "{}//",
        "{}#",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(texts); i++)
        expect(texts[i], BOUNDED_JSON_REFUSED);
}

static void test_raw_nul(void **state)
{
    (void)state;
    assert_int_equal(load("\0{}", 3), BOUNDED_JSON_REFUSED);
    assert_int_equal(load("{}\0", 3), BOUNDED_JSON_REFUSED);
    assert_int_equal(load("{}\0{}", 5), BOUNDED_JSON_REFUSED);
    assert_int_equal(load("{\0}", 3), BOUNDED_JSON_REFUSED);
    assert_int_equal(load("{\"a\":\"b\0c\"}", 11), BOUNDED_JSON_REFUSED);
    assert_int_equal(load("{\"a\0b\":1}", 9), BOUNDED_JSON_REFUSED);
    assert_int_equal(load("\0", 1), BOUNDED_JSON_REFUSED);
}

/* {"a":X} where X is `count` times `open`, then `count` times `close`. */
static enum bounded_json_fault load_nested(size_t count, const char *open, const char *close)
{
    size_t room = count * (strlen(open) + strlen(close)) + 16;
    char *text = malloc(room), *at = text;
    enum bounded_json_fault fault;

    assert_non_null(text);
    at = stpcpy(at, "{\"a\":");
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, open);
    at = stpcpy(at, "1");
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, close);
    at = stpcpy(at, "}");
    fault = load(text, (size_t)(at - text));
    free(text);
    return fault;
}

static void test_nesting(void **state)
{
    (void)state;
    assert_int_equal(load_nested(BOUNDED_JSON_DEPTH_MAX - 1, "[", "]"), BOUNDED_JSON_OK);
    assert_int_equal(load_nested(BOUNDED_JSON_DEPTH_MAX, "[", "]"), BOUNDED_JSON_REFUSED);
    assert_int_equal(load_nested(BOUNDED_JSON_DEPTH_MAX - 1, "{\"a\":", "}"), BOUNDED_JSON_OK);
    assert_int_equal(load_nested(BOUNDED_JSON_DEPTH_MAX, "{\"a\":", "}"), BOUNDED_JSON_REFUSED);
    assert_int_equal(load_nested(1000000, "[", "]"), BOUNDED_JSON_REFUSED);
    assert_int_equal(load_nested(1000000, "[", ""), BOUNDED_JSON_REFUSED);
    assert_int_equal(load_nested(1000000, "", "]"), BOUNDED_JSON_REFUSED);
    /* Breadth is no depth, nor is what stands in a string. */
    assert_int_equal(load_nested(1,
                                 "[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
                                 "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],",
                                 "]"),
                     BOUNDED_JSON_OK);
    expect("{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\\\",\"b\":[]}",
           BOUNDED_JSON_OK);
    expect("{\"a\":\"\\\\\",\"b\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
           "]]}",
           BOUNDED_JSON_REFUSED);
}

/* [1,1,1,…] with `items` things that count: the object, its colon, the array, the commas. */
static enum bounded_json_fault load_wide(size_t items)
{
    char *text = malloc(2 * items + 16), *at = text;
    enum bounded_json_fault fault;

    assert_non_null(text);
    at = stpcpy(at, "{\"a\":[1");
    for (size_t i = 3; i < items; i++)
        at = stpcpy(at, ",1");
    at = stpcpy(at, "]}");
    fault = load(text, (size_t)(at - text));
    free(text);
    return fault;
}

static void test_items(void **state)
{
    (void)state;
    assert_int_equal(load_wide(BOUNDED_JSON_ITEMS_MAX), BOUNDED_JSON_OK);
    assert_int_equal(load_wide(BOUNDED_JSON_ITEMS_MAX + 1), BOUNDED_JSON_REFUSED);
    /* Separators in a string are none. */
    char *text = malloc(2 * BOUNDED_JSON_ITEMS_MAX + 16);
    assert_non_null(text);
    sprintf(text, "{\"a\":\"%0*d\"}", 2 * BOUNDED_JSON_ITEMS_MAX, 0);
    memset(text + 6, ',', 2 * BOUNDED_JSON_ITEMS_MAX);
    expect(text, BOUNDED_JSON_OK);
    free(text);
}

/* A long body is read by another way than by jansson: with the same result, whatever is around. */
static void test_long_body(void **state)
{
    static const char *const around[] = {
        "{\"type\":\"add\",\"body\":\"%s\",\"phase\":\"p\"}",
        "{ \"body\" :\n\t\"%s\" }",
        "{\"body\":\"%s\",\"body\":\"00\"}",
        "{\"body\":\"%s\",\"bod\\u0079\":\"00\"}",
        "{\"body\":\"00\",\"body\":\"%s\"}",
        "{\"body\":\"%s\",\"body\":null}",
        "{\"body\":\"%s\",\"phase\":\"body\"}",
        "{\"body\":\"%s\",\"a\":{\"body\":\"00\"}}",
        "{\"a\":{\"body\":\"%s\"}}",
        "{\"body\":[\"%s\"]}",
        "{\"body\":{\"%s\":1}}",
        "{\"body\":1,\"a\":\"%s\"}",
        "{\"a\":\"body\",\"b\":\"%s\"}",
        "{\"bod\\u0079\":\"%s\"}",
        "{\"body\":\"%sg\"}",
        "{\"body\":\"%s\\u0030\"}",
        "{\"body\":\"%s\xff\"}",
        "{\"body\":\"%s\xc3\xa9\"}",
        "{\"body\" \"%s\"}",
        "{\"body\":\"%s\":1}",
        "{\"body\":\"%s\"",
        "{\"body\":\"%s",
        "{\"body\":\"%s\"}}",
        "{\"body\":\"%s\"}x",
        "[\"body\",\"%s\"]",
    };
    char *hex = malloc(200001);

    (void)state;
    assert_non_null(hex);
    for (size_t i = 0; i < 200000; i++)
        hex[i] = "0123456789abcdefABCDEF"[i % 22];
    hex[200000] = '\0';
    for (size_t i = 0; i < sizeof(around) / sizeof(*around); i++) {
        char *text = malloc(strlen(around[i]) + 200001);
        assert_non_null(text);
        size_t length = (size_t)sprintf(text, around[i], hex);
        json_t *root = NULL, *expected = json_loadb(text, length, 0, NULL);
        struct bounded_json_body body = {.hex = NULL};
        bool good =
            bounded_json_load_apart(text, length, SIZE_MAX, &root, &body) == BOUNDED_JSON_OK;
        assert_int_equal(good, json_is_object(expected));
        if (body.hex != NULL) {
            assert_string_equal(json_string_value(json_object_get(root, "body")), "");
            json_object_set_new(root, "body", json_stringn(body.hex, body.length));
        }
        assert_true(!good || json_equal(root, expected));
        json_decref(root);
        json_decref(expected);
        free(text);
    }
    free(hex);
}

#ifndef __SANITIZE_ADDRESS__ /* which takes address space for itself */
/* jansson would need four times the memory of the longest string, and be slow: a body of 32 MiB
 * does not go through it, and stays where it is. */
static void test_body_is_not_copied(void **state)
{
    static const char head[] = "{\"type\":\"add\",\"phase\":\"p\",\"body\":\"", tail[] = "\"}";
    size_t hex = (size_t)32 << 20, length = sizeof(head) - 1 + hex + sizeof(tail) - 1;
    struct rlimit before, limit;
    unsigned long pages = 0;
    struct bounded_json_body body = {.hex = NULL};
    json_t *root = NULL;
    char *text = malloc(length);
    FILE *file = fopen("/proc/self/statm", "r");

    (void)state;
    assert_non_null(text);
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    memcpy(text, head, sizeof(head) - 1);
    memset(text + sizeof(head) - 1, 'a', hex);
    memcpy(text + length - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + hex / 2;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    enum bounded_json_fault fault = bounded_json_load_apart(text, length, SIZE_MAX, &root, &body);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(fault, BOUNDED_JSON_OK);
    assert_ptr_equal(body.hex, text + sizeof(head) - 1);
    assert_int_equal(body.length, hex);
    json_decref(root);
    free(text);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_last_one_counts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_raw_nul),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_long_body),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(test_body_is_not_copied),
#endif
    };

    return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
