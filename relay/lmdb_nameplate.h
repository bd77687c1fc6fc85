/* Nameplates in one transaction of the relay's store. */
#ifndef RELAY_LMDB_NAMEPLATE_H
#define RELAY_LMDB_NAMEPLATE_H

#include "relay/lmdb_rows.h"

/*
 * What a claim comes to: RELAY_DONE, RELAY_RECLAIMED or RELAY_CROWDED (or RELAY_BROKEN after an
 * error). Writes nothing. *ret_nameplate is what there is, or a new one that leads to a new
 * mailbox.
 */
enum relay_result lmdb_nameplate_look(struct lmdb_change *change, const struct relay_who *who,
                                      const char *name, struct lmdb_nameplate *ret_nameplate);

/* The claim itself, after a look that said RELAY_DONE. */
void lmdb_nameplate_take(struct lmdb_change *change, const struct relay_who *who, const char *name,
                         struct lmdb_nameplate *nameplate);

/* Releases it for this side. `mailbox`: only if it leads there; NULL: wherever it leads. */
void lmdb_nameplate_release(struct lmdb_change *change, const struct relay_who *who,
                            const char *name, const char *mailbox);

/* Deletes it if it leads to this mailbox, which has gone. */
void lmdb_nameplate_drop(struct lmdb_change *change, const char *appid, const char *name,
                         const char *mailbox);

#endif
