/* How every new session begins, be it for invite, accept, exchange or text. */
#ifndef CLI_NEW_SESSION_H
#define CLI_NEW_SESSION_H

#include "cli/options.h"
#include "cli/wait.h"

/* Options of every new session, and of those that are not limited to one message. */
#define NEW_SESSION_OPTIONS                                                                        \
    (OPTION_BIT(OPTION_NAME) | OPTION_BIT(OPTION_RELAY) | OPTION_BIT(OPTION_SCHEDULE) |            \
     OPTION_BIT(OPTION_TIMEOUT) | OPTION_BIT(OPTION_VERIFY) | OPTION_BIT(OPTION_CODE))
#define NEW_SESSION_INBOX_OPTIONS                                                                  \
    (OPTION_BIT(OPTION_APPID) | OPTION_BIT(OPTION_APP_VERSIONS) |                                  \
     OPTION_BIT(OPTION_INBOX_MESSAGES) | OPTION_BIT(OPTION_INBOX_BYTES))

/* The code that the peer's user gave, in any of the ways in which a person may give it. */
struct peer_code {
    char *text;  /* secret */
    char *relay; /* the relay that it names; NULL if it names none */
};

/*
 * Takes the code from the first argument, or from --code; with "-" or none, from standard input,
 * which on a terminal asks for it (cli/prompt.h; `appid` as there). It may be a wormhole-transfer:
 * URI. *ret_code is new; new_session_code_clear().
 */
enum exit_status new_session_code_read(struct wormclient *client, const struct cli_options *options,
                                       const char *appid, struct peer_code *ret_code);

/* Wipes and frees. */
void new_session_code_clear(struct peer_code *code);

/* A usage error in `command` if there is a code both in the arguments and after --code. */
enum exit_status new_session_check_code(const char *command, const struct cli_options *options);

/* A usage error in `command` if a QR code would go among lines for programs. */
enum exit_status new_session_check_qr(const char *command, const struct cli_options *options);

/*
 * Asks the daemon for a new session as the options say: with a code of ours if `code` is NULL,
 * otherwise with the peer's. `appid` (NULL: what the options say) is the application. From then on
 * Ctrl-C reports that the session lives on. *ret_session is new; wormclient_session_free().
 */
enum exit_status new_session_begin(struct wormclient *client, const struct cli_options *options,
                                   const char *appid, const struct peer_code *code,
                                   struct wormclient_session **ret_session);

/* Waits until the session's code exists. *ret_session is new; wormclient_session_free(). */
enum exit_status new_session_await_code(struct wormclient *client, const char *session,
                                        struct wait_reported *reported,
                                        struct wormclient_session **ret_session);

/* Waits likewise, and prints the code (or what output_session() prints), and with --qr its QR code,
 * flushed. */
enum exit_status new_session_print_code(struct wormclient *client,
                                        const struct cli_options *options, const char *session,
                                        struct wait_reported *reported);

/* Prints which session it is that began without a code to print: its id, unless it has a name that
 * the user knows (or what output_session() prints), flushed. */
enum exit_status new_session_print(const struct cli_options *options,
                                   const struct wormclient_session *session);

#endif
