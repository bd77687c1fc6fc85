/* The secrets of lasting sessions are those of doc/lasting.md, at both ends. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "vectors.h"
#include "wormhole/epoch.h"
#include "wormhole/payload.h"

static json_t *load(void)
{
    FILE *file = vectors_open("lasting.json");
    json_t *root = json_loadf(file, 0, NULL);

    fclose(file);
    assert_non_null(root);
    return root;
}

static const char *text_of(const json_t *array, size_t index)
{
    const char *text = json_string_value(json_array_get(array, index));

    assert_non_null(text);
    return text;
}

/* Both elements of an array of hex, 32 bytes each. */
static void read_both(const json_t *vector, const char *key, uint8_t ret_both[EPOCH_ROLES][32])
{
    for (size_t i = 0; i < EPOCH_ROLES; i++)
        assert_int_equal(vectors_bytes(text_of(json_object_get(vector, key), i), ret_both[i], 32),
                         32);
}

static void check_place(const json_t *vector, const uint8_t root[KEY_BYTES],
                        const uint8_t places_key[KEY_BYTES])
{
    uint32_t route = (uint32_t)json_integer_value(json_object_get(vector, "route"));
    uint32_t number = (uint32_t)json_integer_value(json_object_get(vector, "number"));
    enum epoch_role by = vectors_text(vector, "sealed_by")[0] == 'A' ? EPOCH_ROLE_A : EPOCH_ROLE_B;
    const char *plain = vectors_text(vector, "plain");
    struct epoch_place place;
    struct epoch_labels labels;
    uint8_t key[KEY_BYTES], expected[KEY_BYTES], nonce[KEYS_NONCE_BYTES], body[256];
    uint8_t expected_body[256];
    char phase[11];

    epoch_place(places_key, route, &place);
    assert_string_equal(place.mailbox, vectors_text(vector, "mailbox"));
    for (size_t i = 0; i < EPOCH_ROLES; i++)
        assert_string_equal(place.sides[i], text_of(json_object_get(vector, "sides"), i));
    epoch_message_key(root, route, key);
    vectors_hex(vector, "message_key", expected, sizeof(expected));
    assert_memory_equal(key, expected, sizeof(key));
    epoch_labels(key, place.sides[by], &labels);
    assert_int_equal(labels.shift, json_integer_value(json_object_get(vector, "shift")));
    vectors_hex(vector, "mask", expected, KEYS_NONCE_BYTES);
    assert_memory_equal(labels.mask, expected, KEYS_NONCE_BYTES);

    vectors_hex(vector, "nonce", nonce, sizeof(nonce));
    for (size_t i = 0; i < sizeof(nonce); i++)
        nonce[i] ^= labels.mask[i];
    payload_phase_name(number + labels.shift, phase);
    assert_string_equal(phase, vectors_text(vector, "phase"));
    keys_phase(key, place.sides[by], phase, expected);
    keys_seal(expected, nonce, (const uint8_t *)plain, strlen(plain), body);
    vectors_hex(vector, "body", expected_body, strlen(plain) + KEYS_SEALED_EXTRA);
    assert_memory_equal(body, expected_body, strlen(plain) + KEYS_SEALED_EXTRA);
}

static void check_epoch(const json_t *vector, const uint8_t root[KEY_BYTES])
{
    uint8_t expected[KEY_BYTES], key[KEY_BYTES];
    const json_t *places = json_object_get(vector, "places"), *place;
    size_t i;

    vectors_hex(vector, "root", expected, sizeof(expected));
    assert_memory_equal(root, expected, sizeof(expected));
    epoch_places_key(root, key);
    vectors_hex(vector, "places_key", expected, sizeof(expected));
    assert_memory_equal(key, expected, sizeof(expected));
    assert_int_equal(json_array_size(places), 3);
    json_array_foreach(places, i, place) check_place(place, root, key);
}

static void test_vectors(void **state)
{
    json_t *vector = load(), *epoch;
    const json_t *sides = json_object_get(vector, "sides");
    uint8_t key[KEY_BYTES], secrets[EPOCH_ROLES][32], publics[EPOCH_ROLES][32], made[32];
    uint8_t roots[EPOCH_ROLES][KEY_BYTES], next[KEY_BYTES];
    size_t i;

    (void)state;
    vectors_hex(vector, "key", key, sizeof(key));
    read_both(vector, "secrets", secrets);
    read_both(vector, "publics", publics);
    struct epoch_introduction introduction = {.key = key,
                                              .appid = vectors_text(vector, "appid"),
                                              .sides = {text_of(sides, 0), text_of(sides, 1)}};
    for (int role = 0; role < EPOCH_ROLES; role++) {
        epoch_public(secrets[role], made);
        assert_memory_equal(made, publics[role], sizeof(made));
        assert_true(epoch_first_root(&introduction, (enum epoch_role)role, secrets[role],
                                     publics[1 - role], roots[role]));
    }
    json_array_foreach(json_object_get(vector, "epochs"), i, epoch)
    {
        assert_memory_equal(roots[EPOCH_ROLE_A], roots[EPOCH_ROLE_B], KEY_BYTES);
        check_epoch(epoch, roots[EPOCH_ROLE_A]);
        read_both(epoch, "next_secrets", secrets);
        read_both(epoch, "next_publics", publics);
        for (int role = 0; role < EPOCH_ROLES; role++) {
            assert_true(epoch_next_root(roots[role], (enum epoch_role)role, secrets[role],
                                        publics[1 - role], next));
            memcpy(roots[role], next, sizeof(next));
        }
    }
    assert_int_equal(i, 3);
    json_decref(vector);
}

/* Every input matters. */
static void test_bound(void **state)
{
    static const uint8_t key[KEY_BYTES] = {1}, other_key[KEY_BYTES] = {2};
    static const uint8_t secret[EPOCH_SECRET_BYTES] = {8}, other_secret[EPOCH_SECRET_BYTES] = {16};
    static const struct epoch_introduction variants[] = {
        {.key = key, .appid = "a", .sides = {"0000000000", "1111111111"}},
        {.key = other_key, .appid = "a", .sides = {"0000000000", "1111111111"}},
        {.key = key, .appid = "b", .sides = {"0000000000", "1111111111"}},
        {.key = key, .appid = "a", .sides = {"0000000001", "1111111111"}},
        {.key = key, .appid = "a", .sides = {"0000000000", "1111111112"}},
        {.key = key, .appid = "a", .sides = {"1111111111", "0000000000"}},
    };
    enum { VARIANTS = sizeof(variants) / sizeof(variants[0]) };
    uint8_t public[EPOCH_PUBLIC_BYTES], roots[VARIANTS + 2][KEY_BYTES];

    (void)state;
    epoch_public(other_secret, public);
    for (size_t i = 0; i < VARIANTS; i++)
        assert_true(epoch_first_root(&variants[i], EPOCH_ROLE_A, secret, public, roots[i]));
    assert_true(epoch_first_root(&variants[0], EPOCH_ROLE_B, secret, public, roots[VARIANTS]));
    assert_true(
        epoch_first_root(&variants[0], EPOCH_ROLE_A, other_secret, public, roots[VARIANTS + 1]));
    for (size_t i = 0; i < VARIANTS + 2; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(roots[i], roots[j], KEY_BYTES);
}

static void test_minutes(void **state)
{
    json_t *root = load(), *vector;
    uint8_t key[KEY_BYTES];
    size_t i;

    (void)state;
    assert_int_equal(vectors_bytes(vectors_text(root, "key"), key, sizeof(key)), sizeof(key));
    json_array_foreach(json_object_get(root, "minutes"), i, vector)
        assert_int_equal(epoch_minute(key, json_integer_value(json_object_get(vector, "day"))),
                         json_integer_value(json_object_get(vector, "minute")));
    assert_int_equal(i, 5);
    json_decref(root);
}

/* Points of small order, with which every secret gives zeros: RFC 7748, section 6.1. */
static void test_unusable(void **state)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    static const uint8_t root[KEY_BYTES] = {1}, secret[EPOCH_SECRET_BYTES] = {2};
    uint8_t point[EPOCH_PUBLIC_BYTES], next[KEY_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        vectors_bytes(points[i], point, sizeof(point));
        assert_false(epoch_usable(point));
        assert_false(epoch_next_root(root, EPOCH_ROLE_A, secret, point, next));
    }
    epoch_public(secret, point);
    assert_true(epoch_usable(point));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_minutes),
        cmocka_unit_test(test_unusable),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
