/* What is said of a session's plan: whether it oversleeps, and how it outlives the relay's memory.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "wormhole/session.h"

#define NOW    INT64_C(1767225600000)
#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define JITTER (30 * SECOND) /* the most that a list gets */

/* ---- oversleeping ---- */

/* By how much the wake may be ahead of the clock at most: what is later was planned by another. */
struct limit {
    const char *schedule;
    enum session_state state;
    int64_t most;
};

static const struct limit limits[] = {
    {"realtime", SESSION_WAITING, HOUR},
    {"email", SESSION_ALLOCATING, HOUR},
    {"email", SESSION_WAITING, HOUR},
    {"email", SESSION_KEYED, HOUR},
    {"email", SESSION_ESTABLISHED, HOUR},
    {"email", SESSION_CLOSING, HOUR},
    {"0:0.5", SESSION_WAITING, HOUR},
    {"0:3570", SESSION_WAITING, HOUR},
    {"0:3600", SESSION_WAITING, HOUR + JITTER},
    {"0:3601", SESSION_WAITING, HOUR + SECOND + JITTER},
    {"0:86400", SESSION_WAITING, DAY + JITTER},
    {"0:86400,10:1", SESSION_WAITING, DAY + JITTER}, /* whichever rule it was planned by */
    {"0:1,3600:86400", SESSION_ESTABLISHED, DAY + JITTER},
};

static void assert_limit(struct session *session, const struct limit *limit, int64_t now)
{
    assert_int_equal(schedule_parse(limit->schedule, &session->schedule), SCHEDULE_OK);
    session->state = limit->state;
    session->wake = now + limit->most;
    assert_false(session_wakes_too_late(session, now));
    session->wake++;
    assert_true(session_wakes_too_late(session, now));
    session->wake = INT64_MAX;
    assert_true(session_wakes_too_late(session, now));
    session->wake = INT64_MIN;
    assert_false(session_wakes_too_late(session, now));
}

static void oversleeping(void **state)
{
    struct session *session = session_blank();
    (void)state;
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        assert_limit(session, &limits[i], NOW);
        assert_limit(session, &limits[i], 0);
    }
    session_free(session);
}

/* They do not wake to visit: one half waits to be forgotten, the other to end. */
static void who_is_over_never_oversleeps(void **state)
{
    struct session *session = session_blank();
    (void)state;
    assert_int_equal(schedule_parse("email", &session->schedule), SCHEDULE_OK);
    session->wake = NOW + 366 * DAY;
    session->state = SESSION_CLOSED;
    assert_false(session_wakes_too_late(session, NOW));
    session->state = SESSION_EXPORTED;
    assert_false(session_wakes_too_late(session, NOW));
    session_free(session);
}

/* ---- the mailbox ---- */

struct saying {
    enum session_state state;
    const char *schedule;
    int64_t retention; /* 0: the relay does not say */
    const char *word;  /* in the sentence */
};

static const struct saying sayings[] = {
    {SESSION_WAITING, "email", 0, "often enough for a stock relay"},
    {SESSION_WAITING, "0:629", 0, "often enough for a stock relay"},
    {SESSION_WAITING, "0:630", 0, "recreated"}, /* 11 minutes with its jitter */
    {SESSION_ESTABLISHED, "0:60,60:86400", 0, "recreated"},
    {SESSION_WAITING, "email", DAY, "keeps the mailbox longer"},
    {SESSION_WAITING, "0:86369", DAY, "keeps the mailbox longer"},
    {SESSION_WAITING, "0:86370", DAY, "may forget"},
    {SESSION_CLOSING, "0:86400", 0, "until the relay has been told"},
    {SESSION_CLOSED, "email", DAY, "no longer needed"},
    {SESSION_EXPORTED, "email", 0, "no longer visited"},
};

static void retention_texts(void **state)
{
    struct session *session = session_blank();
    (void)state;
    for (size_t i = 0; i < sizeof(sayings) / sizeof(*sayings); i++) {
        assert_int_equal(schedule_parse(sayings[i].schedule, &session->schedule), SCHEDULE_OK);
        session->state = sayings[i].state;
        session->retention = sayings[i].retention;
        const char *text = session_retention_text(session);
        assert_non_null(strstr(text, sayings[i].word));
    }
    session_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oversleeping),
        cmocka_unit_test(who_is_over_never_oversleeps),
        cmocka_unit_test(retention_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
