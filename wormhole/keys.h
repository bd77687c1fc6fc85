/* Keys derived from the session key, and the secretbox that seals every message after the pake. */
#ifndef WORMHOLE_KEYS_H
#define WORMHOLE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES        32
#define KEYS_NONCE_BYTES 24
#define KEYS_SEALED_EXTRA                                                                          \
    (KEYS_NONCE_BYTES + 16)        /* nonce and Poly1305 tag: what sealing adds to a message */
#define KEYS_DERIVE_MAX (255 * 32) /* HKDF-SHA256's own limit, RFC 5869 section 2.3 */

#define SIDE_BYTES 5  /* random, as in stock clients */
#define SIDE_TEXT  11 /* in hex, with the NUL */

/* HKDF-SHA256 (RFC 5869) with empty salt. False if `length` is over KEYS_DERIVE_MAX. */
bool keys_hkdf(const uint8_t *ikm, size_t ikm_length, const uint8_t *info, size_t info_length,
               uint8_t *ret_output, size_t length);

/* An application's own key: HKDF(key, info = purpose). False if `length` is over KEYS_DERIVE_MAX.
 */
bool keys_derive(const uint8_t key[KEY_BYTES], const char *purpose, uint8_t *ret_output,
                 size_t length);

/* Purpose "wormhole:verifier". */
void keys_verifier(const uint8_t key[KEY_BYTES], uint8_t ret_verifier[KEY_BYTES]);

/* Purpose "wormhole:phase:" ‖ SHA256(side) ‖ SHA256(phase), with the sender's side. */
void keys_phase(const uint8_t key[KEY_BYTES], const char *side, const char *phase,
                uint8_t ret_key[KEY_BYTES]);

/* Writes nonce ‖ box, length + KEYS_SEALED_EXTRA bytes, to ret_sealed. The same inputs give the
 * same bytes. */
void keys_seal(const uint8_t phase_key[KEY_BYTES], const uint8_t nonce[KEYS_NONCE_BYTES],
               const uint8_t *plain, size_t length, uint8_t *ret_sealed);

/* Opens nonce ‖ box into ret_plain (length - KEYS_SEALED_EXTRA bytes). False if it is too short or
 * not authentic; ret_plain is then left as it was. */
bool keys_open(const uint8_t phase_key[KEY_BYTES], const uint8_t *sealed, size_t length,
               uint8_t *ret_plain);

#endif
