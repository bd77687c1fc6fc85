/* Jobs in threads: their results come in the event loop and are whole, as many run at a time as
 * may, and nobody waits for those that nobody wants. To be run with ThreadSanitizer, too (.ci/run).
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/worker.h"

/* Jobs in threads wait here until the test opens the gate. */
static struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open;       /* all guarded */
    unsigned inside; /* jobs that were begun and have not ended */
    unsigned most;   /* … at a time */
} gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

struct scene {
    struct event_base *base;
    struct worker *worker;
    unsigned done; /* told by done() … */
    unsigned order[64];
};

struct task_data {
    struct scene *scene;
    unsigned number;
    uint64_t result;
    atomic_bool *stopped; /* NULL, or true once it saw `stop` */
};

static atomic_uint freed; /* written by those who hold the gate's mutex */

/* So many threads can be made; then there are none. */
static unsigned threads_left = 1000;

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *arg)
{
    if (threads_left == 0)
        return EAGAIN;
    threads_left--;
    return __real_pthread_create(thread, attributes, start, arg);
}

static void set_gate(bool open)
{
    pthread_mutex_lock(&gate.mutex);
    gate.open = open;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
}

/* So many jobs stand at the gate. */
static void await_inside(unsigned count)
{
    pthread_mutex_lock(&gate.mutex);
    while (gate.inside != count)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
}

static void run_at_gate(void *data, const atomic_bool *stop)
{
    struct task_data *task = data;

    (void)stop;
    pthread_mutex_lock(&gate.mutex);
    gate.inside++;
    if (gate.inside > gate.most)
        gate.most = gate.inside;
    pthread_cond_broadcast(&gate.changed);
    while (!gate.open)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    gate.inside--;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
    task->result = (uint64_t)task->number * task->number;
}

static void run_until_stopped(void *data, const atomic_bool *stop)
{
    struct task_data *task = data;

    while (!atomic_load(stop))
        ;
    if (task->stopped != NULL)
        atomic_store(task->stopped, true);
}

static void run_with_signals_blocked(void *data, const atomic_bool *stop)
{
    struct task_data *task = data;
    sigset_t blocked;

    (void)stop;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    task->result = task->number * task->number * (uint64_t)(sigismember(&blocked, SIGTERM) == 1);
}

static void done(void *data)
{
    struct task_data *task = data;

    assert_int_equal(task->result, (uint64_t)task->number * task->number);
    task->scene->order[task->scene->done++] = task->number;
}

static void free_data(void *data)
{
    free(data);
    pthread_mutex_lock(&gate.mutex);
    freed++;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
}

static const struct worker_task at_gate = {run_at_gate, done, free_data};
static const struct worker_task until_stopped = {run_until_stopped, done, free_data};
static const struct worker_task signals = {run_with_signals_blocked, done, free_data};

static void scene_begin(struct scene *scene, unsigned threads, unsigned queue)
{
    *scene = (struct scene){.base = event_base_new()};
    scene->worker = worker_new(scene->base, threads, queue);
    assert_non_null(scene->worker);
    freed = 0;
    gate.open = false;
    gate.most = 0;
    threads_left = 1000;
}

static void scene_end(struct scene *scene)
{
    worker_free(scene->worker);
    event_base_free(scene->base);
}

static struct worker_job *start(struct scene *scene, const struct worker_task *task,
                                unsigned number)
{
    struct task_data *data = calloc(1, sizeof(*data));

    data->scene = scene;
    data->number = number;
    struct worker_job *job = worker_start(scene->worker, task, data);
    if (job == NULL)
        free(data);
    return job;
}

static void await_done(struct scene *scene, unsigned count)
{
    while (scene->done < count)
        event_base_loop(scene->base, EVLOOP_ONCE);
    assert_int_equal(scene->done, count);
}

/* Some at a time, in their order, and from the event loop only. */
static void test_bounds(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, 3, 4);
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(start(&scene, &at_gate, i));
    await_inside(3);
    for (unsigned i = 3; i < 7; i++)
        assert_non_null(start(&scene, &at_gate, i));
    assert_null(start(&scene, &at_gate, 7)); /* the queue is full */
    assert_int_equal(scene.done, 0);
    set_gate(true);
    await_done(&scene, 7);
    assert_int_equal(gate.most, 3);
    assert_int_equal(freed, 7);
    assert_int_equal(event_base_loop(scene.base, EVLOOP_ONCE), 1); /* nothing is waited for */
    scene_end(&scene);
}

static void test_order(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, 1, 60);
    set_gate(true);
    for (unsigned round = 0; round < 3; round++) {
        scene.done = 0;
        for (unsigned i = 0; i < 20; i++)
            assert_non_null(start(&scene, &at_gate, i));
        await_done(&scene, 20);
        for (unsigned i = 0; i < 20; i++)
            assert_int_equal(scene.order[i], i);
    }
    scene_end(&scene);
}

static void test_signals(void **state)
{
    struct scene scene;
    sigset_t before, after;

    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    scene_begin(&scene, 1, 1);
    assert_non_null(start(&scene, &signals, 3));
    await_done(&scene, 1);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
    scene_end(&scene);
}

static void test_cancel(void **state)
{
    struct scene scene;
    struct worker_job *jobs[4];

    (void)state;
    scene_begin(&scene, 1, 4);
    for (unsigned i = 0; i < 4; i++)
        jobs[i] = start(&scene, &at_gate, i);
    await_inside(1);
    assert_true(worker_has_begun(jobs[0]));
    assert_false(worker_has_begun(jobs[1]));
    worker_cancel(jobs[1]); /* not begun: at once */
    assert_int_equal(freed, 1);
    worker_cancel(jobs[0]); /* begun: later */
    worker_cancel(NULL);
    assert_int_equal(freed, 1);
    set_gate(true);
    await_done(&scene, 2);
    assert_int_equal(scene.order[0], 2);
    assert_int_equal(scene.order[1], 3);
    assert_int_equal(freed, 4);
    /* The last one of all leaves nothing to wait for either. */
    set_gate(false);
    jobs[0] = start(&scene, &at_gate, 0);
    jobs[1] = start(&scene, &at_gate, 1);
    worker_cancel(jobs[1]);
    worker_cancel(jobs[0]);
    set_gate(true);
    while (event_base_loop(scene.base, EVLOOP_ONCE) == 0)
        ;
    assert_int_equal(scene.done, 2);
    assert_int_equal(freed, 6);
    scene_end(&scene);
}

/* The end stops what can be stopped, and is not kept by what cannot: that frees itself later. */
static void test_end(void **state)
{
    struct scene scene;
    struct task_data *data = calloc(1, sizeof(*data));
    atomic_bool stopped = false;

    (void)state;
    scene_begin(&scene, 2, 4);
    data->stopped = &stopped;
    assert_non_null(worker_start(scene.worker, &until_stopped, data));
    assert_non_null(start(&scene, &at_gate, 1));
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(start(&scene, &at_gate, 2 + i));
    await_inside(1);
    scene_end(&scene);
    assert_true(stopped);
    assert_int_equal(scene.done, 0);
    assert_in_range(freed, 3,
                    4); /* all but the one at the gate; the stopped one may be on its way */
    set_gate(true);
    pthread_mutex_lock(&gate.mutex);
    while (freed < 5)
        pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
}

/* Without any thread a job is refused; with too few, it waits its turn. */
static void test_no_threads(void **state)
{
    struct scene scene;

    (void)state;
    scene_begin(&scene, 3, 4);
    set_gate(true);
    threads_left = 0;
    assert_null(start(&scene, &at_gate, 1));
    assert_int_equal(event_base_loop(scene.base, EVLOOP_ONCE), 1);
    threads_left = 1;
    set_gate(false);
    assert_non_null(start(&scene, &at_gate, 1));
    assert_non_null(start(&scene, &at_gate, 2));
    set_gate(true);
    await_done(&scene, 2);
    assert_int_equal(gate.most, 1);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),  cmocka_unit_test(test_order),
        cmocka_unit_test(test_signals), cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_end),     cmocka_unit_test(test_no_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
