/*
 * A durable store in one LMDB environment, whatever its tables: one process at a time, one writer,
 * and readers that see what is durable.
 *
 * A transaction remembers its first error: later operations on it do nothing, and commit reports
 * the error. So callers read as straight lines.
 *
 * LMDB keeps no checksums: a file that is no store, or that was cut short, is refused at opening,
 * but pages that a broken disk altered inside of the file may be believed.
 */
#ifndef LMDB_STORE_H
#define LMDB_STORE_H

#include <stddef.h>
#include <stdint.h>

enum store_status {
    STORE_OK = 0,
    STORE_MISSING,   /* no such row */
    STORE_TAKEN,     /* the petname belongs to another session */
    STORE_AMBIGUOUS, /* more than one id begins so */
    STORE_FULL,      /* the limit of the store's size, or the disk's space */
    STORE_LOCKED,    /* another daemon has the store open */
    STORE_NEWER,     /* written by a newer program */
    STORE_DAMAGED,   /* not a store, or a record that cannot be read; it was left as it is */
    STORE_DENIED,    /* permissions */
    STORE_MEMORY,
    STORE_FAILED, /* any other error of the system */
};

/* One sentence for a person. Borrowed. */
const char *store_status_text(enum store_status status);

struct store;
struct store_txn;

void store_close(struct store *store); /* NULL is fine */

/* Bytes of the store's file in use, pages that are free to be used again not counted, and the limit
 * (UINT64_MAX if none). No write transaction may be open. */
void store_size(struct store *store, uint64_t *ret_used, uint64_t *ret_limit);

/* ---- transactions ---- */

/* Reads a snapshot of what is durable. Never NULL: a failure to begin is remembered in it.
 * store_end(). */
struct store_txn *store_read(struct store *store);

/*
 * The one writer. No read transaction may be open: the map cannot be moved under it. `room` is how
 * many bytes of new data may come, each row counted with the pages that it changes; the store
 * is made larger for them beforehand, or the transaction begins as STORE_FULL. 0: it only deletes,
 * or rewrites what is there; in a full store it may use the room that is kept back for this.
 * store_commit() or store_end(). Without SIGXFSZ ignored, a limit of the system on files' sizes
 * kills the process.
 */
struct store_txn *store_write(struct store *store, size_t room);

/* The first error so far. */
enum store_status store_txn_status(const struct store_txn *txn);

/* Makes everything durable, or nothing if there was an error, which it returns. The transaction is
 * gone either way. */
enum store_status store_commit(struct store_txn *txn);

/* Ends a transaction without committing it. NULL is fine. */
void store_end(struct store_txn *txn);

#endif
