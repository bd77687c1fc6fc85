/* What goes to standard error: "wormctl: what happened", and what to do about it. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>

#include "cli/exit.h"
#include "libclient/wormclient.h"

/* Writes "wormctl: …" and a newline. Control characters, newlines too, are shown as escapes. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes text of others, perhaps of several lines, each behind `prefix`. */
void report_lines(const char *prefix, const char *text);

/* An explanation for a person: as printf with a newline, but only if standard error is a terminal.
 */
void report_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A usage error in `command` (NULL: none yet): says so, then report_try_help. Returns EXIT_USAGE.
 */
enum exit_status report_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says where help on `command` (NULL: on all) is. Returns EXIT_USAGE. */
enum exit_status report_try_help(const char *command);

/* An error of the library or the daemon, with a hint what to do. Returns the exit status for it. */
enum exit_status report_error(const struct wormclient_error *error);

/* Likewise, and the hint names the session as the user did. */
enum exit_status report_error_about(const struct wormclient_error *error, const char *session);

/* True if the daemon's own word for the error is `code`. */
bool report_is_code(const struct wormclient_error *error, const char *code);

/* Returns EXIT_FAILED. */
enum exit_status report_memory(void);

/* True if the session ended with another result than `happy`. */
bool report_is_failure(const struct wormclient_session *session);

/* Says that and why a session ended. Returns EXIT_SESSION if it failed, else EXIT_NOTHING. */
enum exit_status report_ended(const struct wormclient_session *session);

/* What a person calls the session: its petname, else its id. Borrowed. */
const char *report_label(const struct wormclient_session *session);

#endif
