/* A commit that cannot reach the disk has not happened, and the store goes on. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sample.h"
#include "storebox.h"

/* ---- LMDB's calls to the system, which fail on command ---- */

static unsigned countdown; /* 0: nothing planned */
static int planned_errno;
static bool has_failed;

static bool refuse(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    errno = planned_errno;
    has_failed = true;
    return true;
}

static void fail_nth(unsigned nth, int error)
{
    countdown = nth;
    planned_errno = error;
    has_failed = false;
}

/* The order in which a commit reaches the disk: d data, s sync, m meta page (itself in sync). */
static char order[64];
static size_t order_length;

static void note(char what)
{
    if (order_length < sizeof(order) - 1 && (order_length == 0 || order[order_length - 1] != what))
        order[order_length++] = what;
    order[order_length] = 0;
}

static void note_write(int file)
{
    note(fcntl(file, F_GETFL) & O_DSYNC ? 'm' : 'd');
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset)
{
    note_write(file);
    return refuse() ? -1 : syscall(SYS_pwrite64, file, data, length, offset);
}

ssize_t writev(int file, const struct iovec *parts, int count)
{
    note_write(file);
    return refuse() ? -1 : syscall(SYS_writev, file, parts, count);
}

int fdatasync(int file)
{
    note('s');
    return refuse() ? -1 : (int)syscall(SYS_fdatasync, file);
}

/* Each call in turn fails. The transaction has not happened then, reading goes on (although LMDB
 * itself gives up when its meta page cannot be written), and the next one succeeds. */
static void each_call_fails(int error, enum kv_status status, const char *word)
{
    struct storebox box = storebox_make(0);
    struct session *session = sample_full(0), *back;
    uint8_t data[20000] = {0};
    unsigned nth = 0, failures = 0;
    storebox_put(&box, session);
    do {
        struct kv_txn *txn = kv_write(box.store, sizeof(data));
        uint64_t before = session->change;
        session->heals++;
        assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
        store_put_message(txn, STORE_OUTBOX, session->id, nth, data, sizeof(data));
        fail_nth(++nth, error);
        enum kv_status result = kv_commit(txn);
        countdown = 0;
        if (!has_failed) {
            assert_int_equal(result, KV_OK);
            break;
        }
        failures++;
        assert_int_equal(result, status);
        assert_string_equal(kv_health(box.store).word, word);
        assert_non_null(kv_health(box.store).text);
        session->heals--;
        session->change = before;
        txn = kv_read(box.store);
        assert_int_equal(store_get_session(txn, session->id, &back), KV_OK);
        sample_assert_same(session, back);
        session_free(back);
        kv_end(txn);
        assert_int_equal(storebox_rows(&box, STORE_TABLE_OUTBOX), 0);
        session->heals += 2;
        storebox_put(&box, session);
        session->heals -= 2;
        storebox_put(&box, session);
        assert_string_equal(kv_health(box.store).word, "ok");
        assert_null(kv_health(box.store).text);
    } while (nth < 100);
    assert_in_range(failures, 3, 50);
    storebox_close(&box);
    storebox_open(&box, 0);
    assert_int_equal(storebox_rows(&box, STORE_TABLE_OUTBOX), 1);
    session_free(session);
    storebox_remove(&box);
}

static void test_each_call_fails(void **state)
{
    (void)state;
    each_call_fails(ENOSPC, KV_FULL, "full");
    each_call_fails(EDQUOT, KV_FULL, "full");
    each_call_fails(EIO, KV_FAILED, "failing");
    each_call_fails(EROFS, KV_DENIED, "read-only");
    each_call_fails(EACCES, KV_DENIED, "denied");
    each_call_fails(ESTALE, KV_FAILED, "gone");
}

/* The data reach the disk before the meta page that makes them valid, and that before the commit
 * returns. */
static void test_commit_is_durable(void **state)
{
    struct storebox box = storebox_make(0);
    struct session *session = sample_full(0);
    struct kv_txn *txn = kv_write(box.store, 4096);
    (void)state;
    assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
    order_length = 0;
    assert_int_equal(kv_commit(txn), KV_OK);
    assert_string_equal(order, "dsm");
    session_free(session);
    storebox_remove(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call_fails),
        cmocka_unit_test(test_commit_is_durable),
    };
    return cmocka_run_group_tests_name("store-faults", tests, NULL, NULL);
}
