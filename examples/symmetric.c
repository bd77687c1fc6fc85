/*
 * The event-driven way, with libevent: nothing here ever waits.
 *
 *     symmetric SOCKET SOCKET
 *
 * Two ends in one process, each with its own connection to a daemon of its own (no daemon meets
 * itself). One gets a code, and hands it to the other, which sets it; then each gives its data and
 * gets the other's. Both are written alike: a struct with callbacks, called when there is a code
 * and when there is data.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <wormclient.h>

#define APPID "example.org/exchange"

struct end {
    const char *name;
    const char *data; /* to give the other end */
    void (*got_code)(struct end *end, const char *code);
    void (*got_data)(struct end *end, const char *data, size_t length);
    struct end *other;

    struct wormclient *client;
    struct event *ready, *writable;
    char id[17];
    bool is_done;
};

static struct event_base *base;

static void fail(const struct end *end, const struct wormclient_error *error)
{
    fprintf(stderr, "symmetric: %s: %s\n", end->name, error->text);
    exit(EXIT_FAILURE);
}

/* ---- libevent and the library's core: a descriptor, what to wait for, and when to continue
 * ---- */

/* The library always wants to read, wants to write when there is something to send, and wants to be
 * called at the latest when some timeout expires (there are none here). */
static void rearm(struct end *end)
{
    int timeout = wormclient_timeout(end->client);
    struct timeval time = {.tv_sec = timeout / 1000, .tv_usec = timeout % 1000 * 1000};
    event_add(end->ready, timeout < 0 ? NULL : &time);
    if (wormclient_interest(end->client) & WORMCLIENT_WANT_WRITE)
        event_add(end->writable, NULL);
}

/* Callbacks of requests are called from inside wormclient_process(). */
static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct end *end = arg;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    (void)fd;
    (void)what;
    if (!wormclient_process(end->client, &error))
        fail(end, &error);
    rearm(end);
}

/* A request was queued, or could not be. */
static void queued(struct end *end, bool done, const struct wormclient_error *error)
{
    if (!done)
        fail(end, error);
    rearm(end);
}

/* ---- an end ---- */

/* wormclient_free() calls back for everything unanswered: by then we are done, and ignore it. */
static bool is_answered(const struct end *end, const struct wormclient_error *error)
{
    if (error != NULL && !end->is_done)
        fail(end, error);
    return error == NULL;
}

static void on_sent(struct wormclient *client, const struct wormclient_error *error,
                    const struct wormclient_message *message, void *arg)
{
    (void)client;
    (void)message;
    is_answered(arg, error);
}

static void on_message(struct wormclient *client, const struct wormclient_error *error,
                       const struct wormclient_message *message, void *arg)
{
    struct end *end = arg;
    size_t length;
    (void)client;
    if (!is_answered(end, error))
        return;
    const char *data = wormclient_message_data(message, &length); /* valid until we return */
    end->got_data(end, data, length);
}

/* A waiter has what it waited for; or WORMCLIENT_ERROR_LONELY, WORMCLIENT_ERROR_FAILED, ... */
static void on_code(struct wormclient *client, const struct wormclient_error *error,
                    const struct wormclient_session *session, void *arg)
{
    struct end *end = arg;
    (void)client;
    if (is_answered(end, error))
        end->got_code(end, wormclient_session_code(session));
}

static void on_readable(struct wormclient *client, const struct wormclient_error *error,
                        const struct wormclient_session *session, void *arg)
{
    struct end *end = arg;
    struct wormclient_error failure = WORMCLIENT_ERROR_INIT;
    (void)session;
    if (is_answered(end, error))
        queued(end, wormclient_recv_async(client, end->id, 0, on_message, end, &failure), &failure);
}

/* The session exists: give the data, and wait for two things at once. */
static void on_begun(struct wormclient *client, const struct wormclient_error *error,
                     const struct wormclient_session *session, void *arg)
{
    struct end *end = arg;
    struct wormclient_error failure = WORMCLIENT_ERROR_INIT;
    if (!is_answered(end, error))
        return;
    snprintf(end->id, sizeof(end->id), "%s", wormclient_session_id(session));
    bool done = wormclient_send_async(client, end->id, end->data, strlen(end->data), on_sent, end,
                                      &failure) &&
                wormclient_wait_async(client, end->id, wormclient_has_code, NULL, -1, on_code, end,
                                      &failure) != NULL &&
                wormclient_wait_async(client, end->id, wormclient_has_message, NULL, -1,
                                      on_readable, end, &failure) != NULL;
    queued(end, done, &failure);
}

static void get_code(struct end *end)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_options *options = wormclient_options_new();
    wormclient_options_set_appid(options, APPID);
    queued(end, wormclient_invite_async(end->client, options, on_begun, end, &error), &error);
    wormclient_options_free(options);
}

static void set_code(struct end *end, const char *code)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_options *options = wormclient_options_new();
    wormclient_options_set_appid(options, APPID);
    queued(end, wormclient_accept_async(end->client, code, options, on_begun, end, &error), &error);
    wormclient_options_free(options);
}

/* Connects, again without waiting; requests can be queued at once. */
static void open_end(struct end *end, const char *socket)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    end->client = wormclient_start(socket, &error);
    if (end->client == NULL)
        fail(end, &error);
    end->ready = event_new(base, wormclient_fd(end->client), EV_READ, on_ready, end);
    end->writable = event_new(base, wormclient_fd(end->client), EV_WRITE, on_ready, end);
    rearm(end);
}

static void close_end(struct end *end)
{
    event_free(end->ready);
    event_free(end->writable);
    wormclient_free(end->client);
}

/* ---- what this program does with two of them ---- */

static void hand_over(struct end *end, const char *code)
{
    printf("%s got the code %s\n", end->name, code);
    set_code(end->other, code);
}

/* The end that set the code knows it. */
static void ignore(struct end *end, const char *code)
{
    (void)end;
    (void)code;
}

static void on_closing(struct wormclient *client, const struct wormclient_error *error,
                       const struct wormclient_session *session, void *arg)
{
    struct end *end = arg;
    (void)client;
    (void)session;
    end->is_done = is_answered(end, error);
    if (end->is_done && end->other->is_done)
        event_base_loopbreak(base);
}

/* The daemon still sends what was queued before the session ends. */
static void print_data(struct end *end, const char *data, size_t length)
{
    printf("%s got the data %.*s\n", end->name, (int)length, data);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    queued(end, wormclient_close_async(end->client, end->id, on_closing, end, &error), &error);
}

int main(int argc, char **argv)
{
    struct end left = {
        .name = "left", .data = "from the left", .got_code = hand_over, .got_data = print_data};
    struct end right = {
        .name = "right", .data = "from the right", .got_code = ignore, .got_data = print_data};
    left.other = &right;
    right.other = &left;

    if (argc != 3) {
        fprintf(stderr, "usage: symmetric SOCKET SOCKET (of two daemons)\n");
        return EXIT_FAILURE;
    }
    base = event_base_new();
    if (base == NULL)
        return EXIT_FAILURE;
    open_end(&left, argv[1]);
    open_end(&right, argv[2]);
    get_code(&left);
    event_base_dispatch(base);

    close_end(&left);
    close_end(&right);
    event_base_free(base);
    return EXIT_SUCCESS;
}
