/*
 * Mailboxes and their messages in one transaction of the relay's store.
 *
 * Activity prolongs a mailbox's life; but a visit is to cost no write. So activity sets `updated` a
 * little ahead of itself, and later activity up to there changes nothing. A mailbox lives as long
 * as was promised, and at most that little longer.
 */
#ifndef RELAY_LMDB_MAILBOX_H
#define RELAY_LMDB_MAILBOX_H

#include "relay/lmdb_rows.h"

/* How far ahead: this part of the retention, but at most so many ms. */
#define LMDB_AHEAD_PART 64
#define LMDB_AHEAD_MAX  60000

/* Messages that go with their mailbox at once; more are swept later, in steps of this many. */
#define LMDB_DELETE_AT_ONCE 64
#define LMDB_SWEEP_STEP     256

bool lmdb_mailbox_get(struct lmdb_change *change, const char *appid, const char *name,
                      struct lmdb_mailbox *ret_mailbox);
void lmdb_mailbox_put(struct lmdb_change *change, const char *appid, const char *name,
                      const struct lmdb_mailbox *mailbox);

/*
 * Opens it for this side: RELAY_DONE, or RELAY_CROWDED and nothing is written. Makes it if there is
 * none; `nameplate`: what leads there, or "".
 */
enum relay_result lmdb_mailbox_join(struct lmdb_change *change, const struct relay_who *who,
                                    const char *name, const char *nameplate,
                                    struct lmdb_mailbox *ret_mailbox);

/* There was activity at `now`. True if `updated` has moved, and the mailbox must be put. */
bool lmdb_mailbox_prolong(struct lmdb_change *change, const char *appid, const char *name,
                          struct lmdb_mailbox *mailbox, int64_t now);

/* Writes a message, as number mailbox->next, and counts it. The mailbox must be put. */
void lmdb_mailbox_append(struct lmdb_change *change, struct lmdb_mailbox *mailbox,
                         const struct relay_message *message);

/* Bytes that a message counts: the limit is of bodies and ids. */
size_t lmdb_mailbox_weight(const struct relay_message *message);

/* Deletes it, the nameplate that leads there, and its messages (many of them later). */
void lmdb_mailbox_delete(struct lmdb_change *change, const char *appid, const char *name,
                         const struct lmdb_mailbox *mailbox);

/* Deletes at most `most` mailboxes whose time was over at `now`, the oldest first; how many. */
size_t lmdb_mailbox_expire(struct lmdb_change *change, int64_t now, size_t most);

/* Deletes LMDB_SWEEP_STEP messages of mailboxes that are gone. */
void lmdb_mailbox_sweep(struct lmdb_change *change);

/* How many such messages there are. */
uint64_t lmdb_mailbox_unswept(struct kv_txn *txn);

#endif
