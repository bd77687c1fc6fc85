/* The tables of the RPC: names and numbers belong together, and doc/ipc.md says what they say, no
 * more and no less. Guards against a method, parameter or error that is documented nowhere,
 * documented wrongly, or documented and gone. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/methods.h"
#include "wormhole/code.h"
#include "wormhole/keys.h"
#include "wormhole/schedule.h"
#include "wormhole/session.h"

static void names(void **state)
{
    (void)state;
    enum ipc_method method = METHOD_COUNT;
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        assert_true(methods_find(methods_name((enum ipc_method)i), &method));
        assert_int_equal(method, i);
    }
    assert_false(methods_find("", &method));
    assert_false(methods_find("Show", &method));
    assert_false(methods_find("shows", &method));

    enum ipc_error code = IPC_OK;
    for (unsigned i = 1; i < IPC_ERROR_COUNT; i++) {
        assert_true(errors_find(errors_name((enum ipc_error)i), &code));
        assert_int_equal(code, i);
    }
    assert_false(errors_find("", &code));
    assert_false(errors_find("not_found", &code));
}

static void errors_of_a_method(void **state)
{
    (void)state;
    assert_true(methods_may_answer(METHOD_SHOW, IPC_NOT_FOUND));
    assert_true(methods_may_answer(METHOD_SHOW, IPC_BUSY));
    assert_false(methods_may_answer(METHOD_SHOW, IPC_NAME_TAKEN));
    assert_false(methods_may_answer(METHOD_WORDS, IPC_NOT_FOUND));
    assert_false(methods_may_answer(METHOD_SHOW, IPC_OK));
}

/* The table knows no header of the protocol: its numbers are the protocol's all the same. */
static void limits(void **state)
{
    (void)state;
    assert_int_equal(methods_param(PARAM_NAME)->max, NAME_MAX_BYTES);
    assert_int_equal(methods_param(PARAM_APPID)->max, APPID_MAX);
    assert_int_equal(methods_param(PARAM_WORDS)->max, CODE_WORDS_MAX);
    assert_int_equal(methods_param(PARAM_TIMEOUT)->max, SCHEDULE_TIME_MAX);
    assert_int_equal(methods_param(PARAM_INBOX_MESSAGES)->max, SESSION_INBOX_MAX);
    assert_int_equal(methods_param(PARAM_INBOX_BYTES)->max, SESSION_INBOX_BYTES_MAX);
    assert_int_equal(methods_param(PARAM_LENGTH)->max, KEYS_DERIVE_MAX);
    assert_int_equal(methods_param(PARAM_LENGTH)->fallback, KEY_BYTES);
}

/* ---- the page ---- */

/* What the page says, or what the tables say, in lines that must be the same. */
struct lines {
    char *text;
    size_t size;
    FILE *stream;
};

static void lines_open(struct lines *lines)
{
    lines->stream = open_memstream(&lines->text, &lines->size);
    assert_non_null(lines->stream);
}

static int by_text(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* The lines in order, since the page has an order of its own. New. */
static char *lines_close(struct lines *lines)
{
    char *sorted[128], *save = NULL;
    size_t count = 0;
    fclose(lines->stream);
    char *text = malloc(lines->size + 1), *at = text;
    for (char *line = strtok_r(lines->text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        assert_true(count < sizeof(sorted) / sizeof(sorted[0]));
        sorted[count++] = line;
    }
    qsort(sorted, count, sizeof(sorted[0]), by_text);
    *at = '\0';
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s\n", sorted[i]);
    free(lines->text);
    return text;
}

/* Writes `a, b, c` in alphabetical order. */
static void put_sorted(FILE *stream, char *words[], size_t count)
{
    qsort(words, count, sizeof(words[0]), by_text);
    for (size_t i = 0; i < count; i++)
        fprintf(stream, "%s%s", i > 0 ? ", " : "", words[i]);
}

#define WORDS_MAX 32

/* `list` is cut up: its words are between any of `between`. */
static void put_list(FILE *stream, char *list, const char *between)
{
    char *words[WORDS_MAX], *save = NULL;
    size_t count = 0;
    for (char *word = strtok_r(list, between, &save); word; word = strtok_r(NULL, between, &save)) {
        assert_true(count < WORDS_MAX);
        words[count++] = word;
    }
    put_sorted(stream, words, count);
}

/* Removes what stands in brackets and what a key says of its value: "a|nil, b: [{c, d}…]" becomes
 * "a, b". */
static void strip_values(char *keys)
{
    char *to = keys;
    unsigned depth = 0;
    bool in_value = false;
    for (const char *from = keys; *from != '\0'; from++) {
        depth += *from == '[' || *from == '{';
        depth -= *from == ']' || *from == '}';
        in_value = depth > 0 || (*from != ',' && (in_value || *from == ':' || *from == '|'));
        if (!in_value && *from != ']' && *from != '}')
            *to++ = *from;
    }
    *to = '\0';
}

/* A line of the page that names a method: its name, parameters and result. */
static void put_signature(FILE *stream, const char *line)
{
    char name[32], params[512], result[512] = "";
    if (sscanf(line, "`%31[a-z_] {%511[^}]}` → %511[^\n]", name, params, result) < 3) {
        params[0] = '\0';
        if (sscanf(line, "`%31[a-z_] {}` → %511[^\n]", name, result) != 2)
            fail_msg("this is no signature: %s", line);
    }
    fprintf(stream, "%s: params: ", name);
    put_list(stream, params, ", ");
    if (strcmp(result, "*view*") == 0) {
        fprintf(stream, "\n%s: result: view\n", name);
        return;
    }
    size_t length = strlen(result);
    assert_true(length > 4 && strncmp(result, "`{", 2) == 0 &&
                strcmp(result + length - 2, "}`") == 0);
    result[length - 2] = '\0';
    strip_values(result + 2);
    fprintf(stream, "\n%s: result: ", name);
    put_list(stream, result + 2, ", ");
    fprintf(stream, "\n");
}

static void put_documented_errors(FILE *stream, const char *method, const char *line)
{
    char list[256];
    assert_true(strlen(line) < sizeof(list));
    strcpy(list, line);
    fprintf(stream, "%s: errors: ", method);
    put_list(stream, list, "`,. \n");
    fprintf(stream, "\n");
}

/* The cell of a table row, blanks and quotes around it left aside. `number` counts from 0. */
static void get_cell(const char *row, unsigned number, char ret_text[static 256])
{
    for (unsigned i = 0; i <= number; i++) {
        row = strchr(row, '|');
        assert_non_null(row);
        row++;
    }
    row += strspn(row, " `");
    size_t length = strcspn(row, "|`\n");
    while (length > 0 && row[length - 1] == ' ')
        length--;
    assert_true(length < 256);
    memcpy(ret_text, row, length);
    ret_text[length] = '\0';
}

static void put_cells(FILE *stream, const char *kind, const char *row, unsigned count)
{
    fprintf(stream, "%s", kind);
    for (unsigned i = 0; i < count; i++) {
        char cell[256];
        get_cell(row, i, cell);
        fprintf(stream, " | %s", cell);
    }
    fprintf(stream, "\n");
}

/* What stands in the page. */
static char *read_page(void)
{
    const char *top = getenv("abs_top_srcdir");
    char path[4096], *line = NULL, heading[64] = "", method[32] = "";
    size_t size = 0;
    struct lines lines;
    if (!top) {
        print_message("abs_top_srcdir is not set: make check sets it\n");
        skip();
    }
    snprintf(path, sizeof(path), "%s/doc/ipc.md", top);
    FILE *page = fopen(path, "r");
    assert_non_null(page);
    lines_open(&lines);
    while (getline(&line, &size, page) > 0) {
        if (*line == '#')
            snprintf(heading, sizeof(heading), "%.*s", (int)strcspn(line, "\n"), line);
        else if (strcmp(heading, "### Errors") == 0 && strncmp(line, "| `", 3) == 0)
            put_cells(lines.stream, "error", line, 2);
        else if (strcmp(heading, "### Parameters") == 0 && strncmp(line, "| `", 3) == 0)
            put_cells(lines.stream, "param", line, 3);
        else if (strcmp(heading, "## Methods") == 0 && *line == '`') {
            sscanf(line, "`%31[a-z_]", method);
            put_signature(lines.stream, line);
        } else if (strcmp(heading, "## Methods") == 0 && strncmp(line, ": Errors: ", 10) == 0)
            put_documented_errors(lines.stream, method, line + 10);
    }
    free(line);
    fclose(page);
    return lines_close(&lines);
}

/* ---- the tables ---- */

static void put_method(FILE *stream, const struct ipc_method_row *row)
{
    char params[WORDS_MAX][32], *words[WORDS_MAX];
    size_t count = 0;
    for (; count < row->param_count; count++) {
        snprintf(params[count], sizeof(params[count]), "%s%s",
                 methods_param(row->params[count].param)->key,
                 row->params[count].required ? "" : "?");
        words[count] = params[count];
    }
    fprintf(stream, "%s: params: ", row->name);
    put_sorted(stream, words, count);
    fprintf(stream, "\n%s: result: ", row->name);
    for (count = 0; row->keys && row->keys[count]; count++)
        words[count] = (char *)(uintptr_t)row->keys[count];
    put_sorted(stream, words, count);
    fprintf(stream, "%s\n", row->keys ? "" : "view");
    for (count = 0; row->errors[count] != IPC_OK; count++)
        words[count] = (char *)(uintptr_t)errors_name(row->errors[count]);
    if (count == 0)
        return;
    fprintf(stream, "%s: errors: ", row->name);
    put_sorted(stream, words, count);
    fprintf(stream, "\n");
}

static void put_param(FILE *stream, const struct ipc_param_row *row)
{
    static const char *const types[] = {[IPC_TYPE_TEXT] = "str",
                                        [IPC_TYPE_NUMBER] = "int",
                                        [IPC_TYPE_FLAG] = "bool",
                                        [IPC_TYPE_DATA] = "bin"};
    fprintf(stream, "param | %s | %s | ", row->key, types[row->type]);
    if (row->max == INT64_MAX)
        fprintf(stream, "%" PRId64 " or more\n", row->min);
    else if (row->max > 0)
        fprintf(stream, "%" PRId64 "–%" PRId64 "%s\n", row->min, row->max,
                row->type == IPC_TYPE_TEXT ? " bytes" : "");
    else
        fprintf(stream, "\n");
}

static char *read_tables(void)
{
    struct lines lines;
    lines_open(&lines);
    for (unsigned i = IPC_OK + 1; i < IPC_ERROR_COUNT; i++) {
        enum ipc_error code = (enum ipc_error)i;
        /* `words` lists none. */
        fprintf(lines.stream, "error | %s | %s\n", errors_name(code),
                methods_may_answer(METHOD_WORDS, code) ? "any" : "listed");
    }
    for (unsigned i = 0; i < PARAM_COUNT; i++)
        put_param(lines.stream, methods_param((enum ipc_param)i));
    for (unsigned i = 0; i < METHOD_COUNT; i++)
        put_method(lines.stream, methods_row((enum ipc_method)i));
    return lines_close(&lines);
}

/* The first line of `text` that is not in `other`. */
static const char *missing_line(char *text, const char *other)
{
    char *save = NULL, wanted[1024];
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        snprintf(wanted, sizeof(wanted), "%s\n", line);
        const char *found = strstr(other, wanted);
        while (found && found != other && found[-1] != '\n')
            found = strstr(found + 1, wanted);
        if (!found)
            return line;
    }
    return NULL;
}

static void page(void **state)
{
    (void)state;
    char *documented = read_page(), *real = read_tables(), *copy = strdup(documented);
    const char *missing = missing_line(copy, real);
    if (missing)
        fail_msg("doc/ipc.md says, and the tables do not: %s", missing);
    missing = missing_line(real, documented);
    if (missing)
        fail_msg("the tables say, and doc/ipc.md does not: %s", missing);
    free(documented);
    free(copy);
    free(real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(errors_of_a_method),
        cmocka_unit_test(limits),
        cmocka_unit_test(page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
