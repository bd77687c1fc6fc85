/*
 * A backup holds the store as it was at one moment, whatever is changed, deleted or added while it
 * is read; what is restored from it is that store. Nothing that is damaged, or cut short, or
 * contrived, takes a place.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "content.h"
#include "kv/kv_parts.h"
#include "kv/snapshot.h"
#include "sample.h"
#include "state/backup.h"
#include "state/restore.h"
#include "storebox.h"
#include "tempdir.h"

#define SESSIONS 40
#define LONG     ((size_t)300000)

/* ---- a store ---- */

static void put_message(struct storebox *box, const struct session *session, uint32_t number,
                        size_t length)
{
    uint8_t *data = calloc(1, length + 1);
    assert_non_null(data);
    memset(data, (int)(session->id[0] + number), length);
    struct kv_txn *txn = kv_write(box->store, length + 65536);
    store_put_message(txn, STORE_INBOX, session->id, number, data, length);
    assert_int_equal(kv_commit(txn), KV_OK);
    free(data);
}

static void fill(struct storebox *box)
{
    for (uint32_t number = 1; number <= SESSIONS; number++) {
        struct session *session = sample_full(number);
        storebox_put(box, session);
        put_message(box, session, 0, number == 7 ? LONG : number);
        session_free(session);
    }
}

static int set_up(void **state)
{
    static struct storebox box;
    box = storebox_make(0);
    fill(&box);
    *state = &box;
    return 0;
}

/* All of the rest of it, `step` bytes at a time. */
static struct content read_rest(struct backup *backup, size_t step)
{
    struct content content = {0};
    while (!backup_done(backup)) {
        size_t got = 0;
        content.data = realloc(content.data, content.length + step);
        assert_non_null(content.data);
        assert_int_equal(backup_read(backup, content.data + content.length, step, &got), KV_OK);
        assert_true(got == step || backup_done(backup));
        content.length += got;
    }
    return content;
}

static struct content back_up(struct storebox *box, size_t step)
{
    struct backup *backup = NULL;
    assert_int_equal(backup_begin(box->store, &backup), KV_OK);
    struct content content = read_rest(backup, step);
    backup_end(backup);
    return content;
}

/* ---- putting back ---- */

struct place {
    char *parent, *path, *working;
};

static struct place place_make(void)
{
    struct place place = {.parent = tempdir_make()};
    place.path = tempdir_path(place.parent, "state");
    place.working = tempdir_path(place.parent, "state.restoring");
    return place;
}

static void place_remove(struct place *place)
{
    free(place->path);
    free(place->working);
    tempdir_remove(place->parent);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* What was refused as soon as it came. */
static bool at_once;

static enum restore_result put_back(const struct place *place, const uint8_t *data, size_t length,
                                    size_t step, char why[512])
{
    struct restore *restore = NULL;
    uint64_t sessions = 0, unreadable = 1;
    enum restore_result result = restore_begin(place->path, &restore, why, 512);
    for (size_t at = 0; at < length && result == RESTORE_OK; at += step) {
        size_t part = length - at < step ? length - at : step;
        result = restore_add(restore, data + at, part, why, 512);
    }
    at_once = result != RESTORE_OK;
    if (result == RESTORE_OK)
        result = restore_finish(restore, &sessions, &unreadable, why, 512);
    if (result == RESTORE_OK)
        assert_int_equal(unreadable, 0);
    restore_free(restore);
    return result;
}

/* Whether it is taken or not, nothing lies about. */
static void assert_refused(const uint8_t *data, size_t length, enum restore_result wanted)
{
    struct place place = place_make();
    char why[512] = "";
    enum restore_result result = put_back(&place, data, length, 1000, why);
    if (result != wanted)
        fail_msg("%zu bytes: %d, not %d (%s)", length, result, wanted, why);
    assert_false(exists(place.path));
    assert_false(exists(place.working));
    place_remove(&place);
}

/* The rows of two stores are the same, but for what the last opening has changed. */
static void assert_same_sessions(struct storebox *a, struct storebox *b)
{
    struct kv_txn *one = kv_read(a->store), *two = kv_read(b->store);
    assert_int_equal(store_count(one), store_count(two));
    for (uint32_t number = 1; number <= SESSIONS; number++) {
        struct session *wanted = sample_full(number), *first = NULL, *second = NULL;
        const uint8_t *data, *again;
        size_t length, other;
        assert_int_equal(store_get_session(one, wanted->id, &first), KV_OK);
        assert_int_equal(store_get_session(two, wanted->id, &second), KV_OK);
        sample_assert_same(first, second);
        assert_int_equal(store_get_message(one, STORE_INBOX, wanted->id, 0, &data, &length), KV_OK);
        assert_int_equal(store_get_message(two, STORE_INBOX, wanted->id, 0, &again, &other), KV_OK);
        assert_int_equal(length, other);
        assert_memory_equal(data, again, length);
        session_free(wanted);
        session_free(first);
        session_free(second);
    }
    kv_end(one);
    kv_end(two);
}

/* Opens what was restored. */
static struct storebox open_place(const struct place *place)
{
    struct storebox box = {.path = place->path};
    storebox_open(&box, 0);
    return box;
}

/* ---- tests ---- */

static void there_and_back(void **state)
{
    static const size_t steps[] = {1, 977, 262144};
    struct storebox *box = *state;
    struct content whole = back_up(box, 1 << 20);
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        struct place place = place_make();
        struct content content = back_up(box, steps[i]);
        char why[512] = "";
        assert_int_equal(content.length, whole.length);
        assert_memory_equal(content.data, whole.data, whole.length);
        assert_int_equal(put_back(&place, content.data, content.length, steps[i], why), RESTORE_OK);
        assert_false(exists(place.working));
        struct stat there;
        assert_int_equal(stat(place.path, &there), 0);
        assert_int_equal(there.st_mode & 0777, 0700);
        struct storebox restored = open_place(&place);
        assert_same_sessions(box, &restored);
        /* It goes on. */
        struct session *more = sample_full(SESSIONS + 1);
        storebox_put(&restored, more);
        session_free(more);
        storebox_close(&restored);
        place_remove(&place);
        free(content.data);
    }
    free(whole.data);
}

/* Sessions are deleted, whose keys are then overwritten; others come; messages, too. */
static void stir(struct storebox *box)
{
    for (uint32_t number = 1; number <= SESSIONS; number += 2) {
        struct session *old = sample_full(number), *new = sample_full(1000 + number);
        storebox_delete(box, old);
        storebox_put(box, new);
        put_message(box, new, 3, 5000);
        session_free(old);
        session_free(new);
    }
}

static void one_moment(void **state)
{
    struct storebox *box = *state, kept = storebox_make(0);
    struct place place = place_make();
    char why[512] = "";
    fill(&kept);
    struct content before = back_up(box, 4096);
    struct backup *backup = NULL;
    assert_int_equal(backup_begin(box->store, &backup), KV_OK);
    stir(box);
    struct content content = read_rest(backup, 4096);
    backup_end(backup);
    assert_int_equal(content.length, before.length);
    assert_memory_equal(content.data, before.data, before.length);
    assert_int_equal(put_back(&place, content.data, content.length, 4096, why), RESTORE_OK);
    struct storebox restored = open_place(&place);
    assert_same_sessions(&kept, &restored);
    storebox_close(&restored);
    place_remove(&place);
    storebox_remove(&kept);
    free(content.data);
    free(before.data);
}

static void one_at_a_time(void **state)
{
    struct storebox *box = *state;
    struct backup *one = NULL, *two = NULL;
    assert_int_equal(backup_begin(box->store, &one), KV_OK);
    assert_int_equal(backup_begin(box->store, &two), KV_LOCKED);
    assert_null(two);
    backup_end(one);
    assert_int_equal(backup_begin(box->store, &two), KV_OK);
    backup_end(two);
}

/* A store that reaches its limit takes the room that a backup keeps, and nobody's change fails. */
static void makes_room(void **state)
{
    struct storebox box = storebox_make(8 << 20);
    struct backup *backup = NULL;
    uint8_t bytes[100];
    size_t got;
    (void)state;
    fill(&box);
    assert_int_equal(backup_begin(box.store, &backup), KV_OK);
    assert_int_equal(backup_read(backup, bytes, sizeof(bytes), &got), KV_OK);
    struct session *session = sample_full(1);
    /* Rewriting the same again needs pages, which can be had only where the old ones were. */
    for (unsigned i = 0; i < 60; i++)
        put_message(&box, session, 0, LONG);
    session_free(session);
    assert_int_equal(backup_read(backup, bytes, sizeof(bytes), &got), KV_MISSING);
    backup_end(backup);
    struct content again = back_up(&box, 4096);
    free(again.data);
    storebox_remove(&box);
}

/* The same message. */
static void rewrite(struct storebox *box, unsigned times)
{
    struct session *session = sample_full(1);
    while (times-- > 0)
        put_message(box, session, 0, LONG);
    session_free(session);
}

/* However slowly it is read, the file stays bounded: what it grows by would never be given back. */
static void outgrown(void **state)
{
    struct storebox box = storebox_make(64 << 20);
    struct backup *backup = NULL;
    uint8_t bytes[100];
    size_t got;
    (void)state;
    fill(&box);
    assert_int_equal(backup_begin(box.store, &backup), KV_OK);
    uint64_t begun = kv_space_used(box.store);
    rewrite(&box, 40);
    assert_true(kv_space_used(box.store) > begun + (8 << 20));
    assert_int_equal(backup_read(backup, bytes, sizeof(bytes), &got), KV_OK);
    assert_false(backup_outgrown(backup));
    rewrite(&box, 20);
    assert_int_equal(backup_read(backup, bytes, sizeof(bytes), &got), KV_MISSING);
    assert_true(backup_outgrown(backup));
    backup_end(backup);
    /* What it kept is used again. */
    uint64_t used = kv_space_used(box.store);
    rewrite(&box, 100);
    assert_int_equal(kv_space_used(box.store), used);
    storebox_remove(&box);
}

/* The map grows under it, to begin with. */
static void map_moves(void **state)
{
    struct storebox *box = *state;
    struct backup *backup = NULL;
    uint8_t bytes[100];
    size_t got;
    assert_int_equal(backup_begin(box->store, &backup), KV_OK);
    struct kv_txn *txn = kv_write(box->store, (size_t)6 << 30);
    kv_end(txn); /* whether so much is there or not */
    assert_int_equal(backup_read(backup, bytes, sizeof(bytes), &got), KV_MISSING);
    backup_end(backup);
}

static void closed_meanwhile(void **state)
{
    struct storebox *box = *state;
    struct backup *backup = NULL;
    uint8_t bytes[100];
    size_t got;
    assert_int_equal(backup_begin(box->store, &backup), KV_OK);
    assert_true(kv_env_restart(box->store));
    assert_int_equal(backup_read(backup, bytes, sizeof(bytes), &got), KV_MISSING);
    backup_end(backup);
}

/* Not even as noise. */
static void no_pages_of_the_past(void **state)
{
    struct storebox *box = *state;
    struct session *gone = sample_full(3);
    struct kv_key key = store_key_id(gone->id);
    uint8_t noise[64];
    MDB_val row;
    struct kv_txn *txn = kv_read(box->store);
    assert_true(kv_get(txn, STORE_TABLE_SESSIONS, &key, &row));
    assert_true(row.mv_size >= sizeof(noise));
    memcpy(noise, row.mv_data, sizeof(noise));
    kv_end(txn);
    struct content before = back_up(box, 4096);
    storebox_delete(box, gone);
    struct content after = back_up(box, 4096);
    assert_true(content_has(&before, noise, sizeof(noise)));
    assert_false(content_has(&after, noise, sizeof(noise)));
    session_free(gone);
    free(before.data);
    free(after.data);
}

/* ---- what somebody has contrived ---- */

struct contrived {
    uint8_t bytes[8192];
    size_t length;
};

static void add(struct contrived *contrived, const void *bytes, size_t length)
{
    assert_true(contrived->length + length <= sizeof(contrived->bytes));
    memcpy(contrived->bytes + contrived->length, bytes, length);
    contrived->length += length;
}

#define ADD(contrived, literal) add(contrived, literal, sizeof(literal) - 1)

/* The keys of a store without sessions. */
static struct contrived begun(void)
{
    struct contrived contrived = {0};
    ADD(&contrived, "K\0\0\0\0\0\0\0\4keys");
    return contrived;
}

static void contrived_ones(void **state)
{
    (void)state;
#define REFUSED(wanted, literal)                                                                   \
    do {                                                                                           \
        struct contrived contrived = begun();                                                      \
        ADD(&contrived, literal);                                                                  \
        assert_refused(contrived.bytes, contrived.length, wanted);                                 \
    } while (0)
#define REFUSED_AT_ONCE(wanted, literal)                                                           \
    do {                                                                                           \
        REFUSED(wanted, literal);                                                                  \
        assert_true(at_once);                                                                      \
    } while (0)
    assert_refused((const uint8_t *)"X", 1, RESTORE_DAMAGED);
    assert_refused((const uint8_t *)"T\4meta", 6, RESTORE_DAMAGED); /* before the keys */
    assert_refused((const uint8_t *)"K\0\0\0\0\0\0\0\0", 9, RESTORE_DAMAGED);
    assert_refused((const uint8_t *)"K\xff\0\0\0\0\0\0\0", 9, RESTORE_DAMAGED);
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "K\0\0\0\0\0\0\0\4keys");      /* again */
    REFUSED(RESTORE_DAMAGED, "E\0\0\0\0\0\0\0\0");                  /* no store */
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "E\0\0\0\0\0\0\0\1");          /* a row is missing */
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "E\0\0\0\0\0\0\0\0E");         /* more after the end */
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "R\0\1\0\0\0\0k");             /* of no table */
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "T\0");                        /* no name */
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "T\4me\0a");                   /* half a name */
    REFUSED_AT_ONCE(RESTORE_FAILED, "T\6future");                   /* a newer one's */
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "T\5namesR\0\0\0\0\0\0");      /* no key */
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "T\5namesR\xff\xff\0\0\0\0k"); /* a long one */
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "T\5namesR\0\1\xff\xff\xff\xffk");
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "T\5namesR\0\1\0\0\0\0bR\0\1\0\0\0\0a"); /* not in order */
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "T\5namesR\0\1\0\0\0\0aR\0\1\0\0\0\0a"); /* twice */
    REFUSED_AT_ONCE(RESTORE_FAILED, "T\4metaR\0\6\0\0\0\10format\0\0\0\0\0\0\0\3");
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "T\4metaR\0\6\0\0\0\10format\0\0\0\0\0\0\0\1");
    REFUSED_AT_ONCE(RESTORE_DAMAGED, "T\4metaR\0\6\0\0\0\1format\2");
    /* A store without its numbers, and one whose keys are another's. */
    REFUSED(RESTORE_DAMAGED, "T\4metaR\0\6\0\0\0\10format\0\0\0\0\0\0\0\2E\0\0\0\0\0\0\0\1");
    REFUSED(RESTORE_DAMAGED,
            "T\4metaR\0\4\0\0\0\10keys\0\0\0\0\0\0\0\2R\0\5\0\0\0\10slots\xff\xff\xff\xff"
            "\xff\xff\xff\xff"
            "E\0\0\0\0\0\0\0\2");
}

/* What is announced is not believed: a parser holds what has come, and no more. */
static bool none(void *arg, const uint8_t *key, size_t key_length, const uint8_t *value,
                 size_t length)
{
    (void)arg, (void)key, (void)key_length, (void)value, (void)length;
    fail();
    return false;
}

static bool any_keys(void *arg, const uint8_t *data, size_t length)
{
    (void)arg, (void)data, (void)length;
    return true;
}

static bool any_row(void *arg, const uint8_t *key, size_t key_length, const uint8_t *value,
                    size_t length)
{
    (void)arg, (void)key, (void)key_length, (void)value, (void)length;
    return true;
}

static bool any_table(void *arg, const char *name)
{
    (void)arg, (void)name;
    return true;
}

static void announced(void **state)
{
    static const struct backup_handlers handlers = {any_keys, any_table, none};
    struct contrived contrived = begun();
    (void)state;
    ADD(&contrived, "T\5inboxR\0\1\1\xff\xff\xffk");
    struct backup_parser *parser = backup_parser_new(&handlers, NULL);
    assert_non_null(parser);
    assert_int_equal(backup_parse(parser, contrived.bytes, contrived.length), BACKUP_OK);
    assert_false(backup_parsed(parser));
    backup_parser_free(parser);
}

/* A parser for each length, and now and then the whole way, which takes a disk. */
static void each_truncation(void **state)
{
    static const struct backup_handlers handlers = {any_keys, any_table, any_row};
    struct storebox *box = *state;
    struct content content = back_up(box, 4096);
    for (size_t length = 0; length <= content.length;
         length += length < 4200 || length > content.length - 600 ? 1 : 1009) {
        struct backup_parser *parser = backup_parser_new(&handlers, NULL);
        assert_non_null(parser);
        assert_int_equal(backup_parse(parser, content.data, length), BACKUP_OK);
        assert_int_equal(backup_parsed(parser), length == content.length);
        backup_parser_free(parser);
    }
    for (size_t length = 0; length < content.length; length += content.length / 7)
        assert_refused(content.data, length, RESTORE_DAMAGED);
    assert_refused(content.data, content.length - 1, RESTORE_DAMAGED);
    free(content.data);
}

/* ---- the place ---- */

/* Called where a store that was restored is renamed. */
static void (*at_rename)(void);

int rename(const char *old, const char *new)
{
    void (*call)(void) = at_rename;
    at_rename = NULL;
    if (call != NULL)
        call();
    return renameat(AT_FDCWD, old, AT_FDCWD, new);
}

static const struct place *contested;

static void come_second(void)
{
    struct restore *second = NULL;
    char why[512] = "";
    assert_int_equal(restore_begin(contested->path, &second, why, sizeof(why)), RESTORE_FAILED);
    assert_non_null(strstr(why, "another wormholed"));
    assert_true(exists(contested->working));
}

/* To the very end, when no file of the first one is open any more. */
static void two_at_once(void **state)
{
    struct storebox *box = *state;
    struct content content = back_up(box, 4096);
    struct place place = place_make();
    char why[512] = "";
    contested = &place;
    at_rename = come_second;
    assert_int_equal(put_back(&place, content.data, content.length, 4096, why), RESTORE_OK);
    assert_null(at_rename);
    struct storebox restored = open_place(&place);
    assert_same_sessions(box, &restored);
    storebox_close(&restored);
    place_remove(&place);
    free(content.data);
}

/* A link to where the store shall be is followed; one that leads nowhere cannot be. */
static void links(void **state)
{
    struct storebox *box = *state;
    struct content content = back_up(box, 4096);
    struct place place = place_make();
    char *real = tempdir_path(place.parent, "real");
    char why[512] = "";
    assert_int_equal(symlink("real", place.path), 0);
    assert_int_equal(put_back(&place, content.data, content.length, 4096, why), RESTORE_FAILED);
    assert_non_null(strstr(why, "is a link to what is not there"));
    assert_false(exists(place.working));
    assert_int_equal(mkdir(real, 0700), 0);
    assert_int_equal(put_back(&place, content.data, content.length, 4096, why), RESTORE_OK);
    struct storebox restored = open_place(&place);
    assert_same_sessions(box, &restored);
    storebox_close(&restored);
    free(real);
    place_remove(&place);
    free(content.data);
}

static void place_taken(void **state)
{
    struct storebox *box = *state;
    struct content content = back_up(box, 4096);
    struct place place = place_make();
    char why[512] = "";
    /* Empty: it is taken, with its rights. */
    assert_int_equal(mkdir(place.path, 0755), 0);
    assert_int_equal(put_back(&place, content.data, content.length, 4096, why), RESTORE_OK);
    char *data = tempdir_path(place.path, "data.mdb");
    struct content there = content_read(data);
    /* It is not now. */
    assert_int_equal(put_back(&place, content.data, content.length, 4096, why), RESTORE_FAILED);
    assert_non_null(strstr(why, place.path));
    assert_non_null(strstr(why, "nothing is overwritten"));
    content_assert(data, there.data, there.length);
    assert_false(exists(place.working));
    free(there.data);
    free(data);
    place_remove(&place);
    free(content.data);
}

/* Somebody starts a daemon meanwhile: what it has made stays. */
static void place_taken_meanwhile(void **state)
{
    struct storebox *box = *state;
    struct content content = back_up(box, 4096);
    struct place place = place_make();
    struct restore *restore = NULL;
    uint64_t sessions = 77, unreadable = 77;
    char why[512] = "";
    assert_int_equal(restore_begin(place.path, &restore, why, sizeof(why)), RESTORE_OK);
    assert_int_equal(restore_add(restore, content.data, content.length, why, sizeof(why)),
                     RESTORE_OK);
    struct storebox other = open_place(&place);
    assert_int_equal(restore_finish(restore, &sessions, &unreadable, why, sizeof(why)),
                     RESTORE_FAILED);
    assert_non_null(strstr(why, place.path));
    restore_free(restore);
    assert_int_equal(sessions, 77);
    assert_int_equal(storebox_rows(&other, STORE_TABLE_SESSIONS), 0);
    storebox_close(&other);
    assert_false(exists(place.working));
    place_remove(&place);
    free(content.data);
}

/* What an interrupted one has left is cleared; what one is just making is not. */
static void remains(void **state)
{
    struct storebox *box = *state;
    struct content content = back_up(box, 4096);
    struct place place = place_make();
    struct restore *restore = NULL, *second = NULL;
    char why[512] = "";
    assert_int_equal(restore_begin(place.path, &restore, why, sizeof(why)), RESTORE_OK);
    assert_int_equal(restore_add(restore, content.data, 5000, why, sizeof(why)), RESTORE_OK);
    assert_int_equal(restore_begin(place.path, &second, why, sizeof(why)), RESTORE_FAILED);
    assert_non_null(strstr(why, "another wormholed"));
    assert_true(exists(place.working));
    /* As kill -9 leaves it: a copy that nobody holds. */
    char *data = tempdir_path(place.working, "data.mdb"),
         *keys = tempdir_path(place.working, "keys");
    struct content left = content_read(data);
    restore_free(restore);
    assert_false(exists(place.working));
    assert_int_equal(mkdir(place.working, 0700), 0);
    content_write(data, left.data, left.length);
    content_write(keys, "half", 4);
    assert_int_equal(put_back(&place, content.data, content.length, 4096, why), RESTORE_OK);
    assert_false(exists(place.working));
    /* Somebody else's is not touched. */
    place_remove(&place);
    free(data);
    free(keys);
    place = place_make();
    char *foreign = tempdir_path(place.working, "precious");
    assert_int_equal(mkdir(place.working, 0700), 0);
    content_write(foreign, "mine", 4);
    assert_int_equal(put_back(&place, content.data, content.length, 4096, why), RESTORE_FAILED);
    assert_non_null(strstr(why, "in the way"));
    content_assert(foreign, "mine", 4);
    free(foreign);
    place_remove(&place);
    free(left.data);
    free(content.data);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, storebox_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(there_and_back),
        TEST(one_moment),
        TEST(one_at_a_time),
        cmocka_unit_test(makes_room),
        cmocka_unit_test(outgrown),
        TEST(map_moves),
        TEST(closed_meanwhile),
        TEST(no_pages_of_the_past),
        TEST(each_truncation),
        cmocka_unit_test(contrived_ones),
        cmocka_unit_test(announced),
        TEST(two_at_once),
        TEST(links),
        TEST(place_taken),
        TEST(place_taken_meanwhile),
        TEST(remains),
    };
    return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
