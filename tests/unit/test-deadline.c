/* No session ends by its deadline before it has looked; what the deadline is; and that a clock that
 * leaps ends nothing. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/simulation/pair.h"
#include "wormhole/visit.h"

#define HOLD   "0:0"
#define POLL   "0:60"
#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* More visits than any of these sessions needs to end. */
#define VISITS_MAX 1000

static void open_met(struct pair *pair, const char *schedule)
{
    pair_open(pair, schedule);
    pair_visit(pair, 5);
    assert_int_equal(pair->a.session->state, SESSION_ESTABLISHED);
    assert_int_equal(pair->b.session->state, SESSION_ESTABLISHED);
}

/* Sleeps until its time has been over for a day. */
static void oversleep(struct end *end)
{
    end->now = session_deadline(end->session) + DAY;
}

static void assert_ended(const struct end *end, enum session_result result, const char *why)
{
    assert_string_equal(session_state_name(end->session->state), "closed");
    assert_string_equal(session_result_name(end->session->result), session_result_name(result));
    if (strstr(end->session->reason, why) == NULL)
        fail_msg("'%s' does not say '%s'", end->session->reason, why);
}

static void assert_alive(const struct end *end)
{
    assert_true(end->session->state < SESSION_CLOSING);
}

/* ---- the look comes before the end ---- */

/* Whoever was away hears what came meanwhile, and goes on. */
static void mail_is_fetched_first(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_send(&pair.a, "are you there?");
    end_visit(&pair.a);
    oversleep(&pair.b);
    end_visit(&pair.b);
    assert_string_equal(end_inbox(&pair.b, 0), "are you there?");
    assert_alive(&pair.b);
    assert_int_equal(session_deadline(pair.b.session), pair.b.now + pair.b.session->expire);
    pair_free(&pair);
}

static void one_look_is_enough(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    unsigned before = pair.b.connects;
    oversleep(&pair.b);
    end_visit(&pair.b);
    assert_ended(&pair.b, RESULT_HAPPY, "before the deadline");
    assert_int_equal(pair.b.connects, before + 1);
    pair_free(&pair);
}

/* The peer came, and said something, while this one was away who had been waiting for it. */
static void peer_came_meanwhile(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    end_visit(&pair.b);
    end_visit(&pair.a);
    assert_int_equal(pair.b.session->state, SESSION_KEYED);
    end_send(&pair.a, "hello");
    oversleep(&pair.b);
    end_visit(&pair.b);
    assert_int_equal(pair.b.session->state, SESSION_ESTABLISHED);
    pair_free(&pair);
}

/* A connection that was held while the machine slept may be dead: what it says is no look. */
static void dead_connection_proves_nothing(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, HOLD);
    end_run(&pair.b);
    assert_int_equal(session_connection(pair.b.session), CONNECTION_HELD);
    stock_disconnect(pair.b.connection);
    pair.b.connection = NULL;
    end_send(&pair.a, "are you there?");
    end_run(&pair.a);
    oversleep(&pair.b);
    end_run(&pair.b);
    assert_alive(&pair.b);
    for (int i = 0; i < 3; i++)
        end_visit(&pair.b);
    assert_string_equal(end_inbox(&pair.b, 0), "are you there?");
    assert_alive(&pair.b);
    pair_free(&pair);
}

/* A connection that is alive is asked once more, and then no other is made. */
static void held_connection_is_asked(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, HOLD);
    pair_run(&pair);
    end_lose(&pair.a);
    unsigned before = pair.b.connects;
    pair.b.session->expire = 10 * MINUTE;
    end_send(&pair.b, "a step, after which the alarm is set anew");
    end_run(&pair.b);
    assert_true(session_alarm(pair.b.session) <= session_deadline(pair.b.session));
    end_skip(&pair.b);
    end_run(&pair.b);
    assert_ended(&pair.b, RESULT_LONELY, "1 were not fetched");
    assert_int_equal(pair.b.connects, before);
    pair_free(&pair);
}

/* An answer to what was asked before the deadline is no look either. */
static void late_answer(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    pair.b.now = session_deadline(pair.b.session) - 1;
    end_step(&pair.b, &(struct session_event){.type = EVENT_POLL});
    end_step(&pair.b, &(struct session_event){.type = EVENT_WAKE});
    while (pair.b.session->visit->ping == 0)
        end_work(&pair.b);
    pair.b.now += 2;
    unsigned before = pair.b.connects;
    end_run(&pair.b);
    assert_ended(&pair.b, RESULT_HAPPY, "before the deadline");
    assert_int_equal(pair.b.connects, before); /* it asked again, on the same connection */
    pair_free(&pair);
}

/* ---- the relay is out of reach ---- */

/* Tries until it ends; returns how much time has passed. The daemon is off for weeks between some
 * tries, which does not count. */
static int64_t try_in_vain(struct end *end)
{
    int64_t waited = 0;
    end->refuse = "closed for the winter";
    for (int i = 0; i < VISITS_MAX && end->session->state < SESSION_CLOSING; i++) {
        end_visit(end);
        if (end->session->state < SESSION_CLOSING)
            waited += end->session->wake - end->now;
        if (i % 2 == 0)
            end->now += 20 * DAY;
    }
    return waited;
}

static void tried_for_as_long_as_it_keeps(void **state)
{
    static const int64_t retentions[] = {0, HOUR, 30 * DAY};
    (void)state;
    for (size_t i = 0; i < sizeof(retentions) / sizeof(*retentions); i++) {
        int64_t retention = retentions[i] > 0 ? retentions[i] : 11 * MINUTE;
        struct pair pair;
        open_met(&pair, POLL);
        pair.b.session->retention = retentions[i];
        oversleep(&pair.b);
        int64_t waited = try_in_vain(&pair.b);
        if (retention == 30 * DAY) {
            assert_alive(&pair.b);
            assert_true(waited < retention);
        } else {
            assert_in_range(waited, retention, retention + 10 * MINUTE);
            assert_non_null(strstr(pair.b.session->reason, "before the deadline"));
        }
        pair_free(&pair);
    }
}

/* While the relay is known to be down, nobody dials: the session is only put off. */
static void put_off_counts(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    oversleep(&pair.b);
    unsigned before = pair.b.connects;
    for (int i = 0; i < 11; i++) {
        assert_alive(&pair.b);
        struct session_event event = {.type = EVENT_POSTPONE, .until = pair.b.now + MINUTE};
        end_step(&pair.b, &event);
        assert_int_equal(pair.b.session->wake, event.until);
        pair.b.now += 20 * DAY;
    }
    assert_alive(&pair.b);
    end_step(&pair.b,
             &(struct session_event){.type = EVENT_POSTPONE, .until = pair.b.now + MINUTE});
    assert_int_equal(pair.b.session->state, SESSION_CLOSING);
    assert_int_equal(pair.b.connects, before);
    pair_free(&pair);
}

static void relay_came_back(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_send(&pair.a, "are you there?");
    end_visit(&pair.a);
    oversleep(&pair.b);
    pair.b.refuse = "closed for an hour";
    end_visit(&pair.b);
    end_visit(&pair.b);
    assert_true(pair.b.session->waited > 0);
    pair.b.refuse = NULL;
    end_visit(&pair.b);
    assert_string_equal(end_inbox(&pair.b, 0), "are you there?");
    assert_alive(&pair.b);
    assert_int_equal(pair.b.session->waited, 0);
    pair_free(&pair);
}

/* Nothing can be there of a session that the relay never heard of. */
static void never_online(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    pair.a.refuse = "closed";
    end_visit(&pair.a);
    oversleep(&pair.a);
    end_step(&pair.a, &(struct session_event){.type = EVENT_POSTPONE, .until = pair.a.now});
    assert_ended(&pair.a, RESULT_LONELY, "nobody joined before the deadline");
    oversleep(&pair.b);
    end_step(&pair.b, &(struct session_event){.type = EVENT_WAKE});
    assert_ended(&pair.b, RESULT_LONELY, "nobody joined before the deadline");
    assert_int_equal(pair.b.connects, 0);
    pair_free(&pair);
}

/* A daemon that was off has not tried to send what its user wanted to be sent. */
static void closing_tries_for_a_day(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_send(&pair.a, "last words");
    end_close(&pair.a);
    pair.a.now += 30 * DAY;
    end_crash(&pair.a);
    end_visit(&pair.a);
    assert_ended(&pair.a, RESULT_HAPPY, "closed by the user");
    end_visit(&pair.b);
    assert_string_equal(end_inbox(&pair.b, 0), "last words");
    end_send(&pair.b, "never sent");
    end_close(&pair.b);
    pair.b.refuse = "closed";
    int64_t begun = pair.b.now;
    for (int i = 0; i < VISITS_MAX && pair.b.session->state == SESSION_CLOSING; i++)
        end_visit(&pair.b);
    assert_ended(&pair.b, RESULT_ERRORY, "1 of 1 messages were not sent");
    assert_in_range(pair.b.now - begun, DAY, DAY + 10 * MINUTE);
    pair_free(&pair);
}

/* ---- what the end says ---- */

/* Each knows what it has sent, and whether the peer has it. */
static void stored_and_not_fetched(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_send(&pair.a, "one");
    end_visit(&pair.a);
    pair_visit(&pair, 1);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->delivered, 1);
    end_send(&pair.a, "two");
    end_visit(&pair.a);
    oversleep(&pair.a);
    end_visit(&pair.a);
    assert_ended(&pair.a, RESULT_LONELY, "of 2 messages to it, 2 had been stored by the relay");
    assert_ended(&pair.a, RESULT_LONELY, "and 1 were not fetched");
    assert_int_equal(pair.a.session->stored, 2);
    assert_int_equal(pair.a.session->delivered, 1);
    end_visit(&pair.b); /* there it waits all the same */
    assert_string_equal(end_inbox(&pair.b, 1), "two");
    pair_free(&pair);
}

/* A stock peer cannot say what it has got. */
static void nobody_could_have_told(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    pair.a.session->peer_receipts = false;
    end_send(&pair.a, "one");
    end_visit(&pair.a);
    oversleep(&pair.a);
    end_visit(&pair.a);
    assert_ended(&pair.a, RESULT_HAPPY, "before the deadline");
    pair_free(&pair);
}

static void no_room_for_the_last_ones(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    pair.b.session->inbox_messages = 1;
    end_send(&pair.a, "one");
    end_send(&pair.a, "two");
    end_visit(&pair.a);
    end_visit(&pair.b);
    assert_true(pair.b.session->inbox_full);
    oversleep(&pair.b);
    end_visit(&pair.b);
    assert_ended(&pair.b, RESULT_LONELY, "the inbox had no room");
    assert_string_equal(end_inbox(&pair.b, 0), "one");
    pair_free(&pair);
}

/* ---- which deadline ---- */

/* How long a session lasts whose peer does not come, and one that has met it. */
static void deadlines(void **state)
{
    struct session *session = session_blank();
    (void)state;
    session->timeout = HOUR;
    session->expire = 2 * DAY;
    session->created = 1000;
    session->last_activity = 5000; /* its peer's pake: news, but no proof */
    static const enum session_state before[] = {SESSION_ALLOCATING, SESSION_WAITING, SESSION_KEYED,
                                                SESSION_EXPORTED};
    for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
        session->state = before[i];
        assert_int_equal(session_deadline(session), 1000 + HOUR);
    }
    session->state = SESSION_ESTABLISHED;
    assert_int_equal(session_deadline(session), 5000 + 2 * DAY);
    /* A record of an earlier version has one limit for both. */
    session->expire = 0;
    assert_int_equal(session_expire(session), HOUR);
    assert_int_equal(session_deadline(session), 5000 + HOUR);
    session->state = SESSION_KEYED;
    assert_int_equal(session_deadline(session), 5000 + HOUR);
    session_free(session);
}

/* The timeout counts from the first start, whatever the peer says before it has proven itself. */
static void timeout_is_hard(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    int64_t deadline = session_deadline(pair.a.session);
    assert_int_equal(deadline, pair.a.now + pair.a.session->timeout);
    end_visit(&pair.b);
    pair.a.now = deadline - HOUR;
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->state, SESSION_KEYED);
    assert_int_equal(session_deadline(pair.a.session), deadline);
    pair.a.now = deadline;
    end_visit(&pair.a);
    assert_ended(&pair.a, RESULT_LONELY, "nobody joined before the deadline");
    pair_free(&pair);
}

/* Once established it counts from the peer's last news: not from what our own user does. */
static void expire_counts_from_news(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    pair.a.session->expire = 2 * DAY;
    pair.a.session->timeout = HOUR;
    pair.a.now += DAY;
    pair.b.now += DAY;
    end_visit(&pair.a);
    int64_t deadline = session_deadline(pair.a.session);
    assert_true(deadline < pair.a.now + 2 * DAY);
    end_send(&pair.a, "ours");
    end_visit(&pair.a);
    assert_int_equal(session_deadline(pair.a.session), deadline);
    end_send(&pair.b, "news");
    pair_visit(&pair, 2);
    assert_true(session_deadline(pair.a.session) > deadline + 23 * HOUR);
    pair_free(&pair);
}

/* ---- a clock that leaps ---- */

/* The clock shows some other time, which is doubted. */
static void leap(struct end *end, int64_t ms)
{
    end->now += ms;
    end->doubted_until = end->now + 30 * SECOND;
}

/* What leaps ahead for some seconds, and comes back, ends nothing. */
static void comes_back(void **state)
{
    static const char *const schedules[] = {POLL, HOLD, "email", "0:86400"};
    (void)state;
    for (size_t i = 0; i < sizeof(schedules) / sizeof(*schedules); i++) {
        struct pair pair;
        open_met(&pair, schedules[i]);
        end_run(&pair.a);
        int64_t ahead = session_deadline(pair.a.session) - pair.a.now + DAY;
        leap(&pair.a, ahead);
        end_run(&pair.a);
        end_run(&pair.a);
        assert_alive(&pair.a);
        leap(&pair.a, -ahead);
        /* As daemon/visits.c and daemon/clock_setback.c do. */
        end_step(&pair.a, &(struct session_event){.type = EVENT_WAKE});
        end_step(&pair.a, &(struct session_event){.type = EVENT_POSTPONE, .until = pair.a.now});
        end_run(&pair.a);
        pair.a.now += MINUTE;
        end_visit(&pair.a);
        assert_alive(&pair.a);
        end_send(&pair.a, "still here");
        pair_visit(&pair, 2);
        assert_string_equal(end_inbox(&pair.b, 0), "still here");
        pair_free(&pair);
    }
}

/* One that stays ends what is over, as soon as it is believed, whatever the schedule says. */
static void stays(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, "0:86400");
    end_run(&pair.a);
    int64_t ahead = session_deadline(pair.a.session) - pair.a.now + DAY;
    leap(&pair.a, ahead);
    end_run(&pair.a);
    assert_alive(&pair.a);
    assert_in_range(pair.a.session->wake, pair.a.now, pair.a.doubted_until);
    end_visit(&pair.a);
    assert_ended(&pair.a, RESULT_HAPPY, "before the deadline");
    pair_free(&pair);
}

/* Nor does it forget what has ended, or take a text's validity away. */
static void ended_and_exported(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, POLL);
    end_close(&pair.a);
    end_visit(&pair.a);
    assert_int_equal(pair.a.session->state, SESSION_CLOSED);
    leap(&pair.a, 100 * DAY);
    end_run(&pair.a);
    assert_false(pair.a.forgotten);
    leap(&pair.a, -100 * DAY);
    end_skip(&pair.a);
    pair.a.doubted_until = 0;
    end_run(&pair.a);
    assert_true(pair.a.forgotten);
    pair_free(&pair);

    pair_open(&pair, POLL);
    assert_int_equal(end_command(&pair.a, EVENT_EXPORT), SESSION_ACCEPTED);
    int64_t deadline = session_deadline(pair.a.session);
    leap(&pair.a, 100 * DAY);
    end_run(&pair.a);
    assert_int_equal(pair.a.session->state, SESSION_EXPORTED);
    leap(&pair.a, -100 * DAY);
    end_step(&pair.a, &(struct session_event){.type = EVENT_WAKE});
    assert_int_equal(pair.a.session->wake, deadline);
    leap(&pair.a, 100 * DAY);
    pair.a.doubted_until = 0;
    end_run(&pair.a);
    assert_ended(&pair.a, RESULT_LONELY, "deadline has passed");
    pair_free(&pair);
}

/* A clock that falls back for a while, as one without a battery does, does not move the beginning
 * of what it then seems to be far behind. */
static void falls_back(void **state)
{
    struct pair pair;
    (void)state;
    open_met(&pair, "0:3600");
    pair.a.now = pair.a.session->last_activity + INT64_C(1767225600000);
    pair.a.session->last_activity = pair.a.now;
    int64_t deadline = session_deadline(pair.a.session), away = pair.a.now - 5000;
    leap(&pair.a, -away);
    end_step(&pair.a, &(struct session_event){.type = EVENT_WAKE});
    assert_int_equal(session_deadline(pair.a.session), deadline);
    leap(&pair.a, away);
    end_visit(&pair.a);
    pair.a.now += MINUTE;
    end_visit(&pair.a);
    assert_int_equal(session_deadline(pair.a.session), deadline);
    assert_alive(&pair.a);
    /* If it stays, it is adopted: the deadline is not years away. */
    leap(&pair.a, -300 * DAY);
    pair.a.now += MINUTE;
    end_step(&pair.a, &(struct session_event){.type = EVENT_WAKE});
    assert_true(session_deadline(pair.a.session) <= pair.a.now + pair.a.session->expire);
    pair_free(&pair);
}

/* What began before the clock was set for the first time, in 1970, begins when it is set. */
static void begun_in_1970(void **state)
{
    struct pair pair;
    (void)state;
    pair_open(&pair, POLL);
    end_visit(&pair.a);
    pair.a.now += INT64_C(1767225600000);
    end_visit(&pair.a);
    assert_alive(&pair.a);
    assert_int_equal(session_deadline(pair.a.session), pair.a.now + pair.a.session->timeout);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(mail_is_fetched_first),
        PAIR_TEST(one_look_is_enough),
        PAIR_TEST(peer_came_meanwhile),
        PAIR_TEST(dead_connection_proves_nothing),
        PAIR_TEST(held_connection_is_asked),
        PAIR_TEST(late_answer),
        PAIR_TEST(tried_for_as_long_as_it_keeps),
        PAIR_TEST(put_off_counts),
        PAIR_TEST(relay_came_back),
        PAIR_TEST(never_online),
        PAIR_TEST(closing_tries_for_a_day),
        PAIR_TEST(stored_and_not_fetched),
        PAIR_TEST(nobody_could_have_told),
        PAIR_TEST(no_room_for_the_last_ones),
        PAIR_TEST(deadlines),
        PAIR_TEST(timeout_is_hard),
        PAIR_TEST(expire_counts_from_news),
        PAIR_TEST(comes_back),
        PAIR_TEST(stays),
        PAIR_TEST(ended_and_exported),
        PAIR_TEST(falls_back),
        PAIR_TEST(begun_in_1970),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
