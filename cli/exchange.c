/* exchange: our data for theirs, as the blocking programs of the original library do. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/hint.h"
#include "cli/input.h"
#include "cli/messages.h"
#include "cli/new_session.h"
#include "cli/output.h"

struct exchange_data {
    char *data;
    size_t length;
};

static enum exit_status check_exchange(const struct cli_options *options)
{
    if (!options->given[OPTION_DATA])
        return report_usage("exchange",
                            "missing option --data DATA; --data - reads standard input");
    return new_session_check_code("exchange", options);
}

/* The data may be as secret as the code. ret_ours->data is new; free(). */
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

/* For the side that has no code yet. Standard output is for the data, so the code goes to standard
 * error; but lines of JSON can be told apart. */
static enum exit_status print_code(struct conversation *conversation)
{
    const struct cli_options *options = conversation->options;
    struct wormclient_session *view;
    const char *appid;
    char *command;
    enum exit_status status = new_session_await_code(
        conversation->client, conversation_id(conversation), &conversation->reported, &view);

    if (status != EXIT_DONE)
        return status;
    if (options->given[OPTION_JSON] && !options->given[OPTION_FIELDS])
        status = output_session(options, view);
    else
        report_note("the code is %s", wormclient_session_code(view));
    appid = wormclient_value_text(wormclient_session_view(view), "appid");
    command = hint_command(view, "wormctl exchange", appid);
    report_hint("On the other machine: %s --data DATA",
                command != NULL ? command : "wormctl exchange CODE");
    wipe_free(command);
    wormclient_session_free(view);
    return status;
}

static enum exit_status take_theirs(struct conversation *conversation)
{
    struct wormclient_message *message;
    enum exit_status status = conversation_next(conversation, &message);

    if (status != EXIT_DONE)
        return status;
    status = messages_print(conversation->options, message);
    wormclient_message_free(message);
    if (status != EXIT_DONE) {
        report("the data is still there: wormctl recv %s", report_label(conversation->session));
        return status;
    }
    status = conversation_close(conversation, NULL);
    return status == EXIT_DONE ? conversation_await_sent(conversation) : status;
}

static enum exit_status exchange(struct conversation *conversation, struct given_code *code,
                                 const struct exchange_data *ours)
{
    enum exit_status status = new_session_begin(conversation->client, conversation->options, NULL,
                                                code->text != NULL ? code : NULL, NEW_SESSION_ONCE,
                                                &conversation->session);

    if (status == EXIT_DONE)
        status = conversation_begin(conversation, ours->data, ours->length);
    if (status != EXIT_DONE)
        return status;
    report_on_interrupt("interrupted; the daemon goes on. To get the peer's data: "
                        "wormctl recv --wait %s",
                        report_label(conversation->session));
    if (code->text == NULL)
        status = print_code(conversation);
    if (status == EXIT_DONE)
        status = conversation_verify(conversation);
    return status == EXIT_DONE ? take_theirs(conversation) : status;
}

/* The code first: if both come from standard input, it is the first line. */
static enum exit_status run_exchange(struct wormclient *client, const struct cli_options *options)
{
    struct conversation conversation = {.client = client, .options = options};
    struct exchange_data ours = {0};
    struct given_code code = {0};
    enum exit_status status = EXIT_DONE;

    if (options->count > 0)
        status = new_session_code_read(client, options, NULL, &code);
    if (status == EXIT_DONE)
        status = read_data(options, &ours);
    if (status == EXIT_DONE)
        status = exchange(&conversation, &code, &ours);
    wormclient_session_free(conversation.session);
    new_session_code_clear(&code);
    wipe_free(ours.data);
    return status;
}

const struct cli_command exchange_command = {
    .name = "exchange",
    .usage = "[CODE] --data DATA",
    .help = "give the peer some data, and print theirs",
    .details = "Without CODE, a session begins, and its code is printed on standard error. The\n"
               "peer's data is written to standard output as it is; on a terminal, control "
               "characters are\n"
               "shown as escapes, unless --raw is given.",
    .options = NEW_SESSION_OPTIONS | OPTION_BIT(OPTION_APPID) | OPTION_BIT(OPTION_WORDS) |
               OPTION_BIT(OPTION_DATA) | OPTION_BIT(OPTION_RAW),
    .begins = OPTION_GROUP_LONG,
    .fields = fields_message,
    .most = 1,
    .check = check_exchange,
    .run = run_exchange,
};
