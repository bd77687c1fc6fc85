/* Keys and boxes are those of stock clients, and what was tampered with never opens. */
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
#include "wormhole/keys.h"

/* RFC 5869, A.3: SHA-256, empty salt and info. */
static void test_hkdf_rfc(void **state)
{
    uint8_t ikm[22], output[42], expected[42];

    (void)state;
    memset(ikm, 0x0b, sizeof(ikm));
    vectors_bytes("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                  "9d201395faa4b61a96c8",
                  expected, sizeof(expected));
    assert_true(keys_hkdf(ikm, sizeof(ikm), NULL, 0, output, sizeof(output)));
    assert_memory_equal(output, expected, sizeof(output));
}

/* HKDF is a stream: a shorter output is the beginning of a longer one, up to the limit. */
static void test_hkdf_lengths(void **state)
{
    static uint8_t longest[KEYS_DERIVE_MAX];
    static const size_t lengths[] = {0, 1, 31, 32, 33, 64, 65, KEYS_DERIVE_MAX - 1};

    (void)state;
    assert_true(
        keys_hkdf((const uint8_t *)"k", 1, (const uint8_t *)"i", 1, longest, sizeof(longest)));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        uint8_t *output = malloc(lengths[i] + 1);

        assert_non_null(output);
        output[lengths[i]] = 0xa5;
        assert_true(
            keys_hkdf((const uint8_t *)"k", 1, (const uint8_t *)"i", 1, output, lengths[i]));
        assert_memory_equal(output, longest, lengths[i]);
        assert_int_equal(output[lengths[i]], 0xa5);
        free(output);
    }
}

static void test_too_long(void **state)
{
    static const uint8_t key[KEY_BYTES];
    static uint8_t output[KEYS_DERIVE_MAX + 1];

    (void)state;
    assert_false(keys_hkdf(key, sizeof(key), NULL, 0, output, sizeof(output)));
    assert_false(keys_derive(key, "purpose", output, sizeof(output)));
    assert_false(keys_derive(key, "purpose", output, SIZE_MAX));
    assert_true(sodium_is_zero(output, sizeof(output)));
}

static void check_phase_keys(const json_t *vector, const uint8_t key[KEY_BYTES])
{
    json_t *phases = json_object_get(vector, "phase_keys");
    const char *name;
    json_t *value;

    assert_true(json_object_size(phases) > 0);
    json_object_foreach(phases, name, value)
    {
        uint8_t expected[KEY_BYTES], derived[KEY_BYTES];
        const char *slash = strchr(name, '/');
        char side[32] = "";

        assert_non_null(slash);
        memcpy(side, name, (size_t)(slash - name));
        vectors_hex(phases, name, expected, sizeof(expected));
        keys_phase(key, side, slash + 1, derived);
        assert_memory_equal(derived, expected, sizeof(derived));
    }
}

static void check_box(const json_t *box, const uint8_t key[KEY_BYTES])
{
    uint8_t phase_key[KEY_BYTES], nonce[KEYS_NONCE_BYTES];
    uint8_t plain[256], body[256], made[256];
    size_t length = vectors_bytes(vectors_text(box, "plaintext"), plain, sizeof(plain));
    size_t sealed = vectors_bytes(vectors_text(box, "body"), body, sizeof(body));

    vectors_hex(box, "nonce", nonce, sizeof(nonce));
    assert_int_equal(sealed, length + KEYS_SEALED_EXTRA);
    keys_phase(key, vectors_text(box, "side"), vectors_text(box, "phase"), phase_key);
    keys_seal(phase_key, nonce, plain, length, made);
    assert_memory_equal(made, body, sealed);
    assert_true(keys_open(phase_key, body, sealed, made));
    assert_memory_equal(made, plain, length);
}

static void test_vectors(void **state)
{
    json_t *root, *vectors = vectors_load(&root), *vector;
    size_t i;

    (void)state;
    json_array_foreach(vectors, i, vector)
    {
        uint8_t key[KEY_BYTES], expected[KEY_BYTES], verifier[KEY_BYTES];

        vectors_hex(vector, "key", key, sizeof(key));
        vectors_hex(vector, "verifier", expected, sizeof(expected));
        keys_verifier(key, verifier);
        assert_memory_equal(verifier, expected, sizeof(verifier));
        assert_true(keys_derive(key, "wormhole:verifier", verifier, sizeof(verifier)));
        assert_memory_equal(verifier, expected, sizeof(verifier));
        check_phase_keys(vector, key);
        check_box(json_object_get(vector, "box"), key);
    }
    json_decref(root);
}

/* A sealed message of `length` bytes in memory of exactly its size. free(). */
static uint8_t *seal(const uint8_t key[KEY_BYTES], const uint8_t *plain, size_t length)
{
    static const uint8_t nonce[KEYS_NONCE_BYTES] = {1, 2, 3};
    uint8_t *sealed = malloc(length + KEYS_SEALED_EXTRA);

    assert_non_null(sealed);
    keys_seal(key, nonce, plain, length, sealed);
    return sealed;
}

static void test_lengths(void **state)
{
    static const uint8_t key[KEY_BYTES] = {9};
    uint8_t plain[130], opened[130];

    (void)state;
    randombytes_buf(plain, sizeof(plain));
    for (size_t length = 0; length <= sizeof(plain); length++) {
        uint8_t *sealed = seal(key, plain, length);

        memset(opened, 0, sizeof(opened));
        assert_true(keys_open(key, sealed, length + KEYS_SEALED_EXTRA, opened));
        assert_memory_equal(opened, plain, length);
        free(sealed);
    }
}

/* Expects that nothing opens, and that nothing is written. */
static void expect_closed(const uint8_t key[KEY_BYTES], const uint8_t *sealed, size_t length)
{
    uint8_t *copy = malloc(length + 1), opened[64], untouched[64];

    assert_non_null(copy);
    memcpy(copy, sealed, length);
    memset(opened, 0xa5, sizeof(opened));
    memset(untouched, 0xa5, sizeof(untouched));
    assert_false(keys_open(key, copy, length, opened));
    assert_memory_equal(opened, untouched, sizeof(opened));
    free(copy);
}

static void test_tampered(void **state)
{
    static const uint8_t key[KEY_BYTES] = {9}, wrong[KEY_BYTES] = {8};
    static const uint8_t plain[] = "attack at dawn";
    size_t length = sizeof(plain) + KEYS_SEALED_EXTRA;
    uint8_t *sealed = seal(key, plain, sizeof(plain));

    (void)state;
    expect_closed(wrong, sealed, length);
    for (size_t shorter = 0; shorter < length; shorter++)
        expect_closed(key, sealed, shorter);
    for (size_t bit = 0; bit < 8 * length; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        expect_closed(key, sealed, length);
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(sealed);
}

/* Side and phase are hashed one by one: moving a letter across gives another key. */
static void test_phase_keys_differ(void **state)
{
    static const uint8_t key[KEY_BYTES] = {9};
    uint8_t a[KEY_BYTES], b[KEY_BYTES];

    (void)state;
    keys_phase(key, "ab", "c", a);
    keys_phase(key, "a", "bc", b);
    assert_memory_not_equal(a, b, sizeof(a));
    keys_phase(key, "ab", "d", b);
    assert_memory_not_equal(a, b, sizeof(a));
    keys_phase(key, "aa", "c", b);
    assert_memory_not_equal(a, b, sizeof(a));
}

static int set_up(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hkdf_rfc),          cmocka_unit_test(test_hkdf_lengths),
        cmocka_unit_test(test_too_long),          cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_lengths),           cmocka_unit_test(test_tampered),
        cmocka_unit_test(test_phase_keys_differ),
    };

    return cmocka_run_group_tests_name("keys", tests, set_up, NULL);
}
