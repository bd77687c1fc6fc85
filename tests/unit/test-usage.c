/* The relay's usage record: what a line says, and does not; the file is bounded, can be renamed,
 * and is not spoilt by a full disk. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "relay/usage.h"
#include "tests/unit/tempdir.h"

#define BEGAN INT64_C(1700000123456)

static struct relay_life life(enum relay_life_end end, const char *mood, const char *other)
{
    struct relay_life made = {
        .began = BEGAN,
        .joined = BEGAN + 42900,
        .ended = BEGAN + 95000,
        .end = end,
        .nameplate = true,
        .messages = 6,
    };
    snprintf(made.moods[0], sizeof(made.moods[0]), "%s", mood);
    snprintf(made.moods[1], sizeof(made.moods[1]), "%s", other);
    return made;
}

static void expect(const struct relay_life *made, int64_t blur, const char *expected)
{
    char line[USAGE_LINE_SIZE];
    usage_line(made, blur, line);
    assert_string_equal(line, expected);
}

static void expect_result(const struct relay_life *made, const char *expected)
{
    char line[USAGE_LINE_SIZE], end[64];
    usage_line(made, 0, line);
    snprintf(end, sizeof(end), "\"result\": \"%s\"}\n", expected);
    assert_non_null(strstr(line, end));
}

static void lines(void **state)
{
    (void)state;
    struct relay_life made = life(RELAY_LIFE_CLOSED, "happy", "happy");
    expect(&made, 0,
           "{\"began\": 1700000123, \"waited\": 42, \"lasted\": 95, \"nameplate\": true, "
           "\"messages\": 6, \"result\": \"happy\"}\n");
    expect(&made, 3600000,
           "{\"began\": 1699999200, \"waited\": 42, \"lasted\": 95, \"nameplate\": true, "
           "\"messages\": 6, \"result\": \"happy\"}\n");
    made.joined = 0;
    made.nameplate = false;
    made.ended = BEGAN - 1; /* the clock was set back */
    expect(&made, 60000,
           "{\"began\": 1700000100, \"waited\": null, \"lasted\": 0, \"nameplate\": false, "
           "\"messages\": 6, \"result\": \"lonely\"}\n");
    const struct relay_life old = {.ended = BEGAN, .end = RELAY_LIFE_EXPIRED};
    expect(&old, 0,
           "{\"began\": null, \"waited\": null, \"lasted\": null, \"nameplate\": false, "
           "\"messages\": 0, \"result\": \"pruney\"}\n");
    struct relay_life longest = life(RELAY_LIFE_CLOSED, "lonely", "");
    longest.began = 1;
    longest.joined = longest.ended = INT64_MAX;
    longest.messages = UINT64_MAX;
    char line[USAGE_LINE_SIZE];
    usage_line(&longest, 0, line);
    assert_non_null(strchr(line, '\n'));
}

static void results(void **state)
{
    (void)state;
    struct relay_life made = life(RELAY_LIFE_CLOSED, "", "");
    expect_result(&made, "happy");
    made = life(RELAY_LIFE_CLOSED, "happy", "lonely");
    expect_result(&made, "lonely");
    made = life(RELAY_LIFE_CLOSED, "errory", "lonely");
    expect_result(&made, "errory");
    made = life(RELAY_LIFE_CLOSED, "errory", "scary");
    expect_result(&made, "scary");
    made = life(RELAY_LIFE_EXPIRED, "scary", "");
    expect_result(&made, "pruney");
    made = life(RELAY_LIFE_MADE_WAY, "scary", "");
    expect_result(&made, "evicted");
    made.crowded = true;
    expect_result(&made, "crowded");
}

/* ---- the file ---- */

static struct usage *open_at(const char *path)
{
    char why[256] = "";
    struct usage *usage = usage_open(path, 0, why, sizeof(why));
    if (usage == NULL)
        fail_msg("%s", why);
    return usage;
}

static int64_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (int64_t)status.st_size : -1;
}

static void files(void **state)
{
    const char *directory = *state;
    char path[256], old[300];
    struct stat status;
    struct relay_life made = life(RELAY_LIFE_CLOSED, "happy", "happy");
    snprintf(path, sizeof(path), "%s/usage", directory);
    snprintf(old, sizeof(old), "%s.1", path);
    struct usage *usage = open_at(path);
    usage_note(usage, &made);
    int64_t one = size_of(path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    /* It is appended to, also after somebody renamed it, and when it is opened anew. */
    usage_close(usage);
    usage = open_at(path);
    usage_note(usage, &made);
    assert_int_equal(size_of(path), 2 * one);
    assert_int_equal(rename(path, old), 0);
    usage_note(usage, &made);
    assert_int_equal(size_of(old), 3 * one);
    usage_close(usage);
    usage = open_at(path);
    usage_note(usage, &made);
    assert_int_equal(size_of(path), one);
    /* A large one makes way, and there are never more than two. */
    assert_int_equal(truncate(path, USAGE_MAX - one), 0);
    usage_note(usage, &made);
    assert_int_equal(size_of(path), USAGE_MAX);
    usage_note(usage, &made);
    assert_int_equal(size_of(path), one);
    assert_int_equal(size_of(old), USAGE_MAX);
    usage_close(usage);
    unlink(path);
    unlink(old);
}

static void troubles(void **state)
{
    const char *directory = *state;
    char path[256], why[300], link[300];
    struct relay_life made = life(RELAY_LIFE_CLOSED, "happy", "happy");
    snprintf(path, sizeof(path), "%s/none/usage", directory);
    assert_null(usage_open(path, 0, why, sizeof(why)));
    assert_non_null(strstr(why, "cannot write the usage record"));
    assert_non_null(strstr(why, "No such file"));
    struct usage *full = open_at("/dev/full"); /* lost, and nothing worse */
    usage_note(full, &made);
    usage_note(full, &made);
    usage_close(full);
    usage_close(NULL);
    /* Nobody makes it write somewhere else. */
    snprintf(path, sizeof(path), "%s/usage", directory);
    snprintf(link, sizeof(link), "%s/link", directory);
    assert_int_equal(symlink(path, link), 0);
    assert_null(usage_open(link, 0, why, sizeof(why)));
    unlink(link);
}

/* A disk that takes a part of a line. */
static void half_lines(void **state)
{
    const char *directory = *state;
    char path[256];
    struct rlimit before, little;
    struct relay_life made = life(RELAY_LIFE_CLOSED, "happy", "happy");
    snprintf(path, sizeof(path), "%s/usage", directory);
    struct usage *usage = open_at(path);
    usage_note(usage, &made);
    int64_t one = size_of(path);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    little = before;
    little.rlim_cur = (rlim_t)one + 10;
    setrlimit(RLIMIT_FSIZE, &little);
    usage_note(usage, &made);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(size_of(path), one);
    usage_note(usage, &made);
    assert_int_equal(size_of(path), 2 * one);
    usage_close(usage);
    unlink(path);
}

static int set_up(void **state)
{
    *state = tempdir_make();
    return 0;
}

static int tear_down(void **state)
{
    tempdir_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(results),
        cmocka_unit_test_setup_teardown(files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(troubles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(half_lines, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
