/* recv: a message out, and only then acknowledged. */
#include "config.h"

#include "cli/await.h"
#include "cli/command.h"
#include "cli/message.h"
#include "cli/report.h"

/* One run of recv. */
struct reader {
    struct wormclient *client;
    const struct options *options;
    const char *session; /* its id: a name may come to mean another one meanwhile */
    uint32_t from;       /* number of the next message */
    bool any;            /* at least one was printed */
};

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
    enum exit_status status = message_print(reader->options, message);

    if (status == EXIT_DONE && !reader->options->given[OPTION_PEEK])
        status = acknowledge(reader, number);
    reader->any = true;
    reader->from = number + 1;
    return status;
}

/* The daemon gave no message. While the user still has to compare verifiers, one may yet come. */
static enum exit_status not_given(const struct reader *reader, const struct wormclient_error *error,
                                  bool *ret_taken)
{
    const char *label = reader->options->arguments[0];

    if (error->code != WORMCLIENT_UNVERIFIED || !reader->options->given[OPTION_WAIT])
        return report_error_about(error, label);
    report("messages are held back until the verifiers are compared: wormctl verify %s", label);
    *ret_taken = false;
    return EXIT_DONE;
}

/* Takes the next message, if there is one: *ret_taken. */
static enum exit_status take_next(struct reader *reader, bool *ret_taken)
{
    struct wormclient_error error = {0};
    struct wormclient_value *message;
    enum exit_status status = EXIT_DONE;
    int64_t number;

    message = message_ask(reader->client, reader->session, reader->from, &error);
    if (message == NULL)
        return not_given(reader, &error, ret_taken);
    number = message_number(message);
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

/* After the waiting. */
static enum exit_status take_what_came(struct reader *reader)
{
    enum exit_status status = take_all(reader);

    if (status == EXIT_DONE && !reader->any) {
        report("the message was taken by somebody else");
        return EXIT_NOTHING;
    }
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
        return report_error_about(&error, options->arguments[0]);
    reader.session = wormclient_session_id(session);
    status = take_all(&reader);
    if (status == EXIT_DONE && !reader.any) {
        status = nothing_there(&reader);
        if (status == EXIT_DONE)
            status = take_what_came(&reader);
    }
    wormclient_session_free(session);
    return status;
}
