/* Hashcash for a relay: made beside the event loop, in the order in which it was asked for, and not
 * for those who have gone. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/worker.h"
#include "daemon/hashcash_worker.h"
#include "base/hashcash.h"

struct loop {
    struct event_base *base;
    struct worker *worker;
};

struct stamp {
    struct loop *loop;
    const char *resource;
    int told;
    bool good;
};

static void setup(struct loop *loop)
{
    loop->base = event_base_new();
    loop->worker = hashcash_worker_new(loop->base);
    assert_non_null(loop->worker);
}

static void teardown(struct loop *loop)
{
    worker_free(loop->worker);
    event_base_free(loop->base);
}

static void on_stamp(void *arg, const char *stamp)
{
    struct stamp *wanted = arg;
    wanted->told++;
    wanted->good = stamp != NULL && hashcash_verify(stamp, 8, wanted->resource);
    event_base_loopbreak(wanted->loop->base);
}

/* Until something was told; a run without an end is ended by the tests' harness. */
static void wait_for(struct loop *loop, const struct stamp *stamp)
{
    while (stamp->told == 0)
        event_base_loop(loop->base, EVLOOP_ONCE);
}

static void makes_stamps(void **state)
{
    struct loop loop;
    (void)state;
    setup(&loop);
    struct stamp one = {&loop, "relay/1", 0, false}, two = {&loop, "relay/2", 0, false};
    assert_non_null(hashcash_worker_ask(loop.worker, 8, one.resource, on_stamp, &one));
    assert_non_null(hashcash_worker_ask(loop.worker, 8, two.resource, on_stamp, &two));
    assert_int_equal(one.told, 0); /* never from inside the call */
    wait_for(&loop, &two);
    assert_int_equal(one.told, 1);
    assert_true(one.good);
    assert_true(two.good);
    teardown(&loop);
}

static void refuses_too_much_work(void **state)
{
    struct loop loop;
    (void)state;
    setup(&loop);
    struct stamp stamp = {&loop, "relay", 0, false};
    assert_null(hashcash_worker_ask(loop.worker, HASHCASH_WORKER_BITS_MAX + 1, stamp.resource,
                                    on_stamp, &stamp));
    teardown(&loop);
}

static void tells_what_cannot_be_made(void **state)
{
    struct loop loop;
    (void)state;
    setup(&loop);
    struct stamp stamp = {&loop, "a:b", 0, true};
    assert_non_null(hashcash_worker_ask(loop.worker, 8, stamp.resource, on_stamp, &stamp));
    wait_for(&loop, &stamp);
    assert_false(stamp.good);
    teardown(&loop);
}

/* One that would take seconds stands before one that takes none: cancelled, it makes room and is
 * not told. */
static void cancelled_is_not_told(void **state)
{
    struct loop loop;
    (void)state;
    setup(&loop);
    struct stamp slow = {&loop, "slow", 0, false}, next = {&loop, "next", 0, false};
    struct hashcash_job *job =
        hashcash_worker_ask(loop.worker, HASHCASH_WORKER_BITS_MAX, slow.resource, on_stamp, &slow);
    assert_non_null(hashcash_worker_ask(loop.worker, 8, next.resource, on_stamp, &next));
    hashcash_worker_cancel(job);
    hashcash_worker_cancel(NULL);
    wait_for(&loop, &next);
    assert_int_equal(slow.told, 0);
    assert_true(next.good);
    teardown(&loop);
}

static void freed_while_at_work(void **state)
{
    struct loop loop;
    (void)state;
    setup(&loop);
    struct stamp slow = {&loop, "slow", 0, false};
    hashcash_worker_ask(loop.worker, HASHCASH_WORKER_BITS_MAX, slow.resource, on_stamp, &slow);
    hashcash_worker_ask(loop.worker, HASHCASH_WORKER_BITS_MAX, slow.resource, on_stamp, &slow);
    teardown(&loop);
    assert_int_equal(slow.told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_stamps),
        cmocka_unit_test(refuses_too_much_work),
        cmocka_unit_test(tells_what_cannot_be_made),
        cmocka_unit_test(cancelled_is_not_told),
        cmocka_unit_test(freed_while_at_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
