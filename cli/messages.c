/* send and recv, and the conversations of the commands that do both. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wipe.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/input.h"
#include "cli/json.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/verify.h"

/* ---- printing ---- */

/* {"session": id, "number": n, "data": base64}, with "text" if the message is UTF-8. New;
 * json_decref(); NULL: out of memory. */
static json_t *message_json(const struct wormclient_message *message)
{
    size_t length;
    const char *data = wormclient_message_data(message, &length);
    json_t *object = json_pack("{s:s, s:I, s:o}", "session", wormclient_message_session(message),
                               "number", (json_int_t)wormclient_message_number(message), "data",
                               json_from_data(data, length));
    json_t *text = json_stringn(data, length); /* NULL: not UTF-8 */

    if (object != NULL && text != NULL && json_object_set(object, "text", text) != 0) {
        json_decref(object);
        object = NULL;
    }
    json_decref(text);
    return object;
}

enum exit_status messages_print(const struct cli_options *options,
                                const struct wormclient_message *message)
{
    size_t length;
    const char *data = wormclient_message_data(message, &length);
    enum exit_status status = output_for_program(options)
                                  ? output_object(options, message_json(message))
                              : options->given[OPTION_RAW] ? output_bytes(data, length)
                                                           : output_text(data, length);

    return status == EXIT_DONE ? output_sync() : status;
}

/* ---- send ---- */

static enum exit_status print_sent(const struct cli_options *options, const char *session,
                                   uint32_t number)
{
    return output_object(options,
                         json_pack("{s:s, s:I}", "session", session, "number", (json_int_t)number));
}

static enum exit_status run_send(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session = NULL;
    enum exit_status status = EXIT_DONE;
    char *input = NULL, *data = options->arguments[1];
    size_t length = options->count == 2 ? strlen(data) : 0;
    uint32_t number;
    bool sent;

    if (options->count < 2) {
        status = input_all(WORMCLIENT_MESSAGE_MAX, &input, &length);
        data = input;
    }
    if (status != EXIT_DONE)
        return status;
    /* The report names the session by its id. */
    if (output_for_program(options))
        session = wormclient_show(client, options->arguments[0], &error);
    sent = (session != NULL || !output_for_program(options)) &&
           wormclient_send(client, options->arguments[0], data, length, &number, &error);
    if (!sent)
        status = report_error_about(&error, options->arguments[0]);
    else if (session != NULL)
        status = print_sent(options, wormclient_session_id(session), number);
    wormclient_session_free(session);
    wipe_free(input);
    return status;
}

const struct cli_command send_command = {
    .name = "send",
    .usage = "SESSION [TEXT]",
    .help = "send a message",
    .details =
        "Without TEXT, the message is read from standard input. When the command returns, the\n"
        "message is safe with the daemon, which sends it when the peer is there.",
    .fields = fields_sent,
    .least = 1,
    .most = 2,
    .run = run_send,
};

/* ---- recv ---- */

/* One run of recv. */
struct recv_run {
    struct wormclient *client;
    const struct cli_options *options;
    const char *session; /* its id: the name may come to mean another one meanwhile */
    uint32_t from;       /* number of the next message */
    int64_t deadline;    /* of --wait, monotonic; INT64_MAX: none */
    bool any;            /* at least one was printed */
    struct wait_reported reported;
};

static bool acknowledge(struct wormclient *client, const char *session, uint32_t number,
                        struct wormclient_error *ret_error)
{
    struct wormclient_session *view;

    do
        view = wormclient_ack(client, session, number, ret_error);
    while (view == NULL && wait_until_back(client, ret_error));
    wormclient_session_free(view);
    return view != NULL;
}

/* With -0: a NUL after the message, which must have none. */
static enum exit_status print_terminated(const struct cli_options *options,
                                         const struct wormclient_message *message)
{
    size_t length;
    const char *data = wormclient_message_data(message, &length);
    enum exit_status status;

    if (memchr(data, '\0', length) != NULL) {
        report("message %" PRIu32 " has NUL characters in it; receive it without -0",
               wormclient_message_number(message));
        return EXIT_FAILED;
    }
    status = options->given[OPTION_RAW] ? output_bytes(data, length) : output_text(data, length);
    if (status != EXIT_DONE)
        return status;
    putchar('\0');
    return output_sync();
}

static enum exit_status take_message(struct recv_run *run, const struct wormclient_message *message)
{
    uint32_t number = wormclient_message_number(message);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    enum exit_status status = run->options->given[OPTION_NUL]
                                  ? print_terminated(run->options, message)
                                  : messages_print(run->options, message);

    if (status == EXIT_DONE && !run->options->given[OPTION_PEEK] &&
        !acknowledge(run->client, run->session, number, &error))
        status = report_error(&error);
    run->any = true;
    run->from = number + 1;
    return status;
}

/* The daemon gave no message. While the user still has to compare verifiers, one may yet come. */
static enum exit_status check_refusal(const struct recv_run *run,
                                      const struct wormclient_error *error)
{
    const char *label = run->options->arguments[0];

    if (error->code == WORMCLIENT_ERROR_NO_MESSAGE)
        return EXIT_DONE;
    if (run->options->given[OPTION_WAIT] && error->code == WORMCLIENT_ERROR_LOST)
        return EXIT_DONE; /* to wait for one is to wait for the daemon as well */
    if (error->code != WORMCLIENT_ERROR_UNVERIFIED || !run->options->given[OPTION_WAIT])
        return report_error_about(error, label);
    report_note("messages are held back until you compare verifiers: wormctl verify %s", label);
    return EXIT_DONE;
}

/* Takes the next message, or with --all every one, as far as there are any. */
static enum exit_status take_messages(struct recv_run *run)
{
    enum exit_status status = EXIT_DONE;
    bool more = true;

    while (status == EXIT_DONE && more) {
        struct wormclient_error error = WORMCLIENT_ERROR_INIT;
        struct wormclient_message *message =
            wormclient_recv(run->client, run->session, run->from, &error);

        status = message != NULL ? take_message(run, message) : check_refusal(run, &error);
        more = message != NULL && run->options->given[OPTION_ALL];
        wormclient_message_free(message);
    }
    return status;
}

/* There is none: waits for one, or reports why there is none. */
static enum exit_status await_message(struct recv_run *run)
{
    const struct cli_options *options = run->options;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session;
    enum exit_status status = EXIT_NOTHING;

    if (options->given[OPTION_WAIT]) {
        int64_t left = run->deadline - clock_monotonic();

        return wait_for(run->client, run->session, wormclient_has_message,
                        run->deadline == INT64_MAX ? -1
                        : left > 0                 ? left
                                                   : 0,
                        &run->reported, NULL);
    }
    session = wormclient_show(run->client, run->session, &error);
    if (session == NULL)
        return report_error(&error);
    if (wormclient_has_message(session, NULL) == WORMCLIENT_PROGRESS_NEVER)
        status = report_ended(session);
    else if (wormclient_value_flag(wormclient_session_view(session), "leased", false))
        report("another program is at work on the messages; to wait for it, use --wait");
    else
        report("there is no message yet; to wait for one, use --wait");
    wormclient_session_free(session);
    return status;
}

static enum exit_status run_recv(struct wormclient *client, const struct cli_options *options)
{
    int64_t wait = options->given[OPTION_WAIT] ? options->number[OPTION_WAIT] : -1;
    struct recv_run run = {
        .client = client,
        .options = options,
        .deadline = wait >= 0 ? clock_monotonic() + wait : INT64_MAX,
    };
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session;
    enum exit_status status;

    session = wormclient_show(client, options->arguments[0], &error);
    if (session == NULL)
        return report_error_about(&error, options->arguments[0]);
    if (options->given[OPTION_WAIT])
        wormclient_set_reconnect(client, true);
    run.session = wormclient_session_id(session);
    status = take_messages(&run);
    /* Repeats if another program takes the message that was waited for. */
    while (status == EXIT_DONE && !run.any) {
        status = await_message(&run);
        if (status == EXIT_DONE)
            status = take_messages(&run);
    }
    wormclient_session_free(session);
    return status;
}

const struct cli_command recv_command = {
    .name = "recv",
    .usage = "SESSION",
    .help = "print the next message",
    .details =
        "Writes exactly the bytes of the message, and acknowledges it once they are written: in a\n"
        "file, once they are on the disk. On a terminal, control characters are shown as escapes,\n"
        "unless --raw is given.",
    .options = OPTION_BIT(OPTION_WAIT) | OPTION_BIT(OPTION_PEEK) | OPTION_BIT(OPTION_ALL) |
               OPTION_BIT(OPTION_RAW) | OPTION_BIT(OPTION_NUL),
    .fields = fields_message,
    .least = 1,
    .most = 1,
    .run = run_recv,
};

/* ---- conversations ---- */

const char *conversation_id(const struct conversation *conversation)
{
    return wormclient_session_id(conversation->session);
}

enum exit_status conversation_verify(struct conversation *conversation)
{
    if (!conversation->options->given[OPTION_VERIFY])
        return EXIT_DONE;
    return verify_agree(conversation->client, conversation->session, &conversation->reported);
}

enum exit_status conversation_begin(const struct conversation *conversation, const void *data,
                                    size_t length)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    enum exit_status status;

    if (wormclient_send(conversation->client, conversation_id(conversation), data, length, NULL,
                        &error))
        return EXIT_DONE;
    status = report_error(&error);
    wormclient_forget(conversation->client, conversation_id(conversation), true, NULL);
    return status;
}

enum exit_status conversation_next(struct conversation *conversation,
                                   struct wormclient_message **ret_message)
{
    const char *id = conversation_id(conversation), *label = report_label(conversation->session);
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_message *message = NULL;
    enum exit_status status;

    /* Repeats if another program takes the message that was waited for. */
    do {
        status = wait_for(conversation->client, id, wormclient_has_message, -1,
                          &conversation->reported, NULL);
        if (status != EXIT_DONE)
            return status;
        message = wormclient_recv(conversation->client, id, 0, &error);
    } while (message == NULL && (error.code == WORMCLIENT_ERROR_NO_MESSAGE ||
                                 wait_until_back(conversation->client, &error)));
    if (message == NULL)
        return report_error_about(&error, label);
    conversation->number = wormclient_message_number(message);
    *ret_message = message;
    return EXIT_DONE;
}

enum exit_status conversation_skip(const struct conversation *conversation)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;

    return acknowledge(conversation->client, conversation_id(conversation), conversation->number,
                       &error)
               ? EXIT_DONE
               : report_error(&error);
}

enum exit_status conversation_close(const struct conversation *conversation, const char *reply)
{
    struct wormclient *client = conversation->client;
    const char *id = conversation_id(conversation);
    struct wormclient_session *view = NULL;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;

    if (acknowledge(client, id, conversation->number, &error) &&
        (reply == NULL || wormclient_send(client, id, reply, strlen(reply), NULL, &error)))
        do
            view = wormclient_close(client, id, &error);
        while (view == NULL && wait_until_back(client, &error));
    wormclient_session_free(view);
    return view != NULL ? EXIT_DONE : report_error(&error);
}

enum exit_status conversation_await_sent(struct conversation *conversation)
{
    return wait_for(conversation->client, conversation_id(conversation), wormclient_is_sent, -1,
                    &conversation->reported, NULL);
}
