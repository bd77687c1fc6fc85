/* How every new session begins, be it for invite, accept, exchange or text. */
#ifndef CLI_NEW_SESSION_H
#define CLI_NEW_SESSION_H

#include "cli/options.h"
#include "cli/wait.h"

/* Options of every new session besides those of its group: what becomes of them depends on others.
 */
#define NEW_SESSION_OPTIONS (OPTION_BIT(OPTION_RELAY) | OPTION_BIT(OPTION_CODE))
/* The code of a transfer may be that of stock clients' mode "-0". */
#define NEW_SESSION_ZERO OPTION_BIT(OPTION_ZERO)

/* A code that a person gave, in any of the ways in which a person may give it. */
struct given_code {
    char *text;  /* secret */
    char *relay; /* of a URI (cli/uri.h); NULL if it is none */
    char *appid; /* likewise; NULL if it names none */
    bool uri;
    bool send; /* of a URI: who made it waits for us to send */
};

/*
 * Takes the peer's code from the first argument, from --code or from -0; with "-" or none, from
 * standard input, which on a terminal asks for it (cli/prompt.h). It may be a URI, which must be
 * for the application `appid` (NULL: of --appid, if that is given). *ret_code is new;
 * new_session_code_clear().
 */
enum exit_status new_session_code_read(struct wormclient *client, const struct cli_options *options,
                                       const char *appid, struct given_code *ret_code);

/* The relays that the options name, from the one with this index on, with blanks between. New; NULL
 * when out of memory. */
char *new_session_join_relays(const struct cli_options *options, unsigned from);

/* Wipes and frees. */
void new_session_code_clear(struct given_code *code);

/* A usage error in `command` if more than one code is given: by argument, --code and -0. */
enum exit_status new_session_check_code(const char *command, const struct cli_options *options);

/* Likewise, that --words is not given with one. */
enum exit_status new_session_check_words(const char *command, const struct cli_options *options);

/* What a session is for. */
enum new_session_use {
    NEW_SESSION_LASTS = 0,
    NEW_SESSION_ONCE,  /* the command waits until all is done: --timeout limits that as well, unless
                          --expire does */
    NEW_SESSION_OFFER, /* likewise; it offers a text, and the daemon takes the answer */
};

/*
 * Asks the daemon for a new session as the options say: with a code of ours if `code` is NULL,
 * otherwise with the peer's. `appid` (NULL: what the options or the code say) is the application.
 * From then on Ctrl-C reports that the session lives on. *ret_session is new;
 * wormclient_session_free().
 */
enum exit_status new_session_begin(struct wormclient *client, const struct cli_options *options,
                                   const char *appid, const struct given_code *code,
                                   enum new_session_use use,
                                   struct wormclient_session **ret_session);

/* Waits until the session's code exists. *ret_session is new; wormclient_session_free(). */
enum exit_status new_session_await_code(struct wormclient *client, const char *session,
                                        struct wait_reported *reported,
                                        struct wormclient_session **ret_session);

/* Waits likewise, and prints the code (or what output_session() prints), and with --qr its QR code,
 * flushed. *ret_session is new; wormclient_session_free(). */
enum exit_status new_session_print_code(struct wormclient *client,
                                        const struct cli_options *options, const char *session,
                                        struct wait_reported *reported,
                                        struct wormclient_session **ret_session);

/* Prints which session it is that began without a code to print: its id, unless it has a name that
 * the user knows (or what output_session() prints), flushed. */
enum exit_status new_session_print(const struct cli_options *options,
                                   const struct wormclient_session *session);

#endif
