/* Memory that runs out at any one allocation: an error that says so, each callback exactly once,
 * nothing leaked (a sanitizer or valgrind looks), and never a crash. */
#include "config.h"

#include <errno.h>
#include <poll.h>
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
#include "scarce.h"
#include "wormclient-peer.h"

/* More than any run below allocates. */
#define RUNS_MAX 1000

static const char ANSWERS[] = "\x94\x01\x01\xc0\x81\xa3"
                              "api\x01"
                              "\x94\x01\x02\xc0\x83\xa2id\xa2"
                              "00\xa5state\xa5keyed\xa4"
                              "data\xc4\x01\xff"
                              "\x93\x02\xa7"
                              "changed\x91\x82\xa6"
                              "change\x01\xa7session\xa1x";

struct run {
    int peer;    /* the daemon's end */
    bool whole;  /* all went well so far */
    int answers; /* callbacks called */
};

/* The only excuses: out of memory, in ours or in msgpack-c's part. */
static void excuse(struct run *run, const struct wormclient_error *error)
{
    assert_true(error->code == WORMCLIENT_ERROR_MEMORY ||
                (error->code == WORMCLIENT_ERROR_LOST && error->system == ENOMEM));
    run->whole = false;
}

static void look_at_session(struct run *run, const struct wormclient_value *view)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session = wormclient_session_from(view, &error);
    if (session == NULL) {
        excuse(run, &error);
        return;
    }
    assert_string_equal(wormclient_session_state(session), "keyed");
    wormclient_session_free(session);
}

static void on_answer(struct wormclient *client, const struct wormclient_error *error,
                      const struct wormclient_value *result, void *arg)
{
    (void)client;
    struct run *run = arg;
    run->answers++;
    if (error != NULL) {
        excuse(run, error);
        return;
    }
    look_at_session(run, result);
    size_t length;
    assert_non_null(wormclient_value_data(result, "data", &length));
}

static bool ask(struct run *run, struct wormclient *client)
{
    struct wormclient_params *params = wormclient_params_new();
    char large[600];
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    wormclient_params_text(params, "text", large);
    wormclient_params_data(params, "data", large, sizeof(large));
    wormclient_params_number(params, "number", 1);
    wormclient_params_flag(params, "flag", true);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    bool asked = wormclient_request(client, "show", params, on_answer, run, &error);
    if (!asked)
        excuse(run, &error);
    return asked;
}

/* A request that failed leaves nothing behind that the daemon would see. */
static void expect_only_hello(struct run *run, struct wormclient *client)
{
    char bytes[sizeof(PEER_HELLO)];
    assert_true(wormclient_process(client, NULL) || wormclient_fd(client) < 0);
    assert_int_equal(recv(run->peer, bytes, sizeof(bytes), MSG_DONTWAIT), sizeof(bytes) - 1);
    assert_memory_equal(bytes, PEER_HELLO, sizeof(bytes) - 1);
}

static void talk(struct run *run, struct wormclient *client)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    if (!ask(run, client)) {
        expect_only_hello(run, client);
        return;
    }
    assert_int_equal(send(run->peer, ANSWERS, sizeof(ANSWERS) - 1, 0), sizeof(ANSWERS) - 1);
    if (!wormclient_process(client, &error))
        excuse(run, &error);
    assert_int_equal(run->answers, 1);
}

static void play(struct run *run)
{
    int ends[2];
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), errno);
    run->peer = ends[0];
    struct wormclient *client = wormclient_adopt(ends[1], &error);
    if (client == NULL)
        excuse(run, &error);
    else
        talk(run, client);
    wormclient_free(client);
    /* Whatever happened, the descriptor was closed. */
    char bytes[4096];
    ssize_t length;
    while ((length = recv(ends[0], bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        ;
    assert_true(length == 0 || errno == ECONNRESET);
    close(ends[0]);
}

static void each_allocation_fails_once(void **state)
{
    (void)state;
    bool failed = true;
    unsigned nth = 0;
    while (failed) {
        struct run run = {.whole = true};
        assert_true(++nth < RUNS_MAX);
        scarce_fail_nth(nth);
        play(&run);
        failed = scarce_end();
        assert_int_equal(run.whole, !failed);
    }
    /* It did fail at many places. */
    assert_true(nth > 10);
}

/* ---- synchronous calls: the daemon says its next line whenever the library would sleep ---- */

#define LINES_MAX 4

/* What the library asks the kernel for when there is nothing to process. */
int __wrap_poll(struct pollfd *ready, nfds_t count, int timeout);

struct line {
    const char *bytes;
    size_t length;
};

static const struct line *next_line;
static int daemon_end;

int __wrap_poll(struct pollfd *ready, nfds_t count, int timeout)
{
    (void)timeout;
    assert_int_equal(count, 1);
    assert_true(ready->fd >= 0);
    assert_non_null(next_line->bytes);
    assert_int_equal(send(daemon_end, next_line->bytes, next_line->length, MSG_NOSIGNAL),
                     next_line->length);
    next_line++;
    return 1;
}

#define LINE(text)                                                                                 \
    {                                                                                              \
        BYTES(text)                                                                                \
    }
#define HELLO_DONE                                                                                 \
    LINE("\x94\x01\x01\xc0\x81\xa3"                                                                \
         "api\x01")
#define VIEW(id)                                                                                   \
    LINE("\x94\x01" id "\xc0\x84\xa2id\xa2"                                                        \
         "00\xa5state\xa6"                                                                         \
         "closed\xa6unread\x01\xa8received\x01")

static bool check_view(struct wormclient_session *session)
{
    if (session != NULL)
        assert_string_equal(wormclient_session_state(session), "closed");
    wormclient_session_free(session);
    return session != NULL;
}

static bool verify(struct wormclient *client, struct wormclient_error *ret_error)
{
    return check_view(wormclient_verify(client, "00", true, ret_error));
}

static bool rename_it(struct wormclient *client, struct wormclient_error *ret_error)
{
    return check_view(wormclient_rename(client, "00", "n", ret_error));
}

static bool import(struct wormclient *client, struct wormclient_error *ret_error)
{
    return check_view(wormclient_import(client, "{}", "n", ret_error));
}

static bool wait_for_end(struct wormclient *client, struct wormclient_error *ret_error)
{
    return check_view(wormclient_wait(client, "00", wormclient_is_closed, NULL, -1, ret_error));
}

static bool derive(struct wormclient *client, struct wormclient_error *ret_error)
{
    char key[3] = "";
    bool done = wormclient_derive_key(client, "00", "p", key, 2, ret_error);
    assert_string_equal(key, done ? "ab" : "");
    return done;
}

static bool export(struct wormclient *client, struct wormclient_error *ret_error)
{
    char *text = wormclient_export(client, "00", ret_error);
    if (text != NULL)
        assert_string_equal(text, "{}");
    wormclient_secret_free(text);
    return text != NULL;
}

static bool end_export(struct wormclient *client, struct wormclient_error *ret_error)
{
    return wormclient_export_done(client, "00", ret_error);
}

static bool complete(struct wormclient *client, struct wormclient_error *ret_error)
{
    struct wormclient_nameplates *nameplates = wormclient_nameplates(client, "a", NULL, ret_error);
    if (nameplates != NULL)
        assert_string_equal(wormclient_nameplates_at(nameplates, 0), "7");
    wormclient_nameplates_free(nameplates);
    return nameplates != NULL;
}

static bool receive(struct wormclient *client, struct wormclient_error *ret_error)
{
    struct wormclient_message *message = wormclient_recv_wait(client, "00", 0, -1, ret_error);
    if (message != NULL)
        assert_string_equal(wormclient_message_data(message, NULL), "hi");
    wormclient_message_free(message);
    return message != NULL;
}

static bool back_up(struct wormclient *client, struct wormclient_error *ret_error)
{
    struct wormclient_backup *backup = wormclient_backup(client, 0, ret_error);
    if (backup != NULL)
        assert_int_equal(wormclient_backup_next(backup), 2);
    wormclient_backup_free(backup);
    return backup != NULL;
}

/* With options, which have allocations of their own. */
static bool invite(struct wormclient *client, struct wormclient_error *ret_error)
{
    struct wormclient_options *options = wormclient_options_new();
    wormclient_options_set_name(options, "n");
    wormclient_options_set_words(options, 3);
    wormclient_options_set_verify(options, true);
    wormclient_options_set_name(options, "m");
    bool done = check_view(wormclient_invite(client, options, ret_error));
    wormclient_options_free(options);
    return done;
}

static bool list(struct wormclient *client, struct wormclient_error *ret_error)
{
    struct wormclient_list *found = wormclient_list(client, NULL, 0, ret_error);
    if (found != NULL)
        assert_string_equal(wormclient_session_id(wormclient_list_at(found, 0)), "00");
    wormclient_list_free(found);
    return found != NULL;
}

static const struct call {
    bool (*make)(struct wormclient *client, struct wormclient_error *ret_error);
    struct line lines[LINES_MAX + 1];
} calls[] = {
    {verify, {VIEW("\x02")}},
    {invite, {VIEW("\x02")}},
    {list,
     {LINE("\x94\x01\x02\xc0\x82\xa8sessions\x91\x82\xa2id\xa2"
           "00\xa5state\xa1x\xa4next\xc0")}},
    {rename_it, {VIEW("\x02")}},
    {import, {VIEW("\x02")}},
    {wait_for_end, {LINE("\x94\x01\x02\xc0\x80"), VIEW("\x03")}},
    {derive,
     {LINE("\x94\x01\x02\xc0\x81\xa3key\xc4\x02"
           "ab")}},
    {export,
     {LINE("\x94\x01\x02\xc0\x81\xa6"
           "export\xa2{}")}},
    {end_export,
     {LINE("\x94\x01\x02\xc0\x81\xa6"
           "export\xc0")}},
    {complete,
     {LINE("\x94\x01\x02\xc0\x81\xaanameplates\x91\xa1"
           "7")}},
    {back_up,
     {LINE("\x94\x01\x02\xc0\x82\xa4"
           "data\xc4\x02hi\xa4next\x02")}},
    {receive,
     {LINE("\x94\x01\x02\xc0\x80"), VIEW("\x03"),
      LINE("\x94\x01\x04\xc0\x82\xa6number\x00\xa4"
           "data\xc4\x02hi")}},
};

static bool greet(struct wormclient *client, struct wormclient_error *ret_error)
{
    static const struct line hello[] = {HELLO_DONE};
    assert_int_equal(send(daemon_end, hello->bytes, hello->length, 0), hello->length);
    return wormclient_process(client, ret_error);
}

/* True if all went well. */
static bool call_once(const struct call *call)
{
    int ends[2];
    struct wormclient_error error = {0};
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), errno);
    daemon_end = ends[0];
    next_line = call->lines;
    struct wormclient *client = wormclient_adopt(ends[1], &error);
    bool done = client != NULL && greet(client, &error) && call->make(client, &error);
    if (!done) {
        struct run run = {.whole = true};
        excuse(&run, &error);
    }
    wormclient_free(client);
    close(ends[0]);
    return done;
}

static void check_call(const struct call *call)
{
    bool failed = true;
    for (unsigned nth = 1; failed; nth++) {
        assert_true(nth < RUNS_MAX);
        scarce_fail_nth(nth);
        bool done = call_once(call);
        failed = scarce_end();
        assert_int_equal(done, !failed);
    }
}

static void each_allocation_of_each_call_fails_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        check_call(&calls[i]);
}

int main(void)
{
    scarce_init();
    program_invocation_short_name = "t";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails_once),
        cmocka_unit_test(each_allocation_of_each_call_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
