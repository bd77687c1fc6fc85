/* Frames: objects come out whole however the bytes come in, and what is over a limit or no
 * MessagePack is refused before memory is spent on it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/message.h"

/* Three objects: a request, a string, and a map with binary data. */
static const uint8_t STREAM[] = "\x94\x00\x01\xa6status\x90"
                                "\xa3"
                                "abc"
                                "\x82\xa1"
                                "a\xc4\x02\x00\xff\xa1"
                                "b\xc0";
static const size_t SIZES[] = {11, 4, 10};
#define STREAM_SIZE (sizeof(STREAM) - 1)

/* Takes all whole objects, and checks that they are the next ones of STREAM. */
static void take_expected(struct frame_reader *reader, size_t *taken, size_t *offset)
{
    uint8_t *data;
    size_t size;
    while (frame_next(reader, &data, &size) == FRAME_WHOLE) {
        assert_true(*taken < sizeof(SIZES) / sizeof(SIZES[0]));
        assert_int_equal(size, SIZES[*taken]);
        assert_memory_equal(data, STREAM + *offset, size);
        *offset += size;
        ++*taken;
    }
}

static void feed_in_chunks(size_t chunk)
{
    struct frame_reader reader;
    frame_init(&reader);
    size_t taken = 0, offset = 0;
    for (size_t at = 0; at < STREAM_SIZE; at += chunk) {
        size_t length = STREAM_SIZE - at < chunk ? STREAM_SIZE - at : chunk;
        assert_true(frame_feed(&reader, STREAM + at, length));
        take_expected(&reader, &taken, &offset);
    }
    assert_int_equal(taken, 3);
    assert_int_equal(offset, STREAM_SIZE);
    frame_free(&reader);
}

static void chunks_of_any_size(void **state)
{
    (void)state;
    for (size_t chunk = 1; chunk <= 9; chunk++)
        feed_in_chunks(chunk);
    feed_in_chunks(STREAM_SIZE);
}

static void reading_into_its_room(void **state)
{
    (void)state;
    struct frame_reader reader;
    frame_init(&reader);
    size_t taken = 0, offset = 0;
    for (size_t at = 0; at < STREAM_SIZE; at++) {
        uint8_t *room = frame_room(&reader, 1);
        assert_non_null(room);
        *room = STREAM[at];
        frame_filled(&reader, 1);
        take_expected(&reader, &taken, &offset);
    }
    assert_int_equal(taken, 3);
    frame_free(&reader);
}

/* The object that was taken stays where it is while those behind it are taken. */
static void loans_last_until_the_next_feed(void **state)
{
    (void)state;
    struct frame_reader reader;
    frame_init(&reader);
    uint8_t *first, *second;
    size_t size;
    assert_true(frame_feed(&reader, "\xa1x\xa1y\xa1", 5));
    assert_int_equal(frame_next(&reader, &first, &size), FRAME_WHOLE);
    assert_int_equal(frame_next(&reader, &second, &size), FRAME_WHOLE);
    assert_int_equal(frame_next(&reader, &second, &size), FRAME_PARTIAL);
    assert_memory_equal(first, "\xa1x\xa1y", 4);
    size_t length;
    assert_int_equal(*frame_rest(&reader, &length), 0xa1);
    assert_int_equal(length, 1);
    frame_free(&reader);
}

struct refusal {
    const char *what;
    const char *bytes;
    size_t length;
    enum frame_result result;
};

#define BYTES(text) text, sizeof(text) - 1
static const struct refusal REFUSALS[] = {
    {"the byte that is never used", BYTES("\xc1"), FRAME_BAD},
    {"the same, inside", BYTES("\x92\x01\xc1"), FRAME_BAD},
    {"fixext 1", BYTES("\xd4\x01\x00"), FRAME_BAD},
    {"fixext 16", BYTES("\xd8"), FRAME_BAD},
    {"ext 8", BYTES("\x91\xc7\x01\x01\x00"), FRAME_BAD},
    {"ext 32 of 2^32-1 bytes", BYTES("\xc9\xff\xff\xff\xff\x01"), FRAME_BAD},
    {"bin of 2^32-1 bytes", BYTES("\xc6\xff\xff\xff\xff"), FRAME_TOO_LARGE},
    {"str of 2^32-1 bytes", BYTES("\x91\xdb\xff\xff\xff\xff"), FRAME_TOO_LARGE},
    {"array of 2^32-1 elements", BYTES("\xdd\xff\xff\xff\xff"), FRAME_TOO_LARGE},
    {"map of 2^32-1 entries", BYTES("\xdf\xff\xff\xff\xff"), FRAME_TOO_LARGE},
    {"map of 2^31 entries", BYTES("\xdf\x80\x00\x00\x00"), FRAME_TOO_LARGE},
    {"17 levels", BYTES("\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\xc0"),
     FRAME_TOO_LARGE},
};

/* Refused at once, or when the last byte is there: never "give me more". */
static void check_refusal(const struct refusal *refusal, size_t chunk)
{
    struct frame_reader reader;
    frame_init(&reader);
    uint8_t *data;
    size_t size;
    enum frame_result result = FRAME_PARTIAL;
    for (size_t at = 0; at < refusal->length && result == FRAME_PARTIAL; at += chunk) {
        size_t left = refusal->length - at;
        assert_true(frame_feed(&reader, refusal->bytes + at, left < chunk ? left : chunk));
        result = frame_next(&reader, &data, &size);
    }
    if (result != refusal->result)
        fail_msg("%s: %d", refusal->what, result);
    assert_true(reader.fed.capacity < 4096);
    /* For good, whatever comes. */
    assert_true(frame_feed(&reader, "\xc0", 1));
    assert_null(frame_room(&reader, 1));
    assert_int_equal(frame_next(&reader, &data, &size), refusal->result);
    frame_free(&reader);
}

static void refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(REFUSALS) / sizeof(REFUSALS[0]); i++)
        for (size_t chunk = 1; chunk <= 9; chunk++)
            check_refusal(&REFUSALS[i], chunk);
}

static void depth_up_to_the_limit(void **state)
{
    (void)state;
    struct frame_reader reader;
    frame_init(&reader);
    uint8_t nested[FRAME_DEPTH_MAX + 1];
    memset(nested, 0x91, FRAME_DEPTH_MAX);
    nested[FRAME_DEPTH_MAX] = 0xc0;
    uint8_t *data;
    size_t size;
    assert_true(frame_feed(&reader, nested, sizeof(nested)));
    assert_int_equal(frame_next(&reader, &data, &size), FRAME_WHOLE);
    assert_int_equal(size, sizeof(nested));
    frame_free(&reader);
}

/* Many elements that are there, one byte each, and were announced by arrays that are small. */
static void too_many_elements(void **state)
{
    (void)state;
    struct frame_reader reader;
    frame_init(&reader);
    uint8_t *data;
    size_t size;
    uint8_t array[3 + 0xffff];
    memset(array, 0xc0, sizeof(array));
    memcpy(array, "\xdc\xff\xff", 3);
    enum frame_result result = FRAME_PARTIAL;
    assert_true(frame_feed(&reader, "\xdc\x00\x10", 3));
    for (int i = 0; i < 16 && result == FRAME_PARTIAL; i++) {
        assert_true(frame_feed(&reader, array, sizeof(array)));
        result = frame_next(&reader, &data, &size);
    }
    assert_int_equal(result, FRAME_TOO_LARGE);
    frame_free(&reader);
}

/* A binary object whose header and bytes are `size` long in all. */
static enum frame_result feed_bin_of(struct frame_reader *reader, size_t size)
{
    uint32_t announced = (uint32_t)size - 5;
    uint8_t header[] = {0xc6, (uint8_t)(announced >> 24), (uint8_t)(announced >> 16),
                        (uint8_t)(announced >> 8), (uint8_t)announced};
    assert_true(frame_feed(reader, header, sizeof(header)));
    static const uint8_t piece[64 * 1024];
    enum frame_result result = FRAME_PARTIAL;
    uint8_t *data;
    size_t taken;
    for (size_t left = announced; left > 0 && result == FRAME_PARTIAL;) {
        size_t length = left < sizeof(piece) ? left : sizeof(piece);
        assert_true(frame_feed(reader, piece, length));
        left -= length;
        result = frame_next(reader, &data, &taken);
    }
    return result;
}

static void size_up_to_the_limit(void **state)
{
    (void)state;
    struct frame_reader reader;
    frame_init(&reader);
    assert_int_equal(feed_bin_of(&reader, FRAME_BYTES_MAX), FRAME_WHOLE);
    /* What the large one needed is not kept. */
    uint8_t *data;
    size_t size;
    assert_int_equal(frame_next(&reader, &data, &size), FRAME_PARTIAL);
    assert_true(reader.fed.capacity <= 64 * 1024);
    assert_int_equal(feed_bin_of(&reader, FRAME_BYTES_MAX + 1), FRAME_TOO_LARGE);
    frame_free(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_of_any_size),
        cmocka_unit_test(reading_into_its_room),
        cmocka_unit_test(loans_last_until_the_next_feed),
        cmocka_unit_test(refusals),
        cmocka_unit_test(depth_up_to_the_limit),
        cmocka_unit_test(too_many_elements),
        cmocka_unit_test(size_up_to_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
