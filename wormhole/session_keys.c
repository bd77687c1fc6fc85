/* What a session does with its secrets outside of a step. */
#include "config.h"

#include "wormhole/payload.h"
#include "wormhole/step.h"
#include "wormhole/wire.h"

#include <sodium.h>
#include <stdlib.h>

char *session_seal(const struct session *session, uint32_t number, const uint8_t *row,
                   size_t length)
{
    char phase[11];
    uint8_t key[KEY_BYTES];
    if (session->state >= SESSION_CLOSED || length < KEYS_NONCE_BYTES)
        return NULL; /* the key is wiped */
    size_t plain_length = length - KEYS_NONCE_BYTES;
    uint8_t *sealed = malloc(plain_length + KEYS_SEALED_EXTRA);
    if (sealed == NULL)
        return NULL;
    payload_phase_name(number, phase);
    keys_phase(session->key, session->side, phase, key);
    keys_seal(key, row, row + KEYS_NONCE_BYTES, plain_length, sealed);
    sodium_memzero(key, sizeof(key));
    char *text = wire_add(phase, sealed, plain_length + KEYS_SEALED_EXTRA);
    free(sealed);
    return text;
}

bool session_derive_key(const struct session *session, const char *purpose, uint8_t *ret_key,
                        size_t length)
{
    return session->state == SESSION_ESTABLISHED && !session_unverified(session) &&
           keys_derive(session->key, purpose, ret_key, length);
}

bool session_sound(const struct session *session)
{
    uint8_t pake[PAKE_MESSAGE_BYTES];
    return session->version != NULL && code_check(session->code) == CODE_OK &&
           pake_message(session->code, session->scalar, pake) &&
           sodium_memcmp(pake, session->pake, sizeof(pake)) == 0;
}
