/*
 * The event-driven way, with libevent: nothing here ever waits.
 *
 *     symmetric [SOCKET [SOCKET]]
 *
 * Two ends in one process, each with its own connection to a daemon (by default the same one). One
 * gets a code, and hands it to the other, which sets it; then each gives its data and gets the
 * other's. Both are written alike: a struct with callbacks, called when there is a code and when
 * there is data.
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
    struct event *readable, *writable;
    char id[17];
    bool has_code, has_asked, is_done;
};

static struct event_base *base;

static void fail(const struct end *end, const struct wormclient_error *error)
{
    fprintf(stderr, "symmetric: %s: %s\n", end->name, error->text);
    exit(EXIT_FAILURE);
}

/* ---- libevent and the library's core: a descriptor, what to wait for, and when to go on ---- */

/* The library wants to read always, and to write when there is something to say. */
static void watch(struct end *end)
{
    event_add(end->readable, NULL);
    if (wormclient_interest(end->client) & WORMCLIENT_WRITE)
        event_add(end->writable, NULL);
}

/* Callbacks of requests are called from inside of wormclient_process(). */
static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct end *end = arg;
    struct wormclient_error error;
    (void)fd;
    (void)what;
    if (!wormclient_process(end->client, &error))
        fail(end, &error);
    watch(end);
}

static void ask(struct end *end, const char *method, struct wormclient_params *params,
                wormclient_callback callback)
{
    struct wormclient_error error;
    if (!wormclient_request(end->client, method, params, callback, end, &error))
        fail(end, &error);
    watch(end);
}

/* Parameters that name our session. */
static struct wormclient_params *about(const struct end *end)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_text(params, "session", end->id);
    return params;
}

/* ---- an end ---- */

/* wormclient_free() calls back for all that is unanswered: then we are done, and do not care. */
static bool is_answered(const struct end *end, const struct wormclient_error *error)
{
    if (error != NULL && !end->is_done)
        fail(end, error);
    return error == NULL;
}

/* For requests whose result says nothing new. */
static void on_done(struct wormclient *client, const struct wormclient_error *error,
                    const struct wormclient_value *result, void *arg)
{
    (void)client;
    (void)result;
    is_answered(arg, error);
}

static void on_message(struct wormclient *client, const struct wormclient_error *error,
                       const struct wormclient_value *result, void *arg)
{
    struct end *end = arg;
    size_t length = 0;
    (void)client;
    if (!is_answered(end, error))
        return;
    const char *data = wormclient_value_data(result, "data", &length); /* ours until we return */
    end->got_data(end, data, length);
}

/* What is new in the session? The conditions are those of wormclient_wait(). */
static void look(struct end *end, const struct wormclient_session *session)
{
    struct wormclient_error error;
    if (!end->has_code && wormclient_has_code(session, NULL) == WORMCLIENT_REACHED) {
        end->has_code = true;
        end->got_code(end, wormclient_session_code(session));
    }
    if (!end->has_asked && wormclient_has_message(session, NULL) == WORMCLIENT_REACHED) {
        end->has_asked = true;
        ask(end, "recv", about(end), on_message);
    }
    if (!end->has_asked && !wormclient_session_alive(session, &error))
        fail(end, &error); /* WORMCLIENT_LONELY, WORMCLIENT_FAILED, ... */
}

static void on_view(struct wormclient *client, const struct wormclient_error *error,
                    const struct wormclient_value *result, void *arg)
{
    struct end *end = arg;
    struct wormclient_error unreadable;
    (void)client;
    if (!is_answered(end, error))
        return;
    struct wormclient_session *session = wormclient_session_from(result, &unreadable);
    if (session == NULL)
        fail(end, &unreadable);
    look(end, session);
    wormclient_session_free(session);
}

/* A notification says that something changed; what it is, a new view shows. */
static void on_changed(struct wormclient *client, uint64_t change, const char *session, void *arg)
{
    struct end *end = arg;
    (void)client;
    (void)change;
    if (strcmp(session, end->id) == 0)
        ask(end, "show", about(end), on_view);
}

/* The session exists. Subscribe first, then look: so no change falls between the two. */
static void on_begun(struct wormclient *client, const struct wormclient_error *error,
                     const struct wormclient_value *result, void *arg)
{
    struct end *end = arg;
    (void)client;
    if (!is_answered(end, error))
        return;
    snprintf(end->id, sizeof(end->id), "%s", wormclient_value_text(result, "id"));
    ask(end, "subscribe", about(end), on_done);
    ask(end, "show", about(end), on_view);
    struct wormclient_params *params = about(end);
    wormclient_params_data(params, "data", end->data, strlen(end->data));
    ask(end, "send", params, on_done);
}

static void get_code(struct end *end)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_text(params, "appid", APPID);
    ask(end, "invite", params, on_begun);
}

static void set_code(struct end *end, const char *code)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_text(params, "appid", APPID);
    wormclient_params_text(params, "code", code);
    ask(end, "accept", params, on_begun);
}

/* Connects; that does not wait either, and requests can be queued at once. */
static void open_end(struct end *end, const char *socket)
{
    struct wormclient_error error;
    end->client = wormclient_start(socket, &error);
    if (end->client == NULL)
        fail(end, &error);
    wormclient_on_changed(end->client, on_changed, end);
    end->readable =
        event_new(base, wormclient_fd(end->client), EV_READ | EV_PERSIST, on_ready, end);
    end->writable = event_new(base, wormclient_fd(end->client), EV_WRITE, on_ready, end);
    watch(end);
}

static void close_end(struct end *end)
{
    event_free(end->readable);
    event_free(end->writable);
    wormclient_free(end->client);
}

/* ---- what this program does with two of them ---- */

static void hand_over(struct end *end, const char *code)
{
    printf("%s got the code %s\n", end->name, code);
    set_code(end->other, code);
}

/* Whoever set the code knows it. */
static void ignore(struct end *end, const char *code)
{
    (void)end;
    (void)code;
}

static void on_closing(struct wormclient *client, const struct wormclient_error *error,
                       const struct wormclient_value *result, void *arg)
{
    struct end *end = arg;
    (void)client;
    (void)result;
    end->is_done = is_answered(end, error);
    if (end->is_done && end->other->is_done)
        event_base_loopbreak(base);
}

/* The daemon still sends what was queued, before the session ends. */
static void print_data(struct end *end, const char *data, size_t length)
{
    printf("%s got the data %.*s\n", end->name, (int)length, data);
    ask(end, "close", about(end), on_closing);
}

int main(int argc, char **argv)
{
    struct end left = {
        .name = "left", .data = "from the left", .got_code = hand_over, .got_data = print_data};
    struct end right = {
        .name = "right", .data = "from the right", .got_code = ignore, .got_data = print_data};
    left.other = &right;
    right.other = &left;

    base = event_base_new();
    if (base == NULL)
        return EXIT_FAILURE;
    open_end(&left, argc > 1 ? argv[1] : NULL);
    open_end(&right, argc > 2 ? argv[2] : argc > 1 ? argv[1] : NULL);
    get_code(&left);
    event_base_dispatch(base);

    close_end(&left);
    close_end(&right);
    event_base_free(base);
    return EXIT_SUCCESS;
}
