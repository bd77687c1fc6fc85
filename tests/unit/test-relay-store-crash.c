/*
 * A process that adds messages, and tells the number of each when its callback comes, is killed at
 * any moment, again and again. What was told is there, once and in order; what was asked but not
 * told may be there, once.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay-lmdb-fixture.h"

#define ROUNDS 20
/* Adds that share a commit. */
#define TOGETHER 7

/* ---- the process that is killed ---- */

struct writer {
    struct lmdb_fixture *fixture;
    uint64_t next;
    int tell;
};

struct added {
    struct writer *writer;
    uint64_t number;
};

static void on_added(void *arg, const struct relay_answer *answer)
{
    struct added *added = arg;
    if (answer->result != RELAY_DONE ||
        write(added->writer->tell, &added->number, sizeof(added->number)) != sizeof(added->number))
        _exit(1);
    free(added);
}

static void add_next(struct writer *writer)
{
    char body[24];
    struct relay_who who = lmdb_fixture_who(writer->fixture, "a");
    struct added *added = malloc(sizeof(*added));
    snprintf(body, sizeof(body), "%08jx", (uintmax_t)writer->next);
    struct relay_message message = lmdb_fixture_message(writer->fixture, body);
    *added = (struct added){writer, writer->next++};
    writer->fixture->relay->add(writer->fixture->relay->self, &who, "m", &message, on_added, added);
}

static void write_on(const char *path, uint64_t next, int tell)
{
    struct lmdb_fixture fixture = {
        .path = (char *)path,
        .base = event_base_new(),
        .limits = {.retention = 1000000,
                   .mailbox_bytes = UINT64_MAX,
                   .mailbox_messages = UINT32_MAX},
        .app = LMDB_FIXTURE_APP,
    };
    struct writer writer = {&fixture, next, tell};
    lmdb_fixture_open(&fixture);
    for (;;) {
        for (unsigned i = 0; i < TOGETHER; i++)
            add_next(&writer);
        /* Something else that changes pages, and frees some. */
        lmdb_fixture_enter(&fixture, "a", "m2");
        lmdb_fixture_leave(&fixture, "a", "m2");
    }
}

/* ---- the one that kills ---- */

/* Kills the writer when it has told `told` numbers; the last number that it told. */
static uint64_t run_and_kill(const char *path, uint64_t next, unsigned told)
{
    int pipes[2], status;
    uint64_t number, last = next - 1;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also if the test fails before it kills */
        close(pipes[0]);
        write_on(path, next, pipes[1]);
    }
    close(pipes[1]);
    for (; told > 0; told--)
        assert_int_equal(read(pipes[0], &last, sizeof(last)), sizeof(last));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(pipes[0], &number, sizeof(number)) == sizeof(number))
        last = number;
    close(pipes[0]);
    return last;
}

struct found {
    uint64_t last;
    bool opened;
};

static void on_opened(void *arg, const struct relay_answer *answer)
{
    struct found *found = arg;
    char body[24];
    assert_int_equal(answer->result, RELAY_DONE);
    for (size_t i = 0; i < answer->count; i++) {
        snprintf(body, sizeof(body), "%08jx", (uintmax_t)i + 1);
        assert_int_equal(answer->messages[i].number, i + 1);
        assert_string_equal(answer->messages[i].body, body);
    }
    found->last = answer->count;
    found->opened = true;
}

/* How many messages there are: 1, 2, 3, … without a gap. */
static uint64_t look(struct lmdb_fixture *fixture)
{
    struct found found = {0};
    struct relay_who who = lmdb_fixture_who(fixture, "a");
    lmdb_fixture_open(fixture);
    fixture->relay->open(fixture->relay->self, &who, "m", NULL, on_opened, &found);
    lmdb_fixture_run(fixture);
    assert_true(found.opened);
    assert_int_equal(lmdb_fixture_count(fixture).messages, found.last);
    lmdb_fixture_close(fixture);
    return found.last;
}

static void test_killed_at_any_moment(void **state)
{
    struct lmdb_fixture *fixture = lmdb_fixture_make();
    unsigned random = 1;
    uint64_t there = 0;
    (void)state;
    lmdb_fixture_enter(fixture, "a", "m");
    lmdb_fixture_close(fixture);
    for (unsigned round = 0; round < ROUNDS; round++) {
        random = random * 1103515245 + 12345;
        uint64_t told = run_and_kill(fixture->path, there + 1, random >> 16 & 31);
        there = look(fixture);
        assert_in_range(there, told, told + TOGETHER);
    }
    assert_true(there > ROUNDS);
    lmdb_fixture_remove(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_any_moment),
    };
    return cmocka_run_group_tests_name("relay-store-crash", tests, NULL, NULL);
}
