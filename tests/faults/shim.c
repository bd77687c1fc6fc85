/*
 * Preloaded into a program: one call to the system, or for memory, fails once. $WORMHOLED_SHIM is
 * NAME:N:ERRNO, and the N-th call of the function NAME fails with that errno; `memory` stands for
 * all that allocate. An errno of 0 means that the process is killed before that call. What happened
 * is told on standard error, and at a proper end how often each function was called.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct site {
    const char *name;
    unsigned long calls;
    bool planned;
    struct site *next;
};

static struct site *sites;
static char planned_name[32];
static unsigned long planned_call;
static int planned_errno;
static bool armed; /* not before the program itself begins */

/* Neither stdio nor write(), which may be what is to fail. */
static void tell(const char *format, const char *name, unsigned long number)
{
    char line[128];
    int length = snprintf(line, sizeof line, format, name, number);
    syscall(SYS_write, STDERR_FILENO, line, (size_t)length);
}

__attribute__((constructor)) static void begin(void)
{
    const char *plan = getenv("WORMHOLED_SHIM");
    armed =
        plan && sscanf(plan, "%31[^:]:%lu:%d", planned_name, &planned_call, &planned_errno) == 3;
}

__attribute__((destructor)) static void end(void)
{
    for (const struct site *site = sites; armed && site; site = site->next)
        tell("shim: %s was called %lu times\n", site->name, site->calls);
    armed = false;
}

static void enlist(struct site *site)
{
    site->planned = strcmp(site->name, planned_name) == 0;
    site->next = sites;
    sites = site;
}

/* Counts the call; true, with errno, if it is to fail. */
static bool refuse(struct site *site)
{
    if (!armed)
        return false;
    if (site->calls++ == 0)
        enlist(site);
    if (!site->planned || site->calls != planned_call)
        return false;
    tell("shim: %s fails at call %lu\n", site->name, site->calls);
    if (planned_errno == 0)
        kill(getpid(), SIGKILL);
    errno = planned_errno;
    return true;
}

/* ---- memory: glibc's own names for what it does ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static struct site memory = {.name = "memory"};

void *malloc(size_t size)
{
    return refuse(&memory) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return refuse(&memory) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return refuse(&memory) ? NULL : __libc_realloc(old, size);
}

/* ---- the system ---- */

/* A function that returns `failed` when it is refused, and otherwise does what the next library
 * does. */
#define FAULTY(type, failed, function, parameters, arguments)                                      \
    type function parameters                                                                       \
    {                                                                                              \
        static struct site site = {.name = #function};                                             \
        static type(*real) parameters;                                                             \
        if (!real)                                                                                 \
            *(void **)&real = dlsym(RTLD_NEXT, #function);                                         \
        return refuse(&site) ? failed : real arguments;                                            \
    }

FAULTY(ssize_t, -1, write, (int file, const void *data, size_t size), (file, data, size))
FAULTY(ssize_t, -1, writev, (int file, const struct iovec *parts, int count), (file, parts, count))
FAULTY(ssize_t, -1, pwrite, (int file, const void *data, size_t size, off_t at),
       (file, data, size, at))
FAULTY(ssize_t, -1, pwritev, (int file, const struct iovec *parts, int count, off_t at),
       (file, parts, count, at))
FAULTY(ssize_t, -1, sendto,
       (int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
        socklen_t length),
       (fd, data, size, flags, to, length))
FAULTY(ssize_t, -1, sendmsg, (int fd, const struct msghdr *message, int flags),
       (fd, message, flags))
FAULTY(int, -1, fsync, (int file), (file))
FAULTY(int, -1, fdatasync, (int file), (file))
FAULTY(int, -1, msync, (void *where, size_t size, int flags), (where, size, flags))
FAULTY(int, -1, ftruncate, (int file, off_t size), (file, size))
FAULTY(int, -1, fallocate, (int file, int mode, off_t from, off_t size), (file, mode, from, size))
FAULTY(int, -1, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
FAULTY(int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
FAULTY(int, -1, mkdirat, (int directory, const char *path, mode_t mode), (directory, path, mode))
FAULTY(int, -1, socket, (int domain, int type, int protocol), (domain, type, protocol))
FAULTY(int, -1, connect, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size))
FAULTY(int, -1, bind, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size))
FAULTY(int, -1, listen, (int fd, int backlog), (fd, backlog))
FAULTY(int, -1, accept4, (int fd, struct sockaddr *from, socklen_t *size, int flags),
       (fd, from, size, flags))
FAULTY(void *, MAP_FAILED, mmap,
       (void *where, size_t size, int protection, int flags, int file, off_t at),
       (where, size, protection, flags, file, at))

/* Those whose last parameter may be missing. */
#define FAULTY_OPEN(function, parameters, directory, path, flags)                                  \
    int function parameters                                                                        \
    {                                                                                              \
        static struct site site = {.name = #function};                                             \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = (flags)&O_CREAT ? va_arg(more, mode_t) : 0;                                  \
        va_end(more);                                                                              \
        return refuse(&site) ? -1 : (int)syscall(SYS_openat, directory, path, flags, mode);        \
    }

FAULTY_OPEN(open, (const char *path, int flags, ...), AT_FDCWD, path, flags)
FAULTY_OPEN(openat, (int directory, const char *path, int flags, ...), directory, path, flags)
