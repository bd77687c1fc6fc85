/* The transfer of one text over a session, with a stock client or with wormctl at the other end. */
#ifndef CLI_TRANSFER_H
#define CLI_TRANSFER_H

#include "cli/conversation.h"
#include "cli/options.h"

struct transfer {
    struct conversation conversation;
    const struct cli_options *options;
};

/* After the offer was sent: waits until the other side has the text, and closes the session. */
enum exit_status transfer_confirm(struct transfer *transfer);

/* Waits for a text, prints it, and answers once it is written; closes the session. */
enum exit_status transfer_receive(struct transfer *transfer);

#endif
