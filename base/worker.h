/*
 * Jobs that would block the event loop are done in threads beside it; their results are delivered
 * in the loop. A thread lives as long as jobs are waiting: an idle worker costs nothing.
 */
#ifndef BASE_WORKER_H
#define BASE_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>

struct event_base;
struct worker;
struct worker_job;

/* Most threads of one worker. */
#define WORKER_THREADS_MAX 8

/* What is done with a job's `data`, which the loop and the thread never use at the same time. */
struct worker_task {
    /* In a thread, with all signals blocked. `stop` becomes true when nobody wants the result any
     * more: a long job checks it from time to time. */
    void (*run)(void *data, const atomic_bool *stop);
    /* In the event loop, once, unless the job was cancelled. Borrows `data`. */
    void (*done)(void *data);
    /* The last call for each job: in the event loop or, after worker_free(), in the thread, so it
     * may use nothing but `data`. */
    void (*free)(void *data);
};

/* At most `threads` (up to WORKER_THREADS_MAX) jobs run at the same time, begun in the order in
 * which they came; at most `queue` others wait. New: worker_free() it. NULL when out of memory or
 * file descriptors. */
struct worker *worker_new(struct event_base *base, unsigned threads, unsigned queue);

/*
 * Cancels all jobs, and waits at most half a second for those that check `stop`. A thread that does
 * not return, because a system call keeps it, is left behind: when it does return, it frees its
 * job, and what it shared with the others. NULL is fine.
 */
void worker_free(struct worker *worker);

/* Begins a job. `task` is borrowed until task->free(), which owns `data` from now on. The job is
 * borrowed until done() returns, or worker_cancel(). NULL when out of memory, when no thread can be
 * created, or when too many jobs wait: `data` is then still the caller's. */
struct worker_job *worker_start(struct worker *worker, const struct worker_task *task, void *data);

/* The result is no longer wanted: done() will not be called. A job that has not begun is freed by
 * this call; one that is running is freed later. NULL is fine. */
void worker_cancel(struct worker_job *job);

/* True if the job is running or done: cancelling it then saves little. */
bool worker_has_begun(const struct worker_job *job);

#endif
