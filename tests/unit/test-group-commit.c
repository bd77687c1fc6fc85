/*
 * Many operations share a commit; who is told what, when, and in which order; what happens if it
 * fails. The store stands in for kv/kv.c: it counts bytes and commits, and fails on command. What
 * happens is written down in one line.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv/group_commit.h"
#include "scarce.h"

#define LIMIT_OPS  4
#define LIMIT_ROOM 1000
#define LIMIT_HELD 100
#define CAPACITY   5000

/* ---- the store ---- */

struct kv {
    size_t used;
    enum kv_status failing; /* all that is committed */
    unsigned commits;
};

struct kv_txn {
    struct kv *store;
    size_t room, brought;
    enum kv_status status;
};

static char line[1024];

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    va_list args;
    size_t length = strlen(line);
    va_start(args, format);
    vsnprintf(line + length, sizeof(line) - length, format, args);
    va_end(args);
}

static void expect(const char *happened)
{
    assert_string_equal(line, happened);
    line[0] = 0;
}

struct kv_txn *kv_write(struct kv *store, size_t room)
{
    struct kv_txn *txn = calloc(1, sizeof(*txn));
    *txn = (struct kv_txn){.store = store, .room = room};
    if (room > 0 && store->used + room > CAPACITY)
        txn->status = KV_FULL;
    note("(");
    return txn;
}

enum kv_status kv_txn_status(const struct kv_txn *txn)
{
    return txn->status;
}

void kv_end(struct kv_txn *txn)
{
    note(")");
    free(txn);
}

enum kv_status kv_commit(struct kv_txn *txn)
{
    enum kv_status status = txn->status != KV_OK ? txn->status : txn->store->failing;
    if (status == KV_OK) {
        txn->store->used += txn->brought;
        txn->store->commits++;
    }
    note(status == KV_OK ? "!)" : "x)");
    free(txn);
    return status;
}

static const char *status_text(enum kv_status status)
{
    return status == KV_OK        ? "done"
           : status == KV_FULL    ? "full"
           : status == KV_MEMORY  ? "memory"
           : status == KV_DAMAGED ? "damaged"
                                  : "failed";
}

/* ---- the operations ---- */

enum deed {
    WRITE = 0, /* brings as many bytes as it has room for */
    READ,
    REWRITE,     /* asks for room, and brings nothing */
    FAIL,        /* meets something damaged */
    NO_MEMORY,   /* there is none for it */
    ANSWER_MUCH, /* half of what answers may hold */
};

struct scene {
    struct event_base *base;
    struct kv store;
    struct group_commit *group;
    unsigned freed;
    /* What the answer of `b` does. */
    char queues;         /* the name of one more */
    const void *forgets; /* a waiter */
};

struct test_op {
    struct group_op op;
    struct scene *scene;
    char name;
    enum deed deed;
    enum kv_status status;
    bool unwanted;
};

static struct test_op *op_of(struct group_op *op)
{
    return (struct test_op *)op;
}

static struct group_op *make(struct scene *scene, char name, enum deed deed, size_t room)
{
    struct test_op *made = calloc(1, sizeof(*made));
    *made = (struct test_op){.op = {.room = room}, .scene = scene, .name = name, .deed = deed};
    made->op.may_not_grow = deed == REWRITE;
    return &made->op;
}

static void add(struct scene *scene, char name, enum deed deed, size_t room)
{
    group_commit_add(scene->group, make(scene, name, deed, room));
}

static void run(void *arg, struct group_batch *batch, struct group_op *op)
{
    struct test_op *asked = op_of(op);
    (void)arg;
    note("%c", asked->name);
    switch (asked->deed) {
    case WRITE:
        batch->txn->brought += op->room;
        batch->grown |= op->room > 0;
        break;
    case FAIL:
        batch->txn->status = KV_DAMAGED;
        break;
    case NO_MEMORY:
        batch->no_memory = true;
        break;
    case ANSWER_MUCH:
        batch->held += LIMIT_HELD / 2;
        return;
    default:
        break;
    }
    batch->written |= asked->deed != READ;
}

static void complete(void *arg, struct group_batch *batch)
{
    (void)arg;
    assert_non_null(batch->txn);
    note(".");
}

static void undo(void *arg, const struct group_batch *batch, enum kv_status status)
{
    (void)arg;
    assert_non_null(batch->first);
    note("undo %s;", status_text(status));
}

static bool worth_retry(const struct group_op *op)
{
    return !((const struct test_op *)op)->unwanted;
}

static void reset(struct group_op *op)
{
    op_of(op)->status = KV_OK;
}

static void fail_op(struct group_op *op, enum kv_status status)
{
    op_of(op)->status = status;
}

static void publish(void *arg, const struct group_batch *batch)
{
    (void)arg;
    note(" publish:");
    for (const struct group_op *op = batch->first; op != NULL; op = op->next)
        note("%c", ((const struct test_op *)op)->name);
}

static void answer(void *arg, struct group_op *op)
{
    struct scene *scene = arg;
    const struct test_op *asked = op_of(op);
    assert_null(op->waiter_this); /* the waiter may be gone after this */
    if (op->forgotten)
        return;
    note(" %c=%s", asked->name, status_text(asked->status));
    if (asked->name != 'b')
        return;
    if (scene->queues != 0)
        add(scene, scene->queues, WRITE, 1);
    scene->queues = 0;
    if (scene->forgets != NULL)
        group_commit_forget(scene->group, scene->forgets);
}

static void settle(void *arg)
{
    (void)arg;
    note(" settled;");
}

static void free_op(struct group_op *op)
{
    op_of(op)->scene->freed++;
    free(op);
}

static const struct group_methods methods = {
    .run = run,
    .complete = complete,
    .undo = undo,
    .worth_retry = worth_retry,
    .reset = reset,
    .fail = fail_op,
    .publish = publish,
    .answer = answer,
    .settle = settle,
    .free = free_op,
};

/* Nothing that is optional. */
static const struct group_methods bare = {
    .run = run,
    .reset = reset,
    .fail = fail_op,
    .answer = answer,
    .free = free_op,
};

static const struct group_limits limits = {
    .ops = LIMIT_OPS, .room = LIMIT_ROOM, .held = LIMIT_HELD};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->base = event_base_new();
    scene->group = group_commit_new(scene->base, &scene->store, &methods, scene, &limits);
    assert_non_null(scene->group);
    line[0] = 0;
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    group_commit_free(scene->group);
    event_base_free(scene->base);
    free(scene);
    return 0;
}

/* One look at the sockets, and what that brings. */
static void go_round(struct scene *scene)
{
    event_base_loop(scene->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* All that is queued. */
static void go_on(struct scene *scene)
{
    go_round(scene);
    group_commit_flush(scene->group);
}

/* ---- one commit for all ---- */

/* What is patient waits for others, and shares their commit; alone it is not forgotten. */
static void patience(void **state)
{
    struct scene *scene = *state;
    for (int round = 0; round < 2; round++) {
        struct group_op *patient = make(scene, 'a', WRITE, 1);
        patient->patience = 3600 * 1000;
        group_commit_add(scene->group, patient);
        go_round(scene);
        expect("");
        assert_int_equal(group_commit_queued(scene->group), 1);
        add(scene, 'b', WRITE, 1);
        go_round(scene);
        assert_int_equal(scene->store.commits, round + 1);
        assert_int_equal(scene->freed, 2 * (round + 1));
        line[0] = 0;
    }
    tear_down(state); /* with its timer */
    set_up(state);
    scene = *state;
    struct group_op *alone = make(scene, 'a', WRITE, 1);
    alone->patience = 1;
    group_commit_add(scene->group, alone);
    while (scene->freed == 0)
        event_base_loop(scene->base, EVLOOP_ONCE);
    assert_int_equal(scene->store.commits, 1);
}

static void one_commit_is_shared(void **state)
{
    struct scene *scene = *state;
    add(scene, 'a', WRITE, 1);
    add(scene, 'b', READ, 0);
    add(scene, 'c', WRITE, 2);
    expect(""); /* from the event loop only */
    go_round(scene);
    expect("(abc.!) publish:abc a=done b=done c=done settled;");
    assert_int_equal(scene->store.used, 3);
    assert_int_equal(scene->freed, 3);
    assert_int_equal(group_commit_counts(scene->group).commits, 1);
    go_round(scene);
    expect("");
}

static void what_only_reads_needs_no_commit(void **state)
{
    struct scene *scene = *state;
    add(scene, 'a', READ, 0);
    go_round(scene);
    expect("(a.) publish:a a=done settled;");
    assert_int_equal(group_commit_counts(scene->group).commits, 0);
}

/* ---- bounds ---- */

static void a_batch_takes_so_many(void **state)
{
    struct scene *scene = *state;
    for (char name = 'c'; name < 'c' + LIMIT_OPS + 1; name++)
        add(scene, name, WRITE, 1);
    go_round(scene);
    expect("(cdef.!) publish:cdef c=done d=done e=done f=done settled;");
    go_round(scene);
    expect("(g.!) publish:g g=done settled;");
}

static void add_in_turn(struct scene *scene, char name, uint64_t turn, size_t room)
{
    struct group_op *op = make(scene, name, READ, room);
    op->turn = turn;
    group_commit_add(scene->group, op);
}

/* The name of the operation that was answered at this place. */
static char answered(unsigned place)
{
    const char *at = line;
    for (unsigned i = 0; at != NULL && i <= place; i++)
        at = strchr(at + 1, '=');
    assert_non_null(at);
    return at[-1];
}

/* Whoever has queued much, or something large, is overtaken; within a turn, nothing is. */
static void turns_are_taken(void **state)
{
    struct scene *scene = *state;
    for (char name = 'c'; name < 'c' + 6; name++)
        add_in_turn(scene, name, 1, 200000);
    add_in_turn(scene, 'x', 2, 10);
    add_in_turn(scene, 'y', 2, 20);
    add_in_turn(scene, 'z', 3, 10);
    assert_int_equal(group_commit_queued(scene->group), 6 * 200000 + 40);
    group_commit_flush(scene->group);
    const char order[] = "cxyzdefgh";
    for (unsigned i = 0; i < sizeof(order) - 1; i++)
        assert_int_equal(answered(i), order[i]);
    assert_int_equal(group_commit_queued(scene->group), 0);
    assert_int_equal(scene->freed, 9);
}

static void a_batch_brings_so_much(void **state)
{
    struct scene *scene = *state;
    add(scene, 'c', REWRITE, LIMIT_ROOM); /* reaches the bound by itself */
    add(scene, 'd', REWRITE, 1);
    go_round(scene);
    expect("(c.!) publish:c c=done settled;");
    go_round(scene);
    expect("(d.!) publish:d d=done settled;");
}

static void answers_hold_so_much(void **state)
{
    struct scene *scene = *state;
    for (char name = 'c'; name < 'f'; name++)
        add(scene, name, ANSWER_MUCH, 0);
    add(scene, 'f', READ, 0);
    go_round(scene);
    expect("(cd.) publish:cd c=done d=done settled;");
    add(scene, 'g', READ, 0); /* behind those that went back */
    go_round(scene);
    expect("(efg.) publish:efg e=done f=done g=done settled;");
}

/* ---- a batch that fails ---- */

static void who_spoils_a_batch_fails_alone(void **state)
{
    struct scene *scene = *state;
    add(scene, 'a', WRITE, 1);
    add(scene, 'c', FAIL, 1);
    add(scene, 'd', WRITE, 2);
    go_on(scene);
    expect("(acd.)undo damaged;"
           "(a.!) publish:a a=done settled;"
           "(cd.)undo damaged;"
           "(c.)undo damaged; c=damaged"
           "(d.!) publish:d d=done settled;");
    assert_int_equal(scene->store.used, 3);
    assert_int_equal(scene->freed, 3);
}

/* By halves; what came later does not share its fate. */
static void the_others_share_commits(void **state)
{
    struct scene *scene = *state;
    for (char name = 'a'; name < 'h'; name++)
        add(scene, name, name == 'b' ? FAIL : READ, 0);
    go_on(scene);
    expect("(abcd.)undo damaged;"
           "(ab.)undo damaged;"
           "(a.) publish:a a=done settled;"
           "(bc.)undo damaged;"
           "(b.)undo damaged; b=damaged"
           "(c.) publish:c c=done settled;"
           "(d.) publish:d d=done settled;"
           "(efg.) publish:efg e=done f=done g=done settled;");
}

/* Between two tries the sockets are looked at, and waiters are forgotten as ever. */
static void a_batch_that_fails_holds_up_nobody(void **state)
{
    struct scene *scene = *state;
    struct group_op *op = make(scene, 'a', WRITE, 1);
    op->waiter = scene;
    group_commit_add(scene->group, op);
    add(scene, 'c', FAIL, 1);
    go_round(scene);
    expect("(ac.)undo damaged;");
    assert_int_equal(group_commit_queued(scene->group), 2);
    group_commit_forget(scene->group, scene);
    go_on(scene);
    expect("(a.!) publish:a settled;(c.)undo damaged; c=damaged");
}

static void memory_fails_like_anything_else(void **state)
{
    struct scene *scene = *state;
    add(scene, 'a', WRITE, 1);
    add(scene, 'c', NO_MEMORY, 0);
    go_on(scene);
    expect("(ac.)undo memory;(a.!) publish:a a=done settled;(c.)undo memory; c=memory");
}

static void one_alone_is_not_tried_twice(void **state)
{
    struct scene *scene = *state;
    scene->store.failing = KV_FAILED;
    add(scene, 'a', WRITE, 1);
    go_on(scene);
    expect("(a.x)undo failed; a=failed");
    scene->store.failing = KV_OK;
    add(scene, 'a', WRITE, 1);
    go_on(scene);
    expect("(a.!) publish:a a=done settled;");
}

static void nobody_waits_for_what_is_not_worth_it(void **state)
{
    struct scene *scene = *state;
    struct group_op *unwanted = make(scene, 'u', WRITE, 1);
    op_of(unwanted)->unwanted = true;
    scene->store.failing = KV_FAILED;
    add(scene, 'a', WRITE, 1);
    group_commit_add(scene->group, unwanted);
    go_on(scene);
    expect("(au.x)undo failed;(a.x)undo failed; a=failed");
    assert_int_equal(scene->freed, 2);
}

static void a_full_store_does_what_brings_nothing(void **state)
{
    struct scene *scene = *state;
    scene->store.used = CAPACITY;
    add(scene, 'c', WRITE, 10);
    add(scene, 'd', REWRITE, 10);
    add(scene, 'e', READ, 0);
    go_on(scene);
    expect("(cde.)undo full;"
           "(c.)undo full; c=full"
           "(d.)undo full;(d.!) publish:d d=done settled;"
           "(e.) publish:e e=done settled;");
    assert_int_equal(scene->store.used, CAPACITY);
}

/* It said that it may bring nothing, and brings something. */
static void a_full_store_takes_nothing_new(void **state)
{
    struct scene *scene = *state;
    struct group_op *op = make(scene, 'c', WRITE, 10);
    op->may_not_grow = true;
    scene->store.used = CAPACITY;
    group_commit_add(scene->group, op);
    go_on(scene);
    expect("(c.)undo full;(c.)undo full; c=full");
    assert_int_equal(scene->store.used, CAPACITY);
}

/* ---- while answers are given ---- */

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    note(" sockets;");
}

/* What an answer asks for runs in a batch of its own, after the sockets were looked at. */
static void answers_queue_more(void **state)
{
    struct scene *scene = *state;
    int ends[2];
    assert_int_equal(evutil_socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    struct event *readable = event_new(scene->base, ends[0], EV_READ, on_socket, NULL);
    scene->queues = 'n';
    add(scene, 'b', WRITE, 1);
    add(scene, 'c', WRITE, 1);
    go_round(scene);
    expect("(bc.!) publish:bc b=done c=done settled;");
    event_add(readable, NULL);
    assert_int_equal(send(ends[1], "x", 1, 0), 1);
    go_round(scene);
    expect(" sockets;(n.!) publish:n n=done settled;");
    event_free(readable);
    evutil_closesocket(ends[0]);
    evutil_closesocket(ends[1]);
}

static void answers_forget_others(void **state)
{
    struct scene *scene = *state;
    static int waiter, other;
    struct group_op *same_batch = make(scene, 'c', WRITE, 1);
    struct group_op *next_batch = make(scene, 'g', WRITE, 1);
    struct group_op *kept = make(scene, 'd', WRITE, 1);
    same_batch->waiter = next_batch->waiter = &waiter;
    kept->waiter = &other;
    scene->forgets = &waiter;
    add(scene, 'b', WRITE, 1);
    group_commit_add(scene->group, same_batch);
    group_commit_add(scene->group, kept);
    add(scene, 'e', WRITE, 1);
    group_commit_add(scene->group, next_batch);
    go_round(scene);
    expect("(bcde.!) publish:bcde b=done d=done e=done settled;");
    go_round(scene);
    expect("(g.!) publish:g settled;");
    assert_int_equal(scene->store.used, 5); /* done all the same */
}

/* ---- forgetting ---- */

static void nobody_else_is_forgotten(void **state)
{
    enum { MANY = 1000 };
    static char waiters[MANY];
    struct scene *scene = *state;
    unsigned told = 0;
    for (size_t i = 0; i < MANY; i++) {
        struct group_op *op = make(scene, 'a', READ, 0);
        op->waiter = &waiters[i];
        group_commit_add(scene->group, op);
    }
    for (size_t i = 0; i < MANY; i += 2)
        group_commit_forget(scene->group, &waiters[i]);
    group_commit_forget(scene->group, &scene);
    group_commit_forget(scene->group, NULL);
    while (scene->freed < MANY) {
        go_round(scene);
        for (const char *at = line; (at = strstr(at, "a=done")) != NULL; at++)
            told++;
        line[0] = 0;
    }
    assert_int_equal(told, MANY / 2);
}

/* Who was answered may be gone; another may live at the same address. */
static void an_address_is_used_again(void **state)
{
    struct scene *scene = *state;
    static int waiter;
    struct group_op *op = make(scene, 'c', WRITE, 1);
    op->waiter = &waiter;
    group_commit_add(scene->group, op);
    go_round(scene);
    expect("(c.!) publish:c c=done settled;");
    group_commit_forget(scene->group, &waiter);
    op = make(scene, 'd', WRITE, 1);
    op->waiter = &waiter;
    group_commit_add(scene->group, op);
    go_round(scene);
    expect("(d.!) publish:d d=done settled;");
}

/* ---- the end ---- */

static void a_flush_does_and_answers_all(void **state)
{
    struct scene *scene = *state;
    scene->queues = 'n';
    for (char name = 'a'; name < 'a' + LIMIT_OPS + 1; name++)
        add(scene, name, WRITE, 1);
    group_commit_flush(scene->group);
    expect("(abcd.!) publish:abcd a=done b=done c=done d=done settled;"
           "(en.!) publish:en e=done n=done settled;");
}

static void last_things_are_done_for_nobody(void **state)
{
    struct scene *scene = *state;
    static int waiter;
    struct group_op *op = make(scene, 'c', WRITE, 1);
    op->waiter = &waiter;
    group_commit_add(scene->group, op);
    add(scene, 'd', WRITE, 1);
    group_commit_forget_all(scene->group);
    group_commit_flush(scene->group);
    expect("(cd.!) publish:cd settled;");
    assert_int_equal(scene->store.used, 2);
}

static void what_is_queued_is_freed(void **state)
{
    struct scene *scene = *state;
    add(scene, 'a', WRITE, 1);
    add(scene, 'c', WRITE, 1);
    group_commit_free(scene->group);
    scene->group = NULL;
    expect("");
    assert_int_equal(scene->freed, 2);
}

/* ---- without ---- */

static void optional_methods_are_optional(void **state)
{
    struct scene *scene = *state;
    group_commit_free(scene->group);
    scene->group = group_commit_new(scene->base, &scene->store, &bare, scene, &limits);
    add(scene, 'a', WRITE, 1);
    add(scene, 'c', FAIL, 1);
    go_on(scene);
    expect("(ac)(a!) a=done(c) c=damaged");
}

static void memory_runs_out(void **state)
{
    enum { MANY = 200 };
    static char waiters[MANY];
    struct scene *scene = *state;
    struct group_op *ops[MANY];
    unsigned nth = 0;
    bool failed;
    do {
        scarce_fail_nth(++nth);
        struct group_commit *group =
            group_commit_new(scene->base, &scene->store, &methods, scene, &limits);
        failed = scarce_end();
        assert_int_equal(group == NULL, failed);
        group_commit_free(group);
    } while (failed);
    assert_true(nth > 2);
    /* The index cannot grow, and works. */
    for (size_t i = 0; i < MANY; i++) {
        ops[i] = make(scene, 'a', READ, 0);
        ops[i]->waiter = &waiters[i];
    }
    scarce_fail_above(0);
    for (size_t i = 0; i < MANY; i++)
        group_commit_add(scene->group, ops[i]);
    assert_true(scarce_end());
    for (size_t i = 0; i < MANY; i++)
        group_commit_forget(scene->group, &waiters[i]);
    while (scene->freed < MANY)
        go_round(scene);
    assert_null(strstr(line, "a=done"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(patience),
        TEST(one_commit_is_shared),
        TEST(what_only_reads_needs_no_commit),
        TEST(a_batch_takes_so_many),
        TEST(turns_are_taken),
        TEST(a_batch_brings_so_much),
        TEST(answers_hold_so_much),
        TEST(who_spoils_a_batch_fails_alone),
        TEST(the_others_share_commits),
        TEST(a_batch_that_fails_holds_up_nobody),
        TEST(memory_fails_like_anything_else),
        TEST(one_alone_is_not_tried_twice),
        TEST(nobody_waits_for_what_is_not_worth_it),
        TEST(a_full_store_does_what_brings_nothing),
        TEST(a_full_store_takes_nothing_new),
        TEST(answers_queue_more),
        TEST(answers_forget_others),
        TEST(nobody_else_is_forgotten),
        TEST(an_address_is_used_again),
        TEST(a_flush_does_and_answers_all),
        TEST(last_things_are_done_for_nobody),
        TEST(what_is_queued_is_freed),
        TEST(optional_methods_are_optional),
        TEST(memory_runs_out),
    };
    scarce_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
