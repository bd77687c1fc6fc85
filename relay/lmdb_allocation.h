/*
 * Which nameplate was allocated to whom, in one transaction of the relay's store. A side that did
 * not hear the answer asks again, and is to be given the same one: else the first would stay, known
 * to nobody, until it expires.
 *
 * There is a row for a side's last allocation, from then until that nameplate is gone.
 */
#ifndef RELAY_LMDB_ALLOCATION_H
#define RELAY_LMDB_ALLOCATION_H

#include "relay/lmdb_rows.h"

/*
 * The nameplate that this side was allocated and nobody has used: it alone claims it and has the
 * mailbox open, and nothing was ever added there. False if there is none.
 */
bool lmdb_allocation_find(struct lmdb_change *change, const struct relay_who *who,
                          char ret_nameplate[RELAY_NAMEPLATE_MAX + 1]);

/* This one was allocated now. */
void lmdb_allocation_note(struct lmdb_change *change, const struct relay_who *who,
                          const char *nameplate);

/* A nameplate that these sides claimed is gone. */
void lmdb_allocation_forget(struct lmdb_change *change, const char *appid, const char *nameplate,
                            const struct lmdb_sides *sides);

#endif
