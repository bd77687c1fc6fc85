#include "config.h"

#include "daemon/diagnose.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <jansson.h>

#include "base/utf8.h"
#include "daemon/relay_probe.h"
#include "daemon/settings.h"

#define TEXT_MAX 1024
#define MIB      ((uint64_t)1024 * 1024)
/* Room on the disk: a message takes up to 16 MiB. */
#define ROOM_NEEDED (16 * MIB)
#define ROOM_SPARE  (256 * MIB)

/* ---- findings ---- */

static bool found_bad;

/* A name of a file need not be UTF-8. */
static void make_valid(char *text)
{
    if (!utf8_valid(text, strlen(text)))
        for (char *byte = text; *byte != '\0'; byte++)
            if ((unsigned char)*byte >= 0x80)
                *byte = '?';
}

void diagnose_say(const char *check, enum diagnose_result result, const char *advice,
                  const char *format, ...)
{
    static const char *const results[DIAGNOSE_RESULTS] = {
        [DIAGNOSE_GOOD] = "good", [DIAGNOSE_HINT] = "hint", [DIAGNOSE_BAD] = "bad"};
    char text[TEXT_MAX], what_to_do[TEXT_MAX];
    va_list values;
    json_t *finding;

    va_start(values, format);
    vsnprintf(text, sizeof(text), format, values);
    va_end(values);
    make_valid(text);
    snprintf(what_to_do, sizeof(what_to_do), "%s", advice != NULL ? advice : "");
    make_valid(what_to_do);
    found_bad = found_bad || result == DIAGNOSE_BAD;
    finding = json_pack("{s:s, s:s, s:s, s:s?}", "check", check, "result", results[result], "text",
                        text, "advice", advice != NULL ? what_to_do : NULL);
    if (finding == NULL || json_dumpf(finding, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF ||
        fflush(stdout) != 0)
        found_bad = true; /* nobody can be told more than that */
    json_decref(finding);
}

/* ---- the state directory ---- */

/* File systems on which a store is not, or may not be, what it is on a disk of one's own. */
static const struct state_file_system {
    unsigned long magic;
    enum diagnose_result result;
    const char *name, *advice;
} file_systems[] = {
    {NFS_SUPER_MAGIC, DIAGNOSE_BAD, "NFS", "use a local disk: 'state' in wormholed.conf"},
    {SMB_SUPER_MAGIC, DIAGNOSE_BAD, "SMB", "use a local disk: 'state' in wormholed.conf"},
    {CIFS_SUPER_MAGIC, DIAGNOSE_BAD, "SMB", "use a local disk: 'state' in wormholed.conf"},
    {SMB2_SUPER_MAGIC, DIAGNOSE_BAD, "SMB", "use a local disk: 'state' in wormholed.conf"},
    {V9FS_MAGIC, DIAGNOSE_BAD, "9p", "use a local disk: 'state' in wormholed.conf"},
    {FUSE_SUPER_MAGIC, DIAGNOSE_HINT, "FUSE",
     "make sure that it is a local disk, and locks and maps files as one"},
    {TMPFS_MAGIC, DIAGNOSE_HINT, "tmpfs, which forgets everything when the machine restarts",
     "use a disk: 'state' in wormholed.conf"},
    {RAMFS_MAGIC, DIAGNOSE_HINT, "ramfs, which forgets everything when the machine restarts",
     "use a disk: 'state' in wormholed.conf"},
};

/* The nearest directory above that exists, in place. */
static void find_existing(char *path)
{
    struct stat there;

    while (stat(path, &there) < 0 && strcmp(path, "/") != 0 && strcmp(path, ".") != 0)
        memmove(path, dirname(path), strlen(path) + 1);
}

/* Who may do what with the directory and the store in it. False after a finding. */
static bool check_rights(const char *path, const struct stat *there)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "keys"};
    char advice[TEXT_MAX], file[TEXT_MAX];
    struct stat status;

    snprintf(advice, sizeof(advice), "chmod 700 %s", path);
    if (!S_ISDIR(there->st_mode)) {
        diagnose_say("state", DIAGNOSE_BAD, "move it away, or choose another 'state'",
                     "%s is no directory", path);
        return false;
    }
    if (there->st_uid != geteuid()) {
        diagnose_say("state", DIAGNOSE_BAD, "choose one of your own, or give it back with chown",
                     "%s belongs to another user (uid %ju)", path, (uintmax_t)there->st_uid);
        return false;
    }
    if (there->st_mode & (S_IWGRP | S_IWOTH)) {
        diagnose_say("state", DIAGNOSE_BAD, advice, "others may write to %s", path);
        return false;
    }
    if (access(path, R_OK | W_OK | X_OK) < 0) {
        diagnose_say("state", DIAGNOSE_BAD,
                     errno == EROFS ? "mount it writable, or choose another 'state'" : advice,
                     "%s cannot be written: %s", path, strerror(errno));
        return false;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(file, sizeof(file), "%s/%s", path, files[i]);
        if (stat(file, &status) < 0 || status.st_uid == geteuid())
            continue;
        diagnose_say("state", DIAGNOSE_BAD, "give it back with chown, as root",
                     "%s belongs to another user (uid %ju)", file, (uintmax_t)status.st_uid);
        return false;
    }
    return true;
}

static void check_room(const char *path, const char *existing)
{
    struct statvfs room;
    uint64_t left;

    if (statvfs(existing, &room) < 0) {
        diagnose_say("state room", DIAGNOSE_BAD, NULL, "cannot look at %s: %s", existing,
                     strerror(errno));
        return;
    }
    left = (uint64_t)room.f_bavail * room.f_frsize;
    diagnose_say("state room",
                 left < ROOM_NEEDED  ? DIAGNOSE_BAD
                 : left < ROOM_SPARE ? DIAGNOSE_HINT
                                     : DIAGNOSE_GOOD,
                 left < ROOM_SPARE ? "free some space on that disk" : NULL,
                 "%" PRIu64 " MiB are free at %s", left / MIB, path);
}

static void check_file_system(const char *path, const char *existing)
{
    struct statfs status;

    if (statfs(existing, &status) < 0)
        return;
    for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++)
        if ((unsigned long)status.f_type == file_systems[i].magic)
            diagnose_say("file system", file_systems[i].result, file_systems[i].advice,
                         "%s is on %s", path, file_systems[i].name);
}

static void check_state(const char *path)
{
    char existing[4096];
    struct stat there;

    snprintf(existing, sizeof(existing), "%s", path);
    if (stat(path, &there) == 0) {
        if (!check_rights(path, &there))
            return;
        diagnose_say("state", DIAGNOSE_GOOD, NULL, "%s is yours alone to write", path);
    } else {
        int error = errno;

        find_existing(existing);
        if ((error != ENOENT && error != ENOTDIR) || access(existing, W_OK | X_OK) < 0) {
            diagnose_say("state", DIAGNOSE_BAD, "choose another 'state' in wormholed.conf",
                         "%s cannot be made: %s", path, strerror(error == ENOENT ? errno : error));
            return;
        }
        diagnose_say("state", DIAGNOSE_GOOD, NULL, "%s is made when the daemon first starts", path);
    }
    check_room(path, existing);
    check_file_system(path, existing);
}

/* ---- everything ---- */

/* One finding for each of the mistakes (settings_mistake()), which are cut into lines. */
static void say_mistakes(char *mistakes)
{
    const char *mistake;

    while ((mistake = strsep(&mistakes, "\n")) != NULL)
        if (mistake[0] != '\0')
            diagnose_say("config", DIAGNOSE_BAD, "mend it, then: wormholed --check-config", "%s",
                         mistake);
}

int diagnose_run(const struct service_options *options)
{
    struct settings settings = {0};
    char why[SETTINGS_WHY_SIZE] = "";

    signal(SIGPIPE, SIG_IGN);
    found_bad = false;
    if (!settings_read(options, &settings, why, sizeof(why))) {
        say_mistakes(why);
        diagnose_say("relay", DIAGNOSE_HINT, NULL,
                     "not looked at, nor the state directory, until the settings can be read");
    } else {
        if (!settings_check(&settings, why, sizeof(why)))
            say_mistakes(why);
        else if (settings.config_file != NULL)
            diagnose_say("config", DIAGNOSE_GOOD, NULL, "%s", settings.config_file);
        else
            diagnose_say("config", DIAGNOSE_GOOD, NULL,
                         "there is no configuration file; what is built in applies");
        check_state(settings.state);
        relay_probe(&settings);
    }
    settings_clear(&settings);
    return found_bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
