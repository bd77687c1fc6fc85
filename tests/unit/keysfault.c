#include "config.h"

#include "keysfault.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static unsigned counts[KEYSFAULT_CALLS];
static int errors[KEYSFAULT_CALLS];
static unsigned to_death; /* 0: nothing planned */

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

static bool is_keys(int file)
{
    static const char ending[] = "/keys";
    char link[64], path[4096];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof(path));
    ssize_t tail = sizeof(ending) - 1;
    return length >= tail && memcmp(path + length - tail, ending, (size_t)tail) == 0;
}

static bool refuse(int file, enum keysfault_call call)
{
    if (!is_keys(file))
        return false;
    counts[call]++;
    if (call != KEYSFAULT_READ && to_death > 0 && --to_death == 0)
        kill(getpid(), SIGKILL);
    errno = errors[call];
    return errors[call] != 0;
}

ssize_t pread(int file, void *data, size_t length, off_t offset)
{
    return refuse(file, KEYSFAULT_READ) ? -1 : syscall(SYS_pread64, file, data, length, offset);
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset)
{
    return refuse(file, KEYSFAULT_WRITE) ? -1 : syscall(SYS_pwrite64, file, data, length, offset);
}

int fdatasync(int file)
{
    return refuse(file, KEYSFAULT_SYNC) ? -1 : (int)syscall(SYS_fdatasync, file);
}
