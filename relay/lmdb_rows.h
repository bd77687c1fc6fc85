/*
 * The tables of the relay's LMDB store, and typed rows in one transaction.
 *
 * | table      | key → value                            | why                                     |
 * | nameplates | (app, nameplate) → struct lmdb_nameplate |                                       |
 * | mailboxes  | (app, mailbox) → struct lmdb_mailbox   |                                         |
 * | messages   | (serial, number) → struct lmdb_message | serial: of the mailbox                  |
 * | expiry     | (updated, serial) → (app, mailbox)     | the oldest mailboxes come first         |
 * | numbers    | (app, length, digits) → ten counts     | the free numbers                        |
 * | dead       | serial → how many messages             | of mailboxes that are gone; to be swept |
 * | allocated  | (app, side) → nameplate                | what a side was allocated last          |
 * | weights    | (owner, serial) → weight, (app, mailbox) | of mailboxes that one owner alone has |
 * | meta       | format, newest serial                  |                                         |
 *
 * Names in keys are separated by a NUL, which is in none of them; numbers are big-endian.
 */
#ifndef RELAY_LMDB_ROWS_H
#define RELAY_LMDB_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/lmdb_record.h"
#include "relay/store.h"
#include "kv/table.h"

enum {
    ROWS_META = KV_TABLE_META,
    ROWS_NAMEPLATES,
    ROWS_MAILBOXES,
    ROWS_MESSAGES,
    ROWS_EXPIRY,
    ROWS_NUMBERS,
    ROWS_DEAD,
    ROWS_ALLOCATED,
    ROWS_WEIGHTS,
    ROWS_TABLES,
};

extern const struct kv_kind lmdb_rows_kind;

/* A mailbox whose life is over. */
struct lmdb_ended {
    char appid[RELAY_APPID_MAX + 1], name[RELAY_MAILBOX_MAX + 1];
    uint64_t serial;
    struct relay_life life;
    struct lmdb_ended *next;
};

/* A transaction, and what was done in it. */
struct lmdb_change {
    struct kv_txn *txn;
    const struct relay_limits *limits;
    int64_t now;
    struct lmdb_ended **ended; /* where the next one is put: new */
    bool written;              /* there is something to commit */
    bool grown;                /* new data was added, for which a full store has no room */
};

/* (app, name), where name may be "". */
struct kv_key lmdb_rows_named(const char *appid, const char *name);
/* A key greater than all keys of the app. */
struct kv_key lmdb_rows_behind(const char *appid);
/* Splits a key into (app, name). False if it is not such a key. */
bool lmdb_rows_split(const struct kv_key *key, char ret_appid[RELAY_APPID_MAX + 1],
                     char ret_name[RELAY_MAILBOX_MAX + 1]);
struct kv_key lmdb_rows_message(uint64_t serial, uint64_t number);

#define ROWS_EXPIRY_BYTES 16
struct kv_key lmdb_rows_expiry(int64_t updated, uint64_t serial);

/* True if the row exists and can be read; a damaged one fails the transaction. A message's texts
 * are borrowed from the transaction, until it writes or ends. */
bool lmdb_rows_get(struct lmdb_change *change, enum lmdb_record kind, const struct kv_key *key,
                   void *ret_record);
/* The same for a row found by kv_seek() or kv_walk(). */
bool lmdb_rows_read(struct lmdb_change *change, enum lmdb_record kind, const MDB_val *value,
                    void *ret_record);
void lmdb_rows_put(struct lmdb_change *change, enum lmdb_record kind, const struct kv_key *key,
                   const void *record);
void lmdb_rows_delete(struct lmdb_change *change, unsigned table, const struct kv_key *key);

/* For rows that are not records. */
void lmdb_rows_put_bytes(struct lmdb_change *change, unsigned table, const struct kv_key *key,
                         const void *data, size_t length);

/* A serial that no mailbox has ever had. */
uint64_t lmdb_rows_new_serial(struct lmdb_change *change);

#endif
