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

#include "relay/lmdb_work.h"
#include "relay-lmdb-fixture.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

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

/* Rows that there are, and nothing else. */
static void assert_holds(const struct lmdb_fixture *fixture, uint64_t nameplates,
                         uint64_t mailboxes, uint64_t messages)
{
    struct relay_counts counts = lmdb_fixture_count(fixture);
    assert_int_equal(counts.nameplates, nameplates);
    assert_int_equal(counts.mailboxes, mailboxes);
    assert_int_equal(counts.messages, messages);
}

static void assert_entered(struct lmdb_fixture *fixture, const char *side, const char *mailbox,
                           const char *messages)
{
    const struct lmdb_fixture_reply *reply = lmdb_fixture_enter(fixture, side, mailbox);
    assert_int_equal(reply->result, RELAY_DONE);
    assert_string_equal(reply->text, messages);
}

/* The mailbox behind a nameplate that this side claims. New. */
static char *claimed(struct lmdb_fixture *fixture, const char *side, const char *name)
{
    const struct lmdb_fixture_reply *reply = lmdb_fixture_claim(fixture, side, name);
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
    assert_string_equal(lmdb_fixture_claim(*state, "a", "4")->mailbox, first);
    assert_string_not_equal(lmdb_fixture_claim(*state, "a", "5")->mailbox, first);
    assert_holds(*state, 2, 2, 0);
    /* The claim has opened the mailbox. */
    assert_int_equal(lmdb_fixture_add(*state, "b", first, "00"), RELAY_DONE);
    free(first);
    free(second);
}

/* Only that there was one. */
static void test_third_side_is_not_written_down(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char *mailbox = claimed(fixture, "a", "4");
    free(claimed(fixture, "b", "4"));
    uint64_t commits = lmdb_fixture_count(fixture).commits;
    assert_int_equal(lmdb_fixture_claim(fixture, "c", "4")->result, RELAY_CROWDED);
    assert_int_equal(lmdb_fixture_enter(fixture, "c", mailbox)->result, RELAY_CROWDED);
    assert_int_equal(lmdb_fixture_add(fixture, "c", mailbox, "00"), RELAY_NOT_OPEN);
    assert_int_equal(lmdb_fixture_count(fixture).commits, commits + 1);
    assert_int_equal(lmdb_fixture_claim(fixture, "a", "4")->result, RELAY_DONE);
    assert_entered(fixture, "b", mailbox, "");
    assert_int_equal(lmdb_fixture_leave(fixture, "c", mailbox), RELAY_DONE);
    assert_int_equal(lmdb_fixture_leave(fixture, "a", mailbox), RELAY_DONE);
    assert_holds(fixture, 1, 1, 0);
    assert_int_equal(lmdb_fixture_leave(fixture, "b", mailbox), RELAY_DONE);
    assert_holds(fixture, 0, 0, 0);
    free(mailbox);
}

static void test_crowded_mailbox_behind_a_nameplate(void **state)
{
    char *mailbox = claimed(*state, "a", "4");
    assert_entered(*state, "b", mailbox, "");
    assert_int_equal(lmdb_fixture_claim(*state, "c", "4")->result, RELAY_CROWDED);
    assert_int_equal(lmdb_fixture_claim(*state, "b", "4")->result, RELAY_DONE);
    free(mailbox);
}

static void test_release(void **state)
{
    char *mailbox = claimed(*state, "a", "4");
    free(claimed(*state, "b", "4"));
    assert_int_equal(lmdb_fixture_release(*state, "a", "4"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_claim(*state, "a", "4")->result, RELAY_RECLAIMED);
    assert_int_equal(lmdb_fixture_claim(*state, "b", "4")->result, RELAY_DONE);
    assert_int_equal(lmdb_fixture_claim(*state, "c", "4")->result, RELAY_CROWDED);
    assert_int_equal(lmdb_fixture_release(*state, "c", "4"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_release(*state, "a", "4"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_release(*state, "a", "unknown"), RELAY_DONE);
    assert_holds(*state, 1, 1, 0);
    assert_int_equal(lmdb_fixture_release(*state, "b", "4"), RELAY_DONE);
    assert_holds(*state, 0, 1, 0);
    assert_string_not_equal(lmdb_fixture_claim(*state, "a", "4")->mailbox, mailbox);
    free(mailbox);
}

static void test_list(void **state)
{
    struct lmdb_fixture *fixture = *state;
    assert_int_equal(lmdb_fixture_list(fixture)->count, 0);
    lmdb_fixture_claim(fixture, "a", "12");
    lmdb_fixture_claim(fixture, "a", "7");
    fixture->app = "app2";
    lmdb_fixture_claim(fixture, "a", "9");
    fixture->app = "ap";
    assert_string_equal(lmdb_fixture_list(fixture)->text, "");
    fixture->app = LMDB_FIXTURE_APP;
    assert_string_equal(lmdb_fixture_list(fixture)->text, "12 7 ");
    assert_int_equal(lmdb_fixture_list(fixture)->count, 2);
}

/* ---- allocation ---- */

static void claim_numbers(struct lmdb_fixture *fixture, unsigned first, unsigned last, unsigned but)
{
    char name[RELAY_NAMEPLATE_MAX + 1];
    for (unsigned number = first; number <= last; number++) {
        snprintf(name, sizeof(name), "%u", number);
        if (number != but)
            assert_int_equal(lmdb_fixture_claim(fixture, "a", name)->result, RELAY_DONE);
    }
}

static void test_allocate_claims(void **state)
{
    const struct lmdb_fixture_reply *reply = lmdb_fixture_allocate(*state, "a");
    char name[RELAY_NAMEPLATE_MAX + 1];
    assert_int_equal(reply->result, RELAY_DONE);
    assert_int_equal(strlen(reply->nameplate), 1);
    assert_in_range(reply->nameplate[0], '1', '9');
    strcpy(name, reply->nameplate);
    assert_int_equal(lmdb_fixture_claim(*state, "b", name)->result, RELAY_DONE);
    assert_int_equal(lmdb_fixture_claim(*state, "c", name)->result, RELAY_CROWDED);
    assert_holds(*state, 1, 1, 0);
}

static void test_allocate_shortest(void **state)
{
    struct lmdb_fixture *fixture = *state;
    claim_numbers(fixture, 1, 9, 6);
    /* None of the numbers that are given out. */
    static const char *const others[] = {"0", "06", "x", "", "6 ", "-6", "6666666666"};
    for (size_t i = 0; i < LENGTH(others); i++)
        assert_int_equal(lmdb_fixture_claim(fixture, "a", others[i])->result, RELAY_DONE);
    assert_string_equal(lmdb_fixture_allocate(fixture, "b")->nameplate, "6");
    assert_int_equal(strlen(lmdb_fixture_allocate(fixture, "c")->nameplate), 2);
    assert_int_equal(lmdb_fixture_release(fixture, "a", "3"), RELAY_DONE);
    assert_string_equal(lmdb_fixture_allocate(fixture, "d")->nameplate, "3");
    fixture->app = "app2";
    assert_int_equal(strlen(lmdb_fixture_allocate(fixture, "a")->nameplate), 1);
}

static void test_allocate_last_of_a_length(void **state)
{
    claim_numbers(*state, 1, 99, 70);
    assert_string_equal(lmdb_fixture_allocate(*state, "a")->nameplate, "70");
    assert_int_equal(strlen(lmdb_fixture_allocate(*state, "b")->nameplate), 3);
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
        strcpy(name, lmdb_fixture_allocate(*state, "a")->nameplate);
        assert_int_equal(strlen(name), 1);
        drawn[name[0] - '0']++;
        assert_int_equal(lmdb_fixture_release(*state, "a", name), RELAY_DONE);
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
    struct lmdb_fixture *fixture = *state;
    struct tally *tally = calloc(1, sizeof(*tally));
    assert_non_null(tally);
    for (unsigned i = 0; i < 10000; i++) {
        char side[16];
        snprintf(side, sizeof(side), "%u", i);
        struct relay_who who = lmdb_fixture_who(fixture, side);
        fixture->relay->allocate(fixture->relay->self, &who, on_allocated, tally);
    }
    lmdb_fixture_run(fixture);
    assert_int_equal(tally->told, 10000);
    assert_int_equal(tally->lengths[1], 9);
    assert_int_equal(tally->lengths[2], 90);
    assert_int_equal(tally->lengths[3], 900);
    assert_int_equal(tally->lengths[4], 9000);
    assert_int_equal(tally->lengths[5], 1);
    assert_holds(fixture, 10000, 10000, 0);
    free(tally);
}

/* ---- mailboxes ---- */

static void test_messages(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct relay_who who = lmdb_fixture_who(fixture, "a");
    struct relay_message message = lmdb_fixture_message(fixture, "c0ffee");
    struct lmdb_fixture_reply reply = {.fixture = fixture};
    message.side = "a";
    message.id = "id 1";
    message.phase = "pake";
    assert_entered(fixture, "a", "m", "");
    fixture->relay->add(fixture->relay->self, &who, "m", &message, lmdb_fixture_done, &reply);
    lmdb_fixture_run(fixture);
    assert_int_equal(reply.result, RELAY_DONE);
    assert_string_equal(fixture->feed, "app/m:1/a/pake/c0ffee/id 1;");
    assert_entered(fixture, "b", "m", "1/a/pake/c0ffee/id 1;");
    assert_int_equal(lmdb_fixture_add(fixture, "b", "m", ""), RELAY_DONE);
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m", "02"), RELAY_DONE);
    assert_entered(fixture, "a", "m", "1/a/pake/c0ffee/id 1;2/b/p//-;3/a/p/02/-;");
    assert_int_equal(fixture->fed, 3);
    assert_holds(fixture, 0, 1, 3);
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
    struct lmdb_fixture *fixture = *state;
    int64_t start = fixture->now, times[2] = {0};
    struct relay_who who = lmdb_fixture_who(fixture, "a");
    lmdb_fixture_enter(fixture, "a", "m");
    lmdb_fixture_add(fixture, "a", "m", "01");
    fixture->now += 77;
    lmdb_fixture_add(fixture, "a", "m", "02");
    fixture->relay->open(fixture->relay->self, &who, "m", NULL, on_opened_with_times, times);
    lmdb_fixture_run(fixture);
    assert_int_equal(times[0], start);
    assert_int_equal(times[1], start + 77);
}

static void read_behind(struct lmdb_fixture *fixture, const char *side, uint64_t after,
                        struct lmdb_fixture_reply *ret_reply)
{
    struct relay_who who = lmdb_fixture_who(fixture, side);

    *ret_reply = (struct lmdb_fixture_reply){.fixture = fixture};
    fixture->relay->read(fixture->relay->self, &who, "m", after, lmdb_fixture_done, ret_reply);
    lmdb_fixture_run(fixture);
    assert_int_equal(ret_reply->told, 1);
    assert_int_equal(ret_reply->result, RELAY_DONE);
}

/* An answer holds as many messages as reach its size, and one at least. */
static void test_pieces(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct relay_limits limits = {fixture->limits.retention, 1000, 10, 1};
    struct lmdb_fixture_reply reply;

    lmdb_fixture_enter(fixture, "a", "m");
    for (unsigned i = 0; i < 3; i++)
        lmdb_fixture_add(fixture, "a", "m", "0123");
    lmdb_fixture_limit(fixture, &limits);
    assert_string_equal(lmdb_fixture_enter(fixture, "a", "m")->text, "1/a/p/0123/-;");
    assert_true(lmdb_fixture_enter(fixture, "a", "m")->more);
    read_behind(fixture, "a", 1, &reply);
    assert_string_equal(reply.text, "2/a/p/0123/-;");
    assert_true(reply.more);
    read_behind(fixture, "a", 2, &reply);
    assert_string_equal(reply.text, "3/a/p/0123/-;");
    assert_false(reply.more);
    read_behind(fixture, "a", 3, &reply);
    assert_string_equal(reply.text, "");
    read_behind(fixture, "b", 0, &reply); /* has not opened it */
    assert_string_equal(reply.text, "");
    limits.piece_bytes = 1000;
    lmdb_fixture_limit(fixture, &limits);
    read_behind(fixture, "a", 0, &reply);
    assert_int_equal(reply.count, 3);
    assert_false(reply.more);
}

static void assert_resumes(struct lmdb_fixture *fixture, uint64_t number, uint64_t mark,
                           const char *told)
{
    const struct relay_position after = {number, mark};
    const struct lmdb_fixture_reply *reply = lmdb_fixture_resume(fixture, "a", "m", &after);
    assert_int_equal(reply->result, RELAY_DONE);
    assert_int_equal(reply->resumed, told != NULL);
    if (told != NULL)
        assert_string_equal(reply->text, told);
    else
        assert_int_equal(reply->count, 3);
}

/* Behind a place that is known, also after a restart; else everything. */
static void test_resume(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char rest[8192];
    lmdb_fixture_enter(fixture, "a", "m");
    lmdb_fixture_enter(fixture, "a", "other");
    lmdb_fixture_add_marked(fixture, "a", "m", "00", 0); /* by an earlier version */
    lmdb_fixture_add_marked(fixture, "a", "m", "11", 70);
    lmdb_fixture_add_marked(fixture, "a", "m", "22", 71);
    lmdb_fixture_add_marked(fixture, "a", "other", "33", 80);
    snprintf(rest, sizeof(rest), "%s", lmdb_fixture_enter(fixture, "a", "m")->text);
    assert_resumes(fixture, 2, 70, strstr(rest, "3/"));
    assert_resumes(fixture, 3, 71, "");
    lmdb_fixture_close(fixture);
    lmdb_fixture_open(fixture);
    assert_resumes(fixture, 2, 70, strstr(rest, "3/"));
    assert_resumes(fixture, 3, 71, "");
    assert_resumes(fixture, 0, 0, NULL);
    assert_resumes(fixture, 0, 70, NULL);
    assert_resumes(fixture, 1, 0, NULL);
    assert_resumes(fixture, 1, 70, NULL);
    assert_resumes(fixture, 3, 70, NULL); /* the number is used, for another message */
    assert_resumes(fixture, 4, 71, NULL);
    assert_resumes(fixture, 1, 80, NULL); /* of another mailbox */
    assert_resumes(fixture, UINT64_MAX, UINT64_MAX, NULL);
}

/* A mailbox that is made anew has a greater serial; answers and the feed agree on it. */
static void test_serial(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct lmdb_fixture_reply reply;
    uint64_t first = lmdb_fixture_enter(fixture, "a", "m")->serial;
    assert_true(first > 0);
    lmdb_fixture_add(fixture, "a", "m", "00");
    assert_int_equal(fixture->serial, first);
    read_behind(fixture, "a", 0, &reply);
    assert_int_equal(reply.serial, first);
    read_behind(fixture, "b", 0, &reply); /* has not opened it */
    assert_int_equal(reply.serial, 0);
    lmdb_fixture_leave(fixture, "a", "m");
    uint64_t second = lmdb_fixture_enter(fixture, "a", "m")->serial;
    assert_true(second > first);
    lmdb_fixture_add(fixture, "a", "m", "00");
    assert_int_equal(fixture->serial, second);
    assert_string_equal(fixture->feed, "app/m:1/a/p/00/-;app/m-a;app/m:1/a/p/00/-;");
}

static void test_add_where_not_open(void **state)
{
    assert_int_equal(lmdb_fixture_add(*state, "a", "m", "00"), RELAY_NOT_OPEN);
    lmdb_fixture_enter(*state, "a", "m");
    lmdb_fixture_enter(*state, "b", "m");
    assert_int_equal(lmdb_fixture_leave(*state, "a", "m"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_add(*state, "a", "m", "00"), RELAY_NOT_OPEN);
    assert_int_equal(lmdb_fixture_add(*state, "b", "m", "00"), RELAY_DONE);
    /* A mailbox may be opened again, unlike a nameplate claimed. */
    assert_entered(*state, "a", "m", "1/b/p/00/-;");
    assert_int_equal(lmdb_fixture_add(*state, "a", "m", "01"), RELAY_DONE);
    assert_int_equal(((struct lmdb_fixture *)*state)->fed, 2);
}

static void test_limits(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct relay_limits limits = {fixture->limits.retention, 10, 3, 0};
    lmdb_fixture_limit(fixture, &limits);
    lmdb_fixture_enter(fixture, "a", "m");
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m", "0123456789a"), RELAY_TOO_MUCH);
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m", "01234567"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m", "012"), RELAY_TOO_MUCH);
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m", "01"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m", ""), RELAY_DONE);
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m", ""), RELAY_TOO_MUCH);
    lmdb_fixture_enter(fixture, "a", "m2");
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m2", "0123456789"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_add(fixture, "a", "m2", "0"), RELAY_TOO_MUCH);
    assert_holds(fixture, 0, 2, 4);
    assert_int_equal(fixture->fed, 4);
}

static void test_an_id_counts(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct relay_limits limits = {fixture->limits.retention, 10, 3, 0};
    struct relay_who who = lmdb_fixture_who(fixture, "a");
    struct relay_message message = lmdb_fixture_message(fixture, "012345");
    struct lmdb_fixture_reply reply = {.fixture = fixture};
    lmdb_fixture_limit(fixture, &limits);
    lmdb_fixture_enter(fixture, "a", "m");
    message.id = "abcde";
    fixture->relay->add(fixture->relay->self, &who, "m", &message, lmdb_fixture_done, &reply);
    lmdb_fixture_run(fixture);
    assert_int_equal(reply.result, RELAY_TOO_MUCH);
    message.id = "abcd";
    fixture->relay->add(fixture->relay->self, &who, "m", &message, lmdb_fixture_done, &reply);
    lmdb_fixture_run(fixture);
    assert_int_equal(reply.result, RELAY_DONE);
}

static void test_close_before_release(void **state)
{
    char *mailbox = claimed(*state, "a", "4");
    free(claimed(*state, "b", "4"));
    lmdb_fixture_add(*state, "a", mailbox, "00");
    assert_int_equal(lmdb_fixture_leave(*state, "a", mailbox), RELAY_DONE);
    assert_int_equal(lmdb_fixture_claim(*state, "a", "4")->result, RELAY_RECLAIMED);
    assert_int_equal(lmdb_fixture_release(*state, "a", "4"), RELAY_DONE);
    assert_entered(*state, "b", mailbox, "1/a/p/00/-;");
    assert_int_equal(lmdb_fixture_leave(*state, "b", mailbox), RELAY_DONE);
    assert_holds(*state, 0, 0, 0);
    assert_int_equal(lmdb_fixture_release(*state, "b", "4"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_leave(*state, "b", mailbox), RELAY_DONE);
    free(mailbox);
}

static void test_close_by_who_never_opened(void **state)
{
    assert_int_equal(lmdb_fixture_leave(*state, "a", "m"), RELAY_DONE);
    assert_holds(*state, 0, 0, 0);
    lmdb_fixture_enter(*state, "a", "m");
    assert_int_equal(lmdb_fixture_leave(*state, "b", "m"), RELAY_DONE);
    assert_int_equal(lmdb_fixture_add(*state, "a", "m", "00"), RELAY_DONE);
    assert_entered(*state, "c", "m", "1/a/p/00/-;");
}

/* Whoever has the same side or mailbox elsewhere does not notice. */
static void test_close_takes_this_mailbox_only(void **state)
{
    struct lmdb_fixture *fixture = *state;
    lmdb_fixture_enter(fixture, "a", "m");
    lmdb_fixture_add(fixture, "a", "m", "01");
    lmdb_fixture_enter(fixture, "a", "m2");
    lmdb_fixture_add(fixture, "a", "m2", "02");
    fixture->app = "app2";
    lmdb_fixture_enter(fixture, "a", "m");
    lmdb_fixture_add(fixture, "a", "m", "03");
    fixture->app = LMDB_FIXTURE_APP;
    lmdb_fixture_leave(fixture, "a", "m");
    assert_holds(fixture, 0, 2, 2);
    assert_entered(fixture, "a", "m", "");
    assert_entered(fixture, "a", "m2", "1/a/p/02/-;");
    fixture->app = "app2";
    assert_entered(fixture, "a", "m", "1/a/p/03/-;");
}

/* The old mailbox goes; the nameplate leads to another one by then. */
static void test_close_leaves_a_nameplate_of_others(void **state)
{
    char *mailbox = claimed(*state, "a", "4");
    lmdb_fixture_release(*state, "a", "4");
    char *other = claimed(*state, "b", "4");
    assert_int_equal(lmdb_fixture_leave(*state, "a", mailbox), RELAY_DONE);
    assert_holds(*state, 1, 1, 0);
    assert_string_equal(lmdb_fixture_claim(*state, "b", "4")->mailbox, other);
    free(mailbox);
    free(other);
}

static void test_large_mailbox_goes_in_steps(void **state)
{
    struct lmdb_fixture *fixture = *state;
    struct relay_who who = lmdb_fixture_who(fixture, "a");
    struct relay_message message = lmdb_fixture_message(fixture, "00");
    struct lmdb_fixture_reply reply = {.fixture = fixture};
    lmdb_fixture_enter(fixture, "a", "m");
    for (unsigned i = 0; i < 900; i++)
        fixture->relay->add(fixture->relay->self, &who, "m", &message, NULL, NULL);
    lmdb_fixture_run(fixture);
    assert_holds(fixture, 0, 1, 900);
    uint64_t commits = lmdb_fixture_count(fixture).commits;
    fixture->relay->close(fixture->relay->self, &who, "m", "", lmdb_fixture_done, &reply);
    fixture->relay->open(fixture->relay->self, &who, "m", NULL, lmdb_fixture_done, &reply);
    lmdb_fixture_run(fixture);
    assert_int_equal(reply.count, 0);
    assert_holds(fixture, 0, 1, 0);
    /* One that closes, and eight that sweep. */
    assert_int_equal(lmdb_fixture_count(fixture).commits, commits + 9);
}

/* ---- commits ---- */

/* What one side of an introduction asks for at once. */
struct wish {
    const char *side, *add[3];
    bool opens, releases, closes;
};

static void grant(struct lmdb_fixture *fixture, const struct wish *wish, const char *nameplate,
                  const char *mailbox)
{
    const struct relay_store *relay = fixture->relay;
    struct relay_who who = lmdb_fixture_who(fixture, wish->side);
    struct relay_message message = lmdb_fixture_message(fixture, "00");
    if (wish->opens)
        relay->open(relay->self, &who, mailbox, NULL, NULL, NULL);
    for (size_t i = 0; i < LENGTH(wish->add) && wish->add[i] != NULL; i++) {
        message.phase = wish->add[i];
        relay->add(relay->self, &who, mailbox, &message, NULL, NULL);
    }
    if (wish->releases)
        relay->release(relay->self, &who, nameplate, NULL, NULL);
    if (wish->closes)
        relay->close(relay->self, &who, mailbox, "happy", NULL, NULL);
}

/* An introduction of two of our daemons, with a message each way and a receipt for it: two are
 * given a nameplate, five times something is added, and both leave at once. What only reads, or
 * asks for what is so already, needs none. */
static void test_an_introduction_makes_eight_commits(void **state)
{
    static const struct wish wishes[] = {
        {.side = "a", .add = {"pake"}, .opens = true},
        {.side = "b", .opens = true},
        {.side = "b", .add = {"pake", "version"}, .releases = true},
        {.side = "a", .add = {"version", "0"}, .releases = true},
        {.side = "b", .add = {"0", "receipt-0"}},
        {.side = "a", .add = {"receipt-0"}},
    };
    static const struct wish leaving[] = {{.side = "a", .closes = true},
                                          {.side = "b", .closes = true}};
    struct lmdb_fixture *fixture = *state;
    uint64_t commits = lmdb_fixture_count(fixture).commits;
    char *nameplate = strdup(lmdb_fixture_allocate(fixture, "a")->nameplate);
    free(claimed(fixture, "a", nameplate));
    char *mailbox = claimed(fixture, "b", nameplate);
    for (size_t i = 0; i < LENGTH(wishes); i++) {
        grant(fixture, &wishes[i], nameplate, mailbox);
        lmdb_fixture_run(fixture);
    }
    assert_holds(fixture, 0, 1, 8);
    for (size_t i = 0; i < LENGTH(leaving); i++)
        grant(fixture, &leaving[i], nameplate, mailbox);
    lmdb_fixture_run(fixture);
    assert_holds(fixture, 0, 0, 0);
    assert_int_equal(lmdb_fixture_count(fixture).commits, commits + 8);
    free(nameplate);
    free(mailbox);
}

/* Both sides of a mailbox leave when their users have what they wanted. */
static void test_who_leaves_waits_for_the_other_side(void **state)
{
    const struct lmdb_ask nothing = {0};
    (void)state;
    struct lmdb_op *close = lmdb_op_new(&lmdb_work_close, &nothing, NULL, NULL);
    struct lmdb_op *add = lmdb_op_new(&lmdb_work_add, &nothing, NULL, NULL);
    assert_in_range(close->op.patience, 20, 50);
    assert_int_equal(add->op.patience, 0);
    lmdb_op_free(close);
    lmdb_op_free(add);
}

/* ---- what is too long ---- */

static void test_names_at_their_limits(void **state)
{
    struct lmdb_fixture *fixture = *state;
    char app[RELAY_APPID_MAX + 2], side[RELAY_SIDE_MAX + 2], name[RELAY_NAMEPLATE_MAX + 2];
    memset(app, 'x', sizeof(app));
    memset(side, 'y', sizeof(side));
    memset(name, '1', sizeof(name));
    app[RELAY_APPID_MAX] = side[RELAY_SIDE_MAX] = name[RELAY_NAMEPLATE_MAX] = 0;
    fixture->app = app;
    char *mailbox = claimed(fixture, side, name);
    assert_string_equal(lmdb_fixture_list(fixture)->text, strcat(name, " "));
    name[RELAY_NAMEPLATE_MAX] = 0;
    assert_int_equal(lmdb_fixture_leave(fixture, side, mailbox), RELAY_DONE);
    assert_holds(fixture, 0, 0, 0);
    app[RELAY_APPID_MAX] = 'x';
    app[RELAY_APPID_MAX + 1] = 0;
    assert_int_equal(lmdb_fixture_claim(fixture, side, name)->result, RELAY_BROKEN);
    fixture->app = LMDB_FIXTURE_APP;
    name[RELAY_NAMEPLATE_MAX] = '1';
    name[RELAY_NAMEPLATE_MAX + 1] = 0;
    assert_int_equal(lmdb_fixture_claim(fixture, side, name)->result, RELAY_BROKEN);
    side[RELAY_SIDE_MAX] = 'y';
    side[RELAY_SIDE_MAX + 1] = 0;
    assert_int_equal(lmdb_fixture_enter(fixture, side, "m")->result, RELAY_BROKEN);
    assert_holds(fixture, 0, 0, 0);
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
        TEST(test_resume),
        TEST(test_serial),
        TEST(test_add_where_not_open),
        TEST(test_limits),
        TEST(test_an_id_counts),
        TEST(test_close_before_release),
        TEST(test_close_by_who_never_opened),
        TEST(test_close_takes_this_mailbox_only),
        TEST(test_close_leaves_a_nameplate_of_others),
        TEST(test_large_mailbox_goes_in_steps),
        TEST(test_an_introduction_makes_eight_commits),
        TEST(test_who_leaves_waits_for_the_other_side),
        TEST(test_names_at_their_limits),
    };
    return cmocka_run_group_tests_name("relay-store", tests, NULL, NULL);
}
