#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/escape.h"
#include "cli/exchange.h"
#include "cli/interrupt.h"
#include "cli/offer.h"
#include "cli/output.h"
#include "cli/report.h"

/* Reacts to a message that ends the exchange; returns the exit status. */
typedef enum exit_status (*reaction)(struct exchange *exchange, const struct offer *offer);

static const char *id_of(const struct exchange *exchange)
{
    return wormclient_session_id(exchange->session);
}

static bool acknowledge(const struct exchange *exchange, struct wormclient_error *ret_error)
{
    struct wormclient_session *view =
        wormclient_ack(exchange->client, id_of(exchange), exchange->number, ret_error);

    wormclient_session_free(view);
    return view != NULL;
}

/* Acknowledges the message, queues the reply (NULL: none), closes: all of it durable in the daemon.
 */
static bool settle(const struct exchange *exchange, const char *reply,
                   struct wormclient_error *ret_error)
{
    struct wormclient_session *view;

    if (!acknowledge(exchange, ret_error))
        return false;
    if (reply != NULL &&
        !wormclient_send(exchange->client, id_of(exchange), reply, strlen(reply), NULL, ret_error))
        return false;
    view = wormclient_close(exchange->client, id_of(exchange), ret_error);
    wormclient_session_free(view);
    return view != NULL;
}

/* Ends the exchange with nothing more to say. */
static enum exit_status finish(struct exchange *exchange)
{
    struct wormclient_error error = {0};

    return settle(exchange, NULL, &error) ? EXIT_DONE : report_error(&error);
}

/* Ends it with a reply, which is freed, and waits until the relay has that. */
static enum exit_status finish_with(struct exchange *exchange, char *reply)
{
    struct wormclient_error error = {0};
    bool settled;

    if (reply == NULL)
        return report_memory();
    settled = settle(exchange, reply, &error);
    free(reply);
    if (!settled)
        return report_error(&error);
    interrupt_say("interrupted; the daemon goes on, and delivers the answer");
    return await_session(exchange->client, id_of(exchange), progress_sent, -1, &exchange->told,
                         NULL);
}

/* ---- reactions ---- */

static enum exit_status print_text(const struct exchange *exchange, const struct offer *offer)
{
    enum exit_status status;
    char *line = NULL;

    if (exchange->options->given[OPTION_JSON]) {
        line = offer_report(offer, id_of(exchange));
    } else if (isatty(STDOUT_FILENO)) {
        line = escape_text(offer->text, offer->length, true);
    } else {
        fwrite(offer->text, 1, offer->length, stdout);
        return output_line("");
    }
    status = line != NULL ? output_line(line) : report_memory();
    free(line);
    return status;
}

static enum exit_status take_text(struct exchange *exchange, const struct offer *offer)
{
    enum exit_status status = print_text(exchange, offer);

    if (status != EXIT_DONE) {
        report("the text is still there: wormctl recv %s", report_label(exchange->session));
        return status;
    }
    return finish_with(exchange, offer_make_ack());
}

static enum exit_status refuse(struct exchange *exchange, const char *reply)
{
    enum exit_status status = finish_with(exchange, offer_make_error(reply));

    return status == EXIT_DONE ? EXIT_FAILED : status;
}

static enum exit_status refuse_file(struct exchange *exchange, const struct offer *offer)
{
    (void)offer;
    report("the other side offers a file or a directory; this command takes texts only");
    report("receive files with: wormhole receive");
    return refuse(exchange, "the receiver takes texts only, no files");
}

static enum exit_status refuse_offer(struct exchange *exchange, const struct offer *offer)
{
    (void)offer;
    report("the other side wants to send something too; one of the two has to receive");
    return refuse(exchange, "both sides want to send");
}

static enum exit_status refuse_bad(struct exchange *exchange, const struct offer *offer)
{
    (void)offer;
    report("the other side does not speak the language of text transfer");
    return refuse(exchange, "message not understood");
}

static enum exit_status peer_gave_up(struct exchange *exchange, const struct offer *offer)
{
    enum exit_status status;

    report("the other side gave up: %s", offer->text);
    status = finish(exchange);
    return status == EXIT_DONE ? EXIT_FAILED : status;
}

static enum exit_status confirmed(struct exchange *exchange, const struct offer *offer)
{
    (void)offer;
    report_hint("The other side has the text.");
    return finish(exchange);
}

/* NULL: ignored. */
static const reaction receiver_reactions[OFFER_KINDS] = {
    [OFFER_BAD] = refuse_bad,      [OFFER_TEXT] = take_text,     [OFFER_FILE] = refuse_file,
    [OFFER_TRANSIT] = refuse_file, [OFFER_ERROR] = peer_gave_up,
};
static const reaction sender_reactions[OFFER_KINDS] = {
    [OFFER_BAD] = refuse_bad, [OFFER_TEXT] = refuse_offer,  [OFFER_FILE] = refuse_offer,
    [OFFER_ACK] = confirmed,  [OFFER_ERROR] = peer_gave_up,
};

/* ---- the exchange ---- */

/* Waits for the next message. */
static enum exit_status next_message(struct exchange *exchange, struct offer *ret_offer)
{
    struct wormclient_error error = {0};
    enum exit_status status;
    void *data = NULL;
    size_t length;
    bool read;

    status = await_session(exchange->client, id_of(exchange), progress_message, -1, &exchange->told,
                           NULL);
    if (status != EXIT_DONE)
        return status;
    if (!wormclient_recv(exchange->client, id_of(exchange), 0, &exchange->number, &data, &length,
                         &error))
        return report_error(&error);
    if (data == NULL) {
        report("the messages of session %s were taken by somebody else",
               report_label(exchange->session));
        return EXIT_FAILED;
    }
    read = offer_read(data, length, ret_offer);
    free(data);
    return read ? EXIT_DONE : report_memory();
}

static enum exit_status skip_message(const struct exchange *exchange)
{
    struct wormclient_error error = {0};

    return acknowledge(exchange, &error) ? EXIT_DONE : report_error(&error);
}

static enum exit_status run(struct exchange *exchange, const reaction *reactions)
{
    enum exit_status status;
    bool over = false;

    do {
        struct offer offer = {.kind = OFFER_OTHER};

        status = next_message(exchange, &offer);
        if (status == EXIT_DONE) {
            over = reactions[offer.kind] != NULL;
            status = over ? reactions[offer.kind](exchange, &offer) : skip_message(exchange);
        }
        offer_clear(&offer);
    } while (status == EXIT_DONE && !over);
    return status;
}

enum exit_status exchange_confirm(struct exchange *exchange)
{
    return run(exchange, sender_reactions);
}

enum exit_status exchange_receive(struct exchange *exchange)
{
    return run(exchange, receiver_reactions);
}
