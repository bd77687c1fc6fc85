/*
 * A store's LMDB environment, and transactions that remember their first error: later operations
 * do nothing, and the commit reports the error. For those who have tables: state/ and the relay's
 * store.
 */
#ifndef LMDB_LMDB_H
#define LMDB_LMDB_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lmdb/row.h"
#include "lmdb/store.h"
#include "lmdb/why.h"

/* Tables that a newer program of the same format may have added have room too. */
#define LMDB_TABLES_MAX 16

/* The first table of every store. */
enum { TABLE_META = 0 };

/* What a kind of store has beside LMDB's file. */
struct store_extra {
    /* Before a new store is made; STORE_OK if there is nothing against it. */
    enum store_status (*may_make)(const struct store *store, const struct why *why);
    /* Makes it, durably, and puts down in `meta` what is to be known of it. LMDB's error or errno.
     */
    int (*make)(const struct store *store, MDB_txn *txn, MDB_dbi meta);
    /* Opens it, as store->extra, when the environment is open. Closing knows NULL. */
    enum store_status (*open)(struct store *store, const struct why *why);
    void (*close)(struct store *store);
    /* True if somebody has removed its file. */
    bool (*removed)(const struct store *store);
    /* At the beginning of a transaction that writes, and after its commit. */
    void (*begin)(struct store_txn *txn);
    void (*settle)(struct store *store);
};

/* What tells one program's store from another's. */
struct store_kind {
    const char *program; /* for sentences */
    uint64_t format;     /* any other is refused */
    unsigned tables;
    unsigned added;           /* so many of the last ones came later: made where they are missing */
    const char *const *names; /* of the tables; the first is TABLE_META */
    const struct store_extra *extra; /* NULL: LMDB's file is all */
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
    uint64_t reach; /* bytes of the file as last seen; see lmdb/space.h */
    unsigned readers;
    void *extra; /* of kind->extra */
};

struct store_txn {
    struct store *store;
    MDB_txn *txn; /* NULL if it could not begin */
    enum store_status status;
    bool writes;

    /* What was lent last; see lmdb_lend(). */
    uint8_t *lent;
    size_t lent_length;
};

/* Opens or makes a store of this kind, as store_open() of state/store.h says. */
enum store_status store_open_kind(const struct store_kind *kind, const char *directory,
                                  uint64_t max_bytes, struct store **ret_store, char *ret_why,
                                  size_t size);

/* What an error of LMDB or of the system means to us. */
enum store_status lmdb_status(int error);

/* Begins; never NULL. Ended by lmdb_end() or lmdb_commit(). */
struct store_txn *lmdb_begin(struct store *store, bool writes);
enum store_status lmdb_commit(struct store_txn *txn);
void lmdb_end(struct store_txn *txn); /* NULL is fine */

/* Secret bytes that somebody has borrowed from the transaction: wiped and freed when it ends, or
 * lends others. */
void lmdb_lend(struct store_txn *txn, uint8_t *data, size_t length);

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
