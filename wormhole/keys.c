#include "config.h"

#include "wormhole/keys.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#define HASH_BYTES crypto_auth_hmacsha256_BYTES

_Static_assert(KEYS_NONCE_BYTES == crypto_secretbox_NONCEBYTES, "nonce");
_Static_assert(KEY_BYTES == crypto_secretbox_KEYBYTES, "key");
_Static_assert(KEYS_SEALED_EXTRA == crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES, "box");

/* RFC 5869 section 2.2, with the salt that it prescribes if none is given: HASH_BYTES zeros. */
static void hkdf_extract(const uint8_t *ikm, size_t length, uint8_t ret_prk[HASH_BYTES])
{
    static const uint8_t salt[HASH_BYTES];
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, salt, sizeof(salt));
    crypto_auth_hmacsha256_update(&state, ikm, length);
    crypto_auth_hmacsha256_final(&state, ret_prk);
    sodium_memzero(&state, sizeof(state));
}

/* RFC 5869 section 2.3, one block: T(n) = HMAC(prk, T(n - 1) ‖ info ‖ n); T(0) is empty. */
static void hkdf_block(const uint8_t prk[HASH_BYTES], uint8_t number, const uint8_t *info,
                       size_t info_length, uint8_t block[HASH_BYTES])
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, prk, HASH_BYTES);
    if (number > 1)
        crypto_auth_hmacsha256_update(&state, block, HASH_BYTES);
    crypto_auth_hmacsha256_update(&state, info, info_length);
    crypto_auth_hmacsha256_update(&state, &number, 1);
    crypto_auth_hmacsha256_final(&state, block);
    sodium_memzero(&state, sizeof(state));
}

bool keys_hkdf(const uint8_t *ikm, size_t ikm_length, const uint8_t *info, size_t info_length,
               uint8_t *ret_output, size_t length)
{
    uint8_t prk[HASH_BYTES], block[HASH_BYTES];
    uint8_t number = 1;

    if (length > KEYS_DERIVE_MAX)
        return false;
    hkdf_extract(ikm, ikm_length, prk);
    while (length > 0) {
        size_t part = length < HASH_BYTES ? length : HASH_BYTES;

        hkdf_block(prk, number++, info, info_length, block);
        memcpy(ret_output, block, part);
        ret_output += part;
        length -= part;
    }
    sodium_memzero(prk, sizeof(prk));
    sodium_memzero(block, sizeof(block));
    return true;
}

bool keys_derive(const uint8_t key[KEY_BYTES], const char *purpose, uint8_t *ret_output,
                 size_t length)
{
    return keys_hkdf(key, KEY_BYTES, (const uint8_t *)purpose, strlen(purpose), ret_output, length);
}

void keys_verifier(const uint8_t key[KEY_BYTES], uint8_t ret_verifier[KEY_BYTES])
{
    bool derived = keys_derive(key, "wormhole:verifier", ret_verifier, KEY_BYTES);

    assert(derived);
    (void)derived;
}

void keys_phase(const uint8_t key[KEY_BYTES], const char *side, const char *phase,
                uint8_t ret_key[KEY_BYTES])
{
    static const char prefix[] = {'w', 'o', 'r', 'm', 'h', 'o', 'l', 'e',
                                  ':', 'p', 'h', 'a', 's', 'e', ':'};
    uint8_t purpose[sizeof(prefix) + 2 * crypto_hash_sha256_BYTES];
    uint8_t *hashes = purpose + sizeof(prefix);
    bool derived;

    memcpy(purpose, prefix, sizeof(prefix));
    crypto_hash_sha256(hashes, (const uint8_t *)side, strlen(side));
    crypto_hash_sha256(hashes + crypto_hash_sha256_BYTES, (const uint8_t *)phase, strlen(phase));
    derived = keys_hkdf(key, KEY_BYTES, purpose, sizeof(purpose), ret_key, KEY_BYTES);
    assert(derived);
    (void)derived;
}

void keys_seal(const uint8_t phase_key[KEY_BYTES], const uint8_t nonce[KEYS_NONCE_BYTES],
               const uint8_t *plain, size_t length, uint8_t *ret_sealed)
{
    memcpy(ret_sealed, nonce, KEYS_NONCE_BYTES);
    crypto_secretbox_easy(ret_sealed + KEYS_NONCE_BYTES, plain, length, nonce, phase_key);
}

bool keys_open(const uint8_t phase_key[KEY_BYTES], const uint8_t *sealed, size_t length,
               uint8_t *ret_plain)
{
    if (length < KEYS_SEALED_EXTRA)
        return false;
    return crypto_secretbox_open_easy(ret_plain, sealed + KEYS_NONCE_BYTES,
                                      length - KEYS_NONCE_BYTES, sealed, phase_key) == 0;
}
