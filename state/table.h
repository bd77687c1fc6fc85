/* Private to state/: the sessions' tables, and their numbers in `meta`. */
#ifndef STATE_TABLE_H
#define STATE_TABLE_H

#include "kv/table.h"

enum table {
    TABLE_SESSIONS = TABLE_META + 1,
    TABLE_NAMES,
    TABLE_DUE,
    TABLE_OUTBOX,
    TABLE_INBOX,
    TABLE_CHANGES,
    TABLE_IMPORTS,
    TABLE_SLOTS,
    TABLES
};

#define META_CHANGE "change" /* the newest change's number */
#define META_KEYS   "keys"   /* the number of the file `keys` that belongs to the store */
#define META_SLOTS  "slots"  /* so many of its slots have ever been used */
#define META_TIME   "time"   /* of the last turns; ms since the epoch */

#endif
