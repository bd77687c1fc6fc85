/* Fields that scripts ask for: found or refused, and printed so that each line has its tabs. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/fields.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))
/* More than any line here. */
#define LINE_MAX_BYTES 512

/* What fields_print() writes to standard output. */
static void capture(const json_t *object, const char *wanted, char ret_line[LINE_MAX_BYTES])
{
    FILE *file = tmpfile();
    int saved = dup(STDOUT_FILENO);
    assert_non_null(file);
    assert_true(saved >= 0);
    fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    enum exit_status status = fields_print(object, wanted);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    assert_int_equal(status, EXIT_DONE);
    rewind(file);
    size_t length = fread(ret_line, 1, LINE_MAX_BYTES - 1, file);
    ret_line[length] = '\0';
    fclose(file);
}

static json_t *sample(void)
{
    json_t *object = json_pack("{s:s, s:s%, s:i, s:b, s:n, s:[i, s], s:s}", "id", "0123", "text",
                               "a\tb\nc\0d", (size_t)7, "number", -5, "flag", 1, "nothing", "list",
                               1, "x\ty", "name", "gr\xc3\xbc\xc3\x9f\xe2\x80\xae");
    assert_non_null(object);
    return object;
}

static void test_print(void **state)
{
    static const struct {
        const char *wanted, *line;
    } cases[] = {
        {"id", "0123\n"},
        {"id,number", "0123\t-5\n"},
        {"number,id,number", "-5\t0123\t-5\n"},
        {"nothing,id", "\t0123\n"},
        {"id,missing", "0123\t\n"},
        {"text,id", "a\\tb\\nc\\x00d\t0123\n"},
        {"flag", "true\n"},
        {"list", "[1,\"x\\ty\"]\n"},
        {"name", "gr\xc3\xbc\xc3\x9f\\u202e\n"},
    };
    json_t *object = sample();
    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char line[LINE_MAX_BYTES];
        capture(object, cases[i].wanted, line);
        assert_string_equal(line, cases[i].line);
    }
    json_decref(object);
}

static void test_pick(void **state)
{
    json_t *object = sample(), *picked = fields_pick(object, "number,nothing,missing");
    char *text = json_dumps(picked, JSON_COMPACT);
    (void)state;
    assert_string_equal(text, "{\"number\":-5,\"nothing\":null,\"missing\":null}");
    free(text);
    json_decref(picked);
    json_decref(object);
}

static void test_check(void **state)
{
    static const char *const refused[] = {
        "",
        "nonsense",
        "id,",
        ",id",
        "id,,state",
        "id,nonsense",
        "id state",
        "ID",
        "id,a-name-that-is-much-longer-than-any-field-of-ours-and-is-cut-off",
    };
    (void)state;
    assert_int_equal(fields_check("list", fields_view, "id"), EXIT_DONE);
    assert_int_equal(fields_check("list", fields_view, "change,verifier_words,id"), EXIT_DONE);
    for (size_t i = 0; i < LENGTH(refused); i++)
        if (fields_check("list", fields_view, refused[i]) != EXIT_USAGE)
            fail_msg("'%s' is not refused", refused[i]);
    assert_int_equal(fields_check("status", fields_status, "id"), EXIT_USAGE);
}

/* No name is so long that it would be cut off, and none comes twice. */
static void test_lists(void **state)
{
    static const char *const *const lists[] = {
        fields_view,          fields_status,  fields_sent, fields_message,
        fields_received_text, fields_session, fields_key,  fields_change,
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(lists); i++) {
        for (size_t j = 0; lists[i][j] != NULL; j++) {
            assert_true(strlen(lists[i][j]) < 30);
            assert_true(fields_have(lists[i], lists[i][j]));
            assert_false(fields_have(lists[i] + j + 1, lists[i][j]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_pick),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
