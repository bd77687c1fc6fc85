/*
 * Group commit: operations that are queued during one turn of the event loop share one transaction,
 * and are answered when, and only when, it is durable.
 *
 * A batch that cannot be committed leaves nothing in the store. If it held several operations, they
 * are tried again, by half as many at a time, so that one that is too large, or meets a damaged
 * row, does not spoil the others, and these still share commits. What fails alone fails for good.
 * In a full store, an operation whose `room` is only an upper bound (`may_not_grow`) is tried
 * without any, and succeeds if it turns out to add nothing: reading, closing and releasing go on.
 *
 * Whoever queues much does not hold up the others: operations are queued by turns, and the turns
 * are served one after the other, each for about as many bytes. Within a turn, operations run, and
 * answers come, in the order in which they were queued, whatever happened to their batch.
 */
#ifndef KV_GROUP_COMMIT_H
#define KV_GROUP_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv/kv.h"

struct event_base;
struct group_commit;

/*
 * One operation: the first member of a struct of the caller's. The caller sets the members above
 * the line before it queues the operation, and never touches those below.
 */
struct group_op {
    size_t room; /* bytes of new data that it may add; 0: it only deletes, reads or rewrites */
    bool may_not_grow;  /* `room` is an upper bound: it may turn out to add nothing */
    const void *waiter; /* who can be forgotten; see group_commit_forget(). NULL: nobody */
    uint64_t turn;      /* whose turn it is in; all that is in the same one is done in order */
    int patience; /* ms for which it may wait until there are others, whose commit it then shares */

    /* ---- */
    bool forgotten; /* for `answer` to read: the waiter must no longer be told */
    struct group_op *next;
    struct group_op *waiter_next, **waiter_this; /* in the index of waiters */
};

/* The transaction of one batch, for the methods that work in it. */
struct group_batch {
    struct kv_txn *txn;
    struct group_op *first; /* the operations, linked by `next` */
    bool written;           /* set it if there is something to commit */
    bool grown;             /* set it if new data was added, for which a full store has no room */
    size_t held;            /* add the bytes that answers occupy until they are given */
    bool no_memory;         /* set it to fail the batch with KV_MEMORY */
};

/* What the owner of the operations provides. Only members that say so may be NULL. */
struct group_methods {
    /* Carries out one operation inside the transaction, whose errors it need not handle. */
    void (*run)(void *arg, struct group_batch *batch, struct group_op *op);
    /* All operations of the batch have run; the commit is next. May be NULL. */
    void (*complete)(void *arg, struct group_batch *batch);
    /* The batch was not committed: resets what it left in memory to what the store holds. Comes
     * before any retry. May be NULL. */
    void (*undo)(void *arg, const struct group_batch *batch, enum kv_status status);
    /* True if the operation is worth another try after its batch failed; otherwise it is dropped
     * without an answer. NULL: all are. */
    bool (*worth_retry)(const struct group_op *op);
    /* Discards what `run` left in the operation, which will run again, or fail. */
    void (*reset)(struct group_op *op);
    /* The operation has failed for good, with this status, which `answer` must tell. Comes after
     * `reset`. */
    void (*fail)(struct group_op *op, enum kv_status status);
    /* The batch is durable: effects leave. Comes before the answers. May be NULL. */
    void (*publish)(void *arg, const struct group_batch *batch);
    /* Tells the waiter, unless op->forgotten. It may queue and forget operations. */
    void (*answer)(void *arg, struct group_op *op);
    /* All operations of a durable batch were answered. May be NULL. */
    void (*settle)(void *arg);
    void (*free)(struct group_op *op);
};

/* Bounds of one batch; the rest waits for the next. */
struct group_limits {
    unsigned ops;
    size_t room; /* of all its operations together: a batch ends with the one that reaches it */
    size_t held; /* of all answers together; likewise */
    int64_t run; /* microseconds that running them may take; likewise. 0: any */
};

struct group_counts {
    uint64_t commits;      /* since the start */
    uint64_t microseconds; /* total of all commits */
    uint64_t usual;        /* microseconds that one took lately; 0 before the first */
};

/* New; group_commit_free(). `base` and `store` are borrowed, `methods` too. NULL when out of
 * memory. */
struct group_commit *group_commit_new(struct event_base *base, struct kv *store,
                                      const struct group_methods *methods, void *arg,
                                      const struct group_limits *limits);

/* Operations that are still queued are freed, neither done nor answered. NULL is fine. */
void group_commit_free(struct group_commit *group);

/*
 * Queues the operation, which is owned from then on. It runs from the event loop, never inside this
 * call. What is queued while a batch is being answered runs after the loop has checked its sockets.
 */
void group_commit_add(struct group_commit *group, struct group_op *op);

/* The operations of this waiter are still done, but nobody is told. Takes time in proportion to
 * their number, however long the queue is. */
void group_commit_forget(struct group_commit *group, const void *waiter);

/* The same for all that is queued. */
void group_commit_forget_all(struct group_commit *group);

/* Runs, and answers, all that is queued, and what is queued in the meantime. Not from a callback.
 */
void group_commit_flush(struct group_commit *group);

/* Room of all operations that are queued and have not run: about what they take of memory. */
size_t group_commit_queued(const struct group_commit *group);

struct group_counts group_commit_counts(const struct group_commit *group);

#endif
