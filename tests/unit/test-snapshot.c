/* What happened to a session, told from how it was before; and which sessions are gone. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cli/watch_known.h"
#include "cli/snapshot.h"

#define BIT(event) (UINT32_C(1) << SNAPSHOT_##event)
/* More sessions than a hash table begins with. */
#define MANY 1000

static const struct snapshot talking = {
    .change = 7,
    .name = "laptop",
    .code = true,
    .keyed = true,
    .established = true,
    .received = 5,
    .unread = 2,
    .sent = 3,
    .stored = 3,
    .delivered = 2,
};

static void test_nothing(void **state)
{
    struct snapshot now = talking;
    (void)state;
    assert_int_equal(snapshot_compare(&talking, &now), 0);
    /* What goes away is no event: acknowledged messages, a code that was used up. */
    now.unread = 0;
    now.code = false;
    assert_int_equal(snapshot_compare(&talking, &now), 0);
}

static void test_events(void **state)
{
    struct snapshot now = talking;
    (void)state;
    now.received = 7;
    now.sent = 4;
    assert_int_equal(snapshot_compare(&talking, &now), BIT(MESSAGE) | BIT(SENT));
    assert_int_equal(snapshot_new_messages(&talking, &now), 2);
    now = talking;
    now.delivered = now.read = 3;
    assert_int_equal(snapshot_compare(&talking, &now), BIT(DELIVERED) | BIT(READ));
    now = talking;
    now.verified = now.paused = now.ended = now.exported = true;
    assert_int_equal(snapshot_compare(&talking, &now),
                     BIT(VERIFIED) | BIT(PAUSED) | BIT(ENDED) | BIT(EXPORTED));
    now = talking;
    strcpy(now.name, "desk");
    assert_int_equal(snapshot_compare(&talking, &now), BIT(RENAMED));
    now.name[0] = '\0';
    assert_int_equal(snapshot_compare(&talking, &now), BIT(RENAMED));
}

/* Seen for the first time, all that is so has happened; but its name is no news, nor are messages
 * that were read. */
static void test_first(void **state)
{
    struct snapshot now = talking;
    (void)state;
    assert_int_equal(snapshot_compare(NULL, &now), BIT(CODE) | BIT(KEYED) | BIT(ESTABLISHED) |
                                                       BIT(MESSAGE) | BIT(SENT) | BIT(STORED) |
                                                       BIT(DELIVERED));
    assert_int_equal(snapshot_new_messages(NULL, &now), 2);
    now.unread = 0;
    assert_int_equal(snapshot_compare(NULL, &now) & BIT(MESSAGE), 0);
}

static void test_forgotten(void **state)
{
    const struct snapshot gone = snapshot_take(NULL);
    (void)state;
    assert_int_equal(snapshot_compare(&talking, &gone), BIT(FORGOTTEN));
    assert_int_equal(snapshot_compare(NULL, &gone), BIT(FORGOTTEN));
}

static void test_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SNAPSHOT_EVENTS; i++) {
        assert_non_null(snapshot_word((enum snapshot_event)i));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(snapshot_word((enum snapshot_event)i),
                                    snapshot_word((enum snapshot_event)j));
    }
}

static void test_known(void **state)
{
    struct watch_known known = {0};
    char id[WATCH_ID_SIZE];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct snapshot snapshot = {.change = i};
        snprintf(id, sizeof(id), "%016x", i);
        assert_true(watch_known_remember(&known, id, &snapshot));
    }
    assert_int_equal(watch_known_count(&known), MANY);
    assert_int_equal(watch_known_find(&known, "00000000000000ff")->change, 255);
    assert_null(watch_known_find(&known, "ffffffffffffffff"));
    assert_true(watch_known_remember(&known, "00000000000000ff", &talking));
    assert_int_equal(watch_known_find(&known, "00000000000000ff")->change, talking.change);
    assert_int_equal(watch_known_count(&known), MANY);
    watch_known_forget(&known, "00000000000000ff");
    watch_known_forget(&known, "00000000000000ff");
    assert_null(watch_known_find(&known, "00000000000000ff"));
    assert_int_equal(watch_known_count(&known), MANY - 1);
    watch_known_clear(&known);
    assert_int_equal(watch_known_count(&known), 0);
}

static void test_missing(void **state)
{
    static const char *const ids[] = {"a", "b", "c"};
    struct watch_known known = {0};
    char id[WATCH_ID_SIZE];
    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_true(watch_known_remember(&known, ids[i], &talking));
    for (int round = 0; round < 2; round++) {
        watch_known_begin_round(&known);
        watch_known_mark(&known, "a");
        watch_known_mark(&known, "c");
        watch_known_mark(&known, "never seen");
        assert_true(watch_known_missing(&known, id));
        assert_string_equal(id, "b");
    }
    watch_known_forget(&known, "b");
    assert_false(watch_known_missing(&known, id));
    /* One that came during the round is not missing. */
    assert_true(watch_known_remember(&known, "d", &talking));
    assert_false(watch_known_missing(&known, id));
    watch_known_clear(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing), cmocka_unit_test(test_events),
        cmocka_unit_test(test_first),   cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_words),   cmocka_unit_test(test_known),
        cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
