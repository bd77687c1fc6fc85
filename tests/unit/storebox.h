/* A store in a directory of its own, and looks into it that only tests take. */
#ifndef TESTS_STOREBOX_H
#define TESTS_STOREBOX_H

#include <stdint.h>

#include "state/store.h"
#include "state/store_parts.h"

struct storebox {
    char *path;
    struct kv *store;
};

/* New and open. storebox_remove(). */
struct storebox storebox_make(uint64_t max_bytes);
void storebox_remove(struct storebox *box);

/* For cmocka: *state is a new one. */
int storebox_set_up(void **state);
int storebox_tear_down(void **state);

void storebox_close(struct storebox *box);
void storebox_open(struct storebox *box, uint64_t max_bytes);

/* Opens it in vain; fails the test unless the status is this one and a sentence names the
 * directory. */
void storebox_assert_refused(const char *path, enum kv_status status);

/* One session, in a transaction of its own. */
void storebox_put(struct storebox *box, struct session *session);
void storebox_delete(struct storebox *box, const struct session *session);

/* The first session behind `after`, or of all (NULL), as store_get_session() says. */
enum kv_status storebox_next(struct kv_txn *txn, const uint8_t *after,
                             struct session **ret_session);

/* How many rows the table has. */
uint64_t storebox_rows(struct storebox *box, enum store_table table);

#endif
