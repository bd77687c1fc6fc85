/*
 * For users of the tables of a store (state/, the relay's store): what kind of store it is, keys,
 * and rows in a transaction. kv/kv.h has what everybody needs.
 */
#ifndef KV_TABLE_H
#define KV_TABLE_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv/kv.h"

/* ---- kinds of stores ---- */

/* LMDB's file in the store's directory. */
#define KV_DATA_FILE "data.mdb"

/* Leaves room for tables that a newer program of the same format may have added. */
#define KV_TABLES_MAX 16

/* The first table of every store: names and numbers. */
enum { KV_TABLE_META = 0 };

#define KV_META_FORMAT "format" /* of the store; see struct kv_kind */

/* The sentence that tells a person why a store could not be opened. */
struct kv_open_error {
    char *text;
    size_t size;
    const char *program; /* whose store it is */
};

/* Writes the sentence, which is cut if it is too long, and returns `status`. */
enum kv_status kv_open_fail(const struct kv_open_error *why, enum kv_status status,
                            const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Creates the directory (and its parents) with mode 0700 if it is missing. Refuses one that belongs
 * to somebody else or that others may write to: they could replace the files. *ret_directory is a
 * new descriptor.
 */
enum kv_status kv_directory_open(const char *path, const struct kv_open_error *why,
                                 int *ret_directory);

/* What a kind of store has beside LMDB's file. */
struct kv_extra {
    /* Called before a new store is made; KV_OK if there is no objection. */
    enum kv_status (*may_make)(const struct kv *store, const struct kv_open_error *why);
    /* Makes it, durably, and records in `meta` what must be known about it: kv_meta_put(). Returns
     * LMDB's error or errno. */
    int (*make)(const struct kv *store, MDB_txn *txn, MDB_dbi meta);
    /* Opens it when the environment is open. *ret_extra is new: close(). */
    enum kv_status (*open)(struct kv *store, const struct kv_open_error *why, void **ret_extra);
    void (*close)(void *extra);
    /* True if somebody has removed its file. */
    bool (*removed)(const struct kv *store);
    /* Called when a transaction has ended, whether it read or wrote. */
    void (*end)(void *extra);
    /* Called at the beginning of a transaction that writes, and after its commit. */
    void (*begin)(struct kv_txn *txn);
    void (*settle)(struct kv *store);
};

/* What distinguishes one program's store from another's. */
struct kv_kind {
    const char *program; /* for sentences */
    uint64_t format;     /* any other is refused */
    unsigned tables;
    unsigned added;           /* how many of the last ones were added later: created if missing */
    const char *const *names; /* of the tables; the first is KV_TABLE_META */
    const struct kv_extra *extra; /* NULL: there is only LMDB's file */
};

/*
 * Opens the store of this kind in `directory`, or creates it there (mode 0700, files 0600, parents
 * too). `max_bytes` bounds the size of LMDB's file; 0: only the disk does. New; kv_close(). `kind`
 * must outlive it. On failure *ret_why (of `size` bytes) is a sentence that names the file and says
 * what is wrong. A directory of another user, or one that others may write to, is KV_DENIED. A
 * store that is refused is left byte for byte as it was.
 */
enum kv_status kv_open(const struct kv_kind *kind, const char *directory, uint64_t max_bytes,
                       struct kv **ret_store, char *ret_why, size_t size);

/* Of an open store; all borrowed. What kind->extra->open() made (NULL: none, or not yet); the
 * absolute path of its directory, and a descriptor of it; the name of a table. */
void *kv_extra_of(const struct kv *store);
const char *kv_path(const struct kv *store);
int kv_directory(const struct kv *store);
const char *kv_table_name(const struct kv *store, unsigned table);

/* Translates an error of LMDB or of the system. */
enum kv_status kv_status_of(int error);

/* ---- keys: numbers in them are big-endian, and signed ones have their sign bit flipped, so that
 * LMDB's byte order is theirs ---- */

/* Length of the longest key of any store; LMDB itself takes 511. */
#define KV_KEY_MAX 256

struct kv_key {
    size_t length;
    uint8_t bytes[KV_KEY_MAX];
};

#define KV_NUMBER_BYTES 8

struct kv_key kv_key_number(uint64_t number);
struct kv_key kv_key_signed(int64_t number);
uint64_t kv_read_number(const uint8_t bytes[KV_NUMBER_BYTES]);
int64_t kv_read_signed(const uint8_t bytes[KV_NUMBER_BYTES]);

/* Appends to a key, which has room for it; `width` bytes of a number. */
void kv_key_append(struct kv_key *key, const void *bytes, size_t length);
void kv_key_append_number(struct kv_key *key, uint64_t number, unsigned width);

/* ---- in a transaction ---- */

struct kv *kv_txn_store(const struct kv_txn *txn);

/* Remembers an error unless there is one already. Returns the first one. */
enum kv_status kv_fail(struct kv_txn *txn, enum kv_status status);

/* Secret bytes that a caller borrows from the transaction: wiped and freed when it ends, or when it
 * lends others. */
void kv_lend(struct kv_txn *txn, uint8_t *data, size_t length);

/* Memory that lives as long as the transaction, which frees it. False: KV_MEMORY was recorded, and
 * the memory is already freed. */
bool kv_keep(struct kv_txn *txn, void *memory);

/* True if the row is there. The value is borrowed until the transaction ends or writes. */
bool kv_get(struct kv_txn *txn, unsigned table, const struct kv_key *key, MDB_val *ret_value);

/* True if there is a row at or after `key`; the first such row. Borrowed as above. */
bool kv_seek(struct kv_txn *txn, unsigned table, const struct kv_key *key, MDB_val *ret_key,
             MDB_val *ret_value);

void kv_put(struct kv_txn *txn, unsigned table, const struct kv_key *key, const void *data,
            size_t length);

/* The same behind all rows of the table, which is then packed more tightly. KV_DAMAGED if the key
 * does not belong there. */
void kv_append(struct kv_txn *txn, unsigned table, const struct kv_key *key, const void *data,
               size_t length);

/* Puts a row, whose value the caller must write at once into what is returned. NULL if there was an
 * error. */
uint8_t *kv_reserve(struct kv_txn *txn, unsigned table, const struct kv_key *key, size_t length);

/* A missing row is fine. */
void kv_delete(struct kv_txn *txn, unsigned table, const struct kv_key *key);

/* Deletes all rows from `first` to `last`, both included. */
void kv_delete_range(struct kv_txn *txn, unsigned table, const struct kv_key *first,
                     const struct kv_key *last);

/* The same, but at most `most` of them; returns how many there were. */
uint64_t kv_delete_some(struct kv_txn *txn, unsigned table, const struct kv_key *first,
                        const struct kv_key *last, uint64_t most);

/* Called for a row, which is borrowed for the call. False ends the walk. */
typedef bool kv_visit_row(void *arg, const MDB_val *key, const MDB_val *value);

/* Visits the rows from `first` to `last`, both included, in their order. */
void kv_walk(struct kv_txn *txn, unsigned table, const struct kv_key *first,
             const struct kv_key *last, kv_visit_row *visit, void *arg);

/* How many rows the table has. */
uint64_t kv_count(struct kv_txn *txn, unsigned table);

/* A number in `meta`. True if it is there; a row that is not a number is KV_DAMAGED. */
bool kv_get_number(struct kv_txn *txn, const char *name, uint64_t *ret_number);
void kv_put_number(struct kv_txn *txn, const char *name, uint64_t number);

/* The same outside a transaction of ours, while a store is made or checked. LMDB's error or
 * MDB_SUCCESS; MDB_CORRUPTED if the row is not a number. */
int kv_meta_get(MDB_txn *txn, MDB_dbi meta, const char *name, uint64_t *ret_number);
int kv_meta_put(MDB_txn *txn, MDB_dbi meta, const char *name, uint64_t number);

#endif
