/*
 * The keys of a view: doc/ipc.md has the table that wormhole/session_attributes.def says, row by
 * row. Run with an argument, the program prints that table:
 *
 *     tests/unit/test-session-attributes print
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

static const struct {
    const char *key, *shown, *meaning;
} rows[] = {
#define SESSION_SHOWN(tag, type, required, least, limit, member, exported, shown, meaning)         \
    {#member, shown, meaning},
#define SESSION_COMPUTED(key, shown, meaning) {#key, shown, meaning},
#include "wormhole/session_attributes.def"
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void print_row(size_t i, char *ret_line, size_t size)
{
    int length = snprintf(ret_line, size, "| `%s` | %s | %s |\n", rows[i].key, rows[i].shown,
                          rows[i].meaning);
    assert_in_range(length, 1, size - 1);
}

static void test_page_has_the_table(void **state)
{
    char path[4096], expected[1024], line[1024] = "";
    const char *root = getenv("abs_top_srcdir");
    (void)state;
    snprintf(path, sizeof(path), "%s/doc/ipc.md", root == NULL ? "." : root);
    FILE *page = fopen(path, "r");
    if (page == NULL)
        fail_msg("cannot read %s", path);
    while (strcmp(line, "## A view\n") != 0)
        assert_non_null(fgets(line, sizeof(line), page));
    while (strcmp(line, "| --- | --- | --- |\n") != 0)
        assert_non_null(fgets(line, sizeof(line), page));
    for (size_t i = 0; i < ROWS; i++) {
        assert_non_null(fgets(line, sizeof(line), page));
        print_row(i, expected, sizeof(expected));
        assert_string_equal(line, expected);
    }
    assert_non_null(fgets(line, sizeof(line), page));
    assert_string_equal(line, "\n");
    fclose(page);
}

static void test_keys_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = i + 1; j < ROWS; j++)
            assert_string_not_equal(rows[i].key, rows[j].key);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_has_the_table),
        cmocka_unit_test(test_keys_are_unique),
    };
    (void)arguments;
    for (size_t i = 0; count > 1 && i < ROWS; i++) {
        char line[1024];
        print_row(i, line, sizeof(line));
        fputs(line, stdout);
    }
    return count > 1 ? 0 : cmocka_run_group_tests_name("session-attributes", tests, NULL, NULL);
}
