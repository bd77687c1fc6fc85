/*
 * SPAKE2 (symmetric, Ed25519) as magic-wormhole uses it: python-spake2's SPAKE2_Symmetric with
 * idSymmetric = appid. X = x·B + w·S; K = x·(Y − w·S); key = SHA256(SHA256(code) ‖ SHA256(appid) ‖
 * min(X,Y) ‖ max(X,Y) ‖ K).
 */
#ifndef WORMHOLE_PAKE_H
#define WORMHOLE_PAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAKE_SCALAR_BYTES  32
#define PAKE_RANDOM_BYTES  64 /* reduced mod L: 64 bytes make the bias negligible */
#define PAKE_MESSAGE_BYTES 33 /* 'S' and a compressed point */
#define PAKE_KEY_BYTES     32

enum pake_fault {
    PAKE_OK = 0,
    PAKE_MALFORMED, /* wrong length or first byte */
    PAKE_BAD_POINT, /* not canonical, not on the curve, not in the main subgroup, or of small order
                     */
    PAKE_REFLECTED, /* our own message, returned under another side */
};

/* w: HKDF-SHA256(ikm = code, salt empty, info = "SPAKE2 pw", 48 bytes), big-endian, mod L.
 * Little-endian result. Secret. */
void pake_password_scalar(const char *code, uint8_t ret_scalar[PAKE_SCALAR_BYTES]);

/*
 * First half. `random` becomes the secret scalar x, which must be stored before the message leaves,
 * and wiped after the second half. False in the case (of negligible probability) that the point is
 * degenerate: call again with other random bytes.
 */
bool pake_start(const char *code, const uint8_t random[PAKE_RANDOM_BYTES],
                uint8_t ret_scalar[PAKE_SCALAR_BYTES], uint8_t ret_message[PAKE_MESSAGE_BYTES]);

/* The message for a given scalar: pake_start without the randomness (for test vectors). */
bool pake_message(const char *code, const uint8_t scalar[PAKE_SCALAR_BYTES],
                  uint8_t ret_message[PAKE_MESSAGE_BYTES]);

/* Second half. Never call it twice on one scalar with different peer messages. `theirs` may have
 * any length. */
enum pake_fault pake_finish(const char *code, const char *appid,
                            const uint8_t scalar[PAKE_SCALAR_BYTES],
                            const uint8_t ours[PAKE_MESSAGE_BYTES], const uint8_t *theirs,
                            size_t theirs_length, uint8_t ret_key[PAKE_KEY_BYTES]);

/* One sentence for people. Borrowed. */
const char *pake_fault_text(enum pake_fault fault);

#endif
