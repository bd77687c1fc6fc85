/* What expires, and when; what prolongs it; and that a visit costs no write. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-lmdb-fixture.h"
#include "tests/doubles/memory_store.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
#define MINUTE        ((int64_t)60 * 1000)

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

static void assert_expires_at(struct lmdb_fixture *fixture, int64_t when)
{
    fixture->now = when - 1;
    assert_int_equal(lmdb_fixture_expire(fixture, 10), 0);
    fixture->now = when;
    assert_int_equal(lmdb_fixture_expire(fixture, 10), 1);
}

static void test_unused_nameplates_go(void **state)
{
    struct lmdb_fixture *fixture = *state;
    int64_t start = fixture->now;
    lmdb_fixture_allocate(fixture, "a");
    assert_expires_at(fixture, start + 11 * MINUTE + MINUTE);
    struct relay_counts counts = lmdb_fixture_count(fixture);
    assert_int_equal(counts.nameplates + counts.mailboxes + counts.messages, 0);
}

/* What was used, if only by its own side, lives on. */
static void test_used_nameplates_last(void **state)
{
    struct lmdb_fixture *fixture = *state;
    int64_t start = fixture->now;
    char mailbox[RELAY_MAILBOX_MAX + 1];
    snprintf(mailbox, sizeof(mailbox), "%s", lmdb_fixture_claim(fixture, "a", "4")->mailbox);
    assert_int_equal(lmdb_fixture_add(fixture, "a", mailbox, "00"), RELAY_DONE);
    lmdb_fixture_claim(fixture, "a", "5");
    lmdb_fixture_claim(fixture, "b", "5");
    fixture->now = start + fixture->limits.retention + MINUTE - 1;
    assert_int_equal(lmdb_fixture_expire(fixture, 10), 0);
    fixture->now++;
    assert_int_equal(lmdb_fixture_expire(fixture, 10), 2);
}

/* ---- activity ---- */

static void visit_claim(struct lmdb_fixture *fixture)
{
    lmdb_fixture_claim(fixture, "a", "4");
}

static void visit_open(struct lmdb_fixture *fixture)
{
    lmdb_fixture_enter(fixture, "a", "m");
}

static void visit_add(struct lmdb_fixture *fixture)
{
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m", "00"), RELAY_DONE);
}

static void visit_touch(struct lmdb_fixture *fixture)
{
    lmdb_fixture_touch(fixture, "a", "m");
}

static void visit_release(struct lmdb_fixture *fixture)
{
    lmdb_fixture_release(fixture, "b", "4");
}

static void visit_list(struct lmdb_fixture *fixture)
{
    lmdb_fixture_list(fixture);
}

static void visit_close(struct lmdb_fixture *fixture)
{
    lmdb_fixture_leave(fixture, "b", "m");
}

static void touch_by_another(struct lmdb_fixture *fixture)
{
    lmdb_fixture_touch(fixture, "c", "m");
}

static void crowd(struct lmdb_fixture *fixture)
{
    assert_int_equal(lmdb_fixture_enter(fixture, "c", "m")->result, RELAY_CROWDED);
}

static void make_mailbox(struct lmdb_fixture *fixture)
{
    lmdb_fixture_enter(fixture, "a", "m");
    lmdb_fixture_enter(fixture, "b", "m");
}

static void make_nameplate(struct lmdb_fixture *fixture)
{
    lmdb_fixture_claim(fixture, "a", "4");
    lmdb_fixture_claim(fixture, "b", "4");
}

/* Half a day after it was made, a visit; it expires a day after that, and a minute. */
static void check_visit(void (*make)(struct lmdb_fixture *fixture),
                        void (*visit)(struct lmdb_fixture *fixture), bool prolongs)
{
    struct lmdb_fixture *fixture = lmdb_fixture_make();
    int64_t start = fixture->now, half = fixture->limits.retention / 2;
    make(fixture);
    fixture->now = start + half;
    visit(fixture);
    if (prolongs)
        assert_expires_at(fixture, start + 3 * half + MINUTE);
    else
        assert_expires_at(fixture, start + 2 * half + MINUTE);
    lmdb_fixture_remove(fixture);
}

static void test_activity_prolongs(void **state)
{
    (void)state;
    check_visit(make_nameplate, visit_claim, true);
    check_visit(make_mailbox, visit_open, true);
    check_visit(make_mailbox, visit_add, true);
    check_visit(make_mailbox, visit_touch, true);
}

static void test_what_does_not_prolong(void **state)
{
    (void)state;
    check_visit(make_nameplate, visit_release, false);
    check_visit(make_nameplate, visit_list, false);
    check_visit(make_mailbox, visit_close, false);
    check_visit(make_mailbox, touch_by_another, false);
    check_visit(make_mailbox, crowd, false);
}

/* Whenever the visits come, a mailbox lives a day after the last one, and not much longer. */
static void test_never_too_early(void **state)
{
    struct lmdb_fixture *fixture = *state;
    lmdb_fixture_enter(fixture, "a", "m");
    for (int64_t step = 1; step < 10 * MINUTE; step = step * 3 + 17) {
        int64_t start = fixture->now;
        fixture->now = start + step;
        lmdb_fixture_touch(fixture, "a", "m");
        fixture->now = start + step + fixture->limits.retention - 1;
        assert_int_equal(lmdb_fixture_expire(fixture, 10), 0);
        fixture->now = start + step;
    }
    fixture->now += fixture->limits.retention + MINUTE;
    assert_int_equal(lmdb_fixture_expire(fixture, 10), 1);
}

static void test_visits_cost_no_write(void **state)
{
    struct lmdb_fixture *fixture = *state;
    lmdb_fixture_enter(fixture, "a", "m");
    uint64_t commits = lmdb_fixture_count(fixture).commits;
    for (unsigned i = 0; i < 6; i++) {
        fixture->now += MINUTE / 6;
        lmdb_fixture_touch(fixture, "a", "m");
        lmdb_fixture_enter(fixture, "a", "m");
        lmdb_fixture_list(fixture);
    }
    assert_int_equal(lmdb_fixture_count(fixture).commits, commits);
    fixture->now += 1;
    lmdb_fixture_touch(fixture, "a", "m");
    assert_int_equal(lmdb_fixture_count(fixture).commits, commits + 1);
}

/* Who allocates a nameplate claims it and opens its mailbox at once: only the first is a write. */
static void test_claiming_what_was_allocated_costs_no_write(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char nameplate[RELAY_NAMEPLATE_MAX + 1], mailbox[RELAY_MAILBOX_MAX + 1];
    strcpy(nameplate, lmdb_fixture_allocate(fixture, "a")->nameplate);
    uint64_t commits = lmdb_fixture_count(fixture).commits;
    fixture->now += 50;
    strcpy(mailbox, lmdb_fixture_claim(fixture, "a", nameplate)->mailbox);
    lmdb_fixture_enter(fixture, "a", mailbox);
    assert_int_equal(lmdb_fixture_count(fixture).commits, commits);
}

/* A clock that was years ahead once does not keep the mailbox for years. */
static void test_clock_goes_back(void **state)
{
    struct lmdb_fixture *fixture = *state;
    int64_t right = fixture->now;
    fixture->now = right + 1000 * fixture->limits.retention;
    lmdb_fixture_enter(fixture, "a", "m");
    fixture->now = right;
    lmdb_fixture_enter(fixture, "a", "m");
    assert_expires_at(fixture, right + fixture->limits.retention + MINUTE);
}

/* ---- steps ---- */

static void test_oldest_first_in_steps(void **state)
{
    struct lmdb_fixture *fixture = *state;
    int64_t start = fixture->now;
    char name[16];
    for (unsigned i = 0; i < 10; i++) {
        fixture->now = start + i;
        snprintf(name, sizeof(name), "m%u", 9 - i);
        lmdb_fixture_enter(fixture, "a", name);
    }
    fixture->now = start + 5 + fixture->limits.retention + MINUTE;
    assert_int_equal(lmdb_fixture_expire(fixture, 4), 4);
    assert_int_equal(lmdb_fixture_expire(fixture, 4), 2);
    assert_int_equal(lmdb_fixture_expire(fixture, 4), 0);
    assert_int_equal(lmdb_fixture_count(fixture).mailboxes, 4);
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m3", "00"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m4", "00"), RELAY_NOT_OPEN);
}

static void test_expiry_takes_all_that_belongs_to_it(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char mailbox[RELAY_MAILBOX_MAX + 1];
    strcpy(mailbox, lmdb_fixture_claim(fixture, "a", "4")->mailbox);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(lmdb_fixture_add(fixture, "a", mailbox, "00"), RELAY_DONE);
    fixture->now += 1000;
    char other[RELAY_MAILBOX_MAX + 1];
    strcpy(other, lmdb_fixture_claim(fixture, "a", "5")->mailbox);
    assert_int_equal(lmdb_fixture_add(fixture, "a", other, "00"), RELAY_DONE);
    fixture->now += fixture->limits.retention + MINUTE - 1000;
    assert_int_equal(lmdb_fixture_expire(fixture, 10), 1);
    assert_int_equal(lmdb_fixture_count(fixture).messages, 1);
    assert_string_equal(lmdb_fixture_list(fixture)->text, "5 ");
    /* The number is free again. */
    assert_string_not_equal(lmdb_fixture_claim(fixture, "b", "4")->mailbox, mailbox);
}

/* ---- the same as in memory ---- */

#define SLOTS 6

/* Both stores, and the nameplates and mailboxes that are the same in both; each slot is of one of
 * two apps. */
struct pair {
    struct lmdb_fixture *fixture;
    struct memory_store *memory;
    char nameplates[SLOTS][2][RELAY_NAMEPLATE_MAX + 1];
    char mailboxes[SLOTS][2][RELAY_MAILBOX_MAX + 1];
    struct lmdb_fixture_reply replies[2];
    unsigned app; /* in which was asked last */
    unsigned random;
};

static unsigned draw(struct pair *pair, unsigned below)
{
    pair->random = pair->random * 1103515245 + 12345;
    return (pair->random >> 16) % below;
}

static const struct relay_store *of(struct pair *pair, unsigned i)
{
    return i == 0 ? pair->fixture->relay : memory_store_interface(pair->memory);
}

static void settle(struct pair *pair)
{
    lmdb_fixture_run(pair->fixture);
    memory_store_run(pair->memory, 10);
}

/* What one of the two is asked. */
struct question {
    const struct relay_store *store;
    struct relay_who who;
    struct relay_message message;
    const char *nameplate, *mailbox;
    struct lmdb_fixture_reply *reply;
};

static void ask_claim(const struct question *ask)
{
    ask->store->claim(ask->store->self, &ask->who, ask->nameplate, lmdb_fixture_done, ask->reply);
}

static void ask_release(const struct question *ask)
{
    ask->store->release(ask->store->self, &ask->who, ask->nameplate, lmdb_fixture_done, ask->reply);
}

static void ask_open(const struct question *ask)
{
    ask->store->open(ask->store->self, &ask->who, ask->mailbox, NULL, lmdb_fixture_done,
                     ask->reply);
}

static void ask_add(const struct question *ask)
{
    ask->store->add(ask->store->self, &ask->who, ask->mailbox, &ask->message, lmdb_fixture_done,
                    ask->reply);
}

static void ask_close(const struct question *ask)
{
    ask->store->close(ask->store->self, &ask->who, ask->mailbox, "", lmdb_fixture_done, ask->reply);
}

static void ask_expire(const struct question *ask)
{
    ask->store->expire(ask->store->self, ask->who.now, 100, lmdb_fixture_done, ask->reply);
}

static void ask_allocate(const struct question *ask)
{
    ask->store->allocate(ask->store->self, &ask->who, lmdb_fixture_done, ask->reply);
}

/* One random operation, asked of both. */
static void ask_both(struct pair *pair)
{
    static void (*const asks[])(const struct question *) = {
        ask_claim, ask_release, ask_open, ask_add, ask_add, ask_close, ask_expire, ask_allocate};
    static const char *const sides[] = {"a", "b", "c"}, *const apps[] = {"app", "app2"};
    unsigned what = draw(pair, LENGTH(asks)), slot = draw(pair, SLOTS);
    pair->app = slot % LENGTH(apps);
    pair->fixture->app = apps[pair->app];
    struct relay_who who = lmdb_fixture_who(pair->fixture, sides[draw(pair, LENGTH(sides))]);
    struct relay_message message = lmdb_fixture_message(pair->fixture, "0123456789");
    message.side = who.side;

    for (unsigned i = 0; i < 2; i++) {
        pair->replies[i] = (struct lmdb_fixture_reply){.fixture = pair->fixture};
        asks[what](&(struct question){of(pair, i), who, message, pair->nameplates[slot][i],
                                      pair->mailboxes[slot][i], &pair->replies[i]});
    }
}

static void compare(struct pair *pair, unsigned step)
{
    const struct lmdb_fixture_reply *ours = &pair->replies[0], *theirs = &pair->replies[1];
    struct relay_counts counts[2];
    if (ours->result != theirs->result || ours->count != theirs->count ||
        strcmp(ours->text, theirs->text) != 0 || ours->told != 1 || theirs->told != 1)
        fail_msg("step %u: %d %zu %s, but in memory %d %zu %s", step, ours->result, ours->count,
                 ours->text, theirs->result, theirs->count, theirs->text);
    for (unsigned i = 0; i < 2; i++)
        of(pair, i)->count(of(pair, i)->self, &counts[i]);
    assert_int_equal(counts[0].nameplates, counts[1].nameplates);
    assert_int_equal(counts[0].mailboxes, counts[1].mailboxes);
    assert_int_equal(counts[0].messages, counts[1].messages);
}

/* Any slot of the app in which was asked. */
static unsigned draw_slot(struct pair *pair)
{
    return 2 * draw(pair, SLOTS / 2) + pair->app;
}

/* A mailbox that was claimed takes the place of another. (Only the store on disk tells it with what
 * it allocates.) */
static void remember_claimed(struct pair *pair)
{
    unsigned slot = draw_slot(pair);
    if (pair->replies[0].mailbox[0] == 0 || pair->replies[1].mailbox[0] == 0)
        return;
    for (unsigned i = 0; i < 2; i++)
        strcpy(pair->mailboxes[slot][i], pair->replies[i].mailbox);
}

/* Names that neither store gives out. */
static void name_by_hand(struct pair *pair, unsigned slot, unsigned number)
{
    for (unsigned i = 0; i < 2; i++)
        snprintf(pair->nameplates[slot][i], sizeof(pair->nameplates[slot][i]), "x%u", number);
}

/* So does what was allocated. The two differ; so neither may go on to be, in one store only, the
 * name of something else that was allocated earlier. */
static void remember_allocated(struct pair *pair, unsigned step)
{
    unsigned chosen = draw_slot(pair);
    if (pair->replies[0].nameplate[0] == 0)
        return;
    for (unsigned slot = 0; slot < SLOTS; slot++)
        for (unsigned i = 0; i < 2; i++)
            if (strcmp(pair->nameplates[slot][i], pair->replies[i].nameplate) == 0)
                name_by_hand(pair, slot, step);
    for (unsigned i = 0; i < 2; i++)
        strcpy(pair->nameplates[chosen][i], pair->replies[i].nameplate);
}

static void test_same_as_in_memory(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    struct relay_limits limits = {50, 60, 5, 0}; /* so short that nothing is written ahead */
    assert_non_null(pair);
    pair->fixture = *state;
    pair->random = 1;
    pair->memory = memory_store_new(&limits);
    lmdb_fixture_limit(pair->fixture, &limits);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        name_by_hand(pair, slot, slot / 2);
        for (unsigned i = 0; i < 2; i++)
            sprintf(pair->mailboxes[slot][i], "m%u", slot / 2);
    }
    for (unsigned step = 0; step < 2000; step++) {
        pair->fixture->now += draw(pair, 3);
        ask_both(pair);
        settle(pair);
        compare(pair, step);
        remember_claimed(pair);
        remember_allocated(pair, step);
    }
    memory_store_free(pair->memory);
    free(pair);
}

/* ---- how a life went ---- */

static void expect_life(const struct lmdb_fixture *fixture, const struct relay_life *expected)
{
    const struct relay_life *life = &fixture->life;
    assert_int_equal(life->began, expected->began);
    assert_int_equal(life->joined, expected->joined);
    assert_int_equal(life->ended, expected->ended);
    assert_int_equal(life->end, expected->end);
    assert_int_equal(life->nameplate, expected->nameplate);
    assert_int_equal(life->crowded, expected->crowded);
    assert_int_equal(life->messages, expected->messages);
    for (unsigned i = 0; i < RELAY_LIFE_SIDES; i++)
        assert_string_equal(life->moods[i], expected->moods[i]);
}

/* Told once, when the last side has closed it. */
static void test_life_of_a_closed_mailbox(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct relay_life expected = {.began = fixture->now, .nameplate = true, .messages = 1};
    char mailbox[RELAY_MAILBOX_MAX + 1];
    snprintf(mailbox, sizeof(mailbox), "%s", lmdb_fixture_claim(fixture, "a", "4")->mailbox);
    fixture->now += 42000;
    expected.joined = fixture->now;
    lmdb_fixture_claim(fixture, "b", "4");
    lmdb_fixture_add(fixture, "a", mailbox, "00");
    fixture->now += 1000;
    lmdb_fixture_claim(fixture, "b", "4"); /* nobody joins twice */
    lmdb_fixture_leave(fixture, "a", mailbox);
    assert_int_equal(fixture->ended, 0);
    fixture->now += 1000;
    expected.ended = fixture->now;
    lmdb_fixture_leave(fixture, "b", mailbox);
    assert_int_equal(fixture->ended, 1);
    snprintf(expected.moods[0], sizeof(expected.moods[0]), "happy");
    snprintf(expected.moods[1], sizeof(expected.moods[1]), "happy");
    expect_life(fixture, &expected);
    lmdb_fixture_leave(fixture, "b", mailbox);
    assert_int_equal(fixture->ended, 1);
}

/* A third side is noted, whether it comes by the nameplate or the mailbox, also over a restart. */
static void test_life_of_a_crowded_mailbox(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct relay_life expected = {.began = fixture->now,
                                  .joined = fixture->now,
                                  .end = RELAY_LIFE_EXPIRED,
                                  .nameplate = true,
                                  .crowded = true};
    char mailbox[RELAY_MAILBOX_MAX + 1];
    snprintf(mailbox, sizeof(mailbox), "%s", lmdb_fixture_claim(fixture, "a", "4")->mailbox);
    lmdb_fixture_claim(fixture, "b", "4");
    assert_int_equal(lmdb_fixture_claim(fixture, "c", "4")->result, RELAY_CROWDED);
    uint64_t before = lmdb_fixture_count(fixture).commits;
    assert_int_equal(lmdb_fixture_claim(fixture, "d", "4")->result, RELAY_CROWDED);
    assert_int_equal(lmdb_fixture_enter(fixture, "d", mailbox)->result, RELAY_CROWDED);
    assert_int_equal(lmdb_fixture_count(fixture).commits, before); /* once is enough */
    lmdb_fixture_close(fixture);
    lmdb_fixture_open(fixture);
    fixture->now += 2 * fixture->limits.retention;
    expected.ended = fixture->now;
    assert_int_equal(lmdb_fixture_expire(fixture, 10), 1);
    assert_int_equal(fixture->ended, 1);
    assert_int_equal(fixture->gone, 1);
    assert_string_equal(fixture->last, mailbox);
    expect_life(fixture, &expected);
    lmdb_fixture_enter(fixture, "a", "m");
    lmdb_fixture_enter(fixture, "b", "m");
    lmdb_fixture_enter(fixture, "c", "m");
    lmdb_fixture_leave(fixture, "a", "m");
    lmdb_fixture_leave(fixture, "b", "m");
    assert_int_equal(fixture->ended, 2);
    assert_int_equal(fixture->gone, 1); /* the second was closed */
    assert_true(fixture->life.crowded);
    assert_false(fixture->life.nameplate);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unused_nameplates_go),
        TEST(test_used_nameplates_last),
        cmocka_unit_test(test_activity_prolongs),
        cmocka_unit_test(test_what_does_not_prolong),
        TEST(test_never_too_early),
        TEST(test_visits_cost_no_write),
        TEST(test_claiming_what_was_allocated_costs_no_write),
        TEST(test_clock_goes_back),
        TEST(test_oldest_first_in_steps),
        TEST(test_expiry_takes_all_that_belongs_to_it),
        TEST(test_same_as_in_memory),
        TEST(test_life_of_a_closed_mailbox),
        TEST(test_life_of_a_crowded_mailbox),
    };
    return cmocka_run_group_tests_name("relay-store-time", tests, NULL, NULL);
}
