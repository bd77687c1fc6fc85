/* Commands are found by their names, options are read wherever they stand, and nonsense is refused.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/options.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
/* Most arguments of a case. */
#define WORDS_MAX 8

/* Splits `line` at blanks into arguments, after the name of the program; getopt_long may reorder
 * them. Returns their number. */
static int split(char *line, char *arguments[WORDS_MAX + 2])
{
    int count = 0;
    static char program[] = "wormctl";
    arguments[count++] = program;
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
        arguments[count++] = word;
    arguments[count] = NULL;
    return count;
}

static enum exit_status read_line(const char *text, const char *command, uint64_t allowed,
                                  struct cli_options *ret_options)
{
    static char line[256];
    static char *arguments[WORDS_MAX + 2];
    snprintf(line, sizeof(line), "%s", text);
    int count = split(line, arguments);
    memset(ret_options, 0, sizeof(*ret_options));
    return options_read(ret_options, command, allowed, count, arguments);
}

static const uint64_t some = OPTIONS_GLOBAL | OPTION_BIT(OPTION_NAME) | OPTION_BIT(OPTION_WORDS) |
                             OPTION_BIT(OPTION_TIMEOUT) | OPTION_BIT(OPTION_WAIT) |
                             OPTION_BIT(OPTION_PEEK) | OPTION_BIT(OPTION_FIELDS) |
                             OPTION_BIT(OPTION_INBOX_BYTES) | OPTION_BIT(OPTION_SINCE) |
                             OPTION_BIT(OPTION_DATA);

static void test_options(void **state)
{
    struct cli_options options;
    (void)state;
    assert_int_equal(
        read_line("desk --name=laptop --words 3 hello --timeout 1.5h --peek", "x", some, &options),
        EXIT_DONE);
    assert_string_equal(options.text[OPTION_NAME], "laptop");
    assert_int_equal(options.number[OPTION_WORDS], 3);
    assert_int_equal(options.number[OPTION_TIMEOUT], 5400000);
    assert_true(options.given[OPTION_PEEK]);
    assert_false(options.given[OPTION_WAIT]);
    assert_int_equal(options.count, 2);
    assert_string_equal(options.arguments[0], "desk");
    assert_string_equal(options.arguments[1], "hello");
}

static void test_optional_value(void **state)
{
    struct cli_options options;
    (void)state;
    assert_int_equal(read_line("desk --wait", "x", some, &options), EXIT_DONE);
    assert_true(options.given[OPTION_WAIT]);
    assert_int_equal(options.number[OPTION_WAIT], -1);
    assert_int_equal(read_line("--wait=0 desk", "x", some, &options), EXIT_DONE);
    assert_int_equal(options.number[OPTION_WAIT], 0);
    /* Not "=": the word is an argument of its own. */
    assert_int_equal(read_line("--wait desk", "x", some, &options), EXIT_DONE);
    assert_int_equal(options.number[OPTION_WAIT], -1);
    assert_int_equal(options.count, 1);
}

static void test_letter_with_value(void **state)
{
    struct cli_options options;
    (void)state;
    assert_int_equal(read_line("-o id,state desk", "x", some, &options), EXIT_DONE);
    assert_string_equal(options.text[OPTION_FIELDS], "id,state");
    assert_int_equal(options.count, 1);
    assert_int_equal(read_line("-oid desk", "x", some, &options), EXIT_DONE);
    assert_string_equal(options.text[OPTION_FIELDS], "id");
}

static void test_numbers(void **state)
{
    struct cli_options options;
    (void)state;
    assert_int_equal(read_line("--since 0 --inbox-bytes 64M --data=", "x", some, &options),
                     EXIT_DONE);
    assert_int_equal(options.number[OPTION_SINCE], 0);
    assert_int_equal(options.number[OPTION_INBOX_BYTES], 64 * 1024 * 1024);
    assert_string_equal(options.text[OPTION_DATA], "");
    assert_int_equal(read_line("--since 999999999999999999", "x", some, &options), EXIT_DONE);
    assert_int_equal(options.number[OPTION_SINCE], 999999999999999999);
}

static void test_end_of_options(void **state)
{
    struct cli_options options;
    (void)state;
    assert_int_equal(read_line("desk -- --name", "x", some, &options), EXIT_DONE);
    assert_int_equal(options.count, 2);
    assert_string_equal(options.arguments[1], "--name");
    assert_int_equal(read_line("desk -", "x", some, &options), EXIT_DONE);
    assert_string_equal(options.arguments[1], "-");
    /* Before the command all ends at the first word that is no option. */
    assert_int_equal(read_line("--json send --name x", NULL, OPTIONS_GLOBAL, &options), EXIT_DONE);
    assert_true(options.given[OPTION_JSON]);
    assert_int_equal(options.count, 3);
    assert_string_equal(options.arguments[0], "send");
}

static void test_refused(void **state)
{
    static const char *const cases[] = {
        "--bogus",
        "--all",
        "-x",
        "--name",
        "--name=",
        "--words 0",
        "--words -1",
        "--words 2x",
        "--words=",
        "--words 1e1",
        "--timeout 0",
        "--timeout x",
        "--timeout -1",
        "--wait=x",
        "--words 9999999999",
        "--peek=1",
        "--json=yes",
        "--fields",
        "-o",
        "--fields=",
        "--since -1",
        "--since x",
        "--since 1x",
        "--data",
        "--inbox-bytes 0",
        "--inbox-bytes 65T",
        "--inbox-bytes M",
        "--inbox-bytes 9999999G",
    };
    struct cli_options options;
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        if (read_line(cases[i], "x", some, &options) != EXIT_USAGE)
            fail_msg("%s is not refused", cases[i]);
}

static const char *find(const char *text, int *ret_words)
{
    static char line[256];
    char *arguments[WORDS_MAX + 2];
    snprintf(line, sizeof(line), "%s", text);
    int count = split(line, arguments);
    const struct cli_command *command = command_find(count - 1, arguments + 1, ret_words);
    return command != NULL ? command->name : NULL;
}

static void test_find(void **state)
{
    int words = 0;
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        assert_string_equal(find(commands[i]->name, &words), commands[i]->name);
        assert_int_equal(words, strchr(commands[i]->name, ' ') != NULL ? 2 : 1);
    }
    assert_string_equal(find("text send hello", &words), "text send");
    assert_string_equal(find("derive-key laptop wifi", &words), "derive-key");
    assert_null(find("text", &words));
    assert_null(find("text hello", &words));
    assert_null(find("texts send", &words));
    assert_null(find("lis", &words));
    assert_null(find("listing", &words));
    assert_null(find("", &words));
    assert_true(command_is_family("text"));
    assert_false(command_is_family("tex"));
    assert_false(command_is_family("list"));
    assert_false(command_is_family(""));
}

static void test_nearest(void **state)
{
    (void)state;
    assert_string_equal(command_nearest("lst"), "list");
    assert_string_equal(command_nearest("sned"), "send");
    assert_string_equal(command_nearest("hepl"), "help");
    assert_string_equal(command_nearest("txet"), "text send");
    assert_null(command_nearest("xy"));
    assert_null(command_nearest("frobnicate"));
    assert_null(command_nearest(""));
    assert_null(command_nearest("a-word-that-is-longer-than-any-command-of-ours"));
}

/* The tables agree with each other. */
static void test_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        assert_non_null(commands[i]->run);
        assert_non_null(commands[i]->help);
        assert_non_null(commands[i]->usage);
        assert_true((commands[i]->options & (OPTIONS_GLOBAL | OPTION_BIT(OPTION_FIELDS))) == 0);
        assert_true((command_options(commands[i]) & OPTIONS_GLOBAL) == OPTIONS_GLOBAL);
        assert_int_equal((command_options(commands[i]) & OPTION_BIT(OPTION_FIELDS)) != 0,
                         commands[i]->fields != NULL);
        assert_true(commands[i]->least <= commands[i]->most);
        /* Two options of one spelling in one command: one could never be given. */
        assert_false((commands[i]->options & OPTION_BIT(OPTION_TIMEOUT)) != 0 &&
                     (commands[i]->options & OPTION_BIT(OPTION_LIMIT)) != 0);
        assert_false((commands[i]->options & OPTION_BIT(OPTION_FORCE)) != 0 &&
                     (commands[i]->options & OPTION_BIT(OPTION_TERMINAL)) != 0);
    }
    for (int id = 0; id < OPTIONS; id++) {
        assert_non_null(option_rows[id].name);
        assert_non_null(option_rows[id].help);
        assert_int_equal(option_rows[id].value == NULL, option_rows[id].kind == OPTION_FLAG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_optional_value),
        cmocka_unit_test(test_letter_with_value),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_end_of_options),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
