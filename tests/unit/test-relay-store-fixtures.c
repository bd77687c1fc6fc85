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
#include "relay-shelf.h"
#include "tempdir.h"

/* Those of tests/fixtures/stores/make.py. */
#define APP   "example.org/relay-test"
#define OTHER "example.org/other"

/* When the fixture of that version was made, roughly. */
#define MADE INT64_C(1795986500000)

/* New, over a copy; shelf_remove(). */
static struct shelf *open_copy(const char *version)
{
    char *copy = fixture_copy(version, "relay");
    struct shelf *shelf = shelf_make();
    shelf_close(shelf);
    tempdir_remove(shelf->path);
    shelf->path = copy;
    shelf->now = MADE;
    shelf->app = APP;
    shelf_open(shelf);
    return shelf;
}

static void assert_holds(const struct shelf *shelf, uint64_t nameplates, uint64_t mailboxes,
                         uint64_t messages)
{
    struct relay_counts counts = shelf_count(shelf);
    assert_int_equal(counts.nameplates, nameplates);
    assert_int_equal(counts.mailboxes, mailboxes);
    assert_int_equal(counts.messages, messages);
}

/* The mailbox behind it. Good until the next call. */
static const char *claimed(struct shelf *shelf, const char *side, const char *nameplate)
{
    static char mailbox[RELAY_MAILBOX_MAX + 1];
    const struct shelf_reply *reply = shelf_claim(shelf, side, nameplate);
    assert_int_equal(reply->result, RELAY_DONE);
    snprintf(mailbox, sizeof(mailbox), "%s", reply->mailbox);
    return mailbox;
}

static void test_holds_what_it_held(void **state)
{
    (void)state;
    for (const char *const *version = fixture_versions; *version != NULL; version++) {
        struct shelf *shelf = open_copy(*version);
        assert_holds(shelf, 3, 4, 4);

        /* What was allocated and never used is given to the same side again. */
        const struct shelf_reply *reply = shelf_allocate(shelf, "allocator");
        assert_int_equal(reply->result, RELAY_DONE);
        assert_int_equal(strlen(reply->nameplate), 1);
        assert_string_not_equal(reply->nameplate, "7");
        assert_int_equal(shelf_list(shelf)->count, 2);

        /* Claims are remembered, and messages replayed in their order. */
        assert_int_equal(shelf_claim(shelf, "stranger", "7")->result, RELAY_CROWDED);
        const char *mailbox = claimed(shelf, "right", "7");
        reply = shelf_enter(shelf, "left", mailbox);
        assert_int_equal(reply->result, RELAY_DONE);
        assert_string_equal(reply->text,
                            "1/left/pake/aa01/id-1;2/left/version/aa02/-;3/right/pake/bb01/-;");
        assert_string_equal(shelf_enter(shelf, "left", "half-closed")->text, "1/left/0/cc/-;");
        assert_string_equal(shelf_enter(shelf, "left", "all-closed")->text, "");

        /* Each application has its own. */
        shelf->app = OTHER;
        assert_string_equal(shelf_list(shelf)->text, "7 ");
        assert_string_equal(shelf_enter(shelf, "left", claimed(shelf, "left", "7"))->text, "");
        shelf_remove(shelf);
    }
}

static void test_goes_on(void **state)
{
    (void)state;
    for (const char *const *version = fixture_versions; *version != NULL; version++) {
        struct shelf *shelf = open_copy(*version);
        const char *mailbox = claimed(shelf, "left", "7");
        assert_int_equal(shelf_enter(shelf, "left", mailbox)->result, RELAY_DONE);
        assert_int_equal(shelf_add(shelf, "left", mailbox, "ee"), RELAY_DONE);
        assert_int_equal(shelf_release(shelf, "left", "7"), RELAY_DONE);
        shelf_close(shelf);
        shelf_open(shelf);
        assert_string_equal(shelf_enter(shelf, "right", mailbox)->text,
                            "1/left/pake/aa01/id-1;2/left/version/aa02/-;3/right/pake/bb01/-;"
                            "4/left/p/ee/-;");
        assert_int_equal(shelf_claim(shelf, "left", "7")->result, RELAY_RECLAIMED);

        /* The side that closed before is remembered: the mailbox goes with the other one. */
        assert_int_equal(shelf_leave(shelf, "left", "half-closed"), RELAY_DONE);
        assert_int_equal(shelf_leave(shelf, "left", mailbox), RELAY_DONE);
        assert_int_equal(shelf_leave(shelf, "right", mailbox), RELAY_DONE);
        assert_holds(shelf, 2, 2, 0);
        shelf_remove(shelf);
    }
}

static void test_expires(void **state)
{
    (void)state;
    for (const char *const *version = fixture_versions; *version != NULL; version++) {
        struct shelf *shelf = open_copy(*version);
        assert_int_equal(shelf_expire(shelf, 100), 0);
        shelf->now += 2 * shelf->limits.retention;
        assert_int_equal(shelf_expire(shelf, 100), 4);
        assert_holds(shelf, 0, 0, 0);
        shelf_remove(shelf);
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
