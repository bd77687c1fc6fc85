/* What happened to a session, told from how it was before; and which sessions are gone. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cli/seen.h"
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

static void test_seen(void **state)
{
    struct seen seen = {0};
    char id[SEEN_ID_MAX];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct snapshot snapshot = {.change = i};
        snprintf(id, sizeof(id), "%016x", i);
        assert_true(seen_remember(&seen, id, &snapshot));
    }
    assert_int_equal(seen_count(&seen), MANY);
    assert_int_equal(seen_find(&seen, "00000000000000ff")->change, 255);
    assert_null(seen_find(&seen, "ffffffffffffffff"));
    assert_true(seen_remember(&seen, "00000000000000ff", &talking));
    assert_int_equal(seen_find(&seen, "00000000000000ff")->change, talking.change);
    assert_int_equal(seen_count(&seen), MANY);
    seen_forget(&seen, "00000000000000ff");
    seen_forget(&seen, "00000000000000ff");
    assert_null(seen_find(&seen, "00000000000000ff"));
    assert_int_equal(seen_count(&seen), MANY - 1);
    seen_clear(&seen);
    assert_int_equal(seen_count(&seen), 0);
}

static void test_missing(void **state)
{
    static const char *const ids[] = {"a", "b", "c"};
    struct seen seen = {0};
    char id[SEEN_ID_MAX];
    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_true(seen_remember(&seen, ids[i], &talking));
    for (int round = 0; round < 2; round++) {
        seen_begin_round(&seen);
        seen_mark(&seen, "a");
        seen_mark(&seen, "c");
        seen_mark(&seen, "never seen");
        assert_true(seen_missing(&seen, id));
        assert_string_equal(id, "b");
    }
    seen_forget(&seen, "b");
    assert_false(seen_missing(&seen, id));
    /* One that came during the round is not missing. */
    assert_true(seen_remember(&seen, "d", &talking));
    assert_false(seen_missing(&seen, id));
    seen_clear(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing), cmocka_unit_test(test_events),
        cmocka_unit_test(test_first),   cmocka_unit_test(test_forgotten),
        cmocka_unit_test(test_words),   cmocka_unit_test(test_seen),
        cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
