#include "config.h"

#include "keysfault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static unsigned counts[KEYSFAULT_CALLS];
static int errors[KEYSFAULT_CALLS];
static unsigned to_death; /* 0: nothing planned */
static off_t bad_page;    /* 0: none */

unsigned keysfault_count(enum keysfault_call call)
{
    unsigned count = counts[call];
    counts[call] = 0;
    return count;
}

void keysfault_refuse(enum keysfault_call call, int error)
{
    errors[call] = error;
}

void keysfault_kill(unsigned nth)
{
    to_death = nth;
}

void keysfault_bad_page(off_t place)
{
    bad_page = place;
}

static bool is_name(const char *name)
{
    return strcmp(name, "keys") == 0 || strncmp(name, "keys.", 5) == 0;
}

static bool is_keys(int file)
{
    char link[64], path[4096];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    path[length < 0 ? 0 : length] = '\0';
    const char *slash = strrchr(path, '/');
    return slash != NULL && is_name(slash + 1);
}

static bool is_directory(int file)
{
    struct stat status;
    return fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool refuse(bool ours, enum keysfault_call call)
{
    if (!ours)
        return false;
    counts[call]++;
    if (call != KEYSFAULT_READ && to_death > 0 && --to_death == 0)
        kill(getpid(), SIGKILL);
    errno = errors[call];
    return errors[call] != 0;
}

/* True if the call touches the bad page, but does not write all of it, which cures it. */
static bool is_bad(int file, size_t length, off_t offset, bool writes)
{
    off_t end = offset + (off_t)length;
    if (bad_page == 0 || end <= bad_page || offset >= bad_page + 4096 || !is_keys(file))
        return false;
    if (writes && offset <= bad_page && end >= bad_page + 4096) {
        bad_page = 0;
        return false;
    }
    errno = EIO;
    return true;
}

ssize_t pread(int file, void *data, size_t length, off_t offset)
{
    if (refuse(is_keys(file), KEYSFAULT_READ) || is_bad(file, length, offset, false))
        return -1;
    return syscall(SYS_pread64, file, data, length, offset);
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset)
{
    if (refuse(is_keys(file), KEYSFAULT_WRITE) || is_bad(file, length, offset, true))
        return -1;
    return syscall(SYS_pwrite64, file, data, length, offset);
}

/* Nothing here has to outlive the machine, and a busy disk takes its time: none really syncs. */
int fdatasync(int file)
{
    return refuse(is_keys(file), KEYSFAULT_SYNC) ? -1 : 0;
}

int fsync(int file)
{
    bool refused = refuse(is_keys(file), KEYSFAULT_FSYNC);
    return refused || refuse(is_directory(file), KEYSFAULT_DIRECTORY) ? -1 : 0;
}

int ftruncate(int file, off_t length)
{
    return refuse(is_keys(file), KEYSFAULT_OTHER) ? -1 : (int)syscall(SYS_ftruncate, file, length);
}

int renameat(int from, const char *old, int to, const char *name)
{
    return refuse(is_name(name), KEYSFAULT_OTHER)
               ? -1
               : (int)syscall(SYS_renameat2, from, old, to, name, 0);
}

int unlinkat(int directory, const char *name, int flags)
{
    return refuse(is_name(name), KEYSFAULT_OTHER)
               ? -1
               : (int)syscall(SYS_unlinkat, directory, name, flags);
}

int linkat(int from, const char *old, int to, const char *name, int flags)
{
    return refuse(is_name(name), KEYSFAULT_LINK)
               ? -1
               : (int)syscall(SYS_linkat, from, old, to, name, flags);
}
