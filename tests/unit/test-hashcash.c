/* Hashcash stamps: those of others are checked, ours are made. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/hashcash.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define NOW           ((int64_t)1700000000000) /* 2023-11-14 */

/* From the documentation of hashcash. */
static const char known[] = "1:20:1303030600:adam@cypherspace.org::McMybZIhxKXu57jd:ckvi";

static void test_known(void **state)
{
    (void)state;
    assert_true(hashcash_verify(known, 20, "adam@cypherspace.org"));
    assert_true(hashcash_verify(known, 6, "adam@cypherspace.org"));
    assert_false(hashcash_verify(known, 21, "adam@cypherspace.org"));
    assert_false(hashcash_verify(known, 20, "adam@cypherspace.or"));
    assert_false(hashcash_verify(known, 20, "adam@cypherspace.orgs"));
    assert_false(hashcash_verify(known, 20, ""));
}

/* Nothing but the hash is asked of them: 0 bits. */
static void test_shape(void **state)
{
    static const char *const bad[] = {
        "",
        ":",
        "1",
        "1:0:d:r::x",
        "0:0:d:r::x:1",
        "2:0:d:r::x:1",
        ":0:d:r::x:1",
        "1::d:r::x:1",
        "1:-1:d:r::x:1",
        "1:x:d:r::x:1",
        "1:0x1:d:r::x:1",
        "1:1000:d:r::x:1",
        "1:0:d:s::x:1",
        "1:0:d:r::x:1:",
        "1:0:d:r::x:1:2",
        "11:0:d:r::x:1",
    };

    (void)state;
    assert_true(hashcash_verify("1:0:d:r::x:1", 0, "r"));
    assert_true(hashcash_verify("1:000:::::", 0, ""));
    for (size_t i = 0; i < LENGTH(bad); i++) {
        if (hashcash_verify(bad[i], 0, "r"))
            fail_msg("accepted: %s", bad[i]);
    }
}

/* A stamp that was made for fewer bits, and by luck shows more. */
static void test_luck_does_not_count(void **state)
{
    char stamp[HASHCASH_STAMP_SIZE];
    uint64_t salt = 0;

    (void)state;
    do
        assert_int_equal(hashcash_solve(1, "r", NOW, salt++, NULL, stamp), HASHCASH_OK);
    while (!hashcash_verify(stamp, 1, "r"));
    assert_false(hashcash_verify(stamp, 2, "r"));
}

static void test_solve(void **state)
{
    char stamp[HASHCASH_STAMP_SIZE], other[HASHCASH_STAMP_SIZE];

    (void)state;
    for (unsigned bits = 0; bits <= 12; bits++) {
        assert_int_equal(hashcash_solve(bits, "relay/7", NOW, 42, NULL, stamp), HASHCASH_OK);
        assert_true(hashcash_verify(stamp, bits, "relay/7"));
        assert_false(hashcash_verify(stamp, bits, "relay/8"));
    }
    assert_memory_equal(stamp, "1:12:231114:relay/7::000000000000002a:", 38);
    assert_int_equal(hashcash_solve(12, "relay/7", NOW, 43, NULL, other), HASHCASH_OK);
    assert_string_not_equal(stamp, other);
}

static void test_refused(void **state)
{
    const atomic_bool stop = true;
    char stamp[HASHCASH_STAMP_SIZE] = "untouched", resource[300] = "";

    (void)state;
    assert_int_equal(hashcash_solve(HASHCASH_BITS_MAX + 1, "r", NOW, 1, NULL, stamp),
                     HASHCASH_REFUSED);
    assert_int_equal(hashcash_solve(1, "a:b", NOW, 1, NULL, stamp), HASHCASH_REFUSED);
    memset(resource, 'r', sizeof(resource) - 1);
    assert_int_equal(hashcash_solve(1, resource, NOW, 1, NULL, stamp), HASHCASH_REFUSED);
    assert_int_equal(hashcash_solve(HASHCASH_BITS_MAX, "r", NOW, 1, &stop, stamp),
                     HASHCASH_STOPPED);
    assert_string_equal(stamp, "untouched");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_luck_does_not_count),
        cmocka_unit_test(test_solve),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
