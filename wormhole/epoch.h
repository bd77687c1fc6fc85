/*
 * The secrets of a lasting session (doc/lasting.md): the root of each epoch, and what follows from
 * it. All of it is determined by its arguments.
 */
#ifndef WORMHOLE_EPOCH_H
#define WORMHOLE_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mailbox_id.h"
#include "wormhole/keys.h"

#define EPOCH_SECRET_BYTES 32 /* of X25519 */
#define EPOCH_PUBLIC_BYTES 32

/* Who is who, for the life of a session: A has the lower side in the mailbox of the introduction.
 */
enum epoch_role { EPOCH_ROLE_A = 0, EPOCH_ROLE_B, EPOCH_ROLES };

/* What both ends know once each has the other's version. */
struct epoch_introduction {
    const uint8_t *key; /* the session key, KEY_BYTES */
    const char *appid;
    const char *sides[EPOCH_ROLES];
};

/* The mailbox of an epoch at one route, and who is who in it. */
struct epoch_place {
    char mailbox[MAILBOX_ID_TEXT];
    char sides[EPOCH_ROLES][SIDE_TEXT];
};

/* What hides from relays which messages of one place are those of another. */
struct epoch_labels {
    uint32_t shift;                 /* at most INT32_MAX; added to the numbers in names of phases */
    uint8_t mask[KEYS_NONCE_BYTES]; /* xored with nonces */
};

void epoch_public(const uint8_t secret[EPOCH_SECRET_BYTES], uint8_t ret_public[EPOCH_PUBLIC_BYTES]);

/* The end `role` has this secret, its peer this public. False if the public is not usable. */
bool epoch_first_root(const struct epoch_introduction *introduction, enum epoch_role role,
                      const uint8_t secret[EPOCH_SECRET_BYTES],
                      const uint8_t peer_public[EPOCH_PUBLIC_BYTES], uint8_t ret_root[KEY_BYTES]);
bool epoch_next_root(const uint8_t root[KEY_BYTES], enum epoch_role role,
                     const uint8_t secret[EPOCH_SECRET_BYTES],
                     const uint8_t peer_public[EPOCH_PUBLIC_BYTES], uint8_t ret_root[KEY_BYTES]);

/* False if X25519 with this public would give zeros, whatever the secret. */
bool epoch_usable(const uint8_t peer_public[EPOCH_PUBLIC_BYTES]);

/* From a root: what all of its places follow from. It opens no message. */
void epoch_places_key(const uint8_t root[KEY_BYTES], uint8_t ret_key[KEY_BYTES]);
void epoch_place(const uint8_t places_key[KEY_BYTES], uint32_t route,
                 struct epoch_place *ret_place);

/* The key of the messages in a place, which takes the place of the session key there. */
void epoch_message_key(const uint8_t root[KEY_BYTES], uint32_t route, uint8_t ret_key[KEY_BYTES]);
/* Those of a side in the place of this message key. */
void epoch_labels(const uint8_t message_key[KEY_BYTES], const char *side,
                  struct epoch_labels *ret_labels);

/* The minute of each hour of this day (since 1970, UTC) at which both come, from the session key:
 * 0 … 59. */
unsigned epoch_minute(const uint8_t session_key[KEY_BYTES], int64_t day);

#endif
