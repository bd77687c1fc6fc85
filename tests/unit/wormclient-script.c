#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/params.h"
#include "ipc/methods.h"
#include "wormclient-script.h"

/* cmocka's assertions belong to the main thread: here it is abort(). */
static void must(bool true_of_the_test)
{
    if (!true_of_the_test)
        abort();
}

void script_write(struct script *script, struct writer *writer)
{
    must(writer_ok(writer));
    for (size_t sent = 0; sent < writer->buffer.size;) {
        ssize_t now =
            send(script->fd, writer->buffer.data + sent, writer->buffer.size - sent, MSG_NOSIGNAL);
        if (now <= 0)
            break; /* the client has gone: the test knows why */
        sent += (size_t)now;
    }
    writer_free(writer);
}

void script_hang_up(struct script *script, const struct message *request)
{
    (void)request;
    shutdown(script->fd, SHUT_RDWR);
}

static void begin_result(struct writer *writer, const struct message *request)
{
    writer_init(writer);
    message_begin_response(writer, request->id);
    writer_map(writer, NULL);
}

static void end_result(struct script *script, struct writer *writer)
{
    writer_end(writer);
    script_write(script, writer);
}

void script_result(struct script *script, const struct message *request,
                   void (*fill)(struct writer *writer))
{
    struct writer writer;
    begin_result(&writer, request);
    fill(&writer);
    end_result(script, &writer);
}

void script_view(struct script *script, const struct message *request, const char *state)
{
    struct writer writer;
    begin_result(&writer, request);
    writer_text(&writer, "id", SCRIPT_ID);
    writer_text(&writer, "name", "laptop");
    writer_text(&writer, "state", state);
    end_result(script, &writer);
}

void script_answer_if(struct script *script, const struct message *request, bool right)
{
    if (right)
        script_view(script, request, "waiting");
    else
        script_error(script, request, IPC_BAD_PARAMS);
}

void script_error(struct script *script, const struct message *request, enum ipc_error code)
{
    struct writer writer;
    writer_init(&writer);
    message_error(&writer, request->id, code, "a sentence");
    script_write(script, &writer);
}

void script_notify(struct script *script, const char *session)
{
    struct writer writer;
    writer_init(&writer);
    message_begin_notification(&writer, METHODS_CHANGED);
    writer_map(&writer, NULL);
    writer_number(&writer, "change", 1);
    writer_text(&writer, "session", session);
    writer_end(&writer);
    script_write(script, &writer);
}

/* ---- what a request says ---- */

static const msgpack_object *find(const struct message *request, const char *key,
                                  msgpack_object_type type)
{
    const msgpack_object *found = params_find(request->params, key);
    return found != NULL && found->type == type ? found : NULL;
}

bool script_says(const struct message *request, const char *key, const char *value)
{
    const msgpack_object *found = find(request, key, MSGPACK_OBJECT_STR);
    return found != NULL && strcmp(found->via.str.ptr, value) == 0;
}

bool script_counts(const struct message *request, const char *key, uint64_t value)
{
    const msgpack_object *found = find(request, key, MSGPACK_OBJECT_POSITIVE_INTEGER);
    return found != NULL && found->via.u64 == value;
}

bool script_flags(const struct message *request, const char *key, bool value)
{
    const msgpack_object *found = find(request, key, MSGPACK_OBJECT_BOOLEAN);
    return found != NULL && found->via.boolean == value;
}

/* ---- playing ---- */

static void fill_greeting(struct writer *writer)
{
    writer_number(writer, "api", METHODS_API);
}

/* False if the request is not the one that the script wants. */
static bool play(struct script *script, const struct message *request)
{
    if (strcmp(request->method, "hello") == 0) {
        script_result(script, request, fill_greeting);
        return true;
    }
    const struct step *step = &script->steps[script->played];
    if (step->method == NULL || strcmp(step->method, request->method) != 0)
        return false;
    script->played++;
    step->act(script, request);
    return true;
}

static bool play_all(struct script *script)
{
    uint8_t *data;
    size_t size;
    bool playing = true;
    while (playing && frame_next(&script->in, &data, &size) == FRAME_WHOLE) {
        struct message request;
        must(message_decode(data, size, &request) == MESSAGE_OK);
        must(request.kind == MESSAGE_REQUEST && request.params != NULL);
        playing = play(script, &request);
        message_free(&request);
    }
    return playing;
}

static void *run(void *arg)
{
    struct script *script = arg;
    char bytes[4096];
    ssize_t length;
    /* Signals are for the test. */
    sigset_t all;
    sigfillset(&all);
    must(pthread_sigmask(SIG_BLOCK, &all, NULL) == 0);
    if (script->listener >= 0)
        script->fd = accept(script->listener, NULL, NULL);
    must(script->fd >= 0);
    while ((length = recv(script->fd, bytes, sizeof(bytes), 0)) > 0) {
        must(frame_feed(&script->in, bytes, (size_t)length));
        if (!play_all(script))
            break;
    }
    shutdown(script->fd, SHUT_RDWR);
    return NULL;
}

static void start(struct script *script, const struct step *steps, int listener, int fd)
{
    *script = (struct script){.steps = steps, .listener = listener, .fd = fd};
    frame_init(&script->in);
    assert_int_equal(pthread_create(&script->thread, NULL, run, script), 0);
}

void script_listen(struct script *script, const struct step *steps, int listener)
{
    start(script, steps, listener, -1);
}

void script_start(struct script *script, const struct step *steps)
{
    int ends[2];
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), errno);
    start(script, steps, -1, ends[0]);
    script->client = wormclient_adopt(ends[1], NULL);
    assert_non_null(script->client);
}

void script_end(struct script *script)
{
    wormclient_free(script->client);
    assert_int_equal(pthread_join(script->thread, NULL), 0);
    close(script->fd);
    frame_free(&script->in);
    const struct step *step = &script->steps[script->played];
    if (step->method != NULL)
        fail_msg("step %zu, %s, was never played", script->played, step->method);
}
