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

#include "relay-lmdb-fixture.h"
#include "relay/lmdb_rows.h"
#include "state/store.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define MIB           ((size_t)1024 * 1024)

static int begin(void **state)
{
    *state = lmdb_fixture_make();
    return 0;
}

static int end(void **state)
{
    lmdb_fixture_remove(*state);
    return 0;
}

/* Asks without waiting. */
static void ask_add(struct lmdb_fixture *fixture, const char *mailbox, const char *body,
                    struct lmdb_fixture_reply *reply)
{
    struct relay_who who = lmdb_fixture_who(fixture, "a");
    struct relay_message message = lmdb_fixture_message(fixture, body);
    *reply = (struct lmdb_fixture_reply){.fixture = fixture};
    fixture->relay->add(fixture->relay->self, &who, mailbox, &message, lmdb_fixture_done, reply);
}

static void ask_open(struct lmdb_fixture *fixture, const char *mailbox,
                     struct lmdb_fixture_reply *reply)
{
    struct relay_who who = lmdb_fixture_who(fixture, "a");
    *reply = (struct lmdb_fixture_reply){.fixture = fixture};
    fixture->relay->open(fixture->relay->self, &who, mailbox, NULL, lmdb_fixture_done, reply);
}

/* ---- group commit ---- */

static void test_few_commits_for_a_hundred(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct lmdb_fixture_reply *replies = calloc(100, sizeof(*replies));
    lmdb_fixture_enter(fixture, "a", "m");
    struct relay_counts before = lmdb_fixture_count(fixture);
    for (unsigned i = 0; i < 100; i++)
        ask_add(fixture, "m", "00", &replies[i]);
    assert_int_equal(replies[0].told, 0);
    assert_int_equal(lmdb_fixture_count(fixture).messages, 0);
    unsigned told = fixture->told;
    lmdb_fixture_run(fixture);
    struct relay_counts after = lmdb_fixture_count(fixture);
    /* One, unless the machine is busy: a batch ends after some milliseconds. */
    assert_in_range(after.commits, before.commits + 1, before.commits + 50);
    assert_true(after.commit_microseconds > before.commit_microseconds);
    assert_int_equal(after.messages, 100);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(replies[i].told, 1);
        assert_int_equal(replies[i].order, told + i + 1);
        assert_int_equal(replies[i].result, RELAY_DONE);
    }
    free(replies);
}

/* What the feed and the callbacks see: what they tell of is durable, in the order asked. */
struct witness {
    struct lmdb_fixture *fixture;
    uint64_t messages; /* that it was told of */
    char order[32];
};

static void witness(struct witness *seen, char what)
{
    assert_true(lmdb_fixture_count(seen->fixture).messages >= seen->messages);
    seen->order[strlen(seen->order)] = what;
}

static void on_message(void *arg, const char *appid, const char *mailbox, uint64_t serial,
                       const struct relay_message *message)
{
    (void)appid;
    (void)serial;
    (void)mailbox;
    (void)message;
    struct witness *seen = arg;
    seen->messages++;
    witness(seen, 'f');
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
    struct lmdb_fixture *fixture = *state;
    struct witness seen = {.fixture = fixture};
    const struct relay_feed feed = {.arg = &seen, .message = on_message};
    struct relay_who who = lmdb_fixture_who(fixture, "a");
    struct relay_message message = lmdb_fixture_message(fixture, "00");
    lmdb_fixture_enter(fixture, "a", "m");
    fixture->relay->set_feed(fixture->relay->self, &feed);
    fixture->relay->add(fixture->relay->self, &who, "m", &message, on_added, &seen);
    fixture->relay->open(fixture->relay->self, &who, "m", NULL, on_opened, &seen);
    fixture->relay->add(fixture->relay->self, &who, "m", &message, on_added, &seen);
    lmdb_fixture_run(fixture);
    assert_string_equal(seen.order, "faofa");
}

/* More than one turn takes. */
static void test_more_than_a_turn(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct lmdb_fixture_reply *replies = calloc(2500, sizeof(*replies));
    char name[16];
    uint64_t commits = lmdb_fixture_count(fixture).commits;
    for (unsigned i = 0; i < 2500; i++) {
        snprintf(name, sizeof(name), "m%u", i);
        ask_open(fixture, name, &replies[i]);
    }
    lmdb_fixture_run(fixture);
    assert_int_equal(lmdb_fixture_count(fixture).mailboxes, 2500);
    /* A machine that is busy does less in the time of a turn. */
    assert_in_range(lmdb_fixture_count(fixture).commits, commits + 3, commits + 1000);
    for (unsigned i = 1; i < 2500; i++)
        assert_int_equal(replies[i].order, replies[i - 1].order + 1);
    free(replies);
}

/* Large answers are not all in memory at the same time, and come all the same. */
static void test_large_answers(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct relay_limits limits = {fixture->limits.retention, 64 * MIB, 1000, 0};
    struct lmdb_fixture_reply *replies = calloc(40, sizeof(*replies));
    char *body = malloc(2 * MIB + 1);
    lmdb_fixture_limit(fixture, &limits);
    memset(body, 'a', 2 * MIB);
    body[2 * MIB] = 0;
    lmdb_fixture_enter(fixture, "a", "m");
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m", body), RELAY_DONE);
    for (unsigned i = 0; i < 40; i++)
        ask_open(fixture, "m", &replies[i]);
    unsigned told = fixture->told;
    assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    assert_in_range(fixture->told, told + 1, told + 20);
    lmdb_fixture_run(fixture);
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
    struct lmdb_fixture *fixture = *state;
    struct lmdb_fixture_reply kept, forgotten;
    lmdb_fixture_enter(fixture, "a", "m");
    ask_add(fixture, "m", "01", &forgotten);
    ask_add(fixture, "m", "02", &kept);
    fixture->relay->forget(fixture->relay->self, &forgotten);
    lmdb_fixture_run(fixture);
    assert_int_equal(forgotten.told, 0);
    assert_int_equal(kept.told, 1);
    assert_string_equal(fixture->feed, "app/m:1/a/p/01/-;app/m:2/a/p/02/-;");
}

struct chain {
    struct lmdb_fixture *fixture;
    struct lmdb_fixture_reply first, second;
};

/* Forgets one that is done, but not yet told, and asks for more. */
static void on_first(void *arg, const struct relay_answer *answer)
{
    struct chain *chain = arg;
    assert_int_equal(answer->result, RELAY_DONE);
    chain->fixture->relay->forget(chain->fixture->relay->self, &chain->first);
    ask_open(chain->fixture, "m3", &chain->second);
}

static void test_callbacks_forget_and_ask(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct chain chain = {.fixture = fixture};
    struct relay_who who = lmdb_fixture_who(fixture, "a");
    fixture->relay->open(fixture->relay->self, &who, "m", NULL, on_first, &chain);
    ask_open(fixture, "m2", &chain.first);
    lmdb_fixture_run(fixture);
    assert_int_equal(chain.first.told, 0);
    assert_int_equal(chain.second.told, 1);
    assert_int_equal(lmdb_fixture_count(fixture).mailboxes, 3);
}

static void test_end_does_what_was_asked(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct lmdb_fixture_reply reply;
    lmdb_fixture_enter(fixture, "a", "m");
    ask_add(fixture, "m", "01", &reply);
    lmdb_fixture_close(fixture);
    assert_int_equal(reply.told, 0);
    lmdb_fixture_open(fixture);
    assert_int_equal(lmdb_fixture_enter(fixture, "a", "m")->count, 1);
}

/* ---- restart ---- */

static void test_restart_keeps_all(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char mailbox[RELAY_MAILBOX_MAX + 1];
    strcpy(mailbox, lmdb_fixture_claim(fixture, "a", "1")->mailbox);
    lmdb_fixture_claim(fixture, "b", "1");
    lmdb_fixture_release(fixture, "b", "1");
    lmdb_fixture_add(fixture, "a", mailbox, "01");
    lmdb_fixture_close(fixture);
    lmdb_fixture_open(fixture);
    assert_string_equal(lmdb_fixture_claim(fixture, "a", "1")->mailbox, mailbox);
    assert_int_equal(lmdb_fixture_claim(fixture, "b", "1")->result, RELAY_RECLAIMED);
    assert_int_equal(lmdb_fixture_claim(fixture, "c", "1")->result, RELAY_CROWDED);
    assert_int_equal(lmdb_fixture_add(fixture, "b", mailbox, "02"), RELAY_DONE);
    assert_string_equal(lmdb_fixture_enter(fixture, "a", mailbox)->text, "1/a/p/01/-;2/b/p/02/-;");
    for (char side[] = "1"; side[0] <= '8'; side[0]++)
        assert_string_not_equal(lmdb_fixture_allocate(fixture, side)->nameplate, "1");
    assert_int_equal(strlen(lmdb_fixture_allocate(fixture, "9")->nameplate), 2);
}

static void test_sweeping_goes_on_after_a_restart(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct relay_who who = lmdb_fixture_who(fixture, "a");
    struct relay_message message = lmdb_fixture_message(fixture, "00");
    char why[256];
    struct kv *store;
    lmdb_fixture_enter(fixture, "a", "m");
    for (unsigned i = 0; i < 300; i++)
        fixture->relay->add(fixture->relay->self, &who, "m", &message, NULL, NULL);
    lmdb_fixture_run(fixture);
    fixture->relay->close(fixture->relay->self, &who, "m", "", NULL, NULL);
    lmdb_fixture_close(fixture);
    lmdb_fixture_open(fixture);
    lmdb_fixture_close(fixture);
    assert_int_equal(kv_open(&lmdb_rows_kind, fixture->path, 0, &store, why, sizeof(why)), KV_OK);
    struct kv_txn *txn = kv_read(store);
    for (unsigned table = ROWS_META + 1; table < ROWS_TABLES; table++)
        assert_int_equal(kv_count(txn, table), 0);
    kv_end(txn);
    kv_close(store);
}

static void test_one_process_at_a_time(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char why[512] = "";
    assert_null(
        lmdb_store_open(fixture->base, fixture->path, 0, &fixture->limits, why, sizeof(why)));
    assert_non_null(strstr(why, "in use by another wormhole-relayd"));
    assert_non_null(strstr(why, fixture->path));
}

static void test_not_the_sessions_store(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char why[512] = "";
    struct kv *store;
    lmdb_fixture_close(fixture);
    assert_int_equal(store_open(fixture->path, 0, &store, why, sizeof(why)), KV_DAMAGED);
    assert_non_null(strstr(why, "no store of wormholed"));
    lmdb_fixture_open(fixture);
}

/* ---- failures ---- */

static void reopen(struct lmdb_fixture *fixture, uint64_t max_bytes)
{
    lmdb_fixture_close(fixture);
    fixture->max_bytes = max_bytes;
    fixture->limits.mailbox_bytes = 64 * MIB;
    lmdb_fixture_open(fixture);
}

static char *body_of(size_t length)
{
    char *body = malloc(length + 1);
    assert_non_null(body);
    memset(body, 'a', length);
    body[length] = 0;
    return body;
}

static unsigned fill(struct lmdb_fixture *fixture, const char *mailbox, const char *body)
{
    unsigned added = 0;
    enum relay_result result;
    while ((result = lmdb_fixture_add(fixture, "a", mailbox, body)) == RELAY_DONE)
        added++;
    assert_int_equal(result, RELAY_FULL);
    return added;
}

static void test_full_store(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char *body = body_of(50000), *small = body_of(5);
    reopen(fixture, 4 * MIB);
    lmdb_fixture_claim(fixture, "a", "7");
    lmdb_fixture_enter(fixture, "a", "m");
    lmdb_fixture_enter(fixture, "a", "m2");
    unsigned added = fill(fixture, "m", body);
    assert_in_range(added, 20, 80);
    fill(fixture, "m2", small);
    /* Whatever brings nothing new goes on. */
    assert_int_equal(lmdb_fixture_enter(fixture, "a", "m")->count, added);
    assert_int_equal(lmdb_fixture_enter(fixture, "a", "m3")->result, RELAY_FULL);
    assert_int_equal(lmdb_fixture_claim(fixture, "a", "7")->result, RELAY_DONE);
    /* So does the second side: what is kept back is for it too. */
    assert_int_equal(lmdb_fixture_claim(fixture, "b", "7")->result, RELAY_DONE);
    assert_int_equal(lmdb_fixture_claim(fixture, "a", "8")->result, RELAY_FULL);
    assert_int_equal(lmdb_fixture_allocate(fixture, "a")->result, RELAY_FULL);
    assert_string_equal(lmdb_fixture_list(fixture)->text, "7 ");
    assert_int_equal(lmdb_fixture_release(fixture, "a", "7"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_leave(fixture, "a", "m"), RELAY_DONE);
    /* Freed pages can be used again two commits later. */
    lmdb_fixture_leave(fixture, "a", "m2");
    lmdb_fixture_leave(fixture, "a", "m4");
    lmdb_fixture_enter(fixture, "a", "m4");
    assert_true(fill(fixture, "m4", body) >= added / 2);
    free(body);
    free(small);
}

static void test_full_store_expires(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char *body = body_of(50000);
    reopen(fixture, 4 * MIB);
    lmdb_fixture_enter(fixture, "a", "m");
    unsigned added = fill(fixture, "m", body);
    fixture->now += 2 * fixture->limits.retention;
    assert_int_equal(lmdb_fixture_expire(fixture, 10), 1);
    lmdb_fixture_enter(fixture, "a", "m");
    lmdb_fixture_enter(fixture, "a", "m2");
    assert_true(fill(fixture, "m", body) >= added / 2);
    free(body);
}

/* ---- who makes way in a full store ---- */

#define HEAVY   1111
#define LIGHT   2222
#define ANOTHER 3333

/* This owner's side makes a mailbox, and puts something there. */
static void put_by(struct lmdb_fixture *fixture, uint64_t owner, const char *mailbox,
                   const char *body)
{
    fixture->owner = owner;
    lmdb_fixture_enter(fixture, "a", mailbox);
    enum relay_result result = lmdb_fixture_add(fixture, "a", mailbox, body);
    if (result == RELAY_FULL) /* what is free is in pieces: then room is made at once */
        result = lmdb_fixture_add(fixture, "a", mailbox, body);
    assert_int_equal(result, RELAY_DONE);
}

/* As many mailboxes as would fill the store twice; none is refused. */
static void crowd(struct lmdb_fixture *fixture, uint64_t owner, const char *prefix,
                  const char *body)
{
    char name[RELAY_MAILBOX_MAX + 1];
    for (size_t i = 0; i < 2 * fixture->max_bytes / strlen(body); i++) {
        snprintf(name, sizeof(name), "%s%zu", prefix, i);
        put_by(fixture, owner, name, body);
    }
}

/* How many messages a newcomer finds. */
static size_t found(struct lmdb_fixture *fixture, const char *mailbox)
{
    fixture->owner = 0;
    return lmdb_fixture_enter(fixture, "visitor", mailbox)->count;
}

static void test_the_heaviest_make_way(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char *body = body_of(50000);
    reopen(fixture, 16 * MIB);
    put_by(fixture, HEAVY, "met", body);
    assert_int_equal(found(fixture, "met"), 1);
    put_by(fixture, LIGHT, "light", body);
    put_by(fixture, LIGHT, "light2", body);
    fixture->owner = LIGHT;
    lmdb_fixture_claim(fixture, "a", "4");
    crowd(fixture, HEAVY, "heavy", body);
    assert_in_range(lmdb_fixture_count(fixture).evicted, 200, 600);
    assert_int_equal(fixture->ended, lmdb_fixture_count(fixture).evicted); /* each is told of */
    assert_int_equal(fixture->gone, fixture->ended);
    assert_int_equal(fixture->life.end, RELAY_LIFE_MADE_WAY);
    assert_memory_equal(fixture->last, "heavy", strlen("heavy"));
    /* Neither those of others, nor those to which somebody came. */
    assert_int_equal(found(fixture, "light"), 1);
    assert_int_equal(found(fixture, "light2"), 1);
    assert_int_equal(found(fixture, "met"), 1);
    assert_string_equal(lmdb_fixture_list(fixture)->text, "4 ");
    assert_int_equal(found(fixture, "heavy0"), 0);
    /* What has gone is charged to nobody. */
    fixture->now += 2 * fixture->limits.retention;
    while (lmdb_fixture_expire(fixture, 1000) > 0)
        ;
    uint64_t before = lmdb_fixture_count(fixture).evicted;
    put_by(fixture, HEAVY, "new", body);
    crowd(fixture, ANOTHER, "another", body);
    assert_true(lmdb_fixture_count(fixture).evicted > before);
    assert_int_equal(found(fixture, "new"), 1);
    free(body);
}

/* Both sides of one address: they go, but only where no other is heavy. */
static void test_kin_make_way_last(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char *body = body_of(50000);
    reopen(fixture, 16 * MIB);
    put_by(fixture, HEAVY, "first", body);
    lmdb_fixture_enter(fixture, "b", "first");
    crowd(fixture, HEAVY, "alone", body);
    assert_int_equal(lmdb_fixture_enter(fixture, "b", "first")->count, 1);
    for (unsigned i = 0; i < 2 * 16 * MIB / 50000; i++) {
        char name[RELAY_MAILBOX_MAX + 1];
        snprintf(name, sizeof(name), "kin%u", i);
        put_by(fixture, HEAVY, name, body);
        assert_int_equal(lmdb_fixture_enter(fixture, "b", name)->result, RELAY_DONE);
    }
    assert_int_equal(found(fixture, "first"), 0);
    free(body);
}

/* Where nobody can be told from the others, nothing is deleted. */
static void test_nobody_makes_way(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char *body = body_of(50000);
    reopen(fixture, 4 * MIB);
    lmdb_fixture_enter(fixture, "a", "m");
    unsigned added = fill(fixture, "m", body);
    assert_int_equal(lmdb_fixture_count(fixture).evicted, 0);
    assert_int_equal(lmdb_fixture_enter(fixture, "a", "m")->count, added);
    free(body);
}

/* Each has a little: the store refuses what is new, and keeps what it has. */
static void test_many_light_ones_stay(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char *body = body_of(30000), name[RELAY_MAILBOX_MAX + 1];
    uint64_t owner = 0;
    enum relay_result result;
    reopen(fixture, 16 * MIB);
    do {
        fixture->owner = ++owner;
        snprintf(name, sizeof(name), "m%u", (unsigned)owner);
        result = lmdb_fixture_enter(fixture, "a", name)->result;
        if (result == RELAY_DONE)
            result = lmdb_fixture_add(fixture, "a", name, body);
    } while (result == RELAY_DONE);
    assert_int_equal(result, RELAY_FULL);
    assert_in_range(owner, 200, 1000);
    assert_int_equal(lmdb_fixture_count(fixture).evicted, 0);
    assert_int_equal(found(fixture, "m1"), 1);
    free(body);
}

/* So many at a time. */
static void add_many(struct lmdb_fixture *fixture, const char *mailbox, const char *body,
                     unsigned count)
{
    struct relay_who who = lmdb_fixture_who(fixture, "a");
    struct relay_message message = lmdb_fixture_message(fixture, body);
    for (unsigned i = 0; i < count; i++)
        fixture->relay->add(fixture->relay->self, &who, mailbox, &message, NULL, NULL);
    lmdb_fixture_run(fixture);
}

/* What is deleted is not free before it has been swept: nobody else loses anything meanwhile. */
static void test_clearing_waits_for_the_sweeper(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char *body = body_of(50000), *small = body_of(2500), name[RELAY_MAILBOX_MAX + 1];
    reopen(fixture, 8 * MIB);
    put_by(fixture, LIGHT, "light", body);
    put_by(fixture, LIGHT, "light2", body);
    for (unsigned i = 0; i < 10; i++) {
        fixture->owner = HEAVY;
        snprintf(name, sizeof(name), "heavy%u", i);
        lmdb_fixture_enter(fixture, "a", name);
        add_many(fixture, name, small, 500);
    }
    assert_true(lmdb_fixture_count(fixture).evicted > 0);
    assert_int_equal(found(fixture, "light"), 1);
    assert_int_equal(found(fixture, "light2"), 1);
    free(body);
    free(small);
}

/* A row takes room, whatever it says. */
static void test_empty_messages_weigh(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char *body = body_of(30000), name[RELAY_MAILBOX_MAX + 1];
    reopen(fixture, 16 * MIB);
    for (unsigned i = 0; i < 20; i++) {
        fixture->owner = HEAVY;
        snprintf(name, sizeof(name), "heavy%u", i);
        lmdb_fixture_enter(fixture, "a", name);
        add_many(fixture, name, "", 1000);
    }
    uint64_t owner = HEAVY, light = 0;
    while (lmdb_fixture_count(fixture).evicted == 0 && light < 1000) {
        snprintf(name, sizeof(name), "light%u", (unsigned)light++);
        put_by(fixture, ++owner, name, body);
    }
    assert_in_range(light, 1, 999);
    for (unsigned i = 0; i + 1 < light; i++) {
        snprintf(name, sizeof(name), "light%u", i);
        assert_int_equal(found(fixture, name), 1);
    }
    free(body);
}

/* Without a limit, only a disk that is full is a reason. */
static void test_nothing_goes_without_a_limit(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char *body = body_of(50000);
    reopen(fixture, 0);
    for (unsigned i = 0; i < 600; i++) {
        char name[RELAY_MAILBOX_MAX + 1];
        snprintf(name, sizeof(name), "heavy%u", i);
        put_by(fixture, HEAVY, name, body);
    }
    assert_int_equal(lmdb_fixture_count(fixture).evicted, 0);
    free(body);
}

static void test_a_large_one_does_not_spoil_the_others(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char *body = body_of(6 * MIB);
    struct lmdb_fixture_reply replies[3];
    reopen(fixture, 4 * MIB);
    lmdb_fixture_enter(fixture, "a", "m");
    fixture->feed[0] = 0;
    ask_add(fixture, "m", "01", &replies[0]);
    ask_add(fixture, "m", body, &replies[1]);
    ask_add(fixture, "m", "02", &replies[2]);
    lmdb_fixture_run(fixture);
    assert_int_equal(replies[0].result, RELAY_DONE);
    assert_int_equal(replies[1].result, RELAY_FULL);
    assert_int_equal(replies[2].result, RELAY_DONE);
    assert_true(replies[0].order < replies[1].order && replies[1].order < replies[2].order);
    assert_string_equal(fixture->feed, "app/m:1/a/p/01/-;app/m:2/a/p/02/-;");
    assert_int_equal(lmdb_fixture_enter(fixture, "a", "m")->count, 2);
    free(body);
}

/* Writes nonsense where a mailbox or nameplate was. */
static void damage(struct lmdb_fixture *fixture, unsigned table, const char *name)
{
    char why[256];
    struct kv *store;
    struct kv_key key = lmdb_rows_named(LMDB_FIXTURE_APP, name);
    lmdb_fixture_close(fixture);
    assert_int_equal(kv_open(&lmdb_rows_kind, fixture->path, 0, &store, why, sizeof(why)), KV_OK);
    struct kv_txn *txn = kv_write(store, 4096);
    kv_put(txn, table, &key, "\xc1nonsense", 9);
    assert_int_equal(kv_commit(txn), KV_OK);
    kv_close(store);
    lmdb_fixture_open(fixture);
}

static void test_damaged_mailbox(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct lmdb_fixture_reply bad, good;
    lmdb_fixture_enter(fixture, "a", "m");
    lmdb_fixture_add(fixture, "a", "m", "00");
    lmdb_fixture_enter(fixture, "a", "m2");
    damage(fixture, ROWS_MAILBOXES, "m");
    ask_add(fixture, "m", "01", &bad);
    ask_add(fixture, "m2", "02", &good);
    lmdb_fixture_run(fixture);
    assert_int_equal(bad.result, RELAY_BROKEN);
    assert_int_equal(good.result, RELAY_DONE);
    assert_int_equal(lmdb_fixture_leave(fixture, "a", "m"), RELAY_BROKEN);
    /* It expires like any other, with its messages. */
    fixture->now += 2 * fixture->limits.retention;
    assert_int_equal(lmdb_fixture_expire(fixture, 10), 2);
    struct relay_counts counts = lmdb_fixture_count(fixture);
    assert_int_equal(counts.mailboxes + counts.messages, 0);
    assert_int_equal(lmdb_fixture_enter(fixture, "a", "m")->result, RELAY_DONE);
}

static void test_damaged_nameplate(void **state)
{
    struct lmdb_fixture *fixture = *state;
    lmdb_fixture_claim(fixture, "a", "4");
    damage(fixture, ROWS_NAMEPLATES, "4");
    assert_int_equal(lmdb_fixture_claim(fixture, "a", "4")->result, RELAY_BROKEN);
    assert_int_equal(lmdb_fixture_release(fixture, "a", "4"), RELAY_BROKEN);
    assert_int_equal(lmdb_fixture_claim(fixture, "a", "5")->result, RELAY_DONE);
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
    assert_int_equal(lmdb_record_decode(LMDB_NAMEPLATE, good, sizeof(good) - 1, &nameplate), KV_OK);
    assert_int_equal(nameplate.unknown_length, 5);
    free(nameplate.unknown);
    assert_string_equal(nameplate.mailbox, "m");
    assert_string_equal(nameplate.sides.all[0].name, "s");
    assert_true(nameplate.sides.all[0].active);
    for (size_t length = 0; length < sizeof(good) - 1; length++)
        assert_int_equal(lmdb_record_decode(LMDB_NAMEPLATE, good, length, &nameplate), KV_DAMAGED);
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_int_equal(
            lmdb_record_decode(LMDB_NAMEPLATE, bad[i].bytes, bad[i].length, &nameplate),
            KV_DAMAGED);
}

/* What a newer relay has put into a row stays there when this one changes the row. */
static void put_newer(struct lmdb_fixture *fixture, unsigned table, const char *name)
{
    static const char newer[] = "\xcd\x03\xe8\xa5newer";
    char why[256];
    struct kv *store;
    struct kv_key key = lmdb_rows_named(LMDB_FIXTURE_APP, name);
    uint8_t bytes[512];
    MDB_val value;
    lmdb_fixture_close(fixture);
    assert_int_equal(kv_open(&lmdb_rows_kind, fixture->path, 0, &store, why, sizeof(why)), KV_OK);
    struct kv_txn *txn = kv_write(store, 4096);
    assert_true(kv_get(txn, table, &key, &value));
    assert_in_range(value.mv_size, 1, sizeof(bytes) - sizeof(newer));
    memcpy(bytes, value.mv_data, value.mv_size);
    bytes[0]++; /* one pair more */
    memcpy(bytes + value.mv_size, newer, sizeof(newer) - 1);
    kv_put(txn, table, &key, bytes, value.mv_size + sizeof(newer) - 1);
    assert_int_equal(kv_commit(txn), KV_OK);
    kv_close(store);
    lmdb_fixture_open(fixture);
}

static void assert_newer(struct lmdb_fixture *fixture, unsigned table, const char *name)
{
    char why[256];
    struct kv *store;
    struct kv_key key = lmdb_rows_named(LMDB_FIXTURE_APP, name);
    MDB_val value;
    lmdb_fixture_close(fixture);
    assert_int_equal(kv_open(&lmdb_rows_kind, fixture->path, 0, &store, why, sizeof(why)), KV_OK);
    struct kv_txn *txn = kv_read(store);
    assert_true(kv_get(txn, table, &key, &value));
    assert_non_null(memmem(value.mv_data, value.mv_size, "\xcd\x03\xe8\xa5newer", 9));
    kv_end(txn);
    kv_close(store);
    lmdb_fixture_open(fixture);
}

static void test_unknown_tags_survive(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char mailbox[RELAY_MAILBOX_MAX + 1];
    snprintf(mailbox, sizeof(mailbox), "%s", lmdb_fixture_claim(fixture, "a", "4")->mailbox);
    put_newer(fixture, ROWS_NAMEPLATES, "4");
    put_newer(fixture, ROWS_MAILBOXES, mailbox);
    /* Each of these writes one of the rows, or both. */
    assert_int_equal(lmdb_fixture_claim(fixture, "b", "4")->result, RELAY_DONE);
    assert_int_equal(lmdb_fixture_add(fixture, "b", mailbox, "00"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_add(fixture, "a", mailbox, "01"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_release(fixture, "a", "4"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_leave(fixture, "b", mailbox), RELAY_DONE);
    assert_newer(fixture, ROWS_MAILBOXES, mailbox);
    assert_string_equal(lmdb_fixture_enter(fixture, "a", mailbox)->text, "1/b/p/00/-;2/a/p/01/-;");
}

static void test_unknown_tags_of_a_nameplate(void **state)
{
    struct lmdb_fixture *fixture = *state;
    lmdb_fixture_claim(fixture, "a", "4");
    put_newer(fixture, ROWS_NAMEPLATES, "4");
    assert_int_equal(lmdb_fixture_claim(fixture, "b", "4")->result, RELAY_DONE);
    assert_int_equal(lmdb_fixture_release(fixture, "a", "4"), RELAY_DONE);
    assert_newer(fixture, ROWS_NAMEPLATES, "4");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_few_commits_for_a_hundred),
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
        TEST(test_the_heaviest_make_way),
        TEST(test_kin_make_way_last),
        TEST(test_nobody_makes_way),
        TEST(test_many_light_ones_stay),
        TEST(test_clearing_waits_for_the_sweeper),
        TEST(test_empty_messages_weigh),
        TEST(test_nothing_goes_without_a_limit),
        TEST(test_a_large_one_does_not_spoil_the_others),
        TEST(test_damaged_mailbox),
        TEST(test_damaged_nameplate),
        cmocka_unit_test(test_records_are_not_believed),
        TEST(test_unknown_tags_survive),
        TEST(test_unknown_tags_of_a_nameplate),
    };
    return cmocka_run_group_tests_name("relay-store-turns", tests, NULL, NULL);
}
