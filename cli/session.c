/* rename, close, forget and poll; export and import, which move a session to another daemon. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wipe.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/input.h"
#include "cli/list.h"
#include "cli/new_session.h"
#include "cli/output.h"

/* Longest text that is imported: one holds a session without messages, of a few kilobytes. */
#define IMPORT_MAX_BYTES ((size_t)1024 * 1024)

/* Reports the view that a call returned (NULL: it failed), and frees it. */
static enum exit_status finish_call(const struct cli_options *options,
                                    struct wormclient_session *session,
                                    const struct wormclient_error *error)
{
    enum exit_status status = session != NULL ? output_session(options, session)
                                              : report_error_about(error, options->arguments[0]);

    wormclient_session_free(session);
    return status;
}

/* ---- rename, close, poll, forget ---- */

static enum exit_status run_rename(struct wormclient *client, const struct cli_options *options)
{
    const char *name = options->count > 1 ? options->arguments[1] : NULL;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;

    return finish_call(options, wormclient_rename(client, options->arguments[0], name, &error),
                       &error);
}

const struct cli_command rename_command = {
    .name = "rename",
    .usage = "SESSION [NAME]",
    .help = "give a session another name, or none",
    .fields = fields_view,
    .least = 1,
    .most = 2,
    .run = run_rename,
};

static enum exit_status run_close(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;

    return finish_call(options, wormclient_close(client, options->arguments[0], &error), &error);
}

const struct cli_command close_command = {
    .name = "close",
    .usage = "SESSION",
    .help = "end a session once everything queued has been sent",
    .fields = fields_view,
    .least = 1,
    .most = 1,
    .run = run_close,
};

static enum exit_status run_poll(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;

    return finish_call(options, wormclient_poll(client, options->arguments[0], &error), &error);
}

const struct cli_command poll_command = {
    .name = "poll",
    .usage = "SESSION",
    .help = "visit the relay now",
    .fields = fields_view,
    .least = 1,
    .most = 1,
    .run = run_poll,
};

static enum exit_status report_forgotten(const struct cli_options *options, const char *id)
{
    return output_object(options, json_pack("{s:s}", "session", id));
}

/* One of those that have ended. It may be gone by now. */
static enum exit_status forget_ended(struct wormclient *client, const struct cli_options *options,
                                     const struct wormclient_session *session)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    int64_t unread = wormclient_session_unread(session);

    if (!report_has_ended(session))
        return EXIT_DONE;
    if (unread > 0) {
        report_note("session %s is kept: it has %" PRId64 " unread message%s",
                    report_label(session), unread, unread == 1 ? "" : "s");
        return EXIT_DONE;
    }
    if (wormclient_forget(client, wormclient_session_id(session), false, &error))
        return report_forgotten(options, wormclient_session_id(session));
    return error.code == WORMCLIENT_ERROR_NOT_FOUND ? EXIT_DONE : report_error(&error);
}

static enum exit_status forget_all_ended(struct wormclient *client,
                                         const struct cli_options *options)
{
    struct list_pages pages = {.client = client};
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    const struct wormclient_list *page;
    enum exit_status status = EXIT_DONE;

    while (status == EXIT_DONE && (page = list_next_page(&pages, &error)) != NULL)
        for (size_t i = 0; i < wormclient_list_count(page) && status == EXIT_DONE; i++)
            status = forget_ended(client, options, wormclient_list_at(page, i));
    list_pages_clear(&pages);
    return status == EXIT_DONE && error.code != WORMCLIENT_ERROR_NONE ? report_error(&error)
                                                                      : status;
}

static enum exit_status check_forget(const struct cli_options *options)
{
    if (!options->given[OPTION_ENDED])
        return options->count == 1 ? EXIT_DONE
                                   : report_usage("forget", "missing argument: SESSION");
    if (options->count > 0)
        return report_usage("forget", "give either SESSION or --ended, not both");
    if (options->given[OPTION_FORCE])
        return report_usage("forget", "--force cannot be used with --ended");
    return EXIT_DONE;
}

static enum exit_status run_forget(struct wormclient *client, const struct cli_options *options)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session;
    enum exit_status status;
    const char *id;

    if (options->given[OPTION_ENDED])
        return forget_all_ended(client, options);
    session = wormclient_show(client, options->arguments[0], &error);
    if (session == NULL)
        return report_error_about(&error, options->arguments[0]);
    id = wormclient_session_id(session);
    if (wormclient_forget(client, id, options->given[OPTION_FORCE], &error))
        status = report_forgotten(options, id);
    else
        status = report_error_about(&error, options->arguments[0]);
    wormclient_session_free(session);
    return status;
}

const struct cli_command forget_command = {
    .name = "forget",
    .usage = "SESSION | --ended",
    .help = "remove an ended session and its unread messages",
    .details = "With --ended, sessions that still have unread messages are kept.",
    .options = OPTION_BIT(OPTION_FORCE) | OPTION_BIT(OPTION_ENDED),
    .fields = fields_session,
    .most = 1,
    .check = check_forget,
    .run = run_forget,
};

/* ---- export ---- */

/* The secret goes neither where somebody looks on, nor where others may read it. */
static enum exit_status check_export(const struct cli_options *options)
{
    struct stat file;

    if (options->given[OPTION_OUTPUT] && options->given[OPTION_TERMINAL])
        return report_usage("export", "give either -O or --force, not both");
    if (options->given[OPTION_OUTPUT] && strcmp(options->text[OPTION_OUTPUT], "-") == 0)
        return report_usage("export", "-O names a new file; without it, the text goes to standard "
                                      "output");
    if (options->given[OPTION_OUTPUT] || options->given[OPTION_TERMINAL])
        return EXIT_DONE;
    if (isatty(STDOUT_FILENO)) {
        report("export: the text is secret and should not be shown on a terminal; write it to a "
               "file (wormctl export -O FILE SESSION), or use --force");
        return EXIT_USAGE;
    }
    if (fstat(STDOUT_FILENO, &file) == 0 && S_ISREG(file.st_mode) &&
        (file.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        report("export: the text is secret, and other users may read the file; let wormctl make "
               "one (wormctl export -O FILE SESSION), or use --force");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

/* Where the text of an export goes. */
struct export_place {
    int fd;
    const char *path; /* NULL: it is standard output */
};

static enum exit_status report_not_written(const struct export_place *place)
{
    report("cannot write to %s: %s", place->path != NULL ? place->path : "standard output",
           strerror(errno));
    return EXIT_FAILED;
}

/* What exists, a terminal among it, is not written to. */
static enum exit_status open_place(const struct cli_options *options,
                                   struct export_place *ret_place)
{
    struct export_place place = {STDOUT_FILENO, options->text[OPTION_OUTPUT]};
    if (place.path != NULL)
        place.fd = open(place.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (place.fd < 0 && errno == EEXIST) {
        report("%s exists, and is not overwritten; remove it, or choose another name", place.path);
        return EXIT_FAILED;
    }
    if (place.fd < 0)
        return report_not_written(&place);
    *ret_place = place;
    return EXIT_DONE;
}

/* Pipes and terminals cannot be synced. */
static bool sync_place(int fd)
{
    int failed;

    do
        failed = fsync(fd);
    while (failed != 0 && errno == EINTR);
    return failed == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;
}

/* True if the disk has the name of the file as well. */
static bool sync_directory(const char *path)
{
    char *copy = strdup(path);
    int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool done = fd >= 0 && sync_place(fd);

    if (fd >= 0)
        close(fd);
    free(copy);
    return done;
}

static bool write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, text, length);

        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        }
    }
    return true;
}

/* Writes a line, and if it goes to a disk, waits until it is there. */
static enum exit_status write_durably(const struct export_place *place, const char *text)
{
    if (write_all(place->fd, text, strlen(text)) && write_all(place->fd, "\n", 1) &&
        sync_place(place->fd) && (place->path == NULL || sync_directory(place->path)))
        return EXIT_DONE;
    return report_not_written(place);
}

/* A file that does not hold the text goes. */
static void close_place(const struct export_place *place, bool written)
{
    if (place->path == NULL)
        return;
    close(place->fd);
    if (!written)
        unlink(place->path);
}

static enum exit_status run_export(struct wormclient *client, const struct cli_options *options)
{
    const char *session = options->arguments[0];
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct export_place place;
    enum exit_status status = open_place(options, &place);
    char *text;

    if (status != EXIT_DONE)
        return status;
    text = wormclient_export(client, session, &error);
    if (text == NULL) {
        close_place(&place, false);
        return report_error_about(&error, session);
    }
    status = write_durably(&place, text);
    wormclient_secret_free(text);
    close_place(&place, status == EXIT_DONE);
    if (status != EXIT_DONE) {
        report("the session is kept, and the text can be printed again: wormctl export %s",
               session);
        return status;
    }
    if (options->given[OPTION_KEEP]) {
        report_hint("Once the text has arrived: wormctl forget --force %s", session);
        return EXIT_DONE;
    }
    return wormclient_export_done(client, session, &error) ? EXIT_DONE
                                                           : report_error_about(&error, session);
}

const struct cli_command export_command = {
    .name = "export",
    .usage = "SESSION",
    .help = "move a session out of this daemon",
    .details =
        "Prints one line that contains the secrets of the session, and then forgets the session\n"
        "here. Possible until the peer has joined.",
    .options = OPTION_BIT(OPTION_OUTPUT) | OPTION_BIT(OPTION_TERMINAL) | OPTION_BIT(OPTION_KEEP),
    .least = 1,
    .most = 1,
    .check = check_export,
    .run = run_export,
};

/* ---- import ---- */

static enum exit_status run_import(struct wormclient *client, const struct cli_options *options)
{
    const char *path = options->count > 0 ? options->arguments[0] : NULL;
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    struct wormclient_session *session;
    size_t length;
    char *text;
    enum exit_status status = input_file(path, IMPORT_MAX_BYTES, &text, &length);

    if (status != EXIT_DONE)
        return status;
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
        text[--length] = '\0';
    session = wormclient_import(client, text, options->text[OPTION_NAME], &error);
    wipe_free(text);
    if (session == NULL)
        return report_error(&error);
    status = new_session_print(options, session);
    report_hint("The session continues here. To see its progress: wormctl show %s",
                report_label(session));
    wormclient_session_free(session);
    return status;
}

const struct cli_command import_command = {
    .name = "import",
    .usage = "[FILE]",
    .help = "continue a session that was exported",
    .details =
        "Without FILE, or with -, it is read from standard input. Prints the id of the session,\n"
        "unless it has a name.",
    .options = OPTION_BIT(OPTION_NAME),
    .fields = fields_view,
    .most = 1,
    .run = run_import,
};
