/* Messages of one session, waited for and dealt with one after the other. */
#ifndef CLI_CONVERSATION_H
#define CLI_CONVERSATION_H

#include <stdint.h>

#include "cli/await.h"

struct conversation {
    struct wormclient *client;
    const struct wormclient_session *session; /* as it began */
    struct wait_reported reported;
    uint32_t number; /* of the message that conversation_next() gave */
};

/* Waits for the next message. *ret_message is as of message_ask(), with a number. */
enum exit_status conversation_next(struct conversation *conversation,
                                   struct wormclient_value **ret_message);

/* The message is of no interest: acknowledges it. */
enum exit_status conversation_skip(const struct conversation *conversation);

/* Acknowledges the message, queues a reply (NULL: none) and closes the session: all of it durable
 * in the daemon, which does the rest. */
enum exit_status conversation_close(const struct conversation *conversation, const char *reply);

/* Then waits until the relay has all that was sent. */
enum exit_status conversation_await_sent(struct conversation *conversation);

#endif
