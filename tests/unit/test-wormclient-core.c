/* The client's asynchronous core, with the daemon's part played by hand: exact bytes both ways,
 * answers in any order and in pieces, callbacks that do what they like, and every kind of end. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "libclient/wormclient.h"
#include "wormclient-peer.h"

/* What a callback was told. */
struct heard {
    int calls;
    struct wormclient_error error; /* WORMCLIENT_ERROR_NONE for a result */
    int64_t number;                /* of the result's key "n" */
};

static void hear(struct wormclient *client, const struct wormclient_error *error,
                 const struct wormclient_value *result, void *arg)
{
    struct heard *heard = arg;
    assert_non_null(client);
    assert_true((error == NULL) != (result == NULL));
    heard->calls++;
    heard->error = error == NULL ? (struct wormclient_error){0} : *error;
    heard->number = wormclient_value_number(result, "n", -1);
}

static void ask(struct peer *peer, struct heard *heard)
{
    *heard = (struct heard){0};
    assert_true(wormclient_request(peer->client, "m", NULL, hear, heard, NULL));
}

/* ---- requests ---- */

static void exact_bytes(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_greeted(&peer);
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_text(params, "t", "ab");
    wormclient_params_text(params, "none", NULL);
    wormclient_params_data(params, "d", "\0\xff", 2);
    wormclient_params_number(params, "n", -2);
    wormclient_params_flag(params, "f", true);
    assert_true(wormclient_request(peer.client, "status", params, NULL, NULL, NULL));
    assert_true(wormclient_request(peer.client, "list", NULL, NULL, NULL, NULL));
    assert_int_equal(wormclient_interest(peer.client),
                     WORMCLIENT_WANT_READ | WORMCLIENT_WANT_WRITE);
    peer_expect(&peer, BYTES("\x94\x00\x02\xa6status\x91\x85\xa1t\xa2"
                             "ab\xa4none\xc0\xa1"
                             "d\xc4\x02\x00\xff\xa1n\xfe\xa1"
                             "f\xc3"
                             "\x94\x00\x03\xa4list\x91\x80"));
    peer_expect_no_more(&peer);
    peer_close(&peer);
}

static void answers_in_pieces(void **state)
{
    (void)state;
    for (size_t chunk = 1; chunk <= 9; chunk++) {
        struct peer peer;
        struct heard heard[2];
        peer_open(&peer);
        ask(&peer, &heard[0]);
        ask(&peer, &heard[1]);
        peer_say(&peer,
                 BYTES("\x94\x01\x01\xc0\x82\xa3"
                       "api\x01\xa7version\xa3"
                       "1.0"
                       "\x94\x01\x02\xc0\x81\xa1n\x07"
                       "\x94\x01\x03\xc0\x81\xa1n\x08"),
                 chunk);
        assert_int_equal(heard[0].calls, 1);
        assert_int_equal(heard[0].number, 7);
        assert_int_equal(heard[1].calls, 1);
        assert_int_equal(heard[1].number, 8);
        peer_close(&peer);
    }
}

static void answers_in_another_order(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard[3];
    peer_open(&peer);
    for (int i = 0; i < 3; i++)
        ask(&peer, &heard[i]);
    peer_say(&peer, BYTES("\x94\x01\x04\xc0\x81\xa1n\x04\x94\x01\x02\xc0\x81\xa1n\x02"), 64);
    assert_int_equal(heard[0].number, 2);
    assert_int_equal(heard[1].calls, 0);
    assert_int_equal(heard[2].number, 4);
    peer_say(&peer, BYTES("\x94\x01\x03\xc0\x81\xa1n\x03"), 64);
    assert_int_equal(heard[1].number, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(heard[i].calls, 1);
    peer_close(&peer);
}

static void too_large_a_request(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_greeted(&peer);
    size_t size = WORMCLIENT_MESSAGE_MAX + 1024 * 1024;
    void *data = calloc(1, size);
    assert_non_null(data);
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_data(params, "data", data, size);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_false(wormclient_request(peer.client, "send", params, hear, NULL, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_TOO_LARGE);
    assert_int_equal(wormclient_interest(peer.client), WORMCLIENT_WANT_READ);
    peer_expect_no_more(&peer);
    free(data);
    peer_close(&peer);
}

/* The socket takes a part of it at a time; the client says how long it has more to write. */
static void large_data_out(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_greeted(&peer);
    char *data = malloc(WORMCLIENT_MESSAGE_MAX);
    assert_non_null(data);
    for (size_t i = 0; i < WORMCLIENT_MESSAGE_MAX; i++)
        data[i] = (char)(i * 7 + (i >> 12));
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_data(params, "data", data, WORMCLIENT_MESSAGE_MAX);
    assert_true(wormclient_request(peer.client, "send", params, NULL, NULL, NULL));
    assert_true(wormclient_request(peer.client, "m", NULL, NULL, NULL, NULL));
    assert_true(wormclient_process(peer.client, NULL));
    assert_true(wormclient_interest(peer.client) & WORMCLIENT_WANT_WRITE);
    peer_expect(&peer, BYTES("\x94\x00\x02\xa4send\x91\x81\xa4"
                             "data\xc6\x01\x00\x00\x00"));
    /* Queued while a little has left, and when most of it has. */
    assert_true(wormclient_request(peer.client, "k", NULL, NULL, NULL, NULL));
    size_t most = WORMCLIENT_MESSAGE_MAX / 4 * 3;
    peer_expect(&peer, data, most);
    assert_true(wormclient_request(peer.client, "l", NULL, NULL, NULL, NULL));
    peer_expect(&peer, data + most, WORMCLIENT_MESSAGE_MAX - most);
    peer_expect(&peer, BYTES("\x94\x00\x03\xa1m\x91\x80\x94\x00\x04\xa1k\x91\x80"
                             "\x94\x00\x05\xa1l\x91\x80"));
    peer_expect_no_more(&peer);
    free(data);
    peer_close(&peer);
}

static void hear_size(struct wormclient *client, const struct wormclient_error *error,
                      const struct wormclient_value *result, void *arg)
{
    (void)client;
    size_t *size = arg;
    assert_null(error);
    const char *data = wormclient_value_data(result, "data", size);
    assert_non_null(data);
    assert_int_equal(data[*size - 1], 'x');
}

static void large_data_in(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_greeted(&peer);
    size_t size = 0;
    assert_true(wormclient_request(peer.client, "recv", NULL, hear_size, &size, NULL));
    peer_say(&peer,
             BYTES("\x94\x01\x02\xc0\x81\xa4"
                   "data\xc6\x01\x00\x00\x00"),
             64);
    char *data = malloc(WORMCLIENT_MESSAGE_MAX);
    assert_non_null(data);
    memset(data, 'x', WORMCLIENT_MESSAGE_MAX);
    peer_say(&peer, data, WORMCLIENT_MESSAGE_MAX, 50000);
    assert_int_equal(size, WORMCLIENT_MESSAGE_MAX);
    free(data);
    peer_close(&peer);
}

/* ---- errors from the daemon ---- */

static const struct {
    const char *name;
    enum wormclient_error_code code;
} CODES[] = {
    {"hello-first", WORMCLIENT_ERROR_REFUSED},   {"unknown-method", WORMCLIENT_ERROR_REFUSED},
    {"bad-params", WORMCLIENT_ERROR_REFUSED},    {"bad-message", WORMCLIENT_ERROR_PROTOCOL},
    {"not-found", WORMCLIENT_ERROR_NOT_FOUND},   {"ambiguous", WORMCLIENT_ERROR_AMBIGUOUS},
    {"name-taken", WORMCLIENT_ERROR_NAME_TAKEN}, {"bad-code", WORMCLIENT_ERROR_BAD_CODE},
    {"closed", WORMCLIENT_ERROR_CLOSED},         {"not-closed", WORMCLIENT_ERROR_NOT_CLOSED},
    {"too-large", WORMCLIENT_ERROR_TOO_LARGE},   {"store-full", WORMCLIENT_ERROR_STORE},
    {"store-failed", WORMCLIENT_ERROR_STORE},    {"busy", WORMCLIENT_ERROR_REFUSED},
    {"of-the-future", WORMCLIENT_ERROR_REFUSED},
};

static void say_error(struct peer *peer, uint8_t id, const char *code)
{
    char bytes[128];
    size_t length = strlen(code);
    memcpy(bytes,
           "\x94\x01\x00\x82\xa7message\xa8it\n\x1b[1m!\xa4"
           "code",
           26);
    bytes[2] = (char)id;
    bytes[26] = (char)(0xa0 | length);
    memcpy(bytes + 27, code, length);
    bytes[27 + length] = (char)0xc0;
    peer_say(peer, bytes, 28 + length, 64);
}

static void codes_of_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
        struct peer peer;
        struct heard heard;
        peer_open_greeted(&peer);
        ask(&peer, &heard);
        say_error(&peer, 2, CODES[i].name);
        assert_int_equal(heard.calls, 1);
        assert_int_equal(heard.error.code, CODES[i].code);
        assert_string_equal(heard.error.daemon_code, CODES[i].name);
        /* A sentence for a terminal has no control characters. */
        assert_string_equal(heard.error.text, "it??[1m!");
        assert_true(wormclient_fd(peer.client) >= 0);
        peer_close(&peer);
    }
}

static void errors_that_are_no_map(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard;
    peer_open_greeted(&peer);
    ask(&peer, &heard);
    peer_say(&peer, BYTES("\x94\x01\x02\xa4oops\xc0"), 64);
    assert_int_equal(heard.error.code, WORMCLIENT_ERROR_REFUSED);
    assert_string_equal(heard.error.daemon_code, "");
    assert_true(heard.error.text[0] != '\0');
    ask(&peer, &heard);
    peer_say(&peer,
             BYTES("\x94\x01\x03\x82\xa4"
                   "code\x07\xa7message\x90\xc0"),
             64);
    assert_int_equal(heard.error.code, WORMCLIENT_ERROR_REFUSED);
    peer_close(&peer);
}

static void assert_failed(struct peer *peer, struct heard *heard, enum wormclient_error_code code)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_int_equal(heard->calls, 1);
    assert_int_equal(heard->error.code, code);
    assert_int_equal(wormclient_fd(peer->client), -1);
    assert_int_equal(wormclient_interest(peer->client), 0);
    assert_false(wormclient_process(peer->client, &error));
    assert_int_equal(error.code, code);
    assert_true(error.text[0] != '\0');
    assert_false(
        wormclient_request(peer->client, "m", wormclient_params_new(), hear, heard, &error));
    assert_int_equal(error.code, code);
    assert_int_equal(heard->calls, 1);
}

/* An error with id 0 is about the connection: `busy` comes before anything was asked. */
static void errors_about_the_connection(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard;
    peer_open(&peer);
    ask(&peer, &heard);
    say_error(&peer, 0, "busy");
    assert_failed(&peer, &heard, WORMCLIENT_ERROR_REFUSED);
    assert_true(wormclient_error_is_fatal(&heard.error));
    peer_close(&peer);
}

/* It refused, and hung up, before we had written anything: its reason is told, not a broken pipe.
 */
static void last_words(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard;
    peer_open(&peer);
    ask(&peer, &heard);
    static const char words[] = "\x94\x01\x00\x81\xa4"
                                "code\xa4"
                                "busy\xc0";
    assert_int_equal(send(peer.fd, words, sizeof(words) - 1, 0), sizeof(words) - 1);
    close(peer.fd);
    peer.fd = -1;
    assert_false(wormclient_process(peer.client, NULL));
    assert_failed(&peer, &heard, WORMCLIENT_ERROR_REFUSED);
    assert_string_equal(heard.error.daemon_code, "busy");
    peer_close(&peer);
}

static void refused_hello(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard;
    peer_open(&peer);
    ask(&peer, &heard);
    say_error(&peer, 1, "busy");
    assert_failed(&peer, &heard, WORMCLIENT_ERROR_REFUSED);
    peer_close(&peer);
}

static void older_daemon(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard;
    peer_open(&peer);
    ask(&peer, &heard);
    peer_say(&peer,
             BYTES("\x94\x01\x01\xc0\x81\xa3"
                   "api\x00"),
             64);
    assert_failed(&peer, &heard, WORMCLIENT_ERROR_PROTOCOL);
    assert_non_null(strstr(heard.error.text, "api level 0"));
    peer_close(&peer);
}

static void newer_daemon(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard;
    peer_open(&peer);
    ask(&peer, &heard);
    peer_say(&peer,
             BYTES("\x94\x01\x01\xc0\x82\xa3"
                   "api\x63\xa3new\x90\x94\x01\x02\xc0\x81\xa1n\x01"),
             64);
    assert_int_equal(heard.number, 1);
    peer_close(&peer);
}

/* ---- what no daemon sends ---- */

static const struct {
    const char *bytes;
    size_t size;
} JUNK[] = {
    {BYTES("\xc1")},
    {BYTES("HTTP/1.1 400 Bad Request\r\n\r\n")},
    {BYTES("\x94\x01\x02\xc0\xc7\x01\x01\x00")},     /* ext */
    {BYTES("\x94\x01\x02\xc0\xdd\xff\xff\xff\xff")}, /* 2^32-1 elements */
    {BYTES("\x94\x01\x02\xc0\xc6\xff\xff\xff\xff")}, /* 2^32-1 bytes */
    {BYTES("\x94\x01\x02\xc0\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0")},
    {BYTES("\xc0")},
    {BYTES("\x93\x01\x02\xc0")},         /* wrong arity */
    {BYTES("\x94\x01\xa1\x32\xc0\xc0")}, /* an id that is text */
    {BYTES("\x94\x04\x02\xc0\xc0")},     /* no such kind */
    {BYTES("\x94\x00\x01\xa1m\x90")},    /* a request */
    {BYTES("\x94\x01\x03\xc0\xc0")},     /* an answer to nothing */
    {BYTES("\x94\x01\x00\xc0\xc0")},     /* the same with id 0 */
    {BYTES("\x93\x02\xa7"
           "changed\x90")},
    {BYTES("\x93\x02\xa7"
           "changed\xc0")},
    {BYTES("\x93\x02\xa7"
           "changed\x91\x81\xa7"
           "session\xa1x")},
    {BYTES("\x93\x02\xa7"
           "changed\x91\x82\xa6"
           "change\xff\xa7session\xa1x")},
    {BYTES("\x93\x02\xa7"
           "changed\x91\x82\xa6"
           "change\x01\xa7session\x01")},
    {BYTES("\x93\x02\x01\x90")},
};

static void junk(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(JUNK) / sizeof(JUNK[0]); i++)
        for (size_t chunk = 1; chunk <= 64; chunk += 63) {
            struct peer peer;
            struct heard heard;
            peer_open_greeted(&peer);
            ask(&peer, &heard);
            assert_true(wormclient_process(peer.client, NULL));
            peer_say(&peer, JUNK[i].bytes, JUNK[i].size, chunk);
            if (wormclient_fd(peer.client) >= 0)
                fail_msg("case %zu in chunks of %zu was taken", i, chunk);
            assert_failed(&peer, &heard, WORMCLIENT_ERROR_PROTOCOL);
            peer_close(&peer);
        }
}

/* ---- notifications ---- */

struct told {
    int calls;
    bool failed;
    uint64_t change;
    char session[17];
};

static void tell(struct wormclient *client, const struct wormclient_error *error, uint64_t change,
                 const char *session, void *arg)
{
    (void)client;
    struct told *told = arg;
    told->calls++;
    told->failed = error != NULL;
    told->change = change;
    assert_true(session == NULL || strlen(session) < sizeof(told->session));
    strcpy(told->session, session == NULL ? "any" : session);
}

#define SUBSCRIBE_ALL(id) "\x94\x00" id "\xa9subscribe\x91\x80"
#define SUBSCRIBED(id, change)                                                                     \
    "\x94\x01" id "\xc0\x81\xa6"                                                                   \
    "change" change
#define CHANGED(change, session)                                                                   \
    "\x93\x02\xa7"                                                                                 \
    "changed\x91\x82\xa6"                                                                          \
    "change" change "\xa7session" session

/* A watch of all sessions, which has begun. The next request has id 3. */
static struct wormclient_watch *watch_all(struct peer *peer, struct told *told)
{
    struct wormclient_watch *watch = wormclient_watch(peer->client, NULL, tell, told, NULL);
    assert_non_null(watch);
    peer_expect(peer, BYTES(SUBSCRIBE_ALL("\x02")));
    peer_say(peer, BYTES(SUBSCRIBED("\x02", "\x07")), 64);
    assert_int_equal(told->calls, 1);
    assert_int_equal(told->change, 7);
    assert_string_equal(told->session, "any");
    return watch;
}

static void notifications(void **state)
{
    (void)state;
    struct peer peer;
    struct told told = {0};
    peer_open_greeted(&peer);
    /* Without a callback, and of a name that is not known: nothing happens. */
    peer_say(&peer,
             BYTES("\x93\x02\xa7"
                   "changed\x91\x82\xa6"
                   "change\x01\xa7session\xa1x"),
             64);
    watch_all(&peer, &told);
    peer_say(&peer, BYTES("\x93\x02\xa5other\x91\x81\xa1x\x90"), 64);
    assert_int_equal(told.calls, 1);
    peer_say(&peer,
             BYTES(CHANGED("\x08", "\xa4"
                                   "abcd")),
             1);
    assert_int_equal(told.calls, 2);
    assert_int_equal(told.change, 8);
    assert_string_equal(told.session, "abcd");
    /* Some were merged into this one. */
    peer_say(&peer,
             BYTES("\x93\x02\xa7"
                   "changed\x91\x83\xa3new\xc0\xa6"
                   "change\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xa7session\xa4"
                   "abcd"),
             1);
    assert_int_equal(told.calls, 3);
    assert_int_equal(told.change, UINT64_C(1) << 32);
    assert_string_equal(told.session, "any");
    assert_false(told.failed);
    close(peer.fd);
    peer.fd = -1;
    assert_false(wormclient_process(peer.client, NULL));
    assert_int_equal(told.calls, 4);
    assert_true(told.failed);
    peer_close(&peer);
}

/* ---- the end ---- */

static void connection_lost(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard[2];
    peer_open_greeted(&peer);
    ask(&peer, &heard[0]);
    ask(&peer, &heard[1]);
    assert_true(wormclient_process(peer.client, NULL));
    peer_say(&peer, BYTES("\x94\x01\x03\xc0"), 64); /* half an answer */
    close(peer.fd);
    peer.fd = -1;
    assert_false(wormclient_process(peer.client, NULL));
    assert_failed(&peer, &heard[0], WORMCLIENT_ERROR_LOST);
    assert_failed(&peer, &heard[1], WORMCLIENT_ERROR_LOST);
    assert_true(wormclient_error_is_fatal(&heard[0].error));
    peer_close(&peer);
}

/* The answer that came with the end counts, for a call that waits for it too. */
static void answered_and_lost(void **state)
{
    (void)state;
    struct peer peer;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    peer_open_greeted(&peer);
    static const char answer[] = "\x94\x01\x02\xc0\x80";
    assert_int_equal(send(peer.fd, answer, sizeof(answer) - 1, 0), sizeof(answer) - 1);
    assert_return_code(shutdown(peer.fd, SHUT_WR), errno);
    assert_true(wormclient_forget(peer.client, "x", false, &error));
    assert_false(wormclient_forget(peer.client, "x", false, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_LOST);
    peer_close(&peer);
}

/* No SIGPIPE: it would end this program. */
static void writing_to_nobody(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard;
    peer_open_greeted(&peer);
    close(peer.fd);
    peer.fd = -1;
    ask(&peer, &heard);
    assert_false(wormclient_process(peer.client, NULL));
    assert_failed(&peer, &heard, WORMCLIENT_ERROR_LOST);
    peer_close(&peer);
}

/* It takes no more, yet says nothing and does not hang up. */
static void half_closed(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard;
    peer_open_greeted(&peer);
    assert_return_code(shutdown(peer.fd, SHUT_RD), errno);
    ask(&peer, &heard);
    assert_false(wormclient_process(peer.client, NULL));
    assert_failed(&peer, &heard, WORMCLIENT_ERROR_LOST);
    assert_int_equal(heard.error.system, EPIPE);
    peer_close(&peer);
}

static void freed_with_requests(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard[2];
    peer_open(&peer);
    ask(&peer, &heard[0]);
    ask(&peer, &heard[1]);
    wormclient_free(peer.client);
    peer.client = NULL;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(heard[i].calls, 1);
        assert_int_equal(heard[i].error.code, WORMCLIENT_ERROR_LOST);
    }
    wormclient_free(NULL);
    peer_close(&peer);
}

/* ---- callbacks that do things ---- */

static void ask_again(struct wormclient *client, const struct wormclient_error *error,
                      const struct wormclient_value *result, void *arg)
{
    assert_null(error);
    int64_t left = wormclient_value_number(result, "n", 0);
    if (left > 0)
        assert_true(wormclient_request(client, "m", NULL, ask_again, arg, NULL));
    ++*(int *)arg;
}

static void callback_that_asks(void **state)
{
    (void)state;
    struct peer peer;
    int calls = 0;
    peer_open_greeted(&peer);
    assert_true(wormclient_request(peer.client, "m", NULL, ask_again, &calls, NULL));
    peer_expect(&peer, BYTES("\x94\x00\x02\xa1m\x91\x80"));
    peer_say(&peer, BYTES("\x94\x01\x02\xc0\x81\xa1n\x01"), 64);
    /* The second request left within the same call. */
    char bytes[16];
    assert_int_equal(recv(peer.fd, bytes, sizeof(bytes), MSG_DONTWAIT), 7);
    assert_memory_equal(bytes, "\x94\x00\x03\xa1m\x91\x80", 7);
    peer_say(&peer, BYTES("\x94\x01\x03\xc0\x81\xa1n\x00"), 64);
    assert_int_equal(calls, 2);
    peer_close(&peer);
}

static void free_client(struct wormclient *client, const struct wormclient_error *error,
                        const struct wormclient_value *result, void *arg)
{
    (void)error;
    wormclient_free(client);
    /* What was lent is still there. */
    if (result != NULL)
        assert_int_equal(wormclient_value_number(result, "n", -1), 5);
    ++*(int *)arg;
}

static void callback_that_frees(void **state)
{
    (void)state;
    struct peer peer;
    struct heard heard;
    struct told told = {0};
    int calls = 0;
    peer_open_greeted(&peer);
    watch_all(&peer, &told);
    assert_true(wormclient_request(peer.client, "m", NULL, free_client, &calls, NULL));
    ask(&peer, &heard);
    /* What comes behind it is for nobody. */
    peer_say(&peer,
             BYTES("\x94\x01\x03\xc0\x81\xa1n\x05\x94\x01\x04\xc0\x81\xa1n\x05"
                   "\x93\x02\xa7"
                   "changed\x91\x82\xa6"
                   "change\x01\xa7session\xa1x"),
             128);
    peer.client = NULL;
    assert_int_equal(calls, 1);
    assert_int_equal(told.calls, 1);
    assert_false(told.failed);
    assert_int_equal(heard.calls, 1);
    assert_int_equal(heard.error.code, WORMCLIENT_ERROR_LOST);
    peer_close(&peer);
}

static void callback_of_a_loss_that_frees(void **state)
{
    (void)state;
    struct peer peer;
    int calls = 0;
    peer_open_greeted(&peer);
    for (int i = 0; i < 3; i++)
        assert_true(wormclient_request(peer.client, "m", NULL, free_client, &calls, NULL));
    close(peer.fd);
    peer.fd = -1;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_false(wormclient_process(peer.client, &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_LOST);
    peer.client = NULL;
    assert_int_equal(calls, 3);
    peer_close(&peer);
}

static void callback_of_a_free_that_frees(void **state)
{
    (void)state;
    struct peer peer;
    int calls = 0;
    peer_open(&peer);
    assert_true(wormclient_request(peer.client, "m", NULL, free_client, &calls, NULL));
    wormclient_free(peer.client);
    peer.client = NULL;
    assert_int_equal(calls, 1);
    peer_close(&peer);
}

static void wait_inside(struct wormclient *client, const struct wormclient_error *error,
                        const struct wormclient_value *result, void *arg)
{
    (void)error;
    (void)result;
    struct wormclient_error *refusal = arg;
    assert_false(wormclient_process(client, refusal));
    assert_int_equal(refusal->code, WORMCLIENT_ERROR_ARGUMENT);
    assert_null(wormclient_show(client, "x", refusal));
}

/* It could never be answered there. */
static void callback_that_waits(void **state)
{
    (void)state;
    struct peer peer;
    struct wormclient_error error = {0};
    peer_open_greeted(&peer);
    assert_true(wormclient_request(peer.client, "m", NULL, wait_inside, &error, NULL));
    assert_true(wormclient_process(peer.client, NULL));
    peer_say(&peer, BYTES("\x94\x01\x02\xc0\x81\xa1n\x05"), 64);
    assert_int_equal(error.code, WORMCLIENT_ERROR_ARGUMENT);
    peer_expect(&peer, BYTES("\x94\x00\x02\xa1m\x91\x80"));
    peer_expect_no_more(&peer);
    peer_close(&peer);
}

/* Success leaves the caller's error alone, also when the connection ends right behind the answer.
 */
static void answer_with_the_end(void **state)
{
    (void)state;
    struct peer peer;
    peer_open_greeted(&peer);
    static const char view[] = "\x94\x01\x02\xc0\x82\xa2id\xa2"
                               "00\xa5state\xa5keyed";
    assert_int_equal(send(peer.fd, view, sizeof(view) - 1, 0), sizeof(view) - 1);
    assert_return_code(shutdown(peer.fd, SHUT_WR), errno);
    struct wormclient_error error = {.text = "as it was"};
    struct wormclient_session *session = wormclient_show(peer.client, "00", &error);
    assert_non_null(session);
    assert_string_equal(error.text, "as it was");
    wormclient_session_free(session);
    assert_null(wormclient_show(peer.client, "00", &error));
    assert_int_equal(error.code, WORMCLIENT_ERROR_LOST);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_bytes),
        cmocka_unit_test(answers_in_pieces),
        cmocka_unit_test(answers_in_another_order),
        cmocka_unit_test(too_large_a_request),
        cmocka_unit_test(large_data_out),
        cmocka_unit_test(large_data_in),
        cmocka_unit_test(codes_of_errors),
        cmocka_unit_test(errors_that_are_no_map),
        cmocka_unit_test(errors_about_the_connection),
        cmocka_unit_test(last_words),
        cmocka_unit_test(refused_hello),
        cmocka_unit_test(older_daemon),
        cmocka_unit_test(newer_daemon),
        cmocka_unit_test(junk),
        cmocka_unit_test(notifications),
        cmocka_unit_test(connection_lost),
        cmocka_unit_test(answered_and_lost),
        cmocka_unit_test(writing_to_nobody),
        cmocka_unit_test(half_closed),
        cmocka_unit_test(freed_with_requests),
        cmocka_unit_test(callback_that_asks),
        cmocka_unit_test(callback_that_frees),
        cmocka_unit_test(callback_of_a_loss_that_frees),
        cmocka_unit_test(callback_of_a_free_that_frees),
        cmocka_unit_test(callback_that_waits),
        cmocka_unit_test(answer_with_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
