/*
 * Mailboxes and their messages in one transaction of the relay's store.
 *
 * Activity prolongs a mailbox's life, but a visit should cost no write. So activity sets `updated`
 * a little ahead of its own time, and later activity up to that point changes nothing. A mailbox
 * lives as long as was promised, and at most that little longer.
 *
 * A mailbox to which a nameplate leads, which one side alone has opened and which never held a
 * message, is worth nothing to anybody but a stranger who takes numbers: it lives as long as on a
 * stock relay. Its `updated` is earlier by the difference.
 */
#ifndef RELAY_LMDB_MAILBOX_H
#define RELAY_LMDB_MAILBOX_H

#include "relay/lmdb_rows.h"

/* How far ahead: this fraction of the retention, but at most LMDB_AHEAD_MAX ms. */
#define LMDB_AHEAD_PART 64
#define LMDB_AHEAD_MAX  60000

/* Messages that are deleted at once with their mailbox; the rest is swept later, in steps of
 * LMDB_SWEEP_STEP. */
#define LMDB_DELETE_AT_ONCE 64
#define LMDB_SWEEP_STEP     128

bool lmdb_mailbox_get(struct lmdb_change *change, const char *appid, const char *name,
                      struct lmdb_mailbox *ret_mailbox);
void lmdb_mailbox_put(struct lmdb_change *change, const char *appid, const char *name,
                      const struct lmdb_mailbox *mailbox);

/*
 * Opens the mailbox for this side: RELAY_DONE, or RELAY_CROWDED, in which case that is noted.
 * Creates the mailbox if there is none; `nameplate` is the one that leads to it, or "".
 */
enum relay_result lmdb_mailbox_join(struct lmdb_change *change, const struct relay_who *who,
                                    const char *name, const char *nameplate,
                                    struct lmdb_mailbox *ret_mailbox);

/* Notes activity at `now`. True if `updated` has moved: the mailbox must then be put. */
bool lmdb_mailbox_prolong(struct lmdb_change *change, const char *appid, const char *name,
                          struct lmdb_mailbox *mailbox, int64_t now);

/* Writes a message as number mailbox->next, and counts it. The mailbox must then be put. */
void lmdb_mailbox_append(struct lmdb_change *change, const char *appid, const char *name,
                         struct lmdb_mailbox *mailbox, const struct relay_message *message);

/* Bytes that a message counts towards the limit, which covers bodies and ids. */
size_t lmdb_mailbox_weight(const struct relay_message *message);

/* A third side has come, and was refused. */
void lmdb_mailbox_note_crowd(struct lmdb_change *change, const char *appid, const char *name,
                             struct lmdb_mailbox *mailbox);

/* Deletes the mailbox, the nameplate that leads to it, and its messages (if there are many, most of
 * them later), and notes how its life went. */
void lmdb_mailbox_delete(struct lmdb_change *change, const char *appid, const char *name,
                         const struct lmdb_mailbox *mailbox, enum relay_life_end end);

/* Deletes at most `most` mailboxes that had expired at `now`, the oldest first; returns how
 * many. */
size_t lmdb_mailbox_expire(struct lmdb_change *change, int64_t now, size_t most);

/* Deletes LMDB_SWEEP_STEP messages of mailboxes that are gone. */
void lmdb_mailbox_sweep(struct lmdb_change *change);

/* How many such messages there are. */
uint64_t lmdb_mailbox_unswept(struct kv_txn *txn);

#endif
