/* Messages of MessagePack-RPC, decoded and encoded, and the tables that both ends share. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/message.h"
#include "ipc/params.h"

#define BYTES(text) text, sizeof(text) - 1

/* A copy of exactly the size, so that a sanitizer sees a byte too far. */
static uint8_t *copy_of(const char *bytes, size_t size)
{
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

static void request(void **state)
{
    (void)state;
    static const char bytes[] = "\x94\x00\xcd\x01\x00\xa4show\x91\x82"
                                "\xa7session\xa6laptop"
                                "\xa5other\x92\xa0\xa1z";
    uint8_t *data = copy_of(BYTES(bytes));
    struct message message;
    assert_int_equal(message_decode(data, sizeof(bytes) - 1, &message), MESSAGE_OK);
    assert_int_equal(message.kind, MESSAGE_REQUEST);
    assert_int_equal(message.id, 256);
    assert_string_equal(message.method, "show");
    assert_null(message.error);
    assert_null(message.result);
    assert_string_equal(params_find(message.params, "session")->via.str.ptr, "laptop");
    const msgpack_object *other = params_find(message.params, "other");
    assert_string_equal(other->via.array.ptr[0].via.str.ptr, "");
    assert_string_equal(other->via.array.ptr[1].via.str.ptr, "z");
    message_free(&message);
    free(data);
}

/* Every width of a string's header has room for the NUL. */
static void strings_of_all_widths(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 31, 32, 255, 256, 65535, 65536};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char *text = calloc(1, lengths[i] + 1);
        assert_non_null(text);
        memset(text, 'x', lengths[i]);
        struct writer writer;
        writer_init(&writer);
        message_begin_notification(&writer, "m");
        writer_map(&writer, NULL);
        writer_text(&writer, "before", text);
        writer_text(&writer, "text", text);
        writer_end(&writer);
        assert_true(writer_ok(&writer));
        uint8_t *data = copy_of((const char *)writer.buffer.data, writer.buffer.size);
        struct message message;
        assert_int_equal(message_decode(data, writer.buffer.size, &message), MESSAGE_OK);
        assert_string_equal(params_find(message.params, "before")->via.str.ptr, text);
        assert_string_equal(params_find(message.params, "text")->via.str.ptr, text);
        message_free(&message);
        free(data);
        writer_free(&writer);
        free(text);
    }
}

static void responses(void **state)
{
    (void)state;
    struct message message;
    uint8_t *data = copy_of(BYTES("\x94\x01\x07\xc0\x81\xa1k\x01"));
    assert_int_equal(message_decode(data, 8, &message), MESSAGE_OK);
    assert_int_equal(message.kind, MESSAGE_RESPONSE);
    assert_int_equal(message.id, 7);
    assert_null(message.error);
    assert_null(message.params);
    assert_null(message.method);
    assert_int_equal(params_find(message.result, "k")->via.u64, 1);
    message_free(&message);
    free(data);

    data = copy_of(BYTES("\x94\x01\xce\xff\xff\xff\xff\x80\xc0"));
    assert_int_equal(message_decode(data, 9, &message), MESSAGE_OK);
    assert_int_equal(message.id, UINT32_MAX);
    assert_non_null(message.error);
    assert_null(message.result);
    message_free(&message);
    free(data);

    /* Nothing wrong and nothing to tell: a result that is nil. */
    data = copy_of(BYTES("\x94\x01\x00\xc0\xc0"));
    assert_int_equal(message_decode(data, 5, &message), MESSAGE_OK);
    assert_null(message.error);
    assert_int_equal(message.result->type, MSGPACK_OBJECT_NIL);
    message_free(&message);
    free(data);
}

struct params_case {
    const char *bytes; /* of a notification */
    size_t size;
    bool usable;
};

static const struct params_case PARAMS[] = {
    {BYTES("\x93\x02\xa1m\x91\x80"), true},      {BYTES("\x93\x02\xa1m\x90"), true},
    {BYTES("\x93\x02\xa1m\x80"), true},          {BYTES("\x93\x02\xa1m\xc0"), false},
    {BYTES("\x93\x02\xa1m\x91\x90"), true},      {BYTES("\x93\x02\xa1m\x91\xc0"), false},
    {BYTES("\x93\x02\xa1m\x91\x91\x80"), false}, {BYTES("\x93\x02\xa1m\x81\x80\x80"), false},
    {BYTES("\x93\x02\xa1m\x91\xa0"), false},     {BYTES("\x93\x02\xa1m\x92\x80\x80"), false},
    {BYTES("\x93\x02\xa1m\xa2\x80\x80"), false},
};

/* Junk in the place of params is for the handler to refuse: the message itself can be answered. */
static void params_that_are_no_map(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(PARAMS) / sizeof(PARAMS[0]); i++) {
        uint8_t *data = copy_of(PARAMS[i].bytes, PARAMS[i].size);
        struct message message;
        assert_int_equal(message_decode(data, PARAMS[i].size, &message), MESSAGE_OK);
        assert_int_equal(message.params != NULL, PARAMS[i].usable);
        struct ipc_params params;
        char wrong[PARAMS_WRONG_SIZE];
        assert_int_equal(params_read(METHOD_STATUS, message.params, &params, wrong),
                         PARAMS[i].usable);
        message_free(&message);
        free(data);
    }
}

static const struct {
    const char *bytes;
    size_t size;
} MALFORMED[] = {
    {BYTES("\xc0")},                      /* no array */
    {BYTES("\x80")},                      /* a map */
    {BYTES("\xa4show")},                  /* text */
    {BYTES("\x90")},                      /* nothing in it */
    {BYTES("\x91\x00")},                  /* a request without its parts */
    {BYTES("\x93\x00\x01\xa1m")},         /* no params */
    {BYTES("\x95\x00\x01\xa1m\x90\xc0")}, /* one part too many */
    {BYTES("\x94\x03\x01\xa1m\x90")},     /* no such kind */
    {BYTES("\x94\xff\x01\xa1m\x90")},     /* a kind below zero */
    {BYTES("\x94\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x01\xa1m\x90")}, /* a kind out of range */
    {BYTES("\x94\xa1\x30\x01\xa1m\x90")},                             /* a kind that is text */
    {BYTES("\x94\xc0\x01\xa1m\x90")},                                 /* a kind that is nil */
    {BYTES("\x94\x00\xff\xa1m\x90")},                                 /* an id below zero */
    {BYTES("\x94\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xa1m\x90")}, /* an id of 33 bits */
    {BYTES("\x94\x00\xa1\x31\xa1m\x90")},                             /* an id that is text */
    {BYTES("\x94\x00\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\xa1m\x90")}, /* an id that is 1.0 */
    {BYTES("\x94\x00\x01\xc4\x01m\x90")},                             /* a method that is binary */
    {BYTES("\x94\x00\x01\x05\x90")},     /* a method that is a number */
    {BYTES("\x94\x00\x01\xc0\x90")},     /* a method that is nil */
    {BYTES("\x93\x01\x01\xc0")},         /* a response without result */
    {BYTES("\x95\x01\x01\xc0\xc0\xc0")}, /* a response with more */
    {BYTES("\x94\x01\xc0\xc0\xc0")},     /* a response without id */
    {BYTES("\x92\x02\xa1m")},            /* a notification without params */
    {BYTES("\x94\x02\xa1m\x90\xc0")},    /* a notification with more */
    {BYTES("\x93\x02\xc0\x90")},         /* a notification without method */
    {BYTES("\x93\x02\xa1m\x90\xc0")},    /* something behind it */
    {BYTES("\x93\x02\xa1m")},            /* cut off */
};

static void malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(MALFORMED) / sizeof(MALFORMED[0]); i++) {
        uint8_t *data = copy_of(MALFORMED[i].bytes, MALFORMED[i].size);
        struct message message;
        if (message_decode(data, MALFORMED[i].size, &message) != MESSAGE_BAD)
            fail_msg("case %zu was taken", i);
        free(data);
    }
}

/* A name must not end early for us where it goes on for the sender. */
static void method_with_a_nul(void **state)
{
    (void)state;
    uint8_t *data = copy_of(BYTES("\x94\x00\x01\xa6show\0x\x90"));
    struct message message;
    assert_int_equal(message_decode(data, 11, &message), MESSAGE_OK);
    assert_string_equal(message.method, "");
    message_free(&message);
    free(data);
}

static const struct {
    const char *bytes;
    size_t size;
    uint32_t id;
} PEEKS[] = {
    {BYTES("\x94\x00\x05\xc1"), 5},
    {BYTES("\x94\x00\xcc\xff"), 255},
    {BYTES("\x94\x00\xcd\x01\x02\xff"), 258},
    {BYTES("\x94\xcc\x00\xce\xff\xff\xff\xfe"), UINT32_MAX - 1},
    {BYTES("\x94\x00\xcf\x00\x00\x00\x00\x00\x00\x00\x09"), 9},
    {BYTES("\x94\x00\xd0\x07"), 7}, /* signed, but not negative */
    {BYTES("\x94\xd1\x00\x00\xd3\x00\x00\x00\x00\x00\x00\x00\x09"), 9},
    {BYTES("\x94\x00\xd2\xff\xff\xff\xff"), 0},
    {BYTES("\xdc\x00\x04\x00\x06"), 6},
    {BYTES("\xdd\xff\xff\xff\xff\x00\x08"), 8},
    {BYTES("\x94\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x09"), 0}, /* too large */
    {BYTES("\x94\x01\x05"), 0},                                 /* no request */
    {BYTES("\x94\x00\xff"), 0},
    {BYTES("\x94\x00\xcd\x01"), 0}, /* cut off */
    {BYTES("\x94\x00"), 0},
    {BYTES("\x94"), 0},
    {BYTES("\xdc\x00"), 0},
    {BYTES("\xc1\x00\x05"), 0},
    {BYTES(""), 0},
};

static void peeking_at_ids(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(PEEKS) / sizeof(PEEKS[0]); i++) {
        uint8_t *data = PEEKS[i].size == 0 ? NULL : copy_of(PEEKS[i].bytes, PEEKS[i].size);
        assert_int_equal(message_peek_id(data, PEEKS[i].size), PEEKS[i].id);
        free(data);
    }
}

#define ASSERT_WRITTEN(writer, bytes)                                                              \
    do {                                                                                           \
        assert_true(writer_ok(writer));                                                            \
        assert_int_equal((writer)->buffer.size, sizeof(bytes) - 1);                                \
        assert_memory_equal((writer)->buffer.data, bytes, sizeof(bytes) - 1);                      \
        writer_free(writer);                                                                       \
    } while (0)

static void encoding(void **state)
{
    (void)state;
    struct writer writer;
    writer_init(&writer);
    message_begin_request(&writer, 1, "ack");
    writer_map(&writer, NULL);
    writer_number(&writer, "number", 3);
    writer_end(&writer);
    ASSERT_WRITTEN(&writer, "\x94\x00\x01\xa3"
                            "ack\x91\x81\xa6number\x03");
    message_begin_response(&writer, UINT32_MAX);
    writer_map(&writer, NULL);
    writer_end(&writer);
    ASSERT_WRITTEN(&writer, "\x94\x01\xce\xff\xff\xff\xff\xc0\x80");
    message_begin_notification(&writer, METHODS_CHANGED);
    writer_map(&writer, NULL);
    writer_unsigned(&writer, "change", 200);
    writer_end(&writer);
    ASSERT_WRITTEN(&writer, "\x93\x02\xa7"
                            "changed\x91\x81\xa6"
                            "change\xcc\xc8");
    message_error(&writer, 2, IPC_BUSY, "later");
    ASSERT_WRITTEN(&writer, "\x94\x01\x02\x82\xa4"
                            "code\xa4"
                            "busy\xa7message\xa5later\xc0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),        cmocka_unit_test(strings_of_all_widths),
        cmocka_unit_test(responses),      cmocka_unit_test(params_that_are_no_map),
        cmocka_unit_test(malformed),      cmocka_unit_test(method_with_a_nul),
        cmocka_unit_test(peeking_at_ids), cmocka_unit_test(encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
