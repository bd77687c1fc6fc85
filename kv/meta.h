/* The numbers in the meta table. */
#ifndef KV_META_H
#define KV_META_H

#include <lmdb.h>
#include <stdint.h>

#define META_FORMAT "format" /* of the store; see struct kv_kind */

/* LMDB's error or MDB_SUCCESS; MDB_CORRUPTED if the row is no number. */
int meta_get(MDB_txn *txn, MDB_dbi table, const char *name, uint64_t *ret_number);
int meta_put(MDB_txn *txn, MDB_dbi table, const char *name, uint64_t number);

#endif
