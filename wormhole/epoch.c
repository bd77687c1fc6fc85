#include "config.h"

#include "wormhole/epoch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

_Static_assert(EPOCH_SECRET_BYTES == crypto_scalarmult_SCALARBYTES, "secret");
_Static_assert(EPOCH_PUBLIC_BYTES == crypto_scalarmult_BYTES, "public");

/* Texts of purposes; room for what follows them. */
#define PURPOSE_TEXT 64

static void derive(const uint8_t key[KEY_BYTES], const char *purpose, uint8_t *ret_output,
                   size_t length)
{
    bool derived = keys_derive(key, purpose, ret_output, length);
    assert(derived);
    (void)derived;
}

void epoch_public(const uint8_t secret[EPOCH_SECRET_BYTES], uint8_t ret_public[EPOCH_PUBLIC_BYTES])
{
    crypto_scalarmult_base(ret_public, secret);
}

bool epoch_usable(const uint8_t peer_public[EPOCH_PUBLIC_BYTES])
{
    static const uint8_t any[EPOCH_SECRET_BYTES] = {8};
    uint8_t shared[crypto_scalarmult_BYTES];
    return crypto_scalarmult(shared, any, peer_public) == 0;
}

/* HKDF(ikm = key ‖ X25519, info = info ‖ public A ‖ public B). */
static bool mix(const uint8_t key[KEY_BYTES], enum epoch_role role,
                const uint8_t secret[EPOCH_SECRET_BYTES],
                const uint8_t peer_public[EPOCH_PUBLIC_BYTES], const uint8_t *info,
                size_t info_length, uint8_t ret_root[KEY_BYTES])
{
    uint8_t ikm[KEY_BYTES + crypto_scalarmult_BYTES];
    uint8_t full_info[PURPOSE_TEXT + 3 * crypto_hash_sha256_BYTES + 2 * EPOCH_PUBLIC_BYTES];
    uint8_t *publics = full_info + info_length;

    assert(info_length + EPOCH_ROLES * EPOCH_PUBLIC_BYTES <= sizeof(full_info));
    if (crypto_scalarmult(ikm + KEY_BYTES, secret, peer_public) != 0)
        return false;
    memcpy(ikm, key, KEY_BYTES);
    memcpy(full_info, info, info_length);
    epoch_public(secret, publics + (role == EPOCH_ROLE_A ? 0 : EPOCH_PUBLIC_BYTES));
    memcpy(publics + (role == EPOCH_ROLE_A ? EPOCH_PUBLIC_BYTES : 0), peer_public,
           EPOCH_PUBLIC_BYTES);
    keys_hkdf(ikm, sizeof(ikm), full_info, info_length + EPOCH_ROLES * EPOCH_PUBLIC_BYTES, ret_root,
              KEY_BYTES);
    sodium_memzero(ikm, sizeof(ikm));
    return true;
}

bool epoch_first_root(const struct epoch_introduction *introduction, enum epoch_role role,
                      const uint8_t secret[EPOCH_SECRET_BYTES],
                      const uint8_t peer_public[EPOCH_PUBLIC_BYTES], uint8_t ret_root[KEY_BYTES])
{
    static const char purpose[] = "wormholed:lasting:root";
    const char *texts[] = {introduction->appid, introduction->sides[EPOCH_ROLE_A],
                           introduction->sides[EPOCH_ROLE_B]};
    uint8_t info[PURPOSE_TEXT + 3 * crypto_hash_sha256_BYTES];
    size_t length = sizeof(purpose) - 1;

    memcpy(info, purpose, sizeof(purpose)); /* its NUL is overwritten */
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        crypto_hash_sha256(info + length, (const uint8_t *)texts[i], strlen(texts[i]));
        length += crypto_hash_sha256_BYTES;
    }
    return mix(introduction->key, role, secret, peer_public, info, length, ret_root);
}

bool epoch_next_root(const uint8_t root[KEY_BYTES], enum epoch_role role,
                     const uint8_t secret[EPOCH_SECRET_BYTES],
                     const uint8_t peer_public[EPOCH_PUBLIC_BYTES], uint8_t ret_root[KEY_BYTES])
{
    static const char purpose[] = "wormholed:lasting:next";
    return mix(root, role, secret, peer_public, (const uint8_t *)purpose, strlen(purpose),
               ret_root);
}

void epoch_places_key(const uint8_t root[KEY_BYTES], uint8_t ret_key[KEY_BYTES])
{
    derive(root, "wormholed:lasting:places", ret_key, KEY_BYTES);
}

static void place_purpose(uint32_t route, char ret_purpose[PURPOSE_TEXT])
{
    snprintf(ret_purpose, PURPOSE_TEXT, "wormholed:lasting:place:%" PRIu32, route);
}

void epoch_place(const uint8_t places_key[KEY_BYTES], uint32_t route, struct epoch_place *ret_place)
{
    char purpose[PURPOSE_TEXT];
    uint8_t bytes[MAILBOX_ID_BYTES + EPOCH_ROLES * SIDE_BYTES];
    uint8_t *a = bytes + MAILBOX_ID_BYTES, *b = a + SIDE_BYTES;

    place_purpose(route, purpose);
    derive(places_key, purpose, bytes, sizeof(bytes));
    if (memcmp(a, b, SIDE_BYTES) == 0)
        b[SIDE_BYTES - 1] ^= 1;
    mailbox_id_text(bytes, ret_place->mailbox);
    sodium_bin2hex(ret_place->sides[EPOCH_ROLE_A], SIDE_TEXT, a, SIDE_BYTES);
    sodium_bin2hex(ret_place->sides[EPOCH_ROLE_B], SIDE_TEXT, b, SIDE_BYTES);
}

void epoch_message_key(const uint8_t root[KEY_BYTES], uint32_t route, uint8_t ret_key[KEY_BYTES])
{
    char purpose[PURPOSE_TEXT];
    uint8_t key[KEY_BYTES];

    derive(root, "wormholed:lasting:messages", key, sizeof(key));
    place_purpose(route, purpose);
    derive(key, purpose, ret_key, KEY_BYTES);
    sodium_memzero(key, sizeof(key));
}

void epoch_labels(const uint8_t message_key[KEY_BYTES], const char *side,
                  struct epoch_labels *ret_labels)
{
    char purpose[PURPOSE_TEXT];
    uint8_t bytes[4 + KEYS_NONCE_BYTES];

    snprintf(purpose, sizeof(purpose), "wormholed:lasting:labels:%s", side);
    derive(message_key, purpose, bytes, sizeof(bytes));
    ret_labels->shift = (uint32_t)(bytes[0] & 0x7f) << 24 | (uint32_t)bytes[1] << 16 |
                        (uint32_t)bytes[2] << 8 | bytes[3];
    memcpy(ret_labels->mask, bytes + 4, KEYS_NONCE_BYTES);
    sodium_memzero(bytes, sizeof(bytes));
}

unsigned epoch_minute(const uint8_t session_key[KEY_BYTES], int64_t day)
{
    char purpose[PURPOSE_TEXT];
    uint8_t bytes[2];

    snprintf(purpose, sizeof(purpose), "wormholed:lasting:minute:%" PRId64, day);
    derive(session_key, purpose, bytes, sizeof(bytes));
    return ((unsigned)bytes[0] << 8 | bytes[1]) % 60;
}
