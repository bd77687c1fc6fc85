/* text send and text receive: what `wormhole send --text` and `wormhole receive` do, with those or
 * with wormctl at the other end. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wipe.h"
#include "cli/command.h"
#include "cli/escape.h"
#include "cli/fields.h"
#include "cli/hint.h"
#include "cli/input.h"
#include "cli/messages.h"
#include "cli/new_session.h"
#include "cli/offer.h"
#include "cli/output.h"
#include "cli/wait.h"

/* Handles a message that ends the transfer; returns the exit status. */
typedef enum exit_status (*text_handler)(struct conversation *conversation,
                                         const struct offer *offer);

/* ---- what may come ---- */

/* Closes the session with a reply, which is freed, and waits until the relay has that. */
static enum exit_status finish_with(struct conversation *conversation, char *reply)
{
    enum exit_status status;

    if (reply == NULL)
        return report_memory();
    status = conversation_close(conversation, reply);
    wipe_free(reply);
    if (status != EXIT_DONE)
        return status;
    report_on_interrupt("interrupted; the daemon goes on and delivers the answer");
    return conversation_await_sent(conversation);
}

static enum exit_status print_text(const struct conversation *conversation,
                                   const struct offer *offer)
{
    enum exit_status status;
    char *line;

    if (output_for_program(conversation->options)) {
        return output_object(conversation->options,
                             offer_report(offer, conversation_id(conversation)));
    }
    if (!isatty(STDOUT_FILENO) || conversation->options->given[OPTION_RAW]) {
        fwrite(offer->text, 1, offer->length, stdout);
        return output_line("");
    }
    line = escape_text(offer->text, offer->length, true);
    status = line != NULL ? output_line(line) : report_memory();
    wipe_free(line);
    return status;
}

static enum exit_status take_text(struct conversation *conversation, const struct offer *offer)
{
    enum exit_status status = print_text(conversation, offer);

    if (status == EXIT_DONE)
        status = output_sync();
    if (status != EXIT_DONE) {
        report("the text is still there: wormctl recv %s", report_label(conversation->session));
        return status;
    }
    return finish_with(conversation, offer_make_ack());
}

static enum exit_status refuse(struct conversation *conversation, const char *reply)
{
    enum exit_status status = finish_with(conversation, offer_make_error(reply));

    return status == EXIT_DONE ? EXIT_FAILED : status;
}

static enum exit_status refuse_file(struct conversation *conversation, const struct offer *offer)
{
    report("the peer offers %s, but wormctl receives only texts", offer->text);
    report("ask for it to be sent again, and receive it with: wormhole receive");
    return refuse(conversation, "the receiver accepts texts only, not files");
}

static enum exit_status refuse_bad(struct conversation *conversation, const struct offer *offer)
{
    (void)offer;
    report("the peer does not use the text transfer protocol");
    return refuse(conversation, "message not understood");
}

/* There is nothing more to say to a peer that has left. */
static enum exit_status close_failed(struct conversation *conversation)
{
    enum exit_status status = conversation_close(conversation, NULL);

    return status == EXIT_DONE ? EXIT_FAILED : status;
}

static enum exit_status sender_gave_up(struct conversation *conversation, const struct offer *offer)
{
    report("the peer gave up sending: %s", offer->text);
    return close_failed(conversation);
}

/* NULL: ignored. A "transit" comes before the offer of a file, which says more. */
static const text_handler receiver_handlers[OFFER_KINDS] = {
    [OFFER_BAD] = refuse_bad,
    [OFFER_TEXT] = take_text,
    [OFFER_FILE] = refuse_file,
    [OFFER_ERROR] = sender_gave_up,
};

/* Takes messages until one ends the transfer. */
static enum exit_status receive_text(struct conversation *conversation)
{
    enum exit_status status;
    bool over = false;

    do {
        struct offer offer = {.kind = OFFER_OTHER};
        struct wormclient_message *message;
        const void *data;
        size_t length;

        status = conversation_next(conversation, &message);
        if (status != EXIT_DONE)
            return status;
        data = wormclient_message_data(message, &length);
        if (!offer_read(data, length, &offer))
            status = report_memory();
        wormclient_message_free(message);
        if (status == EXIT_DONE) {
            over = receiver_handlers[offer.kind] != NULL;
            status = over ? receiver_handlers[offer.kind](conversation, &offer)
                          : conversation_skip(conversation);
        }
        offer_clear(&offer);
    } while (status == EXIT_DONE && !over);
    return status;
}

/* ---- text send ---- */

/* The offer of the text on the command line or on standard input. New; free(). */
static enum exit_status make_offer(const struct cli_options *options, char **ret_offer)
{
    char *input = NULL, *text = options->arguments[0], *offer;
    size_t length = 0;

    if (options->count == 0) {
        enum exit_status status = input_all(WORMCLIENT_MESSAGE_MAX, &input, &length);

        if (status != EXIT_DONE)
            return status;
        text = input;
    } else {
        length = strlen(text);
    }
    offer = offer_make_text(text, length);
    wipe_free(input);
    if (offer == NULL) {
        report("not a text (UTF-8); to send other data, use: wormctl send");
        return EXIT_FAILED;
    }
    if (strlen(offer) > WORMCLIENT_MESSAGE_MAX) {
        report("the text is too long; the limit is %zu bytes", WORMCLIENT_MESSAGE_MAX);
        wipe_free(offer);
        return EXIT_FAILED;
    }
    *ret_offer = offer;
    return EXIT_DONE;
}

/* The daemon takes the answer: the session ends with it. */
static enum exit_status await_answer(struct conversation *conversation)
{
    struct wormclient_session *view;
    enum exit_status status = wait_for(conversation->client, conversation_id(conversation),
                                       wait_is_answered, -1, &conversation->reported, &view);

    if (status != EXIT_DONE)
        return status;
    if (report_is_failure(view))
        status = report_ended(view);
    else
        report_hint("The peer has received the text.");
    wormclient_session_free(view);
    return status;
}

static enum exit_status send_offer(struct conversation *conversation, const char *offer)
{
    enum exit_status status =
        new_session_begin(conversation->client, conversation->options, OFFER_APPID, NULL,
                          NEW_SESSION_OFFER, &conversation->session);
    struct wormclient_session *view;
    char *ours, *stock;

    /* Safe with the daemon before the code is out: whoever joins gets it. */
    if (status == EXIT_DONE)
        status = conversation_begin(conversation, offer, strlen(offer));
    if (status != EXIT_DONE)
        return status;
    report_on_interrupt("interrupted; the daemon goes on and delivers the text, see: "
                        "wormctl show %s",
                        report_label(conversation->session));
    status = new_session_print_code(conversation->client, conversation->options,
                                    conversation_id(conversation), &conversation->reported, &view);
    if (status != EXIT_DONE)
        return status;
    ours = hint_command(view, "wormctl text receive", NULL);
    stock = hint_stock_receive(view);
    if (ours != NULL && stock != NULL)
        report_hint("On the other machine: %s\n"
                    "                  or: %s",
                    ours, stock);
    wipe_free(ours);
    wipe_free(stock);
    wormclient_session_free(view);
    status = conversation_verify(conversation);
    return status == EXIT_DONE ? await_answer(conversation) : status;
}

static enum exit_status check_text_send(const struct cli_options *options)
{
    if (options->given[OPTION_CODE] && options->given[OPTION_ZERO])
        return report_usage("text send", "give either --code CODE or -0, not both");
    return new_session_check_words("text send", options);
}

static enum exit_status run_text_send(struct wormclient *client, const struct cli_options *options)
{
    struct conversation conversation = {.client = client, .options = options};
    char *offer;
    enum exit_status status = make_offer(options, &offer);

    if (status != EXIT_DONE)
        return status;
    status = send_offer(&conversation, offer);
    wormclient_session_free(conversation.session);
    wipe_free(offer);
    return status;
}

const struct cli_command text_send_command = {
    .name = "text send",
    .usage = "[TEXT]",
    .help = "send a text to 'wormhole receive' or 'wormctl text receive'",
    .details =
        "Without TEXT, the text is read from standard input. Prints the code, then waits until\n"
        "the peer has the text. If the command is interrupted, the daemon goes on.",
    .options = NEW_SESSION_OPTIONS | NEW_SESSION_ZERO | OPTION_BIT(OPTION_WORDS) |
               OPTION_BIT(OPTION_QR) | OPTION_BIT(OPTION_URI),
    .begins = OPTION_GROUP_EVERY,
    .fields = fields_view,
    .most = 1,
    .check = check_text_send,
    .run = run_text_send,
};

/* ---- text receive ---- */

static enum exit_status check_text_receive(const struct cli_options *options)
{
    return new_session_check_code("text receive", options);
}

static enum exit_status run_text_receive(struct wormclient *client,
                                         const struct cli_options *options)
{
    struct conversation conversation = {.client = client, .options = options};
    struct given_code code;
    enum exit_status status = new_session_code_read(client, options, OFFER_APPID, &code);

    if (status != EXIT_DONE)
        return status;
    if (code.send) {
        new_session_code_clear(&code);
        return report_usage("text receive", "who made this URI waits for something to be sent: "
                                            "wormctl text send --code URI");
    }
    status = new_session_begin(client, options, OFFER_APPID, &code, NEW_SESSION_ONCE,
                               &conversation.session);
    new_session_code_clear(&code);
    if (status == EXIT_DONE) {
        report_on_interrupt("interrupted; the daemon goes on and keeps what comes: wormctl recv %s",
                            report_label(conversation.session));
        status = conversation_verify(&conversation);
    }
    if (status == EXIT_DONE)
        status = receive_text(&conversation);
    wormclient_session_free(conversation.session);
    return status;
}

const struct cli_command text_receive_command = {
    .name = "text receive",
    .usage = "[CODE]",
    .help = "receive a text from 'wormhole send --text' or 'wormctl text send'",
    .details = "Without CODE, or with -, the code is read from standard input.",
    .options = NEW_SESSION_OPTIONS | NEW_SESSION_ZERO | OPTION_BIT(OPTION_RAW),
    .begins = OPTION_GROUP_EVERY,
    .fields = fields_received_text,
    .most = 1,
    .check = check_text_receive,
    .run = run_text_receive,
};
