/* A side that allocates again, because it did not hear the answer, is given the same nameplate as
 * long as nobody has used it; in both stores. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "relay-lmdb-fixture.h"
#include "kv/kv_parts.h"
#include "relay/lmdb_mailbox.h"
#include "relay/lmdb_rows.h"
#include "tests/doubles/memory_store.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

#define OURS   "ours"
#define THEIRS "theirs"

/* A fixture that may have the memory store in its own one's place, and what our side was allocated.
 */
struct scene {
    struct lmdb_fixture *fixture;
    struct memory_store *memory; /* or NULL */
    char nameplate[RELAY_NAMEPLATE_MAX + 1];
    char mailbox[RELAY_MAILBOX_MAX + 1]; /* behind it */
};

static uint64_t nameplates(const struct scene *scene)
{
    return lmdb_fixture_count(scene->fixture).nameplates;
}

/* ---- what may happen between two allocations ---- */

static void we_claim(struct scene *scene)
{
    strcpy(scene->mailbox, lmdb_fixture_claim(scene->fixture, OURS, scene->nameplate)->mailbox);
    assert_string_not_equal(scene->mailbox, "");
}

static void we_release(struct scene *scene)
{
    assert_int_equal(lmdb_fixture_release(scene->fixture, OURS, scene->nameplate), RELAY_DONE);
}

static void we_open(struct scene *scene)
{
    assert_int_equal(lmdb_fixture_enter(scene->fixture, OURS, scene->mailbox)->result, RELAY_DONE);
}

static void we_add(struct scene *scene)
{
    assert_int_equal(lmdb_fixture_add(scene->fixture, OURS, scene->mailbox, "00"), RELAY_DONE);
}

static void we_close(struct scene *scene)
{
    assert_int_equal(lmdb_fixture_leave(scene->fixture, OURS, scene->mailbox), RELAY_DONE);
}

/* And are not given another one. */
static void we_allocate(struct scene *scene)
{
    uint64_t before = nameplates(scene);
    assert_string_equal(lmdb_fixture_allocate(scene->fixture, OURS)->nameplate, scene->nameplate);
    assert_int_equal(nameplates(scene), before);
}

static void we_allocate_in_another_app(struct scene *scene)
{
    uint64_t before = nameplates(scene);
    scene->fixture->app = "another app";
    assert_int_equal(lmdb_fixture_allocate(scene->fixture, OURS)->result, RELAY_DONE);
    assert_int_equal(nameplates(scene), before + 1);
    scene->fixture->app = LMDB_FIXTURE_APP;
}

static void they_allocate(struct scene *scene)
{
    uint64_t before = nameplates(scene);
    assert_int_equal(lmdb_fixture_allocate(scene->fixture, THEIRS)->result, RELAY_DONE);
    assert_int_equal(nameplates(scene), before + 1);
}

static void they_claim(struct scene *scene)
{
    assert_int_equal(lmdb_fixture_claim(scene->fixture, THEIRS, scene->nameplate)->result,
                     RELAY_DONE);
}

static void they_release(struct scene *scene)
{
    assert_int_equal(lmdb_fixture_release(scene->fixture, THEIRS, scene->nameplate), RELAY_DONE);
}

static void they_open(struct scene *scene)
{
    assert_int_equal(lmdb_fixture_enter(scene->fixture, THEIRS, scene->mailbox)->result,
                     RELAY_DONE);
}

static void they_close(struct scene *scene)
{
    assert_int_equal(lmdb_fixture_leave(scene->fixture, THEIRS, scene->mailbox), RELAY_DONE);
}

/* Twice this is more than the retention. */
static void time_passes(struct scene *scene)
{
    scene->fixture->now += scene->fixture->limits.retention * 3 / 4;
    lmdb_fixture_expire(scene->fixture, UINT32_MAX);
}

/* The memory store has nothing that could be opened again. */
static void restart(struct scene *scene)
{
    if (scene->memory)
        return;
    lmdb_fixture_close(scene->fixture);
    lmdb_fixture_open(scene->fixture);
}

typedef void happening(struct scene *scene);

#define HAPPENINGS_MAX 4

static const struct story {
    const char *what;
    happening *happenings[HAPPENINGS_MAX];
    bool again; /* what we are allocated then is what we had */
} stories[] = {
    {"nothing", {NULL}, true},
    {"the relay was restarted", {restart}, true},
    {"the claim got lost as well", {we_claim, restart}, true},
    {"we looked into its mailbox", {we_claim, we_open}, true},
    {"others were allocated theirs", {they_allocate, we_allocate_in_another_app}, true},
    {"each time prolongs its life", {time_passes, we_allocate, time_passes}, true},
    {"its time was over", {time_passes, time_passes}, false},
    {"we released it", {we_release}, false},
    {"we closed its mailbox", {we_claim, we_close}, false},
    {"we released it and made it by hand", {we_release, we_claim}, false},
    {"we added something", {we_claim, we_open, we_add}, false},
    {"they claimed it", {they_claim}, false},
    {"they claimed and released it", {they_claim, they_release}, false},
    {"they claimed it, and only they have it", {they_claim, we_release}, false},
    {"they opened its mailbox", {we_claim, they_open}, false},
    {"they opened its mailbox and closed it", {we_claim, they_open, they_close}, false},
};

static void use_memory(struct scene *scene)
{
    lmdb_fixture_close(scene->fixture);
    scene->memory = memory_store_new(&scene->fixture->limits);
    assert_non_null(scene->memory);
    memory_store_hurry(scene->memory, true);
    scene->fixture->relay = memory_store_interface(scene->memory);
}

static void begin(struct scene *scene, bool in_memory)
{
    *scene = (struct scene){.fixture = lmdb_fixture_make()};
    /* As long as what was never used lives anyway. */
    lmdb_fixture_close(scene->fixture);
    scene->fixture->limits.retention = RELAY_UNUSED_LIFE;
    lmdb_fixture_open(scene->fixture);
    if (in_memory)
        use_memory(scene);
    strcpy(scene->nameplate, lmdb_fixture_allocate(scene->fixture, OURS)->nameplate);
    assert_string_not_equal(scene->nameplate, "");
}

static void end(struct scene *scene)
{
    lmdb_fixture_remove(scene->fixture);
}

static void tell(struct scene *scene, happening *const happenings[HAPPENINGS_MAX])
{
    for (unsigned i = 0; i < HAPPENINGS_MAX && happenings[i]; i++)
        happenings[i](scene);
}

/* The next allocation, and the one after it: what takes the place of a used one is kept as well. */
static void check_what_follows(struct scene *scene, const struct story *story)
{
    uint64_t before = nameplates(scene);
    const char *nameplate = lmdb_fixture_allocate(scene->fixture, OURS)->nameplate;
    if (nameplates(scene) != before + !story->again)
        fail_msg("%s: %s", story->what, story->again ? "another one" : "the same again");
    if (story->again)
        assert_string_equal(nameplate, scene->nameplate);
    strcpy(scene->nameplate, nameplate);
    restart(scene);
    we_allocate(scene);
}

static void test_stories(bool in_memory)
{
    for (size_t i = 0; i < LENGTH(stories); i++) {
        struct scene scene;
        begin(&scene, in_memory);
        tell(&scene, stories[i].happenings);
        check_what_follows(&scene, &stories[i]);
        end(&scene);
    }
}

static void test_on_disk(void **state)
{
    (void)state;
    test_stories(false);
}

static void test_in_memory(void **state)
{
    (void)state;
    test_stories(true);
}

/* ---- the table ---- */

static struct kv *open_rows(const struct lmdb_fixture *fixture)
{
    char why[256];
    struct kv *store;
    assert_int_equal(kv_open(&lmdb_rows_kind, fixture->path, 0, &store, why, sizeof(why)), KV_OK);
    return store;
}

static uint64_t count_rows(const struct lmdb_fixture *fixture)
{
    struct kv *store = open_rows(fixture);
    struct kv_txn *txn = kv_read(store);
    uint64_t rows = kv_count(txn, ROWS_ALLOCATED);
    kv_end(txn);
    kv_close(store);
    return rows;
}

static void test_row_goes_with_its_nameplate(void **state)
{
    static const struct {
        happening *happenings[HAPPENINGS_MAX];
        unsigned rows;
    } ends[] = {
        {{NULL}, 1},
        {{we_allocate_in_another_app, they_allocate}, 3},
        {{we_release}, 0},
        {{we_claim, we_close}, 0},
        {{time_passes, time_passes}, 0},
        {{they_claim, we_release}, 1},
        {{they_claim, we_release, they_release}, 0},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(ends); i++) {
        struct scene scene;
        begin(&scene, false);
        tell(&scene, ends[i].happenings);
        lmdb_fixture_close(scene.fixture);
        assert_int_equal(count_rows(scene.fixture), ends[i].rows);
        end(&scene);
    }
}

/* The end of an older nameplate is not that of the side's newest one. */
static void test_only_its_own_row_goes(void **state)
{
    struct scene scene;
    char newest[RELAY_NAMEPLATE_MAX + 1];
    (void)state;
    begin(&scene, false);
    they_claim(&scene);
    strcpy(newest, lmdb_fixture_allocate(scene.fixture, OURS)->nameplate);
    we_release(&scene);
    they_release(&scene);
    strcpy(scene.nameplate, newest);
    we_allocate(&scene);
    end(&scene);
}

/* A store that was made before there was the table gets it. */
static void test_older_store(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, false);
    lmdb_fixture_close(scene.fixture);
    struct kv *store = open_rows(scene.fixture);
    struct kv_txn *txn = kv_write(store, 4096);
    assert_int_equal(mdb_drop(txn->txn, store->tables[ROWS_ALLOCATED], 1), 0);
    assert_int_equal(kv_commit(txn), KV_OK);
    kv_close(store);
    lmdb_fixture_open(scene.fixture);
    check_what_follows(&scene, &(struct story){"it was not noted", {NULL}, false});
    assert_int_equal(nameplates(&scene), 2);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_on_disk),
        cmocka_unit_test(test_in_memory),
        cmocka_unit_test(test_row_goes_with_its_nameplate),
        cmocka_unit_test(test_only_its_own_row_goes),
        cmocka_unit_test(test_older_store),
    };
    return cmocka_run_group_tests_name("relay-allocate", tests, NULL, NULL);
}
