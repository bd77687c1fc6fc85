#include "config.h"

#include "base/worker.h"

#include <assert.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

/* How long worker_free() waits for jobs that were told to stop, ms. Hashing needs a few. */
#define END_PATIENCE_MS 500

struct worker_job {
    struct worker *worker;
    const struct worker_task *task;
    void *data;
    bool begun; /* guarded by the worker's mutex */
    atomic_bool stop;
    struct worker_job *prev, *next;
};

struct worker_thread {
    pthread_t id;
    bool exists;  /* the loop's: must be joined */
    bool working; /* guarded */
    struct worker *worker;
};

/* The mutex guards what is marked as guarded; everything else is the loop's. */
struct worker {
    unsigned threads_max, queue_max;
    unsigned pending;   /* jobs that the loop waits for */
    int bell;           /* an eventfd: wakes the loop when a job is done */
    struct event *rung; /* added while jobs are pending */
    struct worker_thread threads[WORKER_THREADS_MAX];

    pthread_mutex_t mutex;
    pthread_cond_t left;                          /* a thread has ended */
    unsigned working;                             /* guarded: threads that have not ended */
    unsigned unfinished;                          /* guarded: jobs that wait or are being done */
    struct worker_job *waiting, *running, *ended; /* guarded */
    bool abandoned; /* guarded: the loop has gone; the last thread frees the worker */
};

static void job_free(struct worker_job *job)
{
    job->task->free(job->data);
    free(job);
}

static void jobs_free(struct worker_job **list)
{
    struct worker_job *job, *next;

    DL_FOREACH_SAFE(*list, job, next)
    {
        DL_DELETE(*list, job);
        job_free(job);
    }
}

/* The threads have ended, and so has the loop's part. */
static void destroy(struct worker *worker)
{
    jobs_free(&worker->ended);
    if (worker->bell >= 0)
        close(worker->bell);
    pthread_cond_destroy(&worker->left);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

/* ---- a thread ---- */

static void *run_all(void *arg)
{
    struct worker_thread *thread = arg;
    struct worker *worker = thread->worker;

    pthread_mutex_lock(&worker->mutex);
    while (worker->waiting != NULL) {
        struct worker_job *job = worker->waiting;

        DL_DELETE(worker->waiting, job);
        DL_APPEND(worker->running, job);
        job->begun = true;
        pthread_mutex_unlock(&worker->mutex);
        job->task->run(job->data, &job->stop);
        pthread_mutex_lock(&worker->mutex);
        worker->unfinished--;
        DL_DELETE(worker->running, job);
        DL_APPEND(worker->ended, job);
        eventfd_write(worker->bell, 1);
    }
    thread->working = false;
    bool last = --worker->working == 0 && worker->abandoned;
    pthread_cond_signal(&worker->left);
    pthread_mutex_unlock(&worker->mutex);
    if (last)
        destroy(worker);
    return NULL;
}

/* ---- the loop ---- */

static void on_rung(evutil_socket_t fd, short what, void *arg)
{
    struct worker *worker = arg;
    struct worker_job *ended, *job, *next;
    eventfd_t count;

    (void)what;
    eventfd_read(fd, &count);
    pthread_mutex_lock(&worker->mutex);
    ended = worker->ended;
    worker->ended = NULL;
    pthread_mutex_unlock(&worker->mutex);
    DL_FOREACH(ended, job)
    {
        worker->pending--;
    }
    if (worker->pending == 0)
        event_del(worker->rung);
    DL_FOREACH_SAFE(ended, job, next)
    {
        if (!atomic_load(&job->stop))
            job->task->done(job->data);
        job_free(job);
    }
}

/* The mutex is held. True if some thread will get to the last job. */
static bool provide_thread(struct worker *worker)
{
    struct worker_thread *thread = worker->threads;
    sigset_t all, old;

    if (worker->working == worker->threads_max)
        return true;
    while (thread->working)
        thread++;
    if (thread->exists)
        pthread_join(thread->id, NULL); /* it has announced its end */
    thread->worker = worker;
    /* Signals are left to the main thread. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    thread->exists = pthread_create(&thread->id, NULL, run_all, thread) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (thread->exists) {
        thread->working = true;
        worker->working++;
    }
    return worker->working > 0;
}

struct worker_job *worker_start(struct worker *worker, const struct worker_task *task, void *data)
{
    struct worker_job *job = calloc(1, sizeof(*job));
    bool queued = false;

    if (job == NULL)
        return NULL;
    *job = (struct worker_job){.worker = worker, .task = task, .data = data};
    if (worker->pending == 0 && event_add(worker->rung, NULL) < 0) {
        free(job);
        return NULL;
    }
    pthread_mutex_lock(&worker->mutex);
    if (worker->unfinished < worker->threads_max + worker->queue_max) {
        DL_APPEND(worker->waiting, job);
        queued = provide_thread(worker);
        if (queued)
            worker->unfinished++;
        else
            DL_DELETE(worker->waiting, job);
    }
    pthread_mutex_unlock(&worker->mutex);
    if (!queued) {
        if (worker->pending == 0)
            event_del(worker->rung);
        free(job);
        return NULL;
    }
    worker->pending++;
    return job;
}

void worker_cancel(struct worker_job *job)
{
    if (job == NULL)
        return;
    struct worker *worker = job->worker;

    atomic_store(&job->stop, true);
    pthread_mutex_lock(&worker->mutex);
    bool begun = job->begun;
    if (!begun) {
        DL_DELETE(worker->waiting, job);
        worker->unfinished--;
    }
    pthread_mutex_unlock(&worker->mutex);
    if (begun)
        return;
    job_free(job);
    if (--worker->pending == 0)
        event_del(worker->rung);
}

bool worker_has_begun(const struct worker_job *job)
{
    pthread_mutex_lock(&job->worker->mutex);
    bool begun = job->begun;
    pthread_mutex_unlock(&job->worker->mutex);
    return begun;
}

/* ---- its life ---- */

struct worker *worker_new(struct event_base *base, unsigned threads, unsigned queue)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    pthread_condattr_t attributes;

    assert(threads > 0 && threads <= WORKER_THREADS_MAX);
    if (worker == NULL)
        return NULL;
    worker->threads_max = threads;
    worker->queue_max = queue;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->left, &attributes);
    pthread_condattr_destroy(&attributes);
    worker->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (worker->bell >= 0)
        worker->rung = event_new(base, worker->bell, EV_READ | EV_PERSIST, on_rung, worker);
    if (worker->rung == NULL) {
        destroy(worker);
        return NULL;
    }
    return worker;
}

void worker_free(struct worker *worker)
{
    struct timespec deadline;
    struct worker_job *job;

    if (worker == NULL)
        return;
    event_free(worker->rung);
    pthread_mutex_lock(&worker->mutex);
    jobs_free(&worker->waiting);

    /* Tell the jobs to stop, and wait for those that check. */
    DL_FOREACH(worker->running, job)
    {
        atomic_store(&job->stop, true);
    }
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_nsec += END_PATIENCE_MS * 1000000L;
    deadline.tv_sec += deadline.tv_nsec / 1000000000L;
    deadline.tv_nsec %= 1000000000L;
    while (worker->working > 0 &&
           pthread_cond_timedwait(&worker->left, &worker->mutex, &deadline) == 0)
        ;

    for (unsigned i = 0; i < worker->threads_max; i++) {
        struct worker_thread *thread = &worker->threads[i];

        if (thread->exists && thread->working)
            pthread_detach(thread->id);
        else if (thread->exists)
            pthread_join(thread->id, NULL);
    }
    worker->abandoned = worker->working > 0;
    bool abandoned = worker->abandoned;
    pthread_mutex_unlock(&worker->mutex);
    if (!abandoned)
        destroy(worker);
}
