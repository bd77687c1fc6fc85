/* MessagePack-RPC from a socket. Byte 0: how many bytes come at a time, 0 for all at once. */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "ipc/fields.h"
#include "ipc/frame.h"
#include "ipc/message.h"

#include <stdlib.h>
#include <string.h>

/* What came of a stream. */
struct heard {
    enum frame_result last;
    uint64_t digest; /* of its objects */
};

/* Reads every parameter in every way. */
static void read_field(const struct message *message, const char *key)
{
    struct fields fields;
    size_t length;

    fields_init(&fields, message->params);
    fields_text_or(&fields, key, NULL);
    fields_number_or(&fields, key, 1, 0, 1000);
    fields_flag_or(&fields, key, false);
    fields_flag(&fields, key);
    fields_text(&fields, key);
    fields_number(&fields, key, INT64_MIN, INT64_MAX);
    fields_data(&fields, key, &length);
    FUZZ_HOLDS(fields_wrong(&fields) == NULL || strlen(fields_wrong(&fields)) > 0);
}

static void read_fields(const struct message *message)
{
    static const char *const keys[] = {"session", "words", "data", "n"};
    struct fields fields;

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        read_field(message, keys[i]);
    fields_init(&fields, message->params);
    const char *text = fields_text_or(&fields, "session", "");

    FUZZ_HOLDS(text == NULL || strlen(text) < FRAME_BYTES_MAX);
}

static void check_message(const struct message *message)
{
    if (message->kind == MESSAGE_RESPONSE) {
        FUZZ_HOLDS(message->method == NULL && message->params == NULL);
        FUZZ_HOLDS(message->error == NULL || message->result == NULL);
        fields_find(message->result, "session");
        fields_find(message->error, "text");
    } else {
        FUZZ_HOLDS(message->method != NULL && strlen(message->method) < FRAME_BYTES_MAX);
        read_fields(message);
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
