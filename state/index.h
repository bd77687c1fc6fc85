/* Private to state/: the rows that lead to a session: by its name, when it is due, its change. */
#ifndef STATE_INDEX_H
#define STATE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "kv/table.h"
#include "wormhole/session.h"

void index_add(struct kv_txn *txn, const struct session *session);
void index_remove(struct kv_txn *txn, const struct session *session);

/* False if nobody has the name, or on an error. */
bool index_find_name(struct kv_txn *txn, const char *name, uint8_t ret_id[SESSION_ID_BYTES]);

/* The one session whose name begins so. KV_MISSING, KV_AMBIGUOUS. */
enum kv_status index_find_start(struct kv_txn *txn, const char *start,
                                uint8_t ret_id[SESSION_ID_BYTES]);

/* The next change's number, which is thereby used up. 0 on an error. */
uint64_t index_new_change(struct kv_txn *txn);

#endif
