/* What each operation does to the relay's LMDB store; relay/store.h says what is promised. */
#ifndef RELAY_LMDB_WORK_H
#define RELAY_LMDB_WORK_H

#include "relay/lmdb_op.h"

extern const struct lmdb_work lmdb_work_allocate;
extern const struct lmdb_work lmdb_work_claim;   /* name: the nameplate */
extern const struct lmdb_work lmdb_work_release; /* the same */
extern const struct lmdb_work lmdb_work_open;    /* name: the mailbox; so in the next four */
extern const struct lmdb_work lmdb_work_read;    /* after */
extern const struct lmdb_work lmdb_work_add;
extern const struct lmdb_work lmdb_work_close;
extern const struct lmdb_work lmdb_work_touch;
extern const struct lmdb_work lmdb_work_list;
extern const struct lmdb_work lmdb_work_expire; /* no `who`; now, most */
extern const struct lmdb_work lmdb_work_sweep;  /* asks nothing: deletes what was left for later */
extern const struct lmdb_work lmdb_work_clear;  /* arg: a struct lmdb_clearance */

#endif
