/*
 * A durable store in one LMDB environment, whatever its tables: one process at a time, one writer,
 * and readers that see what is durable. This header is for all users of such a store; those who
 * read and write its tables include kv/table.h.
 *
 * A transaction remembers its first error: later operations on it do nothing, and commit reports
 * the error. So callers can be straight-line code.
 *
 * LMDB keeps no checksums: a file that is not a store, or that was cut short, is refused at
 * opening, but pages that a broken disk altered inside the file may be believed.
 */
#ifndef KV_KV_H
#define KV_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kv_status {
    KV_OK = 0,
    KV_MISSING, /* no such row */
    KV_TAKEN, /* the name belongs to another row. kv/ itself never returns this or the next: … */
    KV_AMBIGUOUS, /* … more than one row would do. They are for the users of tables. */
    KV_FULL,      /* the limit of the store's size, or the disk's space */
    KV_LOCKED,    /* another process has the store open */
    KV_NEWER,     /* written by a newer program */
    KV_DAMAGED,   /* not a store, or a record that cannot be read; it was left as it is */
    KV_DENIED,    /* permissions */
    KV_MEMORY,
    KV_FAILED, /* any other system error */
};

/* One sentence for a person. Borrowed. */
const char *kv_status_text(enum kv_status status);

/* Whoever holds the lock on this file in the store's directory has the store. */
#define KV_LOCK_FILE "lock"

struct kv;
struct kv_txn;

/* How a store is. */
struct kv_health {
    const char *word; /* "ok"; or "full", "read-only", "denied", "gone", "failing": it cannot be
                         written */
    const char *text; /* a sentence for a person; NULL if it is ok */
};

/* Judged by the last transaction that wrote; what lacked room is over only when something was added
 * again. Borrowed. */
struct kv_health kv_health(const struct kv *store);

void kv_close(struct kv *store); /* NULL is fine */

/* Bytes of the store's file in use, not counting pages that are free to be used again, and the
 * limit (UINT64_MAX if there is none). No write transaction may be open. */
void kv_size(struct kv *store, uint64_t *ret_used, uint64_t *ret_limit);

/* Bytes of the limit that are kept back: see kv_write(). */
uint64_t kv_kept_back(const struct kv *store);

/* ---- transactions ---- */

/* Reads a snapshot of what is durable. Never NULL: a failure to begin is remembered in it.
 * kv_end(). */
struct kv_txn *kv_read(struct kv *store);

/*
 * The only writer. No read transaction may be open: the map cannot be moved under it. `room` is how
 * many bytes of new data may be added, each row counted with the pages that it changes; the store
 * is enlarged for them beforehand, or the transaction begins as KV_FULL. 0: it only deletes, or
 * rewrites existing data; in a full store it may use the room that is kept back for this.
 * kv_commit() or kv_end(). Unless SIGXFSZ is ignored, a system limit on the size of files kills the
 * process.
 */
struct kv_txn *kv_write(struct kv *store, size_t room);

/* For a store that lacked room: false if `room` bytes could still not be added; otherwise its
 * health is "ok" again. True if it did not lack room. No transaction may be open. */
bool kv_try_room(struct kv *store, size_t room);

/* The first error so far. */
enum kv_status kv_txn_status(const struct kv_txn *txn);

/* Makes everything durable, or nothing if there was an error, which it returns. The transaction is
 * gone either way. */
enum kv_status kv_commit(struct kv_txn *txn);

/* Ends a transaction without committing it. NULL is fine. */
void kv_end(struct kv_txn *txn);

#endif
