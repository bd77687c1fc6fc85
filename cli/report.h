/* What goes to standard error ("wormctl: what happened", and a hint what to do; with --json as
 * cli/report_json.h says), and the exit status. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/terminal.h"
#include "libclient/wormclient.h"

/* wormctl(1) promises these numbers to scripts. */
enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOTHING = 3,       /* nothing there, or the time ran out */
    EXIT_SESSION = 4,       /* the session failed: lonely, scary, errory, crowded */
    EXIT_NO_DAEMON = 5,     /* nothing listens on the socket */
    EXIT_INTERRUPTED = 130, /* Ctrl-C: 128 + SIGINT, as in shells */
};

/* Writes "wormctl: ..." and a newline. Control characters, newlines too, are shown as escapes. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Likewise, of what is no error: the command goes on. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes text from elsewhere, possibly of several lines, each after `prefix`: as report(), or, if
 * it is no error, as report_note(). */
void report_lines(bool note, const char *prefix, const char *text);

/* An explanation for a person, as printf with a newline, but only if standard error is a terminal.
 */
void report_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Shows one line at the bottom of the terminal, cut to fit, in place of the one before; NULL takes
 * it away, and so does all else that is reported here. Nothing unless standard error is a terminal.
 */
void report_progress(const char *text);

/* A usage error in `command` (NULL: there is no command yet): reports it as "COMMAND: ...", then
 * calls report_try_help. Returns EXIT_USAGE. */
enum exit_status report_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Points to the help on `command` (NULL: the general help). Returns EXIT_USAGE. */
enum exit_status report_try_help(const char *command);

/* The options that the command takes (OPTION_BIT): what the daemon calls a parameter is one of
 * them, or else an argument. */
void report_set_options(uint64_t set);

/* An error of the library or the daemon, with a hint what to do. Returns the exit status for it. */
enum exit_status report_error(const struct wormclient_error *error);

/* Likewise, and the hint names the session as the user did. */
enum exit_status report_error_about(const struct wormclient_error *error, const char *session);

/* Returns EXIT_FAILED. */
enum exit_status report_memory(void);

/* Reports that and why a session ended. Returns EXIT_SESSION if it failed, else EXIT_NOTHING. */
enum exit_status report_ended(const struct wormclient_session *session);

/* Reports that a session that lives sends nothing more (`copied`). Returns EXIT_SESSION. */
enum exit_status report_copied(const struct wormclient_session *session);

/* True if the view has this text under the key. */
bool report_is(const struct wormclient_value *view, const char *key, const char *text);

/* True if the session ended with a result other than `happy`. */
bool report_is_failure(const struct wormclient_session *session);

/* True if the session is over, whatever came of it, or lives elsewhere. */
bool report_has_ended(const struct wormclient_session *session);

/* The colour of its state. */
enum terminal_colour report_colour(const struct wormclient_session *session);

/* What a person calls the session: its petname, else its id. Borrowed. */
const char *report_label(const struct wormclient_session *session);

/* From now on Ctrl-C (SIGINT) writes "wormctl: ..." to standard error and exits with
 * EXIT_INTERRUPTED. The text is formatted now, as by printf, with control characters escaped. */
void report_on_interrupt(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
