/* A store opens for one process at a time, and what is no good store is told and left alone. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "content.h"
#include "sample.h"
#include "storebox.h"
#include "kv/kv_parts.h"
#include "tempdir.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* ---- files ---- */

static unsigned mode_of(const char *directory, const char *name)
{
    struct stat status;
    char *path = tempdir_path(directory, name);
    assert_int_equal(stat(path, &status), 0);
    free(path);
    return status.st_mode & 07777;
}

/* ---- the directory ---- */

static void assert_private(const char *directory)
{
    assert_int_equal(mode_of(directory, "."), 0700);
    assert_int_equal(mode_of(directory, "data.mdb"), 0600);
    assert_int_equal(mode_of(directory, "keys"), 0600);
    assert_int_equal(mode_of(directory, "lock.mdb"), 0600);
    assert_int_equal(mode_of(directory, "lock"), 0600);
}

static void test_makes_private_directories(void **state)
{
    static const mode_t masks[] = {0, 022, 0777};
    char *above = tempdir_make();
    (void)state;
    for (size_t i = 0; i < LENGTH(masks); i++) {
        char name[32];
        snprintf(name, sizeof(name), "%zu/state/wormholed", i);
        struct storebox box = {.path = tempdir_path(above, name)};
        mode_t before = umask(masks[i]);
        storebox_open(&box, 0);
        assert_int_equal(umask(before), masks[i]);
        assert_private(box.path);
        storebox_close(&box);
        snprintf(name, sizeof(name), "%zu", i);
        assert_int_equal(mode_of(above, name), 0700);
        free(box.path);
    }
    tempdir_remove(above);
}

static void test_relative_path(void **state)
{
    static const char *const paths[] = {"a", "b/", "c//d", "./e/../f"};
    char *above = tempdir_make();
    int here = open(".", O_RDONLY | O_DIRECTORY);
    (void)state;
    assert_int_equal(chdir(above), 0);
    assert_int_equal(mkdir("e", 0700), 0);
    for (size_t i = 0; i < LENGTH(paths); i++) {
        struct storebox box = {.path = (char *)paths[i]};
        storebox_open(&box, 0);
        storebox_close(&box);
    }
    assert_int_equal(fchdir(here), 0);
    close(here);
    tempdir_remove(above);
}

static void test_not_private_is_refused(void **state)
{
    static const mode_t modes[] = {0720, 0702, 0777};
    char *path = tempdir_make();
    (void)state;
    for (size_t i = 0; i < LENGTH(modes); i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        storebox_assert_refused(path, KV_DENIED);
    }
    struct storebox box = {.path = path};
    assert_int_equal(chmod(path, 0755), 0);
    storebox_open(&box, 0);
    storebox_remove(&box);
}

static void test_another_users_is_refused(void **state)
{
    char *path = tempdir_make();
    (void)state;
    if (geteuid() != 0) {
        /* Only root can make such a directory, but every system has one. */
        storebox_assert_refused("/usr", KV_DENIED);
    } else {
        assert_int_equal(chown(path, 1, (gid_t)-1), 0);
        storebox_assert_refused(path, KV_DENIED);
    }
    tempdir_remove(path);
}

static void test_no_directory(void **state)
{
    char *above = tempdir_make();
    char *file = tempdir_path(above, "file"), *below = tempdir_path(above, "file/state");
    (void)state;
    content_write(file, "x", 1);
    storebox_assert_refused(file, KV_FAILED);
    storebox_assert_refused(below, KV_FAILED);
    storebox_assert_refused("", KV_FAILED);
    free(file);
    free(below);
    tempdir_remove(above);
}

/* A sentence that does not fit is cut, nothing more. */
static void test_short_room_for_why(void **state)
{
    char *path = tempdir_make();
    char why[4] = "abc";
    struct kv *store = NULL;
    (void)state;
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(store_open(path, 0, &store, why, 3), KV_DENIED);
    assert_int_equal(strlen(why), 2);
    tempdir_remove(path);
}

/* ---- one process at a time ---- */

/* Opens the store in a child that holds it until killed; the child says in the pipe how it went. */
static pid_t open_in_child(const char *path, int *ret_answers)
{
    int answers[2];
    assert_int_equal(pipe(answers), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also if the test fails before it kills */
        char why[512];
        struct kv *store;
        uint8_t status = (uint8_t)store_open(path, 0, &store, why, sizeof(why));
        if (write(answers[1], &status, 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(answers[1]);
    *ret_answers = answers[0];
    return child;
}

static enum kv_status answer_of(int answers)
{
    uint8_t status;
    assert_int_equal(read(answers, &status, 1), 1);
    close(answers);
    return status;
}

static void kill_child(pid_t child)
{
    int status;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void test_second_is_refused(void **state)
{
    char *path = tempdir_make();
    char why[512], pid[32];
    struct kv *store = NULL;
    int answers;
    (void)state;
    pid_t child = open_in_child(path, &answers);
    assert_int_equal(answer_of(answers), KV_OK);

    assert_int_equal(store_open(path, 0, &store, why, sizeof(why)), KV_LOCKED);
    assert_null(store);
    snprintf(pid, sizeof(pid), "process %ld)", (long)child);
    assert_non_null(strstr(why, pid));
    assert_non_null(strstr(why, path));

    /* Killed, it holds no longer. */
    kill_child(child);
    struct storebox box = {.path = path};
    storebox_open(&box, 0);
    storebox_assert_refused(path, KV_LOCKED);
    storebox_remove(&box);
}

/* Any number may race to make a store or to open one: one wins, the others are told. */
static void test_racing_to_open(void **state)
{
    char *path = tempdir_make();
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        enum { RACERS = 4 };
        pid_t children[RACERS];
        int answers[RACERS];
        unsigned winners = 0;
        if (round % 2 == 0) {
            tempdir_remove(path);
            path = tempdir_make();
        }
        for (unsigned i = 0; i < RACERS; i++)
            children[i] = open_in_child(path, &answers[i]);
        for (unsigned i = 0; i < RACERS; i++) {
            enum kv_status status = answer_of(answers[i]);
            assert_true(status == KV_OK || status == KV_LOCKED);
            winners += status == KV_OK;
        }
        assert_int_equal(winners, 1);
        for (unsigned i = 0; i < RACERS; i++)
            kill_child(children[i]);
    }
    struct storebox box = {.path = path};
    storebox_open(&box, 0);
    storebox_remove(&box);
}

/* ---- making a store ---- */

/* Whoever is killed while it makes a store leaves nothing that the next one stumbles over. */
static void test_killed_while_making(void **state)
{
    (void)state;
    for (useconds_t delay = 0; delay < 6000; delay += 100) {
        char *path = tempdir_make();
        int answers;
        pid_t child = open_in_child(path, &answers);
        usleep(delay);
        kill_child(child);
        close(answers);
        struct storebox box = {.path = path};
        storebox_open(&box, 0);
        char *leftover = tempdir_path(path, "new");
        assert_int_equal(access(leftover, F_OK), -1);
        free(leftover);
        storebox_remove(&box);
    }
}

static void test_half_made(void **state)
{
    char *path = tempdir_make();
    char *leftover = tempdir_path(path, "new"), *file = tempdir_path(leftover, "data.mdb");
    (void)state;
    assert_int_equal(mkdir(leftover, 0700), 0);
    content_write(file, "half", 4);
    struct storebox box = {.path = path};
    storebox_open(&box, 0);
    assert_int_equal(access(leftover, F_OK), -1);
    assert_int_equal(storebox_rows(&box, STORE_TABLE_SESSIONS), 0);
    storebox_remove(&box);
    free(file);
    free(leftover);
}

/* ---- what is no good store ---- */

/* A closed store with a session and a message in it. */
static struct storebox make_filled(char **ret_file)
{
    struct storebox box = storebox_make(0);
    struct session *session = sample_full(1);
    uint8_t message[10000] = {0};
    storebox_put(&box, session);
    struct kv_txn *txn = kv_write(box.store, sizeof(message));
    store_put_message(txn, STORE_INBOX, session->id, 0, message, sizeof(message));
    assert_int_equal(kv_commit(txn), KV_OK);
    session_free(session);
    storebox_close(&box);
    *ret_file = tempdir_path(box.path, "data.mdb");
    return box;
}

static void remove_filled(struct storebox *box, char *file)
{
    storebox_remove(box);
    free(file);
}

/* It is refused, stays byte for byte, and with the old content back it opens. */
static void assert_damaged(struct storebox *box, const char *file, const void *data, size_t length)
{
    struct content good = content_read(file);
    content_write(file, data, length);
    storebox_assert_refused(box->path, KV_DAMAGED);
    content_assert(file, data, length);
    content_write(file, good.data, good.length);
    free(good.data);
    storebox_open(box, 0);
    assert_int_equal(storebox_rows(box, STORE_TABLE_SESSIONS), 1);
    storebox_close(box);
}

static void test_other_files(void **state)
{
    char *file;
    struct storebox box = make_filled(&file);
    uint8_t garbage[20000];
    (void)state;
    for (size_t i = 0; i < sizeof(garbage); i++)
        garbage[i] = (uint8_t)(i * i >> 5);
    assert_damaged(&box, file, "", 0);
    assert_damaged(&box, file, "x", 1);
    assert_damaged(&box, file, garbage, sizeof(garbage));
    memset(garbage, 0, sizeof(garbage));
    assert_damaged(&box, file, garbage, sizeof(garbage));
    remove_filled(&box, file);
}

static void test_directory_for_a_file(void **state)
{
    char *path = tempdir_make();
    char *file = tempdir_path(path, "data.mdb");
    (void)state;
    assert_int_equal(mkdir(file, 0700), 0);
    storebox_assert_refused(path, KV_DAMAGED);
    free(file);
    tempdir_remove(path);
}

static uint64_t used_of(struct storebox *box)
{
    MDB_envinfo info;
    storebox_open(box, 0);
    assert_int_equal(mdb_env_info(box->store->env, &info), 0);
    uint64_t used = (info.me_last_pgno + 1) * box->store->page;
    storebox_close(box);
    return used;
}

static void test_cut_short(void **state)
{
    char *file;
    struct storebox box = make_filled(&file);
    struct content good = content_read(file);
    uint64_t used = used_of(&box);
    (void)state;
    assert_in_range(used, 40000, good.length);
    for (size_t length = 0; length < used; length += 4096)
        assert_damaged(&box, file, good.data, length);
    for (size_t length = 1; length < 20000; length += 999)
        assert_damaged(&box, file, good.data, length);
    assert_damaged(&box, file, good.data, used - 1);

    /* What is cut off behind that was room for later. */
    assert_int_equal(truncate(file, (off_t)used), 0);
    storebox_open(&box, 0);
    assert_int_equal(storebox_rows(&box, STORE_TABLE_SESSIONS), 1);
    assert_int_equal(storebox_rows(&box, STORE_TABLE_INBOX), 1);
    free(good.data);
    remove_filled(&box, file);
}

static void test_bad_headers(void **state)
{
    static const struct {
        size_t offset;
        uint32_t value;
    } cases[] = {
        {16, 0xBEEFC0DF}, {20, 2},   {40, 0},   {40, 4095},        {40, 0x40000000},
        {10, 0},          {4112, 0}, {4106, 0}, {4096 + 40, 8192}, {4096 + 20, 999},
    };
    char *file;
    struct storebox box = make_filled(&file);
    struct content bad = content_read(file);
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        uint8_t before[4];
        size_t width = cases[i].offset % 4 == 0 ? 4 : 2;
        memcpy(before, bad.data + cases[i].offset, 4);
        memcpy(bad.data + cases[i].offset, &cases[i].value, width);
        assert_damaged(&box, file, bad.data, bad.length);
        memcpy(bad.data + cases[i].offset, before, 4);
    }
    free(bad.data);
    remove_filled(&box, file);
}

/* Whatever happens to the bytes at the head, opening and a look around end well or are refused. */
static void test_flipped_header_bits(void **state)
{
    char *file;
    struct storebox box = make_filled(&file);
    int patch = open(file, O_RDWR);
    (void)state;
    assert_true(patch >= 0);
    for (size_t bit = 0; bit < (size_t)2 * 152 * 8; bit += 3) {
        off_t offset = (off_t)(bit / 8 % 152 + (bit / 8 / 152) * 4096);
        uint8_t good, bad;
        assert_int_equal(pread(patch, &good, 1, offset), 1);
        bad = good ^ (uint8_t)(1 << bit % 8);
        assert_int_equal(pwrite(patch, &bad, 1, offset), 1);
        char why[512];
        struct kv *store = NULL;
        if (store_open(box.path, 0, &store, why, sizeof(why)) == KV_OK) {
            struct session *session;
            struct kv_txn *txn = kv_read(store);
            if (storebox_next(txn, NULL, &session) == KV_OK)
                session_free(session);
            kv_end(txn);
        }
        kv_close(store);
        assert_int_equal(pwrite(patch, &good, 1, offset), 1);
    }
    close(patch);
    remove_filled(&box, file);
}

static void set_meta(struct storebox *box, const char *name, uint64_t number)
{
    storebox_open(box, 0);
    struct kv_txn *txn = kv_write(box->store, 0);
    assert_int_equal(kv_meta_put(txn->txn, box->store->tables[KV_TABLE_META], name, number), 0);
    assert_int_equal(kv_commit(txn), KV_OK);
    storebox_close(box);
}

static void test_other_formats(void **state)
{
    static const struct {
        uint64_t format;
        enum kv_status status;
    } cases[] = {
        {STORE_FORMAT + 1, KV_NEWER}, {UINT64_MAX, KV_NEWER}, {1, KV_DAMAGED}, {0, KV_DAMAGED}};
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *file;
        struct storebox box = make_filled(&file);
        set_meta(&box, KV_META_FORMAT, cases[i].format);
        struct content before = content_read(file);
        storebox_assert_refused(box.path, cases[i].status);
        content_assert(file, before.data, before.length);
        free(before.data);
        remove_filled(&box, file);
    }
}

/* Rows and tables that somebody added within the same format are no matter. */
static void test_additions_are_no_matter(void **state)
{
    char *file;
    struct storebox box = make_filled(&file);
    MDB_dbi table;
    (void)state;
    set_meta(&box, "a row of the future", 1);
    storebox_open(&box, 0);
    struct kv_txn *txn = kv_write(box.store, 4096);
    assert_int_equal(mdb_dbi_open(txn->txn, "a table of the future", MDB_CREATE, &table), 0);
    assert_int_equal(kv_commit(txn), KV_OK);
    storebox_close(&box);
    storebox_open(&box, 0);
    assert_int_equal(storebox_rows(&box, STORE_TABLE_SESSIONS), 1);
    remove_filled(&box, file);
}

/* LMDB's file, but not of ours: without our tables, or without a format. */
static void test_foreign_lmdb(void **state)
{
    static const char *const tables[] = {NULL, "meta", "sessions"};
    (void)state;
    for (size_t i = 0; i < LENGTH(tables); i++) {
        char *path = tempdir_make();
        char *file = tempdir_path(path, "data.mdb");
        MDB_env *env;
        MDB_txn *txn;
        MDB_dbi table;
        assert_int_equal(mdb_env_create(&env), 0);
        assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
        assert_int_equal(mdb_env_open(env, path, 0, 0600), 0);
        assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
        if (tables[i] != NULL)
            assert_int_equal(mdb_dbi_open(txn, tables[i], MDB_CREATE, &table), 0);
        assert_int_equal(mdb_txn_commit(txn), 0);
        mdb_env_close(env);
        struct content before = content_read(file);
        storebox_assert_refused(path, KV_DAMAGED);
        content_assert(file, before.data, before.length);
        free(before.data);
        free(file);
        tempdir_remove(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_makes_private_directories),
        cmocka_unit_test(test_relative_path),
        cmocka_unit_test(test_not_private_is_refused),
        cmocka_unit_test(test_another_users_is_refused),
        cmocka_unit_test(test_no_directory),
        cmocka_unit_test(test_short_room_for_why),
        cmocka_unit_test(test_second_is_refused),
        cmocka_unit_test(test_racing_to_open),
        cmocka_unit_test(test_killed_while_making),
        cmocka_unit_test(test_half_made),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_directory_for_a_file),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_bad_headers),
        cmocka_unit_test(test_flipped_header_bits),
        cmocka_unit_test(test_other_formats),
        cmocka_unit_test(test_additions_are_no_matter),
        cmocka_unit_test(test_foreign_lmdb),
    };
    return cmocka_run_group_tests_name("store-open", tests, NULL, NULL);
}
