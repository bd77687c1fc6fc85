/* A connection: how it begins, its traffic, how it ends, and how it comes back. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/utf8.h"
#include "base/clock.h"
#include "libclient/client.h"

/* How much one call of recv() asks for. */
#define READ_SIZE ((size_t)64 * 1024)

/* How many times one wormclient_process asks: a daemon with much to say must not keep the caller's
 * other work waiting. */
#define READS_MAX 32

/* Memory for output that is kept while there is nothing to send. */
#define IDLE_CAPACITY_MAX ((size_t)64 * 1024)

/* Between attempts to restore a lost connection (ms): a daemon that restarts is soon found again,
 * and one that stays away costs nothing. */
#define BACKOFF_FIRST 100
#define BACKOFF_MAX   5000

const char *wormclient_version(void)
{
    return PACKAGE_VERSION;
}

/* ---- the end ---- */

/* A daemon that refuses us now will do so again. */
static bool may_come_back(const struct wormclient *client, const struct wormclient_error *why)
{
    return client->reconnect && client->path != NULL && !client->freed &&
           why->code != WORMCLIENT_ERROR_DENIED && why->code != WORMCLIENT_ERROR_PROTOCOL &&
           why->code != WORMCLIENT_ERROR_ARGUMENT;
}

/* The connection is gone: decides whether there will be another one. */
static void go_away(struct wormclient *client, const struct wormclient_error *why)
{
    client->failure = *why;
    client->failed = !may_come_back(client, why);
    client->retry_at = clock_monotonic() + client->backoff;
    client->backoff = client->backoff * 2 < BACKOFF_MAX ? client->backoff * 2 : BACKOFF_MAX;
}

/* Tells the users of the connection, either that all is over, or that it will come back. */
static void tell_gone(struct wormclient *client)
{
    struct wormclient_error why = client->failure;
    if (client->failed) {
        wormclient__watches_fail(client, &why);
    } else if (!client->away) {
        client->away = true;
        if (client->on_connection != NULL)
            client->on_connection(client, &why, client->on_connection_arg);
    }
}

void wormclient__fail(struct wormclient *client, const struct wormclient_error *why)
{
    if (client->fd < 0)
        return;
    struct wormclient_error reason = *why;
    close(client->fd);
    client->fd = -1;
    client->greeted = false;
    buffer_free(&client->out);
    client->out_sent = 0;
    go_away(client, &reason);
    wormclient__watches_lost(client);
    struct wormclient__request *request;
    while ((request = STAILQ_FIRST(&client->requests)) != NULL) {
        STAILQ_REMOVE_HEAD(&client->requests, link);
        if (request->callback != NULL)
            request->deliver(client, &reason, NULL, request->callback, request->arg);
        free(request);
    }
    tell_gone(client);
}

void wormclient__fail_with(struct wormclient *client, enum wormclient_error_code code, int system,
                           const char *format, ...)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    error.code = code;
    error.system = system;
    va_list args;
    va_start(args, format);
    vsnprintf(error.text, sizeof(error.text), format, args);
    va_end(args);
    wormclient__fail(client, &error);
}

static void destroy(struct wormclient *client)
{
    wormclient__watches_free(client);
    frame_free(&client->in);
    free(client->path);
    free(client);
}

void wormclient_free(struct wormclient *client)
{
    if (client == NULL || client->freed)
        return;
    client->freed = true;
    static const char text[] = "the connection was ended before the answer came";
    if (client->fd >= 0) {
        wormclient__fail_with(client, WORMCLIENT_ERROR_LOST, 0, text);
    } else if (!client->failed) {
        client->failed = true;
        wormclient__error(&client->failure, WORMCLIENT_ERROR_LOST, 0, text);
        tell_gone(client);
    }
    if (!client->processing)
        destroy(client);
}

/* ---- the beginning ---- */

static void on_hello(struct wormclient *client, const struct wormclient_error *error,
                     const struct wormclient_value *result, void *arg)
{
    (void)arg;
    int64_t api = wormclient_value_number(result, "api", 0);
    if (error != NULL) {
        wormclient__fail(client, error);
        return;
    }
    if (api < WORMCLIENT_API) {
        wormclient__fail_with(client, WORMCLIENT_ERROR_PROTOCOL, 0,
                              "the daemon is too old: it has api level %lld, level %d is needed",
                              (long long)api, WORMCLIENT_API);
        return;
    }
    client->greeted = true;
    client->backoff = BACKOFF_FIRST;
    if (!client->away)
        return;
    client->away = false;
    if (client->on_connection != NULL)
        client->on_connection(client, NULL, client->on_connection_arg);
    if (client->fd >= 0)
        wormclient__watches_resume(client);
}

static bool say_hello(struct wormclient *client, struct wormclient_error *ret_error)
{
    const char *name = program_invocation_short_name; /* ours in the daemon's log */
    if (name == NULL || !utf8_valid(name, strlen(name)))
        name = "libwormclient";
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_number(params, "api", WORMCLIENT_API);
    wormclient_params_text(params, "client", name);
    return wormclient_request(client, methods_name(METHOD_HELLO), params, on_hello, NULL,
                              ret_error);
}

struct wormclient *wormclient_adopt(int fd, struct wormclient_error *ret_error)
{
    struct wormclient *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        close(fd);
        wormclient__error_memory(ret_error);
        return NULL;
    }
    client->fd = fd;
    client->backoff = BACKOFF_FIRST;
    frame_init(&client->in);
    STAILQ_INIT(&client->requests);
    TAILQ_INIT(&client->watches);
    if (!say_hello(client, ret_error)) {
        close(fd);
        destroy(client);
        return NULL;
    }
    return client;
}

static struct wormclient *start(const char *path, bool may_wait, struct wormclient_error *ret_error)
{
    int fd = wormclient__dial(path, may_wait, ret_error);
    struct wormclient *client = fd < 0 ? NULL : wormclient_adopt(fd, ret_error);
    if (client == NULL)
        return NULL;
    /* The path must still lead to the socket if the environment has changed since. */
    char found[256]; /* longer than any socket's path */
    if (wormclient_socket_path(path, found, sizeof(found)))
        client->path = strdup(found);
    if (client->path == NULL) {
        wormclient_free(client);
        wormclient__error_memory(ret_error);
        return NULL;
    }
    return client;
}

struct wormclient *wormclient_start(const char *path, struct wormclient_error *ret_error)
{
    return start(path, false, ret_error);
}

static bool is_greeted(const struct wormclient *client, const void *arg)
{
    (void)arg;
    return client->greeted;
}

struct wormclient *wormclient_connect(const char *path, struct wormclient_error *ret_error)
{
    struct wormclient *client = start(path, true, ret_error);
    if (client != NULL && !wormclient__until(client, is_greeted, NULL, ret_error)) {
        wormclient_free(client);
        client = NULL;
    }
    return client;
}

/* ---- coming back ---- */

void wormclient_set_hold(struct wormclient *client, bool hold)
{
    client->hold = hold;
}

void wormclient_set_reconnect(struct wormclient *client, bool reconnect)
{
    client->reconnect = reconnect;
}

void wormclient_on_connection(struct wormclient *client, wormclient_connection_callback callback,
                              void *arg)
{
    client->on_connection = callback;
    client->on_connection_arg = arg;
}

static void dial_again(struct wormclient *client)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    client->fd = wormclient__dial(client->path, false, &error);
    if (client->fd < 0) {
        go_away(client, &error);
        tell_gone(client);
        return;
    }
    frame_free(&client->in);
    frame_init(&client->in);
    if (!say_hello(client, &error))
        wormclient__fail(client, &error);
}

/* ---- traffic ---- */

int wormclient_fd(const struct wormclient *client)
{
    return client->fd;
}

int wormclient_interest(const struct wormclient *client)
{
    if (client->fd < 0)
        return 0;
    return client->out.size > 0 ? WORMCLIENT_WANT_READ | WORMCLIENT_WANT_WRITE
                                : WORMCLIENT_WANT_READ;
}

int wormclient_timeout(const struct wormclient *client)
{
    if (client->failed)
        return -1;
    int timeout = wormclient__sooner(-1, wormclient__watches_deadline(client));
    return client->fd < 0 ? wormclient__sooner(timeout, client->retry_at) : timeout;
}

static bool must_wait(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK;
}

/* Sends what the socket takes. Returns 0, or the errno of a connection that accepts nothing
 * more. */
static int send_output(struct wormclient *client)
{
    while (client->out_sent < client->out.size) {
        ssize_t sent = send(client->fd, client->out.data + client->out_sent,
                            client->out.size - client->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0)
            client->out_sent += (size_t)sent;
        else if (errno != EINTR)
            return must_wait(errno) ? 0 : errno;
    }
    client->out_sent = client->out.size = 0;
    if (client->out.capacity > IDLE_CAPACITY_MAX)
        buffer_free(&client->out);
    return 0;
}

static void fail_lost(struct wormclient *client, int system)
{
    if (system == 0)
        wormclient__fail_with(client, WORMCLIENT_ERROR_LOST, 0, "the daemon closed the connection");
    else
        wormclient__fail_with(client, WORMCLIENT_ERROR_LOST, system,
                              "the connection to the daemon broke: %s", strerror(system));
}

/* One recv(), and the callbacks for what it brought. False if there is nothing more for now. */
static bool receive_some(struct wormclient *client)
{
    void *room = frame_room(&client->in, READ_SIZE);
    if (room == NULL) {
        fail_lost(client, ENOMEM);
        return false;
    }
    ssize_t received = recv(client->fd, room, READ_SIZE, MSG_DONTWAIT);
    if (received < 0 && (errno == EINTR || must_wait(errno)))
        return errno == EINTR;
    if (received <= 0) {
        fail_lost(client, received < 0 ? errno : 0);
        return false;
    }
    frame_filled(&client->in, (size_t)received);
    wormclient__dispatch(client);
    return client->fd >= 0;
}

bool wormclient_process(struct wormclient *client, struct wormclient_error *ret_error)
{
    if (client->processing)
        return wormclient__error_callback(ret_error);
    client->processing = true;
    if (client->fd < 0 && !client->failed && clock_monotonic() >= client->retry_at)
        dial_again(client);
    wormclient__watches_run(client);
    if (client->fd >= 0) {
        int broken = send_output(client);
        /* After the daemon has closed its end, its last words (the reason) must still be read. */
        for (int i = 0; i < READS_MAX && receive_some(client); i++)
            ;
        if (broken == 0 && client->fd >= 0)
            broken = send_output(client);
        if (broken != 0)
            fail_lost(client, broken);
        wormclient__watches_run(client);
    }
    client->processing = false;
    bool usable = !client->failed;
    if (!usable)
        wormclient_error_copy(ret_error, &client->failure);
    if (client->freed)
        destroy(client);
    return usable;
}
