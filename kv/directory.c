#include "config.h"

#include "kv/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "kv/table.h"

#define LOCK_NAME "lock"

/* ---- making and checking ---- */

/* Makes a new name in the directory durable, as far as the file system can. */
static void sync_directory(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return;
    fsync(directory);
    close(directory);
}

/* Makes the directory and its parents. False with errno. */
static bool make_path(const char *path)
{
    struct stat there;
    if (stat(path, &there) == 0)
        return true;
    if (errno != ENOENT)
        return false;

    char *copy = strdup(path);
    if (copy == NULL)
        return false;
    const char *parent = dirname(copy);
    bool made = make_path(parent) && (mkdir(path, 0700) == 0 || errno == EEXIST);
    FAULT_POINT("store.directory.sync.before");
    if (made)
        sync_directory(parent);
    int error = errno;
    free(copy);
    errno = error;
    return made;
}

static enum kv_status check_owner(int directory, const char *path, const struct open_error *why)
{
    struct stat there;
    if (fstat(directory, &there) != 0)
        return open_error_set(why, KV_FAILED, "cannot look at %s: %s", path, strerror(errno));
    if (there.st_uid != geteuid())
        return open_error_set(
            why, KV_DENIED,
            "the state directory %s belongs to another user (uid %ju); choose one of "
            "your own",
            path, (uintmax_t)there.st_uid);
    if (there.st_mode & (S_IWGRP | S_IWOTH))
        return open_error_set(
            why, KV_DENIED,
            "others may write to the state directory %s; make it private: chmod 700 %s", path,
            path);
    return KV_OK;
}

enum kv_status directory_open(const char *path, const struct open_error *why, int *ret_directory)
{
    int directory = -1;
    if (make_path(path))
        directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return open_error_set(why, kv_status_of(errno),
                              "cannot make or open the state directory %s: %s", path,
                              strerror(errno));

    enum kv_status status = check_owner(directory, path, why);
    if (status != KV_OK)
        close(directory);
    else
        *ret_directory = directory;
    return status;
}

/* ---- the lock ---- */

static void write_holder(int lock)
{
    /* Only a help for people: the lock holds without it, on a full disk too. */
    if (ftruncate(lock, 0) == 0)
        dprintf(lock, "%ld\n", (long)getpid());
}

/* The pid in the file, or 0. */
static long read_holder(int lock)
{
    char text[24];
    ssize_t length = pread(lock, text, sizeof(text) - 1, 0);
    if (length <= 0)
        return 0;
    text[length] = 0;
    return strtol(text, NULL, 10);
}

static enum kv_status locked(int lock, const char *path, const struct open_error *why)
{
    long holder = read_holder(lock);
    if (holder > 0)
        return open_error_set(why, KV_LOCKED,
                              "the state directory %s is in use by another %s (process %ld)", path,
                              why->program, holder);
    return open_error_set(why, KV_LOCKED, "the state directory %s is in use by another %s", path,
                          why->program);
}

enum kv_status directory_lock(int directory, const char *path, const struct open_error *why,
                              int *ret_lock)
{
    int lock = openat(directory, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return open_error_set(why, kv_status_of(errno), "cannot open %s/%s: %s", path, LOCK_NAME,
                              strerror(errno));

    enum kv_status status = KV_OK;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0)
        status = errno == EWOULDBLOCK
                     ? locked(lock, path, why)
                     : open_error_set(why, kv_status_of(errno), "cannot lock %s/%s: %s", path,
                                      LOCK_NAME, strerror(errno));
    if (status != KV_OK) {
        close(lock);
        return status;
    }
    write_holder(lock);
    *ret_lock = lock;
    return KV_OK;
}
