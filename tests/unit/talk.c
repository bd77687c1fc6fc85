#include "config.h"

#include "tests/unit/talk.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/message.h"
#include "ipc/methods.h"

/* Patience with the loop, ms: generous, for sanitizers and busy machines. */
#define HEAR_MAX 200000
/* A socket that takes nothing for so long, ms, is not read at the other end. */
#define SEND_MAX 300

struct talk {
    struct event_base *base;
    int fd;
    uint32_t last_id;
    struct frame_reader in;
};

struct talk *talk_new(struct event_base *base, int fd)
{
    struct talk *talk = calloc(1, sizeof(*talk));
    assert_non_null(talk);
    talk->base = base;
    talk->fd = fd;
    frame_init(&talk->in);
    return talk;
}

void talk_free(struct talk *talk)
{
    close(talk->fd);
    frame_free(&talk->in);
    free(talk);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void talk_settle(struct talk *talk)
{
    /* An event may make others ready; a few rounds are enough for all chains that there are. */
    for (int i = 0; i < 10; i++)
        event_base_loop(talk->base, EVLOOP_NONBLOCK);
}

static void wait_for(struct talk *talk, short what)
{
    struct pollfd poll_fd = {.fd = talk->fd, .events = what};
    event_base_loop(talk->base, EVLOOP_NONBLOCK);
    poll(&poll_fd, 1, 2);
}

/* ---- speaking ---- */

static void write_value(struct writer *writer, const char *key, json_t *value);

static void write_container(struct writer *writer, const char *key, json_t *value)
{
    const char *name;
    json_t *item;
    size_t i;
    if (json_is_array(value)) {
        writer_array(writer, key);
        json_array_foreach(value, i, item) write_value(writer, NULL, item);
    } else {
        writer_map(writer, key);
        json_object_foreach(value, name, item) write_value(writer, name, item);
    }
    writer_end(writer);
}

static void write_value(struct writer *writer, const char *key, json_t *value)
{
    if (json_is_array(value) || json_is_object(value))
        write_container(writer, key, value);
    else if (json_is_string(value))
        writer_text(writer, key, json_string_value(value));
    else if (json_is_integer(value))
        writer_number(writer, key, json_integer_value(value));
    else if (json_is_boolean(value))
        writer_flag(writer, key, json_is_true(value));
    else
        writer_nil(writer, key);
}

void *talk_pack(const char *json, size_t *ret_length)
{
    char *text = strdup(json);
    for (char *quote = text; (quote = strchr(quote, '\'')); quote++)
        *quote = '"';
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    struct writer writer;
    writer_init(&writer);
    write_value(&writer, NULL, value);
    assert_true(writer_ok(&writer));
    void *data = malloc(writer.buffer.size);
    memcpy(data, writer.buffer.data, writer.buffer.size);
    *ret_length = writer.buffer.size;
    writer_free(&writer);
    json_decref(value);
    free(text);
    return data;
}

size_t talk_bytes(struct talk *talk, const void *data, size_t length)
{
    size_t sent = 0;
    int64_t deadline = now() + SEND_MAX;
    while (sent < length && now() < deadline) {
        ssize_t some =
            send(talk->fd, (const char *)data + sent, length - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (some > 0) {
            sent += (size_t)some;
            deadline = now() + SEND_MAX;
        } else if (errno != EAGAIN) {
            break;
        }
        wait_for(talk, POLLOUT);
    }
    return sent;
}

void talk_say(struct talk *talk, const char *json)
{
    size_t length;
    void *data = talk_pack(json, &length);
    assert_int_equal(talk_bytes(talk, data, length), length);
    free(data);
}

/* ---- hearing ---- */

static json_t *to_json(const msgpack_object *object);

static json_t *array_to_json(const msgpack_object_array *array)
{
    json_t *json = json_array();
    for (uint32_t i = 0; i < array->size; i++)
        json_array_append_new(json, to_json(&array->ptr[i]));
    return json;
}

static json_t *map_to_json(const msgpack_object_map *map)
{
    json_t *json = json_object();
    for (uint32_t i = 0; i < map->size; i++)
        json_object_set_new(json, map->ptr[i].key.via.str.ptr, to_json(&map->ptr[i].val));
    return json;
}

static json_t *to_json(const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_ARRAY:
        return array_to_json(&object->via.array);
    case MSGPACK_OBJECT_MAP:
        return map_to_json(&object->via.map);
    case MSGPACK_OBJECT_STR:
        return json_stringn(object->via.str.ptr, object->via.str.size);
    case MSGPACK_OBJECT_BIN:
        return json_stringn_nocheck(object->via.bin.ptr, object->via.bin.size);
    case MSGPACK_OBJECT_BOOLEAN:
        return json_boolean(object->via.boolean);
    case MSGPACK_OBJECT_NIL:
        return json_null();
    default:
        return json_integer(object->via.i64);
    }
}

static json_t *message_to_json(const struct message *message)
{
    static const msgpack_object nil = {.type = MSGPACK_OBJECT_NIL};
    const msgpack_object *error = message->error ? message->error : &nil;
    const msgpack_object *result = message->result ? message->result : &nil;
    if (message->kind == MESSAGE_NOTIFICATION)
        return json_pack("[iso]", MESSAGE_NOTIFICATION, message->method, to_json(message->params));
    return json_pack("[iIoo]", MESSAGE_RESPONSE, (json_int_t)message->id, to_json(error),
                     to_json(result));
}

/* A whole message that has been read already; NULL if there is none. */
static json_t *take_whole(struct talk *talk)
{
    uint8_t *data;
    size_t size;
    enum frame_result result = frame_next(&talk->in, &data, &size);
    if (result == FRAME_PARTIAL)
        return NULL;
    assert_int_equal(result, FRAME_WHOLE);
    struct message message;
    assert_int_equal(message_decode(data, size, &message), MESSAGE_OK);
    json_t *json = message_to_json(&message);
    message_free(&message);
    assert_non_null(json);
    return json;
}

void talk_swallow(struct talk *talk)
{
    char bytes[65536];
    while (recv(talk->fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
}

json_t *talk_hear(struct talk *talk)
{
    int64_t deadline = now() + HEAR_MAX;
    while (now() < deadline) {
        json_t *message = take_whole(talk);
        if (message)
            return message;
        static uint8_t bytes[65536];
        ssize_t length = recv(talk->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (length == 0 || (length < 0 && errno == ECONNRESET))
            return NULL;
        if (length > 0)
            assert_true(frame_feed(&talk->in, bytes, (size_t)length));
        else
            wait_for(talk, POLLIN);
    }
    fail_msg("nothing was heard in time");
    return NULL;
}

/* ---- asking ---- */

json_t *talk_ask(struct talk *talk, const char *method, const char *params)
{
    char *request;
    json_int_t id = ++talk->last_id;
    assert_true(asprintf(&request, "[0, %d, '%s', [%s]]", (int)id, method, params) > 0);
    talk_say(talk, request);
    free(request);
    for (;;) {
        json_t *message = talk_hear(talk);
        assert_non_null(message);
        json_t *answer = NULL;
        if (json_integer_value(json_array_get(message, 0)) == MESSAGE_RESPONSE) {
            assert_int_equal(json_integer_value(json_array_get(message, 1)), id);
            answer = json_pack("[OO]", json_array_get(message, 2), json_array_get(message, 3));
        }
        json_decref(message);
        if (answer)
            return answer;
    }
}

json_t *talk_result(struct talk *talk, const char *method, const char *params)
{
    json_t *answer = talk_ask(talk, method, params);
    if (!json_is_null(json_array_get(answer, 0)))
        fail_msg("%s %s: %s", method, params, json_dumps(answer, 0));
    json_t *result = json_incref(json_array_get(answer, 1));
    json_decref(answer);
    return result;
}

/* Fails if the table of methods does not know that this method may answer so. */
static void expect_listed(const char *method, const char *code)
{
    enum ipc_method known;
    enum ipc_error error;
    assert_true(errors_find(code, &error));
    if (methods_find(method, &known) && !methods_may_answer(known, error))
        fail_msg("%s answers %s, which ipc/methods.def does not list", method, code);
}

void talk_refused(struct talk *talk, const char *method, const char *params, const char *code,
                  const char *part)
{
    json_t *answer = talk_ask(talk, method, params);
    json_t *error = json_array_get(answer, 0);
    if (!json_is_object(error))
        fail_msg("%s %s was not refused", method, params);
    assert_string_equal(json_string_value(json_object_get(error, "code")), code);
    expect_listed(method, code);
    const char *text = json_string_value(json_object_get(error, "message"));
    if (!strstr(text, part))
        fail_msg("%s %s: '%s' does not say '%s'", method, params, text, part);
    json_decref(answer);
}
