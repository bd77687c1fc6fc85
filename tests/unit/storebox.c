#include "config.h"

#include "storebox.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tempdir.h"

void storebox_open(struct storebox *box, uint64_t max_bytes)
{
    char why[512] = "";
    if (store_open(box->path, max_bytes, &box->store, why, sizeof(why)) != STORE_OK)
        fail_msg("%s", why);
    assert_string_equal(why, "");
}

void storebox_close(struct storebox *box)
{
    store_close(box->store);
    box->store = NULL;
}

struct storebox storebox_make(uint64_t max_bytes)
{
    struct storebox box = {.path = tempdir_make()};
    storebox_open(&box, max_bytes);
    return box;
}

void storebox_remove(struct storebox *box)
{
    storebox_close(box);
    tempdir_remove(box->path);
}

int storebox_set_up(void **state)
{
    static struct storebox box;
    box = storebox_make(0);
    *state = &box;
    return 0;
}

int storebox_tear_down(void **state)
{
    storebox_remove(*state);
    return 0;
}

void storebox_assert_refused(const char *path, enum store_status status)
{
    char why[512] = "";
    struct store *store = NULL;
    assert_int_equal(store_open(path, 0, &store, why, sizeof(why)), status);
    assert_null(store);
    assert_non_null(strstr(why, path));
}

void storebox_put(struct storebox *box, struct session *session)
{
    struct store_txn *txn = store_write(box->store, 4096);
    assert_int_equal(store_put_session(txn, session, NULL), STORE_OK);
    assert_int_equal(store_commit(txn), STORE_OK);
}

void storebox_delete(struct storebox *box, const struct session *session)
{
    struct store_txn *txn = store_write(box->store, 0);
    store_delete_session(txn, session->id);
    assert_int_equal(store_commit(txn), STORE_OK);
}

enum store_status storebox_next(struct store_txn *txn, const uint8_t *after,
                                struct session **ret_session)
{
    uint8_t id[SESSION_ID_BYTES];
    enum store_status status = store_next_id(txn, after, id);
    return status == STORE_OK ? store_get_session(txn, id, ret_session) : status;
}

uint64_t storebox_rows(struct storebox *box, enum table table)
{
    struct store_txn *txn = store_read(box->store);
    uint64_t rows = lmdb_count(txn, table);
    assert_int_equal(store_txn_status(txn), STORE_OK);
    store_end(txn);
    return rows;
}
