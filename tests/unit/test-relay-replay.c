/* Whoever is behind in taking what he is sent gets messages from the store, piece by piece, as he
 * takes them: none is missing, none comes twice, and his later commands wait. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "relay-desk.h"

#define OPEN     "{'type':'open','mailbox':'m'}"
#define CLOSE    "{'type':'close','mood':'happy'}"
#define PING     "{'type':'ping','ping':1}"
#define PONG     "{'type':'pong','pong':1}"
#define MESSAGES 6

/* Two sides; the left one has filled the mailbox and is up to date, the right one comes. */
struct scene {
    struct desk desk;
    struct caller left, right;
};

static void add(struct caller *caller, unsigned phase)
{
    char text[100];

    snprintf(text, sizeof(text), "{'type':'add','phase':'%u','body':'0011'}", phase);
    caller_run(caller, text);
}

/* Messages of the left side, from this phase up to before that one. */
static void expect(struct caller *caller, unsigned from, unsigned to)
{
    char phase[16];

    for (; from < to; from++) {
        snprintf(phase, sizeof(phase), "%u", from);
        caller_expect_message(caller, "A", phase);
    }
}

static void begin(struct scene *scene)
{
    desk_open(&scene->desk, &desk_settings);
    caller_bind(&scene->left, &scene->desk, "app", "A");
    caller_bind(&scene->right, &scene->desk, "app", "B");
    caller_run(&scene->left, OPEN);
    for (unsigned i = 0; i < MESSAGES; i++) {
        add(&scene->left, i);
        expect(&scene->left, i, i + 1);
    }
}

static void end(struct scene *scene)
{
    caller_expect_nothing(&scene->left);
    caller_expect_nothing(&scene->right);
    caller_leave(&scene->left);
    caller_leave(&scene->right);
    desk_close(&scene->desk);
}

/* What is told at once is one piece, here a message, whatever the mailbox holds. */
static void open_behind(struct scene *scene)
{
    scene->right.behind = true;
    caller_run(&scene->right, OPEN);
    expect(&scene->right, 0, 1);
    caller_expect_nothing(&scene->right);
}

static void test_replay_waits(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    caller_run(&scene.right, PING);
    add(&scene.left, MESSAGES);
    expect(&scene.left, MESSAGES, MESSAGES + 1);
    caller_expect_nothing(&scene.right);
    caller_catch_up(&scene.right);
    expect(&scene.right, 0 + 1, MESSAGES + 1);
    caller_expect(&scene.right, PONG);
    add(&scene.left, MESSAGES + 1);
    expect(&scene.right, MESSAGES + 1, MESSAGES + 2);
    expect(&scene.left, MESSAGES + 1, MESSAGES + 2);
    end(&scene);
}

/* Each time that he has taken what there was he gets one piece more, if that puts him behind. */
static void test_piece_by_piece(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    caller_run(&scene.right, PING);
    for (unsigned i = 1; i < MESSAGES; i++) {
        scene.right.behind = false;
        rules_drained(scene.right.client, scene.desk.now);
        scene.right.behind = true;
        desk_run(&scene.desk);
        expect(&scene.right, i, i + 1);
        if (i < MESSAGES - 1)
            caller_expect_nothing(&scene.right);
    }
    caller_expect(&scene.right, PONG);
    end(&scene);
}

/* The sender too: the echo comes from the store. */
static void test_listener_falls_behind(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    caller_run(&scene.right, OPEN);
    expect(&scene.right, 0, MESSAGES);
    scene.left.behind = scene.right.behind = true;
    for (unsigned i = 0; i < 3; i++)
        add(&scene.left, MESSAGES + i);
    caller_run(&scene.left, PING);
    caller_expect_nothing(&scene.left);
    caller_expect_nothing(&scene.right);
    caller_catch_up(&scene.right);
    expect(&scene.right, MESSAGES, MESSAGES + 1);
    caller_catch_up(&scene.left);
    expect(&scene.left, MESSAGES, MESSAGES + 3);
    caller_expect(&scene.left, PONG);
    expect(&scene.right, MESSAGES + 1, MESSAGES + 3);
    end(&scene);
}

static void test_closed_by_the_same_side(void **state)
{
    struct scene scene;
    struct caller other;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    caller_bind(&other, &scene.desk, "app", "B");
    caller_run(&other, OPEN);
    expect(&other, 0, MESSAGES);
    caller_run(&scene.right, PING);
    caller_run(&other, CLOSE);
    caller_expect(&other, "{'type':'closed'}");
    caller_catch_up(&scene.right);
    caller_expect(&scene.right, PONG);
    caller_fail(&scene.right, "{'type':'add','phase':'0','body':'00'}",
                "the mailbox is closed, nothing was stored");
    add(&scene.left, MESSAGES);
    expect(&scene.left, MESSAGES, MESSAGES + 1);
    caller_leave(&other);
    end(&scene);
}

/* The mailbox is gone: there is nothing more to be had, and no end to wait for. */
static void test_expires_meanwhile(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    scene.desk.store->expire(scene.desk.store->self, scene.desk.now + 3600001, 10, NULL, NULL);
    caller_run(&scene.right, PING);
    caller_catch_up(&scene.right);
    caller_expect(&scene.right, PONG);
    end(&scene);
}

/* A visit is a visit, however slow. */
static void test_touched_meanwhile(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    scene.desk.now += 3600001;
    rules_touch(scene.right.client, scene.desk.now);
    scene.desk.store->expire(scene.desk.store->self, scene.desk.now, 10, NULL, NULL);
    desk_run(&scene.desk);
    caller_catch_up(&scene.right);
    expect(&scene.right, 1, MESSAGES);
    end(&scene);
}

/* Better to be gone than to seem up to date. */
static void test_store_fails(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    memory_store_fail(scene.desk.memory, RELAY_BROKEN);
    caller_catch_up(&scene.right);
    assert_non_null(scene.right.dropped);
    end(&scene);
}

/* What he said before he hung up counts, though he never read all; and the store, which was asked
 * for a piece, does not call him. */
static void test_leaves(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    caller_do(&scene.right, "{'type':'add','phase':'last','body':'00'}");
    scene.right.behind = false;
    rules_drained(scene.right.client, scene.desk.now);
    caller_leave(&scene.right);
    desk_run(&scene.desk);
    caller_expect_message(&scene.left, "B", "last");
    caller_bind(&scene.right, &scene.desk, "app", "B");
    end(&scene);
}

/* A store may answer before it is left: however many pieces there are, nobody calls himself. */
static void test_at_once(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    memory_store_hurry(scene.desk.memory, true);
    caller_catch_up(&scene.right);
    expect(&scene.right, 1, MESSAGES);
    caller_do(&scene.right, PING);
    caller_expect(&scene.right, PONG);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_waits),
        cmocka_unit_test(test_piece_by_piece),
        cmocka_unit_test(test_listener_falls_behind),
        cmocka_unit_test(test_closed_by_the_same_side),
        cmocka_unit_test(test_expires_meanwhile),
        cmocka_unit_test(test_touched_meanwhile),
        cmocka_unit_test(test_store_fails),
        cmocka_unit_test(test_leaves),
        cmocka_unit_test(test_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
