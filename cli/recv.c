/* recv: a message out, and only then acknowledged. */
#include "config.h"

#include "cli/await.h"
#include "cli/command.h"
#include "cli/message.h"
#include "cli/report.h"

/* One run of recv. */
struct recv_run {
    struct wormclient *client;
    const struct cli_options *options;
    const char *session; /* its id: a name may come to mean another one meanwhile */
    uint32_t from;       /* number of the next message */
    bool any;            /* at least one was printed */
};

static enum exit_status acknowledge(const struct recv_run *run, uint32_t number)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session = wormclient_ack(run->client, run->session, number, &error);

    if (session == NULL)
        return report_error(&error);
    wormclient_session_free(session);
    return EXIT_DONE;
}

static enum exit_status take(struct recv_run *run, const struct wormclient_value *message,
                             uint32_t number)
{
    enum exit_status status = message_print(run->options, message);

    if (status == EXIT_DONE && !run->options->given[OPTION_PEEK])
        status = acknowledge(run, number);
    run->any = true;
    run->from = number + 1;
    return status;
}

/* The daemon gave no message. While the user still has to compare verifiers, one may yet come. */
static enum exit_status not_given(const struct recv_run *run, const struct wormclient_error *error,
                                  bool *ret_taken)
{
    const char *label = run->options->arguments[0];

    if (error->code != WORMCLIENT_ERROR_UNVERIFIED || !run->options->given[OPTION_WAIT])
        return report_error_about(error, label);
    report("messages are held back until the verifiers are compared: wormctl verify %s", label);
    *ret_taken = false;
    return EXIT_DONE;
}

/* Takes the next message, if there is one: *ret_taken. */
static enum exit_status take_next(struct recv_run *run, bool *ret_taken)
{
    struct wormclient_error error = {0};
    struct wormclient_value *message;
    enum exit_status status = EXIT_DONE;
    int64_t number;

    message = message_ask(run->client, run->session, run->from, &error);
    if (message == NULL)
        return not_given(run, &error, ret_taken);
    number = message_number(message);
    if (number >= 0)
        status = take(run, message, (uint32_t)number);
    wormclient_result_free(message);
    *ret_taken = number >= 0;
    return status;
}

static enum exit_status take_all(struct recv_run *run)
{
    bool taken = true;
    enum exit_status status = EXIT_DONE;

    while (status == EXIT_DONE && taken) {
        status = take_next(run, &taken);
        taken = taken && run->options->given[OPTION_ALL];
    }
    return status;
}

/* Nothing is there: waits for it, or says why it will not come. */
static enum exit_status nothing_there(const struct recv_run *run)
{
    const struct cli_options *options = run->options;
    struct wormclient_error error = {0};
    struct wormclient_session *session;
    enum exit_status status = EXIT_NOTHING;

    if (options->given[OPTION_WAIT]) {
        return await_session(run->client, run->session, progress_message,
                             options->number[OPTION_WAIT], NULL, NULL);
    }
    session = wormclient_show(run->client, run->session, &error);
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
static enum exit_status take_what_came(struct recv_run *run)
{
    enum exit_status status = take_all(run);

    if (status == EXIT_DONE && !run->any) {
        report("the message was taken by somebody else");
        return EXIT_NOTHING;
    }
    return status;
}

enum exit_status recv_run(struct wormclient *client, const struct cli_options *options)
{
    struct recv_run run = {.client = client, .options = options};
    struct wormclient_error error = {0};
    struct wormclient_session *session;
    enum exit_status status;

    session = wormclient_show(client, options->arguments[0], &error);
    if (session == NULL)
        return report_error_about(&error, options->arguments[0]);
    run.session = wormclient_session_id(session);
    status = take_all(&run);
    if (status == EXIT_DONE && !run.any) {
        status = nothing_there(&run);
        if (status == EXIT_DONE)
            status = take_what_came(&run);
    }
    wormclient_session_free(session);
    return status;
}
