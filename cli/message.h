/* A message of a session, as the daemon gives it out: how to ask for it, and how to print it. */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "cli/exit.h"
#include "cli/options.h"
#include "libclient/wormclient.h"

/* The first unacknowledged message whose number is at least `from`. New;
 * wormclient_result_free(). */
struct wormclient_value *message_ask(struct wormclient *client, const char *session, uint32_t from,
                                     struct wormclient_error *ret_error);

/* Its number, -1 if there is none yet. */
int64_t message_number(const struct wormclient_value *message);

/* Prints its bytes exactly (on a terminal a newline may follow), or what result_object() prints,
 * and flushes. */
enum exit_status message_print(const struct cli_options *options,
                               const struct wormclient_value *message);

#endif
