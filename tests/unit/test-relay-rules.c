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

#include "relay-rules-fixture.h"
#include "base/hashcash.h"

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
    struct rules_fixture fixture;
    struct test_client a, b;
};

static void pair_open(struct pair *pair)
{
    rules_fixture_open(&pair->fixture, &rules_fixture_settings);
    client_bind(&pair->a, &pair->fixture, "app", "A");
    client_bind(&pair->b, &pair->fixture, "app", "B");
}

/* Nobody was told anything that was not looked at. */
static void pair_close(struct pair *pair)
{
    rules_fixture_run(&pair->fixture);
    client_expect_nothing(&pair->a);
    client_expect_nothing(&pair->b);
    client_leave(&pair->a);
    client_leave(&pair->b);
    rules_fixture_close(&pair->fixture);
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
    client_run(&pair->a, OPEN_M);
    client_run(&pair->b, OPEN_M);
}

/* Each of the clients hears this message next. */
static void all_hear(struct test_client *const *clients, size_t count, const char *side,
                     const char *phase)
{
    for (size_t i = 0; i < count; i++)
        client_expect_message(clients[i], side, phase);
}

static struct relay_counts counts(const struct rules_fixture *fixture)
{
    struct relay_counts counts;

    fixture->store->count(fixture->store->self, &counts);
    return counts;
}

static struct rules_counts rules_counts(const struct rules_fixture *fixture)
{
    struct rules_counts counts;

    rules_count(fixture->rules, &counts);
    return counts;
}

/* New, free(): the named string of the next message, which must be of this type. */
static char *next_string(struct test_client *client, const char *type, const char *key)
{
    json_t *message = client_next(client);
    char *copy;

    assert_string_equal(json_string_value(json_object_get(message, "type")), type);
    copy = strdup(json_string_value(json_object_get(message, key)));
    json_decref(message);
    return copy;
}

/* The number. New, free(). */
static char *allocate(struct test_client *client)
{
    client_run(client, ALLOCATE);
    return next_string(client, "allocated", "nameplate");
}

/* The mailbox behind it. New, free(). */
static char *claim(struct test_client *client, const char *nameplate)
{
    char text[100];

    snprintf(text, sizeof(text), "{'type':'claim','nameplate':'%s'}", nameplate);
    client_run(client, text);
    return next_string(client, "claimed", "mailbox");
}

/* ---- being welcomed ---- */

static void test_welcome(void **state)
{
    struct rules_settings settings = rules_fixture_settings;
    struct rules_fixture fixture;
    struct test_client client = {.fixture = &fixture, .told = json_array()};

    (void)state;
    settings.motd = "hello";
    settings.error = "go away";
    settings.hashcash_bits = 6;
    rules_fixture_open(&fixture, &settings);
    client.rules = rules_enter(fixture.rules, &client, "r1", fixture.now);
    client_expect(&client,
                  "{'type':'welcome','welcome':{'motd':'hello','error':'go away',"
                  "'permission-required':{'none':null,'hashcash':{'bits':6,'resource':'r1'}},"
                  "'relayd':{'retention':3600,'max_message':100000},"
                  "'extensions':{'resume':{'version':1}}}}");
    rules_leave(client.rules);

    assert_true(rules_set(fixture.rules, &rules_fixture_settings));
    client.rules = rules_enter(fixture.rules, &client, NULL, fixture.now);
    client_expect(&client, "{'type':'welcome','welcome':{"
                           "'relayd':{'retention':3600,'max_message':100000},"
                           "'extensions':{'resume':{'version':1}}}}");
    client_leave(&client);
    rules_fixture_close(&fixture);
}

static void test_permission(void **state)
{
    static const char *const types[] = {"submit-permission", "submit-permissions"};
    static const char form[] = "{'type':'%s','method':'hashcash','stamp':'%s'}";
    struct rules_settings settings = rules_fixture_settings;
    char stamp[HASHCASH_STAMP_SIZE], text[HASHCASH_STAMP_SIZE + 100];
    struct rules_fixture fixture;

    (void)state;
    settings.hashcash_bits = 4;
    rules_fixture_open(&fixture, &settings);
    assert_int_equal(hashcash_solve(4, "the-resource", RULES_FIXTURE_START, 1, NULL, stamp),
                     HASHCASH_OK);
    for (size_t i = 0; i < LENGTH(types); i++) {
        struct test_client client;

        client_enter(&client, &fixture);
        client_fail(&client, "{'type':'bind','appid':'a','side':'s'}", "permission required");
        client_fail(&client, "{'type':'list'}", "must bind first");
        client_fail(&client, "{'type':'submit-permissions','method':'none'}",
                    "the method of permission must be hashcash");
        client_fail(&client, "{'type':'submit-permissions','method':'hashcash'}",
                    "the hashcash stamp is not good");
        snprintf(text, sizeof(text), form, types[i], "1:4:231114:other::1:1");
        client_fail(&client, text, "the hashcash stamp is not good");
        snprintf(text, sizeof(text), form, types[i], stamp);
        client_do(&client, text);
        client_do(&client, "{'type':'bind','appid':'a','side':'s'}");
        client_run(&client, "{'type':'list'}");
        client_expect(&client, "{'type':'nameplates','nameplates':[]}");
        client_expect_nothing(&client);
        client_leave(&client);
    }
    rules_fixture_close(&fixture);
}

/* ---- order, and what comes first ---- */

static void test_ack(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    client_say(&pair.a, "{'type':'ping','ping':1,'id':'x1'}");
    client_expect(&pair.a, "{'type':'ack','id':'x1'}");
    client_expect(&pair.a, PONG);
    /* Also for what is not understood, and for what has not been answered yet. */
    client_say(&pair.a, "{'type':'nonsense','id':'x2'}");
    client_expect(&pair.a, "{'type':'ack','id':'x2'}");
    client_expect(&pair.a, "{'type':'error','error':'unknown type',"
                           "'orig':{'type':'nonsense','id':'x2'}}");
    client_do(&pair.a, ALLOCATE);
    client_do(&pair.a, "{'type':'ping','ping':2,'id':'x3'}");
    client_expect_nothing(&pair.a);
    rules_fixture_run(&pair.fixture);
    free(next_string(&pair.a, "allocated", "nameplate"));
    client_expect(&pair.a, "{'type':'pong','pong':2}");
    pair_close(&pair);
}

static void test_bind_first(void **state)
{
    static const char *const early[] = {
        "{'type':'list'}", ALLOCATE, CLAIM_4, RELEASE_4, OPEN_M, ADD("pake"), CLOSE_M,
    };
    struct rules_fixture fixture;
    struct test_client client;

    (void)state;
    rules_fixture_open(&fixture, &rules_fixture_settings);
    client_enter(&client, &fixture);
    for (size_t i = 0; i < LENGTH(early); i++)
        client_fail(&client, early[i], "must bind first");
    client_do(&client, PING);
    client_expect(&client, PONG);
    client_do(&client, "{'type':'bind','appid':'a','side':'s','client_version':['x','1']}");
    client_fail(&client, "{'type':'bind','appid':'a','side':'s'}", "already bound");
    assert_int_equal(counts(&fixture).commits, 0);
    client_leave(&client);
    rules_fixture_close(&fixture);
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
        client_do(&pair.a, said[i]);
    client_expect_nothing(&pair.a);
    rules_fixture_run(&pair.fixture);
    free(next_string(&pair.a, "claimed", "mailbox"));
    client_expect_message(&pair.a, "A", "pake");
    client_expect_message(&pair.a, "A", "version");
    client_expect(&pair.a, PONG);
    client_expect(&pair.a, RELEASED);
    client_expect(&pair.a, CLOSED);
    client_expect(&pair.a, PONG);
    pair_close(&pair);
}

/* A store may answer within the call: the same conversation must come of it. */
static void test_hurry(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    memory_store_hurry(pair.fixture.memory, true);
    client_do(&pair.a, CLAIM_4);
    free(next_string(&pair.a, "claimed", "mailbox"));
    client_do(&pair.a, OPEN_M);
    client_do(&pair.a, ADD("pake"));
    client_expect_message(&pair.a, "A", "pake");
    client_do(&pair.b, OPEN_M);
    client_expect_message(&pair.b, "A", "pake");
    client_do(&pair.a, RELEASE);
    client_expect(&pair.a, RELEASED);
    client_do(&pair.a, CLOSE);
    client_expect(&pair.a, CLOSED);
    client_do(&pair.a, CLOSE);
    client_expect_error(&pair.a, "only one close per connection");
    pair_close(&pair);
}

/* Errors of adds wait for the echoes of those before them. */
static void test_errors_in_order(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    client_run(&pair.a, OPEN_M);
    client_do(&pair.a, ADD("1"));
    client_do(&pair.a, "{'type':'add','phase':'2','body':'xy'}");
    client_do(&pair.a, ADD("3"));
    client_do(&pair.a, PING);
    client_expect_nothing(&pair.a);
    assert_int_equal(memory_store_run(pair.fixture.memory, 1), 1);
    client_expect_message(&pair.a, "A", "1");
    client_expect_error(&pair.a, "'body' must be hex");
    client_expect_nothing(&pair.a);
    rules_fixture_run(&pair.fixture);
    client_expect_message(&pair.a, "A", "3");
    client_expect(&pair.a, PONG);
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
    client_run(&pair.b, text);
    snprintf(text, sizeof(text), "{'type':'claimed','mailbox':'%s'}", mailbox);
    client_expect(&pair.b, text);

    snprintf(text, sizeof(text), "{'type':'open','mailbox':'%s'}", mailbox);
    client_run(&pair.a, text);
    client_do(&pair.a, "{'type':'add','phase':'pake','body':'0a','id':'i1'}");
    client_expect_nothing(&pair.a);
    rules_fixture_run(&pair.fixture);
    client_expect(&pair.a, "{'type':'message','side':'A','phase':'pake','body':'0a',"
                           "'server_rx':1700000000.0,'id':'i1'}");
    client_run(&pair.b, text);
    client_expect(&pair.b, "{'type':'message','side':'A','phase':'pake','body':'0a',"
                           "'server_rx':1700000000.0,'id':'i1'}");
    pair.fixture.now += 250;
    client_run(&pair.b, "{'type':'add','phase':'pake','body':''}");
    client_expect(&pair.a, "{'type':'message','side':'B','phase':'pake','body':'',"
                           "'server_rx':1700000000.25,'id':null}");
    client_expect_message(&pair.b, "B", "pake");

    client_run(&pair.a, RELEASE);
    client_expect(&pair.a, RELEASED);
    client_run(&pair.b, RELEASE);
    client_expect(&pair.b, RELEASED);
    client_run(&pair.a, CLOSE);
    client_expect(&pair.a, CLOSED);
    assert_int_equal(counts(&pair.fixture).messages, 2);
    client_run(&pair.b, "{'type':'close','mood':'happy'}");
    client_expect(&pair.b, CLOSED);
    assert_int_equal(counts(&pair.fixture).nameplates, 0);
    assert_int_equal(counts(&pair.fixture).mailboxes, 0);
    free(nameplate);
    free(mailbox);
    pair_close(&pair);
}

static void test_list(void **state)
{
    struct rules_settings settings = rules_fixture_settings;
    struct pair pair;

    (void)state;
    pair_open(&pair);
    free(claim(&pair.a, "4"));
    client_run(&pair.b, "{'type':'list'}");
    client_expect(&pair.b, "{'type':'nameplates','nameplates':[{'id':'4'}]}");
    settings.list = false;
    assert_true(rules_set(pair.fixture.rules, &settings));
    client_do(&pair.b, "{'type':'list'}");
    client_expect(&pair.b, "{'type':'nameplates','nameplates':[]}");
    pair_close(&pair);
}

/* ---- what is refused, in the words of the stock relay ---- */

static void test_numbers_only(void **state)
{
    static const char error[] = "a nameplate must be a number of at most 40 digits";
    static const char long_number[] = "{'type':'claim','nameplate':'%s%s'}";
    static const char forty[] = "1234567890123456789012345678901234567890";
    struct rules_settings settings = rules_fixture_settings;
    struct rules_fixture fixture;
    struct test_client client, free_client;
    struct rules_counts counts;
    char text[128];

    (void)state;
    rules_fixture_open(&fixture, &settings);
    client_bind(&client, &fixture, "app", "A");
    client_fail(&client, "{'type':'claim','nameplate':'four'}", error);
    client_fail(&client, "{'type':'claim','nameplate':'4 '}", error);
    client_fail(&client, "{'type':'claim','nameplate':'-4'}", error);
    snprintf(text, sizeof(text), long_number, forty, "1");
    client_fail(&client, text, error);
    client_fail(&client, "{'type':'claim','nameplate':4}", "'nameplate' must be a string");
    client_fail(&client, "{'type':'release'}", "release without nameplate must follow claim");
    rules_count(fixture.rules, &counts);
    assert_int_equal(counts.refused[RULES_REFUSED_ORDER], 5);
    assert_int_equal(counts.refused[RULES_REFUSED_FORM], 1);
    snprintf(text, sizeof(text), long_number, forty, "");
    client_run(&client, text);
    json_decref(client_next(&client));
    settings.any_nameplate = true;
    assert_true(rules_set(fixture.rules, &settings));
    client_bind(&free_client, &fixture, "app", "A");
    client_run(&free_client, "{'type':'claim','nameplate':'four'}");
    json_decref(client_next(&free_client));
    client_leave(&free_client);
    client_leave(&client);
    rules_fixture_close(&fixture);
}

static void test_once(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    client_fail(&pair.a, RELEASE, "release without nameplate must follow claim");
    client_fail(&pair.a, CLOSE, "close without mailbox must follow open");
    client_fail(&pair.a, ADD("pake"), "must open mailbox before adding");
    free(allocate(&pair.a));
    client_fail(&pair.a, ALLOCATE, "you already allocated one, don't be greedy");
    free(claim(&pair.a, "77"));
    client_fail(&pair.a, "{'type':'claim','nameplate':'77'}", "only one claim per connection");
    client_fail(&pair.a, RELEASE_4, "release and claim must use same nameplate");
    client_run(&pair.a, RELEASE);
    client_expect(&pair.a, RELEASED);
    client_fail(&pair.a, RELEASE, "only one release per connection");
    client_run(&pair.a, OPEN_M);
    client_fail(&pair.a, OPEN_M, "only one open per connection");
    client_fail(&pair.a, "{'type':'close','mailbox':'n'}", "open and close must use same mailbox");
    client_run(&pair.a, CLOSE_M);
    client_expect(&pair.a, CLOSED);
    client_fail(&pair.a, CLOSE_M, "only one close per connection");
    client_fail(&pair.a, ADD("pake"), "must open mailbox before adding");
    client_fail(&pair.a, OPEN_M, "only one open per connection");
    pair_close(&pair);
}

/* On a fresh connection, with explicit names, again and again. */
static void test_repeated_farewells(void **state)
{
    struct pair pair;
    struct test_client again;

    (void)state;
    pair_open_m(&pair);
    free(claim(&pair.a, "4"));
    for (int i = 0; i < 2; i++) {
        client_bind(&again, &pair.fixture, "app", "A");
        client_run(&again, RELEASE_4);
        client_expect(&again, RELEASED);
        client_run(&again, CLOSE_M);
        client_expect(&again, CLOSED);
        client_expect_nothing(&again);
        client_leave(&again);
    }
    pair_close(&pair);
}

/* The store is asked for both at once, so that they share a commit: nobody comes between. */
static void test_open_and_add_in_one_breath(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    client_run(&pair.b, OPEN_M);
    client_do(&pair.a, OPEN_M);
    client_do(&pair.a, ADD("0"));
    client_do(&pair.a, ADD("1"));
    client_do(&pair.b, ADD("2"));
    rules_fixture_run(&pair.fixture);
    for (const char *phase = "012"; *phase; phase++) {
        const char *side = *phase == '2' ? "B" : "A";

        client_expect_message(&pair.a, side, (char[]){*phase, 0});
        client_expect_message(&pair.b, side, (char[]){*phase, 0});
    }
    pair_close(&pair);
}

/* So do adds and a release; a second release, or anything else, waits for its turn. */
static void test_adds_and_release_in_one_breath(void **state)
{
    struct pair pair;

    (void)state;
    pair_open_m(&pair);
    free(claim(&pair.a, "4"));
    client_do(&pair.a, ADD("0"));
    client_do(&pair.a, RELEASE);
    client_do(&pair.a, ADD("1"));
    client_do(&pair.a, RELEASE);
    client_do(&pair.b, ADD("2"));
    rules_fixture_run(&pair.fixture);
    client_expect_message(&pair.a, "A", "0");
    client_expect(&pair.a, RELEASED);
    client_expect_message(&pair.a, "A", "1");
    client_expect_error(&pair.a, "only one release per connection");
    client_expect_message(&pair.a, "B", "2");
    for (const char *phase = "012"; *phase; phase++)
        client_expect_message(&pair.b, *phase == '2' ? "B" : "A", (char[]){*phase, 0});
    pair_close(&pair);
}

/* An add that waits for its turn has its body still, when the text that it came in is gone. */
static void test_long_add_waits(void **state)
{
    static const struct relay_limits limits = {.retention = 3600000,
                                               .mailbox_bytes = 100000,
                                               .mailbox_messages = 100,
                                               .piece_bytes = RULES_FIXTURE_PIECE};
    static char hex[70001], text[sizeof(hex) + 64];
    struct pair pair;

    (void)state;
    memset(hex, 'a', sizeof(hex) - 1);
    snprintf(text, sizeof(text), "{'type':'add','phase':'0','body':'%s'}", hex);
    pair_open_m(&pair);
    pair.fixture.store->set_limits(pair.fixture.store->self, &limits);
    client_do(&pair.a, "{'type':'list'}");
    client_do(&pair.a, text);
    rules_fixture_run(&pair.fixture);
    client_expect(&pair.a, "{'type':'nameplates','nameplates':[]}");
    client_expect_message(&pair.a, "A", "0");
    json_t *message = client_next(&pair.b);
    assert_string_equal(json_string_value(json_object_get(message, "body")), hex);
    json_decref(message);
    pair_close(&pair);
}

static void test_failure_in_one_breath(void **state)
{
    struct pair pair;
    struct test_client third;

    (void)state;
    pair_open_m(&pair);
    client_bind(&third, &pair.fixture, "app", "C");
    client_do(&third, OPEN_M);
    client_do(&third, ADD("0"));
    rules_fixture_run(&pair.fixture);
    client_expect_error(&third, "crowded");
    client_expect_error(&third, "must open mailbox before adding");
    client_leave(&third);
    pair_close(&pair);
}

static void test_crowded(void **state)
{
    struct pair pair;
    struct test_client third;
    struct relay_counts before;

    (void)state;
    pair_open_m(&pair);
    free(claim(&pair.a, "4"));
    free(claim(&pair.b, "4"));
    before = counts(&pair.fixture);

    client_bind(&third, &pair.fixture, "app", "C");
    client_fail(&third, CLAIM_4, "crowded");
    client_fail(&third, OPEN_M, "crowded");
    client_fail(&third, ADD("pake"), "must open mailbox before adding");
    client_run(&third, CLOSE);
    client_expect(&third, CLOSED);
    assert_int_equal(counts(&pair.fixture).mailboxes, before.mailboxes);
    assert_int_equal(counts(&pair.fixture).nameplates, before.nameplates);

    /* The rightful two never notice, on these connections and on others. */
    client_leave(&pair.a);
    client_bind(&pair.a, &pair.fixture, "app", "A");
    free(claim(&pair.a, "4"));
    client_run(&pair.a, OPEN_M);
    client_run(&pair.a, ADD("0"));
    client_expect_message(&pair.a, "A", "0");
    client_expect_message(&pair.b, "A", "0");
    client_expect_nothing(&third);
    client_run(&pair.a, CLOSE);
    client_expect(&pair.a, CLOSED);
    client_leave(&third);
    pair_close(&pair);
}

static void test_reclaimed(void **state)
{
    struct pair pair;
    struct test_client again;

    (void)state;
    pair_open(&pair);
    free(claim(&pair.a, "4"));
    free(claim(&pair.b, "4"));
    client_run(&pair.a, RELEASE);
    client_expect(&pair.a, RELEASED);
    client_bind(&again, &pair.fixture, "app", "A");
    client_fail(&again, CLAIM_4, "reclaimed");
    client_leave(&again);
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
    client_run(&pair.a, text);
    client_expect(&pair.a, CLOSED);
    assert_int_equal(counts(&pair.fixture).nameplates, 0);
    client_run(&pair.a, RELEASE);
    client_expect(&pair.a, RELEASED);
    free(mailbox);
    pair_close(&pair);
}

/* The newest stock relay deletes by side alone. */
static void test_close_touches_nothing_else(void **state)
{
    struct pair pair;
    struct test_client other, elsewhere;

    (void)state;
    pair_open_m(&pair);
    client_bind(&other, &pair.fixture, "app", "A");
    client_run(&other, "{'type':'open','mailbox':'n'}");
    client_bind(&elsewhere, &pair.fixture, "apq", "A");
    client_run(&elsewhere, OPEN_M);
    client_run(&pair.a, ADD("pake"));
    client_expect_message(&pair.a, "A", "pake");
    client_expect_message(&pair.b, "A", "pake");
    client_run(&pair.a, CLOSE);
    client_expect(&pair.a, CLOSED);
    client_run(&pair.b, CLOSE);
    client_expect(&pair.b, CLOSED);
    assert_int_equal(counts(&pair.fixture).mailboxes, 2);
    client_run(&other, ADD("pake"));
    client_expect_message(&other, "A", "pake");
    client_run(&elsewhere, ADD("pake"));
    client_expect_message(&elsewhere, "A", "pake");
    client_expect_nothing(&other);
    client_expect_nothing(&elsewhere);
    client_leave(&other);
    client_leave(&elsewhere);
    pair_close(&pair);
}

/* ---- listening ---- */

static void test_two_connections_of_one_side(void **state)
{
    struct pair pair;
    struct test_client second, *const all[] = {&pair.a, &pair.b, &second};

    (void)state;
    pair_open_m(&pair);
    client_run(&pair.a, ADD("0"));
    client_bind(&second, &pair.fixture, "app", "A");
    client_run(&second, OPEN_M);
    all_hear(all, 3, "A", "0");
    client_run(&second, ADD("1"));
    all_hear(all, 3, "A", "1");
    client_run(&pair.b, ADD("2"));
    all_hear(all, 3, "B", "2");
    assert_int_equal(rules_counts(&pair.fixture).listening, 3);

    /* Closed on one of them is closed on both; the other side goes on. */
    client_run(&second, CLOSE);
    client_expect(&second, CLOSED);
    assert_int_equal(rules_counts(&pair.fixture).listening, 1);
    client_run(&pair.b, ADD("3"));
    client_expect_message(&pair.b, "B", "3");
    client_fail(&pair.a, ADD("4"), "the mailbox is closed, nothing was stored");
    client_run(&pair.a, CLOSE);
    client_expect(&pair.a, CLOSED);
    client_expect_nothing(&second);
    client_leave(&second);
    pair_close(&pair);
}

/* Whoever has closed, or left, hears nothing any more. */
static void test_listeners_go(void **state)
{
    struct pair pair;

    (void)state;
    pair_open_m(&pair);
    client_run(&pair.b, CLOSE);
    client_expect(&pair.b, CLOSED);
    client_run(&pair.a, ADD("0"));
    client_expect_message(&pair.a, "A", "0");
    client_expect_nothing(&pair.b);
    client_leave(&pair.b);
    client_bind(&pair.b, &pair.fixture, "app", "B");
    client_run(&pair.a, ADD("1"));
    client_expect_message(&pair.a, "A", "1");
    pair_close(&pair);
}

/* As if the store told of this message of the first mailbox that was made. */
static void tell_again(const struct pair *pair, const struct relay_message *message)
{
    const struct relay_feed *feed = memory_store_feed(pair->fixture.memory);

    feed->message(feed->arg, "app", "m", 1, message);
}

static void tell_gone(const struct rules_fixture *fixture, const char *appid, const char *mailbox,
                      uint64_t serial)
{
    const struct relay_feed *feed = memory_store_feed(fixture->memory);

    feed->gone(feed->arg, appid, mailbox, serial);
}

/* Whoever listens to what was deleted would wait in vain; whoever is about to open it makes it
 * anew. */
static void test_a_mailbox_is_gone(void **state)
{
    struct pair pair;
    struct test_client other;

    (void)state;
    pair_open(&pair);
    client_bind(&other, &pair.fixture, "app", "C");
    client_run(&other, "{'type':'open','mailbox':'another'}");
    client_run(&pair.a, OPEN_M);
    pair.fixture.store->expire(pair.fixture.store->self, INT64_MAX, 10, NULL, NULL);
    client_do(&pair.b, OPEN_M);
    tell_gone(&pair.fixture, "app", "m", 2);
    tell_gone(&pair.fixture, "app", "of nobody", 3);
    assert_string_equal(pair.a.dropped, "the mailbox was deleted");
    assert_null(pair.b.dropped);
    assert_null(other.dropped);
    rules_fixture_run(&pair.fixture);
    tell_gone(&pair.fixture, "another app", "m", 9);
    tell_gone(&pair.fixture, "app", "m", 2); /* the one before */
    assert_null(pair.b.dropped);
    tell_gone(&pair.fixture, "app", "m", 3);
    assert_non_null(pair.b.dropped);
    client_expect_nothing(&other);
    client_leave(&other);
    pair_close(&pair);
}

/* The answer to an `open` may come after what is told of the end of that mailbox, or of the next
 * one under its name. */
static void test_feed_overtakes_the_end(void **state)
{
    static const struct relay_message first = {
        .number = 1, .side = "X", .phase = "x", .body = "00", .body_length = 2};
    const struct relay_feed *feed;
    struct pair pair;

    (void)state;
    pair_open(&pair);
    feed = memory_store_feed(pair.fixture.memory);
    client_do(&pair.a, OPEN_M);
    tell_gone(&pair.fixture, "app", "m", 1);
    rules_fixture_run(&pair.fixture);
    assert_string_equal(pair.a.dropped, "the mailbox was made anew");
    client_do(&pair.b, OPEN_M);
    feed->message(feed->arg, "app", "m", 2, &first);
    client_do(&pair.b, PING);
    rules_fixture_run(&pair.fixture);
    assert_string_equal(pair.b.dropped, "the mailbox was made anew");
    client_expect_nothing(&pair.b);
    pair_close(&pair);
}

/* What was told of the mailbox before it is not looked for in the one that is opened. */
static void test_feed_of_an_older_one(void **state)
{
    static const struct relay_message seventh = {
        .number = 7, .side = "X", .phase = "x", .body = "00", .body_length = 2};
    struct pair pair;

    (void)state;
    pair_open(&pair);
    client_run(&pair.a, OPEN_M);
    pair.fixture.store->expire(pair.fixture.store->self, INT64_MAX, 10, NULL, NULL);
    client_do(&pair.b, OPEN_M);
    client_do(&pair.b, PING);
    tell_again(&pair, &seventh);
    client_expect_message(&pair.a, "X", "x");
    assert_int_equal(memory_store_run(pair.fixture.memory, 2), 2);
    client_expect(&pair.b, PONG);
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
    client_run(&pair.a, OPEN_M);
    client_run(&pair.a, ADD("0"));
    client_expect_message(&pair.a, "A", "0");
    client_do(&pair.b, OPEN_M);
    client_do(&pair.b, PING);
    client_do(&pair.a, ADD("1"));
    tell_again(&pair, &second);
    assert_int_equal(memory_store_run(pair.fixture.memory, 1), 1);
    client_expect_message(&pair.b, "A", "0");
    client_expect_nothing(&pair.b);
    rules_fixture_run(&pair.fixture);
    client_expect_message(&pair.b, "A", "1");
    client_expect(&pair.b, PONG);
    client_expect_message(&pair.a, "A", "1");
    /* What was replayed may come again. */
    tell_again(&pair, &second);
    client_run(&pair.a, ADD("2"));
    client_expect_message(&pair.a, "A", "2");
    client_expect_message(&pair.b, "A", "2");
    pair_close(&pair);
}

/* What is told of a mailbox that was made anew is none of those who listen to the one before it:
 * they are sent away, and come back. What is told of one that is gone is dropped. */
static void test_made_anew(void **state)
{
    static const struct relay_message first = {
        .number = 1, .side = "X", .phase = "x", .body = "00", .body_length = 2};
    const struct relay_feed *feed;
    struct pair pair;

    (void)state;
    pair_open_m(&pair);
    feed = memory_store_feed(pair.fixture.memory);
    client_run(&pair.a, ADD("0"));
    client_expect_message(&pair.a, "A", "0");
    client_expect_message(&pair.b, "A", "0");
    pair.fixture.store->expire(pair.fixture.store->self, INT64_MAX, 10, NULL, NULL);
    rules_fixture_run(&pair.fixture);
    client_leave(&pair.b);
    client_bind(&pair.b, &pair.fixture, "app", "B");
    client_run(&pair.b, OPEN_M);
    client_run(&pair.b, ADD("1"));
    client_expect_message(&pair.b, "B", "1");
    client_expect_nothing(&pair.a);
    assert_string_equal(pair.a.dropped, "the mailbox was made anew");
    feed->message(feed->arg, "app", "m", 1, &first);
    client_expect_nothing(&pair.b);
    assert_null(pair.b.dropped);
    pair_close(&pair);
}

/* Nobody can tell whether it was done: the client learns nothing, and heals over a new connection.
 */
static void test_in_doubt(void **state)
{
    static const char *const commands[] = {"{'type':'allocate'}",
                                           "{'type':'claim','nameplate':'4'}", OPEN_M,
                                           "{'type':'close','mailbox':'m'}"};
    struct pair pair;

    (void)state;
    pair_open(&pair);
    memory_store_fail(pair.fixture.memory, RELAY_IN_DOUBT);
    for (size_t i = 0; i < LENGTH(commands); i++) {
        client_run(&pair.a, commands[i]);
        assert_non_null(pair.a.dropped);
        client_expect_nothing(&pair.a);
        client_leave(&pair.a);
        client_bind(&pair.a, &pair.fixture, "app", "A");
    }
    memory_store_fail(pair.fixture.memory, RELAY_DONE);
    client_run(&pair.a, OPEN_M);
    memory_store_fail(pair.fixture.memory, RELAY_IN_DOUBT);
    client_run(&pair.a, ADD("0"));
    assert_non_null(pair.a.dropped);
    json_array_clear(pair.a.told); /* if it was stored, it was told to all */
    pair_close(&pair);
}

/* ---- two nodes ---- */

/* The ends of a mailbox at two nodes, that of the pair's A and another. */
static void open_other_node(const struct pair *pair, struct rules_fixture *ret_other)
{
    *ret_other = pair->fixture;
    ret_other->memory = memory_store_new_node(pair->fixture.memory);
    assert_non_null(ret_other->memory);
    ret_other->store = memory_store_interface(ret_other->memory);
    ret_other->rules = rules_fixture_rules(ret_other->store);
}

static void test_two_nodes(void **state)
{
    struct rules_fixture other;
    struct test_client far, again;
    struct pair pair;

    (void)state;
    pair_open(&pair);
    open_other_node(&pair, &other);
    client_bind(&far, &other, "app", "F");
    client_run(&pair.a, OPEN_M);
    client_run(&far, OPEN_M);
    client_run(&far, ADD("0"));
    client_expect_message(&far, "F", "0");
    client_expect_nothing(&pair.a);
    client_run(&pair.a, ADD("1")); /* … and has not heard of the other one */
    client_expect_message(&pair.a, "F", "0");
    client_expect_message(&pair.a, "A", "1");
    rules_fixture_run(&other);
    client_expect_message(&far, "A", "1");
    /* A side's close ends its visits everywhere, but not those that begin after it. */
    client_bind(&again, &pair.fixture, "app", "F");
    client_run(&again, OPEN_M);
    client_expect_message(&again, "F", "0");
    client_expect_message(&again, "A", "1");
    client_run(&far, CLOSE);
    client_expect(&far, CLOSED);
    rules_fixture_run(&pair.fixture);
    assert_false(rules_listening(again.rules));
    assert_true(rules_listening(pair.a.rules));
    client_leave(&again);
    client_bind(&again, &pair.fixture, "app", "F");
    client_run(&again, OPEN_M);
    assert_true(rules_listening(again.rules));
    client_leave(&again);
    client_leave(&far);
    rules_fixture_close(&other);
    pair_close(&pair);
}

/* The fence: all stored messages come before the pong of a later ping. */
static void test_fence(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    client_run(&pair.a, OPEN_M);
    client_run(&pair.a, ADD("0"));
    client_expect_message(&pair.a, "A", "0");
    client_run(&pair.a, ADD("1"));
    client_expect_message(&pair.a, "A", "1");
    client_do(&pair.b, OPEN_M);
    client_do(&pair.b, PING);
    client_expect_nothing(&pair.b);
    rules_fixture_run(&pair.fixture);
    client_expect_message(&pair.b, "A", "0");
    client_expect_message(&pair.b, "A", "1");
    client_expect(&pair.b, PONG);
    pair_close(&pair);
}

/* Other writers are heard as well, also those that no connection here stands for. */
/* The position that the next answer, a pong, tells. New; "" if it tells none. */
static char *told_position(struct test_client *client)
{
    client_run(client, "{'type':'ping','ping':1}");
    json_t *pong = client_next(client);
    const char *position = json_string_value(json_object_get(pong, "position"));
    char *copy = strdup(position == NULL ? "" : position);

    assert_string_equal(json_string_value(json_object_get(pong, "type")), "pong");
    json_decref(pong);
    return copy;
}

/* Opens with `after`, and expects so many messages of a mailbox with phases 0, 1, …, of `all`. */
static void expect_replay(struct rules_fixture *fixture, const char *mailbox, const char *after,
                          unsigned all, unsigned count)
{
    struct test_client client;
    char text[512], phase[2] = "";

    client_bind(&client, fixture, "app", "A");
    snprintf(text, sizeof(text), "{'type':'open','mailbox':'%s','after':%s}", mailbox, after);
    client_run(&client, text);
    if (count < all)
        client_expect(&client, "{'type':'resumed'}");
    for (unsigned i = all - count; i < all; i++) {
        phase[0] = (char)('0' + i);
        client_expect_message(&client, "A", phase);
    }
    client_expect_nothing(&client);
    client_leave(&client);
}

static void test_resume(void **state)
{
    static const char *const hostile[] = {
        "''",
        "'0'",
        "'ffffffffffffffffffffffffffffffff'",
        "'00000000000000000000000000000000'",
        "'00000000000000010000000000000000'",
        "'0000000000000001000000000000000'",
        "'-000000000000001000000000000000a'",
        "'0x0000000000000100000000000000ab'",
        "7",
        "-1",
        "true",
        "[]",
        "{}",
        "null",
    };
    struct pair pair;
    char text[512], quoted[64], long_text[400];

    (void)state;
    pair_open(&pair);
    client_run(&pair.a, "{'type':'open','mailbox':'m1','after':''}");
    char *nowhere = told_position(&pair.a);
    assert_string_equal(nowhere, "");
    for (unsigned i = 0; i < 3; i++) {
        snprintf(text, sizeof(text), "{'type':'add','phase':'%u','body':'00'}", i);
        client_run(&pair.a, text);
        snprintf(text, sizeof(text), "%u", i);
        client_expect_message(&pair.a, "A", text);
    }
    char *end = told_position(&pair.a);
    assert_int_equal(strlen(end), RELAY_POSITION_TEXT - 1);
    client_run(&pair.a, "{'type':'add','phase':'3','body':'00'}");
    client_expect_message(&pair.a, "A", "3");
    char *later = told_position(&pair.a);
    assert_string_not_equal(end, later);

    snprintf(quoted, sizeof(quoted), "'%s'", end);
    expect_replay(&pair.fixture, "m1", quoted, 4, 1);
    snprintf(quoted, sizeof(quoted), "'%s'", later);
    expect_replay(&pair.fixture, "m1", quoted, 4, 0);
    for (size_t i = 0; i < LENGTH(hostile); i++)
        expect_replay(&pair.fixture, "m1", hostile[i], 4, 4);
    /* Next to right. */
    later[RELAY_POSITION_TEXT - 2] ^= 1;
    snprintf(quoted, sizeof(quoted), "'%s'", later);
    expect_replay(&pair.fixture, "m1", quoted, 4, 4);
    memset(long_text, 'a', sizeof(long_text));
    long_text[0] = long_text[sizeof(long_text) - 2] = '\'';
    long_text[sizeof(long_text) - 1] = '\0';
    expect_replay(&pair.fixture, "m1", long_text, 4, 4);
    /* Of another mailbox. */
    snprintf(quoted, sizeof(quoted), "'%s'", end);
    expect_replay(&pair.fixture, "m2", quoted, 0, 0);
    /* Of this name, made anew. */
    client_run(&pair.a, "{'type':'close','mailbox':'m1'}");
    client_expect(&pair.a, CLOSED);
    free(told_position(&pair.a));
    expect_replay(&pair.fixture, "m1", quoted, 0, 0);
    free(nowhere);
    free(end);
    free(later);
    pair_close(&pair);
}

/* Who does not say `after` is told nothing of it. */
static void test_no_resume(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    client_run(&pair.a, "{'type':'open','mailbox':'m'}");
    client_run(&pair.a, "{'type':'add','phase':'0','body':'00'}");
    client_expect_message(&pair.a, "A", "0");
    client_run(&pair.a, "{'type':'ping','ping':1}");
    client_expect(&pair.a, "{'type':'pong','pong':1}");
    pair_close(&pair);
}

static void test_other_writers(void **state)
{
    static const struct relay_who stranger = {"app", "B", 77, RULES_FIXTURE_START, 0};
    static const struct relay_message message = {
        .side = "B", .phase = "0", .body = "00", .body_length = 2};
    struct pair pair;

    (void)state;
    pair_open_m(&pair);
    pair.fixture.store->add(pair.fixture.store->self, &stranger, "m", &message, NULL, NULL);
    rules_fixture_run(&pair.fixture);
    client_expect_message(&pair.a, "B", "0");
    client_expect_message(&pair.b, "B", "0");
    pair_close(&pair);
}

static void test_touch(void **state)
{
    struct pair pair;

    (void)state;
    pair_open_m(&pair);
    client_run(&pair.b, CLOSE);
    client_expect(&pair.b, CLOSED);
    pair.fixture.now += 3000000;
    rules_touch(pair.b.rules, pair.fixture.now);
    pair.fixture.store->expire(pair.fixture.store->self, pair.fixture.now + 1000000, 10, NULL,
                               NULL);
    rules_touch(pair.a.rules, pair.fixture.now);
    assert_int_equal(memory_store_run(pair.fixture.memory, 1), 1);
    assert_int_equal(counts(&pair.fixture).mailboxes, 0); /* B's visit is over */

    client_leave(&pair.a);
    client_bind(&pair.a, &pair.fixture, "app", "A");
    client_run(&pair.a, OPEN_M);
    pair.fixture.now += 3000000;
    rules_touch(pair.a.rules, pair.fixture.now);
    pair.fixture.store->expire(pair.fixture.store->self, pair.fixture.now + 1000000, 10, NULL,
                               NULL);
    rules_fixture_run(&pair.fixture);
    assert_int_equal(counts(&pair.fixture).mailboxes, 1);
    pair_close(&pair);
}

/* ---- limits ---- */

static void test_rate_limits(void **state)
{
    static const char *const said[RULES_RATES] = {
        [RULES_RATE_ALLOCATE] = ALLOCATE,
        [RULES_RATE_CLAIM] = "{'type':'claim','nameplate':'44'}", /* never the one allocated */
        [RULES_RATE_OPEN] = OPEN_M,
        [RULES_RATE_ADD] = ADD("0"),
        [RULES_RATE_LIST] = "{'type':'list'}",
    };
    struct pair pair;
    uint64_t commits;

    (void)state;
    pair_open(&pair);
    for (size_t i = 0; i < RULES_RATES; i++) {
        pair.fixture.limit_errors[i] = "not so fast";
        commits = counts(&pair.fixture).commits;
        client_fail(&pair.a, said[i], "not so fast");
        assert_int_equal(counts(&pair.fixture).commits, commits);
        assert_int_equal(rules_counts(&pair.fixture).limited[i], 1);
        pair.fixture.limit_errors[i] = NULL;
        client_run(&pair.a, said[i]);
        assert_int_equal(pair.fixture.limit_asked[i], 2);
        pair_forget(&pair);
    }
    assert_int_equal(counts(&pair.fixture).nameplates, 2);
    assert_int_equal(counts(&pair.fixture).messages, 1);
    pair_close(&pair);
}

static void test_own_nameplate_is_no_guess(void **state)
{
    struct pair pair;
    char *nameplate, text[100];

    (void)state;
    pair_open(&pair);
    pair.fixture.limit_errors[RULES_RATE_CLAIM] = "not so fast";
    nameplate = allocate(&pair.a);
    snprintf(text, sizeof(text), "{'type':'claim','nameplate':'%s'}", nameplate);
    client_fail(&pair.b, text, "not so fast");
    free(claim(&pair.a, nameplate));
    assert_int_equal(pair.fixture.limit_asked[RULES_RATE_CLAIM], 1);
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
    client_do(&pair.a, ALLOCATE);
    client_leave(&pair.a);
    rules_fixture_run(&pair.fixture);
    client_bind(&pair.a, &pair.fixture, "app", "A");
    first = allocate(&pair.a);
    client_leave(&pair.a);
    client_bind(&pair.a, &pair.fixture, "app", "A");
    again = allocate(&pair.a);
    assert_string_equal(again, first);
    assert_int_equal(counts(&pair.fixture).nameplates, 1);
    assert_int_equal(pair.fixture.limit_asked[RULES_RATE_ALLOCATE], 3);
    free(claim(&pair.a, again));
    assert_int_equal(pair.fixture.limit_asked[RULES_RATE_CLAIM], 0);
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
    client_run(&pair.b, OPEN_M);
    for (size_t i = 0; i < LENGTH(refusals); i++) {
        memory_store_fail(pair.fixture.memory, refusals[i].result);
        client_fail(&pair.a, ALLOCATE, refusals[i].error);
        client_fail(&pair.a, RELEASE_4, refusals[i].error);
        client_fail(&pair.a, OPEN_M, refusals[i].error);
        client_fail(&pair.a, CLOSE, refusals[i].error);
        client_fail(&pair.b, ADD("0"), refusals[i].error);
    }
    memory_store_fail(pair.fixture.memory, RELAY_DONE);
    client_run(&pair.b, ADD("0"));
    client_expect_message(&pair.b, "B", "0");
    client_run(&pair.a, OPEN_M);
    client_expect_message(&pair.a, "B", "0");
    client_run(&pair.a, CLOSE);
    client_expect(&pair.a, CLOSED);
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
    client_run(&pair.a, OPEN_M);
    snprintf(text, sizeof(text), "{'type':'add','phase':'0','body':'%s'}", body);
    client_run(&pair.a, text);
    client_expect_message(&pair.a, "A", "0");
    client_run(&pair.a, "{'type':'add','phase':'1','body':'00000000000000','id':'x'}");
    client_expect(&pair.a, "{'type':'error','error':'the mailbox is full, nothing was stored',"
                           "'orig':{'type':'add','phase':'1','body':'','id':'x'}}");
    client_run(&pair.a, ADD("2"));
    client_expect_message(&pair.a, "A", "2");
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
    client_do(&pair.a, text);
    client_expect(&pair.a, PONG);
    rules_receive(pair.a.rules, text, 100001, pair.fixture.now);
    client_expect(&pair.a, "{'type':'error','error':'the message is too large','orig':null}");
    assert_string_equal(pair.a.dropped, "the message is too large");
    rules_receive(pair.a.rules, text, 100000, pair.fixture.now);
    client_expect_nothing(&pair.a);
    free(text);
    pair_close(&pair);
}

static void test_busy(void **state)
{
    struct pair pair;

    (void)state;
    pair_open(&pair);
    client_do(&pair.a, ALLOCATE);
    for (int i = 1; i < RULES_QUEUE_MAX; i++) {
        assert_false(rules_busy(pair.a.rules));
        client_do(&pair.a, PING);
    }
    assert_true(rules_busy(pair.a.rules));
    assert_int_equal(pair.a.busy_changes, 1);
    rules_fixture_run(&pair.fixture);
    assert_false(rules_busy(pair.a.rules));
    assert_int_equal(pair.a.busy_changes, 2);
    free(next_string(&pair.a, "allocated", "nameplate"));
    for (int i = 1; i < RULES_QUEUE_MAX; i++)
        client_expect(&pair.a, PONG);

    client_do(&pair.b, OPEN_M);
    for (int i = 1; i < RULES_QUEUE_MAX; i++)
        client_do(&pair.b, PING);
    client_say(&pair.b, PING);
    client_expect(&pair.b, "{'type':'error','error':'too many commands at once','orig':null}");
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
    client_do(&pair.a, OPEN_M);
    client_do(&pair.a, text);
    client_do(&pair.a, text);
    assert_false(rules_busy(pair.a.rules));
    client_do(&pair.a, text);
    assert_true(rules_busy(pair.a.rules));
    rules_fixture_run(&pair.fixture);
    assert_false(rules_busy(pair.a.rules));
    for (int i = 0; i < 3; i++)
        client_expect(&pair.a, PONG);
    free(text);
    pair_close(&pair);
}

/* As the Go client does: release, close, and hang up without waiting for an answer. */
static void test_last_words(void **state)
{
    struct rules_fixture fixture;
    struct test_client client;
    struct relay_counts counts;

    (void)state;
    rules_fixture_open(&fixture, &rules_fixture_settings);
    client_bind(&client, &fixture, "app", "side");
    client_run(&client, "{'type':'claim','nameplate':'4'}");
    json_t *claimed = client_next(&client);
    char open[128];
    snprintf(open, sizeof(open), "{'type':'open','mailbox':'%s'}",
             json_string_value(json_object_get(claimed, "mailbox")));
    json_decref(claimed);
    client_run(&client, open);
    client_say(&client, "{'type':'add','phase':'0','body':'00'}");
    client_say(&client, "{'type':'release'}");
    client_say(&client, "{'type':'close','mood':'happy'}");
    client_leave(&client);
    rules_fixture_run(&fixture);
    fixture.store->count(fixture.store->self, &counts);
    assert_int_equal(counts.nameplates, 0);
    assert_int_equal(counts.mailboxes, 0);
    assert_int_equal(counts.messages, 0);
    rules_fixture_close(&fixture);
}

/* Adds that were said are done although the client has gone, those that were still waiting too. */
static void test_leave_under_way(void **state)
{
    struct pair pair;

    (void)state;
    pair_open_m(&pair);
    for (int i = 0; i < RULES_ADDS_MAX + 8; i++)
        client_do(&pair.a, ADD("0"));
    client_leave(&pair.a);
    assert_int_equal(memory_store_run(pair.fixture.memory, SIZE_MAX), RULES_ADDS_MAX + 8);
    for (int i = 0; i < RULES_ADDS_MAX + 8; i++)
        client_expect_message(&pair.b, "A", "0");
    client_bind(&pair.a, &pair.fixture, "app", "A");
    pair_close(&pair);
}

static void test_counts(void **state)
{
    static const char *const moods[] = {
        "'happy'", "'lonely'", "'scary'", "'errory'", "'odd'", "null",
    };
    static const uint64_t expected[RULES_MOODS] = {2, 1, 1, 1, 1}; /* none is happy */
    struct pair pair;
    struct rules_counts found;

    (void)state;
    pair_open(&pair);
    for (size_t i = 0; i < LENGTH(moods); i++) {
        struct test_client client;
        char text[100];

        snprintf(text, sizeof(text), "{'type':'close','mailbox':'m','mood':%s}", moods[i]);
        client_bind(&client, &pair.fixture, "app", "A");
        client_run(&client, text);
        client_expect(&client, CLOSED);
        client_leave(&client);
    }
    client_fail(&pair.a, "{'type':'x'}", "unknown type");
    found = rules_counts(&pair.fixture);
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
        cmocka_unit_test(test_numbers_only),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_repeated_farewells),
        cmocka_unit_test(test_open_and_add_in_one_breath),
        cmocka_unit_test(test_adds_and_release_in_one_breath),
        cmocka_unit_test(test_long_add_waits),
        cmocka_unit_test(test_failure_in_one_breath),
        cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_reclaimed),
        cmocka_unit_test(test_close_before_release),
        cmocka_unit_test(test_close_touches_nothing_else),
        cmocka_unit_test(test_two_connections_of_one_side),
        cmocka_unit_test(test_listeners_go),
        cmocka_unit_test(test_feed_overtakes_the_end),
        cmocka_unit_test(test_feed_of_an_older_one),
        cmocka_unit_test(test_feed_overtakes_replay),
        cmocka_unit_test(test_made_anew),
        cmocka_unit_test(test_in_doubt),
        cmocka_unit_test(test_two_nodes),
        cmocka_unit_test(test_a_mailbox_is_gone),
        cmocka_unit_test(test_fence),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_no_resume),
        cmocka_unit_test(test_other_writers),
        cmocka_unit_test(test_touch),
        cmocka_unit_test(test_rate_limits),
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
