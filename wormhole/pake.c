#include "config.h"

#include "wormhole/pake.h"

#include <string.h>

#include <sodium.h>

#include "wormhole/keys.h"

#define POINT_BYTES crypto_core_ed25519_BYTES
/* What python-spake2 draws from the password: 16 bytes more than the size of L, to avoid bias. */
#define PASSWORD_BYTES 48

_Static_assert(PAKE_SCALAR_BYTES == crypto_core_ed25519_SCALARBYTES, "scalar");
_Static_assert(PAKE_RANDOM_BYTES == crypto_core_ed25519_NONREDUCEDSCALARBYTES, "random");
_Static_assert(PAKE_MESSAGE_BYTES == 1 + POINT_BYTES, "message");
_Static_assert(PAKE_KEY_BYTES == crypto_hash_sha256_BYTES, "key");

/* S, the element whose logarithm nobody knows: python-spake2's arbitrary_element("symmetric") over
 * Ed25519. */
static const uint8_t element_s[POINT_BYTES] = {
    0x6f, 0x00, 0xda, 0xe8, 0x7c, 0x1b, 0xe1, 0xa7, 0x3b, 0x59, 0x22, 0xef, 0x43, 0x1c, 0xd8, 0xf5,
    0x78, 0x79, 0x56, 0x9c, 0x22, 0x2d, 0x22, 0xb1, 0xcd, 0x71, 0xe8, 0x54, 0x6a, 0xb8, 0xe6, 0xf1,
};

static const uint8_t identity[POINT_BYTES] = {1};

static const char *const fault_texts[] = {
    [PAKE_OK] = "the key exchange succeeded",
    [PAKE_MALFORMED] = "the peer's key exchange message is malformed",
    [PAKE_BAD_POINT] = "the peer's key exchange message is not a valid point on the curve",
    [PAKE_REFLECTED] = "someone sent our own key exchange message back to us",
};

const char *pake_fault_text(enum pake_fault fault)
{
    return fault_texts[fault];
}

void pake_password_scalar(const char *code, uint8_t ret_scalar[PAKE_SCALAR_BYTES])
{
    static const char info[] = "SPAKE2 pw";
    uint8_t big_endian[PASSWORD_BYTES];
    uint8_t wide[crypto_core_ed25519_NONREDUCEDSCALARBYTES] = {0};

    keys_hkdf((const uint8_t *)code, strlen(code), (const uint8_t *)info, strlen(info), big_endian,
              sizeof(big_endian));
    for (size_t i = 0; i < sizeof(big_endian); i++)
        wide[i] = big_endian[sizeof(big_endian) - 1 - i];
    crypto_core_ed25519_scalar_reduce(ret_scalar, wide);
    sodium_memzero(big_endian, sizeof(big_endian));
    sodium_memzero(wide, sizeof(wide));
}

/* w·S. False if the password's scalar is 0, as no known code makes it. */
static bool blinding_point(const char *code, uint8_t ret_point[POINT_BYTES])
{
    uint8_t scalar[PAKE_SCALAR_BYTES];
    bool done;

    pake_password_scalar(code, scalar);
    done = crypto_scalarmult_ed25519_noclamp(ret_point, scalar, element_s) == 0;
    sodium_memzero(scalar, sizeof(scalar));
    return done;
}

bool pake_message(const char *code, const uint8_t scalar[PAKE_SCALAR_BYTES],
                  uint8_t ret_message[PAKE_MESSAGE_BYTES])
{
    uint8_t public_point[POINT_BYTES], blinding[POINT_BYTES], sum[POINT_BYTES];
    bool done = crypto_scalarmult_ed25519_base_noclamp(public_point, scalar) == 0 &&
                blinding_point(code, blinding) &&
                crypto_core_ed25519_add(sum, public_point, blinding) == 0 &&
                sodium_memcmp(sum, identity, sizeof(sum)) != 0;

    if (done) {
        ret_message[0] = 'S';
        memcpy(ret_message + 1, sum, sizeof(sum));
    }
    /* With any one of these and the message, anyone could try codes offline. */
    sodium_memzero(public_point, sizeof(public_point));
    sodium_memzero(blinding, sizeof(blinding));
    return done;
}

bool pake_start(const char *code, const uint8_t random[PAKE_RANDOM_BYTES],
                uint8_t ret_scalar[PAKE_SCALAR_BYTES], uint8_t ret_message[PAKE_MESSAGE_BYTES])
{
    uint8_t scalar[PAKE_SCALAR_BYTES];
    bool done;

    crypto_core_ed25519_scalar_reduce(scalar, random);
    done = pake_message(code, scalar, ret_message);
    if (done)
        memcpy(ret_scalar, scalar, sizeof(scalar));
    sodium_memzero(scalar, sizeof(scalar));
    return done;
}

/* K = x·(Y − w·S). False if Y − w·S is not in the main subgroup, or K is the identity. */
static bool shared_point(const char *code, const uint8_t scalar[PAKE_SCALAR_BYTES],
                         const uint8_t peer_point[POINT_BYTES], uint8_t ret_shared[POINT_BYTES])
{
    uint8_t blinding[POINT_BYTES], unblinded[POINT_BYTES];
    bool done = blinding_point(code, blinding) &&
                crypto_core_ed25519_sub(unblinded, peer_point, blinding) == 0 &&
                crypto_scalarmult_ed25519_noclamp(ret_shared, scalar, unblinded) == 0;

    sodium_memzero(blinding, sizeof(blinding));
    sodium_memzero(unblinded, sizeof(unblinded));
    return done;
}

static void hash_text(crypto_hash_sha256_state *state, const char *text)
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, (const uint8_t *)text, strlen(text));
    crypto_hash_sha256_update(state, hash, sizeof(hash));
    sodium_memzero(hash, sizeof(hash));
}

/* SHA256(SHA256(code) ‖ SHA256(appid) ‖ min(X,Y) ‖ max(X,Y) ‖ K), points in byte order. */
static void transcript_key(const char *code, const char *appid, const uint8_t x[POINT_BYTES],
                           const uint8_t y[POINT_BYTES], const uint8_t shared[POINT_BYTES],
                           uint8_t ret_key[PAKE_KEY_BYTES])
{
    bool x_first = memcmp(x, y, POINT_BYTES) < 0;
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    hash_text(&state, code);
    hash_text(&state, appid);
    crypto_hash_sha256_update(&state, x_first ? x : y, POINT_BYTES);
    crypto_hash_sha256_update(&state, x_first ? y : x, POINT_BYTES);
    crypto_hash_sha256_update(&state, shared, POINT_BYTES);
    crypto_hash_sha256_final(&state, ret_key);
    sodium_memzero(&state, sizeof(state));
}

enum pake_fault pake_finish(const char *code, const char *appid,
                            const uint8_t scalar[PAKE_SCALAR_BYTES],
                            const uint8_t ours[PAKE_MESSAGE_BYTES], const uint8_t *theirs,
                            size_t theirs_length, uint8_t ret_key[PAKE_KEY_BYTES])
{
    uint8_t shared[POINT_BYTES];
    bool done;

    if (theirs_length != PAKE_MESSAGE_BYTES || theirs[0] != 'S')
        return PAKE_MALFORMED;
    if (memcmp(theirs, ours, PAKE_MESSAGE_BYTES) == 0)
        return PAKE_REFLECTED;
    if (!crypto_core_ed25519_is_valid_point(theirs + 1))
        return PAKE_BAD_POINT;
    done = shared_point(code, scalar, theirs + 1, shared);
    if (done)
        transcript_key(code, appid, ours + 1, theirs + 1, shared, ret_key);
    sodium_memzero(shared, sizeof(shared));
    return done ? PAKE_OK : PAKE_BAD_POINT;
}
