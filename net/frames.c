#include "config.h"

#include "net/frames.h"

#include "base/shared_text.h"

#include <assert.h>
#include <event2/buffer.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <wslay/wslay.h>

#include "base/large.h"

/* Answers to pings that may wait in the output: more than any honest end falls behind. */
#define PONGS_MAX ((size_t)64 * 1024)
/* Most of a frame's announced length that is trusted before it has arrived. */
#define BELIEVED_MAX ((size_t)64 * 1024)
/* Longest reason in a close frame (RFC 6455 §5.5), and the words around it. */
#define WHY_SIZE 256
/* Longest header of a frame (RFC 6455 §5.2), and the mask at its end, which only a client has. */
#define HEADER_MAX 14
#define MASK_BYTES 4
/* What wslay's context takes while a frame has begun and not ended. */
#define CONTEXT_BYTES ((size_t)9 * 1024)

struct frames {
    bool server, broken, no_memory;
    bool closing;  /* a close frame was put into the output, or came */
    bool too_long; /* the message being received */
    bool control;  /* the frame being received is a control frame */
    bool within;   /* a message has begun and not ended */
    bool
        unjudged; /* the message being received may be too long: its first part waits for a limit */
    size_t message_max;
    size_t frame_left; /* bytes of the frame being received, if that is part of a message */
    size_t waiting;    /* bytes of whole messages that wait for frames_next() */
    struct evbuffer *input, *output;
    wslay_event_context_ptr context; /* NULL at rest */

    /* The message being received; NULL until there is data of it. */
    struct frames_message *partial;
    size_t capacity;

    /* Whole messages that wait for frames_next(): the contents of one of wslay's buffers. */
    struct frames_message *first, **last;

    uint64_t taken;      /* bytes from the input … */
    uint64_t framed;     /* … and those of them that made whole frames */
    uint64_t frame_size; /* of the frame being received, with its header */
    uint64_t written;
    uint64_t text_end; /* `written` after the last text */
    uint64_t received; /* bytes of messages */
    size_t pongs;      /* bytes of pongs since the output was last seen empty */
    char why[WHY_SIZE];
};

/* Callbacks of wslay's. */

static ssize_t on_recv(wslay_event_context_ptr context, uint8_t *buffer, size_t length, int flags,
                       void *arg)
{
    struct frames *frames = arg;
    int taken = 0;

    (void)flags;
    if (frames->first == NULL && !frames_choked(frames))
        taken = evbuffer_remove(frames->input, buffer, length);
    if (taken <= 0) {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    frames->taken += (uint64_t)taken;
    return taken;
}

static ssize_t on_send(wslay_event_context_ptr context, const uint8_t *data, size_t length,
                       int flags, void *arg)
{
    struct frames *frames = arg;

    (void)flags;
    if (evbuffer_add(frames->output, data, length) != 0) {
        frames->broken = true;
        wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    frames->written += length;
    return (ssize_t)length;
}

static int on_mask(wslay_event_context_ptr context, uint8_t *buffer, size_t length, void *arg)
{
    (void)context;
    (void)arg;
    randombytes_buf(buffer, length);
    return 0;
}

/* RFC 6455 §5.2: how many bytes hold the length of a payload besides the 7 bits. */
static unsigned length_bytes(uint64_t payload)
{
    return payload < 126 ? 0 : payload <= UINT16_MAX ? 2 : 8;
}

/* Room for `more` bytes and a NUL. */
static bool make_room(struct frames *frames, size_t more)
{
    size_t length = frames->partial != NULL ? frames->partial->length : 0;
    size_t capacity = length + more;

    if (frames->partial != NULL && capacity <= frames->capacity)
        return true;
    if (capacity < frames->capacity * 2)
        capacity = frames->capacity * 2;
    if (more <= frames->frame_left && capacity > length + frames->frame_left)
        capacity = length + frames->frame_left;
    struct frames_message *grown =
        large_pages(realloc(frames->partial, sizeof(*grown) + capacity + 1), capacity);
    if (grown == NULL) {
        frames->no_memory = true;
        wslay_event_shutdown_read(frames->context);
        return false;
    }
    grown->length = length;
    frames->partial = grown;
    frames->capacity = capacity;
    return true;
}

static void refuse_too_long(struct frames *frames)
{
    frames->too_long = true;
    frames->closing = true;
    free(frames->partial);
    frames->partial = NULL;
    frames->capacity = 0;
    wslay_event_queue_close(frames->context, WSLAY_CODE_MESSAGE_TOO_BIG, NULL, 0);
    wslay_event_shutdown_read(frames->context);
}

static void on_frame_start(wslay_event_context_ptr context,
                           const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    struct frames *frames = arg;
    size_t length = frames->partial != NULL ? frames->partial->length : 0;
    uint64_t payload = frame->payload_length;

    /* RFC 6455 §5.2: what a client sends has a mask of 4 bytes. */
    frames->frame_size = 2 + length_bytes(payload) + (frames->server ? 4 : 0) + payload;
    frames->control = wslay_is_ctrl_frame(frame->opcode);
    if (frames->control)
        return;
    frames->within = true;
    frames->frame_left = payload < SIZE_MAX / 4 ? (size_t)payload : SIZE_MAX / 4;
    bool fits = length <= frames->message_max && payload <= frames->message_max - length;
    if (!fits && frames->first == NULL) {
        refuse_too_long(frames);
        return;
    }
    frames->unjudged |= !fits;
    make_room(frames, payload < BELIEVED_MAX ? (size_t)payload : BELIEVED_MAX);
    (void)context;
}

static void on_chunk(wslay_event_context_ptr context,
                     const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *arg)
{
    struct frames *frames = arg;

    (void)context;
    if (frames->control || frames->too_long || frames->no_memory ||
        !make_room(frames, chunk->data_length) || chunk->data_length == 0)
        return;
    memcpy(frames->partial->data + frames->partial->length, chunk->data, chunk->data_length);
    frames->partial->length += chunk->data_length;
    frames->received += chunk->data_length;
    frames->frame_left -= chunk->data_length;
}

static void on_frame_end(wslay_event_context_ptr context, void *arg)
{
    struct frames *frames = arg;

    (void)context;
    frames->framed += frames->frame_size;
}

static void take_message(struct frames *frames, const struct wslay_event_on_msg_recv_arg *message)
{
    (void)message;
    if (frames->too_long || frames->no_memory)
        return;
    frames->partial->data[frames->partial->length] = '\0';
    frames->partial->next = NULL;
    frames->waiting += frames->partial->length;
    *frames->last = frames->partial;
    frames->last = &frames->partial->next;
    frames->partial = NULL;
    frames->capacity = 0;
    frames->within = false;
}

static void take_ping(struct frames *frames, const struct wslay_event_on_msg_recv_arg *message)
{
    if (evbuffer_get_length(frames->output) == 0)
        frames->pongs = 0;
    frames->pongs += message->msg_length + 2;
}

/* The reason is for a person to read, and comes from a stranger. */
static void take_close(struct frames *frames, const struct wslay_event_on_msg_recv_arg *message)
{
    int at = snprintf(frames->why, sizeof(frames->why), "the other end closed the connection");

    if (message->status_code == 0 || message->msg_length < 2)
        return;
    if (message->status_code != WSLAY_CODE_NORMAL_CLOSURE)
        at += snprintf(frames->why + at, sizeof(frames->why) - (size_t)at, " with status %u",
                       (unsigned)message->status_code);
    if (message->msg_length == 2)
        return;
    at += snprintf(frames->why + at, sizeof(frames->why) - (size_t)at, ": ");
    for (size_t i = 2; i < message->msg_length; i++)
        frames->why[at++] =
            (char)(message->msg[i] >= ' ' && message->msg[i] <= '~' ? message->msg[i] : '?');
    frames->why[at] = '\0';
}

static void on_message(wslay_event_context_ptr context,
                       const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
    static void (*const takers[])(struct frames *, const struct wslay_event_on_msg_recv_arg *) = {
        [WSLAY_TEXT_FRAME] = take_message,
        [WSLAY_BINARY_FRAME] = take_message,
        [WSLAY_CONNECTION_CLOSE] = take_close,
        [WSLAY_PING] = take_ping,
    };

    (void)context;
    if (message->opcode < sizeof(takers) / sizeof(*takers) && takers[message->opcode] != NULL)
        takers[message->opcode](arg, message);
}

/* wslay's context has 8 KB of buffers: an idle connection does without one. */
static wslay_event_context_ptr wake(struct frames *frames)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .genmask_callback = on_mask,
        .on_frame_recv_start_callback = on_frame_start,
        .on_frame_recv_chunk_callback = on_chunk,
        .on_frame_recv_end_callback = on_frame_end,
        .on_msg_recv_callback = on_message,
    };
    int (*init)(wslay_event_context_ptr *, const struct wslay_event_callbacks *, void *) =
        frames->server ? wslay_event_context_server_init : wslay_event_context_client_init;

    if (frames->context != NULL)
        return frames->context;
    if (init(&frames->context, &callbacks, frames) != 0) {
        frames->context = NULL;
        return NULL;
    }
    wslay_event_config_set_no_buffering(frames->context, 1);
    return frames->context;
}

/* Frees the context if nothing in it is needed: between messages, with not even the beginning of a
 * frame in its buffer. */
static void rest(struct frames *frames)
{
    if (frames->context == NULL || frames->within || frames->closing || frames->broken ||
        frames->taken != frames->framed || wslay_event_want_write(frames->context))
        return;
    wslay_event_context_free(frames->context);
    frames->context = NULL;
}

struct frames *frames_new(bool server, size_t message_max, struct evbuffer *input,
                          struct evbuffer *output)
{
    struct frames *frames = calloc(1, sizeof(*frames));

    if (frames == NULL)
        return NULL;
    frames->server = server;
    frames->message_max = message_max;
    frames->input = input;
    frames->output = output;
    frames->last = &frames->first;
    return frames;
}

void frames_free(struct frames *frames)
{
    if (frames == NULL)
        return;
    if (frames->context != NULL)
        wslay_event_context_free(frames->context);
    for (struct frames_message *next; frames->first != NULL; frames->first = next) {
        next = frames->first->next;
        free(frames->first);
    }
    free(frames->partial);
    free(frames);
}

/* wslay has stopped reading and has put a close frame into the output, whose status says why. */
static enum frames_next explain_fault(struct frames *frames)
{
    uint16_t status = wslay_event_get_status_code_sent(frames->context);

    frames->closing = true;
    if (status == WSLAY_CODE_MESSAGE_TOO_BIG)
        snprintf(frames->why, sizeof(frames->why),
                 "the other end sent a message of more than %zu bytes", frames->message_max);
    else if (status == WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA)
        snprintf(frames->why, sizeof(frames->why), "the other end sent text that is not UTF-8");
    else
        snprintf(frames->why, sizeof(frames->why), "the other end broke the WebSocket protocol");
    return FRAMES_FAULT;
}

/* Feeds wslay until it has a message or the input is empty. */
static enum frames_next receive(struct frames *frames)
{
    if (frames->context == NULL && evbuffer_get_length(frames->input) == 0)
        return FRAMES_MORE;
    if (wake(frames) == NULL)
        return FRAMES_NO_MEMORY;
    if (frames->unjudged && frames->partial != NULL &&
        frames->partial->length + frames->frame_left > frames->message_max)
        refuse_too_long(frames);
    frames->unjudged = false;
    int received = wslay_event_recv(frames->context);
    int sent = wslay_event_send(frames->context);

    if (frames->first != NULL)
        return FRAMES_MESSAGE;
    if (frames->no_memory || frames->broken || received == WSLAY_ERR_NOMEM || sent != 0)
        return FRAMES_NO_MEMORY;
    if (wslay_event_get_close_received(frames->context)) {
        frames->closing = true;
        return FRAMES_CLOSED;
    }
    if (!wslay_event_get_read_enabled(frames->context))
        return explain_fault(frames);
    rest(frames);
    return FRAMES_MORE;
}

enum frames_next frames_next(struct frames *frames, struct frames_message **ret_message)
{
    enum frames_next next = frames->first != NULL ? FRAMES_MESSAGE : receive(frames);

    if (next == FRAMES_MESSAGE) {
        *ret_message = frames->first;
        frames->first = frames->first->next;
        if (frames->first == NULL)
            frames->last = &frames->first;
        frames->waiting -= (*ret_message)->length;
    }
    return next;
}

bool frames_too_long(const struct frames *frames)
{
    return frames->too_long;
}

void frames_limit(struct frames *frames, size_t message_max)
{
    frames->message_max = message_max;
}

size_t frames_held(const struct frames *frames)
{
    size_t context = frames->context != NULL && frames->taken != frames->framed ? CONTEXT_BYTES : 0;
    size_t partial = frames->partial != NULL ? frames->partial->length + frames->frame_left : 0;

    return frames->closing ? 0 : context + partial + frames->waiting;
}

const char *frames_why(const struct frames *frames)
{
    return frames->why;
}

static bool flush(struct frames *frames)
{
    bool sent = wslay_event_send(frames->context) == 0;

    rest(frames);
    return sent;
}

bool frames_ping(struct frames *frames)
{
    const struct wslay_event_msg message = {.opcode = WSLAY_PING};
    int error =
        wake(frames) != NULL ? wslay_event_queue_msg(frames->context, &message) : WSLAY_ERR_NOMEM;

    frames->broken |= error == WSLAY_ERR_NOMEM;
    return error == 0 && flush(frames);
}

/* RFC 6455 §5.2, with a new mask if a client writes. Returns the length. */
static size_t make_header(const struct frames *frames, size_t length, uint8_t header[HEADER_MAX])
{
    unsigned bytes = length_bytes(length);

    header[0] = 0x80 | WSLAY_TEXT_FRAME; /* the first and last frame of its message */
    header[1] = bytes == 0 ? (uint8_t)length : bytes == 2 ? 126 : 127;
    for (unsigned i = 0; i < bytes; i++)
        header[2 + i] = (uint8_t)((uint64_t)length >> 8 * (bytes - 1 - i));
    if (frames->server)
        return 2 + bytes;
    header[1] |= 0x80;
    randombytes_buf(header + 2 + bytes, MASK_BYTES);
    return 2 + bytes + MASK_BYTES;
}

/* RFC 6455 §5.3; by eight bytes, since a text may have millions. */
static void mask_text(uint8_t *ret_masked, const char *text, size_t length,
                      const uint8_t mask[MASK_BYTES])
{
    uint64_t twice, eight;
    size_t i = 0;

    memcpy(&twice, mask, MASK_BYTES);
    memcpy((uint8_t *)&twice + MASK_BYTES, mask, MASK_BYTES);
    for (; i + sizeof(eight) <= length; i += sizeof(eight)) {
        memcpy(&eight, text + i, sizeof(eight));
        eight ^= twice;
        memcpy(ret_masked + i, &eight, sizeof(eight));
    }
    for (; i < length; i++)
        ret_masked[i] = (uint8_t)text[i] ^ mask[i % MASK_BYTES];
}

/* A text frame is a few bytes and the text itself; a context of wslay's would cost more than
 * everything else, and copy a long text several times. */
bool frames_text(struct frames *frames, const char *text, size_t length)
{
    uint8_t header[HEADER_MAX];
    size_t header_length = make_header(frames, length, header);
    struct evbuffer_iovec room;

    if (frames->closing || frames->broken)
        return false;
    if (evbuffer_reserve_space(frames->output, (ev_ssize_t)(header_length + length), &room, 1) !=
        1) {
        frames->broken = true;
        return false;
    }
    uint8_t *at = room.iov_base;
    room.iov_len = header_length + length;
    memcpy(at, header, header_length);
    if (frames->server)
        memcpy(at + header_length, text, length);
    else
        mask_text(at + header_length, text, length, header + header_length - MASK_BYTES);
    frames->broken = evbuffer_commit_space(frames->output, &room, 1) != 0;
    frames->written += header_length + length;
    frames->text_end = frames->written;
    return !frames->broken;
}

static void let_go(const void *data, size_t length, void *text)
{
    (void)data;
    (void)length;
    shared_text_release(text);
}

bool frames_text_shared(struct frames *frames, struct shared_text *text)
{
    uint8_t header[HEADER_MAX];
    size_t header_length = make_header(frames, text->length, header);

    assert(frames->server);
    if (frames->closing || frames->broken)
        return false;
    text->holders++;
    if (evbuffer_add(frames->output, header, header_length) != 0 ||
        evbuffer_add_reference(frames->output, text->data, text->length, let_go, text) != 0) {
        shared_text_release(text);
        frames->broken = true;
    }
    frames->written += header_length + text->length;
    frames->text_end = frames->written;
    return !frames->broken;
}

bool frames_close(struct frames *frames)
{
    if (wake(frames) == NULL ||
        wslay_event_queue_close(frames->context, WSLAY_CODE_NORMAL_CLOSURE, NULL, 0) != 0)
        return false;
    frames->closing = true;
    return flush(frames);
}

bool frames_broken(const struct frames *frames)
{
    return frames->broken;
}

bool frames_choked(const struct frames *frames)
{
    return frames->pongs > PONGS_MAX && evbuffer_get_length(frames->output) > 0;
}

uint64_t frames_written(const struct frames *frames)
{
    return frames->written;
}

uint64_t frames_text_end(const struct frames *frames)
{
    return frames->text_end;
}

uint64_t frames_received(const struct frames *frames)
{
    return frames->received;
}
