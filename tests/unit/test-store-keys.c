/* The file `keys`: it grows before it is needed, and what is no good one is told and left alone. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "content.h"
#include "keysfault.h"
#include "sample.h"
#include "state/keyfile.h"
#include "storebox.h"
#include "tempdir.h"

/* A store with a session in it, and its two files. */
struct shelf {
    struct storebox box;
    struct session *session;
    char *keys, *data;
};

static int set_up(void **state)
{
    static struct shelf shelf;
    shelf.box = storebox_make(0);
    shelf.session = sample_full(0);
    storebox_put(&shelf.box, shelf.session);
    shelf.keys = tempdir_path(shelf.box.path, "keys");
    shelf.data = tempdir_path(shelf.box.path, "data.mdb");
    keysfault_count(KEYSFAULT_SYNC);
    *state = &shelf;
    return 0;
}

static int tear_down(void **state)
{
    struct shelf *shelf = *state;
    for (unsigned call = 0; call < KEYSFAULT_CALLS; call++)
        keysfault_refuse(call, 0);
    storebox_remove(&shelf->box);
    session_free(shelf->session);
    free(shelf->keys);
    free(shelf->data);
    return 0;
}

static size_t keys_length(const struct shelf *shelf)
{
    struct stat status;
    assert_int_equal(stat(shelf->keys, &status), 0);
    return (size_t)status.st_size;
}

/* Sessions 1 to before `end`, as far as they are not there yet. */
static void put_until(struct shelf *shelf, uint32_t end)
{
    struct kv_txn *txn = kv_write(shelf->box.store, (size_t)end * 4096);
    for (uint32_t number = 1; number < end; number++) {
        struct session *session = sample_bare(number);
        assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
        session_free(session);
    }
    assert_int_equal(kv_commit(txn), KV_OK);
}

/* Of a file with so many groups. */
static size_t length_of(size_t groups)
{
    return KEYFILE_PAGE + groups * KEYFILE_GROUP;
}

static void assert_all_read(struct shelf *shelf, uint32_t count)
{
    struct kv_txn *txn = kv_read(shelf->box.store);
    assert_int_equal(store_count(txn), count);
    for (uint32_t number = 0; number < count; number++) {
        struct session *session = sample_bare(number), *back;
        assert_int_equal(store_get_session(txn, session->id, &back), KV_OK);
        session_free(back);
        session_free(session);
    }
    kv_end(txn);
}

/* ---- growing ---- */

/* By a group of keys that are all different; so 511 of 512 sessions begin without a sync more. */
static void test_grows_by_groups(void **state)
{
    struct shelf *shelf = *state;
    assert_int_equal(keys_length(shelf), length_of(1));
    put_until(shelf, KEYFILE_GROUP_SLOTS);
    assert_int_equal(keysfault_count(KEYSFAULT_SYNC), 0);
    assert_int_equal(keys_length(shelf), length_of(1));
    put_until(shelf, 3 * KEYFILE_GROUP_SLOTS);
    assert_int_equal(keysfault_count(KEYSFAULT_SYNC), 2);
    assert_int_equal(keys_length(shelf), length_of(3));
    storebox_close(&shelf->box);
    storebox_open(&shelf->box, 0);
    assert_all_read(shelf, 3 * KEYFILE_GROUP_SLOTS);
}

static int compare_keys(const void *one, const void *other)
{
    return memcmp(one, other, KEYFILE_KEY_BYTES);
}

/* Each key is there twice, for one slot. */
static void assert_keys_differ(struct content *keys)
{
    size_t count = (keys->length - KEYFILE_PAGE) / KEYFILE_SLOT_BYTES, step = KEYFILE_SLOT_BYTES;
    uint8_t *slots = keys->data + KEYFILE_PAGE;
    qsort(slots, count, step, compare_keys);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(i > 0 && compare_keys(slots + i * step, slots + (i - 1) * step) == 0,
                         i % KEYFILE_COPIES);
}

/* A crash while it grew may leave half a group behind the last one that is needed, or one that
 * never reached the disk. Neither is believed. */
static void test_what_a_crash_left(void **state)
{
    static const size_t lengths[] = {
        1, 65, KEYFILE_PAGE, KEYFILE_GROUP - 1, KEYFILE_GROUP, 2 * KEYFILE_GROUP};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct shelf *shelf = *state;
        storebox_close(&shelf->box);
        assert_int_equal(truncate(shelf->keys, (off_t)(length_of(1) + lengths[i])), 0);
        storebox_open(&shelf->box, 0);
        put_until(shelf, 2 * KEYFILE_GROUP_SLOTS + 1);
        struct content keys = content_read(shelf->keys);
        assert_int_equal(keys.length, length_of(3));
        assert_keys_differ(&keys);
        free(keys.data);
        assert_all_read(shelf, 2 * KEYFILE_GROUP_SLOTS + 1);
        tear_down(state);
        set_up(state);
    }
}

/* Then the session has not begun, and the next one can. */
static void refuse_growth(struct shelf *shelf, enum keysfault_call call, int error,
                          enum kv_status status)
{
    struct session *session = sample_bare(KEYFILE_GROUP_SLOTS);
    put_until(shelf, KEYFILE_GROUP_SLOTS);
    keysfault_refuse(call, error);
    struct kv_txn *txn = kv_write(shelf->box.store, 4096);
    assert_int_equal(store_put_session(txn, session, NULL), status);
    assert_int_equal(kv_commit(txn), status);
    assert_all_read(shelf, KEYFILE_GROUP_SLOTS);
    shelf->session->heals++;
    storebox_put(&shelf->box, shelf->session);
    keysfault_refuse(call, 0);
    storebox_put(&shelf->box, session);
    assert_all_read(shelf, KEYFILE_GROUP_SLOTS + 1);
    session_free(session);
}

static void test_growth_refused(void **state)
{
    static const struct {
        enum keysfault_call call;
        int error;
        enum kv_status status;
    } cases[] = {
        {KEYSFAULT_WRITE, ENOSPC, KV_FULL},
        {KEYSFAULT_WRITE, EIO, KV_FAILED},
        {KEYSFAULT_SYNC, ENOSPC, KV_FULL},
        {KEYSFAULT_SYNC, EIO, KV_FAILED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        refuse_growth(*state, cases[i].call, cases[i].error, cases[i].status);
        tear_down(state);
        set_up(state);
    }
}

/* A key that cannot be read is an error of the transaction, and of no session. */
static void test_read_refused(void **state)
{
    struct shelf *shelf = *state;
    struct session *back;
    keysfault_refuse(KEYSFAULT_READ, EIO);
    struct kv_txn *txn = kv_read(shelf->box.store);
    assert_int_equal(store_get_session(txn, shelf->session->id, &back), KV_FAILED);
    assert_int_equal(kv_txn_status(txn), KV_FAILED);
    kv_end(txn);
    keysfault_refuse(KEYSFAULT_READ, 0);
    assert_all_read(shelf, 1);
}

/* A transaction keeps the keys that it reads, both copies of each; and no longer than it lasts. */
static void test_read_once(void **state)
{
    struct shelf *shelf = *state;
    for (unsigned i = 0; i < 2; i++) {
        struct kv_txn *txn = kv_write(shelf->box.store, 4096);
        struct session *back;
        keysfault_count(KEYSFAULT_READ);
        assert_int_equal(store_get_session(txn, shelf->session->id, &back), KV_OK);
        back->sent++;
        assert_int_equal(store_put_session(txn, back, NULL), KV_OK);
        store_put_message(txn, STORE_OUTBOX, back->id, 7, (const uint8_t *)"text", 4);
        session_free(back);
        assert_int_equal(keysfault_count(KEYSFAULT_READ), KEYFILE_COPIES);
        assert_int_equal(i == 0 ? (kv_end(txn), KV_OK) : kv_commit(txn), KV_OK);
    }
}

static void test_removed_under_us(void **state)
{
    struct shelf *shelf = *state;
    assert_int_equal(unlink(shelf->keys), 0);
    shelf->session->heals++;
    struct kv_txn *txn = kv_write(shelf->box.store, 4096);
    store_put_session(txn, shelf->session, NULL);
    assert_int_equal(kv_commit(txn), KV_FAILED);
}

/* ---- what is no good file ---- */

/* The store is refused with a sentence that has `word` in it; both files stay as they are. */
static void assert_refused(struct shelf *shelf, enum kv_status status, const char *word)
{
    char why[512] = "";
    struct kv *store = NULL;
    struct content data = content_read(shelf->data);
    assert_int_equal(store_open(shelf->box.path, 0, &store, why, sizeof(why)), status);
    assert_null(store);
    assert_non_null(strstr(why, shelf->keys));
    if (strstr(why, word) == NULL)
        fail_msg("not the right sentence: %s", why);
    content_assert(shelf->data, data.data, data.length);
    free(data.data);
}

/* The same for other bytes in the place of the keys, which are put back afterwards. */
static void assert_bad(struct shelf *shelf, const void *bytes, size_t length, enum kv_status status,
                       const char *word)
{
    struct content good = content_read(shelf->keys);
    content_write(shelf->keys, bytes, length);
    assert_refused(shelf, status, word);
    content_assert(shelf->keys, bytes, length);
    content_write(shelf->keys, good.data, good.length);
    free(good.data);
    storebox_open(&shelf->box, 0);
    assert_all_read(shelf, 1);
    storebox_close(&shelf->box);
}

static void test_missing(void **state)
{
    struct shelf *shelf = *state;
    struct content good = content_read(shelf->keys);
    storebox_close(&shelf->box);
    assert_int_equal(unlink(shelf->keys), 0);
    assert_refused(shelf, KV_DAMAGED, "is missing");
    assert_int_equal(access(shelf->keys, F_OK), -1);
    content_write(shelf->keys, good.data, good.length);
    free(good.data);
    storebox_open(&shelf->box, 0);
    assert_all_read(shelf, 1);
}

static void test_short(void **state)
{
    struct shelf *shelf = *state;
    struct content keys = content_read(shelf->keys);
    storebox_close(&shelf->box);
    assert_bad(shelf, "", 0, KV_DAMAGED, "no file of keys");
    assert_bad(shelf, keys.data, 23, KV_DAMAGED, "no file of keys");
    assert_bad(shelf, keys.data, 24, KV_DAMAGED, "too short");
    assert_bad(shelf, keys.data, KEYFILE_PAGE, KV_DAMAGED, "too short");
    assert_bad(shelf, keys.data, keys.length - 1, KV_DAMAGED, "too short");
    free(keys.data);
}

static void test_altered(void **state)
{
    struct shelf *shelf = *state;
    struct content keys = content_read(shelf->keys);
    storebox_close(&shelf->box);
    for (size_t i = 0; i < 24; i++) {
        static const char *const words[] = {"no file of keys", "newer", "another store"};
        keys.data[i] ^= 0x40;
        assert_bad(shelf, keys.data, keys.length, i / 8 == 1 ? KV_NEWER : KV_DAMAGED, words[i / 8]);
        keys.data[i] ^= 0x40;
    }
    free(keys.data);
}

static void test_of_another_store(void **state)
{
    struct shelf *shelf = *state;
    struct storebox other = storebox_make(0);
    struct session *session = sample_full(0);
    storebox_put(&other, session);
    char *path = tempdir_path(other.path, "keys");
    struct content keys = content_read(path);
    storebox_close(&shelf->box);
    assert_bad(shelf, keys.data, keys.length, KV_DAMAGED, "another store");
    free(keys.data);
    free(path);
    session_free(session);
    storebox_remove(&other);
}

static void test_no_file(void **state)
{
    struct shelf *shelf = *state;
    storebox_close(&shelf->box);
    assert_int_equal(unlink(shelf->keys), 0);
    assert_int_equal(symlink("data.mdb", shelf->keys), 0);
    assert_refused(shelf, KV_FAILED, "cannot open");
    assert_int_equal(unlink(shelf->keys), 0);
    assert_int_equal(mkfifo(shelf->keys, 0600), 0);
    assert_refused(shelf, KV_DAMAGED, "no file of keys");
    assert_int_equal(unlink(shelf->keys), 0);
    assert_int_equal(mkdir(shelf->keys, 0700), 0);
    assert_refused(shelf, KV_FAILED, "cannot open");
}

/* Whoever can read it can read the store's copies for ever. */
static void test_readable_by_others(void **state)
{
    static const mode_t modes[] = {0604, 0660, 0666, 0602};
    struct shelf *shelf = *state;
    storebox_close(&shelf->box);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (getuid() == 0 && (modes[i] & S_IRWXO) == 0 && (modes[i] & S_IWGRP) == 0)
            continue;
        assert_int_equal(chmod(shelf->keys, modes[i]), 0);
        assert_refused(shelf, KV_FAILED, "mend that with: chmod go= '");
    }
    assert_int_equal(chmod(shelf->keys, 0600), 0);
    storebox_open(&shelf->box, 0);
    assert_all_read(shelf, 1);
}

static void test_unreadable(void **state)
{
    struct shelf *shelf = *state;
    storebox_close(&shelf->box);
    keysfault_refuse(KEYSFAULT_READ, EIO);
    assert_refused(shelf, KV_FAILED, "cannot open or read");
    keysfault_refuse(KEYSFAULT_READ, 0);
    storebox_open(&shelf->box, 0);
    assert_all_read(shelf, 1);
}

/* Whoever has lost data.mdb may still find a copy, which is worth nothing without its keys. */
static void test_keys_alone(void **state)
{
    struct shelf *shelf = *state;
    struct content data = content_read(shelf->data), keys = content_read(shelf->keys);
    storebox_close(&shelf->box);
    assert_int_equal(unlink(shelf->data), 0);
    storebox_assert_refused(shelf->box.path, KV_DAMAGED);
    content_assert(shelf->keys, keys.data, keys.length);
    assert_int_equal(access(shelf->data, F_OK), -1);
    content_write(shelf->data, data.data, data.length);
    storebox_open(&shelf->box, 0);
    assert_all_read(shelf, 1);
    free(data.data);
    free(keys.data);
}

/* The relay's store has nothing to seal. */
static void test_none_where_nothing_is_sealed(void **state)
{
    static const char *const names[] = {"meta"};
    static const struct kv_kind plain = {
        .program = "a test", .format = 1, .tables = 1, .names = names};
    char why[512] = "", *path = tempdir_make(), *keys = tempdir_path(path, "keys");
    struct kv *store = NULL;
    (void)state;
    for (unsigned times = 0; times < 2; times++) {
        assert_int_equal(kv_open(&plain, path, 0, &store, why, sizeof(why)), KV_OK);
        assert_int_equal(kv_commit(kv_write(store, 4096)), KV_OK);
        assert_int_equal(access(keys, F_OK), -1);
        kv_close(store);
    }
    free(keys);
    tempdir_remove(path);
}

/* A store that was never finished has keys in which no slot is. */
static void test_unfinished(void **state)
{
    struct shelf *shelf = *state;
    storebox_close(&shelf->box);
    assert_int_equal(unlink(shelf->data), 0);
    assert_int_equal(truncate(shelf->keys, KEYFILE_PAGE), 0);
    storebox_open(&shelf->box, 0);
    assert_int_equal(storebox_rows(&shelf->box, STORE_TABLE_SESSIONS), 0);
    storebox_put(&shelf->box, shelf->session);
    storebox_close(&shelf->box);
    storebox_open(&shelf->box, 0);
    assert_all_read(shelf, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_grows_by_groups), TEST(test_what_a_crash_left),
        TEST(test_growth_refused),  TEST(test_read_refused),
        TEST(test_read_once),       TEST(test_removed_under_us),
        TEST(test_missing),         TEST(test_short),
        TEST(test_altered),         TEST(test_of_another_store),
        TEST(test_no_file),         TEST(test_keys_alone),
        TEST(test_unfinished),      TEST(test_readable_by_others),
        TEST(test_unreadable),      cmocka_unit_test(test_none_where_nothing_is_sealed),
    };
    return cmocka_run_group_tests_name("store-keys", tests, NULL, NULL);
}
