/*
 * Private to kv/ (and to tests that look inside): the store, the transaction, and what the files of
 * kv/ share. Each file knows only those before it:
 *
 *     status.c  errors and sentences
 *     key.c     keys, and numbers in `meta`
 *     files.c   the directory, its lock, the head and the length of LMDB's file; no LMDB call
 *     env.c     LMDB's environment: made, opened, checked, opened again
 *     table.c   transactions and rows
 *     snapshot.c  (kv/snapshot.h) all rows at one moment
 *     space.c   how much room the store has
 *     kv.c      opening, closing, and the writer
 *     group_commit.c  (kv/group_commit.h): many operations in one commit
 *
 * record.c, the codec of stored records, is separate from them and knows only status.c.
 */
#ifndef KV_KV_PARTS_H
#define KV_KV_PARTS_H

#include "kv/table.h"

struct kv {
    const struct kv_kind *kind; /* outlives the store */
    char *path;                 /* of the directory, absolute */
    int directory;              /* descriptors; the lock is held as long as `lock` is open */
    int lock;
    uint64_t limit; /* of the file's bytes; UINT64_MAX: none */
    MDB_env *env;
    MDB_dbi tables[KV_TABLES_MAX];
    uint64_t page;  /* bytes of one */
    uint64_t reach; /* bytes of the file as last seen */
    unsigned readers;
    struct kv_snapshot *snapshot; /* the one there is, or NULL */
    void *extra;                  /* of kind->extra */
    int error;   /* of LMDB or the system: the last one of a transaction that wrote */
    int trouble; /* the one that made the last such transaction fail; 0: it succeeded */
    size_t room; /* of the one under way */
};

struct kv_txn {
    struct kv *store;
    MDB_txn *txn; /* NULL if it could not begin */
    enum kv_status status;
    bool writes;

    /* What was lent last; see kv_lend(). */
    uint8_t *lent;
    size_t lent_length;

    /* What it keeps; see kv_keep(). */
    void **kept;
    size_t kept_count;
};

/* ---- files.c ---- */

/*
 * Takes the lock of the directory, the file `lock` in it, which contains the holder's pid.
 * *ret_lock is a new descriptor; closing it (also by dying) releases the lock. The file stays: if
 * it were removed, two processes could hold locks on two files of the same name.
 */
enum kv_status kv_directory_lock(int directory, const char *path, const struct kv_open_error *why,
                                 int *ret_lock);

/*
 * Reads the head of LMDB's file before LMDB maps it. LMDB trusts what is there: a page size of 0
 * makes it divide by zero, and a file that was cut short makes the kernel kill the process as soon
 * as it reads past the end. KV_MISSING if there is no file; KV_DAMAGED if it cannot be a whole one.
 */
enum kv_status kv_header_check(int directory, const char *path, const struct kv_open_error *why);

/* The error with which LMDB's file cannot be opened for writing; EIO if it can. */
int kv_file_obstacle(int directory);

/* The file is extended in steps, not at each commit. */
#define KV_FILE_STEP ((uint64_t)1024 * 1024)

/* Extends the file from `from` bytes to `to`. False with errno. */
bool kv_file_stretch(int file, uint64_t from, uint64_t to);

/* LMDB returns EIO when a disk takes only a part of what is written. The error with which the file
 * cannot be extended; 0: it has been. */
int kv_file_refused(int file, uint64_t from);

/* ---- env.c ---- */

/* Makes a new, empty store in the directory, under another name, and renames it when it is complete
 * and durable: an interruption leaves no incomplete one behind. */
enum kv_status kv_env_create(struct kv *store, const struct kv_open_error *why);

/* Opens the environment, checks the format, and opens the tables. */
enum kv_status kv_env_open(struct kv *store, const struct kv_open_error *why);

/* Closes and opens it again; no transaction may be open. False if it cannot be opened: it is closed
 * then, and can be tried again. */
bool kv_env_restart(struct kv *store);

void kv_env_close(struct kv *store);

/* Updates store->reach, the length of the file. */
void kv_env_measure(struct kv *store);

/* ---- table.c ---- */

/* Begins; never NULL. Ended by kv_end() or kv_txn_commit(). */
struct kv_txn *kv_txn_begin(struct kv *store, bool writes);

/* kv_commit() without the steps around it. */
enum kv_status kv_txn_commit(struct kv_txn *txn);

/* ---- snapshot.c ---- */

/* Ends the snapshot, if there is one, in spite of whoever reads it. */
void kv_snapshot_take_away(struct kv *store);

/* Does so if more of the file than this has come into use since it began. */
void kv_snapshot_limit(struct kv *store, uint64_t growth);

/*
 * ---- space.c
 *
 * The map (address space) grows by doubling. The file is extended beyond what LMDB uses of it, for
 * two reasons. When the disk or the limit is reached, some room has been kept back, so that
 * something can still be deleted: in LMDB every change, even a deletion, needs new pages first. And
 * LMDB does not write free pages at the very end; a store could then not be told from one that was
 * cut short (kv_header_check()). ----
 */

/* Bytes of the file in use, including free pages among them. */
uint64_t kv_space_used(const struct kv *store);

/* Bytes of pages that are free to be used again. Walks LMDB's list of them. */
uint64_t kv_space_free(struct kv *store);

/*
 * Before a write transaction that adds `room` bytes of new data: makes room for it, or returns
 * KV_FULL. 0: it only deletes or rewrites, and may use what is kept back.
 */
enum kv_status kv_space_prepare(struct kv *store, size_t room);

/* Before a snapshot: makes the map so large that it will hardly have to be moved meanwhile. */
void kv_space_spread(struct kv *store);

/* After a failed commit: the error with which the file cannot be extended (see kv_file_refused());
 * 0: it was. */
int kv_space_refusal(struct kv *store);

/* The error of a store whose files were deleted while it was open. */
#define KV_ERROR_DELETED ESTALE

/* After a commit: makes sure that the file reaches as far as LMDB says. */
void kv_space_settle(struct kv *store);

#endif
