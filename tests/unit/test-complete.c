/* Completing a code: the nameplate, then word by word. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cli/complete.h"

static const char *string_at(const void *list, size_t index)
{
    const char *const *strings = list;
    return strings[index];
}

static struct complete complete(const char *text, const char *const *candidates)
{
    const struct complete_list list = {.at = string_at, .list = candidates};
    struct complete complete;
    complete_code(text, &list, &complete);
    return complete;
}

static const char *const nameplates[] = {"4", "17", "171", "205", NULL};
static const char *const words[] = {"adroitness", "adviser", "aftermath", "aggregate", NULL};

static void check(const char *text, const char *const *candidates, size_t count, const char *common)
{
    struct complete found = complete(text, candidates);
    if (found.count != count || strcmp(found.common, common) != 0)
        fail_msg("'%s' goes on in %zu ways, all with '%s'", text, found.count, found.common);
}

static void test_position(void **state)
{
    (void)state;
    assert_int_equal(complete_position(""), 0);
    assert_int_equal(complete_position("17"), 0);
    assert_int_equal(complete_position("17-"), 1);
    assert_int_equal(complete_position("17-adviser"), 1);
    assert_int_equal(complete_position("17-adviser-"), 2);
}

static void test_nameplate(void **state)
{
    (void)state;
    check("", nameplates, 4, "");
    check("2", nameplates, 1, "05-");
    check("205", nameplates, 1, "-");
    check("1", nameplates, 2, "7");
    check("17", nameplates, 2, "");
    check("171", nameplates, 1, "-");
    check("9", nameplates, 0, "");
}

static void test_words(void **state)
{
    (void)state;
    check("4-", words, 4, "a");
    check("4-ad", words, 2, "");
    check("4-adr", words, 1, "oitness-");
    check("4-AG", words, 1, "gregate-");
    check("4-adr-adv", words, 1, "iser");
    check("4-adr-adviser", words, 1, "");
    check("4-x", words, 0, "");
    check("4-adroitnessandmore", words, 0, "");
}

static void test_nothing(void **state)
{
    static const char *const none[] = {NULL};
    (void)state;
    check("", none, 0, "");
    check("4-", none, 0, "");
}

/* A relay may list what it likes. */
static void test_too_long(void **state)
{
    char endless[1000];
    const char *const candidates[] = {endless, NULL};
    struct complete found;
    (void)state;
    memset(endless, '7', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    found = complete("7", candidates);
    assert_int_equal(strlen(found.common), COMPLETE_TEXT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_position), cmocka_unit_test(test_nameplate),
        cmocka_unit_test(test_words),    cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
