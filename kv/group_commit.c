#include "config.h"

#include "kv/group_commit.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
/* Running out of memory is an answer, not the end. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/timer.h"

/* What an operation counts besides its room, and what a turn may take before the next one is
 * served: some dozen small operations, or a share of a large one. */
#define OP_COST   ((size_t)4 * 1024)
#define TURN_COST ((size_t)256 * 1024)

/* First in, first out. Zeroed, it is empty. */
struct op_queue {
    struct group_op *first, *last;
};

/* The operations of one turn, as long as there are any. (Deficit round robin: Shreedhar and
 * Varghese, 1995.) */
struct op_turn {
    uint64_t number;
    struct op_queue queue;
    size_t credit;
    struct op_turn *prev, *next; /* among those with operations; the first is served */
    UT_hash_handle hh;
};

struct group_commit {
    struct kv *store;
    const struct group_methods *methods;
    void *arg;
    struct group_limits limits;
    struct event *runner;
    unsigned
        ops; /* of a batch at most: fewer after one that failed, soon as many as the limit again */
    bool running;
    struct op_queue
        returned; /* from a batch that was full, or failed: they are the first of the next */
    struct op_turn *turns;  /* a hash table … */
    struct op_turn *served; /* … and the same ones as a list */
    struct op_turn rest;    /* of all for whose turn there was no memory; in the list only */
    size_t queued_room;     /* of all that are queued */
    struct group_counts counts;

    /* Operations by their waiter, from when they are queued until they are answered. */
    struct group_op **waiters;
    size_t buckets; /* a power of two */
    size_t waiting;
};

/* ---- queues ---- */

static void put_last(struct op_queue *queue, struct group_op *op)
{
    op->next = NULL;
    if (queue->first == NULL)
        queue->first = op;
    else
        queue->last->next = op;
    queue->last = op;
}

static struct group_op *take_first(struct op_queue *queue)
{
    struct group_op *op = queue->first;
    if (op != NULL)
        queue->first = op->next;
    return op;
}

/* Moves all of them, and keeps their order. */
static void put_first(struct op_queue *queue, const struct op_queue *ops)
{
    if (ops->first == NULL)
        return;
    ops->last->next = queue->first;
    if (queue->first == NULL)
        queue->last = ops->last;
    queue->first = ops->first;
}

/* Cuts the queue after `last`; the rest comes before all else that is queued. */
static void put_back(struct group_commit *group, struct op_queue *batch, struct group_op *last)
{
    struct op_queue rest = {last->next, batch->last};
    for (struct group_op *op = rest.first; op != NULL; op = op->next)
        group->queued_room += op->room;
    put_first(&group->returned, &rest);
    last->next = NULL;
    batch->last = last;
}

/* ---- turns ---- */

/* What went to `rest` must be done before what follows it, so everything new goes there too until
 * it is done. */
static struct op_turn *turn_of(struct group_commit *group, uint64_t number)
{
    struct op_turn *turn;
    HASH_FIND(hh, group->turns, &number, sizeof(number), turn);
    if (turn != NULL)
        return turn;
    turn = group->rest.queue.first == NULL ? calloc(1, sizeof(*turn)) : NULL;
    if (turn == NULL)
        return &group->rest;
    turn->number = number;
    HASH_ADD(hh, group->turns, number, sizeof(turn->number), turn);
    if (turn->hh.tbl != NULL)
        return turn;
    free(turn);
    return &group->rest;
}

static void put_in_turn(struct group_commit *group, struct group_op *op)
{
    struct op_turn *turn = turn_of(group, op->turn);
    if (turn->queue.first == NULL)
        DL_APPEND(group->served, turn);
    put_last(&turn->queue, op);
    group->queued_room += op->room;
}

static void end_turn(struct group_commit *group, struct op_turn *turn)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the first of several has a next one */
    DL_DELETE(group->served, turn);
    turn->credit = 0;
    if (turn == &group->rest)
        return;
    HASH_DEL(group->turns, turn);
    free(turn);
}

/* The next operation, or NULL. A turn that has used up its credit makes way for the others. */
static struct group_op *take_next(struct group_commit *group)
{
    struct group_op *op = take_first(&group->returned);
    struct op_turn *turn;
    while (op == NULL && (turn = group->served) != NULL) {
        size_t cost = OP_COST + turn->queue.first->room;
        if (turn->credit < cost && turn->next != NULL) {
            turn->credit += TURN_COST;
            DL_DELETE(group->served, turn);
            DL_APPEND(group->served, turn);
            continue;
        }
        turn->credit = turn->credit > cost ? turn->credit - cost : 0;
        op = take_first(&turn->queue);
        if (turn->queue.first == NULL)
            end_turn(group, turn);
    }
    if (op != NULL)
        group->queued_room -= op->room;
    return op;
}

static bool is_empty(const struct group_commit *group)
{
    return group->returned.first == NULL && group->served == NULL;
}

/* ---- the index of waiters ---- */

#define BUCKETS_FIRST 64

static struct group_op **bucket_of(struct group_op **waiters, size_t buckets, const void *waiter)
{
    uint64_t hash = (uint64_t)(uintptr_t)waiter * UINT64_C(0x9e3779b97f4a7c15);
    return &waiters[(hash >> 32) & (buckets - 1)];
}

static void index_op(struct group_op **bucket, struct group_op *op)
{
    op->waiter_this = bucket;
    op->waiter_next = *bucket;
    if (*bucket != NULL)
        (*bucket)->waiter_this = &op->waiter_next;
    *bucket = op;
}

/* If memory is short, the chains only grow longer. */
static void double_buckets(struct group_commit *group)
{
    struct group_op **wider = calloc(2 * group->buckets, sizeof(struct group_op *));
    if (wider == NULL)
        return;
    for (size_t i = 0; i < group->buckets; i++) {
        struct group_op *op, *next;
        for (op = group->waiters[i]; op != NULL; op = next) {
            next = op->waiter_next;
            index_op(bucket_of(wider, 2 * group->buckets, op->waiter), op);
        }
    }
    free(group->waiters);
    group->waiters = wider;
    group->buckets *= 2;
}

static void remove_waiter(struct group_commit *group, struct group_op *op)
{
    if (op->waiter_this == NULL)
        return;
    *op->waiter_this = op->waiter_next;
    if (op->waiter_next != NULL)
        op->waiter_next->waiter_this = op->waiter_this;
    op->waiter_this = NULL;
    group->waiting--;
}

void group_commit_forget(struct group_commit *group, const void *waiter)
{
    struct group_op *op, *next;
    for (op = *bucket_of(group->waiters, group->buckets, waiter); op != NULL; op = next) {
        next = op->waiter_next;
        if (op->waiter != waiter)
            continue;
        op->forgotten = true;
        remove_waiter(group, op);
    }
}

static void forget_queue(struct group_commit *group, const struct op_queue *queue)
{
    for (struct group_op *op = queue->first; op != NULL; op = op->next) {
        op->forgotten = true;
        remove_waiter(group, op);
    }
}

void group_commit_forget_all(struct group_commit *group)
{
    struct op_turn *turn;
    forget_queue(group, &group->returned);
    DL_FOREACH(group->served, turn)
    {
        forget_queue(group, &turn->queue);
    }
}

/* ---- one transaction ---- */

/* A disk that is busy for a moment does not change what is usual much. */
#define USUAL_OF 8

static void count_commit(struct group_counts *counts, uint64_t took)
{
    counts->usual =
        counts->commits == 0 ? took : (counts->usual * (USUAL_OF - 1) + took) / USUAL_OF;
    counts->commits++;
    counts->microseconds += took;
}

static enum kv_status commit(struct group_commit *group, struct kv_txn *txn)
{
    int64_t began = clock_monotonic_us();
    enum kv_status status = kv_commit(txn);
    if (status == KV_OK)
        count_commit(&group->counts, (uint64_t)(clock_monotonic_us() - began));
    return status;
}

/* Ends the transaction, by a commit or without. */
static enum kv_status end_batch(struct group_commit *group, struct group_batch *batch, size_t room)
{
    enum kv_status status = kv_txn_status(batch->txn);
    if (status == KV_OK && batch->no_memory)
        status = KV_MEMORY;
    if (status == KV_OK && batch->grown && room == 0)
        status = KV_FULL;
    if (status == KV_OK && batch->written)
        return commit(group, batch->txn);
    kv_end(batch->txn);
    return status;
}

/* Makes all operations durable, or none; those for whose answers there is no room left go back to
 * the queue. `room`: bytes of new data that may be added; 0: none may. */
static enum kv_status attempt(struct group_commit *group, struct op_queue *ops, size_t room,
                              struct group_batch *ret_batch)
{
    const struct group_methods *methods = group->methods;
    struct group_batch batch = {.txn = kv_write(group->store, room), .first = ops->first};
    int64_t end = group->limits.run > 0 ? clock_monotonic_us() + group->limits.run : INT64_MAX;
    for (struct group_op *op = ops->first; op != NULL; op = op->next) {
        methods->run(group->arg, &batch, op);
        /* Not when it has failed: it did not because of the last one that ran. */
        if ((batch.held >= group->limits.held || clock_monotonic_us() >= end) &&
            kv_txn_status(batch.txn) == KV_OK)
            put_back(group, ops, op);
    }
    if (methods->complete != NULL)
        methods->complete(group->arg, &batch);
    FAULT_POINT("group.commit.before");
    enum kv_status status = end_batch(group, &batch, room);
    FAULT_POINT("group.commit.after");
    batch.txn = NULL;
    if (status != KV_OK && methods->undo != NULL)
        methods->undo(group->arg, &batch, status);
    *ret_batch = batch;
    return status;
}

/* ---- after it ---- */

static void answer_all(struct group_commit *group, struct op_queue *ops)
{
    struct group_op *op;
    while ((op = take_first(ops)) != NULL) {
        remove_waiter(group, op);
        group->methods->answer(group->arg, op);
        group->methods->free(op);
    }
}

static void publish(struct group_commit *group, struct op_queue *ops,
                    const struct group_batch *batch)
{
    const struct group_methods *methods = group->methods;
    if (methods->publish != NULL)
        methods->publish(group->arg, batch);
    answer_all(group, ops);
    if (methods->settle != NULL)
        methods->settle(group->arg);
}

static void fail(struct group_commit *group, struct group_op *op, enum kv_status status)
{
    struct op_queue alone = {0};
    put_last(&alone, op);
    group->methods->reset(op);
    group->methods->fail(op, status);
    answer_all(group, &alone);
}

static enum kv_status try_batch(struct group_commit *group, struct op_queue *ops, size_t room)
{
    struct group_batch batch;
    enum kv_status status = attempt(group, ops, room, &batch);
    if (status == KV_OK)
        publish(group, ops, &batch);
    return status;
}

/* What spoiled the batch is among fewer in the next one, and fails when it is alone. */
static void divide(struct group_commit *group, struct op_queue *ops)
{
    struct op_queue again = {0};
    struct group_op *op;
    unsigned count = 0;
    while ((op = take_first(ops)) != NULL) {
        if (group->methods->worth_retry != NULL && !group->methods->worth_retry(op)) {
            remove_waiter(group, op);
            group->methods->free(op);
            continue;
        }
        group->methods->reset(op);
        group->queued_room += op->room;
        put_last(&again, op);
        count++;
    }
    put_first(&group->returned, &again);
    group->ops = count > 1 ? count / 2 : 1;
}

/* ---- batches ---- */

static void run_batch(struct group_commit *group)
{
    struct op_queue ops = {0};
    struct group_op *op;
    size_t room = 0;
    /* What comes now does not share the fate of what has failed. */
    bool again = group->ops < group->limits.ops && group->returned.first != NULL;
    for (unsigned i = 0;
         i < group->ops && room < group->limits.room &&
         (!again || i == 0 || group->returned.first != NULL) && (op = take_next(group)) != NULL;
         i++) {
        room += op->room;
        put_last(&ops, op);
    }
    if (ops.first == NULL)
        return;
    group->running = true;
    enum kv_status status = try_batch(group, &ops, room);
    if (status == KV_OK) {
        group->ops = group->ops < group->limits.ops / 2 ? 2 * group->ops : group->limits.ops;
    } else if (ops.first->next != NULL) {
        divide(group, &ops);
    } else {
        op = ops.first;
        if (status == KV_FULL && op->room > 0 && op->may_not_grow) {
            group->methods->reset(op);
            status = try_batch(group, &ops, 0);
        }
        if (status != KV_OK)
            fail(group, op, status);
    }
    group->running = false;
}

static void on_run(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval at_once = {0, 0};
    struct group_commit *group = arg;
    (void)fd;
    (void)what;
    if (is_empty(group)) /* what was patient left with others */
        return;
    run_batch(group);
    /* By a timer: an event activated now would run before the sockets are checked again. */
    if (!is_empty(group) && event_add(group->runner, &at_once) != 0)
        event_active(group->runner, EV_TIMEOUT, 0);
}

static void start(struct group_commit *group, int patience)
{
    if (patience > 0) {
        struct timeval wait = timer_interval(patience);
        if (event_pending(group->runner, EV_TIMEOUT, NULL) || event_add(group->runner, &wait) == 0)
            return;
    }
    event_active(group->runner, EV_TIMEOUT, 0);
}

void group_commit_add(struct group_commit *group, struct group_op *op)
{
    op->forgotten = false;
    op->waiter_this = NULL;
    put_in_turn(group, op);
    if (op->waiter != NULL) {
        if (group->waiting == group->buckets)
            double_buckets(group);
        index_op(bucket_of(group->waiters, group->buckets, op->waiter), op);
        group->waiting++;
    }
    if (!group->running)
        start(group, op->patience);
}

void group_commit_flush(struct group_commit *group)
{
    assert(!group->running);
    while (!is_empty(group))
        run_batch(group);
}

size_t group_commit_queued(const struct group_commit *group)
{
    return group->queued_room;
}

struct group_counts group_commit_counts(const struct group_commit *group)
{
    return group->counts;
}

/* ---- life ---- */

struct group_commit *group_commit_new(struct event_base *base, struct kv *store,
                                      const struct group_methods *methods, void *arg,
                                      const struct group_limits *limits)
{
    struct group_commit *group = calloc(1, sizeof(*group));
    if (group == NULL)
        return NULL;
    *group = (struct group_commit){.store = store,
                                   .methods = methods,
                                   .arg = arg,
                                   .limits = *limits,
                                   .ops = limits->ops,
                                   .buckets = BUCKETS_FIRST};
    group->waiters = calloc(BUCKETS_FIRST, sizeof(struct group_op *));
    group->runner = evtimer_new(base, on_run, group);
    if (group->waiters != NULL && group->runner != NULL)
        return group;
    group_commit_free(group);
    return NULL;
}

void group_commit_free(struct group_commit *group)
{
    struct group_op *op;
    if (group == NULL)
        return;
    while ((op = take_next(group)) != NULL)
        group->methods->free(op);
    if (group->runner != NULL)
        event_free(group->runner);
    free(group->waiters);
    free(group);
}
