#include "config.h"

#include "relay/lmdb_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "kv/group_commit.h"
#include "relay/lmdb_mailbox.h"
#include "relay/lmdb_op.h"
#include "relay/lmdb_work.h"

/* A transaction should be short, and its dirty pages and answers are in memory; the rest waits for
 * the next one. */
static const struct group_limits batch_limits = {
    .ops = 1024,
    .room = (size_t)8 * 1024 * 1024,
    .held = (size_t)8 * 1024 * 1024,
    .run = 5000, /* others wait meanwhile, be it for a `pong` */
};

struct lmdb_store {
    struct relay_store interface;
    struct kv *store;
    struct group_commit *group;
    struct relay_limits limits;
    relay_feed feed; /* or NULL */
    void *feed_arg;
    lmdb_store_trouble trouble; /* or NULL */
    void *trouble_arg;
    bool unswept;  /* messages of mailboxes that are gone wait to be deleted */
    bool sweeping; /* a sweep is queued */
    bool closing;
    bool troubled; /* the last that was reported is that the store cannot be written */
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

static void run_op(void *arg, struct group_batch *batch, struct group_op *op)
{
    struct lmdb_store *store = arg;
    struct lmdb_op *asked = (struct lmdb_op *)op;
    struct lmdb_change change = {.txn = batch->txn, .limits = &store->limits};
    if (asked->work == &lmdb_work_sweep)
        store->sweeping = false;
    asked->answer.result = asked->work->run(&change, asked);
    batch->written |= change.written;
    batch->grown |= change.grown;
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
    (void)batch;
    store->troubled |= why != NULL;
    if (store->trouble != NULL)
        store->trouble(store->trouble_arg, why != NULL ? why : kv_status_text(status));
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
        if (store->trouble != NULL)
            store->trouble(store->trouble_arg, NULL);
    }
    if (store->unswept)
        sweep_soon(store);
}

static void answer_op(void *arg, struct group_op *op)
{
    struct lmdb_store *store = arg;
    const struct lmdb_op *asked = (struct lmdb_op *)op;
    if (asked->work->feeds && asked->answer.result == RELAY_DONE && store->feed != NULL)
        store->feed(store->feed_arg, asked->who.appid, asked->name, &asked->message);
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

static void ask_open(void *self, const struct relay_who *who, const char *mailbox, relay_done done,
                     void *arg)
{
    ask(self, &lmdb_work_open, &(struct lmdb_ask){.who = who, .name = mailbox}, done, arg);
}

static void ask_read(void *self, const struct relay_who *who, const char *mailbox, uint64_t after,
                     relay_done done, void *arg)
{
    const struct lmdb_ask question = {.who = who, .name = mailbox, .after = after};
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

static void free_self(void *self)
{
    lmdb_store_free(self);
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
    .free = free_self,
};

/* ---- the store as a whole ---- */

struct lmdb_store *lmdb_store_new(struct event_base *base, const char *directory,
                                  uint64_t max_bytes, const struct relay_limits *limits,
                                  char *ret_why, size_t size)
{
    struct lmdb_store *store = calloc(1, sizeof(*store));
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
    sweep_soon(store); /* an earlier run may have left something */
    return store;
}

void lmdb_store_free(struct lmdb_store *store)
{
    if (store == NULL)
        return;
    store->feed = NULL;
    store->closing = true; /* sweeping can wait for the next start */
    group_commit_forget_all(store->group);
    group_commit_flush(store->group);
    group_commit_free(store->group);
    kv_close(store->store);
    free(store);
}

const struct relay_store *lmdb_store_interface(struct lmdb_store *store)
{
    return &store->interface;
}

void lmdb_store_set_feed(struct lmdb_store *store, relay_feed feed, void *arg)
{
    store->feed = feed;
    store->feed_arg = arg;
}

void lmdb_store_set_trouble(struct lmdb_store *store, lmdb_store_trouble trouble, void *arg)
{
    store->trouble = trouble;
    store->trouble_arg = arg;
}

void lmdb_store_set_limits(struct lmdb_store *store, const struct relay_limits *limits)
{
    store->limits = *limits;
}
