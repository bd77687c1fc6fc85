#include "config.h"

#include "relay/lmdb_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/lmdb_mailbox.h"
#include "relay/lmdb_turn.h"
#include "relay/lmdb_work.h"

struct lmdb_store {
    struct relay_store interface;
    struct kv *store;
    struct lmdb_turns turns;
};

/* ---- asking ---- */

static void ask(void *self, const struct lmdb_work *work, const struct lmdb_ask *question,
                relay_done done, void *arg)
{
    struct lmdb_store *store = self;
    struct lmdb_op *op = lmdb_op_new(work, question, done, arg);

    if (op != NULL)
        lmdb_turn_submit(&store->turns, op);
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
    lmdb_turn_forget(&store->turns, arg);
}

static void count(void *self, struct relay_counts *ret_counts)
{
    struct lmdb_store *store = self;
    struct kv_txn *txn = kv_read(store->store);
    uint64_t messages = kv_count(txn, ROWS_MESSAGES), unswept = lmdb_mailbox_unswept(txn);

    *ret_counts = (struct relay_counts){
        .nameplates = kv_count(txn, ROWS_NAMEPLATES),
        .mailboxes = kv_count(txn, ROWS_MAILBOXES),
        .messages = messages > unswept ? messages - unswept : 0,
        .commits = store->turns.commits,
        .commit_microseconds = store->turns.commit_microseconds,
    };
    kv_end(txn);
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
    .free = free_self,
};

/* ---- the whole ---- */

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
    store->turns.limits = *limits;
    if (kv_open(&lmdb_rows_kind, directory, max_bytes, &store->store, ret_why, size) != KV_OK) {
        free(store);
        return NULL;
    }
    if (!lmdb_turn_begin(&store->turns, base, store->store)) {
        snprintf(ret_why, size, "out of memory");
        kv_close(store->store);
        free(store);
        return NULL;
    }
    return store;
}

void lmdb_store_free(struct lmdb_store *store)
{
    if (store == NULL)
        return;
    lmdb_turn_end(&store->turns);
    kv_close(store->store);
    free(store);
}

const struct relay_store *lmdb_store_interface(struct lmdb_store *store)
{
    return &store->interface;
}

void lmdb_store_set_feed(struct lmdb_store *store, relay_feed feed, void *arg)
{
    store->turns.feed = feed;
    store->turns.feed_arg = arg;
}

void lmdb_store_set_trouble(struct lmdb_store *store, lmdb_store_trouble trouble, void *arg)
{
    store->turns.trouble = trouble;
    store->turns.trouble_arg = arg;
}

void lmdb_store_set_limits(struct lmdb_store *store, const struct relay_limits *limits)
{
    store->turns.limits = *limits;
}
