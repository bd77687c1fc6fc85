/* One operation on the relay's LMDB store, from the request to the answer. */
#ifndef RELAY_LMDB_OP_H
#define RELAY_LMDB_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kv/group_commit.h"
#include "relay/lmdb_rows.h"
#include "relay/store.h"

struct lmdb_op;

/* What an operation does; relay/lmdb_work.h has one for each. */
struct lmdb_work {
    /* Runs in a transaction, whose errors it need not handle, and fills in the answer. */
    enum relay_result (*run)(struct lmdb_change *change, struct lmdb_op *op);
    size_t name_max; /* bytes */
    bool grows;      /* it may add new data */
    bool patient;    /* it is no hurry: whoever asks for it is leaving */
};

/* The request. What an operation does not need is NULL or 0. */
struct lmdb_ask {
    const struct relay_who *who;
    const char *name; /* of a nameplate or mailbox */
    const char *mood;
    const struct relay_message *message;
    int64_t now; /* if there is no `who` */
    struct relay_position after;
    unsigned most;
};

struct lmdb_op {
    struct group_op op; /* first, so that both have the same address; the waiter is `arg` */
    const struct lmdb_work *work;
    relay_done done; /* NULL: nobody waits for an answer */
    void *arg;

    /* The request. The operation owns all strings. */
    struct relay_who who;
    const char *name, *mood;
    struct relay_message message;
    struct relay_position after;
    unsigned most;

    /* The answer, and the memory that it points to. */
    struct relay_answer answer;
    char nameplate[RELAY_NAMEPLATE_MAX + 1];
    char mailbox[RELAY_MAILBOX_MAX + 1];
    struct relay_message *messages; /* `side` starts the block that holds a message's strings */
    const char **nameplates;        /* each is a block of its own */
    size_t room_for;                /* messages or nameplates */
    size_t held;                    /* bytes of all of these */
    struct lmdb_ended *ended;       /* mailboxes, the first first */

    char text[];
};

/* New; lmdb_op_free(). NULL when out of memory, or if a name is longer than relay/store.h allows.
 */
struct lmdb_op *lmdb_op_new(const struct lmdb_work *work, const struct lmdb_ask *ask,
                            relay_done done, void *arg);
void lmdb_op_free(struct lmdb_op *op);

/* Discards the answer, so that the operation can run again. */
void lmdb_op_reset(struct lmdb_op *op);

/* Appends to the answer, copying strings; false when out of memory. */
bool lmdb_op_tell_message(struct lmdb_op *op, uint64_t number, const struct lmdb_message *message);
bool lmdb_op_tell_nameplate(struct lmdb_op *op, const char *nameplate, size_t length);

#endif
