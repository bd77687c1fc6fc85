/* export and import: a session moves to another daemon. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/new_session.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/report.h"

/* Longest text that is read: one holds a session without messages, of a few kilobytes. */
#define TEXT_MAX_BYTES ((size_t)1024 * 1024)

/* ---- export ---- */

enum exit_status export_check(const struct cli_options *options)
{
    if (isatty(STDOUT_FILENO) && !options->given[OPTION_TERMINAL]) {
        report("the text is a secret, and no secret should stay on a terminal: write it to a file "
               "(umask 077; wormctl export SESSION >FILE), or use --force");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

/* Pipes and terminals cannot be synced: what they took is gone from here. */
static bool sync_output(void)
{
    return fsync(STDOUT_FILENO) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;
}

/* On the disk, if it goes to one. */
static enum exit_status write_safely(const char *text)
{
    enum exit_status status = output_line(text);

    if (status != EXIT_DONE)
        return status;
    if (!sync_output()) {
        report("cannot write to standard output: %s", strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static enum exit_status finish(struct wormclient *client, const struct cli_options *options)
{
    const char *session = options->arguments[0];
    struct wormclient_error error = {0};

    if (options->given[OPTION_KEEP]) {
        report_hint("When the text has arrived: wormctl forget --force %s", session);
        return EXIT_DONE;
    }
    return wormclient_export_done(client, session, &error) ? EXIT_DONE
                                                           : report_error_about(&error, session);
}

enum exit_status export_run(struct wormclient *client, const struct cli_options *options)
{
    const char *session = options->arguments[0];
    struct wormclient_error error = {0};
    char *text = wormclient_export(client, session, &error);
    enum exit_status status;

    if (text == NULL)
        return report_error_about(&error, session);
    status = write_safely(text);
    wormclient_secret_free(text);
    if (status == EXIT_DONE)
        return finish(client, options);
    report("the session rests in this daemon, and the text is printed again by: wormctl export %s",
           session);
    return status;
}

/* ---- import ---- */

static enum exit_status import(struct wormclient *client, const struct cli_options *options,
                               const char *text)
{
    struct wormclient_error error = {0};
    struct wormclient_session *session =
        wormclient_import(client, text, options->text[OPTION_NAME], &error);
    enum exit_status status;

    if (session == NULL)
        return report_error(&error);
    status = new_session_print(options, session);
    report_hint("The session goes on here. How it goes: wormctl show %s", report_label(session));
    wormclient_session_free(session);
    return status;
}

enum exit_status import_run(struct wormclient *client, const struct cli_options *options)
{
    const char *path = options->count > 0 ? options->arguments[0] : NULL;
    size_t length;
    char *text;
    enum exit_status status = input_file(path, TEXT_MAX_BYTES, &text, &length);

    if (status != EXIT_DONE)
        return status;
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
        text[--length] = '\0';
    status = import(client, options, text);
    explicit_bzero(text, length);
    free(text);
    return status;
}
