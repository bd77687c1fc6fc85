/*
 * Nameplates in one transaction of the relay's store: which numbers are free, which nameplate was
 * allocated to whom, who claims it, and which mailbox it leads to.
 *
 * Numbers: for each app and length a tree of digits, whose nodes count how many numbers are taken
 * below each digit. So the n-th free number of a length is found in as many steps as it has digits,
 * and one random n gives each free number the same chance, however many are taken.
 *
 * Allocations: a side that did not hear the answer asks again, and is given the same nameplate;
 * otherwise the first would stay, known to nobody, until it expires. There is a row for a side's
 * last allocation, from then until that nameplate is gone.
 */
#ifndef RELAY_LMDB_NAMEPLATE_H
#define RELAY_LMDB_NAMEPLATE_H

#include "relay/lmdb_rows.h"

/* Digits of the longest number that is given out. A thousand million are enough for an app. */
#define LMDB_NUMBER_DIGITS 9

/* Picks one of the shortest free numbers, each with the same chance. False if every number is
 * taken, or after an error. */
bool lmdb_nameplate_pick_free(struct lmdb_change *change, const char *appid,
                              char ret_number[LMDB_NUMBER_DIGITS + 1]);

/*
 * The nameplate that this side was allocated and nobody has used: it alone claims it and has the
 * mailbox open, and nothing was ever added there. False if there is none.
 */
bool lmdb_nameplate_find_allocated(struct lmdb_change *change, const struct relay_who *who,
                                   char ret_nameplate[RELAY_NAMEPLATE_MAX + 1]);

/* This one was allocated now. */
void lmdb_nameplate_note_allocated(struct lmdb_change *change, const struct relay_who *who,
                                   const char *nameplate);

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
