#include "config.h"

#include "relay/lmdb_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/clock.h"
#include "kv/group_commit.h"
#include "relay/lmdb_mailbox.h"
#include "relay/lmdb_op.h"
#include "relay/lmdb_weight.h"
#include "relay/lmdb_work.h"

/* A transaction should be short, and its dirty pages and answers are in memory; the rest waits for
 * the next one. */
static const struct group_limits batch_limits = {
    .ops = 1024,
    .room = (size_t)8 * 1024 * 1024,
    .held = (size_t)8 * 1024 * 1024,
    .run = 5000, /* others wait meanwhile, be it for a `pong` */
};

/*
 * A store of whose limit no more than a sixteenth is left, besides what is kept back, is cleared
 * until an eighth is free. One that has refused something is cleared at once, until there is room
 * for that twice, but never by more than half; where only the disk is the limit, a sixteenth of
 * what is there makes way. An address is heavy with a 256th.
 */
#define CLEAR_BELOW_PART 16
#define CLEAR_UNTIL_PART 8
#define HEAVY_PART       256
/* LMDB uses freed pages again so many commits later. */
#define SETTLE_COMMITS 2
/* After so much was added, it is looked how much is left: a part of the limit, or bytes. */
#define ADDED_PART 512
#define ADDED_MAX  (UINT64_C(16) << 20)
/* Where nothing could be cleared, it is not tried again for so long, ms. */
#define CLEAR_AGAIN_MS 1000

struct lmdb_store {
    struct relay_store interface;
    struct kv *store;
    struct group_commit *group;
    struct relay_limits limits;
    struct relay_feed feed;   /* zeroed: nobody is told; … */
    struct relay_watch watch; /* … as here */
    bool unswept;             /* messages of mailboxes that are gone wait to be deleted */
    bool sweeping;            /* a sweep is queued */
    bool closing;
    struct lmdb_clearance clearance; /* as the last durable step left it … */
    struct lmdb_clearance step;      /* … and as the one under way does */
    bool clearing;                   /* until no more than … */
    uint64_t clear_goal;             /* … so many bytes are used */
    bool clear_queued;               /* a step is */
    int64_t clear_next;              /* clock_monotonic(): not before */
    uint64_t added_most; /* bytes that may be added before it is looked how much is left */
    uint64_t added;      /* bytes since it was looked how much is left, about */
    uint64_t evicted;    /* mailboxes */
    bool troubled;       /* the last that was reported is that the store cannot be written */
};

/* ---- one transaction ---- */

static void sweep_soon(struct lmdb_store *store)
{
    const struct lmdb_ask nothing = {0};
    struct lmdb_op *sweep = store->sweeping || store->closing
                                ? NULL
                                : lmdb_op_new(&lmdb_work_sweep, &nothing, NULL, NULL);
    if (sweep == NULL)
        return; /* If memory is short, a later commit sees to it. */
    store->sweeping = true;
    group_commit_add(store->group, &sweep->op);
}

static void clear_step(struct lmdb_store *store)
{
    const struct lmdb_ask nothing = {.now = clock_now()};
    struct lmdb_op *clear = store->clear_queued || store->closing
                                ? NULL
                                : lmdb_op_new(&lmdb_work_clear, &nothing, NULL, &store->step);
    if (clear == NULL)
        return;
    store->clear_queued = true;
    group_commit_add(store->group, &clear->op);
}

/* `refused`: bytes for which there was no room, or 0. */
static void clear_if_needed(struct lmdb_store *store, size_t refused)
{
    uint64_t used, limit, goal, part;
    int64_t now = clock_monotonic();
    if (store->clearing || now < store->clear_next)
        return;
    kv_size(store->store, &used, &limit);
    store->added = 0;
    if (limit == UINT64_MAX && refused == 0) /* only the disk limits it */
        return;
    if (limit == UINT64_MAX)
        limit = used;
    part = kv_kept_back(store->store) + limit / CLEAR_BELOW_PART;
    if (refused == 0 && used <= limit - part)
        return;
    part = kv_kept_back(store->store) + limit / CLEAR_UNTIL_PART + 2 * (uint64_t)refused;
    goal = limit - (part < limit / 2 ? part : limit / 2);
    if (refused > 0 && goal > used - used / CLEAR_BELOW_PART) /* the disk is the limit */
        goal = used - used / CLEAR_BELOW_PART;
    store->clearing = true;
    store->clear_goal = goal;
    store->clearance = (struct lmdb_clearance){.quantum = limit / HEAVY_PART};
    clear_step(store);
}

/* A step was taken. */
static void clear_on(struct lmdb_store *store)
{
    uint64_t used, limit;
    kv_size(store->store, &used, &limit);
    bool done = store->clearance.over || used <= store->clear_goal;
    if (!done) /* others have added meanwhile */
        store->clearance.settled = 0;
    if (!done || (store->clearance.deleted > 0 && ++store->clearance.settled <= SETTLE_COMMITS)) {
        clear_step(store);
        return;
    }
    if (store->clearance.deleted > 0 && store->watch.cleared != NULL)
        store->watch.cleared(store->watch.arg, store->clearance.deleted);
    store->evicted += store->clearance.deleted;
    store->clearing = false;
    if (store->clearance.deleted == 0)
        store->clear_next = clock_monotonic() + CLEAR_AGAIN_MS;
}

static void run_op(void *arg, struct group_batch *batch, struct group_op *op)
{
    struct lmdb_store *store = arg;
    struct lmdb_op *asked = (struct lmdb_op *)op;
    struct lmdb_change change = {
        .txn = batch->txn,
        .limits = &store->limits,
        .now = asked->who.now,
        .ended = &asked->ended,
    };
    if (asked->work == &lmdb_work_sweep)
        store->sweeping = false;
    if (asked->work == &lmdb_work_clear) /* an attempt that failed leaves no trace */
        store->step = store->clearance;
    asked->answer.result = asked->work->run(&change, asked);
    batch->written |= change.written;
    batch->grown |= change.grown;
    store->added += change.grown ? asked->op.room : 0;
    batch->held += asked->held;
}

static void count_unswept(void *arg, struct group_batch *batch)
{
    struct lmdb_store *store = arg;
    store->unswept = kv_count(batch->txn, ROWS_DEAD) > 0;
}

static void report_trouble(void *arg, const struct group_batch *batch, enum kv_status status)
{
    struct lmdb_store *store = arg;
    const char *why = kv_health(store->store).text;
    if (status == KV_FULL && batch->first->next != NULL)
        return; /* it asks for more than it takes, and is tried again by halves */
    if (status == KV_FULL && batch->first->room > 0)
        clear_if_needed(store, batch->first->room);
    store->troubled |= why != NULL;
    if (store->watch.trouble != NULL)
        store->watch.trouble(store->watch.arg, why != NULL ? why : kv_status_text(status));
}

static void reset_op(struct group_op *op)
{
    lmdb_op_reset((struct lmdb_op *)op);
}

static void fail_op(struct group_op *op, enum kv_status status)
{
    ((struct lmdb_op *)op)->answer.result = status == KV_FULL ? RELAY_FULL : RELAY_BROKEN;
}

static void sweep_if_needed(void *arg, const struct group_batch *batch)
{
    struct lmdb_store *store = arg;
    (void)batch;
    if (store->troubled && kv_health(store->store).text == NULL) {
        store->troubled = false;
        if (store->watch.trouble != NULL)
            store->watch.trouble(store->watch.arg, NULL);
    }
    if (store->unswept)
        sweep_soon(store);
    /* What was deleted is free only when it has been swept. */
    if (store->clearing && !store->clear_queued && !store->unswept)
        clear_on(store);
    else if (!store->clearing && store->added > store->added_most)
        clear_if_needed(store, 0);
}

static void end_step(struct lmdb_store *store, enum relay_result result)
{
    store->clear_queued = false;
    if (result != RELAY_DONE) /* the next commit goes on */
        return;
    store->clearance = store->step;
    if (!store->unswept)
        clear_on(store);
}

static void tell_ended(const struct lmdb_store *store, const struct lmdb_ended *first)
{
    for (const struct lmdb_ended *ended = first; ended != NULL; ended = ended->next) {
        if (ended->life.end != RELAY_LIFE_CLOSED && store->feed.gone != NULL)
            store->feed.gone(store->feed.arg, ended->appid, ended->name, ended->serial);
        if (store->watch.ended != NULL)
            store->watch.ended(store->watch.arg, &ended->life);
    }
}

/* There is one process: whatever changes a mailbox passes here. */
static void feed(const struct lmdb_store *store, const struct lmdb_op *asked)
{
    const struct relay_feed *feed = &store->feed;
    if (asked->answer.result != RELAY_DONE)
        return;
    if (asked->work == &lmdb_work_add && feed->message != NULL)
        feed->message(feed->arg, asked->who.appid, asked->name, asked->answer.serial,
                      &asked->message);
    if (asked->work == &lmdb_work_close && feed->closed != NULL)
        feed->closed(feed->arg, asked->who.appid, asked->name, asked->who.side);
    tell_ended(store, asked->ended);
}

static void answer_op(void *arg, struct group_op *op)
{
    struct lmdb_store *store = arg;
    const struct lmdb_op *asked = (struct lmdb_op *)op;
    if (asked->work == &lmdb_work_clear)
        end_step(store, asked->answer.result);
    feed(store, asked);
    FAULT_POINT("relay.answer.before");
    if (asked->done != NULL && !op->forgotten)
        asked->done(asked->arg, &asked->answer);
    FAULT_POINT("relay.answer.after");
}

static void free_op(struct group_op *op)
{
    lmdb_op_free((struct lmdb_op *)op);
}

static const struct group_methods group_methods = {
    .run = run_op,
    .complete = count_unswept,
    .undo = report_trouble,
    .reset = reset_op,
    .fail = fail_op,
    .publish = sweep_if_needed,
    .answer = answer_op,
    .free = free_op,
};

/* ---- asking ---- */

static void ask(void *self, const struct lmdb_work *work, const struct lmdb_ask *question,
                relay_done done, void *arg)
{
    struct lmdb_store *store = self;
    struct lmdb_op *op = lmdb_op_new(work, question, done, arg);

    if (op != NULL)
        group_commit_add(store->group, &op->op);
    else if (done != NULL)
        done(arg, &(struct relay_answer){.result = RELAY_BROKEN});
}

static void ask_allocate(void *self, const struct relay_who *who, relay_done done, void *arg)
{
    ask(self, &lmdb_work_allocate, &(struct lmdb_ask){.who = who}, done, arg);
}

static void ask_claim(void *self, const struct relay_who *who, const char *nameplate,
                      relay_done done, void *arg)
{
    ask(self, &lmdb_work_claim, &(struct lmdb_ask){.who = who, .name = nameplate}, done, arg);
}

static void ask_release(void *self, const struct relay_who *who, const char *nameplate,
                        relay_done done, void *arg)
{
    ask(self, &lmdb_work_release, &(struct lmdb_ask){.who = who, .name = nameplate}, done, arg);
}

static void ask_open(void *self, const struct relay_who *who, const char *mailbox,
                     const struct relay_position *after, relay_done done, void *arg)
{
    struct lmdb_ask question = {.who = who, .name = mailbox};
    if (after != NULL)
        question.after = *after;
    ask(self, &lmdb_work_open, &question, done, arg);
}

static void ask_read(void *self, const struct relay_who *who, const char *mailbox, uint64_t after,
                     relay_done done, void *arg)
{
    const struct lmdb_ask question = {.who = who, .name = mailbox, .after.number = after};
    ask(self, &lmdb_work_read, &question, done, arg);
}

static void ask_add(void *self, const struct relay_who *who, const char *mailbox,
                    const struct relay_message *message, relay_done done, void *arg)
{
    const struct lmdb_ask question = {.who = who, .name = mailbox, .message = message};
    ask(self, &lmdb_work_add, &question, done, arg);
}

static void ask_close(void *self, const struct relay_who *who, const char *mailbox,
                      const char *mood, relay_done done, void *arg)
{
    const struct lmdb_ask question = {.who = who, .name = mailbox, .mood = mood};
    ask(self, &lmdb_work_close, &question, done, arg);
}

static void ask_list(void *self, const struct relay_who *who, relay_done done, void *arg)
{
    ask(self, &lmdb_work_list, &(struct lmdb_ask){.who = who}, done, arg);
}

static void ask_touch(void *self, const struct relay_who *who, const char *mailbox)
{
    ask(self, &lmdb_work_touch, &(struct lmdb_ask){.who = who, .name = mailbox}, NULL, NULL);
}

static void ask_expire(void *self, int64_t now, unsigned most, relay_done done, void *arg)
{
    ask(self, &lmdb_work_expire, &(struct lmdb_ask){.now = now, .most = most}, done, arg);
}

static void forget(void *self, const void *arg)
{
    struct lmdb_store *store = self;
    group_commit_forget(store->group, arg);
}

static void count(void *self, struct relay_counts *ret_counts)
{
    struct lmdb_store *store = self;
    struct group_counts done = group_commit_counts(store->group);
    struct kv_txn *txn = kv_read(store->store);
    uint64_t messages = kv_count(txn, ROWS_MESSAGES), unswept = lmdb_mailbox_unswept(txn);

    *ret_counts = (struct relay_counts){
        .nameplates = kv_count(txn, ROWS_NAMEPLATES),
        .mailboxes = kv_count(txn, ROWS_MAILBOXES),
        .messages = messages > unswept ? messages - unswept : 0,
        .evicted = store->evicted,
        .commits = done.commits,
        .commit_microseconds = done.microseconds,
    };
    kv_end(txn);
}

static size_t queued(void *self)
{
    const struct lmdb_store *store = self;
    return group_commit_queued(store->group);
}

/* ---- the store as a whole ---- */

static void set_feed(void *self, const struct relay_feed *feed)
{
    struct lmdb_store *store = self;
    store->feed = feed != NULL ? *feed : (struct relay_feed){0};
}

static void set_watch(void *self, const struct relay_watch *watch)
{
    struct lmdb_store *store = self;
    store->watch = watch != NULL ? *watch : (struct relay_watch){0};
}

static void set_limits(void *self, const struct relay_limits *limits)
{
    struct lmdb_store *store = self;
    store->limits = *limits;
}

static void free_store(void *self)
{
    struct lmdb_store *store = self;
    set_feed(store, NULL);
    store->closing = true; /* sweeping can wait for the next start */
    group_commit_forget_all(store->group);
    group_commit_flush(store->group);
    group_commit_free(store->group);
    kv_close(store->store);
    free(store);
}

static const struct relay_store operations = {
    .allocate = ask_allocate,
    .claim = ask_claim,
    .release = ask_release,
    .open = ask_open,
    .read = ask_read,
    .add = ask_add,
    .close = ask_close,
    .list = ask_list,
    .touch = ask_touch,
    .expire = ask_expire,
    .forget = forget,
    .count = count,
    .queued = queued,
    .set_feed = set_feed,
    .set_watch = set_watch,
    .set_limits = set_limits,
    .free = free_store,
};

const struct relay_store *lmdb_store_open(struct event_base *base, const char *directory,
                                          uint64_t max_bytes, const struct relay_limits *limits,
                                          char *ret_why, size_t size)
{
    struct lmdb_store *store = calloc(1, sizeof(*store));
    uint64_t used, limit;
    if (store == NULL) {
        snprintf(ret_why, size, "out of memory");
        return NULL;
    }
    store->interface = operations;
    store->interface.self = store;
    store->limits = *limits;
    if (kv_open(&lmdb_rows_kind, directory, max_bytes, &store->store, ret_why, size) != KV_OK) {
        free(store);
        return NULL;
    }
    store->group = group_commit_new(base, store->store, &group_methods, store, &batch_limits);
    if (store->group == NULL) {
        snprintf(ret_why, size, "out of memory");
        kv_close(store->store);
        free(store);
        return NULL;
    }
    kv_size(store->store, &used, &limit);
    store->added_most = limit / ADDED_PART < ADDED_MAX ? limit / ADDED_PART : ADDED_MAX;
    sweep_soon(store); /* an earlier run may have left something */
    return &store->interface;
}
