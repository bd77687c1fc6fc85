#include "config.h"

#include <string.h>

#include "cli/conversation.h"
#include "cli/message.h"
#include "cli/report.h"

static const char *id_of(const struct conversation *conversation)
{
    return wormclient_session_id(conversation->session);
}

enum exit_status conversation_next(struct conversation *conversation,
                                   struct wormclient_value **ret_message)
{
    struct wormclient_error error = {0};
    struct wormclient_value *message;
    enum exit_status status;

    status = await_session(conversation->client, id_of(conversation), progress_message, -1,
                           &conversation->reported, NULL);
    if (status != EXIT_DONE)
        return status;
    message = message_ask(conversation->client, id_of(conversation), 0, &error);
    if (message == NULL)
        return report_error_about(&error, report_label(conversation->session));
    if (message_number(message) < 0) {
        wormclient_result_free(message);
        report("the messages of session %s were taken by somebody else",
               report_label(conversation->session));
        return EXIT_FAILED;
    }
    conversation->number = (uint32_t)message_number(message);
    *ret_message = message;
    return EXIT_DONE;
}

static bool acknowledge(const struct conversation *conversation, struct wormclient_error *ret_error)
{
    struct wormclient_session *view =
        wormclient_ack(conversation->client, id_of(conversation), conversation->number, ret_error);

    wormclient_session_free(view);
    return view != NULL;
}

enum exit_status conversation_skip(const struct conversation *conversation)
{
    struct wormclient_error error = {0};

    return acknowledge(conversation, &error) ? EXIT_DONE : report_error(&error);
}

static bool settle(const struct conversation *conversation, const char *reply,
                   struct wormclient_error *ret_error)
{
    struct wormclient_session *view;

    if (!acknowledge(conversation, ret_error))
        return false;
    if (reply != NULL && !wormclient_send(conversation->client, id_of(conversation), reply,
                                          strlen(reply), NULL, ret_error))
        return false;
    view = wormclient_close(conversation->client, id_of(conversation), ret_error);
    wormclient_session_free(view);
    return view != NULL;
}

enum exit_status conversation_close(const struct conversation *conversation, const char *reply)
{
    struct wormclient_error error = {0};

    return settle(conversation, reply, &error) ? EXIT_DONE : report_error(&error);
}

enum exit_status conversation_await_sent(struct conversation *conversation)
{
    return await_session(conversation->client, id_of(conversation), progress_sent, -1,
                         &conversation->reported, NULL);
}
