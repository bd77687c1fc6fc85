/* Private to state/: the numbers in the meta table. */
#ifndef STATE_META_H
#define STATE_META_H

#include <lmdb.h>
#include <stdint.h>

#define META_FORMAT "format" /* of the store; STORE_FORMAT */
#define META_CHANGE "change" /* the newest change's number */
#define META_KEYS   "keys"   /* the number of the file `keys` that belongs to the store */
#define META_SLOTS  "slots"  /* so many of its slots have ever been used */
#define META_TIME   "time"   /* of the last turns; ms since the epoch */

/* LMDB's error or MDB_SUCCESS; MDB_CORRUPTED if the row is no number. */
int meta_get(MDB_txn *txn, MDB_dbi table, const char *name, uint64_t *ret_number);
int meta_put(MDB_txn *txn, MDB_dbi table, const char *name, uint64_t number);

#endif
