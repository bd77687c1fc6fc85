/*
 * Nameplates in one transaction of the relay's store: which numbers are free, which nameplate was
 * allocated to whom, who claims it, and which mailbox it leads to.
 *
 * Numbers: for each app and length there is a tree of digits, whose nodes count how many numbers
 * are taken below each digit. The n-th free number of a length is therefore found in as many steps
 * as it has digits, and one random n gives each free number the same chance, however many are
 * taken.
 *
 * Allocations: a side that did not hear the answer asks again and is given the same nameplate;
 * otherwise the first one would stay, known to nobody, until it expires. A row holds a side's last
 * allocation, from then until that nameplate is gone.
 */
#ifndef RELAY_LMDB_NAMEPLATE_H
#define RELAY_LMDB_NAMEPLATE_H

#include "relay/lmdb_rows.h"

/* Digits of the longest number that is given out. A thousand million numbers are enough for an
 * app. */
#define LMDB_NUMBER_DIGITS 9

/* Picks one of the shortest free numbers, each with the same chance. False if every number is
 * taken, or after an error. */
bool lmdb_nameplate_pick_free(struct lmdb_change *change, const char *appid,
                              char ret_number[LMDB_NUMBER_DIGITS + 1]);

/*
 * Finds the nameplate that this side was allocated and nobody has used: this side alone claims it
 * and has the mailbox open, and nothing was ever added there. False if there is none.
 */
bool lmdb_nameplate_find_allocated(struct lmdb_change *change, const struct relay_who *who,
                                   char ret_nameplate[RELAY_NAMEPLATE_MAX + 1]);

/* Notes that this nameplate has just been allocated. */
void lmdb_nameplate_note_allocated(struct lmdb_change *change, const struct relay_who *who,
                                   const char *nameplate);

/*
 * The outcome of a claim: RELAY_DONE, RELAY_RECLAIMED or RELAY_CROWDED (or RELAY_BROKEN after an
 * error). Writes nothing. *ret_nameplate is the existing nameplate, or a new one that leads to a
 * new mailbox.
 */
enum relay_result lmdb_nameplate_look(struct lmdb_change *change, const struct relay_who *who,
                                      const char *name, struct lmdb_nameplate *ret_nameplate);

/* Makes the claim, after lmdb_nameplate_look() has returned RELAY_DONE. */
void lmdb_nameplate_take(struct lmdb_change *change, const struct relay_who *who, const char *name,
                         struct lmdb_nameplate *nameplate);

/* Releases the nameplate for this side: only if it leads to `mailbox`, or, if that is NULL,
 * wherever it leads. */
void lmdb_nameplate_release(struct lmdb_change *change, const struct relay_who *who,
                            const char *name, const char *mailbox);

/* Deletes the nameplate if it leads to this mailbox, which is gone. */
void lmdb_nameplate_drop(struct lmdb_change *change, const char *appid, const char *name,
                         const char *mailbox);

#endif
