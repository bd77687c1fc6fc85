#include "config.h"

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_holds(bool holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, condition);
    abort();
}

struct fuzz_input fuzz_piece(struct fuzz_input *input, size_t most)
{
    struct fuzz_input piece = {input->data, input->length < most ? input->length : most};

    if (piece.length > 0)
        input->data += piece.length;
    input->length -= piece.length;
    return piece;
}

uint8_t fuzz_byte(struct fuzz_input *input)
{
    struct fuzz_input piece = fuzz_piece(input, 1);

    return piece.length > 0 ? *piece.data : 0;
}

bool fuzz_line(struct fuzz_input *input, struct fuzz_input *ret_line)
{
    if (input->length == 0)
        return false;
    const uint8_t *end = memchr(input->data, '\n', input->length);

    *ret_line = fuzz_piece(input, end != NULL ? (size_t)(end - input->data) : input->length);
    fuzz_byte(input);
    return true;
}

static void *copy(struct fuzz_input input, size_t room)
{
    uint8_t *bytes = malloc(input.length + room);

    FUZZ_HOLDS(bytes != NULL || input.length + room == 0);
    if (input.length > 0)
        memcpy(bytes, input.data, input.length);
    return bytes;
}

uint8_t *fuzz_copy(struct fuzz_input input)
{
    return copy(input, 0);
}

char *fuzz_text(struct fuzz_input input)
{
    char *text = copy(input, 1);

    text[input.length] = '\0';
    return text;
}

uint64_t fuzz_digest(uint64_t digest, const void *data, size_t length)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < length; i++)
        digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
    return digest;
}

/* xorshift64* */
void fuzz_random(void *arg, void *buffer, size_t length)
{
    uint64_t *seed = arg;
    uint8_t *bytes = buffer;

    for (size_t i = 0; i < length; i++) {
        *seed ^= *seed >> 12;
        *seed ^= *seed << 25;
        *seed ^= *seed >> 27;
        bytes[i] = (uint8_t)(*seed * UINT64_C(0x2545f4914f6cdd1d) >> 56);
    }
}
