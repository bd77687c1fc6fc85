/* recv: a message out, and only then acknowledged. */
#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/await.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report.h"

/* One run of recv. */
struct reader {
    struct wormclient *client;
    const struct options *options;
    const char *session; /* its id: a name may come to mean another one meanwhile */
    uint32_t from;       /* number of the next message */
    bool any;            /* at least one was printed */
};

/* The daemon's answer, with "text" added if the message is one. New; json_decref(). */
static json_t *message_json(const struct wormclient_value *message)
{
    char *text = wormclient_value_json(message);
    json_t *object = text != NULL ? json_loads(text, 0, NULL) : NULL;
    size_t length = 0;
    const char *data = wormclient_value_data(message, "data", &length);
    json_t *string = data != NULL ? json_stringn(data, length) : NULL; /* NULL: no UTF-8 */

    free(text);
    if (object != NULL && string != NULL)
        json_object_set(object, "text", string);
    json_decref(string);
    return object;
}

static enum exit_status print_json(const struct wormclient_value *message)
{
    json_t *object = message_json(message);
    char *line = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    enum exit_status status = line != NULL ? output_line(line) : report_memory();

    free(line);
    json_decref(object);
    return status;
}

static enum exit_status print_bytes(const struct wormclient_value *message)
{
    size_t length = 0;
    const char *data = wormclient_value_data(message, "data", &length);
    enum exit_status status = output_bytes(data, length);

    /* For the eye only: what is written elsewhere is the message and nothing else. */
    if (status == EXIT_DONE && isatty(STDOUT_FILENO) && length > 0 && data[length - 1] != '\n')
        status = output_line("");
    return status;
}

static enum exit_status acknowledge(const struct reader *reader, uint32_t number)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session =
        wormclient_ack(reader->client, reader->session, number, &error);

    if (session == NULL)
        return report_error(&error);
    wormclient_session_free(session);
    return EXIT_DONE;
}

static enum exit_status take(struct reader *reader, const struct wormclient_value *message,
                             uint32_t number)
{
    enum exit_status status =
        reader->options->given[OPTION_JSON] ? print_json(message) : print_bytes(message);

    if (status == EXIT_DONE && !reader->options->given[OPTION_PEEK])
        status = acknowledge(reader, number);
    reader->any = true;
    reader->from = number + 1;
    return status;
}

/* Takes the next message, if there is one: *ret_taken. */
static enum exit_status take_next(struct reader *reader, bool *ret_taken)
{
    struct wormclient_params *params = wormclient_params_new();
    struct wormclient_error error = {0};
    struct wormclient_value *message;
    enum exit_status status = EXIT_DONE;
    int64_t number;

    wormclient_params_text(params, "session", reader->session);
    wormclient_params_number(params, "from", reader->from);
    message = wormclient_call(reader->client, "recv", params, &error);
    if (message == NULL)
        return report_error(&error);
    number = wormclient_value_number(message, "number", -1);
    if (number >= 0)
        status = take(reader, message, (uint32_t)number);
    wormclient_result_free(message);
    *ret_taken = number >= 0;
    return status;
}

static enum exit_status take_all(struct reader *reader)
{
    bool taken = true;
    enum exit_status status = EXIT_DONE;

    while (status == EXIT_DONE && taken) {
        status = take_next(reader, &taken);
        taken = taken && reader->options->given[OPTION_ALL];
    }
    return status;
}

/* Nothing is there: waits for it, or says why it will not come. */
static enum exit_status nothing_there(const struct reader *reader)
{
    const struct options *options = reader->options;
    struct wormclient_error error = {0};
    struct wormclient_session *session;
    enum exit_status status = EXIT_NOTHING;

    if (options->given[OPTION_WAIT]) {
        return await_session(reader->client, reader->session, progress_message,
                             options->number[OPTION_WAIT], NULL, NULL);
    }
    session = wormclient_show(reader->client, reader->session, &error);
    if (session == NULL)
        return report_error(&error);
    if (progress_message(session) == PROGRESS_ENDED)
        status = report_ended(session);
    else
        report("no message is there yet; --wait waits for it");
    wormclient_session_free(session);
    return status;
}

enum exit_status recv_run(struct wormclient *client, const struct options *options)
{
    struct reader reader = {.client = client, .options = options};
    struct wormclient_error error = {0};
    struct wormclient_session *session;
    enum exit_status status;

    session = wormclient_show(client, options->arguments[0], &error);
    if (session == NULL)
        return report_error(&error);
    reader.session = wormclient_session_id(session);
    status = take_all(&reader);
    if (status == EXIT_DONE && !reader.any) {
        status = nothing_there(&reader);
        if (status == EXIT_DONE)
            status = take_all(&reader);
    }
    wormclient_session_free(session);
    return status;
}
