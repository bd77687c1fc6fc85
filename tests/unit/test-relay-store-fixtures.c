/*
 * Relays' stores of earlier versions open, hold what they held, and go on: tests/fixtures/stores.
 * A relay that forgot at an upgrade would part everybody who is on the way to each other.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "relay-lmdb-fixture.h"
#include "tempdir.h"

/* Those of tests/fixtures/stores/make.py. */
#define APP   "example.org/relay-test"
#define OTHER "example.org/other"

static bool is_of_december(const char *version)
{
    return strcmp(version, "0.1.0-2026-12") > 0;
}

/* When the fixture of that version was made, roughly. */
static int64_t made(const char *version)
{
    return is_of_december(version) ? INT64_C(1796098500000) : INT64_C(1795986500000);
}

/* New, over a copy; lmdb_fixture_remove(). */
static struct lmdb_fixture *open_copy(const char *version)
{
    char *copy = fixture_copy(version, "relay");
    struct lmdb_fixture *fixture = lmdb_fixture_make();
    lmdb_fixture_close(fixture);
    tempdir_remove(fixture->path);
    fixture->path = copy;
    fixture->now = made(version);
    fixture->app = APP;
    lmdb_fixture_open(fixture);
    return fixture;
}

static void assert_holds(const struct lmdb_fixture *fixture, uint64_t nameplates,
                         uint64_t mailboxes, uint64_t messages)
{
    struct relay_counts counts = lmdb_fixture_count(fixture);
    assert_int_equal(counts.nameplates, nameplates);
    assert_int_equal(counts.mailboxes, mailboxes);
    assert_int_equal(counts.messages, messages);
}

/* The mailbox behind it. Good until the next call. */
static const char *claimed(struct lmdb_fixture *fixture, const char *side, const char *nameplate)
{
    static char mailbox[RELAY_MAILBOX_MAX + 1];
    const struct lmdb_fixture_reply *reply = lmdb_fixture_claim(fixture, side, nameplate);
    assert_int_equal(reply->result, RELAY_DONE);
    snprintf(mailbox, sizeof(mailbox), "%s", reply->mailbox);
    return mailbox;
}

static void test_holds_what_it_held(void **state)
{
    (void)state;
    for (const char *const *version = fixture_versions; *version != NULL; version++) {
        struct lmdb_fixture *fixture = open_copy(*version);
        assert_holds(fixture, 3, 4, 4);

        /* What was allocated and never used is given to the same side again. */
        const struct lmdb_fixture_reply *reply = lmdb_fixture_allocate(fixture, "allocator");
        assert_int_equal(reply->result, RELAY_DONE);
        assert_int_equal(strlen(reply->nameplate), 1);
        assert_string_not_equal(reply->nameplate, "7");
        assert_int_equal(lmdb_fixture_list(fixture)->count, 2);

        /* Claims are remembered, and messages replayed in their order. */
        assert_int_equal(lmdb_fixture_claim(fixture, "stranger", "7")->result, RELAY_CROWDED);
        const char *mailbox = claimed(fixture, "right", "7");
        reply = lmdb_fixture_enter(fixture, "left", mailbox);
        assert_int_equal(reply->result, RELAY_DONE);
        assert_string_equal(reply->text,
                            "1/left/pake/aa01/id-1;2/left/version/aa02/-;3/right/pake/bb01/-;");
        assert_string_equal(lmdb_fixture_enter(fixture, "left", "half-closed")->text,
                            "1/left/0/cc/-;");
        assert_string_equal(lmdb_fixture_enter(fixture, "left", "all-closed")->text, "");

        /* Each application has its own. */
        fixture->app = OTHER;
        assert_string_equal(lmdb_fixture_list(fixture)->text, "7 ");
        assert_string_equal(
            lmdb_fixture_enter(fixture, "left", claimed(fixture, "left", "7"))->text, "");
        lmdb_fixture_remove(fixture);
    }
}

static void test_goes_on(void **state)
{
    (void)state;
    for (const char *const *version = fixture_versions; *version != NULL; version++) {
        struct lmdb_fixture *fixture = open_copy(*version);
        const char *mailbox = claimed(fixture, "left", "7");
        assert_int_equal(lmdb_fixture_enter(fixture, "left", mailbox)->result, RELAY_DONE);
        assert_int_equal(lmdb_fixture_add(fixture, "left", mailbox, "ee"), RELAY_DONE);
        assert_int_equal(lmdb_fixture_release(fixture, "left", "7"), RELAY_DONE);
        lmdb_fixture_close(fixture);
        lmdb_fixture_open(fixture);
        assert_string_equal(lmdb_fixture_enter(fixture, "right", mailbox)->text,
                            "1/left/pake/aa01/id-1;2/left/version/aa02/-;3/right/pake/bb01/-;"
                            "4/left/p/ee/-;");
        assert_int_equal(lmdb_fixture_claim(fixture, "left", "7")->result, RELAY_RECLAIMED);

        /* The side that closed before is remembered: the mailbox goes with the other one. */
        assert_int_equal(lmdb_fixture_leave(fixture, "left", "half-closed"), RELAY_DONE);
        assert_int_equal(lmdb_fixture_leave(fixture, "left", mailbox), RELAY_DONE);
        assert_int_equal(lmdb_fixture_leave(fixture, "right", mailbox), RELAY_DONE);
        assert_holds(fixture, 2, 2, 0);
        lmdb_fixture_remove(fixture);
    }
}

/* What nobody ever used is stored as if it were older by most of that relay's retention, which is
 * more than this one's; earlier versions made no difference. */
static unsigned count_unused(const char *version)
{
    return is_of_december(version) ? 2 : 0;
}

static void test_expires(void **state)
{
    (void)state;
    for (const char *const *version = fixture_versions; *version != NULL; version++) {
        struct lmdb_fixture *fixture = open_copy(*version);
        assert_int_equal(lmdb_fixture_expire(fixture, 100), count_unused(*version));
        fixture->now += 2 * fixture->limits.retention;
        assert_int_equal(lmdb_fixture_expire(fixture, 100), 4 - count_unused(*version));
        assert_holds(fixture, 0, 0, 0);
        lmdb_fixture_remove(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_what_it_held),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_expires),
    };
    return cmocka_run_group_tests_name("relay-store-fixtures", tests, NULL, NULL);
}
