/* Messages of one session, waited for and dealt with one after the other. */
#ifndef CLI_MAIL_H
#define CLI_MAIL_H

#include <stdint.h>

#include "cli/await.h"

struct mail {
    struct wormclient *client;
    const struct wormclient_session *session; /* as it began */
    struct await_told told;
    uint32_t number; /* of the message that mail_next() gave */
};

/* Waits for the next message. *ret_message is as of message_ask(), with a number. */
enum exit_status mail_next(struct mail *mail, struct wormclient_value **ret_message);

/* The message is of no interest: acknowledges it. */
enum exit_status mail_skip(const struct mail *mail);

/* Acknowledges the message, queues a reply (NULL: none) and closes the session: all of it durable
 * in the daemon, which does the rest. */
enum exit_status mail_close(const struct mail *mail, const char *reply);

/* Then waits until the relay has all that was sent. */
enum exit_status mail_await_sent(struct mail *mail);

#endif
