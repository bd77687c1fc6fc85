#include "config.h"

#include <string.h>

#include "cli/mail.h"
#include "cli/message.h"
#include "cli/report.h"

static const char *id_of(const struct mail *mail)
{
    return wormclient_session_id(mail->session);
}

enum exit_status mail_next(struct mail *mail, struct wormclient_value **ret_message)
{
    struct wormclient_error error = {0};
    struct wormclient_value *message;
    enum exit_status status;

    status = await_session(mail->client, id_of(mail), progress_message, -1, &mail->told, NULL);
    if (status != EXIT_DONE)
        return status;
    message = message_ask(mail->client, id_of(mail), 0, &error);
    if (message == NULL)
        return report_error_about(&error, report_label(mail->session));
    if (message_number(message) < 0) {
        wormclient_result_free(message);
        report("the messages of session %s were taken by somebody else",
               report_label(mail->session));
        return EXIT_FAILED;
    }
    mail->number = (uint32_t)message_number(message);
    *ret_message = message;
    return EXIT_DONE;
}

static bool acknowledge(const struct mail *mail, struct wormclient_error *ret_error)
{
    struct wormclient_session *view =
        wormclient_ack(mail->client, id_of(mail), mail->number, ret_error);

    wormclient_session_free(view);
    return view != NULL;
}

enum exit_status mail_skip(const struct mail *mail)
{
    struct wormclient_error error = {0};

    return acknowledge(mail, &error) ? EXIT_DONE : report_error(&error);
}

static bool settle(const struct mail *mail, const char *reply, struct wormclient_error *ret_error)
{
    struct wormclient_session *view;

    if (!acknowledge(mail, ret_error))
        return false;
    if (reply != NULL &&
        !wormclient_send(mail->client, id_of(mail), reply, strlen(reply), NULL, ret_error))
        return false;
    view = wormclient_close(mail->client, id_of(mail), ret_error);
    wormclient_session_free(view);
    return view != NULL;
}

enum exit_status mail_close(const struct mail *mail, const char *reply)
{
    struct wormclient_error error = {0};

    return settle(mail, reply, &error) ? EXIT_DONE : report_error(&error);
}

enum exit_status mail_await_sent(struct mail *mail)
{
    return await_session(mail->client, id_of(mail), progress_sent, -1, &mail->told, NULL);
}
