/* How every new session begins, be it for invite, accept, exchange or text. */
#ifndef CLI_NEW_SESSION_H
#define CLI_NEW_SESSION_H

#include "cli/await.h"
#include "cli/code.h"
#include "cli/options.h"

/*
 * Asks the daemon for a new session with a code of ours, as the options say; `appid` (NULL: what
 * the options say) is the application. From then on Ctrl-C says that the session lives on.
 * *ret_session is new; wormclient_session_free().
 */
enum exit_status new_session_invite(struct wormclient *client, const struct cli_options *options,
                                    const char *appid, struct wormclient_session **ret_session);

/* Likewise with the code of the other side. */
enum exit_status new_session_accept(struct wormclient *client, const struct cli_options *options,
                                    const char *appid, const struct code *code,
                                    struct wormclient_session **ret_session);

/* Waits until the session's code exists. *ret_session is new; wormclient_session_free(). */
enum exit_status new_session_await_code(struct wormclient *client, const char *session,
                                        struct wait_reported *reported,
                                        struct wormclient_session **ret_session);

/* A usage error in `command` if a picture is to go among lines for programs. */
enum exit_status new_session_check_qr(const char *command, const struct cli_options *options);

/* Waits likewise, and prints the code (or what result_session() prints), and with --qr its picture,
 * flushed. */
enum exit_status new_session_print_code(struct wormclient *client,
                                        const struct cli_options *options, const char *session,
                                        struct wait_reported *reported);

/* Prints which session it is that began without a code to print: its id, unless it has a name that
 * the user knows (or what result_session() prints), flushed. */
enum exit_status new_session_print(const struct cli_options *options,
                                   const struct wormclient_session *session);

#endif
