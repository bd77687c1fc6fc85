/*
 * WebSocket frames (RFC 6455 §5) between two buffers, by wslay: takes whole messages out of one and
 * puts frames into the other. No I/O of its own and no callbacks. Pings are answered automatically.
 */
#ifndef NET_FRAMES_H
#define NET_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;
struct frames;
struct shared_text;

/* What frames_next() found. All but the first two are final. */
enum frames_next {
    FRAMES_MORE = 0,  /* no whole message in what has come so far */
    FRAMES_MESSAGE,   /* a message */
    FRAMES_CLOSED,    /* the other end's close frame; ours is in the output */
    FRAMES_FAULT,     /* the other end broke a rule or a limit; a close frame is in the output */
    FRAMES_NO_MEMORY, /* out of memory */
};

/* Owned by the receiver: free() it. The NUL that follows the data is not counted. */
struct frames_message {
    struct frames_message *next;
    size_t length;
    uint8_t data[];
};

/* `server`: our role. Messages of more than `message_max` bytes are a fault. The buffers are
 * borrowed. NULL when out of memory. */
struct frames *frames_new(bool server, size_t message_max, struct evbuffer *input,
                          struct evbuffer *output);

/* NULL is fine. */
void frames_free(struct frames *frames);

/* Another limit, for messages that have not been delivered yet. The header of one may have been
 * seen already, after a message that frames_next() has returned: it is judged by the new limit. */
void frames_limit(struct frames *frames, size_t message_max);

/* Bytes that the unfinished message, and messages that wait for frames_next(), take or have
 * announced by the header of a frame. 0 between messages. */
size_t frames_held(const struct frames *frames);

/* Takes from the input until there is a whole message; *ret_message is written for FRAMES_MESSAGE
 * only. */
enum frames_next frames_next(struct frames *frames, struct frames_message **ret_message);

/* After FRAMES_CLOSED and FRAMES_FAULT: one sentence for a person. Borrowed. */
const char *frames_why(const struct frames *frames);

/* True if that is a message longer than the limit. */
bool frames_too_long(const struct frames *frames);

/* Puts a text message, an empty ping, or a close frame with status 1000 into the output. False
 * after a close frame, or when out of memory (frames_broken() is then true: the output lacks
 * something that it should have, so the connection cannot go on). */
bool frames_text(struct frames *frames, const char *text, size_t length);
/* The same, for a server, without copying the text, which several connections may share: holds it
 * until it has left. */
bool frames_text_shared(struct frames *frames, struct shared_text *text);
bool frames_ping(struct frames *frames);
bool frames_close(struct frames *frames);

bool frames_broken(const struct frames *frames);

/* The other end sends pings and does not take our answers: frames_next() returns FRAMES_MORE, and
 * reading should stop, until the output is empty. */
bool frames_choked(const struct frames *frames);

/* Bytes ever put into the output; how many they were after the last text; and bytes of messages
 * ever taken from the input, whether whole or not. */
uint64_t frames_written(const struct frames *frames);
uint64_t frames_text_end(const struct frames *frames);
uint64_t frames_received(const struct frames *frames);

#endif
