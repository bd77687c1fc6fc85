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
    if (store_open(box->path, max_bytes, &box->store, why, sizeof(why)) != KV_OK)
        fail_msg("%s", why);
    assert_string_equal(why, "");
}

void storebox_close(struct storebox *box)
{
    kv_close(box->store);
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

void storebox_assert_refused(const char *path, enum kv_status status)
{
    char why[512] = "";
    struct kv *store = NULL;
    assert_int_equal(store_open(path, 0, &store, why, sizeof(why)), status);
    assert_null(store);
    assert_non_null(strstr(why, path));
}

void storebox_put(struct storebox *box, struct session *session)
{
    struct kv_txn *txn = kv_write(box->store, 4096);
    assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
    assert_int_equal(kv_commit(txn), KV_OK);
}

void storebox_delete(struct storebox *box, const struct session *session)
{
    struct kv_txn *txn = kv_write(box->store, 0);
    store_delete_session(txn, session->id);
    assert_int_equal(kv_commit(txn), KV_OK);
}

enum kv_status storebox_next(struct kv_txn *txn, const uint8_t *after, struct session **ret_session)
{
    uint8_t id[SESSION_ID_BYTES];
    enum kv_status status = store_next_id(txn, after, id);
    return status == KV_OK ? store_get_session(txn, id, ret_session) : status;
}

uint64_t storebox_rows(struct storebox *box, enum store_table table)
{
    struct kv_txn *txn = kv_read(box->store);
    uint64_t rows = kv_count(txn, table);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    kv_end(txn);
    return rows;
}
