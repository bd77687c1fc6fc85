/*
 * The power fails while the file `keys` is being written, and leaves a sector or a page of it in
 * any state, whatever of the rest has reached the disk: no session loses its key, what was deleted
 * stays unreadable, and both copies of every slot are whole again after the next opening.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "content.h"
#include "keysfault.h"
#include "sample.h"
#include "state/backup.h"
#include "state/keyfile.h"
#include "state/restore.h"
#include "storebox.h"
#include "tempdir.h"

#define SECTOR 512
/* As many as make three pages of slots, the last of them in part. The victim's is in the second. */
#define SESSIONS (2 * KEYFILE_PAGE_SLOTS + 20)
#define VICTIM   (KEYFILE_PAGE_SLOTS + 30)
#define HALF     (KEYFILE_GROUP / KEYFILE_COPIES)

static struct storebox box;
static char *keys_path, *data_path;

/* Where a copy of a slot begins; written here once more, since it must never change. */
static size_t place_of(uint64_t slot, unsigned copy)
{
    return KEYFILE_PAGE + slot / KEYFILE_GROUP_SLOTS * KEYFILE_GROUP + copy * HALF +
           slot % KEYFILE_GROUP_SLOTS * KEYFILE_SLOT_BYTES;
}

static size_t page_of(uint64_t slot, unsigned copy)
{
    return place_of(slot, copy) / KEYFILE_PAGE * KEYFILE_PAGE;
}

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

/* Session n is in slot n. */
static int set_up(void **state)
{
    (void)state;
    box = storebox_make(0);
    keys_path = tempdir_path(box.path, "keys");
    data_path = tempdir_path(box.path, "data.mdb");
    put_some(0, SESSIONS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned call = 0; call < KEYSFAULT_CALLS; call++)
        keysfault_refuse(call, 0);
    keysfault_bad_page(0);
    storebox_remove(&box);
    free(keys_path);
    free(data_path);
    return 0;
}

static enum kv_status read_one(struct kv_txn *txn, uint32_t number)
{
    struct session *session = sample_bare(number), *back;
    enum kv_status status = store_get_session(txn, session->id, &back);
    if (status == KV_OK)
        session_free(back);
    session_free(session);
    return status;
}

/* All sessions before `end` can be read, but `except` is as `status` says. */
static void assert_reads(uint32_t end, uint32_t except, enum kv_status status)
{
    struct kv_txn *txn = kv_read(box.store);
    for (uint32_t number = 0; number < end; number++)
        assert_int_equal(read_one(txn, number), number == except ? status : KV_OK);
    assert_int_equal(kv_txn_status(txn), KV_OK);
    kv_end(txn);
}

static void delete_one(uint32_t number)
{
    struct session *session = sample_bare(number);
    storebox_delete(&box, session);
    session_free(session);
}

/* ---- damage ---- */

enum fill { FILL_NOISE, FILL_ZERO, FILL_HALF, FILLS };

/* FILL_HALF: the second half of the unit was not written. */
static void damage(struct content *image, const struct content *before, size_t place, size_t unit,
                   enum fill fill)
{
    if (fill == FILL_NOISE)
        randombytes_buf(image->data + place, unit);
    else if (fill == FILL_ZERO)
        memset(image->data + place, 0, unit);
    else
        memcpy(image->data + place + unit / 2, before->data + place + unit / 2, unit - unit / 2);
}

static struct content copy_of(const struct content *content)
{
    struct content copy = {malloc(content->length), content->length};
    assert_non_null(copy.data);
    memcpy(copy.data, content->data, content->length);
    return copy;
}

static void assert_copies_agree(const struct content *image)
{
    for (size_t group = KEYFILE_PAGE; group < image->length; group += KEYFILE_GROUP)
        assert_memory_equal(image->data + group, image->data + group + HALF, HALF);
}

/* ---- replacing ---- */

/* Two pages are under way: what of the rest has reached the disk. */
enum reached { REACHED_NOTHING, REACHED_FIRST, REACHED_SECOND, REACHED_BOTH, REACHED_WAYS };

static void assert_survives(const struct content *image, const uint8_t *forgotten)
{
    content_write(keys_path, image->data, image->length);
    storebox_open(&box, 0);
    assert_true(store_erasure_done(box.store));
    assert_reads(SESSIONS, VICTIM, KV_MISSING);
    struct content after = content_read(keys_path);
    assert_false(content_has(&after, forgotten, KEYFILE_KEY_BYTES / 2));
    assert_false(content_has(&after, forgotten + KEYFILE_KEY_BYTES / 2, KEYFILE_KEY_BYTES / 2));
    assert_copies_agree(&after);
    free(after.data);
    storebox_close(&box);
}

static void tear_replacing(const struct content *before, const struct content *after, size_t unit)
{
    const uint8_t *forgotten = before->data + place_of(VICTIM, 0);
    for (unsigned way = 0; way < REACHED_WAYS * FILLS * KEYFILE_COPIES; way++) {
        unsigned torn = way % KEYFILE_COPIES;
        enum fill fill = way / KEYFILE_COPIES % FILLS;
        enum reached reached = way / KEYFILE_COPIES / FILLS;
        for (size_t at = 0; at < KEYFILE_PAGE; at += unit) {
            struct content image = copy_of(before);
            for (unsigned copy = 0; copy < KEYFILE_COPIES; copy++)
                if (reached & 1U << copy)
                    memcpy(image.data + page_of(VICTIM, copy), after->data + page_of(VICTIM, copy),
                           KEYFILE_PAGE);
            damage(&image, before, page_of(VICTIM, torn) + at, unit, fill);
            assert_survives(&image, forgotten);
            free(image.data);
        }
    }
}

static void test_replacing(void **state)
{
    (void)state;
    struct content before = content_read(keys_path);
    delete_one(VICTIM);
    struct content after = content_read(keys_path);
    storebox_close(&box);
    tear_replacing(&before, &after, SECTOR);
    tear_replacing(&before, &after, KEYFILE_PAGE);
    storebox_open(&box, 0);
    free(before.data);
    free(after.data);
}

/* A disk that said too early that it had written: one copy is of the session before. */
static void test_one_copy_is_older(void **state)
{
    (void)state;
    for (unsigned older = 0; older < KEYFILE_COPIES; older++) {
        struct content before = content_read(keys_path);
        delete_one(VICTIM);
        put_some(VICTIM, VICTIM + 1);
        struct content now = content_read(keys_path);
        assert_memory_not_equal(before.data + place_of(VICTIM, 0), now.data + place_of(VICTIM, 0),
                                KEYFILE_KEY_BYTES);
        storebox_close(&box);
        memcpy(now.data + page_of(VICTIM, older), before.data + page_of(VICTIM, older),
               KEYFILE_PAGE);
        content_write(keys_path, now.data, now.length);
        storebox_open(&box, 0);
        assert_reads(SESSIONS, SESSIONS, KV_OK);
        struct content after = content_read(keys_path);
        assert_false(content_has(&after, before.data + place_of(VICTIM, 0), KEYFILE_KEY_BYTES));
        assert_copies_agree(&after);
        free(before.data);
        free(now.data);
        free(after.data);
    }
}

/* ---- growing, and making ---- */

/* The new group is cut short at a sector, with noise in the last one, or is all there but that
 * sector is noise; the session for which it was made did not come to be. */
static void test_growing(void **state)
{
    (void)state;
    put_some(SESSIONS, KEYFILE_GROUP_SLOTS);
    struct content before = content_read(keys_path), data = content_read(data_path);
    put_some(KEYFILE_GROUP_SLOTS, KEYFILE_GROUP_SLOTS + 1);
    struct content after = content_read(keys_path);
    assert_int_equal(after.length, before.length + KEYFILE_GROUP);
    storebox_close(&box);
    content_write(data_path, data.data, data.length);
    for (size_t at = before.length; at < after.length; at += SECTOR)
        for (unsigned way = 0; way < 4; way++) {
            size_t unit = at % KEYFILE_PAGE == 0 && way % 2 == 0 ? KEYFILE_PAGE : SECTOR;
            struct content image = copy_of(&after);
            randombytes_buf(image.data + at, unit);
            content_write(keys_path, image.data, way < 2 ? image.length : at + unit);
            free(image.data);
            storebox_open(&box, 0);
            if (at % KEYFILE_PAGE == 0) {
                put_some(KEYFILE_GROUP_SLOTS, KEYFILE_GROUP_SLOTS + 1);
                storebox_close(&box);
                storebox_open(&box, 0);
                assert_reads(KEYFILE_GROUP_SLOTS + 1, UINT32_MAX, KV_OK);
                storebox_close(&box);
                content_write(data_path, data.data, data.length);
            } else {
                assert_reads(KEYFILE_PAGE_SLOTS, UINT32_MAX, KV_OK);
                storebox_close(&box);
            }
        }
    storebox_open(&box, 0);
    free(before.data);
    free(after.data);
    free(data.data);
}

/* Before a store is complete, nothing relies on its keys. */
static void test_making(void **state)
{
    struct content noise = {malloc(KEYFILE_PAGE), KEYFILE_PAGE};
    char *new_path = tempdir_path(box.path, "keys.new");
    (void)state;
    assert_non_null(noise.data);
    randombytes_buf(noise.data, noise.length);
    storebox_close(&box);
    for (size_t at = 0; at <= KEYFILE_PAGE; at += SECTOR) {
        assert_int_equal(unlink(data_path), 0);
        assert_int_equal(unlink(keys_path), 0);
        content_write(new_path, noise.data, at);
        storebox_open(&box, 0);
        put_some(0, 1);
        storebox_close(&box);
        storebox_open(&box, 0);
        assert_reads(1, UINT32_MAX, KV_OK);
        assert_int_equal(access(new_path, F_OK), -1);
        storebox_close(&box);
    }
    storebox_open(&box, 0);
    free(noise.data);
    free(new_path);
}

/* ---- mending ---- */

/* The first copy of the first page and the second copy of the second one are noise. */
static struct content twice_torn(void)
{
    struct content image = content_read(keys_path);
    randombytes_buf(image.data + page_of(0, 0), KEYFILE_PAGE);
    randombytes_buf(image.data + page_of(VICTIM, 1), KEYFILE_PAGE);
    return image;
}

/* What can be torn meanwhile is never needed: the second copies are not touched before the first
 * ones are durable. */
static void test_mending_in_order(void **state)
{
    (void)state;
    storebox_close(&box);
    struct content image = twice_torn();
    content_write(keys_path, image.data, image.length);
    keysfault_refuse(KEYSFAULT_SYNC, EIO);
    storebox_open(&box, 0);
    assert_reads(SESSIONS, UINT32_MAX, KV_OK);
    struct content after = content_read(keys_path);
    assert_memory_equal(after.data + page_of(0, 0), after.data + page_of(0, 1), KEYFILE_PAGE);
    assert_memory_equal(after.data + page_of(VICTIM, 1), image.data + page_of(VICTIM, 1),
                        KEYFILE_PAGE);
    storebox_close(&box);
    free(after.data);
    keysfault_refuse(KEYSFAULT_SYNC, 0);
    keysfault_count(KEYSFAULT_WRITE);
    keysfault_count(KEYSFAULT_SYNC);
    content_write(keys_path, image.data, image.length);
    storebox_open(&box, 0);
    assert_int_equal(keysfault_count(KEYSFAULT_WRITE), 2);
    assert_int_equal(keysfault_count(KEYSFAULT_SYNC), 2);
    after = content_read(keys_path);
    assert_copies_agree(&after);
    assert_reads(SESSIONS, UINT32_MAX, KV_OK);
    storebox_close(&box);
    storebox_open(&box, 0); /* nothing is left to do */
    assert_int_equal(keysfault_count(KEYSFAULT_WRITE), 0);
    assert_int_equal(keysfault_count(KEYSFAULT_SYNC), 0);
    free(after.data);
    free(image.data);
}

/* Groups that are in order are not looked at twice; the others are, wherever they are. */
static void test_one_group_of_many(void **state)
{
    const uint32_t count = 3 * KEYFILE_GROUP_SLOTS + 7;
    (void)state;
    put_some(SESSIONS, count);
    storebox_close(&box);
    struct content image = content_read(keys_path);
    for (uint32_t slot = 5; slot < count; slot += KEYFILE_GROUP_SLOTS) {
        size_t place = page_of(slot, slot % 2);
        randombytes_buf(image.data + place, KEYFILE_PAGE);
        content_write(keys_path, image.data, image.length);
        storebox_open(&box, 0);
        free(image.data);
        image = content_read(keys_path);
        assert_copies_agree(&image);
        assert_reads(count, UINT32_MAX, KV_OK);
        storebox_close(&box);
    }
    storebox_open(&box, 0);
    free(image.data);
}

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

static void test_mending_killed(void **state)
{
    unsigned nth = 0;
    bool died;
    (void)state;
    storebox_close(&box);
    struct content image = twice_torn();
    do {
        content_write(keys_path, image.data, image.length);
        died = open_and_die(++nth);
        storebox_open(&box, 0);
        assert_reads(SESSIONS, UINT32_MAX, KV_OK);
        struct content after = content_read(keys_path);
        assert_copies_agree(&after);
        free(after.data);
        storebox_close(&box);
    } while (died);
    assert_int_equal(nth, 5);
    storebox_open(&box, 0);
    free(image.data);
}

static struct content backed_up(struct storebox *from)
{
    struct content content = {0};
    struct backup *backup = NULL;
    assert_int_equal(backup_begin(from->store, &backup), KV_OK);
    while (!backup_done(backup)) {
        size_t got = 0, step = 1 << 20;
        content.data = realloc(content.data, content.length + step);
        assert_non_null(content.data);
        assert_int_equal(backup_read(backup, content.data + content.length, step, &got), KV_OK);
        content.length += got;
    }
    backup_end(backup);
    return content;
}

/* The disk refuses to read a page that it has torn, and to write it in part: it is written anew. */
static void test_unreadable_page(void **state)
{
    (void)state;
    for (unsigned copy = 0; copy < KEYFILE_COPIES; copy++) {
        struct content image = content_read(keys_path);
        keysfault_bad_page((off_t)page_of(VICTIM, copy));
        assert_reads(SESSIONS, UINT32_MAX, KV_OK);
        storebox_close(&box);
        storebox_open(&box, 0);
        keysfault_count(KEYSFAULT_WRITE);
        content_assert(keys_path, image.data, image.length);
        delete_one(VICTIM);
        assert_true(store_erasure_done(box.store));
        put_some(VICTIM, VICTIM + 1);
        free(image.data);
    }
    assert_reads(SESSIONS, UINT32_MAX, KV_OK);
}

/* … unless that would destroy a key that may still be there when the disk changes its mind. */
static void test_unreadable_and_torn(void **state)
{
    (void)state;
    storebox_close(&box);
    struct content image = content_read(keys_path);
    randombytes_buf(image.data + place_of(VICTIM, 1), KEYFILE_SLOT_BYTES);
    content_write(keys_path, image.data, image.length);
    keysfault_bad_page((off_t)page_of(VICTIM, 0));
    storebox_open(&box, 0);
    content_assert(keys_path, image.data, image.length);
    struct kv_txn *txn = kv_read(box.store);
    assert_int_equal(read_one(txn, VICTIM - 1), KV_OK);
    assert_int_equal(read_one(txn, VICTIM), KV_FAILED);
    kv_end(txn);
    storebox_close(&box);
    keysfault_bad_page(0);
    storebox_open(&box, 0);
    assert_reads(SESSIONS, UINT32_MAX, KV_OK);
    free(image.data);
}

/* A backup of such a store, put back, has every session. */
static void assert_backup_whole(void)
{
    struct content content = backed_up(&box);
    char *parent = tempdir_make();
    struct storebox restored = {.path = tempdir_path(parent, "state")};
    struct restore *restore = NULL;
    uint64_t sessions = 0, unreadable = 0;
    char why[512] = "";
    keysfault_bad_page(0);
    assert_int_equal(restore_begin(restored.path, &restore, why, sizeof(why)), RESTORE_OK);
    assert_int_equal(restore_add(restore, content.data, content.length, why, sizeof(why)),
                     RESTORE_OK);
    assert_int_equal(restore_finish(restore, &sessions, &unreadable, why, sizeof(why)), RESTORE_OK);
    assert_int_equal(sessions, SESSIONS);
    assert_int_equal(unreadable, 0);
    restore_free(restore);
    free(restored.path);
    tempdir_remove(parent);
    free(content.data);
}

static void test_backup_of_unreadable(void **state)
{
    (void)state;
    keysfault_bad_page(1); /* the page with the head, of which nothing has to be read */
    assert_backup_whole();
    for (unsigned copy = 0; copy < KEYFILE_COPIES; copy++) {
        keysfault_bad_page((off_t)page_of(VICTIM, copy));
        assert_backup_whole();
    }
    struct backup *backup = NULL;
    keysfault_refuse(KEYSFAULT_READ, EIO);
    assert_int_equal(backup_begin(box.store, &backup), KV_FAILED);
    assert_null(backup);
}

/* ---- both copies ---- */

static void destroy(uint64_t slot)
{
    struct content image = content_read(keys_path);
    for (unsigned copy = 0; copy < KEYFILE_COPIES; copy++)
        randombytes_buf(image.data + place_of(slot, copy), KEYFILE_SLOT_BYTES);
    content_write(keys_path, image.data, image.length);
    free(image.data);
}

/* A session whose key is lost is the only one that is; its slot is left as it is. */
static void test_both_of_a_session(void **state)
{
    (void)state;
    storebox_close(&box);
    destroy(VICTIM);
    struct content image = content_read(keys_path);
    storebox_open(&box, 0);
    assert_reads(SESSIONS, VICTIM, KV_DAMAGED);
    content_assert(keys_path, image.data, image.length);
    free(image.data);
}

/* A slot that belongs to nobody gets a new key: one that is to be used again, and one that never
 * was used. */
static void test_both_of_nobody(void **state)
{
    static const uint64_t slots[] = {VICTIM, SESSIONS};
    (void)state;
    delete_one(VICTIM);
    struct session *session = sample_bare(0);
    session->heals++;
    storebox_put(&box, session); /* with it, the slot can be used again */
    session_free(session);
    storebox_close(&box);
    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
        destroy(slots[i]);
    storebox_open(&box, 0);
    put_some(VICTIM, VICTIM + 1);
    put_some(SESSIONS, SESSIONS + 1);
    storebox_close(&box);
    storebox_open(&box, 0);
    assert_reads(SESSIONS + 1, UINT32_MAX, KV_OK);
    struct content after = content_read(keys_path);
    assert_copies_agree(&after);
    free(after.data);
}

/* A slot's bytes are good in no other place. */
static void test_misplaced(void **state)
{
    (void)state;
    storebox_close(&box);
    struct content image = content_read(keys_path), moved = copy_of(&image);
    memcpy(moved.data + place_of(VICTIM, 0), image.data + place_of(3, 0), KEYFILE_SLOT_BYTES);
    content_write(keys_path, moved.data, moved.length);
    storebox_open(&box, 0);
    assert_reads(SESSIONS, UINT32_MAX, KV_OK);
    content_assert(keys_path, image.data, image.length);
    free(image.data);
    free(moved.data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_replacing),
        TEST(test_one_copy_is_older),
        TEST(test_growing),
        TEST(test_making),
        TEST(test_mending_in_order),
        TEST(test_mending_killed),
        TEST(test_one_group_of_many),
        TEST(test_unreadable_page),
        TEST(test_unreadable_and_torn),
        TEST(test_backup_of_unreadable),
        TEST(test_both_of_a_session),
        TEST(test_both_of_nobody),
        TEST(test_misplaced),
    };
    return cmocka_run_group_tests_name("store-torn", tests, NULL, NULL);
}
