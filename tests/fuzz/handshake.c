/*
 * The HTTP upgrade, both ends. Byte 0: bit 0 server, bit 1 it knows only one path; byte 1: how many
 * bytes come at a time, 0 for all at once. The rest comes from the other end.
 */
#include "config.h"

#include "tests/fuzz/fuzz.h"

#include "net/handshake.h"

#include <stdlib.h>
#include <string.h>

enum { SERVER = 1, ONE_PATH = 2 };

/* Static: a head is large, and a fuzzer calls often. */
static struct handshake whole, chunked;

static void begin(struct handshake *handshake, uint8_t flags)
{
    static const char *const paths[] = {"/v1", NULL};
    static const uint8_t nonce[HANDSHAKE_KEY_BYTES] = "sixteen bytes :)";

    if (flags & SERVER)
        handshake_server(handshake);
    else
        handshake_client(handshake, nonce);
    if (flags & ONE_PATH)
        handshake->paths = paths;
}

/* Returns how many bytes belong to the handshake. */
static size_t feed(struct handshake *handshake, struct fuzz_input input, size_t chunk)
{
    size_t taken = 0;

    while (input.length > 0 && handshake->progress == HANDSHAKE_MORE) {
        struct fuzz_input piece = fuzz_piece(&input, chunk);
        uint8_t *bytes = fuzz_copy(piece);
        size_t used = SIZE_MAX;
        enum handshake_progress progress = handshake_feed(handshake, bytes, piece.length, &used);

        FUZZ_HOLDS(progress == handshake->progress && used <= piece.length);
        FUZZ_HOLDS(progress != HANDSHAKE_MORE || used == piece.length);
        taken += used;
        free(bytes);
    }
    return taken;
}

static void check_reply(const struct handshake *handshake)
{
    char text[HANDSHAKE_TEXT_SIZE];
    size_t length = handshake_reply(handshake, text);

    FUZZ_HOLDS(length < sizeof(text) && strlen(text) == length);
    FUZZ_HOLDS(strncmp(text, "HTTP/1.1 ", 9) == 0 && strstr(text, "\r\n\r\n") != NULL);
    FUZZ_HOLDS((handshake->progress == HANDSHAKE_DONE) == (strncmp(text + 9, "101 ", 4) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct fuzz_input input = {data, length};
    uint8_t flags = fuzz_byte(&input), chunk = fuzz_byte(&input);

    begin(&whole, flags);
    begin(&chunked, flags);
    /* However it comes, it means the same. */
    FUZZ_HOLDS(feed(&whole, input, SIZE_MAX) ==
               feed(&chunked, input, chunk > 0 ? chunk : SIZE_MAX));
    FUZZ_HOLDS(whole.progress == chunked.progress && whole.status == chunked.status);
    FUZZ_HOLDS(strcmp(whole.why, chunked.why) == 0);
    FUZZ_HOLDS((whole.progress == HANDSHAKE_REFUSED) == (whole.why[0] != '\0'));
    if (whole.server && whole.progress != HANDSHAKE_MORE)
        check_reply(&whole);
    return 0;
}
