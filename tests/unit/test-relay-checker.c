/* The simulator's judge of our relay: what it lets pass, and what it does not. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/cable.h"
#include "tests/simulation/relay_checker.h"
#include "tests/simulation/timeline.h"
#include "tests/simulation/trace.h"

#define RETENTION TIMELINE_DAY

/* ---- the world around it: time is what a test says, there are no channels ---- */

static int64_t now;
static char failure[256];

int64_t timeline_now(void)
{
    return now;
}

long cable_channel(const char *text)
{
    (void)text;
    return 0;
}

void trace_fail(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    if (failure[0] == '\0')
        vsnprintf(failure, sizeof(failure), format, values);
    va_end(values);
}

/* ---- a connection ---- */

static const char client[] = "a client";
static struct relay_checker *checker;

static void hear(const char *text)
{
    relay_checker_hear(checker, client, text);
    relay_checker_said(checker, client, "{\"type\":\"ack\"}");
    relay_checker_heard(checker, client);
}

static void say(const char *text)
{
    relay_checker_said(checker, client, text);
}

static void hear_add(const char *phase)
{
    char text[128];
    snprintf(text, sizeof(text), "{\"type\":\"add\",\"phase\":\"%s\",\"body\":\"00\"}", phase);
    hear(text);
}

static void say_message(const char *side, const char *phase)
{
    char text[256];
    snprintf(text, sizeof(text),
             "{\"type\":\"message\",\"side\":\"%s\",\"phase\":\"%s\",\"body\":\"00\","
             "\"server_rx\":1.000,\"id\":null,\"server_tx\":1.000}",
             side, phase);
    say(text);
}

/* It has opened a mailbox. */
static int enter(void **state)
{
    (void)state;
    now = 0;
    failure[0] = '\0';
    checker = relay_checker_new(RETENTION);
    relay_checker_commits(checker, true);
    relay_checker_enter(checker, client);
    say("{\"type\":\"welcome\",\"welcome\":{}}");
    hear("{\"type\":\"bind\",\"appid\":\"app\",\"side\":\"a\"}");
    hear("{\"type\":\"open\",\"mailbox\":\"m\"}");
    return 0;
}

static int leave(void **state)
{
    (void)state;
    relay_checker_free(checker);
    return 0;
}

static void assert_fails(const char *why)
{
    assert_string_equal(failure, why);
    failure[0] = '\0';
}

static const char early[] = "the relay says pong before it has told what was added";
static const char unasked[] = "the relay says a pong for which nobody asked";
static const char untold[] = "the relay has neither told nor refused what was added";

/* ---- a pong ---- */

static void pong_comes_after_what_was_added(void **state)
{
    (void)state;
    hear_add("0");
    hear("{\"type\":\"ping\",\"ping\":1}");
    say("{\"type\":\"pong\",\"pong\":1}");
    assert_fails(early);
    say_message("a", "0");
    hear_add("1");
    hear("{\"type\":\"ping\",\"ping\":2}");
    say_message("b", "1");
    say("{\"type\":\"pong\",\"pong\":2}");
    assert_fails(early);
}

static void pong_comes_before_what_was_added_behind_it(void **state)
{
    (void)state;
    hear_add("0");
    hear("{\"type\":\"ping\",\"ping\":1}");
    hear_add("1");
    hear("{\"type\":\"ping\",\"ping\":2}");
    say_message("a", "0");
    say("{\"type\":\"pong\",\"pong\":1}");
    assert_fails("");
    say("{\"type\":\"pong\",\"pong\":2}");
    assert_fails(early);
}

/* What is told behind the ping does not stand in for what was added before it. */
static void pong_waits_for_each_that_was_added(void **state)
{
    (void)state;
    hear_add("0");
    hear("{\"type\":\"ping\",\"ping\":1}");
    hear_add("1");
    say_message("a", "1");
    say("{\"type\":\"pong\",\"pong\":1}");
    assert_fails(early);
}

static void pong_does_not_wait_for_what_was_refused(void **state)
{
    (void)state;
    hear_add("0");
    hear_add("1");
    hear("{\"type\":\"ping\",\"ping\":1}");
    say_message("a", "0");
    say("{\"type\":\"error\",\"error\":\"full\",\"orig\":{\"type\":\"add\",\"phase\":\"1\"}}");
    say("{\"type\":\"pong\",\"pong\":1}");
    assert_fails("");
}

static void each_ping_has_one_pong(void **state)
{
    (void)state;
    hear("{\"type\":\"ping\",\"ping\":1}");
    say("{\"type\":\"pong\",\"pong\":2}");
    assert_fails(unasked);
    say("{\"type\":\"pong\",\"pong\":1}");
    assert_fails("");
    say("{\"type\":\"pong\",\"pong\":1}");
    assert_fails(unasked);
}

/* ---- an add ---- */

static void each_add_is_told_or_refused(void **state)
{
    (void)state;
    hear_add("0");
    now += TIMELINE_MINUTE;
    hear_add("1");
    say_message("a", "1");
    relay_checker_leave(checker, client);
    assert_fails(untold);
}

static void what_was_just_added_may_be_under_way(void **state)
{
    (void)state;
    hear_add("0");
    relay_checker_leave(checker, client);
    assert_fails("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pong_comes_after_what_was_added),
        TEST(pong_comes_before_what_was_added_behind_it),
        TEST(pong_waits_for_each_that_was_added),
        TEST(pong_does_not_wait_for_what_was_refused),
        TEST(each_ping_has_one_pong),
        TEST(each_add_is_told_or_refused),
        TEST(what_was_just_added_may_be_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
