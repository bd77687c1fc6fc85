/* Whoever is behind in taking what he is sent gets messages from the store, piece by piece, as he
 * takes them: none is missing, none comes twice, and his later commands wait. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "relay-rules-fixture.h"

#define OPEN     "{'type':'open','mailbox':'m'}"
#define CLOSE    "{'type':'close','mood':'happy'}"
#define PING     "{'type':'ping','ping':1}"
#define PONG     "{'type':'pong','pong':1}"
#define MESSAGES 6

/* Two sides; the left one has filled the mailbox and is up to date, the right one comes. */
struct scene {
    struct rules_fixture fixture;
    struct test_client left, right;
};

static void add(struct test_client *client, unsigned phase)
{
    char text[100];

    snprintf(text, sizeof(text), "{'type':'add','phase':'%u','body':'0011'}", phase);
    client_run(client, text);
}

/* Messages of the left side, from this phase up to before that one. */
static void expect(struct test_client *client, unsigned from, unsigned to)
{
    char phase[16];

    for (; from < to; from++) {
        snprintf(phase, sizeof(phase), "%u", from);
        client_expect_message(client, "A", phase);
    }
}

static void begin(struct scene *scene)
{
    rules_fixture_open(&scene->fixture, &rules_fixture_settings);
    client_bind(&scene->left, &scene->fixture, "app", "A");
    client_bind(&scene->right, &scene->fixture, "app", "B");
    client_run(&scene->left, OPEN);
    for (unsigned i = 0; i < MESSAGES; i++) {
        add(&scene->left, i);
        expect(&scene->left, i, i + 1);
    }
}

static void end(struct scene *scene)
{
    client_expect_nothing(&scene->left);
    client_expect_nothing(&scene->right);
    client_leave(&scene->left);
    client_leave(&scene->right);
    rules_fixture_close(&scene->fixture);
}

/* What is told at once is one piece, here a message, whatever the mailbox holds. */
static void open_behind(struct scene *scene)
{
    scene->right.backlogged = true;
    client_run(&scene->right, OPEN);
    expect(&scene->right, 0, 1);
    client_expect_nothing(&scene->right);
}

static void test_replay_waits(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    client_run(&scene.right, PING);
    add(&scene.left, MESSAGES);
    expect(&scene.left, MESSAGES, MESSAGES + 1);
    client_expect_nothing(&scene.right);
    client_catch_up(&scene.right);
    expect(&scene.right, 0 + 1, MESSAGES + 1);
    client_expect(&scene.right, PONG);
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
    client_run(&scene.right, PING);
    for (unsigned i = 1; i < MESSAGES; i++) {
        scene.right.backlogged = false;
        rules_drained(scene.right.rules, scene.fixture.now);
        scene.right.backlogged = true;
        rules_fixture_run(&scene.fixture);
        expect(&scene.right, i, i + 1);
        if (i < MESSAGES - 1)
            client_expect_nothing(&scene.right);
    }
    client_expect(&scene.right, PONG);
    end(&scene);
}

/* The sender too: the echo comes from the store. */
static void test_listener_falls_behind(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    client_run(&scene.right, OPEN);
    expect(&scene.right, 0, MESSAGES);
    scene.left.backlogged = scene.right.backlogged = true;
    for (unsigned i = 0; i < 3; i++)
        add(&scene.left, MESSAGES + i);
    client_run(&scene.left, PING);
    client_expect_nothing(&scene.left);
    client_expect_nothing(&scene.right);
    client_catch_up(&scene.right);
    expect(&scene.right, MESSAGES, MESSAGES + 1);
    client_catch_up(&scene.left);
    expect(&scene.left, MESSAGES, MESSAGES + 3);
    client_expect(&scene.left, PONG);
    expect(&scene.right, MESSAGES + 1, MESSAGES + 3);
    end(&scene);
}

static void test_closed_by_the_same_side(void **state)
{
    struct scene scene;
    struct test_client other;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    client_bind(&other, &scene.fixture, "app", "B");
    client_run(&other, OPEN);
    expect(&other, 0, MESSAGES);
    client_run(&scene.right, PING);
    client_run(&other, CLOSE);
    client_expect(&other, "{'type':'closed'}");
    client_catch_up(&scene.right);
    client_expect(&scene.right, PONG);
    client_fail(&scene.right, "{'type':'add','phase':'0','body':'00'}",
                "the mailbox is closed, nothing was stored");
    add(&scene.left, MESSAGES);
    expect(&scene.left, MESSAGES, MESSAGES + 1);
    client_leave(&other);
    end(&scene);
}

/* The mailbox is gone: there is nothing more to be had, and no end to wait for. */
static void test_expires_meanwhile(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    scene.fixture.store->expire(scene.fixture.store->self, scene.fixture.now + 3600001, 10, NULL,
                                NULL);
    client_run(&scene.right, PING);
    client_catch_up(&scene.right);
    client_expect(&scene.right, PONG);
    end(&scene);
}

/* A visit is a visit, however slow. */
static void test_touched_meanwhile(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    scene.fixture.now += 3600001;
    rules_touch(scene.right.rules, scene.fixture.now);
    scene.fixture.store->expire(scene.fixture.store->self, scene.fixture.now, 10, NULL, NULL);
    rules_fixture_run(&scene.fixture);
    client_catch_up(&scene.right);
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
    memory_store_fail(scene.fixture.memory, RELAY_BROKEN);
    client_catch_up(&scene.right);
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
    client_do(&scene.right, "{'type':'add','phase':'last','body':'00'}");
    scene.right.backlogged = false;
    rules_drained(scene.right.rules, scene.fixture.now);
    client_leave(&scene.right);
    rules_fixture_run(&scene.fixture);
    client_expect_message(&scene.left, "B", "last");
    client_bind(&scene.right, &scene.fixture, "app", "B");
    end(&scene);
}

/* A store may answer before it is left: however many pieces there are, nobody calls himself. */
static void test_at_once(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    open_behind(&scene);
    memory_store_hurry(scene.fixture.memory, true);
    client_catch_up(&scene.right);
    expect(&scene.right, 1, MESSAGES);
    client_do(&scene.right, PING);
    client_expect(&scene.right, PONG);
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
