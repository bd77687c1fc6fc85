/* The log: levels, the journal's prefixes, and lines that strangers' texts cannot forge. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "service/log.h"

/* Where a line goes is found out once in a process: so each test has one of its own. What it wrote
 * to stderr is left in `ret_text`, of 4096 bytes. */
static void run(void (*body)(void), char *ret_text)
{
    FILE *file = tmpfile();
    pid_t child = fork();
    if (child == 0) {
        dup2(fileno(file), STDERR_FILENO);
        body();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    rewind(file);
    ret_text[fread(ret_text, 1, 4095, file)] = 0;
    fclose(file);
}

static void say_all(void)
{
    unsetenv("JOURNAL_STREAM");
    log_set_level(LOG_LEVEL_WARNING);
    log_error("a", "one %d", 1);
    log_warning("b", "two");
    log_info("c", "three");
    log_debug("d", "four");
}

static void levels(void **state)
{
    (void)state;
    char text[4096];
    run(say_all, text);
    assert_non_null(strstr(text, " error: a: one 1\n"));
    assert_non_null(strstr(text, " warning: b: two\n"));
    assert_null(strstr(text, "three"));
    assert_null(strstr(text, "four"));
    int year, month, day, hour, minute, second, millisecond;
    assert_int_equal(sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d.%3d error", &year, &month, &day, &hour,
                            &minute, &second, &millisecond),
                     7);
}

static void say_under_systemd(void)
{
    struct stat status;
    char stream[64];
    fstat(STDERR_FILENO, &status);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_set_level(LOG_LEVEL_DEBUG);
    log_error("a", "one");
    log_warning("b", "two");
    log_info("c", "three");
    log_debug("d", "four");
}

static void journal(void **state)
{
    (void)state;
    char text[4096];
    run(say_under_systemd, text);
    assert_string_equal(text, "<3>a: one\n<4>b: two\n<6>c: three\n<7>d: four\n");
}

/* The variable is inherited by children whose stderr goes somewhere else. */
static void say_redirected(void)
{
    setenv("JOURNAL_STREAM", "1:2", 1);
    log_error("a", "one");
}

static void not_the_journal(void **state)
{
    (void)state;
    char text[4096];
    run(say_redirected, text);
    assert_int_not_equal(*text, '<');
}

static void say_what_strangers_say(void)
{
    unsetenv("JOURNAL_STREAM");
    char giant[5000];
    memset(giant, 'g', sizeof(giant) - 1);
    giant[sizeof(giant) - 1] = 0;
    log_error("a", "motd: %s",
              "x\nforged\r\x1b[2J\x7f\xc2\x9b"
              "2J gr\xc3\xbc\xc3\x9f");
    log_error("a", "%s", giant);
}

static void no_forged_lines(void **state)
{
    (void)state;
    char text[4096];
    run(say_what_strangers_say, text);
    assert_non_null(strstr(text, "motd: x?forged??[2J??2J gr\xc3\xbc\xc3\x9f\n"));
    assert_true(strlen(text) < 2000);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void parse(void **state)
{
    (void)state;
    static const char *const names[] = {"error", "warning", "info", "debug"};
    for (int i = 0; i < 4; i++) {
        enum log_level level;
        assert_true(log_level_parse(names[i], &level));
        assert_int_equal(level, i);
    }
    enum log_level level = LOG_LEVEL_INFO;
    assert_false(log_level_parse("Error", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_LEVEL_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),          cmocka_unit_test(journal),
        cmocka_unit_test(not_the_journal), cmocka_unit_test(no_forged_lines),
        cmocka_unit_test(parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
