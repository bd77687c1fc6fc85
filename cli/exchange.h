/* The exchange of one text over a session, with a stock client or with wormctl at the other end. */
#ifndef CLI_EXCHANGE_H
#define CLI_EXCHANGE_H

#include <stdint.h>

#include "cli/await.h"
#include "cli/options.h"

struct exchange {
    struct wormclient *client;
    const struct options *options;
    const struct wormclient_session *session; /* as it began */
    struct await_told told;
    uint32_t number; /* of the message that is reacted to */
};

/* After the offer was sent: waits until the other side has the text, and closes the session. */
enum exit_status exchange_confirm(struct exchange *exchange);

/* Waits for a text, prints it, and answers once it is written; closes the session. */
enum exit_status exchange_receive(struct exchange *exchange);

#endif
