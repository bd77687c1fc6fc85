/* Two lasting ends that come seldom, at a relay that forgets a mailbox after 11 minutes: real
 * sessions, and a model of the stock relay, whose clock is the true one. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "tests/simulation/pair.h"

#define MINUTE ((int64_t)60 * 1000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Not a preset, which would be livelier for a day after each message. */
#define HOURLY "0:60,3600:3600"
/* The stock relay, minutes. */
#define FORGETS_AFTER 11

static int64_t true_time;

static int64_t what_the_relay_shows(void)
{
    return true_time;
}

/* ---- two ends, each with a clock that is wrong by so much ---- */

struct scene {
    struct pair pair;
    int64_t error_a, error_b;
    bool b_sleeps;
};

static int64_t due(const struct end *end, int64_t error)
{
    const struct session *session = end->session;
    return (session->visit != NULL ? session_alarm(session) : session->wake) - error;
}

static void set_clocks(struct scene *scene)
{
    scene->pair.a.now = true_time + scene->error_a;
    scene->pair.b.now = true_time + scene->error_b;
}

/* Until then, or until `end` has received so many messages, if that is sooner. */
static void go_on(struct scene *scene, int64_t until, const struct end *end, uint32_t messages)
{
    struct pair *pair = &scene->pair;
    for (;;) {
        set_clocks(scene);
        if (scene->b_sleeps)
            end_run(&pair->a);
        else
            end_run_both(&pair->a, &pair->b);
        if (end != NULL && end->session->received >= messages)
            return;
        int64_t a = due(&pair->a, scene->error_a);
        int64_t b = scene->b_sleeps ? INT64_MAX : due(&pair->b, scene->error_b);
        int64_t next = a < b ? a : b;
        if (next > until)
            next = until;
        /* After the first minutes there is nothing left to forget. */
        int64_t minutes = next / MINUTE - true_time / MINUTE;
        for (int64_t i = 0; i < minutes && i < FORGETS_AFTER + 2; i++)
            stock_age(pair->stock, FORGETS_AFTER);
        true_time = next > true_time ? next : true_time;
        if (next >= until)
            return;
    }
}

static void quiet_time(struct scene *scene, int64_t duration)
{
    go_on(scene, true_time + duration, NULL, 0);
}

/* They have met, and nothing was said for some days. */
static void begin(struct scene *scene, const char *schedule_a, const char *schedule_b)
{
    struct pair *pair = &scene->pair;
    true_time = 0;
    pair->stock = stock_new();
    stock_tell_time(pair->stock, what_the_relay_shows);
    end_open_lasting(&pair->a, pair->stock, "4-purple-sausages", schedule_a, 1);
    end_open_lasting(&pair->b, pair->stock, "4-purple-sausages", schedule_b, 2);
    pair->a.may_hold = pair->b.may_hold = true;
    pair_visit(pair, 4);
    assert_true(session_lasting(pair->a.session) && session_lasting(pair->b.session));
    true_time = pair->a.now > pair->b.now ? pair->a.now : pair->b.now;
    quiet_time(scene, 4 * DAY);
    assert_int_equal(pair->a.session->state, SESSION_ESTABLISHED);
    assert_int_equal(pair->b.session->state, SESSION_ESTABLISHED);
}

static void end_scene(struct scene *scene)
{
    pair_free(&scene->pair);
}

/* ---- what is sent arrives ---- */

/* From `from` to `to`, within that time; ms that it took. */
static int64_t deliver(struct scene *scene, struct end *from, struct end *to, int64_t most)
{
    uint32_t before = to->session->received;
    int64_t sent = true_time;
    set_clocks(scene);
    assert_int_equal(end_send(from, "as ever"), SESSION_ACCEPTED);
    go_on(scene, true_time + most, to, before + 1);
    assert_int_equal(to->session->received, before + 1);
    while (to->session->acked < to->session->received)
        assert_int_equal(end_ack(to, to->session->acked), SESSION_ACCEPTED);
    return true_time - sent;
}

/* A year, in which now one and now the other has something to say, after days of quiet. */
static void a_year(void **state)
{
    struct scene scene = {0};
    int64_t longest = 0, took;
    unsigned said = 0;
    (void)state;
    begin(&scene, HOURLY, HOURLY);
    int64_t end = true_time + 365 * DAY;
    while (true_time < end) {
        struct end *from = said % 3 == 0 ? &scene.pair.a : &scene.pair.b;
        struct end *to = from == &scene.pair.a ? &scene.pair.b : &scene.pair.a;
        took = deliver(&scene, from, to, 2 * HOUR + MINUTE);
        if (took > longest)
            longest = took;
        said++;
        quiet_time(&scene, (1 + said % 9) * DAY + said * 977 * 1000);
    }
    print_message("# %u messages; the slowest took %d minutes\n", said, (int)(longest / MINUTE));
    assert_true(said > 60);
    end_scene(&scene);
}

/* What a lasting session costs a stock relay while nobody says anything. */
static void costs_a_visit_an_hour(void **state)
{
    struct scene scene = {0};
    (void)state;
    begin(&scene, "email", "email");
    unsigned a = scene.pair.a.connects, b = scene.pair.b.connects;
    quiet_time(&scene, 10 * DAY);
    a = scene.pair.a.connects - a;
    b = scene.pair.b.connects - b;
    print_message("# in 10 days %u and %u visits\n", a, b);
    assert_in_range(a, 235, 250);
    assert_in_range(b, 235, 250);
    end_scene(&scene);
}

/* The clock that counts is the relay's. */
static void clocks_are_wrong(void **state)
{
    struct scene scene = {0};
    (void)state;
    begin(&scene, HOURLY, HOURLY);
    scene.error_a = 25 * MINUTE;
    scene.error_b = 3 * DAY + 41 * MINUTE;
    for (int i = 0; i < 5; i++) {
        deliver(&scene, &scene.pair.a, &scene.pair.b, 2 * HOUR + MINUTE);
        quiet_time(&scene, 2 * DAY);
        deliver(&scene, &scene.pair.b, &scene.pair.a, 2 * HOUR + MINUTE);
        quiet_time(&scene, 2 * DAY + 7 * HOUR);
    }
    end_scene(&scene);
}

/* Lists of people's own: what comes every half day meets what comes every hour, and each other. */
static void lists(void **state)
{
    struct scene scene = {.error_b = MINUTE};
    (void)state;
    begin(&scene, "0:60,3600:43200", "0:30,7200:3600");
    deliver(&scene, &scene.pair.b, &scene.pair.a, 14 * HOUR);
    deliver(&scene, &scene.pair.a, &scene.pair.b, 14 * HOUR);
    end_scene(&scene);
    begin(&scene, "0:60,3600:43200", "0:30,7200:43200");
    deliver(&scene, &scene.pair.b, &scene.pair.a, 14 * HOUR);
    deliver(&scene, &scene.pair.a, &scene.pair.b, 14 * HOUR);
    end_scene(&scene);
    begin(&scene, "0:60,3600:25200", "0:30,7200:39600"); /* 7 and 11 hours */
    deliver(&scene, &scene.pair.b, &scene.pair.a, 12 * HOUR);
    deliver(&scene, &scene.pair.a, &scene.pair.b, 12 * HOUR);
    end_scene(&scene);
    begin(&scene, "0:60,3600:1200", "0:30,7200:90000"); /* 20 minutes and 25 hours */
    deliver(&scene, &scene.pair.b, &scene.pair.a, 26 * HOUR);
    deliver(&scene, &scene.pair.a, &scene.pair.b, 26 * HOUR);
    unsigned connects = scene.pair.a.connects;
    quiet_time(&scene, DAY);
    assert_in_range(scene.pair.a.connects - connects, 60, 100);
    end_scene(&scene);
}

/* One who has moved on is in two places, its peer in the older one, which the relay has forgotten.
 */
static void amid_a_move(void **state)
{
    struct scene scene = {0};
    struct pair *pair = &scene.pair;
    char text[20 * 1024];
    (void)state;
    begin(&scene, "email", "email");
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (uint32_t i = 0; i < 3; i++) {
        set_clocks(&scene);
        assert_int_equal(end_send(&pair->a, text), SESSION_ACCEPTED);
        go_on(&scene, true_time + 2 * HOUR, &pair->b, i + 1);
        assert_int_equal(pair->b.session->epoch, i);
        end_lose(&pair->b);
        scene.b_sleeps = true;
        quiet_time(&scene, 2 * DAY + i * 20 * MINUTE);
        assert_int_equal(pair->a.session->epoch, i + 1);
        scene.b_sleeps = false;
        quiet_time(&scene, 3 * HOUR);
        assert_int_equal(pair->b.session->epoch, i + 1);
        assert_true(sodium_is_zero(pair->a.session->old_root, KEY_BYTES));
        quiet_time(&scene, 2 * DAY);
    }
    end_scene(&scene);
}

/* Where there is no room for connections that stay, they come again and again in those minutes. */
static void without_holding(void **state)
{
    struct scene scene = {0};
    (void)state;
    begin(&scene, HOURLY, HOURLY);
    scene.pair.a.may_hold = scene.pair.b.may_hold = false;
    for (int i = 0; i < 5; i++) {
        deliver(&scene, &scene.pair.a, &scene.pair.b, 2 * HOUR + MINUTE);
        quiet_time(&scene, 2 * DAY + 3 * HOUR);
    }
    end_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_year),           cmocka_unit_test(costs_a_visit_an_hour),
        cmocka_unit_test(clocks_are_wrong), cmocka_unit_test(lists),
        cmocka_unit_test(amid_a_move),      cmocka_unit_test(without_holding),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("appointments", tests, NULL, NULL);
}
