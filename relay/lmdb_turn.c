#include "config.h"

#include "relay/lmdb_turn.h"

#include <event2/event.h>

#include "base/clock.h"
#include "base/fault.h"
#include "relay/lmdb_work.h"

/* A turn is to be short, and its dirty pages and answers are in memory; what is beyond waits for
 * the next one. */
#define OPS_MAX     1024
#define BYTES_MAX   ((size_t)32 * 1024 * 1024)
#define ANSWERS_MAX ((size_t)32 * 1024 * 1024)

/* ---- one transaction ---- */

static enum kv_status commit(struct lmdb_turns *turns, struct kv_txn *txn)
{
    int64_t start = clock_monotonic_us();
    FAULT_POINT("relay.commit.before");
    enum kv_status status = kv_commit(txn);
    FAULT_POINT("relay.commit.after");

    if (status == KV_OK) {
        turns->commits++;
        turns->commit_microseconds += (uint64_t)(clock_monotonic_us() - start);
    }
    return status;
}

/* Messages of mailboxes that are gone wait to be deleted. */
static void sweep_soon(struct lmdb_turns *turns)
{
    const struct lmdb_ask nothing = {0};
    struct lmdb_op *sweep = turns->sweeping || turns->ending
                                ? NULL
                                : lmdb_op_new(&lmdb_work_sweep, &nothing, NULL, NULL);
    if (sweep == NULL)
        return; /* Without memory a later turn sees to it. */
    turns->sweeping = true;
    lmdb_queue_add(&turns->queue, sweep);
}

static void run_op(struct lmdb_turns *turns, struct lmdb_change *change, struct lmdb_op *op)
{
    if (op->work == &lmdb_work_sweep)
        turns->sweeping = false;
    op->answer.result = op->work->run(change, op);
}

/* Runs operations until their answers are too large: what is left is taken out of `batch`. */
static void run_ops(struct lmdb_turns *turns, struct lmdb_change *change, struct lmdb_queue *batch,
                    struct lmdb_queue *ret_left)
{
    size_t held = 0;
    struct lmdb_op *op, *last = NULL;

    for (op = batch->first; op != NULL && held < ANSWERS_MAX; op = op->next) {
        run_op(turns, change, op);
        held += op->held;
        last = op;
    }
    if (op == NULL)
        return;
    *ret_left = (struct lmdb_queue){op, batch->last};
    last->next = NULL;
    batch->last = last;
}

/*
 * Makes everything in `batch` durable, or nothing. `room`: bytes of new data that may come; 0: none
 * may. What had no place in this turn goes back to the front of the queue.
 */
static enum kv_status attempt(struct lmdb_turns *turns, struct lmdb_queue *batch, size_t room)
{
    struct lmdb_change change = {
        .txn = kv_write(turns->store, room),
        .limits = &turns->limits,
    };
    struct lmdb_queue left = {0};

    run_ops(turns, &change, batch, &left);
    lmdb_queue_join(&left, &turns->queue);
    turns->queue = left;
    if (room == 0 && change.grown)
        kv_fail(change.txn, KV_FULL);
    bool dead = kv_count(change.txn, ROWS_DEAD) > 0;
    enum kv_status status = kv_txn_status(change.txn);
    if (status == KV_OK && change.written)
        status = commit(turns, change.txn);
    else
        kv_end(change.txn);
    if (status == KV_OK && dead)
        sweep_soon(turns);
    if (status != KV_OK && turns->trouble != NULL)
        turns->trouble(turns->trouble_arg, kv_status_text(status));
    return status;
}

/* ---- by themselves ---- */

static void fail(struct lmdb_op *op, enum kv_status status)
{
    lmdb_op_reset(op);
    op->answer.result = status == KV_FULL ? RELAY_FULL : RELAY_BROKEN;
}

static void attempt_one(struct lmdb_turns *turns, struct lmdb_op *op)
{
    struct lmdb_queue alone = {0};

    lmdb_queue_add(&alone, op);
    lmdb_op_reset(op);
    enum kv_status status = attempt(turns, &alone, op->room);
    if (status == KV_FULL && op->room > 0) {
        lmdb_op_reset(op);
        status = attempt(turns, &alone, 0);
    }
    if (status != KV_OK)
        fail(op, status);
    lmdb_queue_join(&turns->finished, &alone);
}

/* ---- the turn ---- */

static struct lmdb_queue take_batch(struct lmdb_turns *turns, size_t *ret_room)
{
    struct lmdb_queue batch = {0};
    size_t room = 0;

    for (unsigned i = 0; i < OPS_MAX && room < BYTES_MAX && turns->queue.first != NULL; i++) {
        struct lmdb_op *op = lmdb_queue_take(&turns->queue);
        room += op->room;
        lmdb_queue_add(&batch, op);
    }
    *ret_room = room;
    return batch;
}

static void work(struct lmdb_turns *turns)
{
    size_t room;
    struct lmdb_queue batch = take_batch(turns, &room);
    struct lmdb_op *op;

    if (batch.first == NULL)
        return;
    if (attempt(turns, &batch, room) == KV_OK) {
        lmdb_queue_join(&turns->finished, &batch);
        return;
    }
    while ((op = lmdb_queue_take(&batch)) != NULL)
        attempt_one(turns, op);
}

static void tell(struct lmdb_turns *turns)
{
    struct lmdb_op *op;

    /* Whoever is told may forget others that are still in the list, and ask for more. */
    while ((op = lmdb_queue_take(&turns->finished)) != NULL) {
        if (op->work->feeds && op->answer.result == RELAY_DONE && turns->feed != NULL)
            turns->feed(turns->feed_arg, op->who.appid, op->name, &op->message);
        FAULT_POINT("relay.answer.before");
        if (op->done != NULL)
            op->done(op->arg, &op->answer);
        FAULT_POINT("relay.answer.after");
        lmdb_op_free(op);
    }
}

static void run(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval at_once = {0, 0};
    struct lmdb_turns *turns = arg;
    (void)fd;
    (void)what;

    turns->running = true;
    work(turns);
    tell(turns);
    turns->running = false;
    /* A timer, for what is active now would run before the sockets are looked at again. */
    if (turns->queue.first != NULL && event_add(turns->runner, &at_once) != 0)
        event_active(turns->runner, EV_TIMEOUT, 0);
}

/* ---- from outside ---- */

bool lmdb_turn_begin(struct lmdb_turns *turns, struct event_base *base, struct kv *store)
{
    turns->runner = evtimer_new(base, run, turns);
    if (turns->runner == NULL)
        return false;
    turns->store = store;
    /* The first turn looks whether an earlier run has left something to sweep. */
    sweep_soon(turns);
    event_active(turns->runner, EV_TIMEOUT, 0);
    return true;
}

static void forget_all(struct lmdb_queue *queue)
{
    for (struct lmdb_op *op = queue->first; op != NULL; op = op->next)
        op->done = NULL;
}

void lmdb_turn_end(struct lmdb_turns *turns)
{
    struct lmdb_op *op;

    turns->feed = NULL;
    forget_all(&turns->queue);
    turns->ending = true; /* what is to be swept can wait for the next start */
    while (turns->queue.first != NULL)
        work(turns);
    while ((op = lmdb_queue_take(&turns->finished)) != NULL)
        lmdb_op_free(op);
    event_free(turns->runner);
}

void lmdb_turn_submit(struct lmdb_turns *turns, struct lmdb_op *op)
{
    lmdb_queue_add(&turns->queue, op);
    if (!turns->running)
        event_active(turns->runner, EV_TIMEOUT, 0);
}

static void forget(struct lmdb_queue *queue, const void *arg)
{
    for (struct lmdb_op *op = queue->first; op != NULL; op = op->next)
        if (op->arg == arg)
            op->done = NULL;
}

void lmdb_turn_forget(struct lmdb_turns *turns, const void *arg)
{
    forget(&turns->queue, arg);
    forget(&turns->finished, arg);
}
