/* exchange: our data for theirs, as the original library's blocking programs did. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/begin.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/mail.h"
#include "cli/message.h"
#include "cli/report.h"
#include "cli/result.h"
#include "cli/verifier.h"

/* What we give. */
struct gift {
    char *data;
    size_t length;
};

enum exit_status exchange_check(const struct options *options)
{
    if (!options->given[OPTION_DATA])
        return report_usage("exchange", "exchange wants --data DATA, or --data - to read it");
    return code_check_options("exchange", options);
}

/* It may be as secret as the code. gift->data is new; free(). */
static enum exit_status read_gift(const struct options *options, struct gift *ret_gift)
{
    char *argument = options->text[OPTION_DATA];

    if (strcmp(argument, "-") == 0)
        return input_all(WORMCLIENT_MESSAGE_MAX, &ret_gift->data, &ret_gift->length);
    ret_gift->data = input_take_argument(argument);
    if (ret_gift->data == NULL)
        return report_memory();
    ret_gift->length = strlen(ret_gift->data);
    return EXIT_DONE;
}

/* ---- the two sides ---- */

/* The one who has to tell the code: standard output is for the data, so it goes to the other; but
 * lines of JSON can be told apart. */
static enum exit_status tell_code(struct mail *mail, const struct options *options)
{
    const char *id = wormclient_session_id(mail->session);
    struct wormclient_session *view;
    enum exit_status status = begin_await_code(mail->client, id, &mail->told, &view);

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
static enum exit_status give(const struct mail *mail, const struct gift *gift)
{
    struct wormclient_error error = {0};
    const char *id = wormclient_session_id(mail->session);
    enum exit_status status;

    if (wormclient_send(mail->client, id, gift->data, gift->length, NULL, &error)) {
        interrupt_say("interrupted; the daemon goes on, and gets what comes: "
                      "wormctl recv --wait %s",
                      report_label(mail->session));
        return EXIT_DONE;
    }
    status = report_error(&error);
    wormclient_forget(mail->client, id, true, NULL); /* of no use without its data */
    return status;
}

static enum exit_status take(struct mail *mail, const struct options *options)
{
    struct wormclient_value *message;
    enum exit_status status = mail_next(mail, &message);

    if (status != EXIT_DONE)
        return status;
    status = message_print(options, message);
    wormclient_result_free(message);
    if (status != EXIT_DONE) {
        report("the data is still there: wormctl recv %s", report_label(mail->session));
        return status;
    }
    status = mail_close(mail, NULL);
    return status == EXIT_DONE ? mail_await_sent(mail) : status;
}

static enum exit_status converse(struct mail *mail, const struct options *options,
                                 const struct gift *gift, bool tell)
{
    enum exit_status status = give(mail, gift);

    if (status == EXIT_DONE && tell)
        status = tell_code(mail, options);
    if (status == EXIT_DONE && options->given[OPTION_VERIFY])
        status = verifier_agree(mail->client, mail->session, &mail->told);
    return status == EXIT_DONE ? take(mail, options) : status;
}

static enum exit_status exchange(struct wormclient *client, const struct options *options,
                                 const struct code *code, const struct gift *gift)
{
    struct mail mail = {.client = client};
    struct wormclient_session *session;
    enum exit_status status = code->text != NULL
                                  ? begin_accept(client, options, NULL, code, &session)
                                  : begin_invite(client, options, NULL, &session);

    if (status != EXIT_DONE)
        return status;
    mail.session = session;
    status = converse(&mail, options, gift, code->text == NULL);
    wormclient_session_free(session);
    return status;
}

/* The code first: if both come from standard input, it is the first line. */
enum exit_status exchange_run(struct wormclient *client, const struct options *options)
{
    struct gift gift = {0};
    struct code code = {0};
    enum exit_status status = EXIT_DONE;

    if (options->count > 0)
        status = code_read(client, options, NULL, &code);
    if (status == EXIT_DONE)
        status = read_gift(options, &gift);
    if (status == EXIT_DONE)
        status = exchange(client, options, &code, &gift);
    code_clear(&code);
    free(gift.data);
    return status;
}
