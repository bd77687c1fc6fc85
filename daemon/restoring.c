#include "config.h"

#include "daemon/restoring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupts.h"
#include "base/passphrase.h"
#include "base/sealed_file.h"
#include "daemon/settings.h"
#include "service/options.h"
#include "service/process.h"
#include "state/restore.h"

#define WHY_MAX 1024

struct restoring {
    struct interrupts interrupts; /* after which what was begun is removed */
    const char *name;             /* of the file, for people */
    int file;
    struct sealed_head head;
    struct sealed_reader *reader;
    struct restore *restore;
    uint8_t head_bytes[SEALED_HEAD_BYTES];
    uint8_t piece[SEALED_PIECE + SEALED_EXTRA];
};

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("wormholed: ", stderr);
    vfprintf(stderr, format, arguments); /* NOLINT(clang-analyzer-valist.Uninitialized): it is */
    putc('\n', stderr);
    va_end(arguments);
    return false;
}

/* ---- the file ---- */

/* Up to `size` bytes; fewer only at the end of the file. */
static bool read_file(const struct restoring *restoring, uint8_t *ret_data, size_t size,
                      size_t *ret_length)
{
    size_t length = 0;
    ssize_t got = 1;
    while (length < size && got != 0) {
        if (interrupts_wait(&restoring->interrupts, restoring->file) != 0)
            return complain("interrupted; nothing was restored");
        got = read(restoring->file, ret_data + length, size - length);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return complain("cannot read %s: %s", restoring->name, strerror(errno));
        length += got > 0 ? (size_t)got : 0;
    }
    *ret_length = length;
    return true;
}

static bool check(const struct restoring *restoring, enum sealed_fault fault)
{
    return fault == SEALED_OK || complain("%s %s", restoring->name, sealed_fault_text(fault));
}

static bool open_file(struct restoring *restoring, const char *path)
{
    size_t length = 0;
    if (strcmp(path, "-") == 0) {
        restoring->name = "standard input";
        restoring->file = STDIN_FILENO;
    } else {
        restoring->name = path;
        restoring->file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    }
    if (restoring->file < 0)
        return complain("cannot read %s: %s", restoring->name, strerror(errno));
    return read_file(restoring, restoring->head_bytes, SEALED_HEAD_BYTES, &length) &&
           check(restoring, sealed_head_read(restoring->head_bytes, length, &restoring->head));
}

/* ---- its key ---- */

static bool get_passphrase(const char *file, char **ret_passphrase)
{
    char why[PASSPHRASE_WHY];
    enum passphrase_status status =
        file != NULL
            ? passphrase_read(file, ret_passphrase, why, sizeof(why))
            : passphrase_ask("Passphrase of the backup: ", false, ret_passphrase, why, sizeof(why));
    if (status == PASSPHRASE_NO_TERMINAL)
        return complain("%s; name a file with --passphrase-file", why);
    return status == PASSPHRASE_OK || complain("%s", why);
}

static bool make_reader(struct restoring *restoring, const char *passphrase_file)
{
    char *passphrase = NULL;
    if (restoring->head.locked && !get_passphrase(passphrase_file, &passphrase))
        return false;
    bool made =
        check(restoring, sealed_reader_new(&restoring->head, passphrase, &restoring->reader));
    passphrase_free(passphrase);
    return made;
}

/* ---- putting it back ---- */

static bool judge(const struct restoring *restoring, enum restore_result result, const char *why)
{
    if (result == RESTORE_FAILED)
        return complain("%s", why);
    return result == RESTORE_OK || check(restoring, SEALED_DAMAGED);
}

static bool copy_all(struct restoring *restoring)
{
    size_t wanted, length = 0, opened = 0;
    const uint8_t *data = NULL;
    char why[WHY_MAX];
    while ((wanted = sealed_reader_wants(restoring->reader)) > 0)
        if (!read_file(restoring, restoring->piece, wanted, &length) ||
            !check(restoring, sealed_reader_open(restoring->reader, restoring->piece, length, &data,
                                                 &opened)) ||
            !judge(restoring, restore_add(restoring->restore, data, opened, why, sizeof(why)), why))
            return false;
    /* Nothing follows the end. */
    return read_file(restoring, restoring->piece, 1, &length) &&
           check(restoring, length == 0 ? SEALED_OK : SEALED_DAMAGED);
}

static bool finish(struct restoring *restoring, const char *state)
{
    uint64_t sessions, unreadable;
    char why[WHY_MAX];
    if (!judge(restoring,
               restore_finish(restoring->restore, &sessions, &unreadable, why, sizeof(why)), why))
        return false;
    if (unreadable > 0)
        complain("warning: %" PRIu64 " of the sessions cannot be read, as when the backup was made",
                 unreadable);
    printf("%" PRIu64 " session%s restored in %s\n", sessions, sessions == 1 ? "" : "s", state);
    return true;
}

static bool put_back(struct restoring *restoring, const char *state, const char *passphrase_file)
{
    char why[WHY_MAX];
    return judge(restoring, restore_begin(state, &restoring->restore, why, sizeof(why)), why) &&
           make_reader(restoring, passphrase_file) && copy_all(restoring) &&
           finish(restoring, state);
}

/* A terminal that goes away ends it, unless nohup(1) has said otherwise: that is a daemon's own. */
static void prepare(void)
{
    struct sigaction hangup;
    sigaction(SIGHUP, NULL, &hangup);
    process_prepare();
    sigaction(SIGHUP, &hangup, NULL);
}

int restoring_run(const struct service_options *options)
{
    struct restoring restoring = {.file = -1};
    struct settings settings = {0};
    char why[SETTINGS_WHY_SIZE] = "";
    bool done = false;
    prepare();
    if (!interrupts_begin(false, &restoring.interrupts)) {
        complain("cannot listen to signals: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    if (sodium_init() < 0)
        complain("libsodium has no source of randomness");
    else if (!settings_read(options, &settings, why, sizeof(why)))
        options_complain(&settings_options, why);
    else if (open_file(&restoring, options->restore))
        done = put_back(&restoring, settings.state, options->passphrase_file);
    restore_free(restoring.restore);
    sealed_reader_free(restoring.reader);
    if (restoring.file > STDIN_FILENO)
        close(restoring.file);
    settings_clear(&settings);
    /* Signals are not heard again: what was done is not taken back. */
    return done && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
