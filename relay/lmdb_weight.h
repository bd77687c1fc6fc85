/*
 * Whose mailboxes take how much of the relay's store, so that a full one can get rid of what
 * matters least: what the heaviest addresses have put there, and nobody else has come for.
 *
 * Who made a mailbox is its `owner`: a number that stands for an address until the relay ends, and
 * from which the address cannot be told; 0 for who is not limited. The mailbox has a row in
 * ROWS_WEIGHTS until another owner's side joins it. A second side of the same owner, as when two
 * people share an address, does not end that, but those mailboxes go last.
 *
 * What a row says is rounded up to a power of two, so that most messages do not change it.
 */
#ifndef RELAY_LMDB_WEIGHT_H
#define RELAY_LMDB_WEIGHT_H

#include "relay/lmdb_rows.h"

/* The least that a mailbox weighs: a page. */
#define LMDB_WEIGHT_MIN 4096

/* Writes the row of a mailbox that has an owner. */
void lmdb_weight_put(struct lmdb_change *change, const char *appid, const char *name,
                     const struct lmdb_mailbox *mailbox);
/* So many bytes have been added to it. */
void lmdb_weight_grown(struct lmdb_change *change, const char *appid, const char *name,
                       const struct lmdb_mailbox *mailbox, uint64_t bytes);
/* A second side has joined, which belongs to this owner. */
void lmdb_weight_joined(struct lmdb_change *change, const char *appid, const char *name,
                        struct lmdb_mailbox *mailbox, uint64_t owner);
void lmdb_weight_delete(struct lmdb_change *change, const struct lmdb_mailbox *mailbox);

/* An owner, and what all its mailboxes of a kind weigh. */
struct lmdb_heavy {
    uint64_t owner, weight;
};

/* Mailboxes with one side, and those whose second side is of the same owner. */
enum lmdb_weight_kind { LMDB_WEIGHT_ALONE = 0, LMDB_WEIGHT_KIN, LMDB_WEIGHT_KINDS };

/*
 * One clearance: the rows are gone through, some at a time, to find the heaviest owner; then some
 * of its mailboxes are deleted, at least `quantum` bytes of them, until another is heavier; and so
 * on. Begin with zeros and a quantum.
 */
struct lmdb_clearance {
    uint64_t quantum;   /* bytes; an owner with less is not heavy */
    unsigned settled;   /* commits since the last deletion that were made for their own sake */
    bool over;          /* nothing is left that could be deleted */
    uint64_t deleted;   /* mailboxes, so far */
    bool clearing;      /* a heaviest one is known */
    struct kv_key next; /* the first row that was not looked at */
    struct lmdb_heavy at[LMDB_WEIGHT_KINDS];    /* the owner of the last row */
    struct lmdb_heavy first[LMDB_WEIGHT_KINDS]; /* the heaviest so far … */
    uint64_t second[LMDB_WEIGHT_KINDS];         /* … and the weight of the next */
    enum lmdb_weight_kind kind;                 /* what is being deleted, … */
    struct lmdb_heavy target;                   /* … whose, and how much more */
};

/* Takes one step, which is short. */
void lmdb_weight_clear(struct lmdb_change *change, struct lmdb_clearance *clearance);

#endif
