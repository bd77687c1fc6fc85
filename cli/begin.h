/* How every new session begins, be it for invite, accept or text. */
#ifndef CLI_BEGIN_H
#define CLI_BEGIN_H

#include "cli/await.h"
#include "cli/options.h"

/*
 * Asks the daemon for a new session with a code of ours, as the options say; `appid` (NULL: what
 * the options say) is the application. From then on Ctrl-C says that the session lives on.
 * *ret_session is new; wormclient_session_free().
 */
enum exit_status begin_invite(struct wormclient *client, const struct options *options,
                              const char *appid, struct wormclient_session **ret_session);

/* Likewise with the code of the other side: `code` is as in input_code(). */
enum exit_status begin_accept(struct wormclient *client, const struct options *options,
                              const char *appid, char *code,
                              struct wormclient_session **ret_session);

/* Waits until the session's code exists, and prints it (with --json: the view), flushed. */
enum exit_status begin_print_code(struct wormclient *client, const struct options *options,
                                  const char *session, struct await_told *told);

#endif
