/* Many operations share a commit; who is told what, and when; and what happens if it fails. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-shelf.h"
#include "relay/lmdb_rows.h"
#include "state/store.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define MIB           ((size_t)1024 * 1024)

static int begin(void **state)
{
    *state = shelf_make();
    return 0;
}

static int end(void **state)
{
    shelf_remove(*state);
    return 0;
}

/* Asks without waiting. */
static void ask_add(struct shelf *shelf, const char *mailbox, const char *body,
                    struct shelf_reply *reply)
{
    struct relay_who who = shelf_who(shelf, "a");
    struct relay_message message = shelf_message(shelf, body);
    *reply = (struct shelf_reply){.shelf = shelf};
    shelf->relay->add(shelf->relay->self, &who, mailbox, &message, shelf_done, reply);
}

static void ask_open(struct shelf *shelf, const char *mailbox, struct shelf_reply *reply)
{
    struct relay_who who = shelf_who(shelf, "a");
    *reply = (struct shelf_reply){.shelf = shelf};
    shelf->relay->open(shelf->relay->self, &who, mailbox, shelf_done, reply);
}

/* ---- group commit ---- */

static void test_one_commit_for_a_hundred(void **state)
{
    struct shelf *shelf = *state;
    struct shelf_reply *replies = calloc(100, sizeof(*replies));
    shelf_enter(shelf, "a", "m");
    struct relay_counts before = shelf_count(shelf);
    for (unsigned i = 0; i < 100; i++)
        ask_add(shelf, "m", "00", &replies[i]);
    assert_int_equal(replies[0].told, 0);
    assert_int_equal(shelf_count(shelf).messages, 0);
    unsigned told = shelf->told;
    shelf_run(shelf);
    struct relay_counts after = shelf_count(shelf);
    assert_int_equal(after.commits, before.commits + 1);
    assert_true(after.commit_microseconds > before.commit_microseconds);
    assert_int_equal(after.messages, 100);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(replies[i].told, 1);
        assert_int_equal(replies[i].order, told + i + 1);
        assert_int_equal(replies[i].result, RELAY_DONE);
    }
    free(replies);
}

/* What the feed and the callbacks see: everything of the turn is durable, in the order asked. */
struct witness {
    struct shelf *shelf;
    uint64_t messages; /* that must be there */
    char order[32];
};

static void witness(struct witness *seen, char what)
{
    assert_int_equal(shelf_count(seen->shelf).messages, seen->messages);
    seen->order[strlen(seen->order)] = what;
}

static void on_feed(void *arg, const char *appid, const char *mailbox,
                    const struct relay_message *message)
{
    (void)appid;
    (void)mailbox;
    (void)message;
    witness(arg, 'f');
}

static void on_added(void *arg, const struct relay_answer *answer)
{
    assert_int_equal(answer->result, RELAY_DONE);
    witness(arg, 'a');
}

static void on_opened(void *arg, const struct relay_answer *answer)
{
    assert_int_equal(answer->count, 1);
    witness(arg, 'o');
}

static void test_durable_before_told_and_fed_before_done(void **state)
{
    struct shelf *shelf = *state;
    struct witness seen = {shelf, 2, ""};
    struct relay_who who = shelf_who(shelf, "a");
    struct relay_message message = shelf_message(shelf, "00");
    shelf_enter(shelf, "a", "m");
    lmdb_store_set_feed(shelf->store, on_feed, &seen);
    shelf->relay->add(shelf->relay->self, &who, "m", &message, on_added, &seen);
    shelf->relay->open(shelf->relay->self, &who, "m", on_opened, &seen);
    shelf->relay->add(shelf->relay->self, &who, "m", &message, on_added, &seen);
    shelf_run(shelf);
    assert_string_equal(seen.order, "faofa");
}

/* More than one turn takes. */
static void test_more_than_a_turn(void **state)
{
    struct shelf *shelf = *state;
    struct shelf_reply *replies = calloc(2500, sizeof(*replies));
    char name[16];
    uint64_t commits = shelf_count(shelf).commits;
    for (unsigned i = 0; i < 2500; i++) {
        snprintf(name, sizeof(name), "m%u", i);
        ask_open(shelf, name, &replies[i]);
    }
    shelf_run(shelf);
    assert_int_equal(shelf_count(shelf).mailboxes, 2500);
    assert_int_equal(shelf_count(shelf).commits, commits + 3);
    for (unsigned i = 1; i < 2500; i++)
        assert_int_equal(replies[i].order, replies[i - 1].order + 1);
    free(replies);
}

/* Large answers are not all in memory at the same time, and come all the same. */
static void test_large_answers(void **state)
{
    struct shelf *shelf = *state;
    struct relay_limits limits = {shelf->limits.retention, 64 * MIB, 1000, 0};
    struct shelf_reply *replies = calloc(40, sizeof(*replies));
    char *body = malloc(2 * MIB + 1);
    lmdb_store_set_limits(shelf->store, &limits);
    memset(body, 'a', 2 * MIB);
    body[2 * MIB] = 0;
    shelf_enter(shelf, "a", "m");
    assert_int_equal(shelf_add(shelf, "a", "m", body), RELAY_DONE);
    for (unsigned i = 0; i < 40; i++)
        ask_open(shelf, "m", &replies[i]);
    unsigned told = shelf->told;
    assert_int_equal(event_base_loop(shelf->base, EVLOOP_ONCE), 0);
    assert_in_range(shelf->told, told + 1, told + 20);
    shelf_run(shelf);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(replies[i].told, 1);
        assert_int_equal(replies[i].count, 1);
        assert_int_equal(replies[i].order, replies[0].order + i);
    }
    free(body);
    free(replies);
}

/* ---- callbacks ---- */

static void test_forget(void **state)
{
    struct shelf *shelf = *state;
    struct shelf_reply kept, forgotten;
    shelf_enter(shelf, "a", "m");
    ask_add(shelf, "m", "01", &forgotten);
    ask_add(shelf, "m", "02", &kept);
    shelf->relay->forget(shelf->relay->self, &forgotten);
    shelf_run(shelf);
    assert_int_equal(forgotten.told, 0);
    assert_int_equal(kept.told, 1);
    assert_string_equal(shelf->feed, "app/m:1/a/p/01/-;app/m:2/a/p/02/-;");
}

struct chain {
    struct shelf *shelf;
    struct shelf_reply first, second;
};

/* Forgets one that is done, but not yet told, and asks for more. */
static void on_first(void *arg, const struct relay_answer *answer)
{
    struct chain *chain = arg;
    assert_int_equal(answer->result, RELAY_DONE);
    chain->shelf->relay->forget(chain->shelf->relay->self, &chain->first);
    ask_open(chain->shelf, "m3", &chain->second);
}

static void test_callbacks_forget_and_ask(void **state)
{
    struct shelf *shelf = *state;
    struct chain chain = {.shelf = shelf};
    struct relay_who who = shelf_who(shelf, "a");
    shelf->relay->open(shelf->relay->self, &who, "m", on_first, &chain);
    ask_open(shelf, "m2", &chain.first);
    shelf_run(shelf);
    assert_int_equal(chain.first.told, 0);
    assert_int_equal(chain.second.told, 1);
    assert_int_equal(shelf_count(shelf).mailboxes, 3);
}

static void test_end_does_what_was_asked(void **state)
{
    struct shelf *shelf = *state;
    struct shelf_reply reply;
    shelf_enter(shelf, "a", "m");
    ask_add(shelf, "m", "01", &reply);
    shelf_close(shelf);
    assert_int_equal(reply.told, 0);
    shelf_open(shelf);
    assert_int_equal(shelf_enter(shelf, "a", "m")->count, 1);
}

/* ---- restart ---- */

static void test_restart_keeps_all(void **state)
{
    struct shelf *shelf = *state;
    char mailbox[RELAY_MAILBOX_MAX + 1];
    strcpy(mailbox, shelf_claim(shelf, "a", "1")->mailbox);
    shelf_claim(shelf, "b", "1");
    shelf_release(shelf, "b", "1");
    shelf_add(shelf, "a", mailbox, "01");
    shelf_close(shelf);
    shelf_open(shelf);
    assert_string_equal(shelf_claim(shelf, "a", "1")->mailbox, mailbox);
    assert_int_equal(shelf_claim(shelf, "b", "1")->result, RELAY_RECLAIMED);
    assert_int_equal(shelf_claim(shelf, "c", "1")->result, RELAY_CROWDED);
    assert_int_equal(shelf_add(shelf, "b", mailbox, "02"), RELAY_DONE);
    assert_string_equal(shelf_enter(shelf, "a", mailbox)->text, "1/a/p/01/-;2/b/p/02/-;");
    for (char side[] = "1"; side[0] <= '8'; side[0]++)
        assert_string_not_equal(shelf_allocate(shelf, side)->nameplate, "1");
    assert_int_equal(strlen(shelf_allocate(shelf, "9")->nameplate), 2);
}

static void test_sweeping_goes_on_after_a_restart(void **state)
{
    struct shelf *shelf = *state;
    struct relay_who who = shelf_who(shelf, "a");
    struct relay_message message = shelf_message(shelf, "00");
    char why[256];
    struct kv *store;
    shelf_enter(shelf, "a", "m");
    for (unsigned i = 0; i < 300; i++)
        shelf->relay->add(shelf->relay->self, &who, "m", &message, NULL, NULL);
    shelf_run(shelf);
    shelf->relay->close(shelf->relay->self, &who, "m", "", NULL, NULL);
    shelf_close(shelf);
    shelf_open(shelf);
    shelf_close(shelf);
    assert_int_equal(kv_open(&lmdb_rows_kind, shelf->path, 0, &store, why, sizeof(why)), KV_OK);
    struct kv_txn *txn = kv_read(store);
    for (unsigned table = ROWS_META + 1; table < ROWS_TABLES; table++)
        assert_int_equal(kv_count(txn, table), 0);
    kv_end(txn);
    kv_close(store);
}

static void test_one_process_at_a_time(void **state)
{
    struct shelf *shelf = *state;
    char why[512] = "";
    assert_null(lmdb_store_new(shelf->base, shelf->path, 0, &shelf->limits, why, sizeof(why)));
    assert_non_null(strstr(why, "in use by another wormhole-relayd"));
    assert_non_null(strstr(why, shelf->path));
}

static void test_not_the_sessions_store(void **state)
{
    struct shelf *shelf = *state;
    char why[512] = "";
    struct kv *store;
    shelf_close(shelf);
    assert_int_equal(store_open(shelf->path, 0, &store, why, sizeof(why)), KV_DAMAGED);
    assert_non_null(strstr(why, "no store of wormholed"));
    shelf_open(shelf);
}

/* ---- failures ---- */

static void reopen(struct shelf *shelf, uint64_t max_bytes)
{
    shelf_close(shelf);
    shelf->max_bytes = max_bytes;
    shelf->limits.mailbox_bytes = 64 * MIB;
    shelf_open(shelf);
}

static char *body_of(size_t length)
{
    char *body = malloc(length + 1);
    assert_non_null(body);
    memset(body, 'a', length);
    body[length] = 0;
    return body;
}

static unsigned fill(struct shelf *shelf, const char *mailbox, const char *body)
{
    unsigned added = 0;
    enum relay_result result;
    while ((result = shelf_add(shelf, "a", mailbox, body)) == RELAY_DONE)
        added++;
    assert_int_equal(result, RELAY_FULL);
    return added;
}

static void test_full_store(void **state)
{
    struct shelf *shelf = *state;
    char *body = body_of(50000), *small = body_of(5);
    reopen(shelf, 4 * MIB);
    shelf_claim(shelf, "a", "7");
    shelf_enter(shelf, "a", "m");
    shelf_enter(shelf, "a", "m2");
    unsigned added = fill(shelf, "m", body);
    assert_in_range(added, 20, 80);
    fill(shelf, "m2", small);
    /* Whatever brings nothing new goes on. */
    assert_int_equal(shelf_enter(shelf, "a", "m")->count, added);
    assert_int_equal(shelf_enter(shelf, "a", "m3")->result, RELAY_FULL);
    assert_int_equal(shelf_claim(shelf, "a", "7")->result, RELAY_DONE);
    assert_int_equal(shelf_claim(shelf, "b", "7")->result, RELAY_FULL);
    assert_int_equal(shelf_claim(shelf, "a", "8")->result, RELAY_FULL);
    assert_int_equal(shelf_allocate(shelf, "a")->result, RELAY_FULL);
    assert_string_equal(shelf_list(shelf)->text, "7 ");
    assert_int_equal(shelf_release(shelf, "a", "7"), RELAY_DONE);
    assert_int_equal(shelf_leave(shelf, "a", "m"), RELAY_DONE);
    /* Freed pages can be used again two commits later. */
    shelf_leave(shelf, "a", "m2");
    shelf_leave(shelf, "a", "m4");
    shelf_enter(shelf, "a", "m4");
    assert_true(fill(shelf, "m4", body) >= added / 2);
    free(body);
    free(small);
}

static void test_full_store_expires(void **state)
{
    struct shelf *shelf = *state;
    char *body = body_of(50000);
    reopen(shelf, 4 * MIB);
    shelf_enter(shelf, "a", "m");
    unsigned added = fill(shelf, "m", body);
    shelf->now += 2 * shelf->limits.retention;
    assert_int_equal(shelf_expire(shelf, 10), 1);
    shelf_enter(shelf, "a", "m");
    shelf_enter(shelf, "a", "m2");
    assert_true(fill(shelf, "m", body) >= added / 2);
    free(body);
}

static void test_a_large_one_does_not_spoil_the_others(void **state)
{
    struct shelf *shelf = *state;
    char *body = body_of(6 * MIB);
    struct shelf_reply replies[3];
    reopen(shelf, 4 * MIB);
    shelf_enter(shelf, "a", "m");
    shelf->feed[0] = 0;
    ask_add(shelf, "m", "01", &replies[0]);
    ask_add(shelf, "m", body, &replies[1]);
    ask_add(shelf, "m", "02", &replies[2]);
    shelf_run(shelf);
    assert_int_equal(replies[0].result, RELAY_DONE);
    assert_int_equal(replies[1].result, RELAY_FULL);
    assert_int_equal(replies[2].result, RELAY_DONE);
    assert_true(replies[0].order < replies[1].order && replies[1].order < replies[2].order);
    assert_string_equal(shelf->feed, "app/m:1/a/p/01/-;app/m:2/a/p/02/-;");
    assert_int_equal(shelf_enter(shelf, "a", "m")->count, 2);
    free(body);
}

/* Writes nonsense where a mailbox or nameplate was. */
static void damage(struct shelf *shelf, unsigned table, const char *name)
{
    char why[256];
    struct kv *store;
    struct row_key key = lmdb_rows_named(SHELF_APP, name);
    shelf_close(shelf);
    assert_int_equal(kv_open(&lmdb_rows_kind, shelf->path, 0, &store, why, sizeof(why)), KV_OK);
    struct kv_txn *txn = kv_write(store, 4096);
    kv_put(txn, table, &key, "\xc1nonsense", 9);
    assert_int_equal(kv_commit(txn), KV_OK);
    kv_close(store);
    shelf_open(shelf);
}

static void test_damaged_mailbox(void **state)
{
    struct shelf *shelf = *state;
    struct shelf_reply bad, good;
    shelf_enter(shelf, "a", "m");
    shelf_add(shelf, "a", "m", "00");
    shelf_enter(shelf, "a", "m2");
    damage(shelf, ROWS_MAILBOXES, "m");
    ask_add(shelf, "m", "01", &bad);
    ask_add(shelf, "m2", "02", &good);
    shelf_run(shelf);
    assert_int_equal(bad.result, RELAY_BROKEN);
    assert_int_equal(good.result, RELAY_DONE);
    assert_int_equal(shelf_leave(shelf, "a", "m"), RELAY_BROKEN);
    /* It expires like any other, with its messages. */
    shelf->now += 2 * shelf->limits.retention;
    assert_int_equal(shelf_expire(shelf, 10), 2);
    struct relay_counts counts = shelf_count(shelf);
    assert_int_equal(counts.mailboxes + counts.messages, 0);
    assert_int_equal(shelf_enter(shelf, "a", "m")->result, RELAY_DONE);
}

static void test_damaged_nameplate(void **state)
{
    struct shelf *shelf = *state;
    shelf_claim(shelf, "a", "4");
    damage(shelf, ROWS_NAMEPLATES, "4");
    assert_int_equal(shelf_claim(shelf, "a", "4")->result, RELAY_BROKEN);
    assert_int_equal(shelf_release(shelf, "a", "4"), RELAY_BROKEN);
    assert_int_equal(shelf_claim(shelf, "a", "5")->result, RELAY_DONE);
}

/* ---- records ---- */

static void test_records_are_not_believed(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } bad[] = {
        {"", 0},
        {"\x80", 1},                                    /* nothing in it */
        {"\x82\x01\xa1m\x02\x90\x00", 7},               /* something behind it */
        {"\x82\x01\x05\x02\x90", 5},                    /* a number for a name */
        {"\x82\x01\xa1\x00\x02\x90", 6},                /* a NUL in a name */
        {"\x82\x01\xa1m\x02\x93\xc0\xc0\xc0", 9},       /* three sides */
        {"\x82\x01\xa1m\x02\x91\x93\xa1s\x01\xa0", 11}, /* a number for a boolean */
        {"\xdf\xff\xff\xff\xff\x01", 6},                /* as many as it says there are none of */
    };
    static const char good[] = "\x83\x01\xa1m\x02\x91\x93\xa1s\xc3\xa0\x77\xa3new";
    struct lmdb_nameplate nameplate;
    (void)state;
    assert_true(lmdb_record_decode(LMDB_NAMEPLATE, good, sizeof(good) - 1, &nameplate));
    assert_string_equal(nameplate.mailbox, "m");
    assert_string_equal(nameplate.sides.all[0].name, "s");
    assert_true(nameplate.sides.all[0].active);
    for (size_t length = 0; length < sizeof(good) - 1; length++)
        assert_false(lmdb_record_decode(LMDB_NAMEPLATE, good, length, &nameplate));
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_false(lmdb_record_decode(LMDB_NAMEPLATE, bad[i].bytes, bad[i].length, &nameplate));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_commit_for_a_hundred),
        TEST(test_durable_before_told_and_fed_before_done),
        TEST(test_more_than_a_turn),
        TEST(test_large_answers),
        TEST(test_forget),
        TEST(test_callbacks_forget_and_ask),
        TEST(test_end_does_what_was_asked),
        TEST(test_restart_keeps_all),
        TEST(test_sweeping_goes_on_after_a_restart),
        TEST(test_one_process_at_a_time),
        TEST(test_not_the_sessions_store),
        TEST(test_full_store),
        TEST(test_full_store_expires),
        TEST(test_a_large_one_does_not_spoil_the_others),
        TEST(test_damaged_mailbox),
        TEST(test_damaged_nameplate),
        cmocka_unit_test(test_records_are_not_believed),
    };
    return cmocka_run_group_tests_name("relay-store-turns", tests, NULL, NULL);
}
