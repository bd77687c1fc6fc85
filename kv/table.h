/*
 * A store's LMDB environment, and transactions that remember their first error: later operations
 * do nothing, and the commit reports the error. For those who have tables: state/ and the relay's
 * store.
 */
#ifndef KV_TABLE_H
#define KV_TABLE_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv/row.h"
#include "kv/kv.h"
#include "kv/open_error.h"

/* Tables that a newer program of the same format may have added have room too. */
#define KV_TABLES_MAX 16

/* The first table of every store. */
enum { TABLE_META = 0 };

/* What a kind of store has beside LMDB's file. */
struct kv_extra {
    /* Before a new store is made; KV_OK if there is nothing against it. */
    enum kv_status (*may_make)(const struct kv *store, const struct open_error *why);
    /* Makes it, durably, and puts down in `meta` what is to be known of it. LMDB's error or errno.
     */
    int (*make)(const struct kv *store, MDB_txn *txn, MDB_dbi meta);
    /* Opens it, as store->extra, when the environment is open. Closing knows NULL. */
    enum kv_status (*open)(struct kv *store, const struct open_error *why);
    void (*close)(struct kv *store);
    /* True if somebody has removed its file. */
    bool (*removed)(const struct kv *store);
    /* At the beginning of a transaction that writes, and after its commit. */
    void (*begin)(struct kv_txn *txn);
    void (*settle)(struct kv *store);
};

/* What tells one program's store from another's. */
struct kv_kind {
    const char *program; /* for sentences */
    uint64_t format;     /* any other is refused */
    unsigned tables;
    unsigned added;           /* so many of the last ones came later: made where they are missing */
    const char *const *names; /* of the tables; the first is TABLE_META */
    const struct kv_extra *extra; /* NULL: LMDB's file is all */
};

struct kv {
    const struct kv_kind *kind; /* outlives the store */
    char *path;                 /* of the directory, absolute */
    int directory;              /* descriptors; the lock is held as long as `lock` is open */
    int lock;
    uint64_t limit; /* of the file's bytes; UINT64_MAX: none */
    MDB_env *env;
    MDB_dbi tables[KV_TABLES_MAX];
    uint64_t page;  /* bytes of one */
    uint64_t reach; /* bytes of the file as last seen; see kv/space.h */
    unsigned readers;
    void *extra; /* of kind->extra */
};

struct kv_txn {
    struct kv *store;
    MDB_txn *txn; /* NULL if it could not begin */
    enum kv_status status;
    bool writes;

    /* What was lent last; see kv_lend(). */
    uint8_t *lent;
    size_t lent_length;
};

/* Opens or makes a store of this kind, as store_open() of state/store.h says. */
enum kv_status kv_open(const struct kv_kind *kind, const char *directory, uint64_t max_bytes,
                       struct kv **ret_store, char *ret_why, size_t size);

/* What an error of LMDB or of the system means to us. */
enum kv_status kv_status_of(int error);

/* Begins; never NULL. Ended by kv_txn_end() or kv_txn_commit(). */
struct kv_txn *kv_txn_begin(struct kv *store, bool writes);
enum kv_status kv_txn_commit(struct kv_txn *txn);
void kv_txn_end(struct kv_txn *txn); /* NULL is fine */

/* Secret bytes that somebody has borrowed from the transaction: wiped and freed when it ends, or
 * lends others. */
void kv_lend(struct kv_txn *txn, uint8_t *data, size_t length);

/* Remembers an error unless there is one already. Returns the first one. */
enum kv_status kv_fail(struct kv_txn *txn, enum kv_status status);

/* True if the row is there. The value is borrowed until the transaction ends or writes. */
bool kv_get(struct kv_txn *txn, unsigned table, const struct row_key *key, MDB_val *ret_value);

/* True if there is a row at or behind `key`; the first one. Borrowed as above. */
bool kv_seek(struct kv_txn *txn, unsigned table, const struct row_key *key, MDB_val *ret_key,
             MDB_val *ret_value);

void kv_put(struct kv_txn *txn, unsigned table, const struct row_key *key, const void *data,
            size_t length);

/* Puts a row whose value the caller writes at once into what is returned. NULL if there was an
 * error. */
uint8_t *kv_reserve(struct kv_txn *txn, unsigned table, const struct row_key *key, size_t length);

/* Missing is fine. */
void kv_delete(struct kv_txn *txn, unsigned table, const struct row_key *key);

/* Deletes all rows from `first` to `last`, both included. */
void kv_delete_range(struct kv_txn *txn, unsigned table, const struct row_key *first,
                     const struct row_key *last);

/* The same, but at most `most` of them; how many there were. */
uint64_t kv_delete_some(struct kv_txn *txn, unsigned table, const struct row_key *first,
                        const struct row_key *last, uint64_t most);

/* Called for a row, which is borrowed for the call. False: enough. */
typedef bool kv_visit_row(void *arg, const MDB_val *key, const MDB_val *value);

/* Looks at the rows from `first` to `last`, both included, in their order. */
void kv_walk(struct kv_txn *txn, unsigned table, const struct row_key *first,
             const struct row_key *last, kv_visit_row *look, void *arg);

/* How many rows the table has. */
uint64_t kv_count(struct kv_txn *txn, unsigned table);

#endif
