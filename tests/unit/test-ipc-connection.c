/* One RPC connection: whole messages come out however the bytes come in; garbage, giants and those
 * who do not read are bounded, and are told why. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <sodium.h>

#include "daemon/ipc_connection.h"
#include "ipc/message.h"
#include "service/log.h"
#include "tests/unit/talk.h"

#define BIG_ANSWER ((size_t)10000)
/* Into a socket of the kernel. */
#define MORE_THAN_FITS ((size_t)700 * 1000)

/* A connection, and what its callbacks saw. */
struct pair {
    struct event_base *base;
    struct ipc_connection *client;
    struct talk *talk;
    unsigned messages, drained;
    size_t answer_size;
    bool hold_each;
    bool closed;
};

static void answer(struct pair *pair, uint32_t id)
{
    char *data = calloc(1, pair->answer_size);
    struct writer writer;
    writer_init(&writer);
    message_begin_response(&writer, id);
    writer_data(&writer, NULL, data, pair->answer_size);
    ipc_connection_send(pair->client, &writer);
    free(data);
}

static void on_message(struct ipc_connection *client, const struct message *message, void *arg)
{
    struct pair *pair = arg;
    pair->messages++;
    if (pair->hold_each)
        ipc_connection_hold(client, true);
    answer(pair, message->id);
}

static void on_drained(struct ipc_connection *client, void *arg)
{
    (void)client;
    ((struct pair *)arg)->drained++;
}

static void on_closed(struct ipc_connection *client, void *arg)
{
    (void)client;
    struct pair *pair = arg;
    pair->closed = true;
    pair->client = NULL;
}

static const struct ipc_connection_handlers handlers = {on_message, on_drained, on_closed};

static int set_up(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    pair->base = event_base_new();
    pair->answer_size = 1;
    pair->client = ipc_connection_new(pair->base, ends[0], &handlers, pair);
    pair->talk = talk_new(pair->base, ends[1]);
    assert_non_null(pair->client);
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;
    ipc_connection_free(pair->client);
    if (pair->talk)
        talk_free(pair->talk);
    event_base_free(pair->base);
    free(pair);
    return 0;
}

static void expect_answer(struct pair *pair, json_int_t id)
{
    json_t *message = talk_hear(pair->talk);
    assert_non_null(message);
    assert_int_equal(json_integer_value(json_array_get(message, 1)), id);
    assert_true(json_is_null(json_array_get(message, 2)));
    json_decref(message);
}

static void expect_hanging_up(struct pair *pair, json_int_t id, const char *code)
{
    json_t *message = talk_hear(pair->talk);
    assert_non_null(message);
    assert_int_equal(json_integer_value(json_array_get(message, 1)), id);
    json_t *error = json_array_get(message, 2);
    assert_string_equal(json_string_value(json_object_get(error, "code")), code);
    json_decref(message);
    assert_null(talk_hear(pair->talk));
}

/* ---- what is well-formed ---- */

static void pieces_of_any_size(void **state)
{
    struct pair *pair = *state;
    size_t length;
    uint8_t *data =
        talk_pack("[0, 4000000000, 'show', [{'session': 'abc', 'x': [1, {}]}]]", &length);
    for (size_t piece = 1; piece <= length; piece++) {
        for (size_t at = 0; at < length; at += piece)
            talk_bytes(pair->talk, data + at, length - at < piece ? length - at : piece);
        expect_answer(pair, 4000000000);
    }
    assert_int_equal(pair->messages, length);
    free(data);
}

static void half_a_message(void **state)
{
    struct pair *pair = *state;
    size_t length;
    uint8_t *data = talk_pack("[0, 1, 'show', [{}]]", &length);
    talk_bytes(pair->talk, data, length - 1);
    talk_settle(pair->talk);
    assert_false(pair->closed);
    talk_free(pair->talk);
    pair->talk = NULL;
    event_base_loop(pair->base, EVLOOP_NONBLOCK);
    assert_true(pair->closed);
    assert_int_equal(pair->messages, 0);
    free(data);
}

static void our_own_user(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_true(ipc_connection_is_ours(ends[0]));
    assert_int_equal(pipe(ends), 0);
    assert_false(ipc_connection_is_ours(ends[0]));
}

/* ---- what is not ---- */

static void garbage(void **state)
{
    struct pair *pair = *state;
    talk_bytes(pair->talk, "\x94\x00\x07\xc1 and so on", 14);
    expect_hanging_up(pair, 7, "bad-message");
    assert_int_equal(pair->messages, 0);
}

static void not_a_request(void **state)
{
    struct pair *pair = *state;
    talk_say(pair->talk, "[0, 1, 'show', [{}]]");
    talk_say(pair->talk, "[2, 'changed', [{}]]");
    talk_say(pair->talk, "[0, 3, 'show', [{}]]");
    expect_answer(pair, 1);
    expect_hanging_up(pair, 0, "bad-message");
    assert_int_equal(pair->messages, 1);
}

static void giant(void **state)
{
    struct pair *pair = *state;
    talk_bytes(pair->talk,
               "\x94\x00\x09\xa4send\x91\x81\xa4"
               "data\xc6\xff\xff\xff\xff",
               20);
    expect_hanging_up(pair, 9, "too-large");
}

/* Who goes on talking can still read why it is not heard. */
static void error_is_readable_for_who_goes_on(void **state)
{
    struct pair *pair = *state;
    static const uint8_t more[1 << 20];
    talk_bytes(pair->talk, "\xc1", 1);
    assert_int_equal(talk_bytes(pair->talk, more, sizeof(more)), sizeof(more));
    expect_hanging_up(pair, 0, "bad-message");
    assert_false(pair->closed);
}

/* ---- who does not read ---- */

static void asks_and_does_not_read(void **state)
{
    struct pair *pair = *state;
    const unsigned requests = 5000;
    size_t length;
    uint8_t *data = talk_pack("[0, 1, 'show', [{}]]", &length);
    uint8_t *all = malloc(length * requests);
    for (unsigned i = 0; i < requests; i++)
        memcpy(all + i * length, data, length);
    pair->answer_size = BIG_ANSWER;
    assert_int_equal(talk_bytes(pair->talk, all, length * requests), length * requests);
    talk_settle(pair->talk);
    assert_true(ipc_connection_backlog(pair->client) > IPC_CONNECTION_BACKLOG_PAUSE / 2);
    assert_true(ipc_connection_backlog(pair->client) <
                IPC_CONNECTION_BACKLOG_PAUSE + 2 * BIG_ANSWER);
    assert_true(pair->messages < requests);

    /* As soon as it reads, it is served again: all of it. */
    for (unsigned i = 0; i < requests; i++)
        expect_answer(pair, 1);
    assert_int_equal(pair->messages, requests);
    assert_true(pair->drained > 0);
    free(all);
    free(data);
}

/* The output may be emptied by the way, when a small answer follows a large one and the other end
 * has read meanwhile. The connection must go on from there all the same. */
static void reads_as_fast_as_we_write(void **state)
{
    struct pair *pair = *state;
    size_t length;
    uint8_t *data = talk_pack("[0, 1, 'show', [{}]]", &length);
    pair->answer_size = IPC_CONNECTION_BACKLOG_PAUSE + 1;
    answer(pair, 1);
    pair->answer_size = 1;
    while (ipc_connection_backlog(pair->client) > 0) {
        talk_swallow(pair->talk);
        answer(pair, 2);
    }
    talk_swallow(pair->talk);
    talk_bytes(pair->talk, data, length);
    expect_answer(pair, 1);
    assert_int_equal(pair->drained, 1);
    free(data);
}

static void is_dropped_when_too_much_piles_up(void **state)
{
    struct pair *pair = *state;
    pair->answer_size = (size_t)1 << 20;
    for (unsigned i = 0; i < 24; i++)
        answer(pair, i);
    talk_settle(pair->talk);
    assert_false(pair->closed);
    for (unsigned i = 0; i < 3; i++)
        answer(pair, i);
    assert_false(pair->closed); /* never under the caller's feet */
    talk_settle(pair->talk);
    assert_true(pair->closed);
}

/* ---- waiting ---- */

static void held(void **state)
{
    struct pair *pair = *state;
    pair->hold_each = true;
    for (int i = 1; i <= 3; i++)
        talk_say(pair->talk, "[0, 5, 'show', [{}]]");
    for (unsigned i = 1; i <= 3; i++) {
        talk_settle(pair->talk);
        assert_int_equal(pair->messages, i);
        expect_answer(pair, 5);
        ipc_connection_hold(pair->client, false);
        assert_int_equal(pair->messages, i);
    }
}

static void writer_that_failed(void **state)
{
    struct pair *pair = *state;
    struct writer writer;
    writer_init(&writer);
    writer.failed = true;
    ipc_connection_send(pair->client, &writer);
    assert_false(pair->closed);
    talk_settle(pair->talk);
    assert_true(pair->closed);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* ---- who reads at the wrong moment ---- */

static void read_all(int fd)
{
    char bytes[65536];
    while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        continue;
}

static void send_answer(struct pair *pair, size_t size)
{
    pair->answer_size = size;
    answer(pair, 1);
}

/* The kernel takes everything between two answers, and then again only a part: the rest leaves. */
static void relief_between_answers(void **state)
{
    struct pair *pair = *state, other = {.base = pair->base};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    other.client = ipc_connection_new(pair->base, ends[0], &handlers, &other);
    send_answer(&other, MORE_THAN_FITS);
    assert_true(ipc_connection_backlog(other.client) > 0);
    while (ipc_connection_backlog(other.client) > 0) {
        read_all(ends[1]);
        send_answer(&other, 1);
    }
    send_answer(&other, MORE_THAN_FITS);
    assert_true(ipc_connection_backlog(other.client) > 0);
    for (int i = 0; i < 1000 && ipc_connection_backlog(other.client) > 0; i++) {
        event_base_loop(pair->base, EVLOOP_NONBLOCK);
        read_all(ends[1]);
    }
    assert_int_equal(ipc_connection_backlog(other.client), 0);
    ipc_connection_free(other.client);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pieces_of_any_size),
        TEST(half_a_message),
        cmocka_unit_test(our_own_user),
        TEST(garbage),
        TEST(not_a_request),
        TEST(giant),
        TEST(error_is_readable_for_who_goes_on),
        TEST(asks_and_does_not_read),
        TEST(reads_as_fast_as_we_write),
        TEST(is_dropped_when_too_much_piles_up),
        TEST(held),
        TEST(relief_between_answers),
        TEST(writer_that_failed),
    };
    log_set_level(LOG_LEVEL_ERROR);
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
