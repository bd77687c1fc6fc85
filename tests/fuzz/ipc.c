/* MessagePack-RPC from a socket. Byte 0: how many bytes come at a time, 0 for all at once. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "ipc/params.h"
#include "ipc/message.h"

#include <stdlib.h>
#include <string.h>

/* What came of a stream. */
struct heard {
    enum frame_result last;
    uint64_t digest; /* of its objects */
};

/* Reads the parameters as every method does. */
static void read_params(const struct message *message)
{
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        struct ipc_params params;
        char wrong[PARAMS_WRONG_SIZE] = "";

        if (params_read((enum ipc_method)i, message->params, &params, wrong))
            FUZZ_HOLDS(params.session == NULL || strlen(params.session) < FRAME_BYTES_MAX);
        else
            FUZZ_HOLDS(strlen(wrong) > 0);
    }
}

static void check_message(const struct message *message)
{
    if (message->kind == MESSAGE_RESPONSE) {
        FUZZ_HOLDS(message->method == NULL && message->params == NULL);
        FUZZ_HOLDS(message->error == NULL || message->result == NULL);
        params_find(message->result, "session");
        params_find(message->error, "text");
    } else {
        FUZZ_HOLDS(message->method != NULL && strlen(message->method) < FRAME_BYTES_MAX);
        read_params(message);
    }
}

/* `data` is altered by that, as with a socket. */
static void hear_object(struct heard *heard, uint8_t *data, size_t size)
{
    struct message message;
    uint32_t peeked = message_peek_id(data, size);
    enum message_result result;

    heard->digest = fuzz_digest(heard->digest, data, size);
    result = message_decode(data, size, &message);
    FUZZ_HOLDS(result != MESSAGE_MEMORY);
    if (result != MESSAGE_OK)
        return;
    FUZZ_HOLDS(message.kind != MESSAGE_REQUEST || message.id == peeked);
    check_message(&message);
    message_free(&message);
}

static struct heard hear(struct fuzz_input input, size_t chunk)
{
    struct heard heard = {FRAME_PARTIAL, FUZZ_DIGEST};
    struct frame_reader reader;
    uint8_t *data;
    size_t size;

    frame_init(&reader);
    while (input.length > 0 && heard.last == FRAME_PARTIAL) {
        struct fuzz_input piece = fuzz_piece(&input, chunk);

        FUZZ_HOLDS(frame_feed(&reader, piece.data, piece.length));
        while ((heard.last = frame_next(&reader, &data, &size)) == FRAME_WHOLE)
            hear_object(&heard, data, size);
    }
    const uint8_t *rest = frame_rest(&reader, &size);

    if (rest != NULL)
        message_peek_id(rest, size);
    frame_free(&reader);
    return heard;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct fuzz_input input = {data, length};
    uint8_t chunk = fuzz_byte(&input);
    struct heard whole = hear(input, SIZE_MAX), chunked = hear(input, chunk > 0 ? chunk : SIZE_MAX);

    /* However it comes, it means the same. */
    FUZZ_HOLDS(whole.last == chunked.last && whole.digest == chunked.digest);
    return 0;
}
