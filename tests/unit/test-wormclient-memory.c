/* Memory that runs out at any one allocation: an error that says so, each callback exactly once,
 * nothing leaked (a sanitizer or valgrind looks), and never a crash. */
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
    assert_true(error->code == WORMCLIENT_MEMORY ||
                (error->code == WORMCLIENT_LOST && error->system == ENOMEM));
    run->whole = false;
}

static void look_at_session(struct run *run, const struct wormclient_value *view)
{
    struct wormclient_error error;
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
    char *json = wormclient_value_json(result);
    if (json == NULL)
        run->whole = false;
    else
        assert_string_equal(json, "{\"id\":\"00\",\"state\":\"keyed\",\"data\":\"/w==\"}");
    free(json);
}

static bool ask(struct run *run, struct wormclient *client)
{
    struct wormclient_params *params = wormclient_params_new();
    char large[600];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    wormclient_params_text(params, "text", large);
    wormclient_params_data(params, "data", large, sizeof large);
    wormclient_params_number(params, "number", 1);
    wormclient_params_flag(params, "flag", true);
    struct wormclient_error error;
    bool asked = wormclient_request(client, "show", params, on_answer, run, &error);
    if (!asked)
        excuse(run, &error);
    return asked;
}

/* A request that failed leaves nothing behind that the daemon would see. */
static void expect_only_hello(struct run *run, struct wormclient *client)
{
    char bytes[sizeof PEER_HELLO];
    assert_true(wormclient_process(client, NULL) || wormclient_fd(client) < 0);
    assert_int_equal(recv(run->peer, bytes, sizeof bytes, MSG_DONTWAIT), sizeof bytes - 1);
    assert_memory_equal(bytes, PEER_HELLO, sizeof bytes - 1);
}

static void talk(struct run *run, struct wormclient *client)
{
    struct wormclient_error error;
    if (!ask(run, client)) {
        expect_only_hello(run, client);
        return;
    }
    assert_int_equal(send(run->peer, ANSWERS, sizeof ANSWERS - 1, 0), sizeof ANSWERS - 1);
    if (!wormclient_process(client, &error))
        excuse(run, &error);
    assert_int_equal(run->answers, 1);
}

static void play(struct run *run)
{
    int ends[2];
    struct wormclient_error error;
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
    while ((length = recv(ends[0], bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
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

int main(void)
{
    scarce_init();
    program_invocation_short_name = "t";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
