/* text send and text receive: what `wormhole send --text` and `wormhole receive` do. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/new_session.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/offer.h"
#include "cli/report.h"
#include "cli/transfer.h"
#include "cli/verifier.h"

/* ---- text send ---- */

/* The offer of the text on the command line or on standard input. New; free(). */
static enum exit_status read_offer(const struct cli_options *options, char **ret_offer)
{
    char *text = NULL;
    size_t length;

    if (options->count == 1) {
        *ret_offer = offer_make_text(options->arguments[0], strlen(options->arguments[0]));
    } else {
        enum exit_status status = input_all(WORMCLIENT_MESSAGE_MAX, &text, &length);
        if (status != EXIT_DONE)
            return status;
        *ret_offer = offer_make_text(text, length);
        free(text);
    }
    if (*ret_offer == NULL) {
        report("this is no text (UTF-8); for other data use: wormctl send");
        return EXIT_FAILED;
    }
    if (strlen(*ret_offer) > WORMCLIENT_MESSAGE_MAX) {
        report("the text is too long: %zu bytes are the limit", WORMCLIENT_MESSAGE_MAX);
        free(*ret_offer);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* Puts the offer into the daemon's care before the code is out: whoever comes, gets it. */
static enum exit_status queue_offer(const struct conversation *conversation, const char *offer)
{
    struct wormclient_error error = {0};
    const char *id = wormclient_session_id(conversation->session);
    enum exit_status status;

    if (wormclient_send(conversation->client, id, offer, strlen(offer), NULL, &error)) {
        interrupt_say("interrupted; the daemon goes on and delivers the text: wormctl show %s",
                      report_label(conversation->session));
        return EXIT_DONE;
    }
    status = report_error(&error);
    wormclient_forget(conversation->client, id, true, NULL); /* of no use without its text */
    return status;
}

/* If the user wants to compare verifiers, that is next. */
static enum exit_status agree(struct transfer *transfer)
{
    struct conversation *conversation = &transfer->conversation;

    if (!transfer->options->given[OPTION_VERIFY])
        return EXIT_DONE;
    return verifier_agree(conversation->client, conversation->session, &conversation->reported);
}

static enum exit_status converse(struct transfer *transfer, const char *offer)
{
    struct conversation *conversation = &transfer->conversation;
    enum exit_status status = queue_offer(conversation, offer);

    if (status == EXIT_DONE) {
        status = new_session_print_code(conversation->client, transfer->options,
                                        wormclient_session_id(conversation->session),
                                        &conversation->reported);
    }
    if (status != EXIT_DONE)
        return status;
    report_hint("On the other machine: wormctl text receive CODE, or: wormhole receive CODE");
    status = agree(transfer);
    return status == EXIT_DONE ? transfer_confirm(transfer) : status;
}

static enum exit_status send_offer(struct wormclient *client, const struct cli_options *options,
                                   const char *offer)
{
    struct transfer transfer = {.conversation = {.client = client}, .options = options};
    struct wormclient_session *session;
    enum exit_status status = new_session_invite(client, options, OFFER_APPID, &session);

    if (status != EXIT_DONE)
        return status;
    transfer.conversation.session = session;
    status = converse(&transfer, offer);
    wormclient_session_free(session);
    return status;
}

enum exit_status text_send_check(const struct cli_options *options)
{
    return new_session_check_qr("text send", options);
}

enum exit_status text_send_run(struct wormclient *client, const struct cli_options *options)
{
    char *offer;
    enum exit_status status = read_offer(options, &offer);

    if (status != EXIT_DONE)
        return status;
    status = send_offer(client, options, offer);
    free(offer);
    return status;
}

/* ---- text receive ---- */

enum exit_status text_receive_check(const struct cli_options *options)
{
    return code_check_options("text receive", options);
}

static enum exit_status begin_with_code(struct wormclient *client,
                                        const struct cli_options *options,
                                        struct wormclient_session **ret_session)
{
    struct code code;
    enum exit_status status = code_read(client, options, OFFER_APPID, &code);

    if (status != EXIT_DONE)
        return status;
    status = new_session_accept(client, options, OFFER_APPID, &code, ret_session);
    code_clear(&code);
    return status;
}

enum exit_status text_receive_run(struct wormclient *client, const struct cli_options *options)
{
    struct transfer transfer = {.conversation = {.client = client}, .options = options};
    struct wormclient_session *session;
    enum exit_status status = begin_with_code(client, options, &session);

    if (status != EXIT_DONE)
        return status;
    transfer.conversation.session = session;
    status = agree(&transfer);
    if (status == EXIT_DONE)
        status = transfer_receive(&transfer);
    wormclient_session_free(session);
    return status;
}
