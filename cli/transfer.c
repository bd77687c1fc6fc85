#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/escape.h"
#include "cli/interrupt.h"
#include "cli/offer.h"
#include "cli/output.h"
#include "cli/report.h"
#include "cli/result.h"
#include "cli/transfer.h"

/* Reacts to a message that ends the transfer; returns the exit status. */
typedef enum exit_status (*transfer_handler)(struct transfer *transfer, const struct offer *offer);

/* Ends it with a reply, which is freed, and waits until the relay has that. */
static enum exit_status finish_with(struct transfer *transfer, char *reply)
{
    enum exit_status status;

    if (reply == NULL)
        return report_memory();
    status = conversation_close(&transfer->conversation, reply);
    free(reply);
    if (status != EXIT_DONE)
        return status;
    interrupt_say("interrupted; the daemon goes on, and delivers the answer");
    return conversation_await_sent(&transfer->conversation);
}

/* ---- handlers ---- */

static enum exit_status print_text(const struct transfer *transfer, const struct offer *offer)
{
    enum exit_status status;
    char *line;

    if (result_wanted(transfer->options)) {
        return result_object(
            transfer->options,
            offer_report(offer, wormclient_session_id(transfer->conversation.session)));
    }
    if (!isatty(STDOUT_FILENO)) {
        fwrite(offer->text, 1, offer->length, stdout);
        return output_line("");
    }
    line = escape_text(offer->text, offer->length, true);
    status = line != NULL ? output_line(line) : report_memory();
    free(line);
    return status;
}

static enum exit_status take_text(struct transfer *transfer, const struct offer *offer)
{
    enum exit_status status = print_text(transfer, offer);

    if (status != EXIT_DONE) {
        report("the text is still there: wormctl recv %s",
               report_label(transfer->conversation.session));
        return status;
    }
    return finish_with(transfer, offer_make_ack());
}

static enum exit_status refuse(struct transfer *transfer, const char *reply)
{
    enum exit_status status = finish_with(transfer, offer_make_error(reply));

    return status == EXIT_DONE ? EXIT_FAILED : status;
}

static enum exit_status refuse_file(struct transfer *transfer, const struct offer *offer)
{
    report("the other side offers %s; this tool exchanges texts", offer->text);
    report("have it sent again, and receive it with: wormhole receive");
    return refuse(transfer, "the receiver's tool exchanges texts only, and takes no files");
}

static enum exit_status refuse_offer(struct transfer *transfer, const struct offer *offer)
{
    (void)offer;
    report("the other side wants to send something too; one of the two has to receive");
    return refuse(transfer, "both sides want to send");
}

static enum exit_status refuse_bad(struct transfer *transfer, const struct offer *offer)
{
    (void)offer;
    report("the other side does not speak the language of text transfer");
    return refuse(transfer, "message not understood");
}

/* Nothing more is to be said to a peer that has left. */
static enum exit_status leave(struct transfer *transfer)
{
    enum exit_status status = conversation_close(&transfer->conversation, NULL);

    return status == EXIT_DONE ? EXIT_FAILED : status;
}

static enum exit_status sender_gave_up(struct transfer *transfer, const struct offer *offer)
{
    report("the other side gave up sending: %s", offer->text);
    return leave(transfer);
}

static enum exit_status receiver_refused(struct transfer *transfer, const struct offer *offer)
{
    report("the other side refuses the text: %s", offer->text);
    return leave(transfer);
}

static enum exit_status confirmed(struct transfer *transfer, const struct offer *offer)
{
    (void)offer;
    report_hint("The other side has the text.");
    return conversation_close(&transfer->conversation, NULL);
}

/* NULL: ignored. A "transit" comes before the offer of a file, which says more. */
static const transfer_handler receiver_handlers[OFFER_KINDS] = {
    [OFFER_BAD] = refuse_bad,
    [OFFER_TEXT] = take_text,
    [OFFER_FILE] = refuse_file,
    [OFFER_ERROR] = sender_gave_up,
};
static const transfer_handler sender_handlers[OFFER_KINDS] = {
    [OFFER_BAD] = refuse_bad, [OFFER_TEXT] = refuse_offer,      [OFFER_FILE] = refuse_offer,
    [OFFER_ACK] = confirmed,  [OFFER_ERROR] = receiver_refused,
};

/* ---- the transfer ---- */

static enum exit_status next_offer(struct transfer *transfer, struct offer *ret_offer)
{
    struct wormclient_value *message;
    const void *data;
    enum exit_status status = conversation_next(&transfer->conversation, &message);
    size_t length = 0;
    bool read;

    if (status != EXIT_DONE)
        return status;
    data = wormclient_value_data(message, "data", &length);
    read = offer_read(data, length, ret_offer);
    wormclient_result_free(message);
    return read ? EXIT_DONE : report_memory();
}

static enum exit_status run(struct transfer *transfer, const transfer_handler *handlers)
{
    enum exit_status status;
    bool over = false;

    do {
        struct offer offer = {.kind = OFFER_OTHER};

        status = next_offer(transfer, &offer);
        if (status == EXIT_DONE) {
            over = handlers[offer.kind] != NULL;
            status = over ? handlers[offer.kind](transfer, &offer)
                          : conversation_skip(&transfer->conversation);
        }
        offer_clear(&offer);
    } while (status == EXIT_DONE && !over);
    return status;
}

enum exit_status transfer_confirm(struct transfer *transfer)
{
    return run(transfer, sender_handlers);
}

enum exit_status transfer_receive(struct transfer *transfer)
{
    return run(transfer, receiver_handlers);
}
