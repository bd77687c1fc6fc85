#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/utf8.h"
#include "ipc/message.h"
#include "ipc/methods.h"
#include "libclient/address.h"
#include "libclient/client.h"
#include "libclient/dispatch.h"
#include "libclient/error.h"
#include "libclient/params.h"
#include "libclient/value.h"

/* How much one call of recv() asks for. */
#define READ_SIZE ((size_t)64 * 1024)

/* How often one wormclient_process asks: a daemon with much to say must not keep the caller's other
 * work waiting. */
#define READS_MAX 32

/* Memory for output that is kept while there is nothing to send. */
#define IDLE_CAPACITY_MAX ((size_t)64 * 1024)

/* ---- the end ---- */

void client_fail(struct wormclient *client, const struct wormclient_error *why)
{
    if (client->fd < 0)
        return;
    client->failure = *why;
    close(client->fd);
    client->fd = -1;
    buffer_free(&client->out);
    client->out_sent = 0;
    struct pending *pending;
    while ((pending = pending_take_first(&client->pending)) != NULL) {
        if (pending->callback != NULL)
            pending->callback(client, why, NULL, pending->arg);
        free(pending);
    }
}

void client_fail_with(struct wormclient *client, enum wormclient_code code, int system,
                      const char *format, ...)
{
    struct wormclient_error error = {.code = code, .system = system};
    va_list args;
    va_start(args, format);
    vsnprintf(error.text, sizeof(error.text), format, args);
    va_end(args);
    client_fail(client, &error);
}

static void destroy(struct wormclient *client)
{
    frame_free(&client->in);
    free(client);
}

void wormclient_free(struct wormclient *client)
{
    if (client == NULL || client->freed)
        return;
    client->freed = true;
    client_fail_with(client, WORMCLIENT_LOST, 0, "the connection was ended before the answer came");
    if (!client->processing)
        destroy(client);
}

/* ---- the beginning ---- */

static void on_hello(struct wormclient *client, const struct wormclient_error *error,
                     const struct wormclient_value *result, void *arg)
{
    (void)arg;
    int64_t api = wormclient_value_number(result, "api", 0);
    if (error != NULL)
        client_fail(client, error);
    else if (api < WORMCLIENT_API)
        client_fail_with(client, WORMCLIENT_PROTOCOL, 0,
                         "the daemon is too old: it has api level %lld, level %d is needed",
                         (long long)api, WORMCLIENT_API);
    else
        client->greeted = true;
}

/* What the daemon's log calls us. */
static const char *own_name(void)
{
    const char *name = program_invocation_short_name;
    return name != NULL && utf8_valid(name, strlen(name)) ? name : "libwormclient";
}

static bool say_hello(struct wormclient *client, struct wormclient_error *ret_error)
{
    struct wormclient_params *params = wormclient_params_new();
    wormclient_params_number(params, "api", WORMCLIENT_API);
    wormclient_params_text(params, "client", own_name());
    return wormclient_request(client, methods_name(METHOD_HELLO), params, on_hello, NULL,
                              ret_error);
}

struct wormclient *wormclient_adopt(int fd, struct wormclient_error *ret_error)
{
    struct wormclient *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        close(fd);
        error_set_memory(ret_error);
        return NULL;
    }
    client->fd = fd;
    frame_init(&client->in);
    STAILQ_INIT(&client->pending);
    if (!say_hello(client, ret_error)) {
        wormclient_free(client);
        return NULL;
    }
    return client;
}

struct wormclient *wormclient_start(const char *path, struct wormclient_error *ret_error)
{
    int fd = address_connect(path, false, ret_error);
    return fd < 0 ? NULL : wormclient_adopt(fd, ret_error);
}

/* ---- requests ---- */

void wormclient_on_changed(struct wormclient *client, wormclient_changed callback, void *arg)
{
    client->changed = callback;
    client->changed_arg = arg;
}

/* 0 is the daemon's, for errors that are about no request. */
static uint32_t next_id(struct wormclient *client)
{
    if (++client->last_id == 0)
        client->last_id = 1;
    return client->last_id;
}

/* What was sent must not be moved along with each request that is queued behind. */
static void drop_sent(struct wormclient *client)
{
    if (client->out_sent < client->out.size / 2)
        return;
    buffer_consume(&client->out, client->out_sent);
    client->out_sent = 0;
}

static bool add_pending(struct wormclient *client, uint32_t id, wormclient_callback callback,
                        void *arg)
{
    struct pending *pending = malloc(sizeof(*pending));
    if (pending == NULL)
        return false;
    *pending = (struct pending){.id = id, .callback = callback, .arg = arg};
    STAILQ_INSERT_TAIL(&client->pending, pending, link);
    return true;
}

/* A request in two parts, so that large parameters are copied once. */
struct request {
    uint32_t id;
    struct writer shell;
    const struct buffer *map;
};

static bool queue_bytes(struct wormclient *client, const struct request *request)
{
    drop_sent(client);
    const struct buffer *shell = &request->shell.buffer;
    return buffer_reserve(&client->out, shell->size + request->map->size) &&
           buffer_append(&client->out, shell->data, shell->size) &&
           buffer_append(&client->out, request->map->data, request->map->size);
}

static bool queue_request(struct wormclient *client, const struct request *request,
                          wormclient_callback callback, void *arg,
                          struct wormclient_error *ret_error)
{
    size_t size = request->shell.buffer.size + request->map->size;
    if (size > FRAME_BYTES_MAX) {
        error_set(ret_error, WORMCLIENT_TOO_LARGE, 0,
                  "a request of %zu bytes is over the limit of %zu", size, FRAME_BYTES_MAX);
        return false;
    }
    if (!queue_bytes(client, request)) {
        error_set_memory(ret_error);
        return false;
    }
    if (!add_pending(client, request->id, callback, arg)) {
        client->out.size -= size;
        error_set_memory(ret_error);
        return false;
    }
    return true;
}

/* False if there was no memory for them at some time. */
static bool end_params(struct wormclient_params *params)
{
    writer_end(&params->writer);
    return writer_ok(&params->writer);
}

static bool make_request(struct wormclient *client, const char *method,
                         struct wormclient_params *params, wormclient_callback callback, void *arg,
                         struct wormclient_error *ret_error)
{
    struct request request = {.id = next_id(client), .map = &params->writer.buffer};
    writer_init(&request.shell);
    message_begin_request(&request.shell, request.id, method);
    bool queued = false;
    if (!end_params(params) || !writer_ok(&request.shell))
        error_set_memory(ret_error);
    else
        queued = queue_request(client, &request, callback, arg, ret_error);
    writer_free(&request.shell);
    return queued;
}

bool wormclient_request(struct wormclient *client, const char *method,
                        struct wormclient_params *params, wormclient_callback callback, void *arg,
                        struct wormclient_error *ret_error)
{
    bool queued = false;
    if (params == NULL)
        params = wormclient_params_new();
    if (client->fd < 0)
        error_copy(ret_error, &client->failure);
    else
        queued = make_request(client, method, params, callback, arg, ret_error);
    wormclient_params_free(params);
    return queued;
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
    return client->out.size > 0 ? WORMCLIENT_READ | WORMCLIENT_WRITE : WORMCLIENT_READ;
}

static bool must_wait(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK;
}

static void drop_all_sent(struct wormclient *client)
{
    if (client->out_sent < client->out.size)
        return;
    client->out_sent = client->out.size = 0;
    if (client->out.capacity > IDLE_CAPACITY_MAX)
        buffer_free(&client->out);
}

/* Sends what the socket takes. Returns 0, or the errno of a connection that takes no more. */
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
    drop_all_sent(client);
    return 0;
}

static void fail_lost(struct wormclient *client, int system)
{
    if (system == 0)
        client_fail_with(client, WORMCLIENT_LOST, 0, "the daemon closed the connection");
    else
        client_fail_with(client, WORMCLIENT_LOST, system, "the connection to the daemon broke: %s",
                         strerror(system));
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
    dispatch_all(client);
    return client->fd >= 0;
}

static void receive_input(struct wormclient *client)
{
    for (int i = 0; i < READS_MAX && receive_some(client); i++)
        ;
}

/* When the daemon has closed its end, its last words (why it did) are still to be read. */
static void exchange(struct wormclient *client)
{
    int broken = send_output(client);
    receive_input(client);
    if (broken == 0 && client->fd >= 0)
        broken = send_output(client);
    if (broken != 0)
        fail_lost(client, broken);
}

bool wormclient_process(struct wormclient *client, struct wormclient_error *ret_error)
{
    if (client->processing) {
        error_set(ret_error, WORMCLIENT_ARGUMENT, 0, "this cannot be called from a callback");
        return false;
    }
    if (client->fd >= 0) {
        client->processing = true;
        exchange(client);
        client->processing = false;
    }
    bool usable = client->fd >= 0;
    if (!usable)
        error_copy(ret_error, &client->failure);
    if (client->freed)
        destroy(client);
    return usable;
}
