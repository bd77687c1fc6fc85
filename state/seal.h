/*
 * Private to state/: rows that are sealed with their session's key (state/keyfile.h). A row is
 *
 *     slot (4 bytes, big-endian) ‖ nonce ‖ ciphertext with its tag
 *
 * XChaCha20-Poly1305; the nonce is random, since a key seals many versions of a row. The table's
 * name and the row's key are authenticated with it: a row opens only where it was put.
 */
#ifndef STATE_SEAL_H
#define STATE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "state/table.h"

/* Puts a row, sealed with the key in this slot. */
void seal_put(struct kv_txn *txn, enum table table, const struct row_key *key, uint32_t slot,
              const void *data, size_t length);

/* What was put. New and secret: seal_free(). KV_DAMAGED if the row does not open is no error of
 * the transaction; others are. */
enum kv_status seal_open(struct kv_txn *txn, enum table table, const struct row_key *key,
                         const MDB_val *row, uint8_t **ret_data, size_t *ret_length);

/* Wipes and frees. NULL is fine. */
void seal_free(uint8_t *data, size_t length);

/* The slot that a row names. KV_DAMAGED if it is too short for one that was sealed. */
enum kv_status seal_slot(const MDB_val *row, uint32_t *ret_slot);

#endif
