/* Frames become whole messages however they are cut, and what breaks a rule or a limit ends it. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "net/frames.h"

#define LENGTH(array)  (sizeof(array) / sizeof(*(array)))
#define MESSAGE_MAX    200
#define BYTES(literal) literal, sizeof(literal) - 1

enum opcode { MORE = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };
#define FIN 0x80

/* One frame to be sent, and one that is expected. */
struct frame {
    unsigned head; /* FIN or 0, RSV bits, opcode */
    const char *data;
    size_t length;
};

struct scene {
    struct evbuffer *input, *output;
    struct frames *frames;
    bool server;
    struct evbuffer *messages; /* all that came, each with its NUL */
    enum frames_next last;
};

static void open_scene(struct scene *scene, bool server)
{
    scene->server = server;
    scene->input = evbuffer_new();
    scene->output = evbuffer_new();
    scene->messages = evbuffer_new();
    scene->frames = frames_new(server, MESSAGE_MAX, scene->input, scene->output);
    assert_non_null(scene->frames);
    scene->last = FRAMES_MORE;
}

static void close_scene(struct scene *scene)
{
    frames_free(scene->frames);
    evbuffer_free(scene->input);
    evbuffer_free(scene->output);
    evbuffer_free(scene->messages);
}

/* As the other end would send it: a client masks. */
static void put_frame(struct evbuffer *buffer, bool masked, const struct frame *frame)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    uint8_t head[4] = {(uint8_t)frame->head, (uint8_t)(masked ? 0x80 : 0)};
    size_t head_length = 2;

    if (frame->length < 126) {
        head[1] |= (uint8_t)frame->length;
    } else {
        head[1] |= 126;
        head[2] = (uint8_t)(frame->length >> 8);
        head[3] = (uint8_t)frame->length;
        head_length = 4;
    }
    evbuffer_add(buffer, head, head_length);
    if (masked)
        evbuffer_add(buffer, mask, sizeof(mask));
    for (size_t i = 0; i < frame->length; i++) {
        uint8_t byte = (uint8_t)(frame->data[i] ^ (masked ? mask[i % 4] : 0));

        evbuffer_add(buffer, &byte, 1);
    }
}

/* Takes all that is there. */
static void take(struct scene *scene)
{
    struct frames_message *message;

    while ((scene->last = frames_next(scene->frames, &message)) == FRAMES_MESSAGE) {
        assert_int_equal(message->data[message->length], '\0');
        evbuffer_add(scene->messages, message->data, message->length + 1);
        free(message);
    }
}

/* Moves `wire` into the input in chunks, and takes after each. */
static void feed(struct scene *scene, struct evbuffer *wire, size_t chunk)
{
    while (evbuffer_get_length(wire) > 0 && scene->last == FRAMES_MORE) {
        evbuffer_remove_buffer(wire, scene->input, chunk);
        take(scene);
    }
}

static void assert_buffer(struct evbuffer *buffer, const void *data, size_t length)
{
    assert_int_equal(evbuffer_get_length(buffer), length);
    if (length > 0)
        assert_memory_equal(evbuffer_pullup(buffer, -1), data, length);
}

/* Our frames in the output, unmasked, against those expected. */
static void assert_output(struct scene *scene, const struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t head = scene->server ? 2 : 6;

        assert_true(evbuffer_get_length(scene->output) >= head + frames[i].length);
        uint8_t *bytes = evbuffer_pullup(scene->output, -1);
        assert_int_equal(bytes[0], frames[i].head);
        assert_int_equal(bytes[1], (scene->server ? 0 : 0x80) | frames[i].length);
        for (size_t at = 0; at < frames[i].length; at++) {
            uint8_t mask = scene->server ? 0 : bytes[2 + at % 4];

            assert_int_equal(bytes[head + at] ^ mask, (uint8_t)frames[i].data[at]);
        }
        evbuffer_drain(scene->output, head + frames[i].length);
    }
    assert_int_equal(evbuffer_get_length(scene->output), 0);
}

/* What comes in, and what is to come of it. */
struct play {
    struct frame in[6];
    const char *messages; /* each with its NUL */
    size_t length;
    enum frames_next end;
    const char *why;
    struct frame out[3];
};

static size_t count_frames(const struct frame *frames, size_t max)
{
    size_t count = 0;

    while (count < max && frames[count].head != 0)
        count++;
    return count;
}

static void run(const struct play *play, size_t in, bool server, size_t chunk)
{
    struct evbuffer *wire = evbuffer_new();
    struct scene scene;

    open_scene(&scene, server);
    for (size_t i = 0; i < in; i++)
        put_frame(wire, server, &play->in[i]);
    feed(&scene, wire, chunk);
    assert_buffer(scene.messages, play->messages, play->length);
    assert_int_equal(scene.last, play->end);
    if (play->why != NULL)
        assert_string_equal(frames_why(scene.frames), play->why);
    take(&scene); /* an end stays the end */
    assert_int_equal(scene.last, play->end);
    assert_output(&scene, play->out, count_frames(play->out, LENGTH(play->out)));
    close_scene(&scene);
    evbuffer_free(wire);
}

/* As both ends, in chunks of 1 to 9 bytes and whole. `head` 0 is a frame too (a continuation that
 * is not the last), so the number of frames is counted by their data. */
static void run_all(const struct play *plays, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t in = 0;

        while (in < LENGTH(plays[i].in) && plays[i].in[in].data != NULL)
            in++;
        for (int server = 0; server <= 1; server++)
            for (size_t chunk = 1; chunk <= 10; chunk++)
                run(&plays[i], in, server, chunk < 10 ? chunk : 100000);
    }
}

#define PROTOCOL "the other end broke the WebSocket protocol"
#define NOT_UTF8 "the other end sent text that is not UTF-8"
#define TOO_BIG  "the other end sent a message of more than 200 bytes"
#define BYE      "the other end closed the connection"
#define FIFTY    "12345678901234567890123456789012345678901234567890"

static void test_messages(void **state)
{
    static const struct play plays[] = {
        {.in = {{FIN | TEXT, BYTES("hello")}}, BYTES("hello\0"), FRAMES_MORE},
        {.in = {{FIN | TEXT, BYTES("")}}, BYTES("\0"), FRAMES_MORE},
        {.in = {{FIN | BINARY, BYTES("\0\xff\0")}}, BYTES("\0\xff\0\0"), FRAMES_MORE},
        {.in = {{FIN | TEXT, BYTES("one")}, {FIN | TEXT, BYTES("")}, {FIN | TEXT, BYTES("two")}},
         BYTES("one\0\0two\0"),
         FRAMES_MORE},
        /* fragments */
        {.in = {{TEXT, BYTES("o")}, {MORE, BYTES("n")}, {FIN | MORE, BYTES("e")}},
         BYTES("one\0"),
         FRAMES_MORE},
        {.in = {{TEXT, BYTES("")}, {MORE, BYTES("")}, {FIN | MORE, BYTES("")}},
         BYTES("\0"),
         FRAMES_MORE},
        {.in = {{BINARY, BYTES("on")}, {FIN | MORE, BYTES("")}, {FIN | TEXT, BYTES("e")}},
         BYTES("on\0e\0"),
         FRAMES_MORE},
        /* a character cut in two by a fragment */
        {.in = {{TEXT, BYTES("\xe5\xaf")}, {FIN | MORE, BYTES("\x86")}},
         BYTES("\xe5\xaf\x86\0"),
         FRAMES_MORE},
        /* not finished */
        {.in = {{TEXT, BYTES("on")}, {MORE, BYTES("e")}}, "", 0, FRAMES_MORE},
        /* of the greatest length */
        {.in = {{TEXT, BYTES(FIFTY FIFTY FIFTY)}, {FIN | MORE, BYTES(FIFTY)}},
         BYTES(FIFTY FIFTY FIFTY FIFTY "\0"),
         FRAMES_MORE},
    };

    (void)state;
    run_all(plays, LENGTH(plays));
}

static void test_control(void **state)
{
    static const struct play plays[] = {
        {.in = {{FIN | PING, BYTES("")}}, "", 0, FRAMES_MORE, .out = {{FIN | PONG, BYTES("")}}},
        {.in = {{FIN | PING, BYTES(FIFTY FIFTY "1234567890123456789012345")}},
         "",
         0,
         FRAMES_MORE,
         .out = {{FIN | PONG, BYTES(FIFTY FIFTY "1234567890123456789012345")}}},
        {.in = {{FIN | PONG, BYTES("unasked")}}, "", 0, FRAMES_MORE},
        /* between fragments */
        {.in = {{TEXT, BYTES("o")},
                {FIN | PING, BYTES("1")},
                {MORE, BYTES("n")},
                {FIN | PONG, BYTES("2")},
                {FIN | MORE, BYTES("e")},
                {FIN | PING, BYTES("3")}},
         BYTES("one\0"),
         FRAMES_MORE,
         .out = {{FIN | PONG, BYTES("1")}, {FIN | PONG, BYTES("3")}}},
    };

    (void)state;
    run_all(plays, LENGTH(plays));
}

static void test_close(void **state)
{
    static const struct play plays[] = {
        {.in = {{FIN | CLOSE, BYTES("")}},
         "",
         0,
         FRAMES_CLOSED,
         BYE,
         .out = {{FIN | CLOSE, BYTES("")}}},
        {.in = {{FIN | TEXT, BYTES("last")}, {FIN | CLOSE, BYTES("\x03\xe8")}},
         BYTES("last\0"),
         FRAMES_CLOSED,
         BYE,
         .out = {{FIN | CLOSE, BYTES("\x03\xe8")}}},
        {.in = {{FIN | CLOSE, BYTES("\x03\xe8so long")}},
         "",
         0,
         FRAMES_CLOSED,
         BYE ": so long",
         .out = {{FIN | CLOSE, BYTES("\x03\xe8so long")}}},
        {.in = {{FIN | CLOSE, BYTES("\x03\xe9going\x1b[away")}, {FIN | TEXT, BYTES("late")}},
         "",
         0,
         FRAMES_CLOSED,
         BYE " with status 1001: going?[away",
         .out = {{FIN | CLOSE, BYTES("\x03\xe9going\x1b[away")}}},
        /* in the middle of a message */
        {.in = {{TEXT, BYTES("on")}, {FIN | CLOSE, BYTES("\x03\xe8")}},
         "",
         0,
         FRAMES_CLOSED,
         BYE,
         .out = {{FIN | CLOSE, BYTES("\x03\xe8")}}},
    };

    (void)state;
    run_all(plays, LENGTH(plays));
}

static void test_faults(void **state)
{
    static const struct play plays[] = {
        {.in = {{FIN | MORE, BYTES("nothing to continue")}},
         "",
         0,
         FRAMES_FAULT,
         PROTOCOL,
         .out = {{FIN | CLOSE, BYTES("\x03\xea")}}},
        {.in = {{TEXT, BYTES("on")}, {FIN | TEXT, BYTES("not finished")}},
         "",
         0,
         FRAMES_FAULT,
         PROTOCOL,
         .out = {{FIN | CLOSE, BYTES("\x03\xea")}}},
        {.in = {{FIN | 3, BYTES("reserved opcode")}},
         "",
         0,
         FRAMES_FAULT,
         PROTOCOL,
         .out = {{FIN | CLOSE, BYTES("\x03\xea")}}},
        {.in = {{FIN | 0x40 | TEXT, BYTES("compressed")}},
         "",
         0,
         FRAMES_FAULT,
         PROTOCOL,
         .out = {{FIN | CLOSE, BYTES("\x03\xea")}}},
        {.in = {{FIN | CLOSE, BYTES("\x03\xee reserved")}},
         "",
         0,
         FRAMES_FAULT,
         PROTOCOL,
         .out = {{FIN | CLOSE, BYTES("\x03\xea")}}},
        /* control frames that are cut, or too long */
        {.in = {{PING, BYTES("1")}},
         "",
         0,
         FRAMES_FAULT,
         PROTOCOL,
         .out = {{FIN | CLOSE, BYTES("")}}},
        {.in = {{FIN | PING, BYTES(FIFTY FIFTY FIFTY)}},
         "",
         0,
         FRAMES_FAULT,
         PROTOCOL,
         .out = {{FIN | CLOSE, BYTES("")}}},
        /* what came whole before is delivered */
        {.in = {{FIN | TEXT, BYTES("fine")}, {FIN | MORE, BYTES("x")}},
         BYTES("fine\0"),
         FRAMES_FAULT,
         PROTOCOL,
         .out = {{FIN | CLOSE, BYTES("\x03\xea")}}},
        {.in = {{FIN | TEXT, BYTES("\xff")}},
         "",
         0,
         FRAMES_FAULT,
         NOT_UTF8,
         .out = {{FIN | CLOSE, BYTES("\x03\xef")}}},
        {.in = {{FIN | TEXT, BYTES("cut \xe5\xaf")}},
         "",
         0,
         FRAMES_FAULT,
         NOT_UTF8,
         .out = {{FIN | CLOSE, BYTES("\x03\xef")}}},
        {.in = {{TEXT, BYTES("\xe5\xaf")}, {FIN | MORE, BYTES("x")}},
         "",
         0,
         FRAMES_FAULT,
         NOT_UTF8,
         .out = {{FIN | CLOSE, BYTES("\x03\xef")}}},
        {.in = {{FIN | TEXT, BYTES("\xed\xa0\x80 surrogate")}},
         "",
         0,
         FRAMES_FAULT,
         NOT_UTF8,
         .out = {{FIN | CLOSE, BYTES("\x03\xef")}}},
        {.in = {{FIN | BINARY, BYTES(FIFTY FIFTY FIFTY FIFTY "1")}},
         "",
         0,
         FRAMES_FAULT,
         TOO_BIG,
         .out = {{FIN | CLOSE, BYTES("\x03\xf1")}}},
        {.in = {{TEXT, BYTES(FIFTY FIFTY)}, {MORE, BYTES(FIFTY FIFTY)}, {FIN | MORE, BYTES("1")}},
         "",
         0,
         FRAMES_FAULT,
         TOO_BIG,
         .out = {{FIN | CLOSE, BYTES("\x03\xf1")}}},
    };

    (void)state;
    run_all(plays, LENGTH(plays));
}

/* A client that does not mask, a server that does. */
static void test_wrong_mask(void **state)
{
    static const struct frame frame = {FIN | TEXT, BYTES("hello")};
    static const struct frame refusal = {FIN | CLOSE, BYTES("\x03\xea")};

    (void)state;
    for (int server = 0; server <= 1; server++)
        for (size_t chunk = 1; chunk <= 10; chunk++) {
            struct evbuffer *wire = evbuffer_new();
            struct scene scene;

            open_scene(&scene, server);
            put_frame(wire, !server, &frame);
            feed(&scene, wire, chunk);
            assert_int_equal(scene.last, FRAMES_FAULT);
            assert_string_equal(frames_why(scene.frames), PROTOCOL);
            assert_output(&scene, &refusal, 1);
            close_scene(&scene);
            evbuffer_free(wire);
        }
}

/* A length that only a liar announces is refused on sight, and never allocated. */
static void test_absurd_length(void **state)
{
    static const char *const lengths[] = {
        "\x82\x7f\x00\x00\x00\x00\x80\x00\x00\x00x",
        "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffx",
        "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xffx",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(lengths); i++) {
        struct scene scene;

        open_scene(&scene, false);
        evbuffer_add(scene.input, lengths[i], 11);
        take(&scene);
        assert_int_equal(scene.last, FRAMES_FAULT);
        close_scene(&scene);
    }
}

static void test_sending(void **state)
{
    static const struct frame sent[] = {
        {FIN | TEXT, BYTES("hello")},
        {FIN | TEXT, BYTES("")},
        {FIN | PING, BYTES("")},
        {FIN | CLOSE, BYTES("\x03\xe8")},
    };

    (void)state;
    for (int server = 0; server <= 1; server++) {
        struct scene scene;

        open_scene(&scene, server);
        assert_true(frames_text(scene.frames, "hello", 5));
        assert_true(frames_text(scene.frames, "", 0));
        assert_true(frames_ping(scene.frames));
        assert_true(frames_close(scene.frames));
        assert_false(frames_text(scene.frames, "late", 4));
        assert_false(frames_ping(scene.frames));
        assert_false(frames_close(scene.frames));
        assert_false(frames_broken(scene.frames));
        assert_int_equal(frames_written(scene.frames), evbuffer_get_length(scene.output));
        assert_output(&scene, sent, LENGTH(sent));
        close_scene(&scene);
    }
}

/* Messages go on coming after our close frame, until the other end's. */
static void test_after_our_close(void **state)
{
    static const struct frame late = {FIN | TEXT, BYTES("late")};
    static const struct frame answer = {FIN | CLOSE, BYTES("\x03\xe8")};
    struct scene scene;

    (void)state;
    open_scene(&scene, true);
    assert_true(frames_close(scene.frames));
    put_frame(scene.input, true, &late);
    take(&scene);
    assert_int_equal(scene.last, FRAMES_MORE);
    assert_buffer(scene.messages, "late", 5);
    put_frame(scene.input, true, &answer);
    take(&scene);
    assert_int_equal(scene.last, FRAMES_CLOSED);
    assert_output(&scene, &answer, 1);
    close_scene(&scene);
}

/* Two masks are never the same but by chance. */
static void test_masks_differ(void **state)
{
    uint8_t first[6], second[6];
    struct scene scene;

    (void)state;
    open_scene(&scene, false);
    assert_true(frames_text(scene.frames, "", 0));
    evbuffer_remove(scene.output, first, sizeof(first));
    assert_true(frames_text(scene.frames, "", 0));
    evbuffer_remove(scene.output, second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
    close_scene(&scene);
}

/* Who sends pings and does not take the answers is not read from, so that they do not pile up. */
static void test_ping_flood(void **state)
{
    static const struct frame ping = {FIN | PING, BYTES(FIFTY FIFTY)};
    static const struct frame last = {FIN | TEXT, BYTES("last")};
    struct scene scene;
    size_t rounds = 0;

    (void)state;
    open_scene(&scene, true);
    while (!frames_choked(scene.frames) && rounds++ < 10000) {
        put_frame(scene.input, true, &ping);
        take(&scene);
        assert_int_equal(scene.last, FRAMES_MORE);
    }
    assert_true(rounds < 1000);
    size_t backlog = evbuffer_get_length(scene.output);
    put_frame(scene.input, true, &ping);
    put_frame(scene.input, true, &last);
    take(&scene);
    assert_int_equal(evbuffer_get_length(scene.output), backlog);
    assert_buffer(scene.messages, "", 0);
    evbuffer_drain(scene.output, backlog);
    assert_false(frames_choked(scene.frames));
    take(&scene);
    assert_buffer(scene.messages, "last", 5);
    close_scene(&scene);
}

/* A whole message of so many bytes as it goes, one end to the other and back. */
static void go_all_the_way(size_t size)
{
    char *text = malloc(size + 1);
    struct evbuffer *there = evbuffer_new(), *back = evbuffer_new();
    struct frames *client = frames_new(false, size, back, there);
    struct frames *server = frames_new(true, size, there, back);
    struct frames_message *message = NULL;

    assert_non_null(text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 23);
    assert_true(frames_text(client, text, size));
    assert_int_equal(frames_next(server, &message), FRAMES_MESSAGE);
    assert_int_equal(message->length, size);
    assert_memory_equal(message->data, text, size);
    free(message);
    assert_int_equal(frames_next(server, &message), FRAMES_MORE);
    assert_true(frames_text(server, text, size));
    assert_int_equal(frames_next(client, &message), FRAMES_MESSAGE);
    assert_int_equal(message->length, size);
    assert_memory_equal(message->data, text, size);
    free(message);
    frames_free(client);
    frames_free(server);
    evbuffer_free(there);
    evbuffer_free(back);
    free(text);
}

/* On both sides of each length's next spelling (RFC 6455 §5.2). */
static void test_lengths(void **state)
{
    static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536, 300000};

    (void)state;
    for (size_t i = 0; i < LENGTH(lengths); i++)
        go_all_the_way(lengths[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),     cmocka_unit_test(test_control),
        cmocka_unit_test(test_close),        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_wrong_mask),   cmocka_unit_test(test_absurd_length),
        cmocka_unit_test(test_sending),      cmocka_unit_test(test_after_our_close),
        cmocka_unit_test(test_masks_differ), cmocka_unit_test(test_ping_flood),
        cmocka_unit_test(test_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
