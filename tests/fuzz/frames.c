/*
 * WebSocket frames, both roles. Byte 0: bit 0 server, bit 1 we have said something before, bit 2 we
 * have said goodbye; byte 1: how many bytes come at a time, 0 for all at once. The rest comes from
 * the other end.
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "net/frames.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

enum { SERVER = 1, TALKS = 2, LEAVES = 4 };

/* Small, so that a small input can exceed it. */
#define MESSAGE_MAX 300

struct end {
    struct evbuffer *input, *output;
    struct frames *frames;
    enum frames_next next; /* the last word */
    uint64_t digest;       /* of the messages */
};

static void end_open(struct end *end, uint8_t flags)
{
    *end = (struct end){.input = evbuffer_new(), .output = evbuffer_new(), .digest = FUZZ_DIGEST};
    end->frames = frames_new(flags & SERVER, MESSAGE_MAX, end->input, end->output);
    FUZZ_HOLDS(end->frames != NULL);
    if (flags & TALKS)
        FUZZ_HOLDS(frames_ping(end->frames) && frames_text(end->frames, "hello", 5));
    if (flags & LEAVES)
        FUZZ_HOLDS(frames_close(end->frames));
}

static void end_close(struct end *end)
{
    frames_free(end->frames);
    evbuffer_free(end->input);
    evbuffer_free(end->output);
}

static void take_message(struct end *end, struct frames_message *message)
{
    FUZZ_HOLDS(message->length <= MESSAGE_MAX && message->data[message->length] == 0);
    end->digest = fuzz_digest(end->digest, &message->length, sizeof(message->length));
    end->digest = fuzz_digest(end->digest, message->data, message->length);
    free(message);
}

/* Takes what there is; the other end takes all of the output whenever that is needed. */
static void take(struct end *end)
{
    bool choked;

    do {
        struct frames_message *message = NULL;

        while ((end->next = frames_next(end->frames, &message)) == FRAMES_MESSAGE)
            take_message(end, message);
        choked = frames_choked(end->frames);
        evbuffer_drain(end->output, evbuffer_get_length(end->output));
    } while (choked && end->next == FRAMES_MORE);
}

static void feed(struct end *end, struct fuzz_input input, size_t chunk)
{
    while (input.length > 0 && end->next == FRAMES_MORE) {
        struct fuzz_input piece = fuzz_piece(&input, chunk);

        FUZZ_HOLDS(evbuffer_add(end->input, piece.data, piece.length) == 0);
        take(end);
    }
    FUZZ_HOLDS(end->next != FRAMES_NO_MEMORY && !frames_broken(end->frames));
    if (end->next != FRAMES_MORE)
        FUZZ_HOLDS(strlen(frames_why(end->frames)) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct fuzz_input input = {data, length};
    uint8_t flags = fuzz_byte(&input), chunk = fuzz_byte(&input);
    struct end whole, chunked;

    end_open(&whole, flags);
    end_open(&chunked, flags);
    feed(&whole, input, SIZE_MAX);
    feed(&chunked, input, chunk > 0 ? chunk : SIZE_MAX);
    /* However it comes, it means the same; but for this: whether the reason in a close frame is
     * UTF-8, wslay 1.1 judges by how it is cut. A fault or a farewell, it is the end. */
    FUZZ_HOLDS(whole.next == chunked.next || whole.next == FRAMES_FAULT ||
               chunked.next == FRAMES_FAULT);
    FUZZ_HOLDS(whole.digest == chunked.digest);
    end_close(&whole);
    end_close(&chunked);
    return 0;
}
