/*
 * Private to state/ (and to tests that look inside): the tables of the sessions' store, their keys,
 * sealed rows, key slots, and indexes. Each file knows only those listed before it:
 *
 *     keyfile.c      the file `keys`, and keyfile_upgrade.c, which converts an older one
 *     store_slots.c  whose key is in which of its slots
 *     store_rows.c   keys of rows, and rows that are sealed
 *     store_index.c  from a name, a time or a change to a session
 *     store.c        sessions and their messages
 *     backup.c, backup_parser.c, restore.c  (state/backup.h, state/restore.h)
 */
#ifndef STATE_STORE_PARTS_H
#define STATE_STORE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv/table.h"
#include "state/store.h"
#include "wormhole/session.h"

enum store_table {
    STORE_TABLE_SESSIONS = KV_TABLE_META + 1,
    STORE_TABLE_NAMES,
    STORE_TABLE_DUE,
    STORE_TABLE_OUTBOX,
    STORE_TABLE_INBOX,
    STORE_TABLE_CHANGES,
    STORE_TABLE_IMPORTS,
    STORE_TABLE_SLOTS,
    STORE_TABLE_CODES, /* later than the others */
    STORE_TABLES
};

/* The kind of the store, without the keys: for restore.c, which brings a file of them. */
extern const struct kv_kind store_kind_bare;

#define STORE_META_CHANGE "change" /* the newest change's number */
#define STORE_META_CODES  "codes"  /* there once the table of codes is complete */
#define STORE_META_KEYS   "keys"   /* the number of the file `keys` that belongs to the store */
#define STORE_META_SLOTS  "slots"  /* how many of its slots have ever been used */
#define STORE_META_TIME   "time"   /* of the last turns; ms since the epoch */

/* ---- store_slots.c: whose key is in which slot of the file `keys` ----
 *
 * A session's row names its slot; the table `slots` lists those that no session owns any more:
 *
 *     (SLOT_OLD, slot)    its key must still be replaced, or has been since the last commit
 *     (SLOT_FRESH, slot)  may be used again
 *
 * and `meta` counts all that were ever used. A slot is dropped in the transaction that deletes what
 * its key sealed; its key is replaced once that transaction is durable, not before, or a crash
 * would lose a session; and the next transaction makes the slot SLOT_FRESH. After a crash in
 * between it is still SLOT_OLD, and its key is replaced again.
 */

struct keyfile;

/* The keys that belong to the sessions' store. Opening replaces those that a crash has left over;
 * if the disk refuses that, it is not an error: see store_slots_erased(). */
extern const struct kv_extra store_slots_extra;

/* The keys of an open store. Borrowed. */
struct keyfile *store_slots_keyfile(const struct kv *store);

/* The key in a slot: secret, and borrowed until the next one is asked for, or the transaction ends,
 * which wipes it. As keyfile_read(); or KV_MEMORY. */
enum kv_status store_slots_key(struct kv_txn *txn, uint32_t slot, const uint8_t **ret_key);

/* A slot whose key has not yet sealed anything durable. */
enum kv_status store_slots_take(struct kv_txn *txn, uint32_t *ret_slot);

/* Lets go of a slot: its key is replaced once the transaction is durable. */
void store_slots_drop(struct kv_txn *txn, uint32_t slot);

/* False if keys that should have been replaced could not be. */
bool store_slots_erased(const struct kv *store);

/* ---- store_rows.c: keys of rows; see kv/table.h ---- */

#define STORE_DUE_BYTES  (KV_NUMBER_BYTES + SESSION_ID_BYTES)
#define STORE_SLOT_BYTES 4
#define STORE_FREE_BYTES (1 + STORE_SLOT_BYTES)

struct kv_key store_key_id(const uint8_t id[SESSION_ID_BYTES]);
struct kv_key store_key_message(const uint8_t id[SESSION_ID_BYTES], uint32_t number);
struct kv_key store_key_due(int64_t wake, const uint8_t id[SESSION_ID_BYTES]);

/* (state, slot) in the table of unowned slots. */
struct kv_key store_key_slot(uint8_t state, uint32_t slot);

/* A petname, cut at NAME_MAX_BYTES. */
struct kv_key store_key_name(const char *text);

/* A nameplate, cut at NAMEPLATE_MAX, and whose it is. */
struct kv_key store_key_code(const char *nameplate, const uint8_t id[SESSION_ID_BYTES]);

uint32_t store_read_slot(const uint8_t bytes[STORE_SLOT_BYTES]);
void store_write_slot(uint32_t slot, uint8_t ret_bytes[STORE_SLOT_BYTES]);

/* ---- store_rows.c: rows that are sealed with their session's key (state/keyfile.h) ----
 *
 *     slot (4 bytes, big-endian) ‖ nonce ‖ ciphertext with its tag
 *
 * XChaCha20-Poly1305; the nonce is random, since a key seals many versions of a row. The table's
 * name and the row's key are authenticated with it: a row opens only where it was put.
 */

/* Puts a row, sealed with the key in this slot. */
void store_seal_put(struct kv_txn *txn, enum store_table table, const struct kv_key *key,
                    uint32_t slot, const void *data, size_t length);

/* Reads back what was put. New and secret: store_seal_free(). KV_DAMAGED, if the row does not open,
 * is not an error of the transaction; other failures are. */
enum kv_status store_seal_open(struct kv_txn *txn, enum store_table table, const struct kv_key *key,
                               const MDB_val *row, uint8_t **ret_data, size_t *ret_length);

/* Wipes and frees. NULL is fine. */
void store_seal_free(uint8_t *data, size_t length);

/* The slot that a row names. KV_DAMAGED if the row is too short to have been sealed. */
enum kv_status store_seal_slot(const MDB_val *row, uint32_t *ret_slot);

/* ---- store_index.c: the rows that lead to a session: by its name, when it is due, its change, its
 * code ---- */

void store_index_add(struct kv_txn *txn, const struct session *session);
void store_index_remove(struct kv_txn *txn, const struct session *session);
/* From what a session was to what it is; both have the same id. Rows that stay are not written. */
void store_index_move(struct kv_txn *txn, const struct session *old, const struct session *session);

/* Adds the rows that lead from codes to sessions, if the store is one that was made before there
 * were any. */
enum kv_status store_index_codes(struct kv *store);

/* False if no session has the name, or on an error. */
bool store_index_find_name(struct kv_txn *txn, const char *name, uint8_t ret_id[SESSION_ID_BYTES]);

/* Uses up and returns the next change's number. 0 on an error. */
uint64_t store_index_new_change(struct kv_txn *txn);

#endif
