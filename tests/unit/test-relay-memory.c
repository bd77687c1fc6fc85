/* The memory store keeps the contract of relay/store.h, so that what is tested with it is worth
 * something. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/doubles/memory_store.h"

#define RETENTION 1000

/* Copies of the last answer, and of what the feed brought. */
struct shop {
    struct memory_store *memory;
    const struct relay_store *store;
    unsigned answers;
    enum relay_result result;
    char text[100]; /* nameplate or mailbox; for lists: all of them, each with a blank behind it */
    size_t count;
    char fed[200]; /* "mailbox/number/phase " */
};

static const struct relay_who A = {"app", "A", 1, 0, 0}, B = {"app", "B", 2, 0, 0},
                              C = {"app", "C", 3, 0, 0}, other_app = {"apq", "A", 4, 0, 0};

static void on_message(void *arg, const char *appid, const char *mailbox, uint64_t serial,
                       const struct relay_message *message)
{
    struct shop *shop = arg;
    size_t used = strlen(shop->fed);

    assert_string_equal(appid, "app");
    assert_true(serial > 0);
    snprintf(shop->fed + used, sizeof(shop->fed) - used, "%s/%d/%s ", mailbox, (int)message->number,
             message->phase);
}

static void append(struct shop *shop, const char *text)
{
    size_t used = strlen(shop->text);

    snprintf(shop->text + used, sizeof(shop->text) - used, "%s ", text);
}

static void on_done(void *arg, const struct relay_answer *answer)
{
    struct shop *shop = arg;
    const char *name = answer->nameplate ? answer->nameplate : answer->mailbox;

    shop->answers++;
    shop->result = answer->result;
    shop->count = answer->count;
    snprintf(shop->text, sizeof(shop->text), "%s", name ? name : "");
    for (size_t i = 0; answer->messages && i < answer->count; i++)
        append(shop, answer->messages[i].phase);
    for (size_t i = 0; answer->nameplates && i < answer->count; i++)
        append(shop, answer->nameplates[i]);
}

static void shop_open(struct shop *shop)
{
    static const struct relay_limits limits = {
        .retention = RETENTION, .mailbox_bytes = 10, .mailbox_messages = 3};

    const struct relay_feed feed = {.arg = shop, .message = on_message};

    *shop = (struct shop){.memory = memory_store_new(&limits)};
    assert_non_null(shop->memory);
    shop->store = memory_store_interface(shop->memory);
    shop->store->set_feed(shop->store->self, &feed);
    assert_true(shop->store->listen(shop->store->self, "app", "m"));
}

/* The operation that was just asked for has not been answered; now it is, like this. */
static void expect(struct shop *shop, enum relay_result result)
{
    unsigned before = shop->answers;

    assert_int_equal(memory_store_run(shop->memory, 1), 1);
    assert_int_equal(shop->answers, before + 1);
    assert_int_equal(shop->result, result);
}

static void claim(struct shop *shop, const struct relay_who *who, const char *nameplate,
                  enum relay_result result)
{
    shop->store->claim(shop->store->self, who, nameplate, on_done, shop);
    expect(shop, result);
}

/* As a side that was never there before. The number. */
static int allocate(struct shop *shop, const char *appid)
{
    static unsigned newest;
    char side[16];

    snprintf(side, sizeof(side), "%u", newest++);
    shop->store->allocate(shop->store->self, &(struct relay_who){appid, side, 5, 0, 0}, on_done,
                          shop);
    expect(shop, RELAY_DONE);
    return atoi(shop->text);
}

static void release(struct shop *shop, const struct relay_who *who, const char *nameplate)
{
    shop->store->release(shop->store->self, who, nameplate, on_done, shop);
    expect(shop, RELAY_DONE);
}

static void open_m(struct shop *shop, const struct relay_who *who, enum relay_result result)
{
    shop->store->open(shop->store->self, who, "m", NULL, on_done, shop);
    expect(shop, result);
}

static void add_m(struct shop *shop, const struct relay_who *who, const char *phase,
                  const char *body, enum relay_result result)
{
    struct relay_message message = {
        .side = who->side, .phase = phase, .body = body, .body_length = strlen(body)};

    shop->store->add(shop->store->self, who, "m", &message, on_done, shop);
    expect(shop, result);
}

static void close_box(struct shop *shop, const struct relay_who *who, const char *mailbox)
{
    shop->store->close(shop->store->self, who, mailbox, "happy", on_done, shop);
    expect(shop, RELAY_DONE);
}

/* How many it were. */
static size_t expire(struct shop *shop, int64_t now, unsigned most)
{
    shop->store->expire(shop->store->self, now, most, on_done, shop);
    expect(shop, RELAY_DONE);
    return shop->count;
}

static void expect_counts(struct shop *shop, unsigned nameplates, unsigned mailboxes,
                          unsigned messages)
{
    struct relay_counts counts;

    shop->store->count(shop->store->self, &counts);
    assert_int_equal(counts.nameplates, nameplates);
    assert_int_equal(counts.mailboxes, mailboxes);
    assert_int_equal(counts.messages, messages);
}

static void test_nameplates(void **state)
{
    struct shop shop;
    char mailbox[100];

    (void)state;
    shop_open(&shop);
    claim(&shop, &A, "4", RELAY_DONE);
    strcpy(mailbox, shop.text);
    assert_int_equal(strlen(mailbox), 13);
    claim(&shop, &A, "4", RELAY_DONE);
    assert_string_equal(shop.text, mailbox);
    claim(&shop, &B, "4", RELAY_DONE);
    assert_string_equal(shop.text, mailbox);
    claim(&shop, &C, "4", RELAY_CROWDED);
    release(&shop, &C, "4");
    claim(&shop, &other_app, "4", RELAY_DONE);
    assert_string_not_equal(shop.text, mailbox);
    release(&shop, &A, "4");
    claim(&shop, &A, "4", RELAY_RECLAIMED);
    claim(&shop, &C, "4", RELAY_CROWDED);
    expect_counts(&shop, 2, 2, 0);
    release(&shop, &B, "4");
    expect_counts(&shop, 1, 2, 0);
    release(&shop, &B, "unknown");
    claim(&shop, &A, "4", RELAY_DONE);
    assert_string_not_equal(shop.text, mailbox);
    memory_store_free(shop.memory);
}

/* The shortest free number: every digit, then every two. */
static void test_allocate(void **state)
{
    bool seen[100] = {false};
    struct shop shop;

    (void)state;
    shop_open(&shop);
    for (int i = 1; i < 100; i++) {
        int number = allocate(&shop, "app");

        assert_in_range(number, i < 10 ? 1 : 10, i < 10 ? 9 : 99);
        assert_false(seen[number]);
        seen[number] = true;
    }
    assert_in_range(allocate(&shop, "apq"), 1, 9);
    shop.store->list(shop.store->self, &other_app, on_done, &shop);
    expect(&shop, RELAY_DONE);
    assert_int_equal(shop.count, 1);
    memory_store_free(shop.memory);
}

static void test_mailbox(void **state)
{
    struct shop shop;

    (void)state;
    shop_open(&shop);
    add_m(&shop, &A, "0", "00", RELAY_NOT_OPEN);
    open_m(&shop, &A, RELAY_DONE);
    open_m(&shop, &B, RELAY_DONE);
    open_m(&shop, &C, RELAY_CROWDED);
    add_m(&shop, &C, "0", "00", RELAY_NOT_OPEN);
    add_m(&shop, &A, "0", "00", RELAY_DONE);
    add_m(&shop, &B, "1", "00", RELAY_DONE);
    assert_string_equal(shop.fed, "m/1/0 m/2/1 ");
    open_m(&shop, &A, RELAY_DONE);
    assert_string_equal(shop.text, "0 1 ");
    close_box(&shop, &C, "m");
    close_box(&shop, &A, "m");
    add_m(&shop, &A, "2", "00", RELAY_NOT_OPEN);
    expect_counts(&shop, 0, 1, 2);
    close_box(&shop, &B, "m");
    expect_counts(&shop, 0, 0, 0);
    close_box(&shop, &B, "m");
    memory_store_free(shop.memory);
}

static void test_close_releases(void **state)
{
    struct shop shop;
    char mailbox[100];

    (void)state;
    shop_open(&shop);
    claim(&shop, &A, "4", RELAY_DONE);
    strcpy(mailbox, shop.text);
    claim(&shop, &B, "4", RELAY_DONE);
    claim(&shop, &A, "5", RELAY_DONE);
    close_box(&shop, &A, mailbox);
    claim(&shop, &A, "4", RELAY_RECLAIMED);
    expect_counts(&shop, 2, 2, 0);
    close_box(&shop, &B, mailbox);
    expect_counts(&shop, 1, 1, 0);
    memory_store_free(shop.memory);
}

static void test_limits(void **state)
{
    struct shop shop;

    (void)state;
    shop_open(&shop);
    open_m(&shop, &A, RELAY_DONE);
    add_m(&shop, &A, "0", "000000000000", RELAY_TOO_MUCH);
    add_m(&shop, &A, "0", "00000000", RELAY_DONE);
    add_m(&shop, &A, "1", "0000", RELAY_TOO_MUCH);
    add_m(&shop, &A, "2", "00", RELAY_DONE);
    add_m(&shop, &A, "3", "", RELAY_DONE);
    add_m(&shop, &A, "4", "", RELAY_TOO_MUCH);
    memory_store_free(shop.memory);
}

static void test_expire(void **state)
{
    struct relay_who late = {"app", "A", 1, RETENTION - 1, 0};
    struct shop shop;

    (void)state;
    shop_open(&shop);
    for (int i = 0; i < 3; i++)
        allocate(&shop, "app");
    open_m(&shop, &A, RELAY_DONE);
    shop.store->touch(shop.store->self, &late, "m");
    assert_int_equal(memory_store_run(shop.memory, 1), 1);
    assert_int_equal(expire(&shop, RETENTION - 1, 10), 0);
    assert_int_equal(expire(&shop, RETENTION, 2), 2);
    expect_counts(&shop, 1, 2, 0);
    assert_int_equal(expire(&shop, RETENTION, 2), 1);
    expect_counts(&shop, 0, 1, 0);
    memory_store_free(shop.memory);
}

/* The three ways in which a test can bend it. */
static void test_queue(void **state)
{
    struct shop shop;

    (void)state;
    shop_open(&shop);
    shop.store->claim(shop.store->self, &A, "4", on_done, &shop);
    expect_counts(&shop, 0, 0, 0);
    shop.store->forget(shop.store->self, &shop);
    assert_int_equal(memory_store_run(shop.memory, SIZE_MAX), 1);
    assert_int_equal(shop.answers, 0);
    expect_counts(&shop, 1, 1, 0);

    memory_store_fail(shop.memory, RELAY_FULL);
    claim(&shop, &A, "5", RELAY_FULL);
    expect_counts(&shop, 1, 1, 0);
    memory_store_fail(shop.memory, RELAY_DONE);

    memory_store_hurry(shop.memory, true);
    shop.store->claim(shop.store->self, &A, "5", on_done, &shop);
    assert_int_equal(shop.answers, 2);
    memory_store_hurry(shop.memory, false);
    shop.store->claim(shop.store->self, &A, "6", on_done, &shop);
    shop.store->free(shop.store->self);
    assert_int_equal(shop.answers, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nameplates), cmocka_unit_test(test_allocate),
        cmocka_unit_test(test_mailbox),    cmocka_unit_test(test_close_releases),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_expire),
        cmocka_unit_test(test_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
