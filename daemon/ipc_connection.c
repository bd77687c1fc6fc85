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

#include "ipc/frame.h"
#include "ipc/message.h"
#include "service/log.h"

/* Bytes taken from one client before the others get their turn. */
#define READ_SIZE 65536
/* How long a client may take to read the error that ends its connection. */
#define LINGER_SECONDS 5

struct client {
    const struct client_handlers *handlers;
    void *arg;
    int fd;
    struct event *read_event, *write_event;
    struct event *deadline; /* of an ending connection */
    struct frame_reader reader;
    struct evbuffer *output;
    bool working;   /* messages are being handled: write once, afterwards */
    bool backed_up; /* since the kernel last had all output */
    bool paused;    /* takes no requests until the kernel has all output */
    bool held;      /* by client_hold() */
    bool ending;    /* what still comes in is thrown away */
    bool failed;    /* over; to be told from the loop */
};

bool client_is_ours(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return false;
    return peer.uid == geteuid() || peer.uid == 0;
}

static void conclude(struct client *client)
{
    client->handlers->closed(client, client->arg);
    client_free(client);
}

/* Whoever called may still use the client: only the loop frees it. */
static void fail(struct client *client)
{
    client->failed = true;
    event_active(client->write_event, EV_WRITE, 0);
}

/* ---- writing ---- */

/* Whether all has been written. */
static bool flush_output(struct client *client)
{
    while (!client->failed && evbuffer_get_length(client->output) > 0)
        if (evbuffer_write(client->output, client->fd) < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                fail(client);
            break;
        }
    return evbuffer_get_length(client->output) == 0;
}

/* Interest follows from the state: nobody is woken for what could not be used. Whatever emptied the
 * output, it is on_write() that goes on from there. */
static void update_interest(struct client *client)
{
    bool reads = client->ending || (!client->paused && !client->held);
    bool writes = evbuffer_get_length(client->output) > 0;
    client->backed_up |= writes || client->paused;
    if ((reads ? event_add(client->read_event, NULL) : event_del(client->read_event)) < 0 ||
        (writes ? event_add(client->write_event, NULL) : event_del(client->write_event)) < 0)
        fail(client);
    else if (!writes && client->backed_up)
        event_active(client->write_event, EV_WRITE, 0);
}

static void flush(struct client *client)
{
    if (flush_output(client) && client->ending)
        shutdown(client->fd, SHUT_WR);
    if (!client->failed)
        update_interest(client);
}

/* Answers hold codes and messages. */
static void free_sent(const void *data, size_t length, void *arg)
{
    (void)arg;
    void *bytes = (void *)(uintptr_t)data;
    sodium_memzero(bytes, length);
    free(bytes);
}

/* The output takes the writer's memory over. */
static bool queue(struct client *client, struct writer *writer)
{
    size_t length = writer->buffer.size;
    void *data = writer->buffer.data;
    writer->buffer = (struct buffer){0};
    if (evbuffer_add_reference(client->output, data, length, free_sent, NULL) == 0)
        return true;
    free_sent(data, length, NULL);
    return false;
}

void client_send(struct client *client, struct writer *writer)
{
    bool sound = writer_ok(writer) && queue(client, writer);
    writer_free(writer);
    if (client->failed)
        return;
    if (!sound) {
        log_error("rpc", "out of memory for an answer: its client is dropped");
        fail(client);
    } else if (client_backlog(client) > CLIENT_BACKLOG_MAX) {
        log_warning("rpc", "a client that does not read its answers is dropped");
        fail(client);
    } else {
        client->paused |= client_backlog(client) > CLIENT_BACKLOG_PAUSE;
        if (!client->working)
            flush(client);
    }
}

size_t client_backlog(const struct client *client)
{
    return evbuffer_get_length(client->output);
}

/* ---- reading ---- */

/* What cannot be understood is answered, as far as that goes, and ends the connection: nobody knows
 * where the next message would begin. */
static void refuse(struct client *client, uint32_t id, enum ipc_error code, const char *text)
{
    struct writer writer;
    writer_init(&writer);
    message_error(&writer, id, code, text);
    client_send(client, &writer);
    client_end(client);
}

static void handle_whole(struct client *client, uint8_t *data, size_t size)
{
    uint32_t id = message_peek_id(data, size); /* decoding moves the bytes */
    struct message message;
    enum message_result result = message_decode(data, size, &message);
    if (result == MESSAGE_MEMORY) {
        fail(client);
        return;
    }
    if (result == MESSAGE_OK && message.kind == MESSAGE_REQUEST)
        client->handlers->message(client, &message, client->arg);
    else
        refuse(client, id, IPC_BAD_MESSAGE, "this is no MessagePack-RPC request");
    if (result == MESSAGE_OK)
        message_free(&message);
}

static void handle_broken(struct client *client, enum frame_result result)
{
    size_t length;
    const uint8_t *data = frame_rest(&client->reader, &length);
    uint32_t id = message_peek_id(data, length);
    if (result == FRAME_TOO_LARGE)
        refuse(client, id, IPC_TOO_LARGE, "the message is too large, or nested too deep");
    else
        refuse(client, id, IPC_BAD_MESSAGE, "this is no MessagePack");
}

static bool takes_requests(const struct client *client)
{
    return !client->paused && !client->held && !client->ending && !client->failed;
}

/* Handles the messages that are whole, and writes the answers at once. */
static void work(struct client *client)
{
    enum frame_result result = FRAME_WHOLE;
    client->working = true;
    while (result == FRAME_WHOLE && takes_requests(client)) {
        uint8_t *data;
        size_t size;
        result = frame_next(&client->reader, &data, &size);
        if (result == FRAME_WHOLE)
            handle_whole(client, data, size);
        else if (result != FRAME_PARTIAL)
            handle_broken(client, result);
    }
    client->working = false;
    if (!client->failed)
        flush(client);
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct client *client = arg;
    uint8_t buffer[READ_SIZE];
    ssize_t length = read(fd, buffer, sizeof(buffer));
    if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR)) {
        conclude(client);
        return;
    }
    bool fed = length < 0 || client->ending || frame_feed(&client->reader, buffer, (size_t)length);
    if (length > 0)
        sodium_memzero(buffer, (size_t)length);
    if (!fed)
        fail(client);
    else
        work(client);
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct client *client = arg;
    if (client->failed) {
        conclude(client);
        return;
    }
    if (!flush_output(client)) {
        /* libevent does not take in an event that is added while it is active. */
        update_interest(client);
        return;
    }
    client->backed_up = false;
    client->paused = false;
    client->handlers->drained(client, client->arg);
    work(client);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    conclude(arg);
}

void client_hold(struct client *client, bool held)
{
    if (client->held == held || client->failed)
        return;
    client->held = held;
    /* Requests that were read already are handled from the loop, not under the caller's feet. */
    if (!held)
        event_active(client->read_event, EV_READ, 0);
    else if (!client->working)
        update_interest(client);
}

void client_end(struct client *client)
{
    static const struct timeval patience = {LINGER_SECONDS, 0};
    if (client->ending || client->failed)
        return;
    client->ending = true;
    if (event_add(client->deadline, &patience) < 0)
        fail(client);
    else if (!client->working)
        flush(client);
}

/* ---- life ---- */

struct client *client_new(struct event_base *base, int fd, const struct client_handlers *handlers,
                          void *arg)
{
    struct client *client = calloc(1, sizeof(*client));
    if (!client) {
        close(fd);
        return NULL;
    }
    client->handlers = handlers;
    client->arg = arg;
    client->fd = fd;
    frame_init(&client->reader);
    client->output = evbuffer_new();
    client->read_event = event_new(base, fd, EV_READ | EV_PERSIST, on_read, client);
    client->write_event = event_new(base, fd, EV_WRITE | EV_PERSIST, on_write, client);
    client->deadline = evtimer_new(base, on_deadline, client);
    if (client->output && client->read_event && client->write_event && client->deadline &&
        evutil_make_socket_nonblocking(fd) == 0 && evutil_make_socket_closeonexec(fd) == 0 &&
        event_add(client->read_event, NULL) == 0)
        return client;
    client_free(client);
    return NULL;
}

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

void client_free(struct client *client)
{
    if (!client)
        return;
    free_event(client->read_event);
    free_event(client->write_event);
    free_event(client->deadline);
    if (client->output)
        evbuffer_free(client->output);
    frame_free(&client->reader);
    close(client->fd);
    free(client);
}
