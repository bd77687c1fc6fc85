#include "config.h"

#include "daemon/ipc_connection.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/util.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/message.h"
#include "service/log.h"

/* Bytes read from one client before the others get their turn. */
#define READ_SIZE 65536
/* How long a client may take to read the error that ends its connection. */
#define LINGER_SECONDS 5

struct ipc_connection {
    const struct ipc_connection_handlers *handlers;
    void *arg;
    int fd;
    struct event *read_event, *write_event;
    struct event *deadline; /* of a connection that is ending */
    struct frame_reader reader;
    struct evbuffer *output;
    bool working;   /* messages are being handled: output is written once, afterwards */
    bool backed_up; /* output is pending since the kernel last took all of it */
    bool paused;    /* takes no requests until the kernel has taken all output */
    bool held;      /* by ipc_connection_hold() */
    bool ending;    /* further input is thrown away */
    bool failed;    /* over; to be reported from the loop */
};

bool ipc_connection_is_ours(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return false;
    return peer.uid == geteuid() || peer.uid == 0;
}

static void conclude(struct ipc_connection *connection)
{
    connection->handlers->closed(connection, connection->arg);
    ipc_connection_free(connection);
}

/* The caller may still use the connection: only the loop frees it. */
static void fail(struct ipc_connection *connection)
{
    connection->failed = true;
    event_active(connection->write_event, EV_WRITE, 0);
}

/* ---- writing ---- */

/* True if everything has been written. */
static bool flush_output(struct ipc_connection *connection)
{
    while (!connection->failed && evbuffer_get_length(connection->output) > 0)
        if (evbuffer_write(connection->output, connection->fd) < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                fail(connection);
            break;
        }
    return evbuffer_get_length(connection->output) == 0;
}

/* Which events are wanted follows from the state: nothing wakes us that could not be acted on.
 * However the output was emptied, on_write() is what carries on from there. */
static void update_interest(struct ipc_connection *connection)
{
    bool reads = connection->ending || (!connection->paused && !connection->held);
    bool writes = evbuffer_get_length(connection->output) > 0;
    connection->backed_up |= writes || connection->paused;
    if ((reads ? event_add(connection->read_event, NULL) : event_del(connection->read_event)) < 0 ||
        (writes ? event_add(connection->write_event, NULL) : event_del(connection->write_event)) <
            0)
        fail(connection);
    else if (!writes && connection->backed_up)
        event_active(connection->write_event, EV_WRITE, 0);
}

static void flush(struct ipc_connection *connection)
{
    if (flush_output(connection) && connection->ending)
        shutdown(connection->fd, SHUT_WR);
    if (!connection->failed)
        update_interest(connection);
}

/* Answers hold codes and messages. */
static void free_sent(const void *data, size_t length, void *arg)
{
    (void)arg;
    void *bytes = (void *)(uintptr_t)data;
    sodium_memzero(bytes, length);
    free(bytes);
}

/* The output takes over the writer's memory. */
static bool queue(struct ipc_connection *connection, struct writer *writer)
{
    size_t length = writer->buffer.size;
    void *data = writer->buffer.data;
    writer->buffer = (struct buffer){0};
    if (evbuffer_add_reference(connection->output, data, length, free_sent, NULL) == 0)
        return true;
    free_sent(data, length, NULL);
    return false;
}

void ipc_connection_send(struct ipc_connection *connection, struct writer *writer)
{
    bool sound = writer_ok(writer) && queue(connection, writer);
    writer_free(writer);
    if (connection->failed)
        return;
    if (!sound) {
        log_error("rpc", "out of memory for an answer: the client is dropped");
        fail(connection);
    } else if (ipc_connection_backlog(connection) > IPC_CONNECTION_BACKLOG_MAX) {
        log_warning("rpc", "a client that does not read its answers is dropped");
        fail(connection);
    } else {
        connection->paused |= ipc_connection_backlog(connection) > IPC_CONNECTION_BACKLOG_PAUSE;
        if (!connection->working)
            flush(connection);
    }
}

size_t ipc_connection_backlog(const struct ipc_connection *connection)
{
    return evbuffer_get_length(connection->output);
}

/* ---- reading ---- */

/* Input that cannot be understood is answered as far as possible and ends the connection: there is
 * no telling where the next message would begin. */
static void refuse(struct ipc_connection *connection, uint32_t id, enum ipc_error code,
                   const char *text)
{
    struct writer writer;
    writer_init(&writer);
    message_error(&writer, id, code, text);
    ipc_connection_send(connection, &writer);
    ipc_connection_end(connection);
}

static void handle_whole(struct ipc_connection *connection, uint8_t *data, size_t size)
{
    uint32_t id = message_peek_id(data, size); /* decoding moves the bytes */
    struct message message;
    enum message_result result = message_decode(data, size, &message);
    if (result == MESSAGE_MEMORY) {
        fail(connection);
        return;
    }
    if (result == MESSAGE_OK && message.kind == MESSAGE_REQUEST)
        connection->handlers->message(connection, &message, connection->arg);
    else
        refuse(connection, id, IPC_BAD_MESSAGE, "this is not a MessagePack-RPC request");
    if (result == MESSAGE_OK)
        message_free(&message);
}

static void handle_broken(struct ipc_connection *connection, enum frame_result result)
{
    size_t length;
    const uint8_t *data = frame_rest(&connection->reader, &length);
    uint32_t id = message_peek_id(data, length);
    if (result == FRAME_TOO_LARGE)
        refuse(connection, id, IPC_TOO_LARGE, "the message is too large or nested too deeply");
    else
        refuse(connection, id, IPC_BAD_MESSAGE, "this is not MessagePack");
}

static bool takes_requests(const struct ipc_connection *connection)
{
    return !connection->paused && !connection->held && !connection->ending && !connection->failed;
}

/* Handles all complete messages, and writes the answers at once. */
static void work(struct ipc_connection *connection)
{
    enum frame_result result = FRAME_WHOLE;
    connection->working = true;
    while (result == FRAME_WHOLE && takes_requests(connection)) {
        uint8_t *data;
        size_t size;
        result = frame_next(&connection->reader, &data, &size);
        if (result == FRAME_WHOLE)
            handle_whole(connection, data, size);
        else if (result != FRAME_PARTIAL)
            handle_broken(connection, result);
    }
    connection->working = false;
    if (!connection->failed)
        flush(connection);
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct ipc_connection *connection = arg;
    uint8_t buffer[READ_SIZE];
    ssize_t length = read(fd, buffer, sizeof(buffer));
    if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR)) {
        conclude(connection);
        return;
    }
    bool fed =
        length < 0 || connection->ending || frame_feed(&connection->reader, buffer, (size_t)length);
    if (length > 0)
        sodium_memzero(buffer, (size_t)length);
    if (!fed)
        fail(connection);
    else
        work(connection);
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct ipc_connection *connection = arg;
    if (connection->failed) {
        conclude(connection);
        return;
    }
    if (!flush_output(connection)) {
        /* libevent ignores an event that is added while it is active. */
        update_interest(connection);
        return;
    }
    connection->backed_up = false;
    connection->paused = false;
    connection->handlers->drained(connection, connection->arg);
    work(connection);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    conclude(arg);
}

void ipc_connection_hold(struct ipc_connection *connection, bool held)
{
    if (connection->held == held || connection->failed)
        return;
    connection->held = held;
    /* Requests already read are handled from the loop, not inside the caller. */
    if (!held)
        event_active(connection->read_event, EV_READ, 0);
    else if (!connection->working)
        update_interest(connection);
}

void ipc_connection_end(struct ipc_connection *connection)
{
    static const struct timeval patience = {LINGER_SECONDS, 0};
    if (connection->ending || connection->failed)
        return;
    connection->ending = true;
    if (event_add(connection->deadline, &patience) < 0)
        fail(connection);
    else if (!connection->working)
        flush(connection);
}

/* ---- life ---- */

struct ipc_connection *ipc_connection_new(struct event_base *base, int fd,
                                          const struct ipc_connection_handlers *handlers, void *arg)
{
    struct ipc_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        close(fd);
        return NULL;
    }
    connection->handlers = handlers;
    connection->arg = arg;
    connection->fd = fd;
    frame_init(&connection->reader);
    connection->output = evbuffer_new();
    connection->read_event = event_new(base, fd, EV_READ | EV_PERSIST, on_read, connection);
    connection->write_event = event_new(base, fd, EV_WRITE | EV_PERSIST, on_write, connection);
    connection->deadline = evtimer_new(base, on_deadline, connection);
    if (connection->output != NULL && connection->read_event != NULL &&
        connection->write_event != NULL && connection->deadline != NULL &&
        evutil_make_socket_nonblocking(fd) == 0 && evutil_make_socket_closeonexec(fd) == 0 &&
        event_add(connection->read_event, NULL) == 0)
        return connection;
    ipc_connection_free(connection);
    return NULL;
}

static void free_event(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

void ipc_connection_free(struct ipc_connection *connection)
{
    if (connection == NULL)
        return;
    free_event(connection->read_event);
    free_event(connection->write_event);
    free_event(connection->deadline);
    if (connection->output != NULL)
        evbuffer_free(connection->output);
    frame_free(&connection->reader);
    close(connection->fd);
    free(connection);
}
