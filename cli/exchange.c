/* exchange: our data for theirs, as the original library's blocking programs did. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/new_session.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/conversation.h"
#include "cli/message.h"
#include "cli/report.h"
#include "cli/result.h"
#include "cli/verifier.h"

/* What we give. */
struct exchange_data {
    char *data;
    size_t length;
};

enum exit_status exchange_check(const struct cli_options *options)
{
    if (!options->given[OPTION_DATA])
        return report_usage("exchange", "exchange wants --data DATA, or --data - to read it");
    return code_check_options("exchange", options);
}

/* It may be as secret as the code. ours->data is new; free(). */
static enum exit_status read_data(const struct cli_options *options, struct exchange_data *ret_ours)
{
    char *argument = options->text[OPTION_DATA];

    if (strcmp(argument, "-") == 0)
        return input_all(WORMCLIENT_MESSAGE_MAX, &ret_ours->data, &ret_ours->length);
    ret_ours->data = input_take_argument(argument);
    if (ret_ours->data == NULL)
        return report_memory();
    ret_ours->length = strlen(ret_ours->data);
    return EXIT_DONE;
}

/* ---- the two sides ---- */

/* The one who has to tell the code: standard output is for the data, so it goes to the other; but
 * lines of JSON can be reported apart. */
static enum exit_status tell_code(struct conversation *conversation,
                                  const struct cli_options *options)
{
    const char *id = wormclient_session_id(conversation->session);
    struct wormclient_session *view;
    enum exit_status status =
        new_session_await_code(conversation->client, id, &conversation->reported, &view);

    if (status != EXIT_DONE)
        return status;
    if (options->given[OPTION_JSON] && !options->given[OPTION_FIELDS])
        status = result_session(options, view);
    else
        report("the code is %s", wormclient_session_code(view));
    report_hint("On the other machine: wormctl exchange CODE --data DATA");
    wormclient_session_free(view);
    return status;
}

/* In the daemon's care before anybody knows the code, or the peer is there. */
static enum exit_status give(const struct conversation *conversation,
                             const struct exchange_data *ours)
{
    struct wormclient_error error = {0};
    const char *id = wormclient_session_id(conversation->session);
    enum exit_status status;

    if (wormclient_send(conversation->client, id, ours->data, ours->length, NULL, &error)) {
        interrupt_say("interrupted; the daemon goes on, and gets what comes: "
                      "wormctl recv --wait %s",
                      report_label(conversation->session));
        return EXIT_DONE;
    }
    status = report_error(&error);
    wormclient_forget(conversation->client, id, true, NULL); /* of no use without its data */
    return status;
}

static enum exit_status take(struct conversation *conversation, const struct cli_options *options)
{
    struct wormclient_value *message;
    enum exit_status status = conversation_next(conversation, &message);

    if (status != EXIT_DONE)
        return status;
    status = message_print(options, message);
    wormclient_result_free(message);
    if (status != EXIT_DONE) {
        report("the data is still there: wormctl recv %s", report_label(conversation->session));
        return status;
    }
    status = conversation_close(conversation, NULL);
    return status == EXIT_DONE ? conversation_await_sent(conversation) : status;
}

static enum exit_status converse(struct conversation *conversation,
                                 const struct cli_options *options,
                                 const struct exchange_data *ours, bool tell)
{
    enum exit_status status = give(conversation, ours);

    if (status == EXIT_DONE && tell)
        status = tell_code(conversation, options);
    if (status == EXIT_DONE && options->given[OPTION_VERIFY])
        status =
            verifier_agree(conversation->client, conversation->session, &conversation->reported);
    return status == EXIT_DONE ? take(conversation, options) : status;
}

static enum exit_status exchange(struct wormclient *client, const struct cli_options *options,
                                 const struct code *code, const struct exchange_data *ours)
{
    struct conversation conversation = {.client = client};
    struct wormclient_session *session;
    enum exit_status status = code->text != NULL
                                  ? new_session_accept(client, options, NULL, code, &session)
                                  : new_session_invite(client, options, NULL, &session);

    if (status != EXIT_DONE)
        return status;
    conversation.session = session;
    status = converse(&conversation, options, ours, code->text == NULL);
    wormclient_session_free(session);
    return status;
}

/* The code first: if both come from standard input, it is the first line. */
enum exit_status exchange_run(struct wormclient *client, const struct cli_options *options)
{
    struct exchange_data ours = {0};
    struct code code = {0};
    enum exit_status status = EXIT_DONE;

    if (options->count > 0)
        status = code_read(client, options, NULL, &code);
    if (status == EXIT_DONE)
        status = read_data(options, &ours);
    if (status == EXIT_DONE)
        status = exchange(client, options, &code, &ours);
    code_clear(&code);
    free(ours.data);
    return status;
}
