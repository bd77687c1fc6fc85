/*
 * A store's LMDB environment, and transactions that remember their first error: later operations
 * do nothing, and the commit reports the error. Private to state/ and to the relay's store, which
 * has tables of its own.
 */
#ifndef STATE_LMDB_H
#define STATE_LMDB_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/row.h"
#include "state/store.h"

/* Tables that a newer program of the same format may have added have room too. */
#define LMDB_TABLES_MAX 16

/* What tells one program's store from another's. */
struct store_kind {
    const char *program; /* for sentences */
    uint64_t format;     /* newer ones are refused */
    unsigned tables;
    bool sealed;              /* there is a file of keys, and the table TABLE_SLOTS */
    unsigned added;           /* so many of the last ones came later: made where they are missing */
    const char *const *names; /* of the tables; the first is TABLE_META */
};

/* The sessions' tables; in every store the first is this one. */
enum table {
    TABLE_META = 0,
    TABLE_SESSIONS,
    TABLE_NAMES,
    TABLE_DUE,
    TABLE_OUTBOX,
    TABLE_INBOX,
    TABLE_CHANGES,
    TABLE_IMPORTS,
    TABLE_SLOTS,
    TABLES
};

struct store {
    const struct store_kind *kind; /* outlives the store */
    char *path;                    /* of the directory, absolute */
    int directory;                 /* descriptors; the lock is held as long as `lock` is open */
    int lock;
    uint64_t limit; /* of the file's bytes; UINT64_MAX: none */
    MDB_env *env;
    MDB_dbi tables[LMDB_TABLES_MAX];
    uint64_t page;  /* bytes of one */
    uint64_t reach; /* bytes of the file as last seen; see state/space.h */
    unsigned readers;

    struct vault *keys; /* NULL if nothing is sealed */
    bool replaced;      /* what is SLOT_OLD (state/slots.h) has new keys */
    bool unforgotten;   /* … some of it could not get them */
};

struct store_txn {
    struct store *store;
    MDB_txn *txn; /* NULL if it could not begin */
    enum store_status status;
    bool writes;
    bool dropped; /* slots were let go */

    /* What was lent last, opened; see store_get_message(). */
    uint8_t *lent;
    size_t lent_length;
};

/* store_open() for any kind; afterwards the generic functions of state/store.h serve. */
enum store_status store_open_kind(const struct store_kind *kind, const char *directory,
                                  uint64_t max_bytes, struct store **ret_store, char *ret_why,
                                  size_t size);

/* What an error of LMDB or of the system means to us. */
enum store_status lmdb_status(int error);

/* Begins; never NULL. Ended by lmdb_end() or lmdb_commit(). */
struct store_txn *lmdb_begin(struct store *store, bool writes);
enum store_status lmdb_commit(struct store_txn *txn);
void lmdb_end(struct store_txn *txn); /* NULL is fine */

/* Remembers an error unless there is one already. Returns the first one. */
enum store_status lmdb_fail(struct store_txn *txn, enum store_status status);

/* True if the row is there. The value is borrowed until the transaction ends or writes. */
bool lmdb_get(struct store_txn *txn, unsigned table, const struct row_key *key, MDB_val *ret_value);

/* True if there is a row at or behind `key`; the first one. Borrowed as above. */
bool lmdb_seek(struct store_txn *txn, unsigned table, const struct row_key *key, MDB_val *ret_key,
               MDB_val *ret_value);

void lmdb_put(struct store_txn *txn, unsigned table, const struct row_key *key, const void *data,
              size_t length);

/* Puts a row whose value the caller writes at once into what is returned. NULL if there was an
 * error. */
uint8_t *lmdb_reserve(struct store_txn *txn, unsigned table, const struct row_key *key,
                      size_t length);

/* Missing is fine. */
void lmdb_delete(struct store_txn *txn, unsigned table, const struct row_key *key);

/* Deletes all rows from `first` to `last`, both included. */
void lmdb_delete_range(struct store_txn *txn, unsigned table, const struct row_key *first,
                       const struct row_key *last);

/* The same, but at most `most` of them; how many there were. */
uint64_t lmdb_delete_some(struct store_txn *txn, unsigned table, const struct row_key *first,
                          const struct row_key *last, uint64_t most);

/* Called for a row, which is borrowed for the call. False: enough. */
typedef bool lmdb_look(void *arg, const MDB_val *key, const MDB_val *value);

/* Looks at the rows from `first` to `last`, both included, in their order. */
void lmdb_walk(struct store_txn *txn, unsigned table, const struct row_key *first,
               const struct row_key *last, lmdb_look *look, void *arg);

/* How many rows the table has. */
uint64_t lmdb_count(struct store_txn *txn, unsigned table);

#endif
