/* Each operation of the relay's store on disk: what it answers, and what it leaves behind. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-shelf.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

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

/* Rows that there are, and nothing else. */
static void assert_holds(const struct shelf *shelf, uint64_t nameplates, uint64_t mailboxes,
                         uint64_t messages)
{
    struct relay_counts counts = shelf_count(shelf);
    assert_int_equal(counts.nameplates, nameplates);
    assert_int_equal(counts.mailboxes, mailboxes);
    assert_int_equal(counts.messages, messages);
}

static void assert_entered(struct shelf *shelf, const char *side, const char *mailbox,
                           const char *messages)
{
    const struct shelf_reply *reply = shelf_enter(shelf, side, mailbox);
    assert_int_equal(reply->result, RELAY_DONE);
    assert_string_equal(reply->text, messages);
}

/* The mailbox behind a nameplate that this side claims. New. */
static char *claimed(struct shelf *shelf, const char *side, const char *name)
{
    const struct shelf_reply *reply = shelf_claim(shelf, side, name);
    assert_int_equal(reply->result, RELAY_DONE);
    return strdup(reply->mailbox);
}

/* ---- nameplates ---- */

static void test_claim(void **state)
{
    char *first = claimed(*state, "a", "4"), *second = claimed(*state, "b", "4");
    assert_int_equal(strlen(first), 13);
    assert_int_equal(strspn(first, "abcdefghijklmnopqrstuvwxyz234567"), 13);
    assert_string_equal(first, second);
    assert_string_equal(shelf_claim(*state, "a", "4")->mailbox, first);
    assert_string_not_equal(shelf_claim(*state, "a", "5")->mailbox, first);
    assert_holds(*state, 2, 2, 0);
    /* The claim has opened the mailbox. */
    assert_int_equal(shelf_add(*state, "b", first, "00"), RELAY_DONE);
    free(first);
    free(second);
}

static void test_third_side_is_not_written_down(void **state)
{
    struct shelf *shelf = *state;
    char *mailbox = claimed(shelf, "a", "4");
    free(claimed(shelf, "b", "4"));
    uint64_t commits = shelf_count(shelf).commits;
    assert_int_equal(shelf_claim(shelf, "c", "4")->result, RELAY_CROWDED);
    assert_int_equal(shelf_enter(shelf, "c", mailbox)->result, RELAY_CROWDED);
    assert_int_equal(shelf_add(shelf, "c", mailbox, "00"), RELAY_NOT_OPEN);
    assert_int_equal(shelf_count(shelf).commits, commits);
    assert_int_equal(shelf_claim(shelf, "a", "4")->result, RELAY_DONE);
    assert_entered(shelf, "b", mailbox, "");
    assert_int_equal(shelf_leave(shelf, "c", mailbox), RELAY_DONE);
    assert_int_equal(shelf_leave(shelf, "a", mailbox), RELAY_DONE);
    assert_holds(shelf, 1, 1, 0);
    assert_int_equal(shelf_leave(shelf, "b", mailbox), RELAY_DONE);
    assert_holds(shelf, 0, 0, 0);
    free(mailbox);
}

static void test_crowded_mailbox_behind_a_nameplate(void **state)
{
    char *mailbox = claimed(*state, "a", "4");
    assert_entered(*state, "b", mailbox, "");
    assert_int_equal(shelf_claim(*state, "c", "4")->result, RELAY_CROWDED);
    assert_int_equal(shelf_claim(*state, "b", "4")->result, RELAY_DONE);
    free(mailbox);
}

static void test_release(void **state)
{
    char *mailbox = claimed(*state, "a", "4");
    free(claimed(*state, "b", "4"));
    assert_int_equal(shelf_release(*state, "a", "4"), RELAY_DONE);
    assert_int_equal(shelf_claim(*state, "a", "4")->result, RELAY_RECLAIMED);
    assert_int_equal(shelf_claim(*state, "b", "4")->result, RELAY_DONE);
    assert_int_equal(shelf_claim(*state, "c", "4")->result, RELAY_CROWDED);
    assert_int_equal(shelf_release(*state, "c", "4"), RELAY_DONE);
    assert_int_equal(shelf_release(*state, "a", "4"), RELAY_DONE);
    assert_int_equal(shelf_release(*state, "a", "unknown"), RELAY_DONE);
    assert_holds(*state, 1, 1, 0);
    assert_int_equal(shelf_release(*state, "b", "4"), RELAY_DONE);
    assert_holds(*state, 0, 1, 0);
    assert_string_not_equal(shelf_claim(*state, "a", "4")->mailbox, mailbox);
    free(mailbox);
}

static void test_list(void **state)
{
    struct shelf *shelf = *state;
    assert_int_equal(shelf_list(shelf)->count, 0);
    shelf_claim(shelf, "a", "12");
    shelf_claim(shelf, "a", "7");
    shelf->app = "app2";
    shelf_claim(shelf, "a", "9");
    shelf->app = "ap";
    assert_string_equal(shelf_list(shelf)->text, "");
    shelf->app = SHELF_APP;
    assert_string_equal(shelf_list(shelf)->text, "12 7 ");
    assert_int_equal(shelf_list(shelf)->count, 2);
}

/* ---- allocation ---- */

static void claim_numbers(struct shelf *shelf, unsigned first, unsigned last, unsigned but)
{
    char name[RELAY_NAMEPLATE_MAX + 1];
    for (unsigned number = first; number <= last; number++) {
        snprintf(name, sizeof(name), "%u", number);
        if (number != but)
            assert_int_equal(shelf_claim(shelf, "a", name)->result, RELAY_DONE);
    }
}

static void test_allocate_claims(void **state)
{
    const struct shelf_reply *reply = shelf_allocate(*state, "a");
    char name[RELAY_NAMEPLATE_MAX + 1];
    assert_int_equal(reply->result, RELAY_DONE);
    assert_int_equal(strlen(reply->nameplate), 1);
    assert_in_range(reply->nameplate[0], '1', '9');
    strcpy(name, reply->nameplate);
    assert_int_equal(shelf_claim(*state, "b", name)->result, RELAY_DONE);
    assert_int_equal(shelf_claim(*state, "c", name)->result, RELAY_CROWDED);
    assert_holds(*state, 1, 1, 0);
}

static void test_allocate_shortest(void **state)
{
    struct shelf *shelf = *state;
    claim_numbers(shelf, 1, 9, 6);
    /* None of the numbers that are given out. */
    static const char *const others[] = {"0", "06", "x", "", "6 ", "-6", "6666666666"};
    for (size_t i = 0; i < LENGTH(others); i++)
        assert_int_equal(shelf_claim(shelf, "a", others[i])->result, RELAY_DONE);
    assert_string_equal(shelf_allocate(shelf, "b")->nameplate, "6");
    assert_int_equal(strlen(shelf_allocate(shelf, "c")->nameplate), 2);
    assert_int_equal(shelf_release(shelf, "a", "3"), RELAY_DONE);
    assert_string_equal(shelf_allocate(shelf, "d")->nameplate, "3");
    shelf->app = "app2";
    assert_int_equal(strlen(shelf_allocate(shelf, "a")->nameplate), 1);
}

static void test_allocate_last_of_a_length(void **state)
{
    claim_numbers(*state, 1, 99, 70);
    assert_string_equal(shelf_allocate(*state, "a")->nameplate, "70");
    assert_int_equal(strlen(shelf_allocate(*state, "b")->nameplate), 3);
}

/* Each of the free numbers has the same chance: chi squared with 5 degrees of freedom is above 50
 * once in a thousand million runs. */
static void test_allocate_is_fair(void **state)
{
    enum { DRAWS = 300, FREE = 6 };
    unsigned drawn[10] = {0};
    double sum = 0;
    char name[RELAY_NAMEPLATE_MAX + 1];
    claim_numbers(*state, 2, 4, 0);
    for (unsigned i = 0; i < DRAWS; i++) {
        strcpy(name, shelf_allocate(*state, "a")->nameplate);
        assert_int_equal(strlen(name), 1);
        drawn[name[0] - '0']++;
        assert_int_equal(shelf_release(*state, "a", name), RELAY_DONE);
    }
    for (unsigned digit = 1; digit <= 9; digit++) {
        double off = (double)drawn[digit] - (double)DRAWS / FREE;
        if (digit < 2 || digit > 4)
            sum += off * off / ((double)DRAWS / FREE);
    }
    assert_true(sum < 50);
    assert_int_equal(drawn[0] + drawn[2] + drawn[3] + drawn[4], 0);
}

struct tally {
    unsigned told;
    unsigned lengths[RELAY_NAMEPLATE_MAX + 1];
    bool taken[100000];
};

static void on_allocated(void *arg, const struct relay_answer *answer)
{
    struct tally *tally = arg;
    assert_int_equal(answer->result, RELAY_DONE);
    unsigned long number = strtoul(answer->nameplate, NULL, 10);
    assert_true(number < LENGTH(tally->taken));
    assert_false(tally->taken[number]);
    tally->taken[number] = true;
    tally->lengths[strlen(answer->nameplate)]++;
    tally->told++;
}

static void test_allocate_ten_thousand(void **state)
{
    struct shelf *shelf = *state;
    struct tally *tally = calloc(1, sizeof(*tally));
    assert_non_null(tally);
    for (unsigned i = 0; i < 10000; i++) {
        char side[16];
        snprintf(side, sizeof(side), "%u", i);
        struct relay_who who = shelf_who(shelf, side);
        shelf->relay->allocate(shelf->relay->self, &who, on_allocated, tally);
    }
    shelf_run(shelf);
    assert_int_equal(tally->told, 10000);
    assert_int_equal(tally->lengths[1], 9);
    assert_int_equal(tally->lengths[2], 90);
    assert_int_equal(tally->lengths[3], 900);
    assert_int_equal(tally->lengths[4], 9000);
    assert_int_equal(tally->lengths[5], 1);
    assert_holds(shelf, 10000, 10000, 0);
    free(tally);
}

/* ---- mailboxes ---- */

static void test_messages(void **state)
{
    struct shelf *shelf = *state;
    struct relay_who who = shelf_who(shelf, "a");
    struct relay_message message = shelf_message(shelf, "c0ffee");
    struct shelf_reply reply = {.shelf = shelf};
    message.side = "a";
    message.id = "id 1";
    message.phase = "pake";
    assert_entered(shelf, "a", "m", "");
    shelf->relay->add(shelf->relay->self, &who, "m", &message, shelf_done, &reply);
    shelf_run(shelf);
    assert_int_equal(reply.result, RELAY_DONE);
    assert_string_equal(shelf->feed, "app/m:1/a/pake/c0ffee/id 1;");
    assert_entered(shelf, "b", "m", "1/a/pake/c0ffee/id 1;");
    assert_int_equal(shelf_add(shelf, "b", "m", ""), RELAY_DONE);
    assert_int_equal(shelf_add(shelf, "a", "m", "02"), RELAY_DONE);
    assert_entered(shelf, "a", "m", "1/a/pake/c0ffee/id 1;2/b/p//-;3/a/p/02/-;");
    assert_int_equal(shelf->fed, 3);
    assert_holds(shelf, 0, 1, 3);
}

static void on_opened_with_times(void *arg, const struct relay_answer *answer)
{
    int64_t *times = arg;
    assert_int_equal(answer->count, 2);
    for (size_t i = 0; i < answer->count; i++)
        times[i] = answer->messages[i].server_rx;
}

static void test_server_rx(void **state)
{
    struct shelf *shelf = *state;
    int64_t start = shelf->now, times[2] = {0};
    struct relay_who who = shelf_who(shelf, "a");
    shelf_enter(shelf, "a", "m");
    shelf_add(shelf, "a", "m", "01");
    shelf->now += 77;
    shelf_add(shelf, "a", "m", "02");
    shelf->relay->open(shelf->relay->self, &who, "m", on_opened_with_times, times);
    shelf_run(shelf);
    assert_int_equal(times[0], start);
    assert_int_equal(times[1], start + 77);
}

static void read_behind(struct shelf *shelf, const char *side, uint64_t after,
                        struct shelf_reply *ret_reply)
{
    struct relay_who who = shelf_who(shelf, side);

    *ret_reply = (struct shelf_reply){.shelf = shelf};
    shelf->relay->read(shelf->relay->self, &who, "m", after, shelf_done, ret_reply);
    shelf_run(shelf);
    assert_int_equal(ret_reply->told, 1);
    assert_int_equal(ret_reply->result, RELAY_DONE);
}

/* An answer holds as many messages as reach its size, and one at least. */
static void test_pieces(void **state)
{
    struct shelf *shelf = *state;
    struct relay_limits limits = {shelf->limits.retention, 1000, 10, 1};
    struct shelf_reply reply;

    shelf_enter(shelf, "a", "m");
    for (unsigned i = 0; i < 3; i++)
        shelf_add(shelf, "a", "m", "0123");
    lmdb_store_set_limits(shelf->store, &limits);
    assert_string_equal(shelf_enter(shelf, "a", "m")->text, "1/a/p/0123/-;");
    assert_true(shelf_enter(shelf, "a", "m")->more);
    read_behind(shelf, "a", 1, &reply);
    assert_string_equal(reply.text, "2/a/p/0123/-;");
    assert_true(reply.more);
    read_behind(shelf, "a", 2, &reply);
    assert_string_equal(reply.text, "3/a/p/0123/-;");
    assert_false(reply.more);
    read_behind(shelf, "a", 3, &reply);
    assert_string_equal(reply.text, "");
    read_behind(shelf, "b", 0, &reply); /* has not opened it */
    assert_string_equal(reply.text, "");
    limits.piece_bytes = 1000;
    lmdb_store_set_limits(shelf->store, &limits);
    read_behind(shelf, "a", 0, &reply);
    assert_int_equal(reply.count, 3);
    assert_false(reply.more);
}

static void test_add_where_not_open(void **state)
{
    assert_int_equal(shelf_add(*state, "a", "m", "00"), RELAY_NOT_OPEN);
    shelf_enter(*state, "a", "m");
    shelf_enter(*state, "b", "m");
    assert_int_equal(shelf_leave(*state, "a", "m"), RELAY_DONE);
    assert_int_equal(shelf_add(*state, "a", "m", "00"), RELAY_NOT_OPEN);
    assert_int_equal(shelf_add(*state, "b", "m", "00"), RELAY_DONE);
    /* A mailbox may be opened again, unlike a nameplate claimed. */
    assert_entered(*state, "a", "m", "1/b/p/00/-;");
    assert_int_equal(shelf_add(*state, "a", "m", "01"), RELAY_DONE);
    assert_int_equal(((struct shelf *)*state)->fed, 2);
}

static void test_limits(void **state)
{
    struct shelf *shelf = *state;
    struct relay_limits limits = {shelf->limits.retention, 10, 3, 0};
    lmdb_store_set_limits(shelf->store, &limits);
    shelf_enter(shelf, "a", "m");
    assert_int_equal(shelf_add(shelf, "a", "m", "0123456789a"), RELAY_TOO_MUCH);
    assert_int_equal(shelf_add(shelf, "a", "m", "01234567"), RELAY_DONE);
    assert_int_equal(shelf_add(shelf, "a", "m", "012"), RELAY_TOO_MUCH);
    assert_int_equal(shelf_add(shelf, "a", "m", "01"), RELAY_DONE);
    assert_int_equal(shelf_add(shelf, "a", "m", ""), RELAY_DONE);
    assert_int_equal(shelf_add(shelf, "a", "m", ""), RELAY_TOO_MUCH);
    shelf_enter(shelf, "a", "m2");
    assert_int_equal(shelf_add(shelf, "a", "m2", "0123456789"), RELAY_DONE);
    assert_int_equal(shelf_add(shelf, "a", "m2", "0"), RELAY_TOO_MUCH);
    assert_holds(shelf, 0, 2, 4);
    assert_int_equal(shelf->fed, 4);
}

static void test_an_id_counts(void **state)
{
    struct shelf *shelf = *state;
    struct relay_limits limits = {shelf->limits.retention, 10, 3, 0};
    struct relay_who who = shelf_who(shelf, "a");
    struct relay_message message = shelf_message(shelf, "012345");
    struct shelf_reply reply = {.shelf = shelf};
    lmdb_store_set_limits(shelf->store, &limits);
    shelf_enter(shelf, "a", "m");
    message.id = "abcde";
    shelf->relay->add(shelf->relay->self, &who, "m", &message, shelf_done, &reply);
    shelf_run(shelf);
    assert_int_equal(reply.result, RELAY_TOO_MUCH);
    message.id = "abcd";
    shelf->relay->add(shelf->relay->self, &who, "m", &message, shelf_done, &reply);
    shelf_run(shelf);
    assert_int_equal(reply.result, RELAY_DONE);
}

static void test_close_before_release(void **state)
{
    char *mailbox = claimed(*state, "a", "4");
    free(claimed(*state, "b", "4"));
    shelf_add(*state, "a", mailbox, "00");
    assert_int_equal(shelf_leave(*state, "a", mailbox), RELAY_DONE);
    assert_int_equal(shelf_claim(*state, "a", "4")->result, RELAY_RECLAIMED);
    assert_int_equal(shelf_release(*state, "a", "4"), RELAY_DONE);
    assert_entered(*state, "b", mailbox, "1/a/p/00/-;");
    assert_int_equal(shelf_leave(*state, "b", mailbox), RELAY_DONE);
    assert_holds(*state, 0, 0, 0);
    assert_int_equal(shelf_release(*state, "b", "4"), RELAY_DONE);
    assert_int_equal(shelf_leave(*state, "b", mailbox), RELAY_DONE);
    free(mailbox);
}

static void test_close_by_who_never_opened(void **state)
{
    assert_int_equal(shelf_leave(*state, "a", "m"), RELAY_DONE);
    assert_holds(*state, 0, 0, 0);
    shelf_enter(*state, "a", "m");
    assert_int_equal(shelf_leave(*state, "b", "m"), RELAY_DONE);
    assert_int_equal(shelf_add(*state, "a", "m", "00"), RELAY_DONE);
    assert_entered(*state, "c", "m", "1/a/p/00/-;");
}

/* Whoever has the same side or mailbox elsewhere does not notice. */
static void test_close_takes_this_mailbox_only(void **state)
{
    struct shelf *shelf = *state;
    shelf_enter(shelf, "a", "m");
    shelf_add(shelf, "a", "m", "01");
    shelf_enter(shelf, "a", "m2");
    shelf_add(shelf, "a", "m2", "02");
    shelf->app = "app2";
    shelf_enter(shelf, "a", "m");
    shelf_add(shelf, "a", "m", "03");
    shelf->app = SHELF_APP;
    shelf_leave(shelf, "a", "m");
    assert_holds(shelf, 0, 2, 2);
    assert_entered(shelf, "a", "m", "");
    assert_entered(shelf, "a", "m2", "1/a/p/02/-;");
    shelf->app = "app2";
    assert_entered(shelf, "a", "m", "1/a/p/03/-;");
}

/* The old mailbox goes; the nameplate leads to another one by then. */
static void test_close_leaves_a_nameplate_of_others(void **state)
{
    char *mailbox = claimed(*state, "a", "4");
    shelf_release(*state, "a", "4");
    char *other = claimed(*state, "b", "4");
    assert_int_equal(shelf_leave(*state, "a", mailbox), RELAY_DONE);
    assert_holds(*state, 1, 1, 0);
    assert_string_equal(shelf_claim(*state, "b", "4")->mailbox, other);
    free(mailbox);
    free(other);
}

static void test_large_mailbox_goes_in_steps(void **state)
{
    struct shelf *shelf = *state;
    struct relay_who who = shelf_who(shelf, "a");
    struct relay_message message = shelf_message(shelf, "00");
    struct shelf_reply reply = {.shelf = shelf};
    shelf_enter(shelf, "a", "m");
    for (unsigned i = 0; i < 900; i++)
        shelf->relay->add(shelf->relay->self, &who, "m", &message, NULL, NULL);
    shelf_run(shelf);
    assert_holds(shelf, 0, 1, 900);
    uint64_t commits = shelf_count(shelf).commits;
    shelf->relay->close(shelf->relay->self, &who, "m", "", shelf_done, &reply);
    shelf->relay->open(shelf->relay->self, &who, "m", shelf_done, &reply);
    shelf_run(shelf);
    assert_int_equal(reply.count, 0);
    assert_holds(shelf, 0, 1, 0);
    /* One that closes, and four that sweep. */
    assert_int_equal(shelf_count(shelf).commits, commits + 5);
}

/* ---- what is too long ---- */

static void test_names_at_their_limits(void **state)
{
    struct shelf *shelf = *state;
    char app[RELAY_APPID_MAX + 2], side[RELAY_SIDE_MAX + 2], name[RELAY_NAMEPLATE_MAX + 2];
    memset(app, 'x', sizeof(app));
    memset(side, 'y', sizeof(side));
    memset(name, '1', sizeof(name));
    app[RELAY_APPID_MAX] = side[RELAY_SIDE_MAX] = name[RELAY_NAMEPLATE_MAX] = 0;
    shelf->app = app;
    char *mailbox = claimed(shelf, side, name);
    assert_string_equal(shelf_list(shelf)->text, strcat(name, " "));
    name[RELAY_NAMEPLATE_MAX] = 0;
    assert_int_equal(shelf_leave(shelf, side, mailbox), RELAY_DONE);
    assert_holds(shelf, 0, 0, 0);
    app[RELAY_APPID_MAX] = 'x';
    app[RELAY_APPID_MAX + 1] = 0;
    assert_int_equal(shelf_claim(shelf, side, name)->result, RELAY_BROKEN);
    shelf->app = SHELF_APP;
    name[RELAY_NAMEPLATE_MAX] = '1';
    name[RELAY_NAMEPLATE_MAX + 1] = 0;
    assert_int_equal(shelf_claim(shelf, side, name)->result, RELAY_BROKEN);
    side[RELAY_SIDE_MAX] = 'y';
    side[RELAY_SIDE_MAX + 1] = 0;
    assert_int_equal(shelf_enter(shelf, side, "m")->result, RELAY_BROKEN);
    assert_holds(shelf, 0, 0, 0);
    free(mailbox);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_claim),
        TEST(test_third_side_is_not_written_down),
        TEST(test_crowded_mailbox_behind_a_nameplate),
        TEST(test_release),
        TEST(test_list),
        TEST(test_allocate_claims),
        TEST(test_allocate_shortest),
        TEST(test_allocate_last_of_a_length),
        TEST(test_allocate_is_fair),
        TEST(test_allocate_ten_thousand),
        TEST(test_messages),
        TEST(test_server_rx),
        TEST(test_pieces),
        TEST(test_add_where_not_open),
        TEST(test_limits),
        TEST(test_an_id_counts),
        TEST(test_close_before_release),
        TEST(test_close_by_who_never_opened),
        TEST(test_close_takes_this_mailbox_only),
        TEST(test_close_leaves_a_nameplate_of_others),
        TEST(test_large_mailbox_goes_in_steps),
        TEST(test_names_at_their_limits),
    };
    return cmocka_run_group_tests_name("relay-store", tests, NULL, NULL);
}
