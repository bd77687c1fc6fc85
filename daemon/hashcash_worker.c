#include "config.h"

#include "daemon/hashcash_worker.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hashcash.h"
#include "base/worker.h"

/* More than there can be visits at a time. */
#define QUEUE_MAX 256

struct hashcash_job {
    struct worker_job *job;
    unsigned bits;
    char *resource;
    int64_t now;
    uint64_t salt;
    hashcash_done done;
    void *arg;
    bool made;
    char stamp[HASHCASH_STAMP_SIZE];
};

static void make_stamp(void *data, const atomic_bool *stop)
{
    struct hashcash_job *job = data;

    job->made = hashcash_solve(job->bits, job->resource, job->now, job->salt, stop, job->stamp) ==
                HASHCASH_OK;
}

static void deliver_stamp(void *data)
{
    struct hashcash_job *job = data;

    job->done(job->arg, job->made ? job->stamp : NULL);
}

static void free_job(void *data)
{
    struct hashcash_job *job = data;

    free(job->resource);
    free(job);
}

static const struct worker_task stamp_task = {
    .run = make_stamp,
    .done = deliver_stamp,
    .free = free_job,
};

struct worker *hashcash_worker_new(struct event_base *base)
{
    return worker_new(base, 1, QUEUE_MAX);
}

struct hashcash_job *hashcash_worker_ask(struct worker *worker, unsigned bits, const char *resource,
                                         hashcash_done done, void *arg)
{
    struct hashcash_job *job = bits <= HASHCASH_WORKER_BITS_MAX ? calloc(1, sizeof(*job)) : NULL;

    if (job == NULL)
        return NULL;
    *job = (struct hashcash_job){.bits = bits,
                                 .resource = strdup(resource),
                                 .now = clock_now(),
                                 .salt = randombytes_random(),
                                 .done = done,
                                 .arg = arg};
    if (job->resource != NULL)
        job->job = worker_start(worker, &stamp_task, job);
    if (job->job != NULL)
        return job;
    free_job(job);
    return NULL;
}

void hashcash_worker_cancel(struct hashcash_job *job)
{
    if (job != NULL)
        worker_cancel(job->job);
}
