/* backup: all that the daemon stores, in a file that a passphrase opens. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/passphrase.h"
#include "base/sealed_file.h"
#include "cli/command.h"

#define MIB ((int64_t)1024 * 1024)

/* Where it goes. */
struct backup_place {
    int fd;
    const char *path; /* NULL: it is standard output */
    char *temporary;  /* beside the path: what is there is not replaced before all is well */
    int error;        /* why nothing more could be written */
};

/* ---- the place ---- */

/* What a signal must remove; NULL once it has been removed, or is the backup. */
static char *volatile unfinished;
static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

static void on_signal(int number)
{
    static const char text[] = "\nwormctl: interrupted: no backup was made\n";

    if (unfinished != NULL) {
        unlink(unfinished);
        if (number == SIGINT && write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
            _exit(EXIT_INTERRUPTED);
    }
    _exit(128 + number);
}

static void guard(char *path)
{
    const struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;

    unfinished = path;
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like others */
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL); /* nohup(1) goes on meaning what it says */
}

static enum exit_status report_unwritten(const struct backup_place *place, int error)
{
    report("cannot write the backup to %s: %s",
           place->path != NULL ? place->path : "standard output", strerror(error));
    return EXIT_FAILED;
}

/* True if a new backup may take the place of what is there: nothing, or an old backup. */
static bool may_replace(const char *path)
{
    char magic[SEALED_MAGIC_BYTES];
    struct stat there;
    int fd;
    bool old;

    if (lstat(path, &there) != 0)
        return true; /* whoever makes it will tell why not */
    if (!S_ISREG(there.st_mode))
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    old = fd >= 0 && read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
          memcmp(magic, SEALED_MAGIC, sizeof(magic)) == 0;
    if (fd >= 0)
        close(fd);
    return old;
}

static enum exit_status open_place(const struct cli_options *options,
                                   struct backup_place *ret_place)
{
    const char *path = options->arguments[0];
    struct backup_place place = {.fd = STDOUT_FILENO};

    if (strcmp(path, "-") == 0) {
        *ret_place = place;
        return EXIT_DONE;
    }
    place.path = path;
    if (!may_replace(path)) {
        report("%s exists, is no backup, and is not overwritten; choose another name", path);
        return EXIT_FAILED;
    }
    if (asprintf(&place.temporary, "%s.XXXXXX", path) < 0)
        return report_memory();
    guard(place.temporary); /* which gets its name before the file is made */
    place.fd = mkostemp(place.temporary, O_CLOEXEC); /* mode 0600 */
    if (place.fd < 0) {
        enum exit_status status = report_unwritten(&place, errno);

        unfinished = NULL;
        free(place.temporary);
        return status;
    }
    *ret_place = place;
    return EXIT_DONE;
}

/* A sealed_sink. */
static bool put(void *arg, const void *data, size_t length)
{
    struct backup_place *place = arg;
    const char *bytes = data;

    while (length > 0) {
        ssize_t written = write(place->fd, bytes, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            place->error = errno;
            return false;
        }
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

/* Pipes cannot be synced. */
static bool sync_fd(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;
}

static bool sync_directory(const char *path)
{
    char *copy = strdup(path);
    int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool done = fd >= 0 && sync_fd(fd);
    int error = errno;

    if (fd >= 0)
        close(fd);
    free(copy);
    errno = error;
    return done;
}

/* A signal comes before the file has its name or after it, and tells the truth about that. */
static bool give_name(struct backup_place *place)
{
    sigset_t held, before;
    bool done;

    sigemptyset(&held);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        sigaddset(&held, signals[i]);
    sigprocmask(SIG_BLOCK, &held, &before);
    done = rename(place->temporary, place->path) == 0;
    if (done)
        unfinished = NULL;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return done;
}

/* Puts the file in its place, if there is one. */
static enum exit_status finish_place(struct backup_place *place)
{
    if (!sync_fd(place->fd))
        return report_unwritten(place, errno);
    if (place->path == NULL)
        return EXIT_DONE;
    if (!give_name(place))
        return report_unwritten(place, errno);
    free(place->temporary);
    place->temporary = NULL;
    if (sync_directory(place->path))
        return EXIT_DONE;
    report("the backup is complete, but if the machine crashes now its name %s may be lost: %s",
           place->path, strerror(errno));
    return EXIT_FAILED;
}

static void close_place(struct backup_place *place)
{
    if (place->temporary != NULL)
        unlink(place->temporary);
    unfinished = NULL;
    free(place->temporary);
    if (place->path != NULL)
        close(place->fd);
}

/* ---- the passphrase ---- */

static enum exit_status report_passphrase(enum passphrase_status status, const char *why)
{
    if (status == PASSPHRASE_NO_TERMINAL) {
        report("%s; give the passphrase with --passphrase-file FILE, or use --plain for a backup "
               "that everybody can read",
               why);
        return EXIT_USAGE;
    }
    report("%s", why);
    return status == PASSPHRASE_INTERRUPTED ? EXIT_INTERRUPTED : EXIT_FAILED;
}

/* NULL with --plain. passphrase_free(). */
static enum exit_status get_passphrase(const struct cli_options *options, char **ret_passphrase)
{
    const char *file = options->text[OPTION_PASSPHRASE_FILE];
    char why[PASSPHRASE_WHY];
    enum passphrase_status status;

    *ret_passphrase = NULL;
    if (options->given[OPTION_PLAIN])
        return EXIT_DONE;
    status = file != NULL ? passphrase_read(file, ret_passphrase, why, sizeof(why))
                          : passphrase_ask("Passphrase for the backup: ", true, ret_passphrase, why,
                                           sizeof(why));
    return status == PASSPHRASE_OK ? EXIT_DONE : report_passphrase(status, why);
}

/* ---- fetching ---- */

static enum exit_status report_sealing(enum sealed_fault fault, const struct backup_place *place)
{
    if (fault == SEALED_UNWRITTEN)
        return report_unwritten(place, place->error);
    report("the backup %s", sealed_fault_text(fault));
    return EXIT_FAILED;
}

static void show_progress(int64_t bytes)
{
    char text[64];

    snprintf(text, sizeof(text), "%lld MiB so far", (long long)(bytes / MIB));
    report_progress(text);
}

/* All pieces, one after the other. */
static enum exit_status fetch(struct wormclient *client, struct sealed_writer *writer,
                              const struct backup_place *place)
{
    struct wormclient_error error = WORMCLIENT_ERROR_INIT;
    enum sealed_fault fault = SEALED_OK;
    int64_t position = 0;

    while (position >= 0 && fault == SEALED_OK) {
        struct wormclient_backup *piece = wormclient_backup(client, position, &error);
        const void *data;
        size_t length;

        if (piece == NULL)
            return report_error(&error);
        data = wormclient_backup_data(piece, &length);
        fault = sealed_writer_add(writer, data, length);
        if (position / (16 * MIB) != (position + (int64_t)length) / (16 * MIB))
            show_progress(position + (int64_t)length);
        position = wormclient_backup_next(piece);
        wormclient_backup_free(piece);
    }
    if (fault == SEALED_OK)
        fault = sealed_writer_finish(writer);
    report_progress(NULL);
    return fault == SEALED_OK ? EXIT_DONE : report_sealing(fault, place);
}

static enum exit_status check_backup(const struct cli_options *options)
{
    struct stat file;

    if (options->given[OPTION_PLAIN] && options->given[OPTION_PASSPHRASE_FILE])
        return report_usage("backup", "give either --plain or --passphrase-file, not both");
    if (strcmp(options->arguments[0], "-") != 0)
        return EXIT_DONE;
    if (isatty(STDOUT_FILENO)) {
        report("backup: this is nothing to be shown on a terminal; name a file, or pass it on to "
               "another program");
        return EXIT_USAGE;
    }
    if (options->given[OPTION_PLAIN] && fstat(STDOUT_FILENO, &file) == 0 && S_ISREG(file.st_mode) &&
        (file.st_mode & (S_IRGRP | S_IROTH)) != 0) {
        report("backup: with --plain it is secret, and other users may read the file; let wormctl "
               "make one (wormctl backup --plain FILE)");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static enum exit_status write_backup(struct wormclient *client, const char *passphrase,
                                     struct backup_place *place)
{
    struct sealed_writer *writer;
    enum sealed_fault fault = sealed_writer_new(passphrase, SEALED_COST, put, place, &writer);
    enum exit_status status;

    if (fault != SEALED_OK)
        return report_sealing(fault, place);
    status = fetch(client, writer, place);
    sealed_writer_free(writer);
    return status == EXIT_DONE ? finish_place(place) : status;
}

static enum exit_status run_backup(struct wormclient *client, const struct cli_options *options)
{
    struct backup_place place;
    char *passphrase;
    enum exit_status status = get_passphrase(options, &passphrase);

    if (status == EXIT_DONE)
        status = open_place(options, &place);
    if (status != EXIT_DONE) {
        passphrase_free(passphrase);
        return status;
    }
    status = write_backup(client, passphrase, &place);
    passphrase_free(passphrase);
    close_place(&place);
    if (status == EXIT_DONE && place.path != NULL)
        report_hint("To put it back, where no sessions are yet: wormholed --restore %s",
                    place.path);
    return status;
}

const struct cli_command backup_command = {
    .name = "backup",
    .usage = "FILE",
    .help = "save all that the daemon stores, to be put back later",
    .details =
        "Asks for a passphrase, without which nobody can use the file. - writes to standard\n"
        "output. A backup under that name is replaced when the new one is complete; no other\n"
        "file is. To put it back: wormholed --restore FILE.",
    .options = OPTION_BIT(OPTION_PASSPHRASE_FILE) | OPTION_BIT(OPTION_PLAIN),
    .least = 1,
    .most = 1,
    .check = check_backup,
    .run = run_backup,
};
