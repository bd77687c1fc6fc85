/*
 * What a start costs, and who wakes when the clock was set back. The clock is the test's own, and
 * stands in the place of base/clock.h; what is read is counted where LMDB is asked for it.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/timer.h"
#include "daemon/relays.h"
#include "daemon/scheduler.h"
#include "daemon/turn.h"
#include "daemon/turn_batch.h"
#include "sample.h"
#include "service/log.h"
#include "storebox.h"

#define MINUTE     ((int64_t)60 * 1000)
#define HOUR       (60 * MINUTE)
#define DAY        (24 * HOUR)
#define YEAR       (365 * DAY)
#define TODAY      INT64_C(1767225600000)
#define MANY       2000
#define FEW        20
#define DUE        3
#define NO_ROOM    0
#define ROUNDS_MAX MANY /* around the loop: it must come to rest */

/* ---- the clock ---- */

static int64_t now;

int64_t clock_now(void)
{
    return now;
}

int64_t clock_monotonic(void)
{
    return now;
}

int64_t clock_monotonic_us(void)
{
    return now * 1000;
}

/* Alarms that are not due yet never ring: time stands still while the loop runs. */
void timer_arm(struct event *timer, int64_t when)
{
    if (when <= now)
        event_add(timer, &(struct timeval){0});
    else
        event_del(timer);
}

struct timeval timer_interval(int64_t ms)
{
    return (struct timeval){ms / 1000, ms % 1000 * 1000};
}

/* ---- counting what is read ---- */

static unsigned rows_read;

int __real_mdb_get(MDB_txn *txn, MDB_dbi table, MDB_val *key, MDB_val *value);
int __wrap_mdb_get(MDB_txn *txn, MDB_dbi table, MDB_val *key, MDB_val *value);
int __real_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op);
int __wrap_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op);

int __wrap_mdb_get(MDB_txn *txn, MDB_dbi table, MDB_val *key, MDB_val *value)
{
    rows_read++;
    return __real_mdb_get(txn, table, key, value);
}

int __wrap_mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op)
{
    rows_read++;
    return __real_mdb_cursor_get(cursor, key, value, op);
}

/* ---- a daemon that never reaches a relay ---- */

struct rpc_fixture {
    struct storebox box;
    struct event_base *base;
    struct relays *relays;
    struct turns *turns;
    struct scheduler *scheduler;
};

static void on_changed(void *arg, uint64_t change, const uint8_t id[SESSION_ID_BYTES])
{
    (void)arg;
    (void)change;
    (void)id;
}

static bool is_watched(void *arg, const uint8_t id[SESSION_ID_BYTES])
{
    (void)arg;
    (void)id;
    return false;
}

static void on_due_changed(void *arg)
{
    struct rpc_fixture *fixture = arg;
    scheduler_look(fixture->scheduler);
}

/* With room for so many connections. */
static void start(struct rpc_fixture *fixture, unsigned connections)
{
    const struct turn_observer observer = {.changed = on_changed,
                                           .due_changed = on_due_changed,
                                           .watched = is_watched,
                                           .arg = fixture};
    const struct turn_settings settings = {.keep = 1000};
    if (fixture->box.store == NULL)
        storebox_open(&fixture->box, 0);
    fixture->base = event_base_new();
    fixture->relays = relays_new();
    fixture->turns = turns_new(&(struct visits_parts){.base = fixture->base,
                                                      .store = fixture->box.store,
                                                      .relays = fixture->relays},
                               &observer, &settings);
    fixture->scheduler = scheduler_new(fixture->base, fixture->box.store, fixture->turns,
                                       fixture->relays, connections);
    assert_non_null(fixture->scheduler);
}

/* What is not durable is gone. */
static void crash(struct rpc_fixture *fixture)
{
    scheduler_free(fixture->scheduler);
    turns_free(fixture->turns);
    relays_free(fixture->relays);
    event_base_free(fixture->base);
    storebox_close(&fixture->box);
}

/* One time around the loop. False if there is nothing left to do at this moment. */
static bool go_round(struct rpc_fixture *fixture)
{
    event_del(fixture->turns->clock_timer); /* a clock of ours is doubted, but not worth a wait */
    return event_base_loop(fixture->base, EVLOOP_ONCE) == 0;
}

static void run(struct rpc_fixture *fixture)
{
    for (unsigned i = 0; go_round(fixture); i++)
        assert_in_range(i, 0, ROUNDS_MAX);
}

/* ---- sessions in the store ---- */

static int set_up(void **state)
{
    struct rpc_fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->box = storebox_make(0);
    now = TODAY;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct rpc_fixture *fixture = *state;
    storebox_remove(&fixture->box);
    free(fixture);
    return 0;
}

/* As a daemon leaves them that ran until now: some are due, the others sleep, of which one half has
 * ended, and waits to be forgotten. */
static struct session *dweller(unsigned number)
{
    struct session *session = sample_bare(number);
    session->last_activity = session->created = now;
    session->timeout = YEAR;
    session->schedule.rules[0].interval = DAY;
    session->wake = number < DUE ? now : now + DAY / 2 + number;
    if (number >= DUE && number % 2 == 0) {
        session->state = SESSION_CLOSED;
        session->wake = now + DAY + number;
    }
    return session;
}

static void fill(struct rpc_fixture *fixture, unsigned count)
{
    struct kv_txn *txn = kv_write(fixture->box.store, (size_t)count * 4096);
    for (unsigned i = 0; i < count; i++) {
        struct session *session = dweller(i);
        assert_int_equal(store_put_session(txn, session, NULL), KV_OK);
        session_free(session);
    }
    store_note_time(txn, now);
    assert_int_equal(kv_commit(txn), KV_OK);
}

/* By the index: that is what a restart goes by. */
static void assert_nobody_oversleeps(struct rpc_fixture *fixture)
{
    struct kv_txn *txn = kv_read(fixture->box.store);
    struct store_due place = {.wake = INT64_MIN};
    while (store_next_due(txn, &place) == KV_OK) {
        struct session *session;
        assert_int_equal(store_get_session(txn, place.id, &session), KV_OK);
        assert_true(session->state == SESSION_CLOSED || place.wake <= now + DAY);
        session_free(session);
    }
    kv_end(txn);
}

static int64_t noted(struct rpc_fixture *fixture)
{
    struct kv_txn *txn = kv_read(fixture->box.store);
    int64_t time = store_noted_time(txn);
    kv_end(txn);
    return time;
}

/* ---- what a start costs ---- */

/* Rows that are read from when the store is opened until there is nothing left to do. */
static unsigned start_costs(unsigned sessions, int64_t set_back, unsigned connections)
{
    void *state;
    set_up(&state);
    struct rpc_fixture *fixture = state;
    fill(fixture, sessions);
    storebox_close(&fixture->box);
    now -= set_back;
    rows_read = 0;
    start(fixture, connections);
    run(fixture);
    unsigned costs = rows_read;
    crash(fixture);
    tear_down(&state);
    return costs;
}

/* However many sleep. */
static void start_reads_what_is_due(void **state)
{
    (void)state;
    unsigned few = start_costs(FEW, 0, 2 * DUE);
    assert_true(few > 0);
    assert_int_equal(start_costs(MANY, 0, 2 * DUE), few);
}

static void set_back_by_minutes(void **state)
{
    (void)state;
    unsigned few = start_costs(FEW, 20 * MINUTE, 2 * DUE);
    assert_true(few > 0);
    assert_int_equal(start_costs(MANY, 20 * MINUTE, 2 * DUE), few);
}

/* Then all who sleep for long are gone over, a piece at a time; the next start is as any other. */
static void set_back_by_a_year(void **state)
{
    struct rpc_fixture *fixture = *state;
    unsigned sure = start_costs(MANY, 0, NO_ROOM);
    fill(fixture, MANY);
    now -= YEAR;
    start(fixture, NO_ROOM);
    for (unsigned before = rows_read; go_round(fixture); before = rows_read)
        assert_in_range(rows_read - before, 0, MANY / 2);
    assert_nobody_oversleeps(fixture);
    crash(fixture);
    rows_read = 0;
    start(fixture, NO_ROOM);
    run(fixture);
    assert_int_equal(rows_read, sure);
    crash(fixture);
}

/* ---- a clock that was set back ---- */

/* A crash after any time around the loop: who was not gone over yet is not forgotten. */
static void crash_in_the_middle(void **state)
{
    struct rpc_fixture *fixture = *state;
    unsigned rounds = 0;
    fill(fixture, MANY / 2);
    now -= YEAR;
    for (bool more = true; more; crash(fixture)) {
        start(fixture, NO_ROOM);
        rounds++;
        for (unsigned i = 0; i < rounds && more; i++)
            more = go_round(fixture);
        if (noted(fixture) <= now + HOUR)
            assert_nobody_oversleeps(fixture);
    }
    assert_true(rounds > 3);
    storebox_open(&fixture->box, 0);
    assert_true(noted(fixture) == now);
    assert_nobody_oversleeps(fixture);
}

static void set_back_while_it_runs(void **state)
{
    struct rpc_fixture *fixture = *state;
    fill(fixture, FEW);
    start(fixture, NO_ROOM);
    run(fixture);
    now -= YEAR;
    scheduler_look(fixture->scheduler);
    run(fixture);
    assert_nobody_oversleeps(fixture);
    crash(fixture);
}

static void set_back_bit_by_bit(void **state)
{
    struct rpc_fixture *fixture = *state;
    fill(fixture, FEW);
    start(fixture, NO_ROOM);
    for (int64_t start = now; now > start - DAY;) {
        now -= 30 * MINUTE;
        scheduler_look(fixture->scheduler);
        run(fixture);
    }
    assert_nobody_oversleeps(fixture);
    crash(fixture);
}

/* After so many times around the loop. */
static void set_back_after(unsigned rounds)
{
    void *state;
    set_up(&state);
    struct rpc_fixture *fixture = state;
    fill(fixture, MANY / 10);
    now -= 2 * HOUR;
    start(fixture, NO_ROOM);
    for (unsigned i = 0; i < rounds; i++)
        go_round(fixture);
    now -= YEAR;
    scheduler_look(fixture->scheduler);
    run(fixture);
    assert_nobody_oversleeps(fixture);
    assert_true(noted(fixture) == now);
    crash(fixture);
    tear_down(&state);
}

/* Who did not oversleep when the round came by does now. */
static void set_back_in_a_round(void **state)
{
    (void)state;
    for (unsigned rounds = 0; rounds < 10; rounds++)
        set_back_after(rounds);
}

/* It would be at the relay again at once after a crash, wherever the clock was when it went. */
static void set_back_on_a_visit(void **state)
{
    struct rpc_fixture *fixture = *state;
    unsigned active, held;
    fill(fixture, DUE);
    start(fixture, DUE);
    run(fixture);
    turn_count(fixture->turns, &active, &held);
    assert_int_equal(active, DUE);
    now -= YEAR;
    scheduler_look(fixture->scheduler);
    run(fixture);
    turn_count(fixture->turns, &active, &held);
    assert_int_equal(active, DUE);
    assert_nobody_oversleeps(fixture);
    crash(fixture);
}

/* A relay is down for long, and somebody has mended the way to it: nobody waits for its next try.
 */
static void hurried(void **state)
{
    struct rpc_fixture *fixture = *state;
    unsigned active, held;
    fill(fixture, DUE);
    start(fixture, DUE);
    struct session *session = dweller(0);
    struct relay *relay = relays_get(fixture->relays, session->relay);
    session_free(session);
    for (int i = 0; i < 8; i++)
        relay_unreachable(relay, "its certificate is from an unknown authority", now);
    run(fixture);
    turn_count(fixture->turns, &active, &held);
    assert_int_equal(active, 0);
    scheduler_hurry(fixture->scheduler);
    run(fixture);
    turn_count(fixture->turns, &active, &held);
    assert_int_equal(active, DUE);
    assert_int_equal(relay->failures, 0);
    crash(fixture);
}

/* A relay had cost what it may, and the limit was raised: nobody waits for it to wear off. */
static void relieved(void **state)
{
    struct rpc_fixture *fixture = *state;
    unsigned active, held;
    const struct relays_limits low = {.hashcash_per_hour = 1 << 20},
                               lower = {.hashcash_per_hour = 1},
                               high = {.hashcash_per_hour = 1 << 24}, none = {0};
    fill(fixture, DUE);
    start(fixture, DUE);
    relays_limit(fixture->relays, &low);
    struct session *session = dweller(0);
    struct relay *relay = relays_get(fixture->relays, session->relay);
    session_free(session);
    assert_false(relay_pays(relay, 24, now));
    run(fixture);
    relays_limit(fixture->relays, &lower);
    scheduler_hurry(fixture->scheduler);
    run(fixture);
    turn_count(fixture->turns, &active, &held);
    assert_int_equal(active, 0);
    assert_string_equal(relay_trouble(relay, now), relay_too_dear);
    relays_limit(fixture->relays, &high);
    scheduler_hurry(fixture->scheduler);
    run(fixture);
    turn_count(fixture->turns, &active, &held);
    assert_int_equal(active, DUE);
    assert_null(relay_trouble(relay, now));
    assert_true(relay_pays(relay, 24, now));
    assert_int_equal(relays_hurry_all(fixture->relays), 0);
    assert_false(relay_pays(relay, 24, now));
    relays_limit(fixture->relays, &none);
    assert_int_not_equal(relays_hurry_all(fixture->relays), 0);
    assert_true(relay_pays(relay, 24, now));
    crash(fixture);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_reads_what_is_due),
        cmocka_unit_test(set_back_by_minutes),
        TEST(set_back_by_a_year),
        TEST(crash_in_the_middle),
        TEST(set_back_while_it_runs),
        TEST(set_back_bit_by_bit),
        cmocka_unit_test(set_back_in_a_round),
        TEST(set_back_on_a_visit),
        TEST(hurried),
        TEST(relieved),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
