#include "config.h"

#include "kv/kv_parts.h"

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

/* ---- making and checking ---- */

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
    /* Makes the new name durable, as far as the file system can. */
    int directory = made ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (directory >= 0) {
        fsync(directory);
        close(directory);
    }
    int error = errno;
    free(copy);
    errno = error;
    return made;
}

static enum kv_status check_owner(int directory, const char *path, const struct kv_open_error *why)
{
    struct stat there;
    if (fstat(directory, &there) != 0)
        return kv_open_fail(why, KV_FAILED, "cannot look at %s: %s", path, strerror(errno));
    if (there.st_uid != geteuid())
        return kv_open_fail(
            why, KV_DENIED,
            "the state directory %s belongs to another user (uid %ju); choose one of "
            "your own",
            path, (uintmax_t)there.st_uid);
    if (there.st_mode & (S_IWGRP | S_IWOTH))
        return kv_open_fail(
            why, KV_DENIED,
            "others may write to the state directory %s; make it private: chmod 700 %s", path,
            path);
    return KV_OK;
}

enum kv_status kv_directory_open(const char *path, const struct kv_open_error *why,
                                 int *ret_directory)
{
    int directory = -1;
    if (make_path(path))
        directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return kv_open_fail(why, kv_status_of(errno),
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

/* The file may hold the pid of who has locked it. */
static enum kv_status locked(int lock, const char *path, const struct kv_open_error *why)
{
    char text[24];
    ssize_t length = pread(lock, text, sizeof(text) - 1, 0);
    text[length > 0 ? length : 0] = 0;
    long holder = strtol(text, NULL, 10);
    if (holder > 0)
        return kv_open_fail(why, KV_LOCKED,
                            "the state directory %s is in use by another %s (process %ld)", path,
                            why->program, holder);
    return kv_open_fail(why, KV_LOCKED, "the state directory %s is in use by another %s", path,
                        why->program);
}

enum kv_status kv_directory_lock(int directory, const char *path, const struct kv_open_error *why,
                                 int *ret_lock)
{
    int lock = openat(directory, KV_LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return kv_open_fail(why, kv_status_of(errno), "cannot open %s/%s: %s", path, KV_LOCK_FILE,
                            strerror(errno));

    enum kv_status status = KV_OK;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0)
        status = errno == EWOULDBLOCK
                     ? locked(lock, path, why)
                     : kv_open_fail(why, kv_status_of(errno), "cannot lock %s/%s: %s", path,
                                    KV_LOCK_FILE, strerror(errno));
    if (status != KV_OK) {
        close(lock);
        return status;
    }
    /* Only an aid for people: the lock holds without it, even on a full disk. */
    if (ftruncate(lock, 0) == 0)
        dprintf(lock, "%ld\n", (long)getpid());
    *ret_lock = lock;
    return KV_OK;
}

/* ---- the head of LMDB's file ---- */

/* The first two pages as LMDB 0.9 lays them out in the machine's own sizes and byte order: MDB_page
 * and MDB_meta of its mdb.c. */
struct kv_header_tree {
    uint32_t pad; /* in the first tree: the page size */
    uint16_t flags;
    uint16_t depth;
    size_t numbers[5];
};

struct kv_header_page {
    size_t number;
    uint16_t pad;
    uint16_t flags;
    uint32_t bounds;

    uint32_t magic;
    uint32_t version;
    void *address;
    size_t map_size;
    struct kv_header_tree trees[2]; /* free pages, main */
    size_t last_page;
    size_t transaction;
};

#define HEADER_MAGIC    0xBEEFC0DE
#define HEADER_VERSION  1
#define HEADER_META     0x08 /* the page's flag */
#define HEADER_PAGE_MIN 256
#define HEADER_PAGE_MAX 0x10000

static bool read_page(int file, uint64_t offset, struct kv_header_page *ret_page)
{
    struct kv_header_page page;

    if (pread(file, &page, sizeof(page), (off_t)offset) != (ssize_t)sizeof(page) ||
        !(page.flags & HEADER_META) || page.magic != HEADER_MAGIC || page.version != HEADER_VERSION)
        return false;
    *ret_page = page;
    return true;
}

/*
 * True if the file reaches as far as its newest transaction says. (LMDB itself would not write free
 * pages at the very end; kv/space.c sees to it that the file is long enough all the same.)
 */
static bool whole(int file, uint64_t length)
{
    struct kv_header_page first, second;

    if (!read_page(file, 0, &first))
        return false;
    uint32_t page = first.trees[0].pad;
    if (page < HEADER_PAGE_MIN || page > HEADER_PAGE_MAX || (page & (page - 1)) != 0 ||
        !read_page(file, page, &second) || second.trees[0].pad != page)
        return false;
    const struct kv_header_page *newest = first.transaction < second.transaction ? &second : &first;
    return newest->last_page >= 1 && newest->last_page < length / page;
}

enum kv_status kv_header_check(int directory, const char *path, const struct kv_open_error *why)
{
    struct stat there;
    int file = openat(directory, KV_DATA_FILE, O_RDONLY | O_CLOEXEC);

    if (file < 0 && errno == ENOENT)
        return KV_MISSING;
    if (file < 0 || fstat(file, &there) != 0) {
        int error = errno;
        if (file >= 0)
            close(file);
        return kv_open_fail(why, kv_status_of(error), "cannot read %s/%s: %s", path, KV_DATA_FILE,
                            strerror(error));
    }
    bool good = S_ISREG(there.st_mode) && whole(file, (uint64_t)there.st_size);
    close(file);
    if (!good)
        return kv_open_fail(why, KV_DAMAGED,
                            "%s/%s is damaged or no store of %s; it was left as it is. Put a good "
                            "copy in its place, or move all of %s away to begin anew",
                            path, KV_DATA_FILE, why->program, path);
    return KV_OK;
}

int kv_file_obstacle(int directory)
{
    int file = openat(directory, KV_DATA_FILE, O_RDWR | O_CLOEXEC);

    if (file < 0)
        return errno;
    close(file);
    return EIO;
}

/* ---- its length ---- */

bool kv_file_stretch(int file, uint64_t from, uint64_t to)
{
    FAULT_POINT("store.stretch");
    if (fallocate(file, 0, (off_t)from, (off_t)(to - from)) == 0)
        return true;
    /* Not every file system can promise blocks. */
    return errno == EOPNOTSUPP && ftruncate(file, (off_t)to) == 0;
}

int kv_file_refused(int file, uint64_t from)
{
    return kv_file_stretch(file, from, from + KV_FILE_STEP) ? 0 : errno;
}
