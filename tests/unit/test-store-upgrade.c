/*
 * A file `keys` of version 1, in which each key stood once, becomes one of this version when it is
 * opened, whatever interrupts that; and nothing of the old one is left that would outlive its
 * sessions.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "content.h"
#include "fixture.h"
#include "keysfault.h"
#include "sample.h"
#include "state/keyfile.h"
#include "storebox.h"
#include "tempdir.h"

#define SESSIONS       (KEYFILE_GROUP_SLOTS + 100) /* two groups of this version */
#define VICTIM         70
#define OLD_PAGE_SLOTS (KEYFILE_PAGE / KEYFILE_KEY_BYTES)

/* Of the new file: the head, pages, and slots. */
#define NEW_WRITES (1 + 2 * KEYFILE_COPIES * KEYFILE_GROUP_PAGES + KEYFILE_COPIES * SESSIONS)

static struct storebox box;
static char *keys_path, *new_path, *discarded_path;
static struct content old_keys; /* as the older version left them; the store is closed */

static void put_some(uint32_t first, uint32_t end)
{
    struct kv_txn *txn = kv_write(box.store, (size_t)(end - first) * 4096);
    for (uint32_t number = first; number < end; number++) {
        struct session *session = sample_bare(number);
        assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
        session_free(session);
    }
    assert_int_equal(kv_commit(txn), KV_OK);
}

/* The same keys in a file of version 1, which ends with the page that has the last slot in it. */
static struct content as_version_1(const struct content *keys)
{
    size_t pages = 1 + (SESSIONS + OLD_PAGE_SLOTS - 1) / OLD_PAGE_SLOTS;
    struct content old = {calloc(pages, KEYFILE_PAGE), pages * KEYFILE_PAGE};
    assert_non_null(old.data);
    randombytes_buf(old.data + KEYFILE_PAGE, old.length - KEYFILE_PAGE);
    memcpy(old.data, keys->data, 24);
    assert_int_equal(old.data[15], 2);
    old.data[15] = 1;
    for (size_t slot = 0; slot < SESSIONS; slot++) {
        size_t group = slot / KEYFILE_GROUP_SLOTS, in_group = slot % KEYFILE_GROUP_SLOTS;
        memcpy(old.data + KEYFILE_PAGE + slot * KEYFILE_KEY_BYTES,
               keys->data + KEYFILE_PAGE + group * KEYFILE_GROUP + in_group * KEYFILE_SLOT_BYTES,
               KEYFILE_KEY_BYTES);
    }
    return old;
}

static int set_up(void **state)
{
    (void)state;
    box = storebox_make(0);
    keys_path = tempdir_path(box.path, "keys");
    new_path = tempdir_path(box.path, "keys.new");
    discarded_path = tempdir_path(box.path, "keys.discard");
    put_some(0, SESSIONS);
    storebox_close(&box);
    struct content keys = content_read(keys_path);
    old_keys = as_version_1(&keys);
    content_write(keys_path, old_keys.data, old_keys.length);
    free(keys.data);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned call = 0; call < KEYSFAULT_CALLS; call++)
        keysfault_refuse(call, 0);
    storebox_remove(&box);
    free(keys_path);
    free(new_path);
    free(discarded_path);
    free(old_keys.data);
    return 0;
}

/* ---- looks ---- */

static void assert_all_read(void)
{
    struct kv_txn *txn = kv_read(box.store);
    assert_int_equal(store_count(txn), SESSIONS);
    for (uint32_t number = 0; number < SESSIONS; number++) {
        struct session *session = sample_bare(number), *back;
        assert_int_equal(store_get_session(txn, session->id, &back), KV_OK);
        session_free(back);
        session_free(session);
    }
    kv_end(txn);
}

/* In no file of the directory, however named, is a key twice, and none but `keys` has one. */
static void assert_nothing_left(void)
{
    assert_int_equal(access(new_path, F_OK), -1);
    assert_int_equal(access(discarded_path, F_OK), -1);
    struct content keys = content_read(keys_path);
    const uint8_t *victim = old_keys.data + KEYFILE_PAGE + VICTIM * KEYFILE_KEY_BYTES;
    assert_int_equal(keys.length, KEYFILE_PAGE + 2 * KEYFILE_GROUP);
    assert_int_equal(keys.data[15], 2);
    assert_true(content_has(&keys, victim, KEYFILE_KEY_BYTES));
    free(keys.data);
}

/* The bytes of a file that may have no name any more. */
static struct content content_of(int file)
{
    struct stat status;
    assert_int_equal(fstat(file, &status), 0);
    struct content content = {malloc((size_t)status.st_size + 1), (size_t)status.st_size};
    assert_non_null(content.data);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    assert_int_equal(read(file, content.data, content.length), content.length);
    return content;
}

/* The blocks that the old file had on the disk hold none of its keys. */
static void assert_overwritten(int old)
{
    struct content content = content_of(old);
    assert_int_equal(content.length, old_keys.length);
    for (size_t slot = 0; slot < SESSIONS; slot++) {
        size_t at = KEYFILE_PAGE + slot * KEYFILE_KEY_BYTES;
        assert_memory_not_equal(content.data + at, old_keys.data + at, KEYFILE_KEY_BYTES / 2);
        assert_memory_not_equal(content.data + at + KEYFILE_KEY_BYTES / 2,
                                old_keys.data + at + KEYFILE_KEY_BYTES / 2, KEYFILE_KEY_BYTES / 2);
    }
    free(content.data);
}

static int open_old(void)
{
    int file = open(keys_path, O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    return file;
}

/* What every upgrade must come to. The store is open afterwards. */
static void assert_upgrades(int old)
{
    storebox_open(&box, 0);
    assert_all_read();
    assert_nothing_left();
    assert_overwritten(old);
    close(old);
}

/* ---- the way that it usually goes ---- */

static void test_upgrades(void **state)
{
    (void)state;
    assert_upgrades(open_old());
    struct content keys = content_read(keys_path);
    storebox_close(&box);
    storebox_open(&box, 0); /* the second opening changes nothing */
    assert_all_read();
    content_assert(keys_path, keys.data, keys.length);
    free(keys.data);
    /* It goes on: a key can be forgotten, and there are more. */
    struct session *session = sample_bare(VICTIM);
    storebox_delete(&box, session);
    session_free(session);
    keys = content_read(keys_path);
    assert_false(content_has(&keys, old_keys.data + KEYFILE_PAGE + VICTIM * KEYFILE_KEY_BYTES,
                             KEYFILE_KEY_BYTES));
    free(keys.data);
    put_some(VICTIM, VICTIM + 1);
    put_some(SESSIONS, 3 * KEYFILE_GROUP_SLOTS);
    storebox_close(&box);
    storebox_open(&box, 0);
    assert_int_equal(storebox_rows(&box, STORE_TABLE_SESSIONS), 3 * KEYFILE_GROUP_SLOTS);
}

/* A slot whose key was still to be replaced is, at the same opening. */
static void test_forgets_what_was_due(void **state)
{
    (void)state;
    storebox_open(&box, 0);
    keysfault_refuse(KEYSFAULT_WRITE, EIO);
    struct session *session = sample_bare(VICTIM);
    storebox_delete(&box, session);
    session_free(session);
    storebox_close(&box);
    keysfault_refuse(KEYSFAULT_WRITE, 0);
    content_write(keys_path, old_keys.data, old_keys.length);
    storebox_open(&box, 0);
    assert_true(store_erasure_done(box.store));
    struct content keys = content_read(keys_path);
    assert_false(content_has(&keys, old_keys.data + KEYFILE_PAGE + VICTIM * KEYFILE_KEY_BYTES,
                             KEYFILE_KEY_BYTES));
    free(keys.data);
}

/* A real one, which has no sessions. */
static void test_empty(void **state)
{
    (void)state;
    struct storebox empty = storebox_make(0);
    char *path = tempdir_path(empty.path, "keys");
    struct content keys = content_read(path);
    assert_int_equal(keys.length, KEYFILE_PAGE);
    storebox_close(&empty);
    keys.data[15] = 1;
    content_write(path, keys.data, keys.length);
    storebox_open(&empty, 0);
    keys.data[15] = 2;
    content_assert(path, keys.data, keys.length);
    free(keys.data);
    free(path);
    storebox_remove(&empty);
}

static void test_too_short(void **state)
{
    char why[512] = "";
    struct kv *store = NULL;
    (void)state;
    assert_int_equal(truncate(keys_path, (off_t)old_keys.length - 1), 0);
    assert_int_equal(store_open(box.path, 0, &store, why, sizeof(why)), KV_DAMAGED);
    assert_non_null(strstr(why, "is too short"));
    content_assert(keys_path, old_keys.data, old_keys.length - 1);
    assert_int_equal(access(new_path, F_OK), -1);
    content_write(keys_path, old_keys.data, old_keys.length);
    storebox_open(&box, 0);
    assert_all_read();
}

/* ---- what interrupts it ---- */

static bool open_and_die(unsigned nth)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        keysfault_kill(nth);
        storebox_open(&box, 0);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status);
}

static void put_back(void)
{
    if (box.store != NULL)
        storebox_close(&box);
    unlink(keys_path); /* a file of its own each time: the one before was overwritten */
    content_write(keys_path, old_keys.data, old_keys.length);
}

/* What had not been synced yet may be anything if the power has failed, too. */
static void tear_new(void)
{
    struct stat status;
    if (stat(new_path, &status) != 0)
        return;
    struct content noise = {malloc((size_t)status.st_size + 1), (size_t)status.st_size};
    assert_non_null(noise.data);
    randombytes_buf(noise.data, noise.length);
    content_write(new_path, noise.data, noise.length / 2);
    free(noise.data);
}

/* Killed instead of each of the calls that change something. Of the many writes of the new file a
 * few are enough: they are all alike. */
static void test_killed(void **state)
{
    (void)state;
    for (unsigned power = 0; power < 2; power++) {
        unsigned nth = 1;
        put_back();
        for (int old = open_old(); open_and_die(nth); old = open_old()) {
            if (power == 1)
                tear_new();
            assert_upgrades(old);
            put_back();
            nth += nth > 40 && nth + 31 < NEW_WRITES ? 31 : 1;
        }
        /* What follows the writes, until the old file is gone, is not many. */
        assert_in_range(nth, NEW_WRITES + 10, NEW_WRITES + 20);
        storebox_open(&box, 0);
    }
}

/* A file system without second names. */
static void test_no_links(void **state)
{
    (void)state;
    keysfault_count(KEYSFAULT_LINK);
    keysfault_refuse(KEYSFAULT_LINK, EPERM);
    assert_upgrades(open_old());
    assert_int_equal(keysfault_count(KEYSFAULT_LINK), 1);
}

/* The disk refuses: the store is, too, with a sentence, and is whole when the disk relents. What
 * the disk may still show after a crash, the old file, is as it was unless `overwriting`. */
static void refuse(enum keysfault_call call, int error, enum kv_status status, bool overwriting)
{
    char why[512] = "";
    struct kv *store = NULL;
    int old = open_old();
    keysfault_refuse(call, error);
    assert_int_equal(store_open(box.path, 0, &store, why, sizeof(why)), status);
    assert_non_null(strstr(why, "cannot bring "));
    assert_non_null(strstr(why, keys_path));
    struct content content = content_of(old);
    if (!overwriting)
        assert_memory_equal(content.data, old_keys.data, old_keys.length);
    free(content.data);
    /* Its name has not been given away unless the new one was durable. */
    if (call == KEYSFAULT_FSYNC)
        content_assert(keys_path, old_keys.data, old_keys.length);
    keysfault_refuse(call, 0);
    assert_upgrades(old);
    put_back();
}

static void test_refused(void **state)
{
    (void)state;
    refuse(KEYSFAULT_WRITE, ENOSPC, KV_FULL, false);
    refuse(KEYSFAULT_WRITE, EIO, KV_FAILED, false);
    refuse(KEYSFAULT_FSYNC, EIO, KV_FAILED, false);
    refuse(KEYSFAULT_DIRECTORY, EIO, KV_FAILED, false);
    refuse(KEYSFAULT_OTHER, EIO, KV_FAILED, false);
    refuse(KEYSFAULT_SYNC, EIO, KV_FAILED, true); /* of the old file */
    storebox_open(&box, 0);
}

/* Of stores that daemons of older versions have left. The calls are too many to look at each. */
static void test_fixtures(void **state)
{
    (void)state;
    for (const char *const *version = fixture_daemon_versions; *version != NULL; version++) {
        unsigned nth = 0;
        bool died = true;
        while (died) {
            box.path = fixture_copy(*version, "daemon");
            died = open_and_die(nth += 3);
            storebox_open(&box, 0);
            struct kv_txn *txn = kv_read(box.store);
            uint8_t id[SESSION_ID_BYTES], *after = NULL;
            unsigned sessions = 0;
            for (; store_next_id(txn, after, id) == KV_OK; after = id, sessions++) {
                struct session *session;
                assert_int_equal(store_get_session(txn, id, &session), KV_OK);
                session_free(session);
            }
            assert_true(sessions >= 13);
            kv_end(txn);
            storebox_remove(&box);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_upgrades), TEST(test_forgets_what_was_due),
        TEST(test_empty),    TEST(test_too_short),
        TEST(test_killed),   TEST(test_no_links),
        TEST(test_refused),  cmocka_unit_test(test_fixtures),
    };
    return cmocka_run_group_tests_name("store-upgrade", tests, NULL, NULL);
}
