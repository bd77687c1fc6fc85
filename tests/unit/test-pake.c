/* The key exchange is the one of stock clients; no message that a stranger sends gets a key out of
 * it without the code. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "vectors.h"
#include "wormhole/pake.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define POINT_BYTES   (PAKE_MESSAGE_BYTES - 1)

#define CODE  "4-purple-sausages"
#define APPID "example.org/app"

/* Every point of small order: all encodings of the eight, and those with y not reduced mod p that
 * a lenient decoder would take for them. */
static const char *const small_order[] = {
    /* the identity, the point of order 2, those of order 4 */
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    /* those of order 8 */
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    /* the same with a sign that x = 0 has not, and with y + p */
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

/* One end of an exchange. */
struct end {
    uint8_t scalar[PAKE_SCALAR_BYTES];
    uint8_t message[PAKE_MESSAGE_BYTES];
    uint8_t key[PAKE_KEY_BYTES];
};

static void start(struct end *end, const char *code)
{
    uint8_t random[PAKE_RANDOM_BYTES];

    randombytes_buf(random, sizeof(random));
    assert_true(pake_start(code, random, end->scalar, end->message));
}

static enum pake_fault finish(struct end *end, const char *code, const struct end *peer)
{
    return pake_finish(code, APPID, end->scalar, end->message, peer->message, PAKE_MESSAGE_BYTES,
                       end->key);
}

/* ---- vectors ---- */

static void read_end(const json_t *vector, const char *scalar, const char *message, struct end *end)
{
    vectors_hex(vector, scalar, end->scalar, sizeof(end->scalar));
    vectors_hex(vector, message, end->message, sizeof(end->message));
}

static void check_end(const json_t *vector, struct end *end, const struct end *peer)
{
    const char *code = vectors_text(vector, "code");
    uint8_t expected[PAKE_KEY_BYTES], message[PAKE_MESSAGE_BYTES];

    assert_true(pake_message(code, end->scalar, message));
    assert_memory_equal(message, end->message, sizeof(message));
    assert_int_equal(pake_finish(code, vectors_text(vector, "appid"), end->scalar, message,
                                 peer->message, sizeof(peer->message), end->key),
                     PAKE_OK);
    vectors_hex(vector, "key", expected, sizeof(expected));
    assert_memory_equal(end->key, expected, sizeof(expected));
}

static void test_vectors(void **state)
{
    json_t *root, *vectors = vectors_load(&root), *vector;
    size_t i;

    (void)state;
    json_array_foreach(vectors, i, vector)
    {
        uint8_t expected[PAKE_SCALAR_BYTES], scalar[PAKE_SCALAR_BYTES];
        struct end a, b;

        pake_password_scalar(vectors_text(vector, "code"), scalar);
        vectors_hex(vector, "password_scalar", expected, sizeof(expected));
        assert_memory_equal(scalar, expected, sizeof(scalar));
        read_end(vector, "scalar_a", "pake_a", &a);
        read_end(vector, "scalar_b", "pake_b", &b);
        check_end(vector, &a, &b);
        check_end(vector, &b, &a);
    }
    json_decref(root);
}

/* ---- honest ends ---- */

static void random_code(char *ret_code, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++)
        ret_code[i] = (char)('!' + randombytes_uniform('~' - '!' + 1));
    ret_code[size - 1] = '\0';
}

static void test_both_ends_agree(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 32; round++) {
        char code[2 + 32];
        struct end a, b;

        random_code(code, 2 + round);
        start(&a, code);
        start(&b, code);
        assert_int_equal(finish(&a, code, &b), PAKE_OK);
        assert_int_equal(finish(&b, code, &a), PAKE_OK);
        assert_memory_equal(a.key, b.key, sizeof(a.key));
    }
}

static void test_wrong_code_disagrees(void **state)
{
    static const char *const wrong[] = {"5-purple-sausages", "4-purple-sausage",
                                        "4-Purple-sausages", ""};

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        struct end a, b;

        start(&a, CODE);
        start(&b, wrong[i]);
        assert_int_equal(finish(&a, CODE, &b), PAKE_OK);
        assert_int_equal(finish(&b, wrong[i], &a), PAKE_OK);
        assert_memory_not_equal(a.key, b.key, sizeof(a.key));
    }
}

static void test_appid_separates(void **state)
{
    uint8_t other[PAKE_KEY_BYTES];
    struct end a, b;

    (void)state;
    start(&a, CODE);
    start(&b, CODE);
    assert_int_equal(finish(&a, CODE, &b), PAKE_OK);
    assert_int_equal(
        pake_finish(CODE, APPID "2", b.scalar, b.message, a.message, sizeof(a.message), other),
        PAKE_OK);
    assert_memory_not_equal(a.key, other, sizeof(other));
}

static void test_start_is_a_function_of_its_randomness(void **state)
{
    uint8_t random[PAKE_RANDOM_BYTES];
    struct end a, b;

    (void)state;
    randombytes_buf(random, sizeof(random));
    assert_true(pake_start(CODE, random, a.scalar, a.message));
    assert_true(pake_start(CODE, random, b.scalar, b.message));
    assert_memory_equal(a.scalar, b.scalar, sizeof(a.scalar));
    assert_memory_equal(a.message, b.message, sizeof(a.message));
    assert_true(pake_message(CODE, a.scalar, b.message));
    assert_memory_equal(a.message, b.message, sizeof(a.message));
    random[63] ^= 1;
    assert_true(pake_start(CODE, random, b.scalar, b.message));
    assert_memory_not_equal(a.scalar, b.scalar, sizeof(a.scalar));
}

/* x = 0 gives no message: other randomness is needed. */
static void test_degenerate_scalars(void **state)
{
    static const uint8_t zeros[PAKE_RANDOM_BYTES];
    uint8_t random[PAKE_RANDOM_BYTES] = {0};
    struct end end, untouched;

    (void)state;
    memset(&end, 0xa5, sizeof(end));
    untouched = end;
    assert_false(pake_start(CODE, zeros, end.scalar, end.message));
    assert_false(pake_message(CODE, zeros, end.message));
    /* L itself, which is 0 when reduced. */
    vectors_bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", random,
                  sizeof(random));
    assert_false(pake_start(CODE, random, end.scalar, end.message));
    assert_memory_equal(&end, &untouched, sizeof(end));
}

/* ---- hostile messages ---- */

/* Feeds one message to an end that began honestly. It must be refused, and give no key. */
static void expect_refused(const uint8_t *message, size_t length, enum pake_fault fault)
{
    uint8_t *theirs = malloc(length + 1), untouched[PAKE_KEY_BYTES];
    struct end end;

    assert_non_null(theirs);
    memcpy(theirs, message, length);
    start(&end, CODE);
    memset(end.key, 0xa5, sizeof(end.key));
    memset(untouched, 0xa5, sizeof(untouched));
    assert_int_equal(pake_finish(CODE, APPID, end.scalar, end.message, theirs, length, end.key),
                     fault);
    assert_memory_equal(end.key, untouched, sizeof(untouched));
    free(theirs);
}

static void expect_bad_point(const uint8_t point[POINT_BYTES])
{
    uint8_t message[PAKE_MESSAGE_BYTES] = {'S'};

    memcpy(message + 1, point, POINT_BYTES);
    expect_refused(message, sizeof(message), PAKE_BAD_POINT);
}

static void test_reflection(void **state)
{
    struct end end;

    (void)state;
    start(&end, CODE);
    assert_int_equal(finish(&end, CODE, &end), PAKE_REFLECTED);
}

static void test_malformed(void **state)
{
    uint8_t longer[2 * PAKE_MESSAGE_BYTES] = {0};
    struct end peer;

    (void)state;
    start(&peer, CODE);
    memcpy(longer, peer.message, sizeof(peer.message));
    for (size_t length = 0; length <= sizeof(longer); length++) {
        if (length != PAKE_MESSAGE_BYTES)
            expect_refused(longer, length, PAKE_MALFORMED);
    }
    for (unsigned first = 0; first < 256; first++) {
        peer.message[0] = (uint8_t)first;
        if (first != 'S') /* 'A' and 'B' are python-spake2's sides of the asymmetric kind */
            expect_refused(peer.message, sizeof(peer.message), PAKE_MALFORMED);
    }
}

static void test_small_order(void **state)
{
    uint8_t point[POINT_BYTES];

    (void)state;
    for (size_t i = 0; i < LENGTH(small_order); i++) {
        assert_int_equal(vectors_bytes(small_order[i], point, sizeof(point)), sizeof(point));
        expect_bad_point(point);
    }
}

/* An honest point plus one of small order is on the curve, but outside of the main subgroup: it
 * would tell our scalar mod 8. */
static void test_outside_subgroup(void **state)
{
    uint8_t torsion[POINT_BYTES], point[POINT_BYTES];
    struct end peer;

    (void)state;
    start(&peer, CODE);
    for (size_t i = 1; i < 8; i++) {
        vectors_bytes(small_order[i], torsion, sizeof(torsion));
        assert_int_equal(crypto_core_ed25519_add(point, peer.message + 1, torsion), 0);
        expect_bad_point(point);
    }
}

/* All y from p to 2^255 - 1, with either sign. */
static void test_not_canonical(void **state)
{
    uint8_t point[POINT_BYTES];

    (void)state;
    memset(point, 0xff, sizeof(point));
    for (unsigned low = 0xed; low <= 0xff; low++) {
        point[0] = (uint8_t)low;
        point[31] = 0x7f;
        expect_bad_point(point);
        point[31] = 0xff;
        expect_bad_point(point);
    }
}

/* y for which x² = (y² − 1) / (dy² + 1) is no square. */
static void test_not_on_the_curve(void **state)
{
    static const uint8_t ys[] = {2, 7, 8, 11, 12, 13, 17, 20, 22, 31, 34, 36, 38};
    uint8_t point[POINT_BYTES] = {0};

    (void)state;
    for (size_t i = 0; i < LENGTH(ys); i++) {
        point[0] = ys[i];
        point[31] = 0;
        expect_bad_point(point);
        point[31] = 0x80;
        expect_bad_point(point);
    }
}

/* Y = w·S takes knowing the code, and makes K the identity whatever our scalar is. */
static void test_identity_as_shared_point(void **state)
{
    uint8_t element_s[POINT_BYTES], password[PAKE_SCALAR_BYTES], point[POINT_BYTES];
    json_t *root;

    (void)state;
    vectors_load(&root);
    vectors_hex(root, "symmetric_element_S", element_s, sizeof(element_s));
    json_decref(root);
    pake_password_scalar(CODE, password);
    assert_int_equal(crypto_scalarmult_ed25519_noclamp(point, password, element_s), 0);
    expect_bad_point(point);
}

static void test_texts(void **state)
{
    (void)state;
    for (int fault = PAKE_OK; fault <= PAKE_REFLECTED; fault++)
        assert_true(strlen(pake_fault_text((enum pake_fault)fault)) > 10);
}

static int set_up(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_both_ends_agree),
        cmocka_unit_test(test_wrong_code_disagrees),
        cmocka_unit_test(test_appid_separates),
        cmocka_unit_test(test_start_is_a_function_of_its_randomness),
        cmocka_unit_test(test_degenerate_scalars),
        cmocka_unit_test(test_reflection),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_small_order),
        cmocka_unit_test(test_outside_subgroup),
        cmocka_unit_test(test_not_canonical),
        cmocka_unit_test(test_not_on_the_curve),
        cmocka_unit_test(test_identity_as_shared_point),
        cmocka_unit_test(test_texts),
    };

    return cmocka_run_group_tests_name("pake", tests, set_up, NULL);
}
