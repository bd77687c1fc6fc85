/* No member of a session is forgotten by the table that says what is stored. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "state/record.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* The field of that member, or of the first element of it. */
static const struct kv_field *field_named(const char *name)
{
    size_t length = strlen(name);
    for (size_t tag = 0; tag < session_record_kind.tags; tag++) {
        const struct kv_field *field = &session_record_kind.fields[tag];
        if (field->type != NULL && strncmp(field->name, name, length) == 0 &&
            (field->name[length] == '\0' || field->name[length] == '['))
            return field;
    }
    return NULL;
}

/* The next member's name behind *cursor in a struct's text without comments; false at its end. */
static bool next_member(const char **cursor, char ret_name[64])
{
    const char *end = strchr(*cursor, ';');
    const char *brace = strchr(*cursor, '}');
    if (end == NULL || brace == NULL || brace < end)
        return false;
    const char *last = end;
    while (last[-1] == ']')
        while (*--last != '[')
            ;
    const char *first = last;
    while (isalnum((unsigned char)first[-1]) || first[-1] == '_')
        first--;
    snprintf(ret_name, 64, "%.*s", (int)(last - first), first);
    *cursor = end + 1;
    return true;
}

static void blank_comments(char *text)
{
    for (char *start = text; (start = strstr(start, "/*")) != NULL;) {
        char *end = strstr(start, "*/");
        assert_non_null(end);
        memset(start, ' ', (size_t)(end + 2 - start));
    }
}

/* The text behind `opening` in a header. */
static const char *read_struct(const char *header, const char *opening, char text[65536])
{
    char path[4096];
    const char *root = getenv("abs_top_srcdir");
    snprintf(path, sizeof(path), "%s/%s", root == NULL ? "." : root, header);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot read %s", path);
    text[fread(text, 1, 65535, file)] = 0;
    fclose(file);
    blank_comments(text);
    const char *start = strstr(text, opening);
    assert_non_null(start);
    return start + strlen(opening);
}

/* A new member of the session that nobody stores would be lost at the next restart. */
static void test_every_member_is_stored(void **state)
{
    static const char *const elsewhere[] = {"id", "unknown", "unknown_length"};
    static char text[65536];
    char name[64];
    unsigned stored = 0;
    (void)state;

    const char *cursor = read_struct("wormhole/session.h", "\nstruct session {", text);
    while (next_member(&cursor, name) && strcmp(name, "visit") != 0) {
        bool other = false;
        for (size_t i = 0; i < LENGTH(elsewhere); i++)
            other = other || strcmp(name, elsewhere[i]) == 0;
        if (other)
            continue;
        if (field_named(name) == NULL)
            fail_msg("struct session's %s is not stored", name);
        stored++;
    }
    assert_string_equal(name, "visit");
    /* More rows: the schedule takes two, the fallback mailboxes and the routes one for each. */
    assert_int_equal(stored + 1 + SESSION_FALLBACK_MAILBOXES - 1 + 2 * (SESSION_ROUTE_SLOTS - 1),
                     sample_field_count());

    unsigned members = 0;
    cursor = read_struct("wormhole/schedule.h", "\nstruct schedule {", text);
    while (next_member(&cursor, name)) {
        members++;
        if (strcmp(name, "count") != 0 && strcmp(name, "rules") != 0 && strcmp(name, "preset") != 0)
            fail_msg("struct schedule's %s is not stored", name);
    }
    assert_int_equal(members, 3);
}

/* The full sample is full: none of its fields is as session_blank() has it. */
static void test_sample_is_full(void **state)
{
    static const size_t sizes[SAMPLE_KINDS] = {
        [SAMPLE_STRING] = sizeof(char *),
        [SAMPLE_TEXT] = 1,
        [SAMPLE_BYTES] = 1,
        [SAMPLE_SIGNED] = sizeof(int64_t),
        [SAMPLE_UNSIGNED] = sizeof(int64_t),
        [SAMPLE_COUNT] = sizeof(uint32_t),
        [SAMPLE_BOOL] = sizeof(bool),
        [SAMPLE_RULES] = sizeof(uint32_t),
        [SAMPLE_JOURNAL] = sizeof(void *),
    };
    struct session *full = sample_full(7), *blank = session_blank();
    (void)state;
    for (size_t tag = 0; tag < session_record_kind.tags; tag++) {
        const struct kv_field *field = &session_record_kind.fields[tag];
        if (field->type == NULL)
            continue;
        if (memcmp((char *)full + field->offset, (char *)blank + field->offset,
                   sizes[sample_kind(field)]) == 0)
            fail_msg("%s is not filled", field->name);
    }
    session_free(full);
    session_free(blank);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_member_is_stored),
        cmocka_unit_test(test_sample_is_full),
    };
    return cmocka_run_group_tests_name("record-fields", tests, NULL, NULL);
}
