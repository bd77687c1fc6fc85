/* Messages of a session: printing one, and a conversation of one after the other. */
#ifndef CLI_MESSAGES_H
#define CLI_MESSAGES_H

#include <stdint.h>

#include "cli/options.h"
#include "cli/wait.h"

/* Prints the message's bytes exactly (on a terminal a newline may follow), or what output_object()
 * prints; then output_sync(). */
enum exit_status messages_print(const struct cli_options *options,
                                const struct wormclient_message *message);

/* A session of which a command takes the messages one by one. */
struct conversation {
    struct wormclient *client;
    const struct cli_options *options;
    struct wormclient_session *session; /* as it began */
    struct wait_reported reported;
    uint32_t number; /* of the message that conversation_next() returned */
};

/* The id of the session. Borrowed. */
const char *conversation_id(const struct conversation *conversation);

/* If the user asked to compare verifiers (--verify), that comes first: returns EXIT_DONE once
 * messages may flow. */
enum exit_status conversation_verify(struct conversation *conversation);

/* Queues what is sent first, before anybody knows the code; if that fails the session, which is of
 * no use without it, is forgotten. */
enum exit_status conversation_begin(const struct conversation *conversation, const void *data,
                                    size_t length);

/* Waits for the next message. *ret_message is new; wormclient_message_free(). */
enum exit_status conversation_next(struct conversation *conversation,
                                   struct wormclient_message **ret_message);

/* Acknowledges a message that is of no interest. */
enum exit_status conversation_skip(const struct conversation *conversation);

/* Acknowledges the message, queues a reply (NULL: none) and closes the session: all of it durable
 * in the daemon, which does the rest. */
enum exit_status conversation_close(const struct conversation *conversation, const char *reply);

/* Then waits until the relay has all that was sent. */
enum exit_status conversation_await_sent(struct conversation *conversation);

#endif
