/*
 * The rules of the relay over the memory store: every command, every order, and what is better than
 * at the stock relay. Nothing but an `ack` may leave before the store has answered.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-desk.h"
#include "wormhole/hashcash.h"

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

#define ALLOCATE   "{'type':'allocate'}"
#define CLAIM_4    "{'type':'claim','nameplate':'4'}"
#define RELEASE    "{'type':'release'}"
#define RELEASE_4  "{'type':'release','nameplate':'4'}"
#define OPEN_M     "{'type':'open','mailbox':'m'}"
#define ADD(phase) "{'type':'add','phase':'" phase "','body':'00ff'}"
#define CLOSE      "{'type':'close'}"
#define CLOSE_M    "{'type':'close','mailbox':'m','mood':'happy'}"
#define PING       "{'type':'ping','ping':1}"
#define PONG       "{'type':'pong','pong':1}"
#define RELEASED   "{'type':'released'}"
#define CLOSED     "{'type':'closed'}"

/* Most tests: two sides of one app. */
struct pair {
    struct desk desk;
    struct caller a, b;
};

static void pair_open(struct pair *pair)
{
    desk_open(&pair->desk, &desk_settings);
    caller_bind(&pair->a, &pair->desk, "app", "A");
    caller_bind(&pair->b, &pair->desk, "app", "B");
}

/* Nobody was told anything that was not looked at. */
static void pair_close(struct pair *pair)
{
    desk_run(&pair->desk);
    caller_expect_nothing(&pair->a);
    caller_expect_nothing(&pair->b);
    caller_leave(&pair->a);
    caller_leave(&pair->b);
    desk_close(&pair->desk);
}

/* What was told is of no interest. */
static void pair_forget(struct pair *pair)
{
    json_array_clear(pair->a.told);
    json_array_clear(pair->b.told);
}

/* Both have mailbox m open. */
static void pair_open_m(struct pair *pair)
{
    pair_open(pair);
    caller_run(&pair->a, OPEN_M);
    caller_run(&pair->b, OPEN_M);
}

/* Each of the callers hears this message next. */
static void all_hear(struct caller *const *callers, size_t count, const char *side,
                     const char *phase)
{
    for (size_t i = 0; i < count; i++)
        caller_expect_message(callers[i], side, phase);
}

static struct relay_counts counts(const struct desk *desk)
{
    struct relay_counts counts;

    desk->store->count(desk->store->self, &counts);
    return counts;
}

static struct rules_counts rules_counts(const struct desk *desk)
{
    struct rules_counts counts;

    rules_count(desk->rules, &counts);
    return counts;
}

/* New, free(): the named string of the next message, which must be of this type. */
static char *next_string(struct caller *caller, const char *type, const char *key)
{
    json_t *message = caller_next(caller);
    char *copy;

    assert_string_equal(json_string_value(json_object_get(message, "type")), type);
    copy = strdup(json_string_value(json_object_get(message, key)));
    json_decref(message);
    return copy;
}

/* The number. New, free(). */
static char *allocate(struct caller *caller)
{
    caller_run(caller, ALLOCATE);
    return next_string(caller, "allocated", "nameplate");
}

/* The mailbox behind it. New, free(). */
static char *claim(struct caller *caller, const char *nameplate)
{
    char text[100];

    snprintf(text, sizeof(text), "{'type':'claim','nameplate':'%s'}", nameplate);
    caller_run(caller, text);
    return next_string(caller, "claimed", "mailbox");
}

/* ---- being welcomed ---- */

static void test_welcome(void **state)
{
    struct rules_settings settings = desk_settings;
    struct desk desk;
    struct caller caller = {.desk = &desk, .told = json_array()};

    (void)state;
    settings.motd = "hello";
    settings.error = "go away";
    settings.hashcash_bits = 6;
    desk_open(&desk, &settings);
    caller.client = rules_enter(desk.rules, &caller, "r1", desk.now);
    caller_expect(&caller, "{'type':'welcome','welcome':{'motd':'hello','error':'go away',"
                           "'permission-required':{'hashcash':{'bits':6,'resource':'r1'}},"
                           "'relayd':{'retention':3600,'max_message':100000}}}");
    rules_leave(caller.client);

    assert_true(rules_set(desk.rules, &desk_settings));
    caller.client = rules_enter(desk.rules, &caller, NULL, desk.now);
    caller_expect(&caller, "{'type':'welcome','welcome':{"
                           "'relayd':{'retention':3600,'max_message':100000}}}");
    caller_leave(&caller);
    desk_close(&desk);
}

static void test_permission(void **state)
{
    static const char *const types[] = {"submit-permission", "submit-permissions"};
    static const char form[] = "{'type':'%s','method':'hashcash','stamp':'%s'}";
    struct rules_settings settings = desk_settings;
    char stamp[HASHCASH_STAMP_SIZE], text[HASHCASH_STAMP_SIZE + 100];
    struct desk desk;

    (void)state;
    settings.hashcash_bits = 4;
    desk_open(&desk, &settings);
    assert_int_equal(hashcash_solve(4, "the-resource", DESK_START, 1, NULL, stamp), HASHCASH_OK);
    for (size_t i = 0; i < LENGTH(types); i++) {
        struct caller caller;

        caller_enter(&caller, &desk);
        caller_fail(&caller, "{'type':'bind','appid':'a','side':'s'}", "permission required");
        caller_fail(&caller, "{'type':'list'}", "must bind first");
        caller_fail(&caller, "{'type':'submit-permissions','method':'none'}",
                    "the method of permission must be hashcash");
        caller_fail(&caller, "{'type':'submit-permissions','method':'hashcash'}",
                    "the hashcash stamp is not good");
        snprintf(text, sizeof(text), form, types[i], "1:4:231114:other::1:1");
        caller_fail(&caller, text, "the hashcash stamp is not good");
        snprintf(text, sizeof(text), form, types[i], stamp);
        caller_do(&caller, text);
        caller_do(&caller, "{'type':'bind','appid':'a','side':'s'}");
        caller_run(&caller, "{'type':'list'}");
        caller_expect(&caller, "{'type':'nameplates','nameplates':[]}");
        caller_expect_nothing(&caller);
        caller_leave(&caller);
    }
    desk_close(&desk);
}

/* ---- order, and what comes first ---- */

static void test_ack(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    caller_say(&pair.a, "{'type':'ping','ping':1,'id':'x1'}");
    caller_expect(&pair.a, "{'type':'ack','id':'x1'}");
    caller_expect(&pair.a, PONG);
    /* Also for what is not understood, and for what has not been answered yet. */
    caller_say(&pair.a, "{'type':'nonsense','id':'x2'}");
    caller_expect(&pair.a, "{'type':'ack','id':'x2'}");
    caller_expect(&pair.a, "{'type':'error','error':'unknown type',"
                           "'orig':{'type':'nonsense','id':'x2'}}");
    caller_do(&pair.a, ALLOCATE);
    caller_do(&pair.a, "{'type':'ping','ping':2,'id':'x3'}");
    caller_expect_nothing(&pair.a);
    desk_run(&pair.desk);
    free(next_string(&pair.a, "allocated", "nameplate"));
    caller_expect(&pair.a, "{'type':'pong','pong':2}");
    pair_close(&pair);
}

static void test_bind_first(void **state)
{
    static const char *const early[] = {
        "{'type':'list'}", ALLOCATE, CLAIM_4, RELEASE_4, OPEN_M, ADD("pake"), CLOSE_M,
    };
    struct desk desk;
    struct caller caller;

    (void)state;
    desk_open(&desk, &desk_settings);
    caller_enter(&caller, &desk);
    for (size_t i = 0; i < LENGTH(early); i++)
        caller_fail(&caller, early[i], "must bind first");
    caller_do(&caller, PING);
    caller_expect(&caller, PONG);
    caller_do(&caller, "{'type':'bind','appid':'a','side':'s','client_version':['x','1']}");
    caller_fail(&caller, "{'type':'bind','appid':'a','side':'s'}", "already bound");
    assert_int_equal(counts(&desk).commits, 0);
    caller_leave(&caller);
    desk_close(&desk);
}

/* Said all at once, as a client may that is in a hurry. */
static void test_pipeline(void **state)
{
    static const char *const said[] = {
        CLAIM_4, OPEN_M, ADD("pake"), ADD("version"), PING, RELEASE, CLOSE, PING,
    };
    struct pair pair;

    (void)state;
    pair_open(&pair);
    for (size_t i = 0; i < LENGTH(said); i++)
        caller_do(&pair.a, said[i]);
    caller_expect_nothing(&pair.a);
    desk_run(&pair.desk);
    free(next_string(&pair.a, "claimed", "mailbox"));
    caller_expect_message(&pair.a, "A", "pake");
    caller_expect_message(&pair.a, "A", "version");
    caller_expect(&pair.a, PONG);
    caller_expect(&pair.a, RELEASED);
    caller_expect(&pair.a, CLOSED);
    caller_expect(&pair.a, PONG);
    pair_close(&pair);
}

/* A store may answer within the call: the same conversation must come of it. */
static void test_hurry(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    memory_store_hurry(pair.desk.memory, true);
    caller_do(&pair.a, CLAIM_4);
    free(next_string(&pair.a, "claimed", "mailbox"));
    caller_do(&pair.a, OPEN_M);
    caller_do(&pair.a, ADD("pake"));
    caller_expect_message(&pair.a, "A", "pake");
    caller_do(&pair.b, OPEN_M);
    caller_expect_message(&pair.b, "A", "pake");
    caller_do(&pair.a, RELEASE);
    caller_expect(&pair.a, RELEASED);
    caller_do(&pair.a, CLOSE);
    caller_expect(&pair.a, CLOSED);
    caller_do(&pair.a, CLOSE);
    caller_expect_error(&pair.a, "only one close per connection");
    pair_close(&pair);
}

/* Errors of adds wait for the echoes of those before them. */
static void test_errors_in_order(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    caller_run(&pair.a, OPEN_M);
    caller_do(&pair.a, ADD("1"));
    caller_do(&pair.a, "{'type':'add','phase':'2','body':'xy'}");
    caller_do(&pair.a, ADD("3"));
    caller_do(&pair.a, PING);
    caller_expect_nothing(&pair.a);
    assert_int_equal(memory_store_run(pair.desk.memory, 1), 1);
    caller_expect_message(&pair.a, "A", "1");
    caller_expect_error(&pair.a, "'body' must be hex");
    caller_expect_nothing(&pair.a);
    desk_run(&pair.desk);
    caller_expect_message(&pair.a, "A", "3");
    caller_expect(&pair.a, PONG);
    pair_close(&pair);
}

/* ---- an introduction ---- */

static void test_introduction(void **state)
{
    struct pair pair;
    char *nameplate, *mailbox, text[100];

    (void)state;
    pair_open(&pair);
    nameplate = allocate(&pair.a);
    assert_int_equal(strlen(nameplate), 1);
    assert_in_range(nameplate[0], '1', '9');
    mailbox = claim(&pair.a, nameplate);
    assert_int_equal(strlen(mailbox), 13);
    assert_int_equal(strspn(mailbox, "abcdefghijklmnopqrstuvwxyz234567"), 13);
    snprintf(text, sizeof(text), "{'type':'claim','nameplate':'%s'}", nameplate);
    caller_run(&pair.b, text);
    snprintf(text, sizeof(text), "{'type':'claimed','mailbox':'%s'}", mailbox);
    caller_expect(&pair.b, text);

    snprintf(text, sizeof(text), "{'type':'open','mailbox':'%s'}", mailbox);
    caller_run(&pair.a, text);
    caller_do(&pair.a, "{'type':'add','phase':'pake','body':'0a','id':'i1'}");
    caller_expect_nothing(&pair.a);
    desk_run(&pair.desk);
    caller_expect(&pair.a, "{'type':'message','side':'A','phase':'pake','body':'0a',"
                           "'server_rx':1700000000.0,'id':'i1'}");
    caller_run(&pair.b, text);
    caller_expect(&pair.b, "{'type':'message','side':'A','phase':'pake','body':'0a',"
                           "'server_rx':1700000000.0,'id':'i1'}");
    pair.desk.now += 250;
    caller_run(&pair.b, "{'type':'add','phase':'pake','body':''}");
    caller_expect(&pair.a, "{'type':'message','side':'B','phase':'pake','body':'',"
                           "'server_rx':1700000000.25,'id':null}");
    caller_expect_message(&pair.b, "B", "pake");

    caller_run(&pair.a, RELEASE);
    caller_expect(&pair.a, RELEASED);
    caller_run(&pair.b, RELEASE);
    caller_expect(&pair.b, RELEASED);
    caller_run(&pair.a, CLOSE);
    caller_expect(&pair.a, CLOSED);
    assert_int_equal(counts(&pair.desk).messages, 2);
    caller_run(&pair.b, "{'type':'close','mood':'happy'}");
    caller_expect(&pair.b, CLOSED);
    assert_int_equal(counts(&pair.desk).nameplates, 0);
    assert_int_equal(counts(&pair.desk).mailboxes, 0);
    free(nameplate);
    free(mailbox);
    pair_close(&pair);
}

static void test_list(void **state)
{
    struct rules_settings settings = desk_settings;
    struct pair pair;

    (void)state;
    pair_open(&pair);
    free(claim(&pair.a, "4"));
    caller_run(&pair.b, "{'type':'list'}");
    caller_expect(&pair.b, "{'type':'nameplates','nameplates':[{'id':'4'}]}");
    settings.list = false;
    assert_true(rules_set(pair.desk.rules, &settings));
    caller_do(&pair.b, "{'type':'list'}");
    caller_expect(&pair.b, "{'type':'nameplates','nameplates':[]}");
    pair_close(&pair);
}

/* ---- what is refused, in the words of the stock relay ---- */

static void test_once(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    caller_fail(&pair.a, RELEASE, "release without nameplate must follow claim");
    caller_fail(&pair.a, CLOSE, "close without mailbox must follow open");
    caller_fail(&pair.a, ADD("pake"), "must open mailbox before adding");
    free(allocate(&pair.a));
    caller_fail(&pair.a, ALLOCATE, "you already allocated one, don't be greedy");
    free(claim(&pair.a, "77"));
    caller_fail(&pair.a, "{'type':'claim','nameplate':'77'}", "only one claim per connection");
    caller_fail(&pair.a, RELEASE_4, "release and claim must use same nameplate");
    caller_run(&pair.a, RELEASE);
    caller_expect(&pair.a, RELEASED);
    caller_fail(&pair.a, RELEASE, "only one release per connection");
    caller_run(&pair.a, OPEN_M);
    caller_fail(&pair.a, OPEN_M, "only one open per connection");
    caller_fail(&pair.a, "{'type':'close','mailbox':'n'}", "open and close must use same mailbox");
    caller_run(&pair.a, CLOSE_M);
    caller_expect(&pair.a, CLOSED);
    caller_fail(&pair.a, CLOSE_M, "only one close per connection");
    caller_fail(&pair.a, ADD("pake"), "must open mailbox before adding");
    caller_fail(&pair.a, OPEN_M, "only one open per connection");
    pair_close(&pair);
}

/* On a fresh connection, with explicit names, again and again. */
static void test_repeated_farewells(void **state)
{
    struct pair pair;
    struct caller again;

    (void)state;
    pair_open_m(&pair);
    free(claim(&pair.a, "4"));
    for (int i = 0; i < 2; i++) {
        caller_bind(&again, &pair.desk, "app", "A");
        caller_run(&again, RELEASE_4);
        caller_expect(&again, RELEASED);
        caller_run(&again, CLOSE_M);
        caller_expect(&again, CLOSED);
        caller_expect_nothing(&again);
        caller_leave(&again);
    }
    pair_close(&pair);
}

/* The store is asked for both at once, so that they share a commit: nobody comes between. */
static void test_open_and_add_in_one_breath(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    caller_run(&pair.b, OPEN_M);
    caller_do(&pair.a, OPEN_M);
    caller_do(&pair.a, ADD("0"));
    caller_do(&pair.a, ADD("1"));
    caller_do(&pair.b, ADD("2"));
    desk_run(&pair.desk);
    for (const char *phase = "012"; *phase; phase++) {
        const char *side = *phase == '2' ? "B" : "A";

        caller_expect_message(&pair.a, side, (char[]){*phase, 0});
        caller_expect_message(&pair.b, side, (char[]){*phase, 0});
    }
    pair_close(&pair);
}

static void test_failure_in_one_breath(void **state)
{
    struct pair pair;
    struct caller third;

    (void)state;
    pair_open_m(&pair);
    caller_bind(&third, &pair.desk, "app", "C");
    caller_do(&third, OPEN_M);
    caller_do(&third, ADD("0"));
    desk_run(&pair.desk);
    caller_expect_error(&third, "crowded");
    caller_expect_error(&third, "must open mailbox before adding");
    caller_leave(&third);
    pair_close(&pair);
}

static void test_crowded(void **state)
{
    struct pair pair;
    struct caller third;
    struct relay_counts before;

    (void)state;
    pair_open_m(&pair);
    free(claim(&pair.a, "4"));
    free(claim(&pair.b, "4"));
    before = counts(&pair.desk);

    caller_bind(&third, &pair.desk, "app", "C");
    caller_fail(&third, CLAIM_4, "crowded");
    caller_fail(&third, OPEN_M, "crowded");
    caller_fail(&third, ADD("pake"), "must open mailbox before adding");
    caller_run(&third, CLOSE);
    caller_expect(&third, CLOSED);
    assert_int_equal(counts(&pair.desk).mailboxes, before.mailboxes);
    assert_int_equal(counts(&pair.desk).nameplates, before.nameplates);

    /* The rightful two never notice, on these connections and on others. */
    caller_leave(&pair.a);
    caller_bind(&pair.a, &pair.desk, "app", "A");
    free(claim(&pair.a, "4"));
    caller_run(&pair.a, OPEN_M);
    caller_run(&pair.a, ADD("0"));
    caller_expect_message(&pair.a, "A", "0");
    caller_expect_message(&pair.b, "A", "0");
    caller_expect_nothing(&third);
    caller_run(&pair.a, CLOSE);
    caller_expect(&pair.a, CLOSED);
    caller_leave(&third);
    pair_close(&pair);
}

static void test_reclaimed(void **state)
{
    struct pair pair;
    struct caller again;

    (void)state;
    pair_open(&pair);
    free(claim(&pair.a, "4"));
    free(claim(&pair.b, "4"));
    caller_run(&pair.a, RELEASE);
    caller_expect(&pair.a, RELEASED);
    caller_bind(&again, &pair.desk, "app", "A");
    caller_fail(&again, CLAIM_4, "reclaimed");
    caller_leave(&again);
    pair_close(&pair);
}

/* The stock relay drops the connection. */
static void test_close_before_release(void **state)
{
    struct pair pair;
    char *mailbox, text[100];

    (void)state;
    pair_open(&pair);
    mailbox = claim(&pair.a, "4");
    snprintf(text, sizeof(text), "{'type':'close','mailbox':'%s','mood':'lonely'}", mailbox);
    caller_run(&pair.a, text);
    caller_expect(&pair.a, CLOSED);
    assert_int_equal(counts(&pair.desk).nameplates, 0);
    caller_run(&pair.a, RELEASE);
    caller_expect(&pair.a, RELEASED);
    free(mailbox);
    pair_close(&pair);
}

/* The newest stock relay deletes by side alone. */
static void test_close_touches_nothing_else(void **state)
{
    struct pair pair;
    struct caller other, elsewhere;

    (void)state;
    pair_open_m(&pair);
    caller_bind(&other, &pair.desk, "app", "A");
    caller_run(&other, "{'type':'open','mailbox':'n'}");
    caller_bind(&elsewhere, &pair.desk, "apq", "A");
    caller_run(&elsewhere, OPEN_M);
    caller_run(&pair.a, ADD("pake"));
    caller_expect_message(&pair.a, "A", "pake");
    caller_expect_message(&pair.b, "A", "pake");
    caller_run(&pair.a, CLOSE);
    caller_expect(&pair.a, CLOSED);
    caller_run(&pair.b, CLOSE);
    caller_expect(&pair.b, CLOSED);
    assert_int_equal(counts(&pair.desk).mailboxes, 2);
    caller_run(&other, ADD("pake"));
    caller_expect_message(&other, "A", "pake");
    caller_run(&elsewhere, ADD("pake"));
    caller_expect_message(&elsewhere, "A", "pake");
    caller_expect_nothing(&other);
    caller_expect_nothing(&elsewhere);
    caller_leave(&other);
    caller_leave(&elsewhere);
    pair_close(&pair);
}

/* ---- listening ---- */

static void test_two_connections_of_one_side(void **state)
{
    struct pair pair;
    struct caller second, *const all[] = {&pair.a, &pair.b, &second};

    (void)state;
    pair_open_m(&pair);
    caller_run(&pair.a, ADD("0"));
    caller_bind(&second, &pair.desk, "app", "A");
    caller_run(&second, OPEN_M);
    all_hear(all, 3, "A", "0");
    caller_run(&second, ADD("1"));
    all_hear(all, 3, "A", "1");
    caller_run(&pair.b, ADD("2"));
    all_hear(all, 3, "B", "2");
    assert_int_equal(rules_counts(&pair.desk).listening, 3);

    /* Closed on one of them is closed on both; the other side goes on. */
    caller_run(&second, CLOSE);
    caller_expect(&second, CLOSED);
    assert_int_equal(rules_counts(&pair.desk).listening, 1);
    caller_run(&pair.b, ADD("3"));
    caller_expect_message(&pair.b, "B", "3");
    caller_fail(&pair.a, ADD("4"), "the mailbox is closed, nothing was stored");
    caller_run(&pair.a, CLOSE);
    caller_expect(&pair.a, CLOSED);
    caller_expect_nothing(&second);
    caller_leave(&second);
    pair_close(&pair);
}

/* Whoever has closed, or left, hears nothing any more. */
static void test_listeners_go(void **state)
{
    struct pair pair;

    (void)state;
    pair_open_m(&pair);
    caller_run(&pair.b, CLOSE);
    caller_expect(&pair.b, CLOSED);
    caller_run(&pair.a, ADD("0"));
    caller_expect_message(&pair.a, "A", "0");
    caller_expect_nothing(&pair.b);
    caller_leave(&pair.b);
    caller_bind(&pair.b, &pair.desk, "app", "B");
    caller_run(&pair.a, ADD("1"));
    caller_expect_message(&pair.a, "A", "1");
    pair_close(&pair);
}

/* A store may tell of a message before it answers an `open` that does not hold it. */
static void test_feed_overtakes_replay(void **state)
{
    static const struct relay_message second = {
        .number = 2, .side = "A", .phase = "1", .body = "00ff", .body_length = 4};
    struct pair pair;

    (void)state;
    pair_open(&pair);
    caller_run(&pair.a, OPEN_M);
    caller_run(&pair.a, ADD("0"));
    caller_expect_message(&pair.a, "A", "0");
    caller_do(&pair.b, OPEN_M);
    caller_do(&pair.b, PING);
    caller_do(&pair.a, ADD("1"));
    rules_feed(pair.desk.rules, "app", "m", &second);
    assert_int_equal(memory_store_run(pair.desk.memory, 1), 1);
    caller_expect_message(&pair.b, "A", "0");
    caller_expect_nothing(&pair.b);
    desk_run(&pair.desk);
    caller_expect_message(&pair.b, "A", "1");
    caller_expect(&pair.b, PONG);
    caller_expect_message(&pair.a, "A", "1");
    /* What was replayed may come again. */
    rules_feed(pair.desk.rules, "app", "m", &second);
    caller_run(&pair.a, ADD("2"));
    caller_expect_message(&pair.a, "A", "2");
    caller_expect_message(&pair.b, "A", "2");
    pair_close(&pair);
}

/* The fence: all stored messages come before the pong of a later ping. */
static void test_fence(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    caller_run(&pair.a, OPEN_M);
    caller_run(&pair.a, ADD("0"));
    caller_expect_message(&pair.a, "A", "0");
    caller_run(&pair.a, ADD("1"));
    caller_expect_message(&pair.a, "A", "1");
    caller_do(&pair.b, OPEN_M);
    caller_do(&pair.b, PING);
    caller_expect_nothing(&pair.b);
    desk_run(&pair.desk);
    caller_expect_message(&pair.b, "A", "0");
    caller_expect_message(&pair.b, "A", "1");
    caller_expect(&pair.b, PONG);
    pair_close(&pair);
}

/* Other writers are heard as well, also those that no connection here stands for. */
static void test_other_writers(void **state)
{
    static const struct relay_who stranger = {"app", "B", &stranger, DESK_START};
    static const struct relay_message message = {
        .side = "B", .phase = "0", .body = "00", .body_length = 2};
    struct pair pair;

    (void)state;
    pair_open_m(&pair);
    pair.desk.store->add(pair.desk.store->self, &stranger, "m", &message, NULL, NULL);
    desk_run(&pair.desk);
    caller_expect_message(&pair.a, "B", "0");
    caller_expect_message(&pair.b, "B", "0");
    pair_close(&pair);
}

static void test_touch(void **state)
{
    struct pair pair;

    (void)state;
    pair_open_m(&pair);
    caller_run(&pair.b, CLOSE);
    caller_expect(&pair.b, CLOSED);
    pair.desk.now += 3000000;
    rules_touch(pair.b.client, pair.desk.now);
    pair.desk.store->expire(pair.desk.store->self, pair.desk.now + 1000000, 10, NULL, NULL);
    rules_touch(pair.a.client, pair.desk.now);
    assert_int_equal(memory_store_run(pair.desk.memory, 1), 1);
    assert_int_equal(counts(&pair.desk).mailboxes, 0); /* B's visit is over */

    caller_leave(&pair.a);
    caller_bind(&pair.a, &pair.desk, "app", "A");
    caller_run(&pair.a, OPEN_M);
    pair.desk.now += 3000000;
    rules_touch(pair.a.client, pair.desk.now);
    pair.desk.store->expire(pair.desk.store->self, pair.desk.now + 1000000, 10, NULL, NULL);
    desk_run(&pair.desk);
    assert_int_equal(counts(&pair.desk).mailboxes, 1);
    pair_close(&pair);
}

/* ---- limits ---- */

static void test_rations(void **state)
{
    static const char *const said[RULES_RATIONS] = {
        [RATION_ALLOCATE] = ALLOCATE,
        [RATION_CLAIM] = "{'type':'claim','nameplate':'44'}", /* never the one allocated */
        [RATION_MAILBOX] = OPEN_M,
        [RATION_MESSAGE] = ADD("0"),
    };
    struct pair pair;
    uint64_t commits;

    (void)state;
    pair_open(&pair);
    for (size_t i = 0; i < RULES_RATIONS; i++) {
        pair.desk.refusals[i] = "not so fast";
        commits = counts(&pair.desk).commits;
        caller_fail(&pair.a, said[i], "not so fast");
        assert_int_equal(counts(&pair.desk).commits, commits);
        assert_int_equal(rules_counts(&pair.desk).refusals[i], 1);
        pair.desk.refusals[i] = NULL;
        caller_run(&pair.a, said[i]);
        assert_int_equal(pair.desk.rations[i], 2);
        pair_forget(&pair);
    }
    assert_int_equal(counts(&pair.desk).nameplates, 2);
    assert_int_equal(counts(&pair.desk).messages, 1);
    pair_close(&pair);
}

static void test_own_nameplate_is_no_guess(void **state)
{
    struct pair pair;
    char *nameplate, text[100];

    (void)state;
    pair_open(&pair);
    pair.desk.refusals[RATION_CLAIM] = "not so fast";
    nameplate = allocate(&pair.a);
    snprintf(text, sizeof(text), "{'type':'claim','nameplate':'%s'}", nameplate);
    caller_fail(&pair.b, text, "not so fast");
    free(claim(&pair.a, nameplate));
    assert_int_equal(pair.desk.rations[RATION_CLAIM], 1);
    free(nameplate);
    pair_close(&pair);
}

/* Whoever does not hear what it was allocated comes again, and pays again. */
static void test_allocated_is_lost(void **state)
{
    struct pair pair;
    char *first, *again;

    (void)state;
    pair_open(&pair);
    caller_do(&pair.a, ALLOCATE);
    caller_leave(&pair.a);
    desk_run(&pair.desk);
    caller_bind(&pair.a, &pair.desk, "app", "A");
    first = allocate(&pair.a);
    caller_leave(&pair.a);
    caller_bind(&pair.a, &pair.desk, "app", "A");
    again = allocate(&pair.a);
    assert_string_equal(again, first);
    assert_int_equal(counts(&pair.desk).nameplates, 1);
    assert_int_equal(pair.desk.rations[RATION_ALLOCATE], 3);
    free(claim(&pair.a, again));
    assert_int_equal(pair.desk.rations[RATION_CLAIM], 0);
    free(first);
    free(again);
    pair_close(&pair);
}

/* The store says no: an error, nothing changed, and the connection goes on. */
static void test_store_refuses(void **state)
{
    static const struct {
        enum relay_result result;
        const char *error;
    } refusals[] = {
        {RELAY_NO_NAMEPLATE, "every nameplate is taken, try again later"},
        {RELAY_NOT_OPEN, "the mailbox is closed, nothing was stored"},
        {RELAY_TOO_MUCH, "the mailbox is full, nothing was stored"},
        {RELAY_FULL, "the relay's disk is full, nothing was changed"},
        {RELAY_BROKEN, "the relay's store failed, nothing was changed"},
    };
    struct pair pair;

    (void)state;
    pair_open(&pair);
    caller_run(&pair.b, OPEN_M);
    for (size_t i = 0; i < LENGTH(refusals); i++) {
        memory_store_fail(pair.desk.memory, refusals[i].result);
        caller_fail(&pair.a, ALLOCATE, refusals[i].error);
        caller_fail(&pair.a, RELEASE_4, refusals[i].error);
        caller_fail(&pair.a, OPEN_M, refusals[i].error);
        caller_fail(&pair.a, CLOSE, refusals[i].error);
        caller_fail(&pair.b, ADD("0"), refusals[i].error);
    }
    memory_store_fail(pair.desk.memory, RELAY_DONE);
    caller_run(&pair.b, ADD("0"));
    caller_expect_message(&pair.b, "B", "0");
    caller_run(&pair.a, OPEN_M);
    caller_expect_message(&pair.a, "B", "0");
    caller_run(&pair.a, CLOSE);
    caller_expect(&pair.a, CLOSED);
    pair_close(&pair);
}

/* What an error quotes weighs little, and is enough to tell which message it was. */
static void test_full_mailbox(void **state)
{
    struct pair pair;
    char body[990] = "", text[1100];

    (void)state;
    memset(body, '0', sizeof(body) - 2);
    body[sizeof(body) - 2] = '\0';
    pair_open(&pair);
    caller_run(&pair.a, OPEN_M);
    snprintf(text, sizeof(text), "{'type':'add','phase':'0','body':'%s'}", body);
    caller_run(&pair.a, text);
    caller_expect_message(&pair.a, "A", "0");
    caller_run(&pair.a, "{'type':'add','phase':'1','body':'00000000000000','id':'x'}");
    caller_expect(&pair.a, "{'type':'error','error':'the mailbox is full, nothing was stored',"
                           "'orig':{'type':'add','phase':'1','body':'','id':'x'}}");
    caller_run(&pair.a, ADD("2"));
    caller_expect_message(&pair.a, "A", "2");
    pair_close(&pair);
}

static void test_large_message(void **state)
{
    struct pair pair;
    char *text = malloc(100001);

    (void)state;
    pair_open(&pair);
    memset(text, ' ', 100000);
    memcpy(text, "{\"type\":\"ping\",\"ping\":1}", 24);
    text[100000] = '\0';
    caller_do(&pair.a, text);
    caller_expect(&pair.a, PONG);
    rules_receive(pair.a.client, text, 100001, pair.desk.now);
    caller_expect(&pair.a, "{'type':'error','error':'the message is too large','orig':null}");
    assert_string_equal(pair.a.dropped, "the message is too large");
    rules_receive(pair.a.client, text, 100000, pair.desk.now);
    caller_expect_nothing(&pair.a);
    free(text);
    pair_close(&pair);
}

static void test_busy(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    caller_do(&pair.a, ALLOCATE);
    for (int i = 1; i < RULES_QUEUE_MAX; i++) {
        assert_false(rules_busy(pair.a.client));
        caller_do(&pair.a, PING);
    }
    assert_true(rules_busy(pair.a.client));
    assert_int_equal(pair.a.eased, 1);
    desk_run(&pair.desk);
    assert_false(rules_busy(pair.a.client));
    assert_int_equal(pair.a.eased, 2);
    free(next_string(&pair.a, "allocated", "nameplate"));
    for (int i = 1; i < RULES_QUEUE_MAX; i++)
        caller_expect(&pair.a, PONG);

    caller_do(&pair.b, OPEN_M);
    for (int i = 1; i < RULES_QUEUE_MAX; i++)
        caller_do(&pair.b, PING);
    caller_say(&pair.b, PING);
    caller_expect(&pair.b, "{'type':'error','error':'too many commands at once','orig':null}");
    assert_non_null(pair.b.dropped);
    pair_close(&pair);
}

static void test_busy_with_bytes(void **state)
{
    struct pair pair;
    char *text = malloc(100000);

    (void)state;
    pair_open(&pair);
    memset(text, ' ', 99999);
    memcpy(text, "{\"type\":\"ping\",\"ping\":1}", 24);
    text[99999] = '\0';
    caller_do(&pair.a, OPEN_M);
    caller_do(&pair.a, text);
    caller_do(&pair.a, text);
    assert_false(rules_busy(pair.a.client));
    caller_do(&pair.a, text);
    assert_true(rules_busy(pair.a.client));
    desk_run(&pair.desk);
    assert_false(rules_busy(pair.a.client));
    for (int i = 0; i < 3; i++)
        caller_expect(&pair.a, PONG);
    free(text);
    pair_close(&pair);
}

/* As the Go client does: release, close, and hang up without waiting for an answer. */
static void test_last_words(void **state)
{
    struct desk desk;
    struct caller caller;
    struct relay_counts counts;

    (void)state;
    desk_open(&desk, &desk_settings);
    caller_bind(&caller, &desk, "app", "side");
    caller_run(&caller, "{'type':'claim','nameplate':'4'}");
    json_t *claimed = caller_next(&caller);
    char open[128];
    snprintf(open, sizeof(open), "{'type':'open','mailbox':'%s'}",
             json_string_value(json_object_get(claimed, "mailbox")));
    json_decref(claimed);
    caller_run(&caller, open);
    caller_say(&caller, "{'type':'add','phase':'0','body':'00'}");
    caller_say(&caller, "{'type':'release'}");
    caller_say(&caller, "{'type':'close','mood':'happy'}");
    caller_leave(&caller);
    desk_run(&desk);
    desk.store->count(desk.store->self, &counts);
    assert_int_equal(counts.nameplates, 0);
    assert_int_equal(counts.mailboxes, 0);
    assert_int_equal(counts.messages, 0);
    desk_close(&desk);
}

/* Adds that were said are done although the client has gone, those that were still waiting too. */
static void test_leave_under_way(void **state)
{
    struct pair pair;

    (void)state;
    pair_open_m(&pair);
    for (int i = 0; i < RULES_ADDS_MAX + 8; i++)
        caller_do(&pair.a, ADD("0"));
    caller_leave(&pair.a);
    assert_int_equal(memory_store_run(pair.desk.memory, SIZE_MAX), RULES_ADDS_MAX + 8);
    for (int i = 0; i < RULES_ADDS_MAX + 8; i++)
        caller_expect_message(&pair.b, "A", "0");
    caller_bind(&pair.a, &pair.desk, "app", "A");
    pair_close(&pair);
}

static void test_counts(void **state)
{
    static const char *const moods[] = {
        "'happy'", "'lonely'", "'scary'", "'errory'", "'odd'", "null",
    };
    static const uint64_t expected[RULES_MOODS] = {1, 1, 1, 1, 2};
    struct pair pair;
    struct rules_counts found;

    (void)state;
    pair_open(&pair);
    for (size_t i = 0; i < LENGTH(moods); i++) {
        struct caller caller;
        char text[100];

        snprintf(text, sizeof(text), "{'type':'close','mailbox':'m','mood':%s}", moods[i]);
        caller_bind(&caller, &pair.desk, "app", "A");
        caller_run(&caller, text);
        caller_expect(&caller, CLOSED);
        caller_leave(&caller);
    }
    caller_fail(&pair.a, "{'type':'x'}", "unknown type");
    found = rules_counts(&pair.desk);
    assert_memory_equal(found.moods, expected, sizeof(expected));
    assert_int_equal(found.errors, 1);
    assert_int_equal(found.clients, 2);
    assert_int_equal(found.listening, 0);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_welcome),
        cmocka_unit_test(test_permission),
        cmocka_unit_test(test_ack),
        cmocka_unit_test(test_bind_first),
        cmocka_unit_test(test_pipeline),
        cmocka_unit_test(test_hurry),
        cmocka_unit_test(test_errors_in_order),
        cmocka_unit_test(test_introduction),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_repeated_farewells),
        cmocka_unit_test(test_open_and_add_in_one_breath),
        cmocka_unit_test(test_failure_in_one_breath),
        cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_reclaimed),
        cmocka_unit_test(test_close_before_release),
        cmocka_unit_test(test_close_touches_nothing_else),
        cmocka_unit_test(test_two_connections_of_one_side),
        cmocka_unit_test(test_listeners_go),
        cmocka_unit_test(test_feed_overtakes_replay),
        cmocka_unit_test(test_fence),
        cmocka_unit_test(test_other_writers),
        cmocka_unit_test(test_touch),
        cmocka_unit_test(test_rations),
        cmocka_unit_test(test_own_nameplate_is_no_guess),
        cmocka_unit_test(test_allocated_is_lost),
        cmocka_unit_test(test_store_refuses),
        cmocka_unit_test(test_full_mailbox),
        cmocka_unit_test(test_large_message),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_busy_with_bytes),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_leave_under_way),
        cmocka_unit_test(test_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
