/* A store that is full says so, loses nothing, goes on reading, and can be made emptier. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sample.h"
#include "kv/kv_parts.h"
#include "storebox.h"
#include "tempdir.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define KIB(n)        ((size_t)(n)*1024)
#define MIB(n)        KIB((size_t)(n)*1024)

/* ---- looks ---- */

static size_t map_size(const struct storebox *box)
{
    MDB_envinfo info;
    assert_int_equal(mdb_env_info(box->store->env, &info), 0);
    return info.me_mapsize;
}

static uint64_t file_size(const struct storebox *box)
{
    struct stat status;
    char *path = tempdir_path(box->path, "data.mdb");
    assert_int_equal(stat(path, &status), 0);
    free(path);
    return (uint64_t)status.st_size;
}

static enum kv_status put_message(struct storebox *box, const uint8_t *id, uint32_t number,
                                  size_t length)
{
    uint8_t *data = malloc(length);
    assert_non_null(data);
    memset(data, (int)number, length);
    struct kv_txn *txn = kv_write(box->store, length);
    store_put_message(txn, STORE_OUTBOX, id, number, data, length);
    free(data);
    return kv_commit(txn);
}

static void delete_messages(struct storebox *box, const uint8_t *id)
{
    struct kv_txn *txn = kv_write(box->store, 0);
    store_delete_messages(txn, STORE_OUTBOX, id, UINT32_MAX);
    assert_int_equal(kv_commit(txn), KV_OK);
}

static void assert_message(struct storebox *box, const uint8_t *id, uint32_t number, size_t length)
{
    const uint8_t *data;
    size_t found;
    struct kv_txn *txn = kv_read(box->store);
    assert_int_equal(store_get_message(txn, STORE_OUTBOX, id, number, &data, &found), KV_OK);
    assert_int_equal(found, length);
    for (size_t i = 0; i < length; i++)
        if (data[i] != (uint8_t)number)
            fail_msg("message %u is not what was written", (unsigned)number);
    kv_end(txn);
}

/* ---- growing ---- */

static void test_map_grows(void **state)
{
    static const struct {
        size_t room, map;
    } steps[] = {{0, MIB(64)}, {MIB(25), MIB(64)}, {MIB(50), MIB(128)}, {MIB(200), MIB(512)}};
    struct storebox box = storebox_make(0);
    struct session *session = sample_full(1), *back;
    (void)state;
    storebox_put(&box, session);
    for (size_t i = 0; i < LENGTH(steps); i++) {
        struct kv_txn *txn = kv_write(box.store, steps[i].room);
        assert_int_equal(map_size(&box), steps[i].map);
        assert_int_equal(store_get_session(txn, session->id, &back), KV_OK);
        sample_assert_same(session, back);
        session_free(back);
        session->heals++;
        assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
        assert_int_equal(kv_commit(txn), KV_OK);
    }
    session_free(session);
    storebox_remove(&box);
}

static void test_data_grows_beyond_the_first_map(void **state)
{
    struct storebox box = storebox_make(0);
    struct session *session = sample_bare(1);
    (void)state;
    storebox_put(&box, session);
    for (uint32_t number = 0; number < 10; number++)
        assert_int_equal(put_message(&box, session->id, number, MIB(8)), KV_OK);
    assert_int_equal(map_size(&box), MIB(128));
    storebox_close(&box);
    storebox_open(&box, 0);
    assert_true(map_size(&box) >= MIB(80));
    for (uint32_t number = 0; number < 10; number++)
        assert_message(&box, session->id, number, MIB(8));
    assert_int_equal(put_message(&box, session->id, 10, MIB(8)), KV_OK);
    session_free(session);
    storebox_remove(&box);
}

/* LMDB does not write pages that are free at the end. The file is as long as it says all the same:
 * otherwise it could not be told from one that was cut short. */
static void test_file_reaches_its_end(void **state)
{
    struct storebox box = storebox_make(0);
    struct session *session = sample_bare(1);
    uint8_t *data = calloc(1, MIB(8));
    (void)state;
    assert_non_null(data);
    storebox_put(&box, session);
    /* Free pages from before are what makes LMDB take new ones back at once. */
    for (uint32_t number = 0; number < 4; number++)
        assert_int_equal(put_message(&box, session->id, number, KIB(20)), KV_OK);
    delete_messages(&box, session->id);
    storebox_put(&box, session);
    storebox_put(&box, session);
    uint64_t before = file_size(&box);

    struct kv_txn *txn = kv_write(box.store, 0);
    store_put_message(txn, STORE_INBOX, session->id, 0, data, MIB(8));
    store_delete_messages(txn, STORE_INBOX, session->id, UINT32_MAX);
    assert_int_equal(kv_commit(txn), KV_OK);
    free(data);

    assert_true(kv_space_used(box.store) > before);
    assert_true(file_size(&box) >= kv_space_used(box.store));
    storebox_close(&box);
    storebox_open(&box, 0);
    assert_int_equal(storebox_rows(&box, STORE_TABLE_SESSIONS), 1);
    session_free(session);
    storebox_remove(&box);
}

static void test_size(void **state)
{
    struct storebox box = storebox_make(0);
    struct session *session = sample_bare(1);
    uint64_t before, full, after, limit;
    (void)state;
    storebox_put(&box, session);
    kv_size(box.store, &before, &limit);
    assert_true(limit == UINT64_MAX);
    assert_in_range(before, 1, KIB(200));
    assert_int_equal(put_message(&box, session->id, 0, MIB(1)), KV_OK);
    kv_size(box.store, &full, &limit);
    assert_in_range(full, before + MIB(1), before + MIB(1) + KIB(200));
    delete_messages(&box, session->id);
    kv_size(box.store, &after, &limit);
    assert_in_range(after, 1, before + KIB(200));
    storebox_close(&box);
    storebox_open(&box, MIB(3) + 5);
    kv_size(box.store, &after, &limit);
    assert_int_equal(limit, MIB(3));
    session_free(session);
    storebox_remove(&box);
}

/* ---- the limit ---- */

/* Writes sessions with a message each, `batch` at a time, until they do not fit. How many did. */
static uint32_t fill(struct storebox *box, uint32_t first, size_t length, uint32_t batch)
{
    uint8_t *data = calloc(1, length);
    assert_non_null(data);
    for (uint32_t number = first;; number += batch) {
        struct kv_txn *txn = kv_write(box->store, batch * (KIB(1) + length));
        for (uint32_t i = 0; i < batch; i++) {
            struct session *session = sample_bare(number + i);
            store_put_session(txn, session, NULL);
            store_put_message(txn, STORE_OUTBOX, session->id, 0, data, length);
            session_free(session);
        }
        enum kv_status status = kv_commit(txn);
        if (status != KV_OK) {
            assert_int_equal(status, KV_FULL);
            free(data);
            return number - first;
        }
        /* Without a limit it must not fill the tester's disk. */
        assert_in_range((number - first) * (length + 100), 0, MIB(32));
    }
}

static void assert_rows(struct storebox *box, uint32_t count)
{
    assert_int_equal(storebox_rows(box, STORE_TABLE_SESSIONS), count);
    assert_int_equal(storebox_rows(box, STORE_TABLE_DUE), count);
    assert_int_equal(storebox_rows(box, STORE_TABLE_CHANGES), count);
    assert_int_equal(storebox_rows(box, STORE_TABLE_OUTBOX), count);
}

static void delete_numbers(struct storebox *box, uint32_t first, uint32_t count, uint32_t batch)
{
    for (uint32_t number = first; number < first + count; number += batch) {
        struct kv_txn *txn = kv_write(box->store, 0);
        for (uint32_t i = number; i < number + batch && i < first + count; i++) {
            struct session *session = sample_bare(i);
            store_delete_session(txn, session->id);
            session_free(session);
        }
        assert_int_equal(kv_commit(txn), KV_OK);
    }
}

static void assert_reads(struct storebox *box, uint32_t number)
{
    struct session *session = sample_bare(number), *back;
    struct kv_txn *txn = kv_read(box->store);
    assert_int_equal(store_get_session(txn, session->id, &back), KV_OK);
    session->change = back->change;
    sample_assert_same(session, back);
    session_free(back);
    session_free(session);
    kv_end(txn);
}

/* Filled to the limit, emptied by half, filled again, over and over; then emptied wholly. */
static void test_limit(void **state)
{
    static const struct {
        size_t limit, length;
        uint32_t batch;
    } cases[] = {
        {MIB(1), 300, 64}, {MIB(1), 3000, 16}, {MIB(1), KIB(100), 1}, {MIB(8), KIB(300), 1}};
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        uint32_t batch = cases[i].batch, first = 0;
        struct storebox box = storebox_make(cases[i].limit);
        uint32_t count = fill(&box, 0, cases[i].length, batch);
        assert_true(count > 2);
        for (unsigned round = 0; round < 4; round++) {
            assert_rows(&box, count);
            assert_reads(&box, first);
            assert_reads(&box, first + count - 1);
            assert_true(file_size(&box) <= cases[i].limit);
            assert_true(kv_space_used(box.store) <= cases[i].limit);
            uint32_t half = count / 2 + 1;
            delete_numbers(&box, first, half, batch);
            first += half;
            count -= half;
            assert_rows(&box, count);
            uint32_t more = fill(&box, first + count, cases[i].length, batch);
            /* What was deleted is room again. */
            assert_true(more >= half / 2);
            count += more;
        }
        storebox_close(&box);
        storebox_open(&box, cases[i].limit);
        assert_rows(&box, count);
        delete_numbers(&box, first, count, batch);
        assert_rows(&box, 0);
        storebox_remove(&box);
    }
}

/* A session with thousands of messages is deleted from a full store. */
static void test_large_session_from_full_store(void **state)
{
    struct storebox box = storebox_make(MIB(8));
    struct session *session = sample_bare(0);
    uint8_t data[1500] = {0};
    (void)state;
    storebox_put(&box, session);
    uint32_t number = 0;
    enum kv_status status = KV_OK;
    while (status == KV_OK && number < 20000) {
        struct kv_txn *txn = kv_write(box.store, 64 * sizeof(data));
        for (unsigned i = 0; i < 64; i++)
            store_put_message(txn, STORE_OUTBOX, session->id, number++, data, sizeof(data));
        status = kv_commit(txn);
    }
    assert_int_equal(status, KV_FULL);
    assert_true(number > 1500);
    storebox_delete(&box, session);
    assert_rows(&box, 0);
    session_free(session);
    assert_true(fill(&box, 1, KIB(100), 1) > 30);
    storebox_remove(&box);
}

/* The limit was lowered below what is there, in which no page is free: reading and deleting go on.
 */
static void test_lowered_limit(void **state)
{
    struct storebox box = storebox_make(0);
    struct kv_txn *txn = kv_write(box.store, MIB(4));
    uint8_t data[1000] = {0};
    (void)state;
    for (uint32_t number = 0; number < 2000; number++) {
        struct session *session = sample_bare(number);
        store_put_session(txn, session, NULL);
        store_put_message(txn, STORE_OUTBOX, session->id, 0, data, sizeof(data));
        session_free(session);
    }
    assert_int_equal(kv_commit(txn), KV_OK);
    storebox_close(&box);
    storebox_open(&box, MIB(1));
    assert_in_range(kv_space_free(box.store), 0, KIB(32));
    assert_int_equal(fill(&box, 2000, KIB(50), 1), 0);
    assert_rows(&box, 2000);
    delete_numbers(&box, 0, 2000, 50);
    assert_rows(&box, 0);
    storebox_remove(&box);
}

static void test_limit_too_small_for_anything(void **state)
{
    char *path = tempdir_make();
    char why[512];
    struct kv *store = NULL;
    (void)state;
    assert_int_equal(store_open(path, 8192, &store, why, sizeof(why)), KV_FULL);
    assert_null(store);
    assert_non_null(strstr(why, path));
    struct storebox box = {.path = path};
    storebox_open(&box, 0);
    storebox_remove(&box);
}

/* ---- the disk ---- */

/* 0: no limit. */
static void limit_files(uint64_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A disk on which files cannot grow any more. */
static void test_full_disk(void **state)
{
    struct storebox box = storebox_make(0);
    (void)state;
    uint32_t count = 3;
    for (uint32_t number = 0; number < count; number++) {
        struct session *session = sample_bare(number);
        storebox_put(&box, session);
        assert_int_equal(put_message(&box, session->id, 0, KIB(100)), KV_OK);
        session_free(session);
    }
    limit_files(file_size(&box));
    for (unsigned round = 0; round < 5; round++) {
        count += fill(&box, count, KIB(100), 1);
        assert_rows(&box, count);
        assert_reads(&box, 0);
    }
    delete_numbers(&box, count - 2, 2, 1);
    count -= 2;
    assert_rows(&box, count);
    assert_true(fill(&box, count, KIB(50), 1) >= 1);
    storebox_close(&box);
    storebox_open(&box, 0);
    limit_files(0);
    struct session *session = sample_bare(0);
    assert_int_equal(put_message(&box, session->id, 0, MIB(8)), KV_OK);
    session_free(session);
    storebox_remove(&box);
}

/* More than was announced: only the commit finds out, and nothing has happened. */
static void test_full_disk_at_commit(void **state)
{
    struct storebox box = storebox_make(0);
    struct session *session = sample_bare(0);
    (void)state;
    storebox_put(&box, session);
    limit_files(file_size(&box) + 5000);
    uint8_t *data = calloc(1, MIB(8));
    assert_non_null(data);
    struct kv_txn *txn = kv_write(box.store, 0);
    store_put_message(txn, STORE_OUTBOX, session->id, 0, data, MIB(8));
    assert_int_equal(kv_commit(txn), KV_FULL);
    assert_string_equal(kv_health(box.store).word, "full");
    free(data);
    assert_int_equal(storebox_rows(&box, STORE_TABLE_OUTBOX), 0);
    session->heals++;
    storebox_put(&box, session);
    limit_files(0);
    assert_int_equal(put_message(&box, session->id, 0, MIB(8)), KV_OK);
    assert_string_equal(kv_health(box.store).word, "ok");
    session_free(session);
    storebox_remove(&box);
}

static void test_full_disk_while_making(void **state)
{
    char *path = tempdir_make();
    char why[512];
    struct kv *store = NULL;
    (void)state;
    limit_files(10000);
    assert_int_equal(store_open(path, 0, &store, why, sizeof(why)), KV_FULL);
    limit_files(0);
    assert_null(store);
    assert_non_null(strstr(why, path));
    char *leftover = tempdir_path(path, "new");
    assert_int_equal(access(leftover, F_OK), -1);
    free(leftover);
    struct storebox box = {.path = path};
    storebox_open(&box, 0);
    storebox_remove(&box);
}

/* ---- many sessions ---- */

/* Bytes of the store's file that are in this process's memory; -1 if the system does not tell. */
static long resident(void)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[4096];
    unsigned long start, end;
    bool ours = false;
    long kib, sum = -1;
    if (maps == NULL)
        return -1;
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            ours = strstr(line, "/data.mdb") != NULL;
        else if (ours && sscanf(line, "Rss: %ld", &kib) == 1)
            sum = (sum < 0 ? 0 : sum) + kib * 1024;
    }
    fclose(maps);
    return sum;
}

/* To open a store and to ask what is due reads a few pages, however many sessions there are. */
static void test_many_sessions_cost_nothing(void **state)
{
    enum { MANY = 50000 };
    struct storebox box = storebox_make(0);
    struct kv_txn *txn = kv_write(box.store, MIB(40));
    (void)state;
    for (uint32_t number = 0; number < MANY; number++) {
        struct session *session = sample_bare(number);
        assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
        session_free(session);
    }
    assert_int_equal(kv_commit(txn), KV_OK);
    assert_true(kv_space_used(box.store) > MIB(10));
    storebox_close(&box);

    storebox_open(&box, 0);
    struct store_due place = {INT64_MIN, {0}};
    txn = kv_read(box.store);
    assert_int_equal(store_next_due(txn, &place), KV_OK);
    assert_int_equal(place.wake, 1000);
    assert_int_equal(store_count(txn), MANY);
    assert_int_equal(store_last_change(txn), MANY);
    kv_end(txn);
    assert_in_range(resident() + 1, 0, MIB(1));
    storebox_remove(&box);
}

/* Also after a test that failed in between. */
static int lift_limits(void **state)
{
    (void)state;
    limit_files(0);
    return 0;
}

#define LIMITED(name) cmocka_unit_test_teardown(name, lift_limits)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_grows),
        cmocka_unit_test(test_data_grows_beyond_the_first_map),
        cmocka_unit_test(test_file_reaches_its_end),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_large_session_from_full_store),
        cmocka_unit_test(test_lowered_limit),
        cmocka_unit_test(test_limit_too_small_for_anything),
        LIMITED(test_full_disk),
        LIMITED(test_full_disk_at_commit),
        LIMITED(test_full_disk_while_making),
        cmocka_unit_test(test_many_sessions_cost_nothing),
    };
    /* Beyond a limit of file sizes a write is to fail, not to kill. */
    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests_name("store-space", tests, NULL, NULL);
}
